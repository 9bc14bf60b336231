package onvif

import (
	"errors"
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
	t.Run("and wrong", func(t *testing.T) {
		d, c := s.camera(t, device.QuirkClockNeedsLogin, device.QuirkClockLocalTime, device.QuirkWSSEOnly)
		if clock, err := c.Clock(testContext(t)); err != nil || clock.Skew.Abs() > 5*time.Second {
			t.Errorf("the clock is %+v, %v", clock, err)
		}
		mustWork(t, d, c)
	})
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
