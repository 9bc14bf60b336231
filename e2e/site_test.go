// Package e2e tests what a user has: simulated cameras, a gateway, and viewers that read
// what comes over real sockets.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/camsim"
	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/outputs/httpd"
	"camgate/testnet"
	"camgate/www"
)

// small is a camera that costs little to decode.
func small(name string) camsim.Options {
	return camsim.Options{Name: name, Video: decoder.VideoEncoderOptions{Width: 320, Height: 192, FPS: 25, GOP: 25}}
}

// camsimStart starts a camera that ends with the test.
func camsimStart(t testing.TB, o camsim.Options) *camsim.Camera {
	t.Helper()
	c, err := camsim.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// cameras is the set that a site serves.
type cameras []*camera.Camera

func (c cameras) Camera(name string) *camera.Camera {
	for _, one := range c {
		if one.Name() == name {
			return one
		}
	}
	return nil
}

func (c cameras) Cameras() []*camera.Camera { return c }

// site is a gateway that serves over HTTP, and ends with the test.
type site struct {
	t    testing.TB
	host string
	log  *lines
	cams cameras
	stop func() // ends it before the test does
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// config is how a simulated camera is served, unless a test says otherwise.
func config(t testing.TB, name, url string) camera.Config {
	t.Helper()
	a, err := source.ParseAddress(url)
	if err != nil {
		t.Fatal(err)
	}
	return camera.Config{Name: name, Address: a, OnDemand: true, Linger: time.Second, Source: source.Options{Transport: "tcp"}}
}

// serve runs a gateway of these cameras.
func serve(t testing.TB, configs ...camera.Config) *site {
	t.Helper()
	return serveWith(t, httpd.Config{Listen: "127.0.0.1:0"}, configs...)
}

// serveWith runs a gateway whose server is configured.
func serveWith(t testing.TB, server httpd.Config, configs ...camera.Config) *site {
	t.Helper()
	if server.Listen == "127.0.0.1:0" {
		server.Listen = testnet.Port(t) // of whoever comes after this gateway too
	}
	s := &site{t: t, log: &lines{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	running, endCameras := context.WithCancel(context.Background())
	var serving, watched sync.WaitGroup
	for _, cfg := range configs {
		c := camera.New(cfg, log)
		s.cams = append(s.cams, c)
		watched.Go(func() { c.Run(running) }) //nolint:errcheck // running's own
	}
	s.stop = sync.OnceFunc(func() { // viewers first, as camgate does
		cancel()
		serving.Wait()
		endCameras()
		watched.Wait()
	})
	t.Cleanup(s.stop)
	address := make(chan net.Addr, 1)
	server.Listening = func(a net.Addr) { address <- a }
	h, err := httpd.New(server, s.cams, www.Files(), log)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	serving.Go(func() {
		err := h.Run(ctx)
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
		ended <- err
	})
	select {
	case a := <-address:
		s.host = a.String()
	case <-ended:
		t.FailNow()
	}
	return s
}

// part is one picture of a multipart stream.
type part struct {
	at       time.Time // when its last byte came
	state    string
	sequence uint64
	received time.Time
	jpeg     []byte
}

// frame is the number burnt into the picture.
func (p part) frame() (uint32, bool) {
	img, err := jpeg.Decode(bytes.NewReader(p.jpeg))
	if err != nil {
		return 0, false
	}
	return stamp.Read(img)
}

func decodeImage(t testing.TB, data []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%d bytes are no JPEG: %v", len(data), err)
	}
	return img
}

// stream is a viewer's connection.
type stream struct {
	t      testing.TB
	conn   net.Conn
	body   *bufio.Reader
	answer *http.Response
}

// watch opens /mjpeg.
func (s *site) watch(path string) *stream {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, s.host)
	conn.SetReadDeadline(time.Now().Add(patient))
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s", path, answer.Status)
	}
	return &stream{t: s.t, conn: conn, body: bufio.NewReader(answer.Body), answer: answer}
}

// next reads a part, which must come within a time.
func (s *stream) next(within time.Duration) (part, error) {
	s.conn.SetReadDeadline(time.Now().Add(within))
	var p part
	length := -1
	for {
		line, err := s.body.ReadString('\n')
		if err != nil {
			return p, err
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Content-Length":
			length, err = strconv.Atoi(value)
		case "X-Camera-State":
			p.state = value
		case "X-Sequence":
			p.sequence, err = strconv.ParseUint(value, 10, 64)
		case "X-Timestamp":
			var seconds float64
			seconds, err = strconv.ParseFloat(value, 64)
			p.received = time.UnixMicro(int64(seconds * 1e6))
		}
		if err != nil {
			return p, err
		}
		if name == "" && length >= 0 {
			break
		}
	}
	p.jpeg = make([]byte, length)
	_, err := io.ReadFull(s.body, p.jpeg)
	p.at = time.Now()
	return p, err
}

// drain reads on, until the connection ends: a viewer who takes nothing for ten seconds is not
// served any longer.
func (s *stream) drain() {
	go func() {
		for {
			if _, err := s.next(patient); err != nil {
				return
			}
		}
	}()
}

// until reads parts until one is as wanted, which must happen within a time. It returns
// that part and how long it took.
func (s *stream) until(what string, within time.Duration, wanted func(part) bool) (part, time.Duration) {
	s.t.Helper()
	began := time.Now()
	var last part
	for {
		left := within - time.Since(began)
		if left <= 0 {
			s.t.Fatalf("no picture that is %s within %v; the last was %q, %d bytes", what, within, last.state, len(last.jpeg))
		}
		p, err := s.next(left)
		if err != nil {
			s.t.Fatalf("no picture that is %s within %v: %v; the last was %q, %v old", what, within, err, last.state, time.Since(last.at).Round(time.Millisecond))
		}
		if last = p; wanted(p) {
			return p, time.Since(began)
		}
	}
}

func (s *stream) state(state string, within time.Duration) (part, time.Duration) {
	s.t.Helper()
	return s.until(state, within, func(p part) bool { return p.state == state })
}

// live waits for a live picture whose frame number can be read.
func (s *stream) live(within time.Duration) (part, time.Duration) {
	s.t.Helper()
	return s.until("live with a readable number", within, func(p part) bool {
		if p.state != "live" {
			return false
		}
		_, ok := p.frame()
		return ok
	})
}

// status is what /api/cameras/{camera} says.
func (s *site) status(name string) camera.Status {
	s.t.Helper()
	var st camera.Status
	if err := json.Unmarshal([]byte(s.get("/api/cameras/"+name, http.StatusOK)), &st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

// get returns the answer's body.
func (s *site) get(path string, status int) string {
	s.t.Helper()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + s.host + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode != status {
		s.t.Fatalf("GET %s: %s, want %d: %s", path, answer.Status, status, body)
	}
	return string(body)
}

// patient is how long a test waits for what nobody promises a time for: it ends tests that
// hang. What is promised has a bound of its own.
const patient = 2 * time.Minute

// eventually waits until a condition holds. A look at it may take long on a busy machine: what
// came to hold meanwhile has come in time.
func eventually(t testing.TB, what string, within time.Duration, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			if !holds() {
				t.Fatalf("%s: not within %v", what, within)
			}
			return
		case <-tick.C:
		}
	}
}
