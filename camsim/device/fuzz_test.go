package device

import (
	"strings"
	"testing"
)

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>` + wsse(signature{nonce: "n", created: "2026-01-01T00:00:00Z"}) + `</s:Header><s:Body>` + op("trt:GetStreamUri", "<ProfileToken>main</ProfileToken>") + `</s:Body></s:Envelope>`))
	f.Add([]byte(probeFor(probeTransmitter)))
	f.Add([]byte(`<?xml version="1.0"?><a xmlns:b="c" b:d='e'><![CDATA[x]]><!-- y --><b:f/>&amp;</a>`))
	f.Add([]byte(entities()))
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := parseXML(document)
		if err == nil && (root == nil || root.parent != nil) {
			t.Fatal("no root, and no error")
		}
		count, deepest := 0, 0
		var walk func(*element, int)
		walk = func(e *element, depth int) {
			count, deepest = count+1, max(deepest, depth)
			for _, c := range e.children {
				if c.parent != e {
					t.Fatal("a child of somebody else")
				}
				walk(c, depth+1)
			}
		}
		if err == nil {
			walk(root, 1)
		}
		if count > maxElements || deepest > maxDepth {
			t.Fatalf("%d elements, %d deep", count, deepest)
		}
		c := &call{}
		if c.parse(document) == nil && (c.body == nil || c.operation == "") {
			t.Fatal("a call without an operation")
		}
		if p := parseProbe(document); p != nil && len(p.types)+len(p.scopes) > len(document) {
			t.Fatal("more than there was")
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add(searchFor("ssdp:all"))
	f.Add("M-SEARCH * HTTP/1.1\nST: upnp:rootdevice\nMAN: ssdp:discover\nMX: -1\n\n")
	f.Add("NOTIFY * HTTP/1.1\r\n\r\n")
	f.Fuzz(func(t *testing.T, datagram string) {
		if s := parseSearch([]byte(datagram)); s != nil && (s.target == "" || s.within <= 0 || s.within > 2*answerWithin) {
			t.Fatalf("%+v", s)
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	f.Add(`username="a\"b", realm="r", nonce=n, uri="/x,y", qop=auth, nc=00000001, cnonce="c", response="0"`)
	f.Add(`=,=",=\`)
	f.Add("\xac\xff\xff=") // to lower case it is three times as long
	f.Fuzz(func(t *testing.T, header string) {
		for name, value := range parameters(header) {
			if strings.Contains(name, "=") || len(name)+len(value) > 3*len(header) {
				t.Fatalf("%q is %q", name, value)
			}
		}
	})
}

func FuzzDuration(f *testing.F) {
	f.Add("PT5S")
	f.Add("-P1DT2H3M4.5S")
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := parseDuration(text); ok && d < 0 && !strings.HasPrefix(text, "-") {
			t.Fatalf("%q is %v", text, d)
		}
	})
}
