package discovery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// match1 is a probe match with the given declarations, types and scopes.
func match1(declarations, types, scopes string) string {
	return `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" ` + declarations +
		`><e:Body><w:ProbeMatches><w:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:11111111-2222-4333-8444-555555555555</a:Address></a:EndpointReference>` +
		`<w:Types>` + types + `</w:Types><w:Scopes>` + scopes + `</w:Scopes><w:XAddrs>http://192.0.2.1/x</w:XAddrs></w:ProbeMatch></w:ProbeMatches></e:Body></e:Envelope>`
}

func TestTypesAreResolvedByNamespace(t *testing.T) {
	for _, c := range []struct {
		what, declarations, types, scopes string
		camera                            bool
	}{
		{"usual prefix", `xmlns:dn="http://www.onvif.org/ver10/network/wsdl"`, "dn:NetworkVideoTransmitter", "", true},
		{"another prefix", `xmlns:ns7="http://www.onvif.org/ver10/network/wsdl"`, "ns7:NetworkVideoTransmitter", "", true},
		{"device", `xmlns:q="http://www.onvif.org/ver10/device/wsdl"`, "q:Device", "", true},
		{"default namespace", `xmlns="http://www.onvif.org/ver10/network/wsdl"`, "NetworkVideoTransmitter", "", true},
		{"prefix declared nowhere", "", "dn:NetworkVideoTransmitter", "", true},
		{"tds declared nowhere", "", "tds:Device", "", true},
		{"Windows computer", `xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof" xmlns:pub="http://schemas.microsoft.com/windows/pub/2005/07"`, "wsdp:Device pub:Computer", "", false},
		{"tds that is something else", `xmlns:tds="http://schemas.xmlsoap.org/ws/2006/02/devprof"`, "tds:Device", "", false},
		{"a type of that name elsewhere", `xmlns:dn="http://example.com/"`, "dn:NetworkVideoTransmitter", "", false},
		{"garbage", "", "tdn:4655721b-4e0e-4296-ba0b-3180423b5b0c :: x:", "", false},
		{"garbage with scopes", "", "tdn:4655721b-4e0e-4296-ba0b-3180423b5b0c", "onvif://www.onvif.org/Name/Door", true},
		{"scopes of others", "", "", "ldap:///ou=x http://example.com/onvif://www.onvif.org/", false},
		{"nothing", "", "", "", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			m, err := readWS([]byte(match1(c.declarations, c.types, c.scopes)))
			if err != nil || m.kind != wsProbeMatches || len(m.matches) != 1 {
				t.Fatalf("%+v, %v", m, err)
			}
			if m.matches[0].camera != c.camera {
				t.Errorf("camera: %v, want %v", m.matches[0].camera, c.camera)
			}
		})
	}
}

// TestTypesDeclaredInside: declarations of inner elements count, those of siblings do not.
func TestTypesDeclaredInside(t *testing.T) {
	inner := `<E><Body><ProbeMatches><ProbeMatch><Types xmlns:x="http://www.onvif.org/ver10/device/wsdl">x:Device</Types></ProbeMatch>` +
		`<ProbeMatch xmlns:x="http://www.onvif.org/ver10/device/wsdl"><Types xmlns:x="http://example.com">x:Device</Types></ProbeMatch>` +
		`<ProbeMatch><Types>x:Device</Types></ProbeMatch></ProbeMatches></Body></E>`
	m, err := readWS([]byte(inner))
	if err != nil || len(m.matches) != 3 {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := []bool{m.matches[0].camera, m.matches[1].camera, m.matches[2].camera}; !slices.Equal(got, []bool{true, false, false}) {
		t.Errorf("cameras: %v", got)
	}
}

// TestXMLInTheWild: what cameras send and encoding/xml refuses.
func TestXMLInTheWild(t *testing.T) {
	good := match1("", "dn:NetworkVideoTransmitter", "onvif://www.onvif.org/name/Porte%20d%27entr%C3%A9e")
	units := utf16.Encode([]rune(good))
	wide := binary.BigEndian.AppendUint16(nil, 0xfeff)
	for _, u := range units {
		wide = binary.BigEndian.AppendUint16(wide, u)
	}
	for what, data := range map[string][]byte{
		"as it should be":            []byte(good),
		"says utf-16, is UTF-8":      []byte(strings.Replace(good, `"1.0"`, `"1.0" encoding="utf-16"`, 1)),
		"says XML 1.1":               []byte(strings.Replace(good, `"1.0"`, `"1.1"`, 1)),
		"typographic quotes":         []byte(strings.Replace(good, `"1.0"`, "“1.0”", 1)),
		"is UTF-16":                  wide,
		"byte order mark":            append([]byte("\xef\xbb\xbf"), good...),
		"NULs and newlines in front": append([]byte("\x00\r\n"), good...),
		"NULs and text behind":       append([]byte(good), "\x00\x00</x>&<"...),
		"bad UTF-8":                  []byte(strings.Replace(good, "<w:Scopes>", "<w:Scopes>onvif://www.onvif.org/location/\xff\xfe ", 1)),
		"Latin-1":                    []byte(strings.Replace(good, `"1.0"`, `"1.0" encoding="ISO-8859-1"`, 1) + "\xe9"),
		"control characters":         []byte(strings.Replace(good, "<w:Scopes>", "<w:Scopes>\x01\x02 ", 1)),
		"lone &":                     []byte(strings.Replace(good, "http://192.0.2.1/x", "http://192.0.2.1/x?a=1&b=2", 1)),
		"elements in the wrong case": []byte(strings.ReplaceAll(good, "Scopes>", "scopes>")),
	} {
		t.Run(what, func(t *testing.T) {
			m, err := readWS(data)
			if err != nil || len(m.matches) != 1 || !m.matches[0].camera || m.matches[0].facts.name != "Porte d'entrée" || len(m.matches[0].xaddrs) != 1 {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

func TestHostileXML(t *testing.T) {
	deep := strings.Repeat("<a>", 1_000_000)
	for _, c := range []struct {
		what string
		data string
		want error
	}{
		{"a million nested elements, in a description", deep, errTooLarge},
		{"nested elements in a datagram", deep[:60_000], errTooLarge},
		{"65 deep", strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), errTooLarge},
		{"many elements", "<a>" + strings.Repeat("<b/>", maxElements) + "</a>", errTooLarge},
		{"entities", `<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>`, errMalformed},
		{"external entity", `<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, errMalformed},
		{"cut", match1("", "dn:NetworkVideoTransmitter", "")[:300], errMalformed},
		{"nothing", "", errMalformed},
		{"white space", " \r\n\t", errMalformed},
		{"text", "GET / HTTP/1.1", errMalformed},
		{"closes only", "</a>", errMalformed},
	} {
		t.Run(c.what, func(t *testing.T) {
			if _, err := readXML([]byte(c.data)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	if _, err := readWS(bytes.Repeat([]byte("a"), maxDatagram+1)); !errors.Is(err, errTooLarge) {
		t.Errorf("a datagram of more than 64 KiB: %v", err)
	}
	if _, err := readXML([]byte(strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64))); err != nil {
		t.Errorf("64 deep: %v", err)
	}
}

func TestListsAreBounded(t *testing.T) {
	many := strings.Repeat("http://192.0.2.1/ \r\n\t", 1000)
	m, err := readWS([]byte(strings.Replace(match1("", "dn:NetworkVideoTransmitter", ""), "http://192.0.2.1/x", many, 1)))
	if err != nil || len(m.matches[0].xaddrs) != maxXAddrs {
		t.Errorf("%d XAddrs, %v", len(m.matches[0].xaddrs), err)
	}
	one := match1("", "dn:NetworkVideoTransmitter", "")
	i, j := strings.Index(one, "<w:ProbeMatch>"), strings.Index(one, "</w:ProbeMatches>")
	m, err = readWS([]byte(one[:i] + strings.Repeat(one[i:j], 100) + one[j:]))
	if err != nil || len(m.matches) != maxMatches {
		t.Errorf("%d matches, %v", len(m.matches), err)
	}
}

func TestScopes(t *testing.T) {
	s := "onvif://www.onvif.org/"
	for scopes, want := range map[string]scopeFacts{
		s + "name/A%20B " + s + "name/C":           {name: "A B"},
		s + "Name/Door " + s + "Model/M":           {name: "Door", model: "M"},
		s + "name/ " + s + "name/X":                {name: "X"},
		s + "name/50%":                             {name: "50%"},
		s + "name/%zz%4":                           {name: "%zz%4"},
		s + "name/%ff%00%0aB":                      {name: "\ufffd B"},
		s + "name/" + strings.Repeat("a", 10000):   {name: strings.Repeat("a", maxText)},
		s + "mfr/Acme " + s + "manufacturer/Other": {maker: "Acme"},
		s + "name/HIKVISION%20DS-2CD2142":          {name: "HIKVISION DS-2CD2142", maker: "Hikvision"},
		s + "MAC/0040.8c12.3456":                   {mac: "00:40:8c:12:34:56"},
		s + "MAC/00408C123456":                     {mac: "00:40:8c:12:34:56"},
		s + "mac/ff:ff:ff:ff:ff:ff":                {},
		s + "serial/S1":                            {serial: "S1"},
		s:                                          {},
		s + "////":                                 {},
		strings.ToUpper(s) + "name/Door":           {name: "Door"},
	} {
		want.onvif = true
		if got := readScopes(strings.Fields(scopes)); got != want {
			t.Errorf("%.60q:\ngot  %+v\nwant %+v", scopes, got, want)
		}
	}
}

func TestIdentities(t *testing.T) {
	const uuid = "3ea96f68-b845-4c0b-87cf-eee904c4be65"
	for _, s := range []string{"urn:uuid:" + uuid, "uuid:" + uuid, uuid, " URN:UUID:" + strings.ToUpper(uuid) + "\n", "uuid:uuid:" + uuid} {
		if got := endpointIdentity(s); got.id != "urn:uuid:"+uuid || got.uuid != uuid || got.mac != "" || got.tail != "ee:e9:04:c4:be:65" {
			t.Errorf("%q: %+v", s, got)
		}
	}
	for s, want := range map[string]identity{
		"uuid:" + uuid + "::upnp:rootdevice":        {id: "uuid:" + uuid, uuid: uuid, tail: "ee:e9:04:c4:be:65"},
		"uuid:Upnp-BasicDevice-1_0-00408C123456":    {id: "uuid:upnp-basicdevice-1_0-00408c123456", mac: "00:40:8c:12:34:56", tail: "00:40:8c:12:34:56"},
		"uuid:Upnp-BasicDevice-1_0":                 {},
		"uuid:00000000-0000-0000-0000-000000000000": {},
		"uuid:00010203-0405-4607-8809-ACCC8E000001": {id: "uuid:00010203-0405-4607-8809-accc8e000001", uuid: "00010203-0405-4607-8809-accc8e000001", mac: "ac:cc:8e:00:00:01", tail: "ac:cc:8e:00:00:01"},
		"uuid:00010203-0405-1607-8809-3c0000000001": {id: "uuid:00010203-0405-1607-8809-3c0000000001", uuid: "00010203-0405-1607-8809-3c0000000001", mac: "3c:00:00:00:00:01", tail: "3c:00:00:00:00:01"},
		"": {}, "::": {}, "uuid:": {}, "uuid:000000000000": {},
		"http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous": {},
	} {
		if got := udnIdentity(s); got != want {
			t.Errorf("%q:\ngot  %+v\nwant %+v", s, got, want)
		}
	}
}

func TestSSDPMessages(t *testing.T) {
	const uuid = "00010203-0405-4607-8809-0a0b0c0d0e0f"
	answer := "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nLOCATION: http://192.0.2.1:49152/d.xml\r\nUSN: uuid:" + uuid + "::upnp:rootdevice\r\n"
	for what, text := range map[string]string{
		"as it should be":       answer + "\r\n",
		"ends with one CRLF":    answer,
		"ends in the middle":    strings.TrimSpace(answer),
		"LF only":               strings.ReplaceAll(answer, "\r\n", "\n"),
		"a malformed line":      strings.Replace(answer, "CACHE", "no header at all\r\n: x\r\nCACHE", 1),
		"blanks before colons":  strings.ReplaceAll(answer, ": ", " :\t"),
		"other case":            strings.ReplaceAll(strings.ReplaceAll(answer, "LOCATION", "Location"), "USN", "usn"),
		"twice, the first wins": answer + "LOCATION: http://203.0.113.1/\r\n\r\n",
		"quoted age":            strings.Replace(answer, "max-age=120", `no-cache="Ext", Max-Age = "120"`, 1),
	} {
		m, err := readSSDP([]byte(text))
		if err != nil || m.kind != ssdpAnswer || m.location != "http://192.0.2.1:49152/d.xml" || m.usn.uuid != uuid || m.maxAge != 2*time.Minute {
			t.Errorf("%s: %+v, %v", what, m, err)
		}
	}
	notify := func(nts string) string {
		return strings.Replace(answer, "HTTP/1.1 200 OK", "NOTIFY * HTTP/1.1\r\nNTS: "+nts, 1)
	}
	for text, want := range map[string]ssdpKind{
		notify("ssdp:alive"): ssdpAlive, notify("ssdp:byebye"): ssdpBye, notify("SSDP:Alive "): ssdpAlive, notify("ssdp:update"): ssdpAlive, notify("x"): ssdpOther,
		"NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nUSN: uuid:x\r\n\r\n": ssdpBye,
		string(mSearch("239.255.255.250:1900", "ssdp:all", 2)):         ssdpOther,
	} {
		if m, err := readSSDP([]byte(text)); err != nil || m.kind != want {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
	for _, text := range []string{"", "\n\n", "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "<a/>", "x y", "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n"} {
		if m, err := readSSDP([]byte(text)); !errors.Is(err, errMalformed) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
	for text, want := range map[string]time.Duration{"": defaultMaxAge, "max-age=": defaultMaxAge, "max-age=-1": defaultMaxAge, "max-age=0": minMaxAge,
		"max-age=1": minMaxAge, "max-age=999999999": maxMaxAge, "max-age=99999999999999999999": defaultMaxAge, "max-age=60, x": time.Minute} {
		if got := readMaxAge(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestDescriptions(t *testing.T) {
	location, _ := url.Parse("http://192.0.2.1:8200/rootDesc.xml")
	for _, c := range []struct{ what, base, page, want string }{
		{"absolute", "", "http://192.0.2.1/", "http://192.0.2.1/"},
		{"relative", "", "/start?a=1&b=2", "http://192.0.2.1:8200/start?a=1&b=2"},
		{"relative to URLBase", "http://192.0.2.1:51578/", "index.html", "http://192.0.2.1:51578/index.html"},
		{"URLBase that is none", "x", "/a", "http://192.0.2.1:8200/a"},
		{"none", "http://192.0.2.1:51578/", "", ""},
		{"no URL", "", "http://[::1", ""},
		{"endless", "", "/" + strings.Repeat("a", 2000), ""},
	} {
		text := fmt.Sprintf(`<root><device><deviceType>x:Camera:1</deviceType><UDN>uuid:1</UDN><modelNumber>7</modelNumber><presentationURL>%s</presentationURL></device><URLBase>%s</URLBase></root>`, c.page, c.base)
		d, err := readDescription([]byte(text), location)
		if err != nil || d.page != c.want || d.model != "7" || !d.camera {
			t.Errorf("%s: %+v, %v", c.what, d, err)
		}
	}
	for _, text := range []string{"<root/>", "<html><body>404</body></html>"} {
		if _, err := readDescription([]byte(text), location); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := readDescription(make([]byte, maxDescription+1), location); !errors.Is(err, errTooLarge) {
		t.Errorf("large: %v", err)
	}
}

func TestWhichUPnPDevicesAreCameras(t *testing.T) {
	for _, c := range []struct {
		typ, maker, model, more string
		want                    bool
	}{
		{"urn:schemas-upnp-org:device:Basic:1", "AXIS", "AXIS M1014", "", true},
		{"urn:schemas-upnp-org:device:Basic:1", "HIKVISION", "DS-2CD2142FWD-I", "", true},
		{"urn:schemas-upnp-org:device:Basic:1", "Bosch Security Systems", "FLEXIDOME", "", true},
		{"urn:schemas-upnp-org:device:Basic:1", "Nobody", "WiFi Camera 3", "", true},
		{"urn:schemas-upnp-org:device:Basic:1", "Nobody", "N1", "<modelDescription>8-channel NVR</modelDescription>", true},
		{"urn:schemas-upnp-org:device:DigitalSecurityCamera:1", "D-Link", "DCS-930L", "", true},
		{"urn:schemas-upnp-org:device:EmbeddedNetDevice:1", "Dahua", "x", "", true},
		{"urn:schemas-upnp-org:device:InternetGatewayDevice:1", "D-Link", "Router", "<deviceList><device><deviceType>urn:x:device:IPCamera:1</deviceType></device></deviceList>", true},
		{"urn:schemas-upnp-org:device:Basic:1", "x", "x", "<serviceList><service><serviceType>urn:axis-com:service:BasicService:1</serviceType></service></serviceList>", true},
		{"urn:schemas-upnp-org:device:MediaServer:1", "Justin Maggard", "Windows Media Connect compatible (MiniDLNA)", "", false},
		{"urn:schemas-upnp-org:device:MediaServer:1", "Reolink", "Camera recordings", "", false},
		{"urn:schemas-upnp-org:device:InternetGatewayDevice:1", "AVM", "FRITZ!Box", "", false},
		{"urn:schemas-upnp-org:device:Printer:1", "Canon", "Camera Connect", "", false},
		{"urn:schemas-upnp-org:device:Basic:1", "Signify", "Philips hue bridge", "", false},
		{"urn:schemas-upnp-org:device:Basic:1", "Bosch", "Smart Home Controller", "", false},
		{"urn:schemas-upnp-org:device:Basic:1", "Synology", "DS216 (camcorder scam)", "", false},
		{"", "", "", "", false},
	} {
		text := fmt.Sprintf("<root><device><deviceType>%s</deviceType><manufacturer>%s</manufacturer><modelName>%s</modelName>%s</device></root>", c.typ, c.maker, c.model, c.more)
		d, err := readDescription([]byte(text), &url.URL{})
		if err != nil || d.camera != c.want {
			t.Errorf("%s by %s, %s: camera %v, want %v (%v)", c.typ, c.maker, c.model, d.camera, c.want, err)
		}
	}
}

func TestProbeIsOneLineAndWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, types := range probeTypes {
		p := probe(types)
		if bytes.ContainsAny(p, "\r\n") {
			t.Errorf("%q", p)
		}
		root, err := readXML(p)
		if err != nil {
			t.Fatal(err)
		}
		id := root.child("Header").value("MessageID")
		if !strings.HasPrefix(id, "urn:uuid:") || !uuidPattern.MatchString(id) || seen[id] {
			t.Errorf("message ID %q", id)
		}
		seen[id] = true
		asked := root.child("Body").child("Probe").child("Types")
		if types != "" && !cameraType(asked, asked.text) {
			t.Errorf("%q asks for nothing that would be taken", types)
		}
		if got := asked != nil; got != (types != "") {
			t.Errorf("types in %s", p)
		}
	}
}
