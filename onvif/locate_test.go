package onvif

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"camgate/camsim"
	"camgate/camsim/device"
)

// portNumber is the port of a URL.
func portNumber(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestServiceIsFoundAtAnotherPort: of a shut port, a web page, something that hangs, and a
// camera, it is the camera.
func TestServiceIsFoundAtAnotherPort(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a page was sent a login")
		}
		w.Write([]byte("<html>not found</html>")) //nolint:errcheck // of a test
	}))
	t.Cleanup(page.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	cam, err := camsim.Start(t.Context(), camsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	for name, options := range map[string]device.Options{
		"open":             {},
		"wants a password": {User: "admin", Password: "secret", Quirks: []device.Quirk{device.QuirkServicesNeedLogin, device.QuirkClockNeedsLogin}},
		"digest, HTML":     {User: "admin", Password: "secret", Quirks: []device.Quirk{device.QuirkDigestOnly}},
	} {
		t.Run(name, func(t *testing.T) {
			options.Profiles = []device.Profile{{Camera: cam}}
			d, err := device.Start(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(d.Close)
			u := &url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/onvif/device_service"}
			began := time.Now()
			got, err := locate(t.Context(), Options{User: "admin", Password: "secret"}, u,
				[]int{9, portNumber(t, page.URL), silent.Addr().(*net.TCPAddr).Port, portNumber(t, d.XAddr())})
			if err != nil || got != d.XAddr() {
				t.Errorf("it is found at %q, %v; want %s", got, err, d.XAddr())
			}
			t.Log(time.Since(began))
		})
	}
	_, err = locate(t.Context(), Options{}, &url.URL{Scheme: "http", Host: "127.0.0.1"}, []int{9, portNumber(t, page.URL)})
	if !errors.Is(err, ErrNotONVIF) {
		t.Errorf("where there is none the error is %v", err)
	}
}

// TestOfPortsThatMayBeTheOneTheUsualIsTaken: a web page that asks for a login looks like a
// camera that tells nobody anything, and may answer faster.
func TestOfPortsThatMayBeTheOneTheUsualIsTaken(t *testing.T) {
	faster := make(chan struct{})
	answered := sync.OnceFunc(func() { close(faster) })
	server := func(answer func(operation string)) int {
		f := newFake(t)
		f.login = func(s seen) *refused {
			answer(s.operation)
			return f.challenge("Digest MD5")
		}
		return portNumber(t, f.URL)
	}
	usual := server(func(string) {
		select {
		case <-faster:
		case <-t.Context().Done():
		}
	})
	other := server(func(operation string) {
		if operation == "GetDeviceInformation" { // the last question
			time.AfterFunc(100*time.Millisecond, answered)
		}
	})
	u := &url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/onvif/device_service"}
	got, err := locate(t.Context(), Options{}, u, []int{usual, other})
	if err != nil || portNumber(t, got) != usual {
		t.Errorf("it is found at %s, %v; want port %d, not %d", got, err, usual, other)
	}
}

func TestOverTLSItsPortsAreLookedAt(t *testing.T) {
	if !slices.Contains(securePorts, 443) || slices.Contains(securePorts, 80) || slices.Contains(ports, 443) {
		t.Errorf("over TLS %v, else %v", securePorts, ports)
	}
}
