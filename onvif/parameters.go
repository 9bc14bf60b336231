package onvif

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// A parameter is a reference parameter of a subscription, to be sent back as a SOAP header
// (WS-Addressing 1.0, section 2.1). Some cameras tell subscriptions apart by nothing else.
type parameter struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

const maxParameters = 8

// referenceParameters finds them in an answer that readReply has taken already. Here the
// namespaces matter: cameras look for what they sent.
func referenceParameters(data []byte) []parameter {
	d := xml.NewDecoder(bytes.NewReader(legible(data)))
	d.Strict = false
	d.CharsetReader = sameReader
	var found []parameter
	inside := false
	for {
		token, err := d.Token()
		if err != nil {
			return found
		}
		switch t := token.(type) {
		case xml.EndElement:
			if inside {
				return found // of ReferenceParameters: those of its children are read below
			}
		case xml.StartElement:
			if !inside {
				inside = t.Name.Local == "ReferenceParameters"
				continue
			}
			value, err := characters(d)
			if err != nil || len(found) == maxParameters {
				return found
			}
			if validName(t.Name.Local) {
				found = append(found, parameter{xml.Name{Space: bounded(t.Name.Space, 256), Local: t.Name.Local}, value})
			}
		}
	}
}

// validName tells whether a local name can be written into a request.
func validName(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}
