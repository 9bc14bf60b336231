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

	"camgate/camsim"
	"camgate/camsim/device"
	"camgate/decoder"
	"camgate/media"
)

// simulated starts simulated devices that share a main stream, H.265, and a sub stream.
type simulated struct{ main, sub *camsim.Camera }

func newSimulated(t *testing.T) *simulated {
	t.Helper()
	server, err := camsim.Listen(t.Context(), camsim.ServerOptions{NoUDP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	add := func(name string, codec media.Codec, width, height int) *camsim.Camera {
		c, err := server.Add(camsim.Options{Name: name, Mode: camsim.Live,
			Video: decoder.VideoEncoderOptions{Codec: codec, Width: width, Height: height, FPS: 10, GOP: 20, Preset: "ultrafast"}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return &simulated{add("main", media.H265, 320, 240), add("sub", media.H264, 160, 120)}
}

// camera is a device with quirks, and the client for it.
func (s *simulated) camera(t *testing.T, quirks ...device.Quirk) (*device.Device, *Client) {
	t.Helper()
	return s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Quirks: quirks})
}

func (s *simulated) cameraOf(t *testing.T, o device.Options, change ...func(*Options)) (*device.Device, *Client) {
	t.Helper()
	o.PTZ = true
	o.Profiles = []device.Profile{{Token: "main", Camera: s.main}, {Token: "sub", Camera: s.sub}}
	d, err := device.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	options := Options{Address: d.XAddr(), User: o.User, Password: o.Password}
	for _, c := range change {
		c(&options)
	}
	c, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return d, c
}

// mustWork asks for all that a gateway needs to show a camera.
func mustWork(t *testing.T, d *device.Device, c *Client) []Profile {
	t.Helper()
	ctx := testContext(t)
	if info, err := c.Information(ctx); err != nil || info.Maker != "camgate" {
		t.Fatalf("Information: %+v, %v", info, err)
	}
	profiles, err := c.Profiles(ctx)
	if err != nil || len(profiles) != 2 {
		t.Fatalf("Profiles: %+v, %v", profiles, err)
	}
	if profiles[0].Token != "main" || profiles[1].Width != 160 || profiles[1].Height != 120 || profiles[1].Codec != "H264" {
		t.Errorf("Profiles: %+v", profiles)
	}
	uri, err := c.StreamURI(ctx, profiles[0])
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(d.XAddr())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := url.Parse(uri)
	if err != nil || stream.Scheme != "rtsp" || stream.Hostname() != at.Hostname() || stream.User != nil || stream.Path != "/main" || stream.Port() == "" {
		t.Errorf("StreamURI is %q, %v", uri, err)
	}
	if _, err := c.EndpointReference(ctx); err != nil {
		t.Error(err)
	}
	return profiles
}

func mustNote(t *testing.T, c *Client, words string) {
	t.Helper()
	if notes := strings.Join(c.Notes(), "\n"); !strings.Contains(notes, words) {
		t.Errorf("no note says %q: %q", words, notes)
	}
}

// TestCamerasThatDifferFromTheStandards has a test for each way that concerns ONVIF itself,
// by its number.
func TestCamerasThatDifferFromTheStandards(t *testing.T) {
	s := newSimulated(t)
	work := func(quirks ...device.Quirk) func(*testing.T) {
		return func(t *testing.T) {
			d, c := s.camera(t, quirks...)
			mustWork(t, d, c)
			if n := d.Requests()["locked"]; n > 0 {
				t.Errorf("it was locked %d times", n)
			}
		}
	}
	each := func(quirks ...device.Quirk) func(*testing.T) {
		return func(t *testing.T) {
			for _, q := range quirks {
				t.Run(string(q), work(q))
			}
		}
	}
	for _, one := range []struct {
		name string
		test func(*testing.T)
	}{
		{"1 signs with the camera's time where its clock is off", s.clockOff},
		{"2 logs in where even the clock is secret", s.clockSecret},
		{"3 signs with the right time where UTC is local time", s.clockLocal},
		{"4 signs by HTTP Date or our clock where the camera tells no time", func(t *testing.T) {
			each(device.QuirkClockNone, device.QuirkClockEmpty)(t)
			t.Run("nor a Date", work(device.QuirkClockNone, device.QuirkNoDateHeader, device.QuirkWSSEOnly))
			t.Run("but a Date that is off", s.dateOff)
		}},
		{"5 writes Created in whole seconds with Z", func(t *testing.T) {
			t.Run("Z", work(device.QuirkCreatedZ, device.QuirkWSSEOnly))
			t.Run("coarse", work(device.QuirkCreatedCoarse, device.QuirkWSSEOnly))
		}},
		{"6 reads no time zone", each(device.QuirkTimezoneUTC50, device.QuirkTimezoneCST8)},
		{"7 logs in by HTTP Digest where nothing else works", s.digestOnly},
		{"8 logs in by WS-UsernameToken where nothing else works", s.wsseOnly},
		{"9 logs in with PasswordText where nothing else works, unless forbidden", s.passwordText},
		{"10 reads NotAuthorized as HTTP 400, and several challenges", each(device.QuirkNotAuthorized400, device.QuirkWrongTokenFailsAll,
			device.QuirkTwoChallenges, device.QuirkTwoChallengesInOne, device.QuirkDigestSHA256)},
		{"11 lives with empty passwords and with none at all", s.noPassword},
		{"12 does not lock the account, whatever is asked how often", s.lockout},
		{"13 logs in for whatever wants it", each(device.QuirkServicesNeedLogin, device.QuirkInformationIsPublic)},
		{"14 reaches services and streams behind NAT", s.address(device.QuirkAddressPrivate, "10.0.0.5")},
		{"15 does not go to an old address or 0.0.0.0", func(t *testing.T) {
			t.Run("stale", s.address(device.QuirkAddressStale, "192.168.1.64"))
			t.Run("zero", s.address(device.QuirkAddressZero, "0.0.0.0"))
		}},
		{"16 keeps the port that each service has", s.ports},
		{"17 takes the right one of several addresses", s.severalAddresses},
		{"18 speaks IPv6", s.ipv6},
		{"19 stays with the address that was reached", work(device.QuirkOnlyReplyAddress, device.QuirkAddressPrivate)},
		{"27 sees H.265 that Media1 hides, and cameras with Media2 alone", s.h265},
		{"28 finds Media2 and lives without GetServices", s.media2},
		{"29 leaves out profiles without video", work(device.QuirkProfilesWithoutVideo)},
		{"30 reads stream addresses however they are written", s.uris},
		{"31 knows a stream address that holds the password already", s.uriCredentials},
		{"32 fetches pictures as the camera wants it", s.snapshots},
		{"33 reads XML that is none quite", s.xml},
		{"34 takes the camera's own certificate by its fingerprint", s.https},
	} {
		t.Run(one.name, one.test)
	}
}

func (s *simulated) clockOff(t *testing.T) {
	d, c := s.camera(t, device.QuirkClockOff, device.QuirkWSSEOnly)
	mustWork(t, d, c)
	clock, err := c.Clock(testContext(t))
	if err != nil || clock.Source != "GetSystemDateAndTime" || (clock.Skew+3*time.Hour+12*time.Minute).Abs() > 5*time.Second {
		t.Errorf("the clock is %+v, %v", clock, err)
	}
	mustNote(t, c, "the camera's clock is 3 h 1")
	mustNote(t, c, "behind; the gateway signs with the camera's time, nothing to do")
}

func (s *simulated) clockSecret(t *testing.T) {
	for _, way := range [][]device.Quirk{{device.QuirkWSSEOnly}, {device.QuirkDigestOnly}, {}} {
		d, c := s.camera(t, append(way, device.QuirkClockNeedsLogin)...)
		clock, err := c.Clock(testContext(t))
		if err != nil || clock.Source != "GetSystemDateAndTime" {
			t.Errorf("%v: the clock is %+v, %v", way, clock, err)
		}
		mustWork(t, d, c)
	}
	t.Run("and off", func(t *testing.T) { // our time first, then that of its HTTP server
		d, c := s.camera(t, device.QuirkClockNeedsLogin, device.QuirkClockOff, device.QuirkWSSEOnly)
		clock, err := c.Clock(testContext(t))
		if err != nil || (clock.Skew+3*time.Hour+12*time.Minute).Abs() > 5*time.Second {
			t.Errorf("the clock is %+v, %v", clock, err)
		}
		mustWork(t, d, c)
	})
}

func (s *simulated) clockLocal(t *testing.T) {
	for _, more := range [][]device.Quirk{{}, {device.QuirkNoDateHeader}} {
		d, c := s.camera(t, append(more, device.QuirkClockLocalTime, device.QuirkWSSEOnly)...)
		mustWork(t, d, c)
		clock, err := c.Clock(testContext(t))
		if err != nil || clock.Skew.Abs() > 5*time.Second || clock.Source != "GetSystemDateAndTime, local time" {
			t.Errorf("the clock is %+v, %v", clock, err)
		}
		mustNote(t, c, "local time as UTC")
		if n := d.Requests()["NotAuthorized"]; n > 4 {
			t.Errorf("it was refused %d times until the second idea of the time was found", n)
		}
	}
}

func (s *simulated) dateOff(t *testing.T) {
	d, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword, ClockSkew: 40 * time.Hour,
		Quirks: []device.Quirk{device.QuirkClockNone, device.QuirkWSSEOnly}})
	mustWork(t, d, c)
	clock, err := c.Clock(testContext(t))
	if err != nil || clock.Source != "HTTP Date" || (clock.Skew-40*time.Hour).Abs() > 5*time.Second {
		t.Errorf("the clock is %+v, %v", clock, err)
	}
}

func (s *simulated) digestOnly(t *testing.T) {
	d, c := s.camera(t, device.QuirkDigestOnly)
	mustWork(t, d, c)
	if !strings.HasPrefix(c.Auth(), "HTTP Digest") {
		t.Errorf("it logs in by %s", c.Auth())
	}
}

func (s *simulated) wsseOnly(t *testing.T) {
	d, c := s.camera(t, device.QuirkWSSEOnly)
	mustWork(t, d, c)
	if c.Auth() != "WS-UsernameToken" {
		t.Errorf("it logs in by %s", c.Auth())
	}
}

func (s *simulated) passwordText(t *testing.T) {
	d, c := s.camera(t, device.QuirkPasswordTextOnly)
	mustWork(t, d, c)
	if c.Auth() != "WS-UsernameToken (PasswordText)" {
		t.Errorf("it logs in by %s", c.Auth())
	}
	_, c = s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Quirks: []device.Quirk{device.QuirkPasswordTextOnly}}, digestOnly)
	if _, err := c.Information(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("digest_only: %v", err)
	}
}

func (s *simulated) noPassword(t *testing.T) {
	d, c := s.cameraOf(t, device.Options{User: testUser, Quirks: []device.Quirk{device.QuirkEmptyPassword}})
	mustWork(t, d, c)
	if c.Auth() == "anonymous" {
		t.Error("the empty password was not sent")
	}
	d, c = s.camera(t, device.QuirkCredentialsRefused)
	mustWork(t, d, c)
}

func (s *simulated) lockout(t *testing.T) {
	for _, quirks := range [][]device.Quirk{
		{device.QuirkLockout}, {device.QuirkLockout, device.QuirkWSSEOnly}, {device.QuirkLockout, device.QuirkDigestOnly}, {device.QuirkLockoutWarns, device.QuirkWSSEOnly},
	} {
		d, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Quirks: quirks}, withPassword("wrong password"))
		ctx := testContext(t)
		for range 10 {
			_, first := c.Information(ctx)
			_, second := c.Profiles(ctx)
			for _, err := range []error{first, second, c.Stop(ctx, Profile{Token: "main"})} {
				if !errors.Is(err, ErrNotAuthorized) {
					t.Fatalf("%v: got %v", quirks, err)
				}
			}
		}
		if d.Locked() {
			t.Errorf("%v: thirty questions locked the account", quirks)
		}
	}
	t.Run("and tells how many tries are left", func(t *testing.T) {
		d, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Quirks: []device.Quirk{device.QuirkLockoutWarns}, Tries: 3}, withPassword("wrong password"))
		_, err := c.Information(testContext(t))
		if err == nil || !strings.Contains(err.Error(), "You still have 2 attempt(s)") || !strings.Contains(err.Error(), "2 more tries may lock the account") {
			t.Errorf("got %v", err)
		}
		if d.Locked() {
			t.Error("it is locked")
		}
	})
	t.Run("and says when it is locked", func(t *testing.T) {
		d, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Quirks: []device.Quirk{device.QuirkLockoutWarns}, Tries: 1}, withPassword("wrong password"))
		if _, err := c.Information(testContext(t)); !errors.Is(err, ErrLocked) {
			t.Errorf("got %v", err)
		}
		if !d.Locked() {
			t.Error("this test needs it locked")
		}
	})
}

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
