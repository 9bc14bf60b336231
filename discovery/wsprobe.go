package discovery

import (
	"crypto/rand"
	"fmt"
)

// probeTypes are what is asked for, each in a message of its own: some cameras answer only
// a probe without types, some only dn:NetworkVideoTransmitter, some only tds:Device, and
// some none that asks for two of them.
var probeTypes = []string{
	"",
	`<d:Types xmlns:dn="http://www.onvif.org/ver10/network/wsdl">dn:NetworkVideoTransmitter</d:Types>`,
	`<d:Types xmlns:tds="http://www.onvif.org/ver10/device/wsdl">tds:Device</d:Types>`,
}

// probe is a WS-Discovery probe (April 2005, section 5.2), on one line: Hikvision cameras
// do not understand newlines in it. Each has an identifier of its own, because a device
// may leave out a repetition that it knows.
func probe(types string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>`+
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"`+
		` xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"`+
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">`+
		`<s:Header><a:MessageID>urn:uuid:%s</a:MessageID>`+
		`<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>`+
		`<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>`+
		`<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>`+
		`</s:Header><s:Body><d:Probe>%s</d:Probe></s:Body></s:Envelope>`, newUUID(), types)
}

// newUUID is a random UUID (RFC 4122, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
