package source

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

func TestAddressesAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ raw, user, password, shown string }{
		{"rtsp://192.0.2.1", "", "", "rtsp://192.0.2.1:554/"},
		{" RTSP://cam.example/stream1\n", "", "", "rtsp://cam.example:554/stream1"},
		{"rtsps://cam.example/s", "", "", "rtsps://cam.example:322/s"},
		{"rtsp://cam_1:8554//h264?a=1&b=2", "", "", "rtsp://cam_1:8554//h264?a=1&b=2"},
		{"rtsp://[2001:db8::1]:8554/x", "", "", "rtsp://[2001:db8::1]:8554/x"},
		{"rtsp://[fe80::1%eth0]/x", "", "", "rtsp://[fe80::1%eth0]:554/x"},
		{"rtsp://cam/ein pfad/ü", "", "", "rtsp://cam:554/ein%20pfad/%C3%BC"},
		{"rtsp://cam/stream0.sdp?", "", "", "rtsp://cam:554/stream0.sdp?"},
		{"rtsp://cam/x#fragment", "", "", "rtsp://cam:554/x"},
		{"rtsp://admin@cam/x", "admin", "", "rtsp://cam:554/x"},
		{"rtsp://admin:@cam/x", "admin", "", "rtsp://cam:554/x"},
		{"rtsp://admin:secret@192.0.2.1:554/x", "admin", "secret", "rtsp://192.0.2.1:554/x"},
		{"rtsp://a@b.example:p@ss@cam/x@y", "a@b.example", "p@ss", "rtsp://cam:554/x@y"},
		{"rtsp://u:a:b@cam/x", "u", "a:b", "rtsp://cam:554/x"},
		{"rtsp://u:a/b@cam/x", "u", "a/b", "rtsp://cam:554/x"},
		{"rtsp://u:1/b@192.0.2.1/x", "u", "1/b", "rtsp://192.0.2.1:554/x"},
		{"rtsp://u:a@b/c@192.0.2.1/x", "u", "a@b/c", "rtsp://192.0.2.1:554/x"},
		{"rtsp://u:a@192.0.2.1/x@192.0.2.9", "u", "a", "rtsp://192.0.2.1:554/x@192.0.2.9"},
		{"rtsp://u:a@cam/x?to=b@192.0.2.9", "u", "a", "rtsp://cam:554/x?to=b@192.0.2.9"},
		{"rtsp://u:a?b#c@cam/x", "u", "a?b#c", "rtsp://cam:554/x"},
		{"rtsp://u:100%@cam/x", "u", "100%", "rtsp://cam:554/x"},
		{"rtsp://u:two words@cam/x", "u", "two words", "rtsp://cam:554/x"},
		{"rtsp://u%40d:%40%3A%2F%25%23%3f%20@cam/x", "u@d", "@:/%#? ", "rtsp://cam:554/x"},
		{"rtsp://192.0.2.1:554/mail@main", "", "", "rtsp://192.0.2.1:554/mail@main"},
		{"rtsp://cam/x?to=a@192.0.2.9", "", "", "rtsp://cam:554/x?to=a@192.0.2.9"},
	} {
		a, err := ParseAddress(c.raw)
		if err != nil {
			t.Errorf("%q: %v", c.raw, err)
			continue
		}
		password, _ := a.user.Password()
		if a.user.Username() != c.user || password != c.password || a.String() != c.shown {
			t.Errorf("%q is user %q, password %q, %s; want %q, %q, %s", c.raw, a.user.Username(), password, a, c.user, c.password, c.shown)
		}
	}
}

func TestAddressesThatAreWrong(t *testing.T) {
	for raw, says := range map[string]string{
		"":                              "begins with rtsp://",
		"http://u:canary@cam/":          "begins with rtsp://",
		"192.0.2.1/stream":              "begins with rtsp://",
		"rtsp://":                       "needs a host",
		"rtsp://u:canary@/x":            "",
		"rtsp://u:canary@cam:99999/x":   "",
		"rtsp://u:canary@ca m/x":        "",
		"rtsp://u\n:canary@cam/x":       "control character",
		"rtsp://u:canary@[::zz]/x":      "",
		"rtsp://u:canary@cam:0/%63%zz":  "",
		"rtsp://u:c%61nary@cam:http/xx": "",
	} {
		a, err := ParseAddress(raw)
		if err == nil {
			t.Errorf("%q is %s", raw, a)
		} else if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "anary") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestNothingShowsThePassword(t *testing.T) {
	const canary = "can/ary@7%"
	for _, raw := range []string{
		"rtsp://u:" + canary + "@192.0.2.1/x",
		"rtsp://u:" + url.PathEscape(canary) + "@192.0.2.1/x",
		"rtsp://192.0.2.1/user=u_password=" + url.PathEscape(canary) + "_channel=1_stream=0.sdp",
		"rtsp://192.0.2.1/x?user=u&pwd=" + url.QueryEscape(canary) + "&channel=1",
		"rtsp://192.0.2.1/x?Password=" + url.QueryEscape(canary),
	} {
		a, err := ParseAddress(raw)
		if err != nil {
			t.Fatal(err)
		}
		coded, _ := json.Marshal(map[string]any{"a": a})
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "address", a)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "address", &a)
		shown := fmt.Sprintf("%s %v %+v %#v %q %s %s", a, a, a, a, a, coded, &log)
		if strings.Contains(shown, "ary") || !strings.Contains(shown, "192.0.2.1") {
			t.Errorf("%s", shown)
		}
		if strings.Contains(raw, "channel=1") && !strings.Contains(shown, "channel=1") {
			t.Errorf("more is hidden than the password: %s", a)
		}
	}
}

func TestAnotherPassword(t *testing.T) {
	a, err := ParseAddress("rtsp://admin:old@cam/x")
	if err != nil {
		t.Fatal(err)
	}
	b := a.WithPassword("p@:/%# ")
	if p, _ := b.user.Password(); p != "p@:/%# " || b.user.Username() != "admin" || b.String() != a.String() {
		t.Errorf("got user %q, password %q", b.user.Username(), p)
	}
	if p, _ := a.user.Password(); p != "old" {
		t.Error("the address that it was made from changed")
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"rtsp://192.0.2.1", "rtsps://u:p@ss/w%rd@[::1]:1/a b?c#d", "rtsp://u:1/b@192.0.2.1/x@y", "rtsp://[fe80::1%25eth0]/x", "rtsp://@@:@/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := ParseAddress(raw)
		if err != nil {
			return
		}
		// What is shown is the same address again, without the password, unless its path is
		// one of those that could be read in two ways.
		plain := redact(a.rest) == a.rest && !strings.Contains(a.rest, "@")
		if again, err := ParseAddress(a.String()); plain && (err != nil || again.String() != a.String()) {
			t.Errorf("%q is shown as %q, which is %q, %v", raw, a, again, err)
		}
		r := a.request()
		if r.Host != a.host || r.User != a.user {
			t.Errorf("%q is asked for at %q", raw, r.Host)
		}
		line := base.Request{Method: base.Describe, URL: r, Header: base.Header{}}
		b, err := line.Marshal()
		if err != nil || strings.Count(string(b), "\r\n") != 2 || strings.Count(strings.SplitN(string(b), "\r\n", 2)[0], " ") != 2 {
			t.Errorf("%q makes the request %q, %v", raw, b, err)
		}
	})
}

func TestAddressesOfCamerasThatAreAsked(t *testing.T) {
	for _, c := range []struct{ raw, host, service, profile, videoSource string }{
		{"onvif://192.0.2.1", "192.0.2.1:80", "http://192.0.2.1:80", "auto", ""},
		{"onvifs://cam.example/", "cam.example:443", "https://cam.example:443", "auto", ""},
		{"onvif://u:p@192.0.2.1:8000/onvif/device_service", "192.0.2.1:8000", "http://192.0.2.1:8000/onvif/device_service", "auto", ""},
		{"onvif://u:p/q@192.0.2.1?profile=Main%20Stream", "192.0.2.1:80", "http://192.0.2.1:80", "Main Stream", ""},
		{"onvif://192.0.2.1/x?profile=auto&source=eye+2&k=v", "192.0.2.1:80", "http://192.0.2.1:80/x?k=v", "auto", "eye 2"},
		{"onvif://[fe80::1%eth0]:8080/x", "[fe80::1%eth0]:8080", "http://[fe80::1%25eth0]:8080/x", "auto", ""},
	} {
		a, err := ParseAddress(c.raw)
		if err != nil {
			t.Errorf("%q: %v", c.raw, err)
			continue
		}
		service, profile, videoSource := a.Service()
		if !a.ONVIF() || a.Host() != c.host || service != c.service || profile != c.profile || videoSource != c.videoSource {
			t.Errorf("%q is asked at %s (%s), profile %q, source %q", c.raw, service, a.Host(), profile, videoSource)
		}
		if _, err := url.Parse(service); err != nil {
			t.Errorf("%q: %v", c.raw, err)
		}
	}
	for raw, given := range map[string]bool{"onvif://h": false, "onvif://u:p@h": false, "onvif://h:80": true, "onvif://u:p@[fe80::1%eth0]": false, "onvif://[::1]:80": true} {
		if a, err := ParseAddress(raw); err != nil || a.PortGiven() != given {
			t.Errorf("%s: %v, its port is given: %v", raw, err, a.PortGiven())
		}
	}
	stream, err := ParseAddress("rtsp://192.0.2.1/s")
	if err != nil || stream.ONVIF() {
		t.Fatalf("%v, %v", stream, err)
	}
	camera, err := ParseAddress("onvif://admin:a%2Fb@192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if user, password, given := stream.WithLogin(camera).Login(); user != "admin" || password != "a/b" || !given {
		t.Errorf("the stream's login is %q, %q, %v", user, password, given)
	}
	if _, _, given := stream.Login(); given {
		t.Error("an address without a login has one")
	}
	if got := stream.At("198.51.100.1:5540"); got.String() != "rtsp://198.51.100.1:5540/s" || stream.Host() != "192.0.2.1:554" {
		t.Errorf("at another host it is %v, and was %v", got, stream)
	}
}

// TestACameraNamesNoOtherHostInItsPath: where the camera is configured by a name, what stands
// before an @ in a path may look like user and password.
func TestACameraNamesNoOtherHostInItsPath(t *testing.T) {
	for _, one := range []struct{ uri, host, shown string }{
		{"rtsp://door:554/x@192.0.2.66/y", "door:554", "rtsp://door:554/x@192.0.2.66/y"},
		{"rtsp://door/x@192.0.2.66:554", "door:554", "rtsp://door:554/x@192.0.2.66:554"},
		{"rtsps://192.0.2.1/a@b?c=d", "192.0.2.1:322", "rtsps://192.0.2.1:322/a@b?c=d"},
	} {
		a, err := ParseAnnounced(one.uri)
		_, _, given := a.Login()
		if err != nil || a.Host() != one.host || a.String() != one.shown || given {
			t.Errorf("%s is at %s, as %s, with a login: %v; %v", one.uri, a.Host(), a, given, err)
		}
	}
	if a, err := ParseAnnounced("rtsp://u:p@192.0.2.1/x"); err == nil {
		t.Errorf("user and password are taken for a host: %s", a)
	}
}

func TestStreamsAreTheSameWhoeverAsks(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"rtsp://192.0.2.1/s?token=a", "rtsp://admin:geheim@192.0.2.1:554/s?token=a", true},
		{"RTSP://Cam.Example/s", "rtsp://cam.example/s", true},
		{"rtsp://192.0.2.1/s?token=a", "rtsp://192.0.2.1/s?token=b", false},
		{"rtsp://192.0.2.1/s", "rtsp://192.0.2.1:8554/s", false},
		{"rtsp://192.0.2.1/s", "rtsps://192.0.2.1:554/s", false},
	} {
		a, errA := ParseAddress(c.a)
		b, errB := ParseAddress(c.b)
		if errA != nil || errB != nil || a.SameStream(b) != c.same || b.SameStream(a) != c.same {
			t.Errorf("%s and %s: %v %v, want %v", c.a, c.b, errA, errB, c.same)
		}
	}
}
