package onvif

import (
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"camgate/testnet"
)

// A camera that has no address but its link-local one is on another host, which names its
// services without the zone that only we know.
func TestALinkLocalCameraIsReachedThroughItsZone(t *testing.T) {
	h := testnet.New(t)
	f := newFake(t)
	f.login = f.digestLogin("Digest MD5")
	f.set("GetStreamUri", "<Uri>rtsp://[fe80::1234]:554/live</Uri>")
	server := httptest.NewUnstartedServer(f)
	server.Listener.Close()
	if six, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skipf("there is no IPv6: %v", err)
	} else {
		six.Close()
	}
	address := netip.MustParseAddr("fe80::77")
	h.Run("ip", "-6", "addr", "add", address.String()+"/64", "dev", h.Device(), "nodad")
	var failed error
	h.Inside(func() { server.Listener, failed = net.Listen("tcp6", "[::]:0") })
	if failed != nil {
		t.Fatal(failed)
	}
	server.Start()
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	f.set("GetServices", strings.ReplaceAll(f.services(nsMedia, nsEvents, nsPTZ), f.URL, fmt.Sprintf("http://[%s]:%d", address, port)))
	c, err := New(Options{Address: fmt.Sprintf("http://[%s%%25%s]:%d", address, h.OurDevice(), port), User: testUser, Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	untilUp(t, testContext(t), c) // our end's address is tentative for a second or two
	profiles, err := c.Profiles(testContext(t))
	if err != nil || len(profiles) != 1 {
		t.Fatalf("got %+v, %v", profiles, err)
	}
	uri, err := c.StreamURI(testContext(t), profiles[0])
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(uri); err != nil || u.Hostname() != address.String()+"%"+h.OurDevice() || u.Port() != "554" {
		t.Errorf("the stream is at %q, %v", uri, err)
	}
}
