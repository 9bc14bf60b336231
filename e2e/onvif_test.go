package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camsim"
	"camgate/camsim/device"
	settings "camgate/config"
	"camgate/decoder"
	"camgate/gateway"
	"camgate/outputs/httpd"
	"camgate/www"
)

// simulated is an ONVIF camera with a main stream of 640×384 and a small one of 320×192.
type simulated struct {
	*device.Device
	main, small *camsim.Camera
}

// simulate starts one that ends with the test. change, which may be nil, changes its
// options.
func simulate(t testing.TB, name string, change func(*device.Options)) *simulated {
	t.Helper()
	s := &simulated{}
	path := strings.ReplaceAll(name, " ", "-")
	s.main = camsimStart(t, camsim.Options{Name: path, Video: decoder.VideoEncoderOptions{Width: 640, Height: 384, FPS: 25, GOP: 25}})
	s.small = camsimStart(t, small(path+"-small"))
	o := device.Options{Name: name, User: "admin", Password: "pass/wörd", Profiles: []device.Profile{{Camera: s.main}, {Camera: s.small}}}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Device, err = device.Start(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Device.Close)
	return s
}

// serveConfig runs a gateway of a configuration, as the program does.
func serveConfig(t testing.TB, text string) (*site, *gateway.Gateway) {
	t.Helper()
	cfg, err := settings.Parse("test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, log: &lines{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g, err := gateway.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	s.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(s.stop)
	address := make(chan net.Addr, 1)
	h, err := httpd.New(httpd.Config{Listen: "127.0.0.1:0", Finder: g, Listening: func(a net.Addr) { address <- a }}, g, www.Files(), log)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	running.Go(func() { ended <- h.Run(ctx) })
	select {
	case a := <-address:
		s.host = a.String()
	case err := <-ended:
		t.Fatal(err)
	}
	return s, g
}

// source is a configuration of one camera.
func sourceOf(name, url string) string {
	return fmt.Sprintf("[discovery]\nlisten = false\ninterfaces = [\"lo\"]\n[[camera]]\nname = %q\nsource = %q\ntransport = \"tcp\"\nlinger = \"1s\"\n", name, url)
}

// post sends JSON and returns the answer.
func (s *site) post(path string, body any) (int, string) {
	s.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	client := http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Post("http://"+s.host+path, "application/json", bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// sizeOf is the width of a part's picture.
func sizeOf(t testing.TB, p part) int {
	t.Helper()
	return decodeImage(t, p.jpeg).Bounds().Dx()
}

// TestONVIFAddressIsAWholeConfiguration: user, password and address, and nothing else.
func TestONVIFAddressIsAWholeConfiguration(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", nil)
	s, _ := serveConfig(t, sourceOf("door", cam.URL()))
	p, _ := s.watch("/mjpeg/door").live(patient)
	if got := sizeOf(t, p); got != 640 {
		t.Errorf("the picture is %d wide, want the main stream's 640", got)
	}
	st := s.status("door")
	if st.ONVIF == nil || st.ONVIF.Profile != "MainStream" || len(st.ONVIF.Profiles) != 2 || st.ONVIF.Serial == "" {
		t.Errorf("the API says %+v", st.ONVIF)
	}
	for what, text := range map[string]string{"log": s.log.String(), "API": s.get("/api/cameras/door", http.StatusOK)} {
		if strings.Contains(text, "wörd") || strings.Contains(text, "w%C3%B6rd") {
			t.Errorf("the password stands in the %s", what)
		}
	}
}

// TestProfileFollowsTheViewers: small pictures come from the small stream, and one who
// wants the large one gets it, while nobody's picture stops.
func TestProfileFollowsTheViewers(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", nil)
	s, _ := serveConfig(t, sourceOf("door", cam.URL()))
	tile := s.watch("/mjpeg/door?width=320")
	tile.live(patient)
	if n := cam.main.Counts().Plays; n != 0 {
		t.Errorf("the main stream was played %d times for a picture of 320", n)
	}
	before := s.status("door")
	large := s.watch("/mjpeg/door")
	// live fails where a picture comes that is not live; that none is missing the numbers tell.
	alwaysLive := func(v *stream, what string, wanted func(part) bool) {
		t.Helper()
		v.until(what, patient, func(p part) bool {
			if p.state != "live" {
				t.Fatalf("a picture is %s while the profile changes", p.state)
			}
			return wanted(p)
		})
	}
	alwaysLive(large, "640 wide", func(p part) bool { return sizeOf(t, p) == 640 })
	large.drain()
	alwaysLive(tile, "live with the main stream", func(part) bool { return s.status("door").ONVIF.Profile == "MainStream" })
	eventually(t, "the small stream is left", patient, func() bool { return cam.small.Counts().Playing == 0 })
	large.conn.Close()
	alwaysLive(tile, "of the small stream again", func(part) bool { return s.status("door").ONVIF.Profile == "SubStream" })
	eventually(t, "the main stream is left", patient, func() bool { return cam.main.Counts().Playing == 0 })
	if st := s.status("door"); st.Reconnects != 0 || st.Damaged != before.Damaged {
		t.Errorf("%d reconnects, %d damaged pictures", st.Reconnects, st.Damaged-before.Damaged)
	}
}

// TestNamedProfileIsTheOnlyOne: ?profile= takes one whoever watches.
func TestNamedProfileIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", nil)
	s, _ := serveConfig(t, sourceOf("door", cam.URL()+"?profile=SubStream")+
		strings.SplitN(sourceOf("none", cam.URL()+"?profile=nosuch"), "\n", 4)[3])
	p, _ := s.watch("/mjpeg/door").live(patient)
	if got := sizeOf(t, p); got != 320 || cam.main.Counts().Plays != 0 {
		t.Errorf("the picture is %d wide, and the main stream was played %d times", got, cam.main.Counts().Plays)
	}
	s.watch("/mjpeg/none").state("offline", patient)
	eventually(t, "the API says which there are", patient, func() bool {
		why := s.status("none").LastError
		return strings.Contains(why, `no profile "nosuch"`) && strings.Contains(why, "SubStream")
	})
}

// TestStillsComeFromTheCamerasOwn: whoever wants one picture, or one a second, costs no
// stream; a camera whose stills do not do is streamed.
func TestStillsComeFromTheCamerasOwn(t *testing.T) {
	t.Parallel()
	t.Run("one picture", func(t *testing.T) {
		t.Parallel()
		cam := simulate(t, "door", nil)
		s, _ := serveConfig(t, sourceOf("door", cam.URL()))
		decodeImage(t, []byte(s.get("/snapshot/door", http.StatusOK)))
		if n := cam.main.Counts().Plays + cam.small.Counts().Plays; n != 0 {
			t.Errorf("%d streams were played for one picture", n)
		}
	})
	t.Run("one a second, then all", func(t *testing.T) {
		t.Parallel()
		cam := simulate(t, "door", nil)
		s, _ := serveConfig(t, sourceOf("door", cam.URL()))
		slow := s.watch("/mjpeg/door?fps=1")
		for range 3 {
			slow.live(patient)
		}
		if st := s.status("door"); !st.ONVIF.Still || st.Codec != "MJPEG" || cam.main.Counts().Plays != 0 {
			t.Errorf("still: %v, codec %s, %d plays", st.ONVIF.Still, st.Codec, cam.main.Counts().Plays)
		}
		s.watch("/mjpeg/door").until("of the stream", patient, func(p part) bool {
			return p.state == "live" && s.status("door").Codec != "MJPEG"
		})
		slow.live(patient)
	})
	for _, quirk := range []device.Quirk{device.QuirkSnapshotRTSP, device.QuirkNoSnapshot} {
		t.Run(string(quirk), func(t *testing.T) {
			t.Parallel()
			cam := simulate(t, "door", func(o *device.Options) { o.Quirks = []device.Quirk{quirk} })
			s, _ := serveConfig(t, sourceOf("door", cam.URL()))
			decodeImage(t, []byte(s.get("/snapshot/door", http.StatusOK)))
			if n := cam.main.Counts().Plays; n != 1 {
				t.Errorf("the main stream was played %d times, want once", n)
			}
		})
	}
}

// TestWrongPasswordIsNotTriedAgain: cameras lock accounts.
func TestWrongPasswordIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", nil)
	s, _ := serveConfig(t, sourceOf("door", strings.Replace(cam.URL(), "admin:", "nobody:", 1)))
	asked := time.Now()
	v := s.watch("/mjpeg/door")
	eventually(t, "the password is refused", patient, func() bool {
		why := s.status("door").LastError
		return strings.Contains(why, "password refused") && strings.Contains(why, "the next try is in a minute")
	})
	refused := func() int { return cam.Requests()["NotAuthorized"] }
	before := refused()
	for range 5 { // a second each
		if _, err := v.next(patient); err != nil {
			t.Fatal(err)
		}
		s.get("/snapshot/door?placeholder=1", http.StatusOK)
	}
	if after := refused(); after != before && time.Since(asked) < time.Minute {
		t.Errorf("%d further logins were refused within five seconds", after-before)
	}
	if before > 3 {
		t.Errorf("%d requests were refused: want one without a login, and one with each kind", before)
	}
}

// TestCameraMoves: orders by HTTP arrive, and a movement ends by itself.
func TestCameraMoves(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "dome", func(o *device.Options) { o.PTZ = true })
	fixed := simulate(t, "fixed", nil)
	s, _ := serveConfig(t, sourceOf("dome", cam.URL())+strings.SplitN(sourceOf("fixed", fixed.URL()), "\n", 4)[3])
	if status, body := s.post("/api/cameras/dome/ptz", map[string]any{"pan": 0.5, "seconds": 5}); status != http.StatusNoContent {
		t.Fatalf("the order is answered by %d %s", status, body)
	}
	if !cam.PTZ().Moving {
		t.Error("it does not move")
	}
	if status, body := s.post("/api/cameras/dome/ptz", map[string]any{"stop": true}); status != http.StatusNoContent || cam.PTZ().Moving {
		t.Errorf("a stop is answered by %d %s, and it moves: %v", status, body, cam.PTZ().Moving)
	}
	s.post("/api/cameras/dome/ptz", map[string]any{"tilt": 1})
	eventually(t, "a step ends by itself", patient, func() bool { return !cam.PTZ().Moving })
	for path, want := range map[string]int{"dome": http.StatusBadRequest, "fixed": http.StatusConflict, "none": http.StatusNotFound} {
		order := map[string]any{"pan": 0.1}
		if path == "dome" {
			order["pan"] = 7
		}
		if status, body := s.post("/api/cameras/"+path+"/ptz", order); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	var presets []map[string]string
	if err := json.Unmarshal([]byte(s.get("/api/cameras/dome/presets", http.StatusOK)), &presets); err != nil || len(presets) == 0 {
		t.Fatalf("presets are %v, %v", presets, err)
	}
	if status, body := s.post("/api/cameras/dome/ptz", map[string]any{"preset": presets[0]["token"]}); status != http.StatusNoContent || cam.PTZ().Preset != presets[0]["token"] {
		t.Errorf("a preset is answered by %d %s; the camera is at %q", status, body, cam.PTZ().Preset)
	}
}

// TestMotionIsTold: events of the camera, where the configuration wants them.
func TestMotionIsTold(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", nil)
	s, _ := serveConfig(t, sourceOf("door", cam.URL())+"events = true\n")
	s.get("/snapshot/door", http.StatusOK) // so that the API tells of it
	motion := func(want bool) func() bool {
		return func() bool {
			st := s.status("door")
			return st.ONVIF != nil && st.ONVIF.Motion != nil && *st.ONVIF.Motion == want
		}
	}
	eventually(t, "events are subscribed", patient, func() bool { return cam.Requests()["PullMessages"] > 0 })
	cam.Motion(true)
	eventually(t, "motion", patient, motion(true))
	cam.Motion(false)
	eventually(t, "no motion", patient, motion(false))
}

// TestReloadTouchesOnlyWhatChanged: nobody else's picture stops.
func TestReloadTouchesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	one, two := camsimStart(t, small("one")), camsimStart(t, small("two"))
	text := func(linger string) string {
		return fmt.Sprintf("[[camera]]\nname = \"one\"\nsource = %q\n[[camera]]\nname = \"two\"\nsource = %q\nlinger = %q\n", one.URL(), two.URL(), linger)
	}
	s, g := serveConfig(t, text("1s"))
	v := s.watch("/mjpeg/one")
	v.live(patient)
	for n := range 20 {
		cfg, err := settings.Parse("test.toml", []byte(text(fmt.Sprintf("%ds", n%2+1))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Reload(cfg); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if p, err := v.next(5 * time.Second); err != nil || p.state != "live" {
			t.Fatalf("a picture is %s, %v", p.state, err)
		}
	}
	if st := s.status("one"); st.Reconnects != 0 || one.Counts().Plays != 1 {
		t.Errorf("%d reconnects, %d plays", st.Reconnects, one.Counts().Plays)
	}
	cfg, err := settings.Parse("test.toml", []byte(text("2s")[:strings.LastIndex(text("2s"), "[[camera]]")]))
	if err != nil {
		t.Fatal(err)
	}
	if said, err := g.Reload(cfg); err != nil || !strings.Contains(said, "1 removed") {
		t.Errorf("reload says %q, %v", said, err)
	}
	s.get("/snapshot/two", http.StatusNotFound)
	s.watch("/mjpeg/one").live(patient)
	if name, err := g.Add("", two.URL()); err != nil || name == "" {
		t.Errorf("adding gives %q, %v", name, err)
	}
	if err := g.Remove("one"); err != nil {
		t.Error(err)
	}
	if _, err := v.next(5 * time.Second); err == nil {
		for err == nil { // what was on its way
			_, err = v.next(5 * time.Second)
		}
	}
}
