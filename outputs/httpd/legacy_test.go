package httpd

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"camgate/media"
	"camgate/outputs/legacy"
	"camgate/outputs/webrtc"
)

var allURLs = legacy.Options{URLs: true}

func TestLiveIsByteForByteAsCctvAgentSendsIt(t *testing.T) {
	for name, agent := range map[string]string{"chromium": chromium, "firefox": firefox, "a program": "curl/8.0"} {
		t.Run(name, func(t *testing.T) {
			cam := newFake("A-1")
			g := serve(t, Config{}, cam)
			_, r := g.dial(t, request("/live/a-1?size=640x480&q=35", agent))
			expect(t, r, "HTTP/1.1 200 OK\r\nContent-type: multipart/x-mixed-replace;boundary=--jpgboundary\r\n"+
				"Cache-Control: no-store\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n")
			for range 3 {
				p := cam.show(70_001, media.Live)
				expect(t, r, fmt.Sprintf("--jpgboundary\r\nContent-type: image/jpeg\r\nContent-length: %d\r\n\r\n%s\r\n\r\n", len(p.JPEG), p.JPEG))
			}
			if w := cam.wishes()[0]; w.Rendition != (media.Rendition{Width: 640, Height: 480, Exact: true, Quality: 35}) || w.form != "live" {
				t.Errorf("watched for %+v", w)
			}
		})
	}
}

func TestLiveHasCctvAgentsQuality(t *testing.T) {
	for _, path := range []string{"/live/cam1", "/live/cam1?size=NaNxNaN&q=x"} {
		cam := newFake("cam1")
		g := serve(t, Config{}, cam)
		_, r := g.dial(t, request(path, "test"))
		if got := head(t, r); !strings.Contains(got, "200 OK") {
			t.Errorf("%s: %q", path, got)
			continue
		}
		eventually(t, "it is watched", testLimit, func() bool { return len(cam.wishes()) == 1 })
		if w := cam.wishes()[0]; w.Rendition != (media.Rendition{Quality: 70}) {
			t.Errorf("%s is watched for %+v", path, w)
		}
	}
}

// Chromium draws a part when the next one's header block is there.
func TestLiveShowsChromiumAPictureThatNoOtherFollows(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	_, r := g.dial(t, request("/live/cam1", chromium))
	head(t, r)
	p := cam.show(1000, media.Live)
	part := fmt.Sprintf("--jpgboundary\r\nContent-type: image/jpeg\r\nContent-length: %d\r\n\r\n%s\r\n\r\n", len(p.JPEG), p.JPEG)
	expect(t, r, part+part+"--jpgboundary\r\n")
	next := cam.show(1000, media.Live)
	expect(t, r, strings.TrimPrefix(part, "--jpgboundary\r\n"))
	if next.Sequence != p.Sequence+1 {
		t.Errorf("%d after %d", next.Sequence, p.Sequence)
	}
}

func TestStreamsAreFramedAsThoseServersFrameThem(t *testing.T) {
	const full = "Content-Type: image/jpeg\r\n"
	for path, want := range map[string]struct{ kind, line, tail, form string }{
		"/axis-cgi/mjpg/video.cgi?camera=1": {"multipart/x-mixed-replace; boundary=myboundary", "--myboundary", "\r\n", "axis"},
		"/mjpg/video.mjpg":                  {"multipart/x-mixed-replace; boundary=myboundary", "--myboundary", "\r\n", "axis"},
		"/?action=stream":                   {"multipart/x-mixed-replace;boundary=boundarydonotcross", "--boundarydonotcross", "\r\n", "mjpg-streamer"},
		"/?action=stream_0":                 {"multipart/x-mixed-replace;boundary=boundarydonotcross", "--boundarydonotcross", "\r\n", "mjpg-streamer"},
		"/stream":                           {"multipart/x-mixed-replace;boundary=boundarydonotcross", "--boundarydonotcross", "\r\n", "mjpg-streamer"},
		"/mjpg/cam1/video.mjpg":             {"multipart/x-mixed-replace; boundary=myboundary", "--myboundary", "\r\n", "blueiris"},
		"/cgi-bin/nph-zms?mode=jpeg&monitor=1&maxfps=5":     {"multipart/x-mixed-replace; boundary=ZoneMinderFrame", "--ZoneMinderFrame", "\r\n\r\n", "zoneminder"},
		"/zm/cgi-bin/nph-zms?mode=jpeg&monitor=CAM1&user=x": {"multipart/x-mixed-replace; boundary=ZoneMinderFrame", "--ZoneMinderFrame", "\r\n\r\n", "zoneminder"},
		"/?action=stream?dummy=param.mjpg":                  {"multipart/x-mixed-replace;boundary=boundarydonotcross", "--boundarydonotcross", "\r\n", "mjpg-streamer"},
		"/api/stream.mjpeg?src=cam1":                        {"multipart/x-mixed-replace; boundary=frame", "--frame", "\r\n", "go2rtc"},
	} {
		t.Run(path, func(t *testing.T) {
			cam := newFake("cam1")
			g := serve(t, Config{Legacy: allURLs}, cam)
			_, r := g.dial(t, request(path, "test"))
			if got := head(t, r); !strings.Contains(got, "200 OK\r\nContent-Type: "+want.kind+"\r\n") {
				t.Fatalf("%q", got)
			}
			expect(t, r, want.line+"\r\n")
			for range 2 {
				p := cam.show(70_001, media.Live)
				expect(t, r, fullPart(p)+want.tail+want.line+"\r\n")
			}
			if w := cam.wishes()[0]; w.form != want.form {
				t.Errorf("described as %q", w.form)
			}
			other := newFake("cam1")
			early := serveParallel(t, Config{Legacy: allURLs}, other)
			_, r = early.dial(t, request(path, chromium)) // gets the next header block early
			head(t, r)
			begin := want.line + "\r\n" + full + "\r\n"
			expect(t, r, begin)
			p := other.show(500, media.Live)
			expect(t, r, string(p.JPEG)+want.tail+begin)
			response, body := g.get(t, "HEAD", path)
			if response.StatusCode != 200 || body != "" || response.Header.Get("Content-Type") != want.kind {
				t.Errorf("HEAD: %d %v", response.StatusCode, response.Header)
			}
		})
	}
}

func TestParametersOfOthersReachTheCamera(t *testing.T) {
	for path, want := range map[string]wish{
		"/axis-cgi/mjpg/video.cgi?resolution=320x240&compression=25&fps=5": {Rendition: media.Rendition{Width: 320, Height: 240, Exact: true, Quality: 75}, fps: 5},
		"/cgi-bin/nph-zms?maxfps=2.5&monitor=cam1":                         {fps: 2.5},
		"/mjpg/cam1/video.mjpg?q=40&h=200":                                 {Rendition: media.Rendition{Height: 200, Quality: 40}},
		"/api/stream.mjpeg?src=cam1&w=640":                                 {Rendition: media.Rendition{Width: 640}},
	} {
		cam := newFake("cam1")
		g := serve(t, Config{Legacy: allURLs}, cam)
		_, r := g.dial(t, request(path, "test"))
		head(t, r)
		eventually(t, "it is watched", testLimit, func() bool { return len(cam.wishes()) == 1 })
		if w := cam.wishes()[0]; w.Rendition != want.Rendition || w.fps != want.fps {
			t.Errorf("%s: %+v", path, w)
		}
	}
}

func TestScaleIsOfTheCamerasOwnSize(t *testing.T) {
	cam := newFake("cam1")
	notice := cam.show(100, media.Offline)
	notice.Width, notice.Height = 640, 360 // whose size says nothing of the camera's
	g := serve(t, Config{Legacy: allURLs}, cam)
	_, r := g.dial(t, request("/cgi-bin/nph-zms?monitor=1&scale=50", "test"))
	head(t, r)
	cam.show(100, media.Live) // 1000×500
	eventually(t, "half of it is watched, and nothing else", testLimit, func() bool {
		cam.mu.Lock()
		defer cam.mu.Unlock()
		return cam.watched[media.Rendition{Width: 500}] == 1 && len(cam.watched) == 1
	})
	stop := make(chan struct{})
	showing := make(chan struct{})
	go func() { // each must be newer than its question
		defer close(showing)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				cam.show(100, media.Live)
			}
		}
	}()
	response, body := g.get(t, "GET", "/image/cam1?s=25&q=10")
	close(stop)
	<-showing
	wishes := cam.wishes()
	if last := wishes[len(wishes)-1]; response.StatusCode != 200 || last.Rendition != (media.Rendition{Width: 250, Quality: 10}) || !last.still {
		t.Errorf("%d %.100q %+v", response.StatusCode, body, last)
	}
}

func TestSinglePicturesAsOthersHaveThem(t *testing.T) {
	for _, path := range []string{"/axis-cgi/jpg/image.cgi?resolution=320x240", "/jpg/image.jpg", "/?action=snapshot", "/?action=snapshot_0&n=1", "/?action=snapshot?n=1", "/snapshot", "/image/cam1?q=50", "/cgi-bin/nph-zms?mode=single&monitor=1", "/api/frame.jpeg?src=cam1"} {
		cam := newFake("cam1")
		g := serve(t, Config{Legacy: allURLs, Patience: 100 * time.Millisecond}, cam)
		p := cam.show(5000, media.Live) // the newest there is, after patience
		response, body := g.get(t, "GET", path)
		if response.StatusCode != 200 || body != string(p.JPEG) || response.Header.Get("Content-Type") != "image/jpeg" || response.Header.Get("X-Camera-State") != "live" {
			t.Errorf("%s: %d %v", path, response.StatusCode, response.Header)
		}
		cam.trouble = "camera \"cam1\": it refuses the password"
		cam.show(5000, media.Offline)
		// Why, and no advice that goes for camgate's own addresses.
		if response, body = g.get(t, "GET", path); response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "no live picture now (it refuses the password)") || strings.Contains(body, "placeholder") {
			t.Errorf("%s, offline: %d %.100q", path, response.StatusCode, body)
		}
	}
}

func TestAxisStreamsEndAsAskedFor(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{Legacy: allURLs}, cam)
	_, r := g.dial(t, request("/axis-cgi/mjpg/video.cgi?nbrofframes=2", "test"))
	head(t, r)
	expect(t, r, "--myboundary\r\n")
	p := cam.show(1000, media.Live)
	expect(t, r, fullPart(p)+"\r\n--myboundary\r\n")
	p = cam.show(1000, media.Live)
	expect(t, r, fullPart(p)+"\r\n--myboundary--\r\n")
	expectEnd(t, r)

	_, r = g.dial(t, request("/axis-cgi/mjpg/video.cgi?duration=1", "test"))
	head(t, r)
	expect(t, r, "--myboundary\r\n")
	expect(t, r, fullPart(p)+"\r\n--myboundary\r\n")
	expect(t, r, fullPart(p)+"\r\n--myboundary--\r\n") // a second later
	expectEnd(t, r)
	eventually(t, "nobody watches", testLimit, func() bool { return cam.watching() == 0 })
}

func expectEnd(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %.100q, %v", rest, err)
	}
}

func TestCamerasAsOthersCallThem(t *testing.T) {
	one, two := newFake("door"), newFake("Yard")
	g := serve(t, Config{Legacy: allURLs}, one, two)
	for path, want := range map[string]*fakeCamera{
		"/axis-cgi/mjpg/video.cgi": one, "/axis-cgi/mjpg/video.cgi?camera=2": two, "/axis-cgi/mjpg/video.cgi?camera=yard": two,
		"/mjpg/1/video.mjpg": one, "/?action=stream_1": two, "/?action=stream&camera=2": two, "/cgi-bin/nph-zms?monitor=2": two, "/live/YARD": two, "/live/yard/?q=50": two, "/Live/Yard": two, "/LIVE/door?size=640x480": one, "/api/stream.mjpeg?src=Yard": two,
	} {
		before := len(want.wishes())
		_, r := g.dial(t, request(path, "test"))
		if got := head(t, r); !strings.Contains(got, "200 OK") {
			t.Errorf("%s: %q", path, got)
			continue
		}
		eventually(t, path+" is watched", testLimit, func() bool { return len(want.wishes()) == before+1 })
	}
}

func TestOthersAddressesAnswerWrongRequestsAlike(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{Legacy: allURLs}, cam)
	paths := map[string]string{ // with what is asked for in place of %s
		"/live/%s": "nobody", "/live/%s?q=50": "", "/axis-cgi/mjpg/video.cgi?camera=%s": "7", "/axis-cgi/jpg/image.cgi?camera=%s": "0", "/mjpg/%s/video.mjpg": "a%2Fb", "/image/%s": "..%2fx",
		"/cgi-bin/nph-zms?monitor=%s": "99999999999999999999", "/api/frame.jpeg?src=%s": "rtsp%3A%2F%2Fadmin%3Ageheim@192.0.2.1%2F", "/api/stream.mjpeg?src=%s": "x", "/?action=stream_%s": "1", "/stream?camera=%s": "%00",
	}
	if response, body := g.get(t, "GET", "/api/webrtc?src=cam1"); response.StatusCode != 405 || !strings.Contains(body, "POST") {
		t.Errorf("an offer that is asked for: %d %q", response.StatusCode, body)
	}
	for path, name := range paths {
		response, body := g.get(t, "GET", fmt.Sprintf(path, name))
		if response.StatusCode != 404 || !strings.Contains(body, "there is no camera ") || !strings.Contains(body, "/api/cameras lists those there are") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
	for _, path := range []string{"/live/cam1?size=640", "/live/cam1?size=9000x10", "/axis-cgi/mjpg/video.cgi?compression=x", "/cgi-bin/nph-zms?mode=mpeg", "/image/cam1?w=1e9", "/api/frame.jpeg", "/?action=stream_x", "/stream?%zz"} {
		response, body := g.get(t, "GET", path)
		if response.StatusCode != 400 || !strings.Contains(body, "must be") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
	for _, path := range []string{"/live/cam1", "/stream", "/api/stream.mjpeg?src=cam1"} {
		if response, _ := g.get(t, "POST", path); response.StatusCode != 405 {
			t.Errorf("POST %s: %d", path, response.StatusCode)
		}
	}
	if cam.watching() != 0 || strings.Contains(g.logs.String(), "geheim") {
		t.Error("a viewer is left, or the log holds a password")
	}
}

func TestOffersToOthersAddressesThatCannotBe(t *testing.T) {
	g := serve(t, Config{Legacy: allURLs, WebRTC: &webrtc.Options{}}, newFake("cam1"))
	const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	for _, c := range []struct {
		path, kind, body string
		status           int
		says             string
	}{
		{"/nobody/whep", "application/sdp", sdp, 404, "there is no camera"},
		{"/cam1/whep", "application/sdp", "hello", 400, ""},
		{"/cam1/whep", "text/plain", sdp, 415, "application/sdp"},
		{"/cam1/whep/0123", "application/sdp", sdp, 404, "session"},
		{"/api/webrtc?src=nobody", "application/sdp", sdp, 404, "there is no camera"},
		{"/api/webrtc", "application/sdp", sdp, 400, "src"},
		{"/api/webrtc?src=cam1", "application/json", "{", 400, "offer"},
		{"/api/webrtc?src=cam1", "application/sdp", "hello", 400, "SDP"},
		{"/api/webrtc?src=cam1", "application/sdp", sdp, 400, ""}, // offers nothing
	} {
		answer, err := http.Post("http://"+g.addr+c.path, c.kind, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != c.status || !strings.Contains(string(said), c.says) {
			t.Errorf("%s of %.10q: %d %q", c.path, c.body, answer.StatusCode, said)
		}
	}
	for path, status := range map[string]int{"/cam1/whep": 405, "/nobody/whep": 404, "/whatever": 404, "/cam1/": 404, "/player.js": 200, "/img/a.svg": 200} {
		if response, body := g.get(t, "GET", path); response.StatusCode != status {
			t.Errorf("GET %s: %d %q", path, response.StatusCode, body)
		}
	}
	eventually(t, "nobody is counted", testLimit, func() bool { return g.viewers.Load() == 0 })
}

func TestOthersOffersWithoutWebRTC(t *testing.T) {
	g := serve(t, Config{Legacy: allURLs}, newFake("cam1"))
	for _, path := range []string{"/cam1/whep", "/api/webrtc?src=cam1"} {
		if response, body := g.get(t, "POST", path); response.StatusCode != 404 || !strings.Contains(body, "[webrtc]") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
}

func TestOthersAddressesAreNotThereUnlessWanted(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{}, cam)
	for _, path := range []string{"/axis-cgi/mjpg/video.cgi", "/stream", "/snapshot", "/mjpg/cam1/video.mjpg", "/image/cam1", "/cgi-bin/nph-zms", "/api/stream.mjpeg?src=cam1"} {
		if response, body := g.get(t, "GET", path); response.StatusCode != 404 || !strings.Contains(body, "urls = true in [legacy]") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
	for _, path := range []string{"/cam1/whep", "/api/webrtc?src=cam1"} {
		if response, body := g.get(t, "POST", path); response.StatusCode != 404 || !strings.Contains(body, "urls = true in [legacy]") {
			t.Errorf("POST %s: %d %q", path, response.StatusCode, body)
		}
	}
	if response, body := g.get(t, "GET", "/?action=stream"); response.StatusCode != 200 || !strings.Contains(body, "built in") {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	g = serve(t, Config{Legacy: allURLs}, cam)
	if response, body := g.get(t, "GET", "/?action=kiosk"); response.StatusCode != 200 || !strings.Contains(body, "built in") {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}

func TestOthersViewersAreCountedToo(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{Legacy: allURLs, MaxViewers: 1}, cam)
	_, r := g.dial(t, request("/live/cam1", "test"))
	head(t, r)
	for _, path := range []string{"/live/cam1", "/stream", "/snapshot"} {
		if response, _ := g.get(t, http.MethodGet, path); response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
}
