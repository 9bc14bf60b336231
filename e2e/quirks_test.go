package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"camgate/camsim"
	"camgate/camsim/device"
	"camgate/decoder"
	"camgate/media"
)

// TestPictureInSpiteOf is every camera that differs from the standards in a way that stands
// between its address and its picture: the numbers are those of the quirks (camsim
// --list-quirks). Discovery's own are tested there.
func TestPictureInSpiteOf(t *testing.T) {
	q := func(list ...device.Quirk) []device.Quirk { return list }
	for _, c := range []struct {
		number int
		what   string
		quirks []device.Quirk
		change func(*device.Options)
	}{
		{1, "a clock that is off", q(device.QuirkClockOff, device.QuirkWSSEOnly), nil},
		{1, "a clock a year ahead", q(device.QuirkWSSEOnly), func(o *device.Options) { o.ClockSkew = 365 * 24 * time.Hour }},
		{2, "a clock that needs a login", q(device.QuirkClockNeedsLogin), nil},
		{3, "a clock that tells local time", q(device.QuirkClockLocalTime, device.QuirkWSSEOnly), nil},
		{4, "no clock, but a date in HTTP", q(device.QuirkClockNone, device.QuirkWSSEOnly), func(o *device.Options) { o.ClockSkew = -3 * time.Hour }},
		{4, "an empty clock, and no date in HTTP", q(device.QuirkClockEmpty, device.QuirkNoDateHeader, device.QuirkWSSEOnly), nil},
		{5, "a Created that must end in Z", q(device.QuirkCreatedZ, device.QuirkWSSEOnly), nil},
		{5, "a Created without nanoseconds", q(device.QuirkCreatedCoarse, device.QuirkWSSEOnly), nil},
		{6, "the time zone of a Bosch", q(device.QuirkTimezoneUTC50, device.QuirkWSSEOnly), nil},
		{6, "the time zone of a Reolink", q(device.QuirkTimezoneCST8, device.QuirkWSSEOnly), nil},
		{7, "HTTP Digest and a page of HTML", q(device.QuirkDigestOnly), nil},
		{8, "WS-UsernameToken without a challenge", q(device.QuirkWSSEOnly), nil},
		{9, "the password as text", q(device.QuirkPasswordTextOnly), nil},
		{10, "not authorised as 400", q(device.QuirkNotAuthorized400), nil},
		{10, "a wrong token that fails all", q(device.QuirkWrongTokenFailsAll), nil},
		{10, "two challenges", q(device.QuirkDigestOnly, device.QuirkTwoChallenges), nil},
		{10, "two challenges in one header", q(device.QuirkDigestOnly, device.QuirkTwoChallengesInOne), nil},
		{10, "SHA-256 alone", q(device.QuirkDigestOnly, device.QuirkDigestSHA256), nil},
		{11, "an empty password", q(device.QuirkEmptyPassword), func(o *device.Options) { o.Password = "" }},
		{11, "credentials that are refused because none are set", q(device.QuirkCredentialsRefused), nil},
		{12, "a lock that is near", q(device.QuirkLockout), func(o *device.Options) { o.Tries = 2 }},
		{13, "services that need a login", q(device.QuirkServicesNeedLogin), nil},
		{13, "profiles that need none", q(device.QuirkInformationIsPublic), nil},
		{14, "a private address in every URL", q(device.QuirkAddressPrivate), nil},
		{15, "an old address in every URL", q(device.QuirkAddressStale), nil},
		{15, "0.0.0.0 in every URL", q(device.QuirkAddressZero), nil},
		{16, "a port for each service", q(device.QuirkPortsDiffer), nil},
		{27, "H.265 hidden in Media1", q(device.QuirkH265Hidden), nil},
		{27, "the wrong codec", q(device.QuirkCodecWrong), nil},
		{27, "Media2 alone", q(device.QuirkMedia2Only), nil},
		{28, "Media2 in GetServices alone", q(device.QuirkMedia2InServicesOnly), nil},
		{28, "no GetServices", q(device.QuirkGetServicesMissing), nil},
		{28, "Media2 that does not know All", q(device.QuirkMedia2AllFails), nil},
		{29, "profiles without video", q(device.QuirkProfilesWithoutVideo), nil},
		{30, "white space around URIs", q(device.QuirkURIWhitespace), nil},
		{30, "&amp; in URIs", q(device.QuirkURIAmpersand), nil},
		{30, "a bare Uri", q(device.QuirkMedia1URIBare), nil},
		{31, "the password in the stream's query", q(device.QuirkURICredentials), nil},
		{32, "an rtsp:// snapshot", q(device.QuirkSnapshotRTSP), nil},
		{32, "a snapshot with Basic", q(device.QuirkSnapshotBasic), nil},
		{32, "a snapshot with Digest", q(device.QuirkSnapshotDigest), nil},
		{32, "a snapshot that dislikes a header", q(device.QuirkSnapshotQueryOnly), nil},
		{32, "a snapshot with broken headers", q(device.QuirkSnapshotBadHeaders), nil},
		{33, "unbound prefixes", q(device.QuirkXMLUnboundPrefix), nil},
		{33, "bad UTF-8", q(device.QuirkXMLBadUTF8), nil},
		{33, "UTF-16 that is none", q(device.QuirkXMLDeclaredUTF16), nil},
		{33, "wrong namespaces", q(device.QuirkXMLWrongNamespace), nil},
	} {
		t.Run(fmt.Sprintf("%d %s", c.number, c.what), func(t *testing.T) {
			t.Parallel()
			cam := quirky(t, fmt.Sprintf("quirk%d", c.number), func(o *device.Options) {
				o.Quirks = c.quirks
				if c.change != nil {
					c.change(o)
				}
			})
			s, _ := serveConfig(t, sourceOf("door", cam.URL()))
			defer func() {
				if t.Failed() {
					t.Log(s.log, cam.Requests())
				}
			}()
			decodeImage(t, []byte(s.get("/snapshot/door", http.StatusOK)))
			p, _ := s.watch("/mjpeg/door").live(patient)
			if got := sizeOf(t, p); got != 640 {
				t.Errorf("the picture is %d wide, want 640", got)
			}
			if text := s.log.String(); strings.Contains(text, "c4nary") {
				t.Errorf("the password stands in the log:\n%s", text)
			}
		})
	}
}

// quirky is simulate with streams that ask for the password too.
func quirky(t *testing.T, name string, change func(*device.Options)) *simulated {
	t.Helper()
	login := camsim.Options{Name: name, Auth: camsim.AuthDigest, User: "admin", Password: "c4nary",
		Video: decoder.VideoEncoderOptions{Width: 640, Height: 384, FPS: 25, GOP: 25}}
	o := device.Options{Name: name, User: login.User, Password: login.Password}
	change(&o)
	for _, quirk := range o.Quirks {
		switch quirk {
		case device.QuirkH265Hidden:
			login.Video.Codec = media.H265
		case device.QuirkCredentialsRefused, device.QuirkEmptyPassword:
			login.Auth = camsim.AuthNone
		}
	}
	s := &simulated{main: camsimStart(t, login)}
	login.Name, login.Video.Width, login.Video.Height = name+"-small", 320, 192
	s.small = camsimStart(t, login)
	o.Profiles = []device.Profile{{Camera: s.main}, {Camera: s.small}}
	var err error
	if s.Device, err = device.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Device.Close)
	return s
}

// TestPictureOverTLS is quirk 34: a certificate that nobody signed is taken by its
// fingerprint, which the refusal tells.
func TestPictureOverTLS(t *testing.T) {
	t.Parallel()
	certificate, err := camsim.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	cam := simulate(t, "door", func(o *device.Options) { o.TLS = certificate })
	if !strings.HasPrefix(cam.URL(), "onvifs://") {
		t.Fatalf("its address is %s", cam.URL())
	}
	s, _ := serveConfig(t, sourceOf("door", cam.URL()))
	v := s.watch("/mjpeg/door")
	var fingerprint string
	eventually(t, "the fingerprint is told", patient, func() bool {
		_, after, told := strings.Cut(s.status("door").LastError, `tls_fingerprint = "`)
		fingerprint, _, _ = strings.Cut(after, `"`)
		return told
	})
	v.conn.Close()
	s, _ = serveConfig(t, sourceOf("door", cam.URL())+fmt.Sprintf("tls_fingerprint = %q\n", fingerprint))
	s.watch("/mjpeg/door").live(patient)
	s, _ = serveConfig(t, sourceOf("door", cam.URL())+"tls_insecure = true\n")
	s.watch("/mjpeg/door").live(patient)
}

// TestHostileCameraCostsNothing: whatever the camera answers, there is a sentence, and the
// gateway serves the others.
func TestHostileCameraCostsNothing(t *testing.T) {
	for _, quirk := range []device.Quirk{device.QuirkHostileHugeBody, device.QuirkHostileDeepXML, device.QuirkHostileEntities, device.QuirkHostileCut,
		device.QuirkHostileSlow, device.QuirkHostileSilent, device.QuirkHostileRedirect} {
		t.Run(string(quirk), func(t *testing.T) {
			t.Parallel()
			cam := simulate(t, "bad", func(o *device.Options) { o.Quirks = []device.Quirk{quirk} })
			good := camsimStart(t, small("good"))
			s, _ := serveConfig(t, sourceOf("bad", cam.URL())+fmt.Sprintf("[[camera]]\nname = \"good\"\nsource = %q\n", good.URL()))
			s.watch("/mjpeg/bad").state("offline", patient)
			s.watch("/mjpeg/good").live(patient)
			eventually(t, "a sentence says what is wrong", patient, func() bool {
				why := s.status("bad").LastError
				return strings.Contains(why, `camera "bad"`) && !strings.Contains(why, "wörd")
			})
			s.watch("/mjpeg/good").live(patient)
		})
	}
}
