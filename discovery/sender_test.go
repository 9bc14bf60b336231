package discovery

import (
	"net/netip"
	"strings"
	"testing"
)

// lan is a sender on eth0, on which this computer has 192.0.2.250 and addresses of IPv6.
func lan(addr string) sender {
	l := &link{name: "eth0", index: 2, up: true, multicast: true, addrs: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.250/24"), netip.MustParsePrefix("2001:db8::250/64"), netip.MustParsePrefix("fe80::250/64")}}
	lo := &link{name: "lo", index: 1, up: true, loopback: true, addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}
	s := sender{addr: netip.MustParseAddr(addr), link: l, net: &network{all: []*link{lo, l}, searched: []*link{l}}}
	if s.addr.IsLoopback() {
		s.link = lo
	}
	return s
}

func TestAnnouncedAddresses(t *testing.T) {
	const path = "/onvif/device_service"
	for _, c := range []struct{ from, announced, want, why string }{
		{"192.0.2.10", "http://192.0.2.10/onvif/device_service", "http://192.0.2.10" + path, ""},
		{"192.0.2.10", "https://192.0.2.10:8443/a%20b?c=d&e", "https://192.0.2.10:8443/a%20b?c=d&e", ""},
		{"192.0.2.10", "http://192.0.2.11:80" + path, "http://192.0.2.11:80" + path, ""},
		{"192.0.2.10", "http://user:secret@192.0.2.10/x#y", "http://192.0.2.10/x", ""},
		{"192.0.2.10", "http://10.0.0.5:8000" + path, "http://192.0.2.10:8000" + path, "not on its network"},
		{"192.0.2.10", "http://0.0.0.0:8000" + path, "http://192.0.2.10:8000" + path, "no host's address"},
		{"192.0.2.10", "http://192.0.2.255" + path, "http://192.0.2.10" + path, "no host's address"},
		{"192.0.2.10", "http://239.255.255.250" + path, "http://192.0.2.10" + path, "no host's address"},
		{"192.0.2.10", "http://127.0.0.1:22/", "http://192.0.2.10:22/", "this computer"},
		{"192.0.2.10", "http://[::1]/", "http://192.0.2.10/", "this computer"},
		{"192.0.2.10", "http://[::ffff:127.0.0.1]/", "http://192.0.2.10/", "this computer"},
		{"192.0.2.10", "http://192.0.2.250:8000/", "http://192.0.2.10:8000/", "this computer"},
		{"192.0.2.10", "http://169.254.169.254/latest/meta-data/", "http://192.0.2.10/latest/meta-data/", "keep their keys"},
		{"192.0.2.10", "http://[fd00:ec2::254]/", "http://192.0.2.10/", "keep their keys"},
		{"192.0.2.10", "http://169.254.7.7/", "http://192.0.2.10/", "not on its network"},
		{"192.0.2.10", "http://camera.example:81/x", "http://192.0.2.10:81/x", "by name"},
		{"192.0.2.10", "http://2130706433/x", "http://192.0.2.10/x", "by name"},
		{"192.0.2.10", "http://127.1/x", "http://192.0.2.10/x", "by name"},
		{"192.0.2.10", "SERVICE_URI", "", "no address"},
		{"192.0.2.10", "ftp://192.0.2.10/", "", "no address"},
		{"192.0.2.10", "http://192.0.2.10:0/", "", "no address"},
		{"192.0.2.10", "http://192.0.2.10:99999/", "", "no address"},
		{"192.0.2.10", "http:///x", "", "no address"},
		{"192.0.2.10", "http://192.0.2.10/" + strings.Repeat("a", 2000), "", "no address"},
		{"192.0.2.10", "http://[2001:db8::10]/", "http://[2001:db8::10]/", ""},
		{"192.0.2.10", "http://[2001:db8:1::10]/", "http://192.0.2.10/", "not on its network"},
		{"fe80::10%eth0", "http://[fe80::10]:8000" + path, "http://[fe80::10%25eth0]:8000" + path, ""},
		{"fe80::10%eth0", "http://[fe80::10%25enp3s0]" + path, "http://[fe80::10%25eth0]" + path, ""},
		{"fe80::10%eth0", "http://[fe80::10%enp3s0]" + path, "http://[fe80::10%25eth0]" + path, ""},
		{"fe80::10%eth0", "http://[fe80::11]" + path, "http://[fe80::11%25eth0]" + path, ""},
		{"fe80::10%eth0", "http://192.0.2.10" + path, "http://192.0.2.10" + path, ""},
		{"fe80::10%eth0", "http://10.0.0.1" + path, "http://[fe80::10%25eth0]" + path, "not on its network"},
		{"127.0.0.1", "http://127.0.0.2:8000/", "http://127.0.0.2:8000/", ""},
		{"127.0.0.1", "http://169.254.169.254/", "http://127.0.0.1/", "keep their keys"},
		{"127.0.0.1", "http://192.0.2.10/", "http://127.0.0.1/", "not on its network"},
		{"203.0.113.5", "http://203.0.113.5/", "http://203.0.113.5/", ""},
		{"203.0.113.5", "http://203.0.113.6/", "http://203.0.113.5/", "not on its network"},
		{"203.0.113.5", "http://192.0.2.10/", "http://203.0.113.5/", "not on its network"},
	} {
		m := lan(c.from).mend(c.announced)
		if m.url != c.want || !strings.Contains(m.why, c.why) || (c.why == "") != (m.why == "") || m.refused != (c.why != "") {
			t.Errorf("%s announces %.60s:\ngot  %s (%s)\nwant %s (%s)", c.from, c.announced, m.url, m.why, c.want, c.why)
		}
		if strings.Contains(m.why, "secret") {
			t.Errorf("a password in %q", m.why)
		}
	}
}

func TestWhoCanSend(t *testing.T) {
	for addr, want := range map[string]bool{
		"192.0.2.10": true, "10.1.2.3": true, "fe80::1%eth0": true, "127.0.0.1": true, "192.0.2.255": false,
		"169.254.169.254": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false, "ff02::c": false, "::": false,
	} {
		if got := lan(addr).possible(); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	s := lan("127.0.0.1")
	s.link = lan("192.0.2.1").link
	if s.possible() {
		t.Error("loopback is believed on eth0")
	}
	for addr, want := range map[string]bool{"192.0.2.10": true, "fe80::1%eth0": true, "fe80::1%eth1": false, "203.0.113.1": false} {
		if got := lan(addr).near(); got != want {
			t.Errorf("%s is near: %v, want %v", addr, got, want)
		}
	}
}

func TestLocations(t *testing.T) {
	for location, want := range map[string]string{
		"http://192.0.2.10:49152/d.xml":                  "http://192.0.2.10:49152/d.xml",
		"https://192.0.2.11/d.xml":                       "https://192.0.2.11/d.xml",
		"http://camera.example/d.xml":                    "http://camera.example/d.xml", // looked up, then checked
		"http://[fe80::7]:80/d.xml":                      "http://[fe80::7%25eth0]:80/d.xml",
		"http://10.0.0.1/d.xml":                          "",
		"http://127.0.0.1/d.xml":                         "",
		"http://192.0.2.250/d.xml":                       "",
		"http://169.254.169.254/latest/":                 "",
		"http://u:p@192.0.2.10/":                         "",
		"file:///etc/passwd":                             "",
		"//192.0.2.10/":                                  "",
		"":                                               "",
		"http://192.0.2.10/" + strings.Repeat("a", 2000): "",
	} {
		u, err := checkLocation(location, lan("192.0.2.10"))
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%.60s: %v, %v; want %q", location, u, err, want)
		}
	}
	if _, err := checkLocation("http://203.0.113.5/", lan("203.0.113.5")); err == nil {
		t.Error("a forged sender has its own address fetched")
	}
	asked := lan("203.0.113.5")
	asked.asked, asked.link = true, nil
	if _, err := checkLocation("http://203.0.113.5/", asked); err != nil {
		t.Errorf("where the user had it asked: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := netip.MustParsePrefix
	for want, o := range map[string]Options{
		"at most as many as a /20": {Unicast: []netip.Prefix{p("10.0.0.0/19")}},
		"more than 4096":           {Unicast: []netip.Prefix{p("10.0.0.0/20"), p("192.0.2.1/32")}},
		"multicast on their":       {Unicast: []netip.Prefix{p("fe80::1/128")}},
		"169.254.169.254/32 can":   {Unicast: []netip.Prefix{p("169.254.169.254/32")}},
		"239.0.0.1/32 cannot":      {Unicast: []netip.Prefix{p("239.0.0.1/32")}},
		"invalid Prefix":           {Unicast: []netip.Prefix{{}}},
		"no interface's name":      {Interfaces: []string{""}},
		"at most 65535":            {WSPort: 70000},
		"-1 is no port":            {MaxDevices: -1},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one with %q", err, want)
		}
	}
	f, err := New(Options{Unicast: []netip.Prefix{p("192.0.2.9/30"), p("192.0.2.9/32"), p("198.51.100.0/31"), p("2001:db8::1/128")}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range f.options.targets() {
		got = append(got, a.String())
	}
	if want := "192.0.2.9 192.0.2.10 198.51.100.0 198.51.100.1 2001:db8::1"; strings.Join(got, " ") != want {
		t.Errorf("asked are %q, want %q", got, want)
	}
	if f, err = New(Options{Unicast: []netip.Prefix{p("10.0.0.0/20")}}); err != nil || len(f.options.targets()) != 4094 {
		t.Errorf("a /20: %v", err)
	}
}
