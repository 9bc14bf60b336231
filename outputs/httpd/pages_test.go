package httpd

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camgate/media"
)

func TestPageIsServedFromTheOwnFolderFirst(t *testing.T) {
	outside := t.TempDir()
	folder := filepath.Join(outside, "www")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(outside, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("secret", "a secret")
	write("www/player.js", "var mine;")
	write("www/sub/a.txt", "text")
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	g := serve(t, Config{WWW: folder}, newFake("cam1"))
	for path, want := range map[string]string{
		"/": "<!doctype html><title>built in</title>", "/index.html": "<!doctype html><title>built in</title>",
		"/player.js": "var mine;", "/sub/a.txt": "text", "/img/a.svg": "<svg/>", "/sub/../player.js": "var mine;",
		"/sub": "", "/sub/": "", "/img": "", "/img/": "", "/link": "", "/../secret": "", "/..%2fsecret": "", "/%2e%2e/secret": "", "/sub/../../secret": "", "/a%00b": "", "/nothing": "",
	} {
		response, body := g.get(t, http.MethodGet, path)
		switch {
		case want != "" && (response.StatusCode != 200 || body != want):
			t.Errorf("%s: %d %q, want %q", path, response.StatusCode, body, want)
		case want == "" && response.StatusCode != 404 || strings.Contains(body, "secret"):
			t.Errorf("%s: %d %q, want 404", path, response.StatusCode, body)
		}
	}
}

// The folder may be of another machine, or be put in place anew.
func TestBuiltInPagesAreServedWhileTheOwnFolderIsAway(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "www")
	put := func() {
		t.Helper()
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "own.txt"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put()
	g := serve(t, Config{WWW: folder}, newFake("cam1"))
	is := func(path string, status int) {
		t.Helper()
		if response, body := g.get(t, http.MethodGet, path); response.StatusCode != status {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
	is("/own.txt", 200)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		is("/player.js", 200)
		is("/own.txt", 404)
	}
	if n := strings.Count(g.logs.String(), "level=WARN"); n != 1 {
		t.Errorf("the log warns %d times:\n%s", n, g.logs)
	}
	put()
	is("/own.txt", 200)
}

// deadlines counts how often an answer is given more time.
type deadlines struct {
	*httptest.ResponseRecorder
	moved int
}

func (d *deadlines) SetWriteDeadline(time.Time) error { d.moved++; return nil }

// The server's limit is for answers that nobody takes, and not for large files.
func TestALargeFileOfTheOwnFolderMayTakeAsLongAsTheLinkWants(t *testing.T) {
	folder := t.TempDir()
	const size = 1 << 20
	if err := os.WriteFile(filepath.Join(folder, "film.mp4"), make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(Config{Listen: "127.0.0.1:0", WWW: folder}, fakeCameras(nil), testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	answer := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost/film.mp4", nil))
	if answer.Code != 200 || answer.Body.Len() != size {
		t.Fatalf("%d, %d bytes", answer.Code, answer.Body.Len())
	}
	if answer.moved < 10 {
		t.Errorf("in all of %d bytes the deadline was moved %d times", size, answer.moved)
	}
}

func TestBuiltInPageMayLoadOnlyItsOwn(t *testing.T) {
	g := serve(t, Config{}, newFake("cam1"))
	response, _ := g.get(t, http.MethodGet, "/")
	if got := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'self';") {
		t.Errorf("policy %q", got)
	}
	if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
		t.Errorf("type %q", got)
	}
	response, body := g.get(t, http.MethodGet, "/", "If-None-Match: "+response.Header.Get("ETag"))
	if response.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("asked again: %d", response.StatusCode)
	}
}

func TestAPIListsCameras(t *testing.T) {
	g := serve(t, Config{Version: "1.2"}, newFake("b"), newFake("a"))
	_, body := g.get(t, http.MethodGet, "/api/cameras")
	var list []struct{ Name, State string }
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 2 || list[0].Name != "b" || list[1].State != "live" {
		t.Errorf("%q %v", body, err)
	}
	response, body := g.get(t, http.MethodGet, "/api/cameras/a")
	var one struct{ Name string }
	if err := json.Unmarshal([]byte(body), &one); err != nil || one.Name != "a" {
		t.Errorf("%q %v", body, err)
	}
	if h := response.Header; h.Get("Cache-Control") != "no-store" || h.Get("X-Accel-Buffering") != "no" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", h)
	}
	if response, body = g.get(t, http.MethodGet, "/healthz"); response.StatusCode != 200 || !strings.Contains(body, `"ok"`) || !strings.Contains(body, `"1.2"`) {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}

func TestEmptyGatewayListsNothing(t *testing.T) {
	g := serve(t, Config{})
	if _, body := g.get(t, http.MethodGet, "/api/cameras"); strings.TrimSpace(body) != "[]" {
		t.Errorf("%q", body)
	}
}

func TestImpossibleConfigurationsGetASentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		cfg  Config
		says string
	}{
		"port in use":   {Config{Listen: taken.Addr().String()}, "another program"},
		"no address":    {Config{Listen: "192.0.2.1:0", AllowAnonymous: true}, "does not have that address"},
		"open to all":   {Config{Listen: "0.0.0.0:0"}, "allow_anonymous"},
		"open to all 2": {Config{Listen: ":0"}, "allow_anonymous"},
		"not host:port": {Config{Listen: "8000"}, "host:port"},
		"no folder":     {Config{Listen: "127.0.0.1:0", WWW: "/nonexistent"}, "not a folder"},
	} {
		s, err := newServer(c.cfg, fakeCameras(nil), testPages, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err == nil {
			err = s.Run(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSnapshotIsNewerThanTheRequest(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{Patience: testLimit}, cam)
	answers := make(chan string, 1)
	go func() {
		response, body := g.get(t, http.MethodGet, "/snapshot/cam1")
		answers <- response.Header.Get("X-Sequence") + " " + response.Header.Get("X-Camera-State") + " " + response.Header.Get("Content-Type") + " " + body
	}()
	eventually(t, "somebody watches", testLimit, func() bool { return cam.watching() == 1 })
	p := cam.show(5000, media.Live)
	if got := <-answers; got != "2 live image/jpeg "+string(p.JPEG) {
		t.Errorf("%.60q", got)
	}
}

func TestSnapshotMayBeOldIfAskedFor(t *testing.T) {
	cam := newFake("cam1")
	p := cam.show(5000, media.Live)
	g := serve(t, Config{}, cam)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		response, body := g.get(t, method, "/snapshot/cam1?max_age=10")
		if response.StatusCode != 200 || response.ContentLength != 5000 || response.Header.Get("X-Timestamp") == "" || method == "GET" && body != string(p.JPEG) {
			t.Errorf("%s: %d %v", method, response.StatusCode, response.Header)
		}
	}
	if cam.watching() != 0 {
		t.Error("a viewer is left")
	}
}

func TestSnapshotOfACameraThatIsAway(t *testing.T) {
	cam := newFake("cam1")
	cam.state, cam.trouble = "offline", "camera \"cam1\": it refuses the password"
	p := cam.show(5000, media.Offline)
	g := serve(t, Config{}, cam)
	response, body := g.get(t, http.MethodGet, "/snapshot/cam1")
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || !strings.HasPrefix(body, "camera \"cam1\": the camera has no live picture now (it refuses the password); ?placeholder=1") {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	response, body = g.get(t, http.MethodGet, "/snapshot/cam1?placeholder=1")
	if response.StatusCode != 200 || response.Header.Get("X-Camera-State") != "offline" || body != string(p.JPEG) {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}

func TestSnapshotWaitsForACameraThatIsBeingConnected(t *testing.T) {
	cam := newFake("cam1")
	cam.state = "connecting"
	cam.show(100, media.Offline)
	g := serve(t, Config{Patience: testLimit}, cam)
	answers := make(chan int, 1)
	go func() {
		response, _ := g.get(t, http.MethodGet, "/snapshot/cam1")
		answers <- response.StatusCode
	}()
	eventually(t, "somebody watches", testLimit, func() bool { return cam.watching() == 1 })
	cam.show(100, media.Offline)
	cam.show(100, media.Live)
	if got := <-answers; got != 200 {
		t.Error(got)
	}
}

func TestSnapshotGivesUpInTime(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{Patience: 50 * time.Millisecond}, cam)
	if response, _ := g.get(t, http.MethodGet, "/snapshot/cam1"); response.StatusCode != 503 {
		t.Error(response.StatusCode)
	}
	p := cam.show(100, media.Live) // and then nothing: a camera of few pictures
	if response, body := g.get(t, http.MethodGet, "/snapshot/cam1"); response.StatusCode != 200 || body != string(p.JPEG) {
		t.Error(response.StatusCode)
	}
}

func TestBuiltInPagesAreCompressedForWhoCanUnpackThem(t *testing.T) {
	g := serve(t, Config{}, newFake("cam1"))
	plain, body := g.get(t, http.MethodGet, "/", "Accept-Encoding: identity")
	for accept, zipped := range map[string]bool{
		"gzip": true, "deflate, GZIP;q=0.5, br": true, "gzip; q=1.0": true,
		"br": false, "gzip;q=0": false, "gzip; q=0.000": false, "": false, "xgzip": false,
	} {
		response, got := g.get(t, http.MethodGet, "/", "Accept-Encoding: "+accept)
		if !zipped {
			if got != body || response.Header.Get("Content-Encoding") != "" {
				t.Errorf("%q: %q %q", accept, response.Header.Get("Content-Encoding"), got)
			}
			continue
		}
		z, err := gzip.NewReader(strings.NewReader(got))
		if err != nil {
			t.Errorf("%q: %v", accept, err)
			continue
		}
		unpacked, err := io.ReadAll(z)
		tag := response.Header.Get("ETag")
		if err != nil || string(unpacked) != body || tag == plain.Header.Get("ETag") || response.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %q, %v, ETag %s", accept, unpacked, err, tag)
		}
		again, _ := g.get(t, http.MethodGet, "/", "Accept-Encoding: "+accept, "If-None-Match: "+tag)
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%q: %s for what is known", accept, again.Status)
		}
	}
}

func TestPagesOfTheOwnFolderKeepTheirCharacters(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"utf8.html": "<!doctype html><title>Hof\u00fcberwachung</title>",
		"utf8.js":   "var hof = '\u5eca\u4e0b';",
		"big5.html": "<!doctype html><meta charset=big5><title>\xa4\xa4\xa4\xe5</title>",
		"latin.js":  "var hof = 'Hof\xfcberwachung';",
		"latin.css": "b::after { content: '\xfc' }",
		"long.html": strings.Repeat("\u5eca", 500_000),
		"late.html": strings.Repeat("<p>Hof</p>", 10_000) + "\xfc",
		"photo.jpg": "\xff\xd8\xff\xd9",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := serve(t, Config{WWW: folder})
	for name, want := range map[string]string{
		"utf8.html": "text/html; charset=utf-8", "utf8.js": "text/javascript; charset=utf-8", "long.html": "text/html; charset=utf-8",
		// The page says it itself; what is said here would count more.
		"big5.html": "text/html", "latin.js": "text/javascript", "latin.css": "text/css", "late.html": "text/html",
		"photo.jpg": "image/jpeg",
	} {
		if response, _ := g.get(t, "GET", "/"+name); response.StatusCode != 200 || response.Header.Get("Content-Type") != want {
			t.Errorf("%s: %s, %q", name, response.Status, response.Header.Get("Content-Type"))
		}
	}
}
