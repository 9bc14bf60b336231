package device

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const discoverySpace = "http://schemas.xmlsoap.org/ws/2005/04/discovery"

// answerWithin is by when an answer leaves. The standard allows half a second.
const answerWithin = 200 * time.Millisecond

// Types of a device (ONVIF Core section 7.3.2.1).
var (
	typeTransmitter = xml.Name{Space: namespaces["tdn"], Local: "NetworkVideoTransmitter"}
	typeDevice      = xml.Name{Space: namespaces["tds"], Local: "Device"}
)

// A probe is what somebody looks for: WS-Discovery's Probe or Resolve.
type probe struct {
	id       string // of the message
	resolve  string // endpoint reference; "": it is no Resolve
	types    []xml.Name
	scopes   []string
	newlines bool // in the datagram
}

// parseProbe reads a datagram; nil is none for us.
func parseProbe(data []byte) *probe {
	root, err := parseXML(data)
	if err != nil || root.name.Local != "Envelope" {
		return nil
	}
	p := &probe{newlines: bytes.ContainsAny(data, "\r\n")}
	var body *element
	for _, part := range root.children {
		switch {
		case part.name.Local == "Header":
			p.id = part.value("MessageID")
		case part.name.Local == "Body" && len(part.children) > 0:
			body = part.children[0]
		}
	}
	if body == nil || body.name.Space != discoverySpace {
		return nil
	}
	switch body.name.Local {
	case "Resolve":
		p.resolve = body.find("EndpointReference").value("Address")
		return p
	case "Probe":
		types := body.find("Types")
		for _, name := range strings.Fields(body.value("Types")) {
			p.types = append(p.types, types.resolve(name))
		}
		p.scopes = strings.Fields(body.value("Scopes"))
		return p
	}
	return nil
}

// hearProbe has the devices answer that the datagram looks for.
func (n *Network) hearProbe(q question) {
	p := parseProbe(q.data)
	if p == nil {
		return
	}
	n.remember(q.from, wsDiscovery, p.id)
	for d, from := range n.answerers(q) {
		if !d.matches(p) {
			continue
		}
		times := 1
		if d.has(QuirkMatchWithoutXAddrs) {
			times = 2
		}
		for range times {
			n.queue.add(soon(answerWithin), func() {
				if !d.isClosed() {
					from.send(d.probeMatches(p, from.address), q.from)
				}
			})
		}
	}
}

// matches says whether a probe is for this device, as its quirks see it.
func (d *Device) matches(p *probe) bool {
	switch {
	case p.newlines && d.has(QuirkProbeNewlinesRejected):
		return false
	case p.resolve != "":
		return p.resolve == d.EndpointReference()
	case len(p.types) == 0 && (d.has(QuirkProbeUntypedIgnored) || d.has(QuirkProbeDeviceOnly)):
		return false
	case slices.Contains(p.types, typeDevice) && d.has(QuirkProbeDeviceRefused):
		return false
	case slices.Contains(p.types, typeTransmitter) && d.has(QuirkProbeDeviceOnly):
		return false
	}
	for _, t := range p.types {
		if t != typeDevice && t != typeTransmitter {
			return false
		}
	}
	for _, s := range p.scopes {
		if !d.inScope(s) {
			return false
		}
	}
	return true
}

// inScope compares scopes segment by segment (WS-Discovery section 5.1).
func (d *Device) inScope(scope string) bool {
	scope = strings.TrimSuffix(scope, "/")
	for _, own := range d.scopes() {
		if own == scope || strings.HasPrefix(own, scope+"/") {
			return true
		}
	}
	return false
}

// A match is a device as WS-Discovery tells of it. The answer's template has it.
type match struct {
	MessageID, RelatesTo, Action string
	Instance, Number             int64
	Reference                    string
	Types                        string
	Declared                     string // namespaces of Types
	Scopes, XAddrs               string
	Empty                        bool
}

func (d *Device) match(local netip.Addr) match {
	m := match{MessageID: "urn:uuid:" + randomUUID(), Instance: d.started.Unix(), Number: d.messages.Add(1), Reference: d.EndpointReference(),
		Types: "dn:NetworkVideoTransmitter tds:Device", Scopes: strings.Join(d.scopes(), " "), XAddrs: d.xaddrs(local),
		Declared: fmt.Sprintf(`xmlns:dn="%s" xmlns:tds="%s"`, namespaces["tdn"], namespaces["tds"])}
	switch {
	case d.has(QuirkProbeMatchesEmpty):
		m.Empty, m.Types, m.Scopes, m.XAddrs = true, "", "", ""
	case d.has(QuirkMatchWithoutXAddrs):
		m.Types, m.Scopes, m.XAddrs = "wsdp:Device pub:Computer", "", ""
		m.Declared = `xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof" xmlns:pub="http://schemas.microsoft.com/windows/pub/2005/07"`
	case d.has(QuirkTypesGarbage):
		m.Types = "tdn:" + d.options.UUID
		m.Declared = fmt.Sprintf(`xmlns:tdn="%s"`, namespaces["tdn"])
	case d.has(QuirkTypesOtherPrefix):
		m.Types = "\n    q7:NetworkVideoTransmitter\tdp0:Device\n"
		m.Declared = fmt.Sprintf(`xmlns:q7="%s" xmlns:dp0="%s"`, namespaces["tdn"], namespaces["tds"])
	}
	return m
}

func (d *Device) probeMatches(p *probe, local netip.Addr) []byte {
	m := d.match(local)
	m.RelatesTo, m.Action = p.id, "ProbeMatches"
	if p.resolve != "" {
		m.Action = "ResolveMatches"
	}
	return []byte(fill("wsd:matches", m))
}

// randomUUID is version 4 (RFC 9562 section 5.4).
func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
