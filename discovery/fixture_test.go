package discovery

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture is a recorded answer of a real device, which does not lie in this repository.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	folder := os.Getenv("CAMGATE_FIXTURES")
	if folder == "" {
		t.Skip("CAMGATE_FIXTURES names no folder of recorded answers")
	}
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// from is a sender on a network of 24 bits of which this computer has the address ….250.
func from(addr string) sender {
	a := netip.MustParseAddr(addr)
	l := &link{name: "eth0", index: 2, up: true, multicast: true}
	if a.Is4() {
		b := a.As4()
		b[3] = 250
		l.addrs = append(l.addrs, netip.PrefixFrom(netip.AddrFrom4(b), 24))
	}
	l.addrs = append(l.addrs, netip.MustParsePrefix("fe80::250/64"))
	if a.IsLoopback() {
		l.name, l.loopback, l.addrs = "lo", true, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}
	}
	return sender{addr: a, link: l, net: &network{all: []*link{l}, searched: []*link{l}}}
}

// TestFixtureProbeMatches holds what is read of real probe matches, from the bytes to the
// device.
func TestFixtureProbeMatches(t *testing.T) {
	for _, c := range []struct {
		file, from                  string
		id, mac, maker, model, name string
		onvif                       string
		warnings                    string
	}{
		{"axis-sproctor/probeResponse.xml", "192.168.0.209",
			"urn:uuid:3ea96f68-b845-4c0b-87cf-eee904c4be65", "", "AXIS", "M2025-LE", "AXIS M2025-LE",
			"http://192.168.0.209/onvif/device_service https://192.168.0.209/onvif/device_service", ""},
		// The same behind a router that translates addresses.
		{"axis-sproctor/probeResponse.xml", "203.0.113.7",
			"urn:uuid:3ea96f68-b845-4c0b-87cf-eee904c4be65", "", "AXIS", "M2025-LE", "AXIS M2025-LE",
			"http://203.0.113.7/onvif/device_service https://203.0.113.7/onvif/device_service", "http://192.168.0.209/onvif/device_service, which is not on its network"},
		{"amcrest-sproctor/probeResponse2.xml", "192.168.0.205",
			"urn:uuid:2a46daf1-86f6-91ad-5458-3d184eb186f6", "", "Amcrest", "IP5M-B1186E", "Amcrest",
			"http://192.168.0.205/onvif/device_service", ""},
		{"camera-probe/probematch_amcrest.xml", "192.168.1.235",
			"urn:uuid:8eceb0ca-564e-4436-bec5-e63ea243c529", "", "Amcrest", "IP2M-841B", "Amcrest",
			"http://192.168.1.235/onvif/device_service", ""},
		{"camera-probe/probematch_ipcam.xml", "192.168.1.1",
			"urn:uuid:8eceb0ca-564e-4436-bec5-e63ea243c529", "", "", "631GA", "IPCAM",
			"http://192.168.1.1:80/onvif/device_service", ""},
		{"ti-ipnc-agsh/Probe.xml", "192.168.1.9",
			"urn:uuid:c9790c3a-701b-464d-a189-0060351c8ada", "", "", "HD_PREDATOR", "PREDATOR",
			"http://192.168.1.9/onvif/device_service", `"SERVICE_URI", which is no address`},
	} {
		t.Run(c.file+" from "+c.from, func(t *testing.T) {
			f := quiet(t)
			if err := f.receiveWS(fixture(t, c.file), from(c.from), false); err != nil {
				t.Fatal(err)
			}
			found := f.Devices()
			if len(found) != 1 {
				t.Fatalf("%d devices", len(found))
			}
			d := found[0]
			if d.ID != c.id || d.MAC != c.mac || d.Maker != c.maker || d.Model != c.model || d.Name != c.name || d.Address.String() != c.from {
				t.Errorf("got %+v", d)
			}
			if got := strings.Join(d.ONVIF, " "); got != c.onvif {
				t.Errorf("ONVIF at %s, want %s", got, c.onvif)
			}
			if got := strings.Join(d.Warnings, " "); !strings.Contains(got, c.warnings) || c.warnings == "" && got != "" {
				t.Errorf("warnings %q, want %q", got, c.warnings)
			}
		})
	}
}

// TestFixtureNoCamera: the answer of a QNAP disk, which crashed another program.
func TestFixtureNoCamera(t *testing.T) {
	f := quiet(t)
	if err := f.receiveWS(fixture(t, "issues/qnap-empty-probematches.xml"), from("192.168.1.7"), false); err != nil {
		t.Fatal(err)
	}
	if found := f.Devices(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestFixtureScopes(t *testing.T) {
	for name, want := range map[string]scopeFacts{
		"mstar":    {name: "ONVIF_ICAMERA", model: "MSTAR_IPNC"},
		"flir":     {name: "FLIR CM-6204-11-I K816600858", model: "CM-6204-11-I", maker: "FLIR Systems", mac: "00:1b:d8:00:00:01"},
		"avigilon": {name: "Xuất cảnh 4", model: "2.0-H3M-DO1", maker: "Avigilon", mac: "00:18:85:00:00:01", pathMaker: "Avigilon"},
		"tiandy":   {name: "TC-C32TS SPEC:I8/A/E/Y/M/H/2.7-13.5mm", model: "TC-C32TS SPEC:I8/A/E/Y/M/H/2.7-13.5mm", maker: "ipcamera"},
	} {
		t.Run(name, func(t *testing.T) {
			want.onvif = true
			if got := readScopes(strings.Fields(string(fixture(t, "scopes-vicmaeg/"+name+".scopes.txt")))); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestFixtureSSDP(t *testing.T) {
	const location = "http://192.168.1.102:45895/rootdesc1.xml"
	for name, want := range map[string]struct {
		kind ssdpKind
		id   string
	}{
		"msearch_message":                    {ssdpAnswer, "uuid:upnp-basicdevice-1_0-accc8e270ad8"},
		"msearch_message_without_mac_in_usn": {ssdpAnswer, ""},
		"notify_message":                     {ssdpBye, "uuid:upnp-basicdevice-1_0-accc8e270ad8"},
		"notify_message_without_mac_in_usn":  {ssdpBye, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := readSSDP(fixture(t, "axis-js/"+name+".txt"))
			if err != nil || m.kind != want.kind || m.usn.id != want.id || m.location != location || m.maxAge.Seconds() != 1800 {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

func TestFixtureDescriptions(t *testing.T) {
	location, _ := url.Parse("http://192.168.1.102:45895/rootdesc1.xml")
	const mac = "ac:cc:8e:27:0a:d8"
	for name, want := range map[string]struct{ name, serial, page string }{
		"default_http_port":         {"AXIS M1014 - ACCC8E270AD8", "ACCC8E270AD8", "http://192.168.1.102:80/"},
		"default_https_port":        {"AXIS M1014 - ACCC8E270AD8", "ACCC8E270AD8", "http://192.168.1.102:443/"},
		"no_port":                   {"AXIS M1014 - ACCC8E270AD8", "ACCC8E270AD8", "http://192.168.1.102"},
		"required_properties":       {"AXIS M1014 - ACCC8E270AD8", "", ""},
		"with_lowercase_macaddress": {"AXIS M1014 - accc8e270ad8", "accc8e270ad8", "http://192.168.1.102:80/"},
		"without_macaddress":        {"AXIS M1014 - accc8e270ad8", "", "http://192.168.1.102:80/"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := readDescription(fixture(t, "axis-js/root_description_"+name+".xml"), location)
			if err != nil {
				t.Fatal(err)
			}
			if !d.camera || d.maker != "AXIS" || d.model != "AXIS M1014" || d.mac != mac ||
				d.name != want.name || d.serial != want.serial || d.page != want.page ||
				d.udn.id != "uuid:upnp-basicdevice-1_0-accc8e270ad8" {
				t.Errorf("%+v", d)
			}
		})
	}
}

// quiet is a Finder that nothing is sent by.
func quiet(t testing.TB) *Finder {
	t.Helper()
	f, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}
