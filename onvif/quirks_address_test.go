package onvif

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"net/url"
	"strings"
	"testing"
	"time"

	"camgate/camsim/device"
)

// address: everything that the camera announces is somewhere else.
func (s *simulated) address(quirk device.Quirk, announced string) func(*testing.T) {
	return func(t *testing.T) {
		d, c := s.camera(t, quirk)
		profiles := mustWork(t, d, c)
		mustNote(t, c, "it announces "+announced+", which is not where it was reached: 127.0.0.1 is used")
		services, err := c.Services(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		for namespace, address := range services {
			if strings.Contains(address, announced) {
				t.Errorf("%s is at %s", namespace, address)
			}
		}
		mustSeeMotion(t, d, c) // the address of a subscription is announced wrongly, too
		mustFetch(t, c, profiles[0])
	}
}

// mustSeeMotion waits for one change of motion each way.
func mustSeeMotion(t *testing.T, d *device.Device, c *Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(testContext(t), 20*time.Second)
	defer cancel()
	told, ended := make(chan bool, 16), make(chan error, 1)
	go func() { ended <- c.WatchMotion(ctx, func(motion bool) { told <- motion }) }()
	for _, want := range []bool{false, true, false} {
		select {
		case got := <-told:
			if got != want {
				t.Fatalf("motion is %v, want %v", got, want)
			}
		case err := <-ended:
			t.Fatalf("watching ended: %v", err)
		case <-ctx.Done():
			t.Fatalf("nobody told that motion is %v", want)
		}
		d.Motion(!want)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watching ended with %v", err)
	}
	if d.Requests()["Unsubscribe"] == 0 {
		t.Error("the pull point was left behind")
	}
}

func mustFetch(t *testing.T, c *Client, p Profile) {
	t.Helper()
	uri, err := c.SnapshotURI(testContext(t), p)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		picture, err := c.Snapshot(testContext(t), uri)
		if err != nil {
			t.Fatal(err)
		}
		if config, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || config.Width != p.Width {
			t.Errorf("the picture is %+v, %v", config, err)
		}
	}
}

func (s *simulated) ports(t *testing.T) {
	d, c := s.camera(t, device.QuirkPortsDiffer)
	profiles := mustWork(t, d, c)
	services, err := c.Services(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if services[nsMedia2] == "" || strings.HasPrefix(services[nsMedia2], strings.TrimSuffix(d.XAddr(), defaultPath)) {
		t.Errorf("media2 is at %q, the device at %s", services[nsMedia2], d.XAddr())
	}
	mustFetch(t, c, profiles[0])
	mustSeeMotion(t, d, c)
}

func (s *simulated) severalAddresses(t *testing.T) {
	d, c := s.camera(t, device.QuirkXAddrsSpaces)
	mustWork(t, d, c)
	for _, one := range []struct{ base, raw, want string }{
		{"http://192.168.0.209", "http://192.168.0.209/a https://192.168.0.209/b  http://169.254.251.249/c\n https://169.254.251.249/d\n ", "http://192.168.0.209/a"},
		{"https://192.168.0.209", "http://192.168.0.209/a https://169.254.251.249/d https://192.168.0.209/b", "https://192.168.0.209/b"},
		{"http://192.168.0.209", "https://169.254.251.249/d\nhttp://169.254.251.249/c", "http://192.168.0.209/c"},
		{"http://192.168.0.209:8080", "https://192.168.0.209:443/only", "http://192.168.0.209:8080/only"},
		{"https://cam.example", "http://10.0.0.5/only", "https://cam.example/only"},
		{"http://cam.example:8080", "/onvif/media", "http://cam.example:8080/onvif/media"},
	} {
		c, err := New(Options{Address: one.base})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.mendService(one.raw); err != nil || got.String() != one.want {
			t.Errorf("at %s, %q becomes %v, %v; want %s", one.base, one.raw, got, err, one.want)
		}
	}
}

func (s *simulated) ipv6(t *testing.T) {
	d, c := s.camera(t, device.QuirkIPv6Only)
	if !strings.Contains(d.XAddr(), "[") {
		t.Skipf("it listens on %s", d.XAddr())
	}
	mustWork(t, d, c)
	t.Run("with a zone", func(t *testing.T) {
		for _, address := range []string{"http://[fe80::1%25eth0]:8000", "http://[fe80::1%eth0]:8000"} {
			c, err := New(Options{Address: address})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.mendService("http://[fe80::1]/onvif/media"); err != nil || got.String() != "http://[fe80::1%25eth0]/onvif/media" || got.Hostname() != "fe80::1%eth0" {
				t.Errorf("the service is at %v, %v", got, err)
			}
			if got, err := c.mendURI("rtsp://[fe80::9]:554/s", "stream", "rtsp"); err != nil || got != "rtsp://[fe80::1%25eth0]:554/s" {
				t.Errorf("the stream is at %v, %v", got, err)
			}
		}
	})
}

func (s *simulated) h265(t *testing.T) {
	for _, quirk := range []device.Quirk{device.QuirkH265Hidden, device.QuirkCodecWrong, device.QuirkMedia2Only} {
		d, c := s.camera(t, quirk)
		profiles := mustWork(t, d, c)
		if p := profiles[0]; p.Codec != "H265" || p.Width != 320 || p.FPS != 10 || p.GOP != 20 || !p.Media2 || !p.PTZ {
			t.Errorf("%s: the main stream is %+v", quirk, p)
		}
		if sources, err := c.VideoSources(testContext(t)); err != nil || len(sources) != 1 {
			t.Errorf("%s: the sources are %v, %v", quirk, sources, err)
		}
	}
	t.Run("and tells nothing wrong where Media2 is away", func(t *testing.T) {
		d, c := s.camera(t, device.QuirkH265Hidden, device.QuirkGetServicesMissing, device.QuirkMedia2InServicesOnly)
		if p := mustWork(t, d, c)[0]; p.Media2 || p.Codec != "" {
			t.Errorf("the main stream is %+v", p)
		}
	})
}

func (s *simulated) media2(t *testing.T) {
	for _, one := range []struct {
		quirks []device.Quirk
		media2 bool
	}{
		{[]device.Quirk{device.QuirkMedia2InServicesOnly}, true},
		{[]device.Quirk{device.QuirkGetServicesMissing}, true}, // GetCapabilities names it as well
		{[]device.Quirk{device.QuirkGetServicesMissing, device.QuirkMedia2InServicesOnly}, false},
		{[]device.Quirk{device.QuirkMedia2AllFails}, true},
	} {
		d, c := s.camera(t, one.quirks...)
		if p := mustWork(t, d, c)[0]; p.Media2 != one.media2 {
			t.Errorf("%v: the main stream is %+v", one.quirks, p)
		}
	}
}

func (s *simulated) uris(t *testing.T) {
	for _, quirks := range [][]device.Quirk{
		{device.QuirkURIWhitespace}, {device.QuirkURIAmpersand}, {device.QuirkMedia1URIBare, device.QuirkGetServicesMissing},
		{device.QuirkURIWhitespace, device.QuirkURIAmpersand, device.QuirkGetServicesMissing},
	} {
		d, c := s.camera(t, quirks...)
		p := mustWork(t, d, c)[0]
		uri, err := c.StreamURI(testContext(t), p)
		if err != nil || strings.ContainsAny(uri, " \t\n;") || strings.Contains(uri, "amp") {
			t.Errorf("%v: the stream is at %q, %v", quirks, uri, err)
		}
		for _, q := range quirks {
			if q == device.QuirkURIAmpersand && !strings.HasSuffix(uri, "?channel=1&subtype=0&unicast=true") {
				t.Errorf("the stream is at %q", uri)
			}
		}
	}
}

func (s *simulated) uriCredentials(t *testing.T) {
	d, c := s.camera(t)
	plain, err := c.StreamURI(testContext(t), mustWork(t, d, c)[0])
	if err != nil || CarriesPassword(plain) {
		t.Errorf("%q, %v", plain, err)
	}
	d, c = s.camera(t, device.QuirkURICredentials)
	with, err := c.StreamURI(testContext(t), mustWork(t, d, c)[0])
	if err != nil || !CarriesPassword(with) {
		t.Errorf("%q, %v", with, err)
	}
	u, err := url.Parse(with)
	if err != nil || u.Query().Get("password") != testPassword {
		t.Errorf("the password in %q is %q", with, u.Query().Get("password"))
	}
}

func (s *simulated) snapshots(t *testing.T) {
	for name, quirks := range map[string][]device.Quirk{
		"as is standard": {}, "by Basic": {device.QuirkSnapshotBasic}, "by Digest": {device.QuirkSnapshotDigest},
		"by its query": {device.QuirkSnapshotQueryOnly}, "with bad headers": {device.QuirkSnapshotBadHeaders},
		"with bad headers by Basic": {device.QuirkSnapshotBadHeaders, device.QuirkSnapshotBasic},
	} {
		t.Run(name, func(t *testing.T) {
			d, c := s.camera(t, quirks...)
			mustFetch(t, c, mustWork(t, d, c)[0])
		})
	}
	t.Run("but not from an RTSP address", func(t *testing.T) {
		d, c := s.camera(t, device.QuirkSnapshotRTSP)
		if _, err := c.SnapshotURI(testContext(t), mustWork(t, d, c)[0]); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "rtsp://") {
			t.Errorf("got %v", err)
		}
		if _, err := c.Snapshot(testContext(t), "rtsp://127.0.0.1/x"); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "a stream") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("and says so where there are none", func(t *testing.T) {
		d, c := s.camera(t, device.QuirkNoSnapshot)
		if _, err := c.SnapshotURI(testContext(t), mustWork(t, d, c)[0]); !errors.Is(err, ErrNotSupported) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("and never a readable password with digest_only", func(t *testing.T) {
		d, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Quirks: []device.Quirk{device.QuirkSnapshotBasic}}, digestOnly)
		uri, err := c.SnapshotURI(testContext(t), mustWork(t, d, c)[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Snapshot(testContext(t), uri); !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "digest_only forbids") {
			t.Errorf("got %v", err)
		}
	})
}

func (s *simulated) xml(t *testing.T) {
	for _, quirk := range []device.Quirk{device.QuirkXMLUnboundPrefix, device.QuirkXMLBadUTF8, device.QuirkXMLDeclaredUTF16, device.QuirkXMLWrongNamespace} {
		t.Run(string(quirk), func(t *testing.T) {
			d, c := s.camera(t, quirk)
			profiles := mustWork(t, d, c)
			if quirk == device.QuirkXMLBadUTF8 && !strings.HasSuffix(profiles[0].Name, " Büro") {
				t.Errorf("its name is %q", profiles[0].Name)
			}
			mustSeeMotion(t, d, c)
		})
	}
}

func (s *simulated) https(t *testing.T) {
	d, c := s.camera(t, device.QuirkHTTPS)
	_, err := c.Information(testContext(t))
	var certificate *CertificateError
	if !errors.As(err, &certificate) || !strings.Contains(err.Error(), "tls_fingerprint = \""+certificate.Fingerprint) {
		t.Fatalf("got %v", err)
	}
	again := func(change func(*Options)) *Client {
		o := Options{Address: d.XAddr(), User: testUser, Password: testPassword}
		change(&o)
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	pinned := again(func(o *Options) { o.TLSFingerprint = certificate.Fingerprint })
	mustFetch(t, pinned, mustWork(t, d, pinned)[0])
	mustWork(t, d, again(func(o *Options) { o.TLSInsecure = true }))
	other := again(func(o *Options) { o.TLSFingerprint = strings.Repeat("ab", 32) })
	if _, err := other.Information(testContext(t)); !errors.As(err, &certificate) || !certificate.Pinned {
		t.Errorf("got %v", err)
	}
}
