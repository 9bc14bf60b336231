package httpd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/media"
	"camgate/onvif"
	"camgate/testleak"
)

// fakeCamera publishes what the test tells it to, as a camera would: the newest picture
// only.
type fakeCamera struct {
	name string

	mu      sync.Mutex
	picture *media.Picture
	changed chan struct{}
	closed  bool
	state   string
	trouble string // its last error
	watched map[media.Rendition]int
	viewers int
	orders  []camera.Order // nil: it cannot be moved
	asked   []wish         // all that were ever watched for
	address string         // of its stream; "" tells only where it is asked: told
	told    string
	deaf    bool // does not answer where it is asked

	configured string // its address, as the status has it
}

func (f *fakeCamera) StreamAddresses(ctx context.Context, ask bool) []string {
	if ask && f.deaf {
		<-ctx.Done()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.address != "":
		return []string{f.address}
	case ask && f.told != "":
		return []string{f.told}
	}
	return nil
}

func (f *fakeCamera) HasStream(address string) bool {
	a, errA := source.ParseAddress(address)
	b, errB := source.ParseAddress(f.address)
	return errA == nil && errB == nil && a.SameStream(b)
}

// testLimit is how long a test waits for what must happen. Nobody promises that it takes less:
// it ends tests that hang.
const testLimit = 30 * time.Second

// peers are who has watched, in turn.
func (f *fakeCamera) peers() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, w := range f.asked {
		list = append(list, w.peer)
	}
	return list
}

// wishes are what was asked for, in turn.
func (f *fakeCamera) wishes() []wish {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]wish(nil), f.asked...)
}

func newFake(name string) *fakeCamera {
	return &fakeCamera{name: name, changed: make(chan struct{}), state: "live", watched: map[media.Rendition]int{}}
}

// show publishes a picture of n bytes and returns it.
func (f *fakeCamera) show(n int, state media.State) *media.Picture {
	return f.shows(fakeJPEG(n), state)
}

// shows publishes a JPEG as the camera's next picture and returns that.
func (f *fakeCamera) shows(data []byte, state media.State) *media.Picture {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &media.Picture{JPEG: data, Width: 1000, Height: 500, Sequence: 1, Received: time.Now(), State: state}
	if f.picture != nil {
		p.Sequence = f.picture.Sequence + 1
	}
	f.picture = p
	close(f.changed)
	f.changed = make(chan struct{})
	return p
}

// fakeJPEG is n bytes, at least 4, that begin and end like a JPEG.
func fakeJPEG(n int) []byte {
	b := bytes.Repeat([]byte{0x55}, n)
	copy(b, "\xff\xd8")
	copy(b[n-2:], "\xff\xd9")
	return b
}

func (f *fakeCamera) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeCamera) Name() string { return f.name }

func (f *fakeCamera) Move(_ context.Context, o camera.Order) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.orders == nil {
		return camera.ErrFixed
	}
	f.orders = append(f.orders, o)
	return nil
}

func (f *fakeCamera) Presets(context.Context) ([]onvif.Preset, error) {
	return []onvif.Preset{{Token: "1", Name: "door"}}, nil
}

func (f *fakeCamera) Newest(media.Rendition) *media.Picture {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.picture
}

func (f *fakeCamera) Status() camera.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return camera.Status{Name: f.name, State: f.state, Viewers: f.viewers, Address: f.configured}
}

func (f *fakeCamera) watch(w wish) (viewer, error) {
	r := w.Rendition
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, camera.ErrClosed
	}
	if f.watched[r] == 0 && len(f.watched) >= camera.DefaultMaxRenditions {
		return nil, fmt.Errorf("%w: %d", camera.ErrTooManyRenditions, camera.DefaultMaxRenditions)
	}
	f.watched[r]++
	f.asked = append(f.asked, w)
	f.viewers++
	return &fakeViewer{f: f, r: r}, nil
}

type fakeViewer struct {
	f     *fakeCamera
	r     media.Rendition
	taken uint64
	gone  bool
}

func (v *fakeViewer) Next(ctx context.Context) (*media.Picture, error) {
	for {
		v.f.mu.Lock()
		p, changed, closed := v.f.picture, v.f.changed, v.f.closed
		v.f.mu.Unlock()
		if closed {
			return nil, camera.ErrClosed
		}
		if p != nil && p.Sequence > v.taken {
			v.taken = p.Sequence
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (v *fakeViewer) Close() {
	v.f.mu.Lock()
	defer v.f.mu.Unlock()
	if v.gone {
		return
	}
	v.gone = true
	v.f.viewers--
	if v.f.watched[v.r]--; v.f.watched[v.r] == 0 {
		delete(v.f.watched, v.r)
	}
}

type fakeCameras []*fakeCamera

func (f fakeCameras) find(name string) served {
	for _, c := range f {
		if c.name == name {
			if name == "panics" {
				panic("a bug")
			}
			return c
		}
	}
	return nil
}

func (f fakeCameras) all() []served {
	var list []served
	for _, c := range f {
		list = append(list, c)
	}
	return list
}

// gateway is a server that runs for one test.
type gateway struct {
	*Server
	addr string
	stop func() error // ends it, and returns what Run returned
	logs *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var testPages = fstest.MapFS{
	"index.html": {Data: []byte("<!doctype html><title>built in</title>")},
	"player.js":  {Data: []byte("var camgate;")},
	"img/a.svg":  {Data: []byte("<svg/>")},
}

// serve runs a server on a free port of loopback until the test ends, and then looks
// for goroutines that it has left.
func serve(t testing.TB, cfg Config, cams ...*fakeCamera) *gateway {
	t.Helper()
	nothingLeft := testleak.Watch(t)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		nothingLeft()
	})
	return serveParallel(t, cfg, cams...)
}

// serveParallel is serve without the look for goroutines, among which those of other
// tests would be.
func serveParallel(t testing.TB, cfg Config, cams ...*fakeCamera) *gateway {
	t.Helper()
	logs := new(lockedBuffer)
	cfg.Listen = "127.0.0.1:0"
	listening := make(chan net.Addr, 1)
	cfg.Listening = func(a net.Addr) { listening <- a }
	s, err := newServer(cfg, fakeCameras(cams), testPages, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	var runErr error
	g := &gateway{Server: s, logs: logs}
	g.stop = func() error {
		once.Do(func() { cancel(); runErr = <-ended })
		return runErr
	}
	select {
	case a := <-listening:
		g.addr = a.String()
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return g
}

// dial opens a connection, sends text and bounds the time of all reads.
func (g *gateway) dial(t testing.TB, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testLimit))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// get asks for a path and returns the answer with its body.
func (g *gateway) get(t testing.TB, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+g.addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = "//" + g.addr + path // as it is, unescaped
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	client := http.Client{Timeout: testLimit}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

func (f *fakeCamera) watching() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.viewers
}
