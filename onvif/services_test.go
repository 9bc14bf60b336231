package onvif

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
)

func TestServicesOfBothWaysAreMerged(t *testing.T) {
	f := newFake(t)
	f.set("GetServices", f.services(nsMedia2))
	f.set("GetCapabilities", "<Capabilities><Media><XAddr>http://10.0.0.5:81/media</XAddr></Media><Events><XAddr> "+f.URL+"/events </XAddr></Events></Capabilities>")
	c := f.client(t)
	for range 2 {
		services, err := c.Services(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{nsDevice: f.URL + defaultPath, nsMedia2: f.URL + "/onvif/service", nsMedia: "http://127.0.0.1:81/media", nsEvents: f.URL + "/events"}
		for namespace, address := range want {
			if services[namespace] != address {
				t.Errorf("%s is at %q, want %q", namespace, services[namespace], address)
			}
		}
		if len(services) != len(want) {
			t.Errorf("got %v", services)
		}
	}
	if n := len(f.requests(func(s seen) bool { return s.operation == "GetServices" })); n != 1 {
		t.Errorf("it asked for its services %d times", n)
	}
}

func TestServicesWithAddressesThatAreNoneAreLeftOut(t *testing.T) {
	f := newFake(t)
	f.set("GetServices", "<Service><Namespace>"+nsMedia+"</Namespace><XAddr>what is this</XAddr></Service>"+
		"<Service><Namespace>"+nsEvents+"</Namespace><XAddr>file:///etc/passwd</XAddr></Service>"+
		"<Service><Namespace>"+nsPTZ+"</Namespace><XAddr>http://[::1:80/x</XAddr></Service>")
	c := f.client(t)
	services, err := c.Services(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for namespace, address := range services {
		if u, err := url.Parse(address); err != nil || u.Hostname() != "127.0.0.1" {
			t.Errorf("%s is at %q", namespace, address)
		}
	}
	if services[nsMedia] != "" || services[nsEvents] != "" {
		t.Errorf("got %v", services)
	}
	if _, err := c.Profiles(testContext(t)); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "has no media service") {
		t.Errorf("got %v", err)
	}
}

// Behind a router that forwards one port, the port that the camera names leads nowhere.
func TestAServiceIsAskedAtTheForwardedPortWhereItsOwnIsShut(t *testing.T) {
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := shut.Addr().(*net.TCPAddr).String()
	shut.Close()
	f := newFake(t)
	f.set("GetServices", strings.ReplaceAll(f.services(nsMedia, nsEvents, nsPTZ), f.URL, "http://"+strings.Replace(port, "127.0.0.1", "192.168.1.10", 1)))
	c := f.client(t)
	for range 2 {
		if profiles, err := c.Profiles(testContext(t)); err != nil || len(profiles) != 1 {
			t.Fatalf("got %v, %v", profiles, err)
		}
	}
	mustNote(t, c, "its media service does not answer at "+port)
}

func TestLatinNamesAndDottedHostsAreTheSameHost(t *testing.T) {
	for _, pair := range [][2]string{{"Camera.Local.", "camera.local"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"fe80::1%eth0", "FE80:0::1"}} {
		if zoneless(pair[0]) != zoneless(pair[1]) {
			t.Errorf("%q is %q, %q is %q", pair[0], zoneless(pair[0]), pair[1], zoneless(pair[1]))
		}
	}
}

// A camera that has just started may not have all its services yet, and one with other firmware
// may have them elsewhere: what it said of them once is not kept where it does not do.
func TestServicesThatDoNotDoAreAskedForAgain(t *testing.T) {
	f := newFake(t)
	f.set("GetServices", f.services(nsDevice))
	c := f.client(t, anonymously)
	if _, err := c.Profiles(testContext(t)); !errors.Is(err, ErrNotSupported) {
		t.Fatalf("without a media service: %v", err)
	}
	f.set("GetServices", f.services(nsDevice, nsMedia, nsEvents, nsPTZ))
	for range 2 {
		if profiles, err := c.Profiles(testContext(t)); err != nil || len(profiles) != 1 {
			t.Fatalf("with one: %v, %v", profiles, err)
		}
	}
	asked := f.requests(func(s seen) bool { return s.operation == "GetServices" })
	if len(asked) != 2 {
		t.Errorf("it was asked %d times for its services", len(asked))
	}
}
