package discovery

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// A scene drives a registry with times of its own.
type scene struct {
	t       *testing.T
	f       *Finder
	now     time.Time
	changed []Device
	gone    []Device
}

func newScene(t *testing.T, max int) *scene {
	s := &scene{t: t, now: time.Unix(1_700_000_000, 0)}
	f, err := New(Options{
		MaxDevices: max,
		Changed:    func(d Device) { s.changed = append(s.changed, d) },
		Gone:       func(d Device) { s.gone = append(s.gone, d) },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.now = func() time.Time { return s.now }
	s.f = f
	return s
}

// ws is a probe match.
func (s *scene) ws(addr, endpoint, xaddrs string, scopes ...string) {
	f := readScopes(scopes)
	s.f.registry.sight(&sighting{protocol: protocolWS, via: ViaWSDiscovery, from: lan(addr), at: s.now, identity: endpointIdentity(endpoint),
		facts: facts{maker: f.maker, model: f.model, name: f.name, mac: f.mac}, xaddrs: strings.Fields(xaddrs)})
}

// ssdp is an answer with its description.
func (s *scene) ssdp(addr, udn, page string) {
	i := udnIdentity(udn)
	s.f.registry.sight(&sighting{protocol: protocolSSDP, via: ViaSSDP, from: lan(addr), at: s.now, identity: i,
		facts: facts{maker: "AXIS", mac: i.mac}, location: "http://" + addr + "/d.xml", page: page, expires: s.now.Add(30 * time.Minute)})
}

// ids are those of all devices, sorted.
func (s *scene) ids() string {
	var ids []string
	for _, d := range s.f.Devices() {
		ids = append(ids, strings.TrimPrefix(strings.TrimPrefix(d.ID, "urn:"), "uuid:"))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (s *scene) wants(ids ...string) {
	s.t.Helper()
	if got := s.ids(); got != strings.Join(ids, " ") {
		s.t.Errorf("devices %s, want %q", got, ids)
	}
}

// toldOf checks what the owner believes there is.
func (s *scene) toldOf(ids ...string) {
	s.t.Helper()
	believed := map[string]bool{}
	for _, d := range s.gone {
		believed[d.ID] = false
	}
	for _, d := range s.changed {
		if _, gone := believed[d.ID]; !gone {
			believed[d.ID] = true
		}
	}
	var got []string
	for id, there := range believed {
		if there {
			got = append(got, id)
		}
	}
	if slices.Sort(got); !slices.Equal(got, ids) {
		s.t.Errorf("the owner believes in %q, want %q", got, ids)
	}
}

const (
	uuidA = "aaaaaaaa-0000-4000-8000-0000000000a1"
	uuidB = "bbbbbbbb-0000-4000-8000-0000000000b1"
	uuidC = "cccccccc-0000-4000-8000-0000000000c1"
)

func TestOneDevice(t *testing.T) {
	for name, play := range map[string]func(*scene){
		"by UUID, over both protocols and IP versions": func(s *scene) {
			s.ssdp("192.0.2.10", "uuid:"+uuidA, "")
			s.ws("fe80::10%eth0", "urn:uuid:"+uuidA, "http://[fe80::10]/x")
			s.ws("192.0.2.10", "uuid:"+strings.ToUpper(uuidA), "http://192.0.2.10/x")
			s.ws("2001:db8::10", uuidA, "http://192.0.2.10/x")
		},
		"by address, SSDP first": func(s *scene) {
			s.ssdp("192.0.2.10", "uuid:"+uuidB, "")
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
		},
		"by address, WS-Discovery first": func(s *scene) {
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
			s.ssdp("192.0.2.10", "uuid:"+uuidB, "")
		},
		"by the hardware address in scope and UDN": func(s *scene) {
			s.ssdp("192.0.2.11", "uuid:Upnp-BasicDevice-1_0-00408C123456", "")
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x", "onvif://www.onvif.org/MAC/00:40:8c:12:34:56")
		},
		"by the hardware address that the endpoint reference ends with": func(s *scene) {
			s.ws("192.0.2.10", uuidA[:24]+"00408c123456", "http://192.0.2.10/x")
			s.ssdp("fe80::11%eth0", "uuid:Upnp-BasicDevice-1_0-00408C123456", "")
		},
		"by what may be a hardware address, where the other says so": func(s *scene) {
			s.ws("192.0.2.10", uuidA[:24]+"3c0000000001", "http://192.0.2.10/x")
			s.ssdp("192.0.2.11", "uuid:x-3c0000000001", "")
		},
		"with a new endpoint reference after a restart": func(s *scene) {
			s.ws("192.0.2.10", uuidB, "http://192.0.2.10/x")
			s.now = s.now.Add(time.Minute)
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
		},
		"without any identity": func(s *scene) {
			s.ws("192.0.2.10", "", "http://192.0.2.10/x")
			s.ws("192.0.2.10", "", "http://192.0.2.10/x")
			s.ssdp("192.0.2.10", "uuid:Upnp-BasicDevice-1_0", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 0)
			play(s)
			if found := s.f.Devices(); len(found) != 1 {
				t.Fatalf("%d devices: %+v", len(found), found)
			}
			// Told of once, whatever came of it.
			s.f.tell(true)
			if len(s.changed) != 1 || len(s.gone) != 0 || s.changed[0].ID != s.f.Devices()[0].ID {
				t.Errorf("told of %+v, gone %+v", s.changed, s.gone)
			}
		})
	}
}

func TestSeveralDevices(t *testing.T) {
	for name, play := range map[string]func(*scene){
		"behind one address of a router": func(s *scene) {
			s.ws("203.0.113.5", uuidA, "http://10.0.0.1:8001/x")
			s.ws("203.0.113.5", uuidB, "http://10.0.0.2:8002/x")
		},
		"behind one address, one of them over SSDP too": func(s *scene) {
			s.ssdp("192.0.2.10", "uuid:"+uuidB, "")
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10:8001/x") // taken for the same, for its address
			s.f.tell(true)
			s.ws("192.0.2.10", uuidB, "http://192.0.2.10:8002/x") // and parted from it
		},
		"behind one address, long known as one": func(s *scene) {
			s.ssdp("192.0.2.10", "uuid:"+uuidB, "")
			s.now = s.now.Add(time.Minute)
			s.f.tell(false)
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10:8001/x")
			s.f.tell(true)
			s.ws("192.0.2.10", uuidB, "http://192.0.2.10:8002/x")
		},
		"on loopback": func(s *scene) {
			s.ws("127.0.0.1", uuidA, "http://127.0.0.1:8001/x")
			s.ssdp("127.0.0.1", "uuid:"+uuidC, "http://127.0.0.1:8002/")
			s.ws("127.0.0.1", uuidB, "http://127.0.0.1:8002/x")
		},
		"channels of a recorder with one hardware address": func(s *scene) {
			s.ws("192.0.2.10", uuidA, "http://192.0.2.10:8001/x", "onvif://www.onvif.org/MAC/00:40:8c:12:34:56")
			s.ws("192.0.2.10", uuidB, "http://192.0.2.10:8002/x", "onvif://www.onvif.org/MAC/00:40:8c:12:34:56")
		},
		"at the same time for one service": func(s *scene) {
			for range 3 {
				s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
				s.ws("192.0.2.10", uuidB, "http://192.0.2.10/x")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 0)
			play(s)
			s.wants(uuidA, uuidB)
			s.f.tell(true)
			s.toldOf("urn:uuid:"+uuidA, "urn:uuid:"+uuidB)
		})
	}
}

// TestPortsTellCamerasOfOneAddressApart: SSDP goes with the ONVIF service on its port.
func TestPortsTellCamerasOfOneAddressApart(t *testing.T) {
	s := newScene(t, 0)
	s.ws("127.0.0.1", uuidA, "http://127.0.0.1:8001/x")
	s.ws("127.0.0.1", uuidB, "http://127.0.0.1:8002/x")
	s.ssdp("127.0.0.1", "uuid:"+uuidC, "http://127.0.0.1:8002/")
	s.wants(uuidA, uuidB)
	if d := s.f.Devices()[1]; !slices.Contains(d.Via, ViaSSDP) || !slices.Contains(d.Aliases, "uuid:"+uuidC) {
		t.Errorf("%+v", d)
	}
}

func TestIdentityIsTheBestAndStays(t *testing.T) {
	s := newScene(t, 0)
	s.ssdp("192.0.2.10", "uuid:"+uuidB, "")
	if s.f.tell(false); len(s.changed) != 0 {
		t.Error("told of before its endpoint reference had time to come")
	}
	s.now = s.now.Add(time.Second)
	s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
	s.f.tell(false)
	if len(s.changed) != 1 || s.changed[0].ID != "urn:uuid:"+uuidA || !slices.Equal(s.changed[0].Aliases, []string{"uuid:" + uuidB}) {
		t.Errorf("%+v", s.changed)
	}

	s = newScene(t, 0)
	s.ssdp("192.0.2.10", "uuid:"+uuidB, "")
	s.now = s.now.Add(time.Minute)
	s.f.tell(false)
	s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
	s.f.tell(true)
	if len(s.changed) != 2 || s.changed[1].ID != "uuid:"+uuidB || !slices.Equal(s.changed[1].Aliases, []string{"urn:uuid:" + uuidA}) {
		t.Errorf("%+v", s.changed)
	}
	for _, c := range []struct {
		want string
		play func()
	}{
		{"mac:00:40:8c:12:34:56", func() { s.ws("192.0.2.10", "", "http://192.0.2.10/x", "onvif://www.onvif.org/mac/00408c123456") }},
		{"addr:192.0.2.10:8080", func() { s.ws("192.0.2.10", "", "http://192.0.2.10:8080/x") }},
		{"uuid:upnp-basicdevice-1_0-00408c123456", func() { s.ssdp("192.0.2.10", "uuid:Upnp-BasicDevice-1_0-00408C123456", "") }},
	} {
		s = newScene(t, 0)
		if c.play(); s.f.Devices()[0].ID != c.want {
			t.Errorf("%s, want %s", s.f.Devices()[0].ID, c.want)
		}
	}
}

// TestWhatIsForgottenIsFoundAsWhatItWas: also again and again.
func TestWhatIsForgottenIsFoundAsWhatItWas(t *testing.T) {
	s := newScene(t, 10)
	for range 3 {
		s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
		s.ssdp("192.0.2.11", "uuid:"+uuidB, "http://192.0.2.11/")
		s.wants(uuidA, uuidB)
		s.f.Forget()
		s.wants()
	}
	if n := len(s.f.registry.ids); n != 0 {
		t.Errorf("%d of them are kept nevertheless", n)
	}
}

func TestAddressToBeUsed(t *testing.T) {
	s := newScene(t, 0)
	address := func(want string, also ...string) {
		t.Helper()
		d := s.f.Devices()[0]
		var got []string
		for _, a := range d.Also {
			got = append(got, a.String())
		}
		if d.Address.String() != want || !slices.Equal(got, also) {
			t.Errorf("address %s, also %s; want %s, %s", d.Address, got, want, also)
		}
		if !strings.HasPrefix(d.ONVIF[0], "http://"+inURL(d.Address)+"/") {
			t.Errorf("%s first of ONVIF %q", d.Address, d.ONVIF)
		}
	}
	x := "http://192.0.2.10/x http://192.0.2.11/x"
	s.ws("fe80::10%eth0", uuidA, "http://[fe80::10]/x")
	address("fe80::10%eth0")
	s.ws("192.0.2.10", uuidA, x)
	address("192.0.2.10", "192.0.2.11", "fe80::10%eth0") // IPv4 is better
	s.ws("192.0.2.11", uuidA, x)
	address("192.0.2.10", "192.0.2.11", "fe80::10%eth0")
	for range 3 { // a camera with two addresses does not change between them
		s.now = s.now.Add(2 * time.Minute)
		began := s.now
		s.ws("192.0.2.11", uuidA, x)
		s.ws("192.0.2.10", uuidA, x)
		s.f.registry.searched(began)
		address("192.0.2.10", "192.0.2.11")
	}
	// It gets another address, and says hello from there.
	s.now = s.now.Add(time.Hour)
	s.ws("192.0.2.77", uuidA, "http://192.0.2.77/x")
	s.f.registry.expire(s.now)
	if d := s.f.Devices()[0]; d.Address.String() == "192.0.2.77" {
		t.Error("anybody can say hello in its name")
	}
	began := s.now.Add(time.Second)
	s.now = s.now.Add(2 * time.Second)
	s.ws("192.0.2.77", uuidA, "http://192.0.2.77/x")
	s.f.registry.searched(began)
	if d := s.f.Devices()[0]; d.Address.String() != "192.0.2.77" || d.ONVIF[0] != "http://192.0.2.77/x" {
		t.Errorf("%s, ONVIF %s", d.Address, d.ONVIF)
	}
	s.f.tell(true)
	if last := s.changed[len(s.changed)-1]; last.Address.String() != "192.0.2.77" {
		t.Errorf("told of %s last", last.Address)
	}
}

func TestDevicesGo(t *testing.T) {
	t.Run("three searches without an answer", func(t *testing.T) {
		s := newScene(t, 0)
		s.ws("192.0.2.10", uuidA, "")
		s.ws("192.0.2.11", uuidB, "")
		s.f.tell(true)
		for i := range 3 {
			s.wants(uuidA, uuidB)
			s.now = s.now.Add(time.Minute)
			began := s.now
			if i < 2 {
				s.ws("192.0.2.10", uuidA, "")
			}
			s.f.registry.searched(began)
		}
		s.wants(uuidA)
		s.f.tell(false)
		if len(s.gone) != 1 || s.gone[0].ID != "urn:uuid:"+uuidB {
			t.Errorf("gone %+v", s.gone)
		}
	})
	t.Run("max-age", func(t *testing.T) {
		s := newScene(t, 0)
		s.ssdp("192.0.2.10", "uuid:"+uuidA, "")
		if got := s.f.Devices()[0].Expires; !got.Equal(s.now.Add(30 * time.Minute)) {
			t.Errorf("expires %v", got)
		}
		s.now = s.now.Add(29 * time.Minute)
		s.f.registry.expire(s.now)
		s.wants(uuidA)
		s.ssdp("192.0.2.10", "uuid:"+uuidA, "")
		s.now = s.now.Add(29 * time.Minute)
		s.f.registry.expire(s.now)
		s.wants(uuidA)
		s.now = s.now.Add(2 * time.Minute)
		s.f.registry.expire(s.now)
		s.wants()
	})
	t.Run("goodbye", func(t *testing.T) {
		s := newScene(t, 0)
		s.ws("192.0.2.10", uuidA, "")
		s.ssdp("192.0.2.10", "uuid:"+uuidA, "")
		if !s.f.Devices()[0].Expires.IsZero() {
			t.Error("a device of WS-Discovery expires")
		}
		s.f.tell(true)
		s.f.registry.bye(protocolWS, endpointIdentity(uuidA), lan("192.0.2.66"))
		s.f.registry.bye(protocolWS, endpointIdentity(uuidB), lan("192.0.2.10"))
		s.now = s.now.Add(time.Minute)
		s.f.match(&wsMatch{endpoint: endpointIdentity(uuidA)}, wsHello, lan("192.0.2.67"))
		s.f.registry.bye(protocolWS, endpointIdentity(uuidA), lan("192.0.2.67"))
		if n := s.f.Stats().FalseBye; n != 2 {
			t.Errorf("%d false goodbyes", n)
		}
		s.f.registry.bye(protocolWS, endpointIdentity(uuidA), lan("192.0.2.10"))
		s.wants(uuidA)
		s.f.registry.bye(protocolSSDP, udnIdentity("uuid:"+uuidA), lan("192.0.2.10"))
		s.wants()
		s.f.tell(true)
		if len(s.gone) != 1 || len(s.changed) != 1 {
			t.Errorf("changed %+v\ngone %+v", s.changed, s.gone)
		}
	})
}

// TestListsAreListsInJSON: programs go through "onvif" of each device, also of one that has
// told no such address.
func TestListsAreListsInJSON(t *testing.T) {
	s := newScene(t, 0)
	s.ssdp("192.0.2.4", "uuid:11111111-2222-3333-4444-00408c123456", "")
	text, err := json.Marshal(s.f.Devices())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"onvif":[]`, `"via":["ssdp"]`, `"address":"192.0.2.4"`, `"maker":"AXIS"`, `"first_seen":"2023-11-`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	for _, internal := range []string{"Aliases", "Expires"} {
		if strings.Contains(string(text), internal) {
			t.Errorf("%s is in %s", internal, text)
		}
	}
}
