package httpd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"camgate/media"
)

func TestUnknownCamerasAreAllAnsweredAlike(t *testing.T) {
	g := serve(t, Config{}, newFake("cam1"))
	for _, output := range []string{"/mjpeg/", "/snapshot/", "/ws/", "/api/cameras/"} {
		for name, shown := range map[string]string{
			"cam2": "cam2", "": "", "CAM1": "CAM1", "..": "..", "../../etc/passwd": "../../etc/passwd", "cam1/": "cam1/", "cam1/x": "cam1/x",
			"%00": `\x00`, "cam1%00": `cam1\x00`, "a%2Fb": "a/b", "..%2f..%2fetc%2fpasswd": "../../etc/passwd", "%3Cscript%3E": "<script>",
			"%0d%0aSet-Cookie:x": `\r\nSet-Cookie:x`, "%ff%fe": "?", strings.Repeat("x", 10<<10): strings.Repeat("x", 40) + "…",
		} {
			response, body := g.get(t, http.MethodGet, output+name)
			if output == "/api/cameras/" {
				var answer struct{ Error string }
				if err := json.Unmarshal([]byte(body), &answer); err != nil {
					t.Errorf("%s%s: %v in %q", output, name, err, body)
				}
				body = answer.Error + "\n"
			}
			want := fmt.Sprintf("there is no camera \"%s\" here; /api/cameras lists those there are\n", shown)
			if response.StatusCode != 404 || body != want {
				t.Errorf("%s%.40s: %d %q, want %q", output, name, response.StatusCode, body, want)
			}
		}
	}
}

func TestWrongParametersAreRefusedBeforeAnythingIsWatched(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{}, cam)
	for _, output := range []string{"/mjpeg/", "/snapshot/", "/ws/"} {
		for _, query := range []string{"width=abc", "width=-1", "width=1e9", "fps=0", "quality=0", "q=1&q=2", "size=640", "fps=NaN", "%zz"} {
			response, body := g.get(t, http.MethodGet, output+"cam1?"+query)
			if response.StatusCode != 400 || !strings.Contains(body, "must be") && !strings.Contains(body, "once") {
				t.Errorf("%s %s: %d %q", output, query, response.StatusCode, body)
			}
			if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
				t.Errorf("%s %s: %s", output, query, got)
			}
		}
	}
	if cam.watching() != 0 {
		t.Error("a viewer is left")
	}
}

func TestTenThousandWidthsAreRefusedAfterSixteen(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	for width := 1; width <= 16; width++ {
		_, r := g.dial(t, request(fmt.Sprintf("/mjpeg/cam1?width=%d", width), "test"))
		head(t, r)
	}
	conn, r := g.dial(t, "")
	for width := 17; width <= 8192; width++ {
		conn.SetDeadline(time.Now().Add(testLimit)) // of one answer, and not of all
		io.WriteString(conn, request(fmt.Sprintf("/mjpeg/cam1?width=%d", width), "test"))
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "too many different sizes") || !strings.Contains(string(body), "[limits] max_renditions") {
			t.Fatalf("%d %q %v", response.StatusCode, body, err)
		}
	}
}

func TestViewersAboveTheLimitAreToldToComeBack(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{MaxViewers: 2}, cam)
	_, first := g.dial(t, request("/mjpeg/cam1", "test"))
	head(t, first)
	second := g.open(t, "/ws/cam1")
	for _, path := range []string{"/mjpeg/cam1", "/snapshot/cam1", "/ws/cam1"} {
		response, body := g.get(t, http.MethodGet, path, "Connection: Upgrade", "Upgrade: websocket")
		if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "2 viewers") || !strings.Contains(body, "[limits] max_viewers") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
	second.Close()
	eventually(t, "there is room again", testLimit, func() bool { return g.viewers.Load() == 1 })
	_, third := g.dial(t, request("/mjpeg/cam1", "test"))
	if got := head(t, third); !strings.Contains(got, "200 OK") {
		t.Errorf("%q", got)
	}
}

func TestForeignHostsAreRefused(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{Hosts: []string{"Panel.Example"}}, cam)
	for host, status := range map[string]int{
		"evil.example": 403, "evil.example:8000": 403, "localhost.evil.example": 403, "": 200,
		"localhost": 200, "LOCALHOST:8000": 200, "localhost.": 200, "127.0.0.1:1": 200, "[::1]:8000": 200, "192.0.2.1": 200, "panel.example:80": 200,
	} {
		version := "1.1"
		if host == "" {
			version = "1.0"
		}
		_, r := g.dial(t, "GET /snapshot/cam1?max_age=60 HTTP/"+version+"\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != status || status == 403 && !strings.Contains(string(body), "[http] hosts") {
			t.Errorf("Host %q: %d %.200q", host, response.StatusCode, body)
		}
	}
}

func TestAMachineIsCalledByItsNameWithAndWithoutItsDomain(t *testing.T) {
	for hostname, want := range map[string][]string{
		"gateway":             {"gateway", "gateway", "gateway.local"},
		"Gateway.Plant.Test.": {"gateway.plant.test", "gateway", "gateway.local"},
	} {
		if got := namesOf(hostname); !slices.Equal(got, want) {
			t.Errorf("%s: %q", hostname, got)
		}
	}
}

func TestForeignOriginsAreRefusedForWebSocketsAndChanges(t *testing.T) {
	g := serve(t, Config{Origins: []string{"https://Panel.Example", "https://wall.example:443", "http://wall.example:80"}}, newFake("cam1"))
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: x"}
	for origin, refused := range map[string]bool{
		"http://evil.example": true, "null": true, "http://127.0.0.1": true, "http://127.0.0.1:1": true, "https://panel.example.evil.example": true, "http://panel.example": true, "%": true,
		"http://" + g.addr: false, "https://panel.example": false, "https://wall.example": false, "http://wall.example": false, "": false,
	} {
		for method, want := range map[string]int{"GET": 400, "POST": 405} {
			header := append([]string{}, upgrade...)
			if origin != "" {
				header = append(header, "Origin: "+origin)
			}
			if refused {
				want = 403
			}
			response, body := g.get(t, method, "/ws/cam1", header...)
			if response.StatusCode != want || refused && !strings.Contains(body, "[http] origins") || origin == "null" && !strings.Contains(body, "a file") {
				t.Errorf("%s from %q: %d %q", method, origin, response.StatusCode, body)
			}
		}
	}
	// A picture in somebody's page is no secret kept from that page; but nothing invites scripts.
	response, _ := g.get(t, "GET", "/api/cameras", "Origin: http://evil.example")
	if response.StatusCode != 200 || response.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}

func TestBrokenRequestsAreAnsweredAndClosed(t *testing.T) {
	long := strings.Repeat("x", 9<<10)
	for name, c := range map[string]struct {
		send   string
		status string
	}{
		"HTTP/0.9":             {"GET /\r\n", "400"},
		"garbage":              {"\x16\x03\x01\x02\x00\r\n\r\n", "400"},
		"huge headers":         {"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + long + "\r\nB: " + long + "\r\nC: " + long + "\r\n\r\n", "431"},
		"no Host":              {"GET / HTTP/1.1\r\n\r\n", "400"},
		"bad chunking":         {"POST /mjpeg/cam1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n", "400"},
		"big body":             {"POST /mjpeg/cam1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n", "413"},
		"big chunks":           {"POST /mjpeg/cam1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + strings.Repeat("y", 0x20000) + "\r\n0\r\n\r\n", "413"},
		"body that never ends": {"GET /mjpeg/cam1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc", "400"},
		"slow headers":         {"GET / HTTP/1.1\r\nHost: loc", ""},
		"nothing at all":       {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{} // whose 5 s a busy machine keeps, too, before it is answered
			if c.status == "" {
				cfg.HeaderTimeout = time.Second
			}
			g := serveParallel(t, cfg, newFake("cam1"))
			began := time.Now()
			_, r := g.dial(t, c.send)
			answer, _ := io.ReadAll(r) // a reset is an end, too
			if c.status == "" && len(answer) > 0 || c.status != "" && !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.status) {
				t.Errorf("got %.300q, want %s", answer, c.status)
			}
			if took := time.Since(began); took > 10*time.Second { // and not until this side ends it
				t.Errorf("the connection was open for %v", took)
			}
		})
	}
}

func TestPipelinedRequests(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	_, r := g.dial(t, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 10)+request("/mjpeg/cam1", "test")+strings.Repeat(request("/healthz", "test"), 20))
	for range 10 {
		response, err := http.ReadResponse(r, nil)
		if err != nil || response.StatusCode != 200 {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
	}
	head(t, r)
	expect(t, r, line)
	p := cam.show(1000, media.Live) // requests behind a stream are ignored, as it never ends
	expect(t, r, fullPart(p)+"\r\n"+line)
}

func TestMethodsThatAreNotPossibleSayWhichAre(t *testing.T) {
	g := serve(t, Config{}, newFake("cam1"))
	for _, path := range []string{"/mjpeg/cam1", "/snapshot/cam1", "/", "/api/cameras", "/healthz"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "BREW"} {
			response, body := g.get(t, method, path)
			if response.StatusCode != 405 || !strings.Contains(response.Header.Get("Allow"), "GET") || !strings.Contains(body, "GET") {
				t.Errorf("%s %s: %d %q %v", method, path, response.StatusCode, body, response.Header)
			}
		}
	}
}

func TestPanicCostsOneAnswer(t *testing.T) {
	cam, bad := newFake("cam1"), newFake("panics")
	g := serve(t, Config{}, cam, bad)
	_, r := g.dial(t, request("/mjpeg/cam1", "test"))
	head(t, r)
	expect(t, r, line)
	for _, path := range []string{"/mjpeg/panics", "/snapshot/panics", "/api/cameras/panics"} {
		response, body := g.get(t, http.MethodGet, path)
		if response.StatusCode != 500 || strings.Contains(body, "a bug") || strings.Contains(body, ".go:") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
	if logs := g.logs.String(); !strings.Contains(logs, "a bug") || !strings.Contains(logs, "fake_test.go") {
		t.Errorf("the log does not hold cause and stack: %s", logs)
	}
	p := cam.show(1000, media.Live)
	expect(t, r, fullPart(p)+"\r\n"+line)
	expectNothingBuffered(t, r)
}

func expectNothingBuffered(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if n := r.Buffered(); n > 0 {
		t.Errorf("%d bytes too many", n)
	}
}
