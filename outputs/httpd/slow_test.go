package httpd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camgate/media"
)

// dialNarrow connects like a viewer on a thin link: whose kernel takes hardly anything
// that the viewer has not read.
func (g *gateway) dialNarrow(t testing.TB, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	var failed error
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, narrow/2) // the kernel doubles it
			if failed == nil {
				failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536)
			}
		})
	}}
	conn, err := dialer.Dial("tcp", g.addr)
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReaderSize(conn, 256)
}

const narrow = 4096 // bytes, about what a narrow viewer's kernel holds

// A throttle passes bytes on at a steady rate.
type throttle struct {
	r     io.Reader
	rate  float64 // bytes a second
	start time.Time
	n     int
}

func (s *throttle) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), 128)])
	s.n += n
	due := s.start.Add(time.Duration(float64(s.n) / s.rate * float64(time.Second)))
	if late := time.Since(due); late > time.Second { // who was held up may hurry, but no link saves up what it did not carry
		s.start = s.start.Add(late - time.Second)
	}
	<-time.After(time.Until(due))
	return n, err
}

// shooting shows pictures at a steady rate until stop is called.
func shooting(cam *fakeCamera, size int, every time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				cam.show(size, media.Live)
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// readPart reads one part with whole headers, up to the end of its JPEG, and returns its
// age and sequence.
func readPart(t *testing.T, r *bufio.Reader) (age time.Duration, sequence int) {
	t.Helper()
	h, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	length, err := strconv.Atoi(h.Get("Content-Length"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(h.Get("X-Timestamp"), 64)
	if err != nil {
		t.Fatal(err)
	}
	age = time.Since(time.UnixMicro(int64(seconds * 1e6)))
	sequence, _ = strconv.Atoi(h.Get("X-Sequence"))
	if _, err := r.Discard(len("\r\n" + line)); err != nil {
		t.Fatal(err)
	}
	return age, sequence
}

func TestSlowViewerSeesNewPicturesAndHoldsUpNobody(t *testing.T) {
	const (
		period = 40 * time.Millisecond
		size   = 5000
		rate   = 10_000.0
	)
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn, narrowReader := g.dialNarrow(t, request("/mjpeg/cam1", "test"))
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	slow := bufio.NewReaderSize(&throttle{r: narrowReader, rate: rate, start: time.Now()}, 16)
	_, fast := g.dial(t, request("/mjpeg/cam1", "test"))
	head(t, slow)
	head(t, fast)
	expect(t, slow, line)
	expect(t, fast, line)
	stop := shooting(cam, size, period)
	defer stop()

	type seen struct {
		pictures int
		worst    time.Duration
	}
	others := make(chan seen, 1)
	quit := make(chan struct{})
	go func() {
		var went seen
		for {
			select {
			case <-quit:
				others <- went
				return
			default:
				age, _ := readPart(t, fast)
				went.pictures, went.worst = went.pictures+1, max(went.worst, age)
			}
		}
	}()
	// What the viewer's own kernel holds is a part of its link.
	transfer := time.Duration((size + 200 + narrow) / rate * float64(time.Second))
	last := 0
	var ages []time.Duration
	for range 8 {
		age, sequence := readPart(t, slow)
		if sequence <= last {
			t.Errorf("picture %d after %d", sequence, last)
		}
		last = sequence
		ages = append(ages, age)
	}
	slices.Sort(ages)
	close(quit)
	went := <-others
	t.Logf("8 pictures of %d; ages %v, of which %v is the transfer; a fast viewer had %d, at most %v old", last, ages, transfer, went.pictures, went.worst)
	if typical := ages[len(ages)/2]; typical > transfer+2*period { // a busy machine holds one back; a queue holds back all
		t.Errorf("half of the pictures were %v old when they had arrived; the transfer takes %v", typical, transfer)
	}
	if went.pictures < last/2 {
		t.Errorf("the slow viewer holds up the fast one, who had %d of %d pictures", went.pictures, last)
	}
	if last < 30 {
		t.Errorf("only %d pictures have passed: the slow viewer held them up, or skipped none", last)
	}
}

func TestViewerThatTakesNothingIsClosed(t *testing.T) {
	for output, text := range map[string]string{
		"mjpeg": request("/mjpeg/cam1", "test"),
		"ws":    "GET /ws/cam1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	} {
		for _, size := range []int{2_000, 500_000} { // many that fit into the kernel's buffers; one that does not
			t.Run(fmt.Sprintf("%s %d", output, size), func(t *testing.T) {
				cam := newFake("cam1")
				g := serve(t, Config{Stall: 400 * time.Millisecond}, cam)
				conn, r := g.dialNarrow(t, text)
				conn.SetDeadline(time.Now().Add(30 * time.Second))
				head(t, r)
				began := time.Now()
				defer shooting(cam, size, 10*time.Millisecond)()
				eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
				if took := time.Since(began); took < 400*time.Millisecond || took > 8*time.Second {
					t.Errorf("closed after %v, not 400 ms", took)
				}
				eventually(t, "the log says why", testLimit, func() bool { return strings.Contains(g.logs.String(), "takes nothing") })
			})
		}
	}
}

func TestSlowViewerThatMakesProgressIsKept(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{Stall: 3 * time.Second}, cam) // the reader, too, may be held up
	conn, r := g.dialNarrow(t, request("/mjpeg/cam1", "test"))
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	slow := bufio.NewReaderSize(&throttle{r: r, rate: 10_000, start: time.Now()}, 16)
	head(t, slow)
	expect(t, slow, line)
	cam.show(60_000, media.Live) // takes 6 s, twice the limit
	readPart(t, slow)
	if cam.watching() != 1 {
		t.Error("the viewer was closed")
	}
}

// TestEndOfTheGatewayIsInOrderWhereAFileIsTakenSlowly: its connection is closed, and nobody is
// told of a failure.
func TestEndOfTheGatewayIsInOrderWhereAFileIsTakenSlowly(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "film.mp4"), make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	g := serve(t, Config{WWW: folder})
	_, r := g.dialNarrow(t, request("/film.mp4", "test"))
	head(t, r)
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}

func TestEndOfTheGatewayDoesNotWaitForViewersThatTakeNothing(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	for _, path := range []string{"/mjpeg/cam1", "/mjpeg/cam1?advance=1"} {
		_, r := g.dialNarrow(t, request(path, "test"))
		head(t, r)
	}
	g.open(t, "/ws/cam1") // is not read
	cam.show(4<<20, media.Live)
	eventually(t, "all have the picture", testLimit, func() bool { return cam.watching() == 3 })
	began := time.Now()
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
	if cam.watching() != 0 {
		t.Error("a viewer is left")
	}
}
