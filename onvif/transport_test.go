package onvif

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"camgate/camsim/device"
)

func TestHostileCamerasGiveTypedErrorsInTime(t *testing.T) {
	s := newSimulated(t)
	for quirk, want := range map[device.Quirk]error{
		device.QuirkHostileHugeBody: ErrTooLarge,
		device.QuirkHostileDeepXML:  ErrTooLarge,
		device.QuirkHostileEntities: ErrMalformed,
		device.QuirkHostileCut:      ErrMalformed,
	} {
		t.Run(string(quirk), func(t *testing.T) {
			_, c := s.camera(t, quirk)
			for _, ask := range []func() error{
				func() error { _, err := c.Information(testContext(t)); return err },
				func() error { _, err := c.Profiles(testContext(t)); return err },
			} {
				if err := ask(); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
		})
	}
	for _, quirk := range []device.Quirk{device.QuirkHostileSilent, device.QuirkHostileSlow} {
		t.Run(string(quirk), func(t *testing.T) {
			_, c := s.cameraOf(t, device.Options{Quirks: []device.Quirk{quirk}}, func(o *Options) { o.Timeout = 200 * time.Millisecond })
			_, err := c.Information(testContext(t))
			var unreachable *UnreachableError
			if !errors.As(err, &unreachable) && !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("a redirect to a cloud's metadata", func(t *testing.T) {
		_, c := s.camera(t, device.QuirkHostileRedirect)
		_, err := c.Information(testContext(t))
		if err == nil || !strings.Contains(err.Error(), "redirects to another host, 169.254.169.254") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRedirectsAreFollowedOnTheCameraOnly(t *testing.T) {
	f := newFake(t)
	f.login = wsseLogin
	elsewhere, stolen := "", atomic.Int32{}
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	t.Cleanup(thief.Close)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusMovedPermanently)
	}))
	t.Cleanup(front.Close)
	ask := func(to string) error {
		elsewhere = to
		c, err := New(Options{Address: front.URL, User: testUser, Password: testPassword})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Information(testContext(t))
		return err
	}
	if err := ask(f.URL); err != nil {
		t.Errorf("to another port of the camera: %v", err)
	}
	for _, s := range f.requests(func(seen) bool { return true }) {
		if !strings.Contains(s.body, "Envelope") {
			t.Errorf("a redirect made %s of the request", s.operation)
		}
	}
	thiefElsewhere := strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)
	if err := ask(thiefElsewhere); err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("to another host: %v", err)
	}
	if err := ask(front.URL); err == nil || !strings.Contains(err.Error(), "more than 3 times") {
		t.Errorf("in a circle: %v", err)
	}
	if err := ask("ftp://127.0.0.1"); !errors.Is(err, ErrMalformed) {
		t.Errorf("to another protocol: %v", err)
	}
	if stolen.Load() != 0 {
		t.Error("another host was asked")
	}
}

func TestACameraThatWentOverToHTTPSIsFollowed(t *testing.T) {
	f := newFake(t)
	f.login = wsseLogin
	secure := httptest.NewTLSServer(f)
	t.Cleanup(secure.Close)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secure.URL+r.URL.Path, http.StatusPermanentRedirect)
	}))
	t.Cleanup(front.Close)
	c := f.client(t, func(o *Options) { o.Address, o.TLSInsecure = front.URL, true })
	if info, err := c.Information(testContext(t)); err != nil || info.Maker != "Acme" {
		t.Errorf("got %+v, %v", info, err)
	}
	c = f.client(t, func(o *Options) { o.Address = front.URL })
	var certificate *CertificateError
	if _, err := c.Information(testContext(t)); !errors.As(err, &certificate) {
		t.Errorf("without a fingerprint: %v", err)
	}
}

func TestNoRedirectLeavesHTTPS(t *testing.T) {
	f := newFake(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, f.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(secure.Close)
	c := f.client(t, func(o *Options) { o.Address, o.TLSInsecure = secure.URL, true })
	if _, err := c.Information(testContext(t)); err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("got %v", err)
	}
	if n := len(f.requests(func(seen) bool { return true })); n > 0 {
		t.Errorf("%d requests went over http", n)
	}
}

func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	c := newFake(t).client(t)
	for _, one := range []*http.Client{c.transport.client, c.transport.lenient} {
		if transport := one.Transport.(*http.Transport); transport.Proxy != nil {
			t.Error("requests may go to a proxy")
		}
	}
}

func TestConnectionsAreKeptFewAndClosed(t *testing.T) {
	f := newFake(t)
	var open atomic.Int32
	counted := httptest.NewUnstartedServer(f)
	counted.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	counted.Start()
	t.Cleanup(counted.Close)
	c := f.client(t, func(o *Options) { o.Address = counted.URL })
	for range 20 {
		if _, err := c.Information(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	if n := open.Load(); n != 1 {
		t.Errorf("%d connections for twenty requests in a row", n)
	}
	c.Close()
	for deadline := time.Now().Add(10 * time.Second); open.Load() != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open after Close", open.Load())
		}
	}
}

func TestACameraThatIsAwayIsNamedWithItsAddress(t *testing.T) {
	address := "127.0.0.1:" + freePort(t)
	c, err := New(Options{Address: "http://" + address, User: testUser, Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Information(testContext(t))
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Address != address || !strings.Contains(err.Error(), "camera "+address+" does not answer") {
		t.Errorf("got %v", err)
	}
	if _, err = c.Clock(testContext(t)); !errors.As(err, &unreachable) {
		t.Errorf("the clock: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Information(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
}

func TestWhatIsNoCameraIsCalledSo(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a web page":          func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<!DOCTYPE html><html>Welcome</html>")) },
		"nothing at the path": http.NotFound,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			c, err := New(Options{Address: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			for _, ask := range []func() error{
				func() error { _, err := c.Information(testContext(t)); return err },
				func() error { _, err := c.Services(testContext(t)); return err },
				func() error { _, err := c.Clock(testContext(t)); return err },
			} {
				if err := ask(); !errors.Is(err, ErrNotONVIF) || !strings.Contains(err.Error(), "is this its ONVIF port?") {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestAddressesThatNoClientIsMadeFor(t *testing.T) {
	for address, says := range map[string]string{
		"":                             "http:// or https://",
		"192.0.2.10":                   "http:// or https://",
		"onvif://192.0.2.10":           "http:// or https://",
		"http://":                      "names no host",
		"http://192.0.2.10:99999":      "is no port",
		"http://admin:x9x9x@192.0.2.1": "user and password belong beside the address",
		"http://[::1":                  "is no address",
	} {
		if _, err := New(Options{Address: address}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v", address, err)
		} else if strings.Contains(err.Error(), "x9x9x") {
			t.Errorf("%q: the password is in %v", address, err)
		}
	}
	if _, err := New(Options{Address: "https://192.0.2.1", TLSFingerprint: "abc"}); err == nil {
		t.Error("a fingerprint of three digits was taken")
	}
	c, err := New(Options{Address: "https://192.0.2.1:8443/", TLSFingerprint: strings.Repeat("AB:", 31) + "AB"})
	if err != nil || c.base.String() != "https://192.0.2.1:8443/onvif/device_service" {
		t.Errorf("got %v, %v", c.base, err)
	}
}
