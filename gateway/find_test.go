package gateway

import (
	"net/netip"
	"slices"
	"testing"

	"camgate/camera"
	"camgate/discovery"
)

func TestServicesAreHostAndPort(t *testing.T) {
	d := discovery.Device{ONVIF: []string{"http://192.0.2.1/onvif/device_service", "https://192.0.2.1/x", "http://192.0.2.1:8080/x",
		"http://[fe80::1%25eth0]/x", "://", "http:///x"}}
	if got, want := servicesOf(d, ""), []string{"192.0.2.1:80", "192.0.2.1:443", "192.0.2.1:8080", "[fe80::1%eth0]:80"}; !slices.Equal(got, want) {
		t.Errorf("services are %q, want %q", got, want)
	}
	if got := servicesOf(d, "https"); !slices.Equal(got, []string{"192.0.2.1:443"}) {
		t.Errorf("services over TLS are %q", got)
	}
}

func TestADeviceIsACameraByItsEndpointOrWhatItIsKnownAs(t *testing.T) {
	d := discovery.Device{ID: "urn:uuid:aa", Aliases: []string{"mac:00:11:22:33:44:55", "uuid:bb"}, Serial: "4711"}
	for _, one := range []struct {
		name  string
		id    camera.Identity
		known string
		want  bool
	}{
		{"its endpoint reference", camera.Identity{Endpoint: "urn:uuid:aa"}, "", true},
		{"in another form", camera.Identity{Endpoint: " UUID:AA"}, "", true},
		{"without any form", camera.Identity{Endpoint: "AA"}, "", true},
		{"what else it is called", camera.Identity{Endpoint: "urn:uuid:bb"}, "", true},
		{"as it was found", camera.Identity{}, "urn:uuid:aa", true},
		{"as it was found before, by its MAC address", camera.Identity{}, "mac:00:11:22:33:44:55", true},
		{"another endpoint reference", camera.Identity{Endpoint: "urn:uuid:a"}, "", false},
		{"the same serial number alone", camera.Identity{Serial: "4711"}, "", false},
		{"nothing known", camera.Identity{}, "", false},
	} {
		if got := isDevice(d, one.id, one.known); got != one.want {
			t.Errorf("%s: %v", one.name, got)
		}
	}
	if isDevice(discovery.Device{}, camera.Identity{}, "") {
		t.Error("nobody is somebody")
	}
}

const oneONVIF = "[[camera]]\nname = \"door\"\nsource = \"onvif://192.0.2.1\"\n"

func TestACameraIsFoundAgain(t *testing.T) {
	moved := at("urn:uuid:aa", "192.0.2.9")
	serial := at("urn:uuid:new", "192.0.2.9")
	serial.Serial = "S1"
	twin := at("urn:uuid:twin", "192.0.2.8")
	twin.Serial = "s1"
	secure := at("urn:uuid:aa", "192.0.2.9")
	secure.ONVIF = []string{"https://192.0.2.9/onvif", "http://192.0.2.9:8080/onvif"}
	other := at("urn:uuid:other", "192.0.2.2")
	other.Serial = "S1"
	both := moved
	both.ONVIF = append(slices.Clone(moved.ONVIF), "http://192.0.2.1/onvif/device_service")
	for _, one := range []struct {
		name    string
		devices []discovery.Device
		id      camera.Identity
		want    string
	}{
		{"nobody was seen", nil, camera.Identity{Endpoint: "urn:uuid:aa"}, ""},
		{"by its endpoint reference", []discovery.Device{moved}, camera.Identity{Endpoint: "urn:uuid:aa"}, "192.0.2.9:80"},
		{"at its old address still", []discovery.Device{at("urn:uuid:aa", "192.0.2.1")}, camera.Identity{Endpoint: "urn:uuid:aa"}, ""},
		{"at two addresses, of which it answered from the other", []discovery.Device{both}, camera.Identity{Endpoint: "urn:uuid:aa"}, "192.0.2.9:80"},
		{"by its serial number", []discovery.Device{serial}, camera.Identity{Serial: "S1"}, "192.0.2.9:80"},
		{"by a serial number that two have", []discovery.Device{serial, twin}, camera.Identity{Serial: "S1"}, ""},
		{"by a serial number that another camera of ours has", []discovery.Device{other}, camera.Identity{Serial: "S1"}, ""},
		{"without encryption, as it is configured", []discovery.Device{secure}, camera.Identity{Endpoint: "urn:uuid:aa"}, "192.0.2.9:8080"},
	} {
		t.Run(one.name, func(t *testing.T) {
			g, f := made(t, oneONVIF+"[[camera]]\nname = \"two\"\nsource = \"onvif://192.0.2.2\"\n")
			f.find(one.devices...)
			e := g.served.Load().byName["door"]
			one.id.Host = "192.0.2.1:80"
			host, found := g.whereIs(e, one.id)
			if host != one.want || found != (one.want != "") {
				t.Errorf("it is at %q, %v, want %q", host, found, one.want)
			}
			if len(g.search) != 1 {
				t.Error("nobody searches for it")
			}
		})
	}
}

// TestOneWhoNamesTheCamerasAddressIsNotTakenForIt: only who answers from there.
func TestOneWhoNamesTheCamerasAddressIsNotTakenForIt(t *testing.T) {
	g, f := made(t, oneONVIF)
	e := g.served.Load().byName["door"]
	hostile := at("urn:uuid:evil", "192.0.2.66")
	hostile.ONVIF = []string{"http://192.0.2.1/onvif/device_service"}
	hostile.Also = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	g.seen(hostile)
	if e.device.Load() != nil {
		t.Fatal("it is the camera now")
	}
	real := at("urn:uuid:real", "192.0.2.1")
	g.seen(real)
	g.seen(at("urn:uuid:later", "192.0.2.1"))
	if id := e.device.Load(); id == nil || *id != "urn:uuid:real" {
		t.Fatalf("the camera is %v", id)
	}
	hostile.ONVIF = []string{"http://192.0.2.66/onvif/device_service"}
	f.find(hostile)
	if host, found := g.whereIs(e, camera.Identity{Host: "192.0.2.1:80"}); found {
		t.Errorf("it is looked for at %s", host)
	}
	f.find(at("urn:uuid:real", "192.0.2.7"))
	if host, _ := g.whereIs(e, camera.Identity{Host: "192.0.2.1:80"}); host != "192.0.2.7:80" {
		t.Errorf("it is looked for at %q", host)
	}
}

// TestACameraThatIsAddedLaterIsKnownToo: what was found before is not told again.
func TestACameraThatIsAddedLaterIsKnownToo(t *testing.T) {
	g, f, _ := run(t, "")
	f.find(at("urn:uuid:aa", "192.0.2.1"))
	if _, err := g.Add("door", "onvif://192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	f.find(at("urn:uuid:aa", "192.0.2.5"))
	if host, _ := g.whereIs(g.served.Load().byName["door"], camera.Identity{Host: "192.0.2.1:80"}); host != "192.0.2.5:80" {
		t.Errorf("it is looked for at %q", host)
	}
}

// TestAnIPv6AddressIsTheSameHoweverItIsWritten: in capitals, with zeros.
func TestAnIPv6AddressIsTheSameHoweverItIsWritten(t *testing.T) {
	for _, source := range []string{"onvif://[2001:DB8:0:0::7]", "onvif://[2001:db8::0007]:80", "rtsp://[2001:DB8::7]/1"} {
		g, _ := made(t, "[[camera]]\nname = \"door\"\nsource = \""+source+"\"\n")
		d := at("urn:uuid:aa", "2001:db8::7")
		g.seen(d)
		if id := g.served.Load().byName["door"].device.Load(); id == nil || !g.serves(d) {
			t.Errorf("%s is not recognised", source)
		}
	}
}

func TestADeviceIsServedByWhichever(t *testing.T) {
	g, _ := made(t, "[[camera]]\nname = \"door\"\nsource = \"onvif://192.0.2.1:80\"\nid = \"S1\"\n[[camera]]\nname = \"stream\"\nsource = \"rtsp://192.0.2.3/1\"\n[[camera]]\nname = \"known\"\nsource = \"onvif://192.0.2.4\"\nid = \"urn:uuid:AA\"\n")
	serial := at("urn:uuid:x", "192.0.2.99")
	serial.Serial = "s1"
	second := at("urn:uuid:y", "192.0.2.98")
	second.Also = []netip.Addr{netip.MustParseAddr("192.0.2.3")}
	otherPort := at("urn:uuid:z", "192.0.2.1")
	otherPort.ONVIF = []string{"http://192.0.2.1:8080/onvif"}
	anyPort := at("urn:uuid:z", "192.0.2.4")
	anyPort.ONVIF = []string{"http://192.0.2.4:8000/onvif"}
	for _, one := range []struct {
		name string
		d    discovery.Device
		want []string
	}{
		{"by its address", at("urn:uuid:x", "192.0.2.1"), []string{"door"}},
		{"by its serial number", serial, []string{"door"}},
		{"by its stream's address", at("urn:uuid:x", "192.0.2.3"), []string{"stream"}},
		{"by another address of its stream", second, []string{"stream"}},
		{"by its endpoint reference", at("uuid:aa", "192.0.2.97"), []string{"known"}},
		{"another port of the same host", otherPort, []string{}},
		{"another port, and none is configured", anyPort, []string{"known"}},
		{"nobody", at("urn:uuid:x", "192.0.2.50"), []string{}},
	} {
		if got := g.ServedAs(one.d); !slices.Equal(got, one.want) || g.serves(one.d) != (len(one.want) > 0) {
			t.Errorf("%s: served as %q, want %q", one.name, got, one.want)
		}
	}
}
