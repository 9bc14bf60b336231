package discovery

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// addFixtures adds recorded answers, where there are some, to what is written here.
func addFixtures(f *testing.F, pattern string) {
	files, _ := filepath.Glob(filepath.Join(os.Getenv("CAMGATE_FIXTURES"), pattern))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && os.Getenv("CAMGATE_FIXTURES") != "" {
			f.Add(data)
		}
	}
}

// holds checks what is promised of a device, whatever was read.
func (d *Device) holds(t *testing.T, from sender) {
	t.Helper()
	for _, s := range append([]string{d.Maker, d.Model, d.Name, d.Serial, d.MAC}, d.Warnings...) {
		if !utf8.ValidString(s) || len(s) > 2*maxText || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("%q is not fit to be shown", s)
		}
	}
	if d.ID == "" || d.ID != strings.ToLower(d.ID) || len(d.ID) > maxText+16 {
		t.Errorf("ID %q", d.ID)
	}
	for _, s := range append(append([]string{}, d.ONVIF...), d.Page) {
		if s == "" {
			continue
		}
		u, err := url.Parse(s)
		if err != nil || u.User != nil {
			t.Fatalf("%q: %v", s, err)
		}
		host, err := netip.ParseAddr(u.Hostname())
		if err != nil || from.refusal(host) != "" {
			t.Errorf("%q leads elsewhere (%v)", s, err)
		}
	}
	if len(d.ONVIF) > maxURLs || len(d.Also) > maxReplied || len(d.Warnings) > maxWarnings {
		t.Errorf("%d URLs, %d addresses, %d warnings", len(d.ONVIF), len(d.Also), len(d.Warnings))
	}
}

func FuzzProbeMatches(f *testing.F) {
	f.Add([]byte(match1(`xmlns:dn="http://www.onvif.org/ver10/network/wsdl"`, "dn:NetworkVideoTransmitter", "onvif://www.onvif.org/name/A%20B onvif://www.onvif.org/mac/00408c123456")))
	f.Add([]byte(strings.Replace(match1("", "tds:Device", ""), "http://192.0.2.1/x", "http://[fe80::1%eth0]:80/x https://169.254.169.254/ http://a@b:c@192.0.2.1/%zz", 1)))
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	f.Add([]byte(`<?xml version="1.0" encoding="iso-8859-1"?><E><Body><Hello><Types>dn:NetworkVideoTransmitter</Types>` + "\xe9" + `</Hello></Body></E>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Add([]byte(strings.Repeat("<a>", 100)))
	addFixtures(f, "*/*[pP]robe*.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		finder := quiet(t)
		for _, addr := range []string{"192.0.2.10", "fe80::10%eth0", "203.0.113.5"} {
			from := lan(addr)
			if err := finder.receiveWS(data, from, true); err != nil {
				return
			}
			for _, d := range finder.Devices() {
				if d.Address == from.addr && len(d.Also) == 0 {
					d.holds(t, from)
				}
			}
			finder = quiet(t)
		}
	})
}

func FuzzSSDP(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: http://192.0.2.10:80/d.xml\r\nUSN: uuid:aaaaaaaa-0000-4000-8000-0000000000a1::upnp:rootdevice\r\n\r\n"))
	f.Add([]byte("NOTIFY * HTTP/1.1\nNTS:ssdp:byebye\nUSN:uuid:Upnp-BasicDevice-1_0-00408C123456\n"))
	f.Add([]byte("M-SEARCH * HTTP/1.1\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://u:p@[fe80::1%25x]:0/\r\nCACHE-CONTROL: max-age=99999999999"))
	addFixtures(f, "axis-js/*.txt")
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readSSDP(data)
		if err != nil {
			return
		}
		if m.maxAge < minMaxAge || m.maxAge > maxMaxAge || len(m.usn.id) > maxText+16 || len(m.boot) > maxText {
			t.Errorf("%+v", m)
		}
		for _, addr := range []string{"192.0.2.10", "fe80::10%eth0", "203.0.113.5", "127.0.0.1"} {
			from := lan(addr)
			u, err := checkLocation(m.location, from)
			if err != nil {
				continue
			}
			if host, err := netip.ParseAddr(u.Hostname()); err == nil && from.refusal(host) != "" || u.User != nil {
				t.Errorf("%s is fetched for %s", u, addr)
			}
		}
	})
}

func FuzzDescription(f *testing.F) {
	f.Add([]byte(cameraDescription))
	f.Add([]byte(`<root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType><friendlyName>AXIS &amp; M1014 & x</friendlyName><manufacturer>AXIS</manufacturer><UDN>uuid:Upnp-BasicDevice-1_0-00408C123456</UDN><presentationURL>/a?b&c</presentationURL></device><URLBase>http://192.0.2.10:51578/</URLBase></root>`))
	f.Add([]byte(`<root><device><UDN/><presentationURL>http://169.254.169.254/</presentationURL></device></root>`))
	addFixtures(f, "axis-js/*.xml")
	location, _ := url.Parse("http://192.0.2.10:49152/d.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := readDescription(data, location)
		if err != nil {
			return
		}
		d.camera = true
		finder, from := quiet(t), lan("192.0.2.10")
		finder.described(&job{message: ssdpMessage{location: location.String(), maxAge: minMaxAge}, from: from, via: ViaSSDP}, &d)
		for _, d := range finder.Devices() {
			d.holds(t, from)
		}
	})
}

func FuzzAnnouncedAddress(f *testing.F) {
	for _, s := range []string{"http://192.0.2.10/x", "https://[fe80::1%25eth0]:8443/?a=b#c", "http://[::ffff:169.254.169.254]/", "http://0x7f.1/", "SERVICE_URI", "http://u:p@h:1/%2f..%zz", "http://[fe80::1%a]b]/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, announced string) {
		for _, addr := range []string{"192.0.2.10", "fe80::10%eth0", "203.0.113.5", "127.0.0.1"} {
			from := lan(addr)
			m := from.mend(announced)
			if m.refused != (m.why != "") {
				t.Errorf("%+v", m)
			}
			if m.url != "" {
				d := Device{ID: "x", ONVIF: []string{m.url}, Warnings: []string{m.why}}
				d.holds(t, from)
			}
		}
	})
}

func FuzzScopes(f *testing.F) {
	f.Add("onvif://www.onvif.org/name/acc/Xu%e1%ba%a5t onvif://www.onvif.org/acc/mac/00-1b-d8-00-00-01")
	f.Add("onvif://www.onvif.org/name/%ff%0 onvif://www.onvif.org// onvif://www.onvif.org/mfr/%e2%80%ae")
	f.Fuzz(func(t *testing.T, scopes string) {
		g := readScopes(strings.Fields(scopes))
		d := Device{ID: "x", Maker: g.maker, Model: g.model, Name: g.name, Serial: g.serial, MAC: g.mac}
		d.holds(t, lan("192.0.2.10"))
	})
}
