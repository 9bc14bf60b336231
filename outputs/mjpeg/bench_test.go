package mjpeg

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"camgate/media"
	"camgate/outputs/viewerconn"
)

// A board shows the newest picture to many, as a camera's rendition does.
type board struct {
	mu      sync.Mutex
	picture *media.Picture
	changed chan struct{}
}

func (b *board) show(p *media.Picture) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.picture = p
	close(b.changed)
	b.changed = make(chan struct{})
}

type boardViewer struct {
	board *board
	taken uint64
}

func (v *boardViewer) Next(ctx context.Context) (*media.Picture, error) {
	for {
		v.board.mu.Lock()
		p, changed := v.board.picture, v.board.changed
		v.board.mu.Unlock()
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

// readerEnv makes the test binary a program that reads connections, so that the reading
// is not in the measured process's bill.
const readerEnv = "CAMGATE_TEST_READ_FROM"

func TestMain(m *testing.M) {
	if address := os.Getenv(readerEnv); address != "" {
		n, err := strconv.Atoi(os.Getenv(readerEnv + "_VIEWERS"))
		if err != nil {
			os.Exit(2)
		}
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer conn.Close()
				buffer := make([]byte, 64<<10)
				for {
					if _, err := conn.Read(buffer); err != nil {
						return
					}
				}
			})
		}
		all.Wait()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDelivery is what a further viewer costs: one operation is one picture of
// 37 KB shown to all of them, at 25 pictures a second.
func BenchmarkDelivery(b *testing.B) {
	for _, viewers := range []int{1, 50, 200} {
		b.Run(strconv.Itoa(viewers), func(b *testing.B) { benchmarkDelivery(b, viewers) })
	}
}

func benchmarkDelivery(b *testing.B, viewers int) {
	const size = 37 << 10
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	readers := exec.Command(os.Args[0])
	readers.Env = append(os.Environ(), readerEnv+"="+listener.Addr().String(), readerEnv+"_VIEWERS="+strconv.Itoa(viewers))
	if err := readers.Start(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer readers.Wait()
	defer all.Wait()
	defer cancel()
	shared := &board{changed: make(chan struct{})}
	for range viewers {
		conn, err := listener.Accept()
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			defer conn.Close()
			serve(ctx, conn, true, nil, &boardViewer{board: shared}, Options{}) // its error is how it ended
		})
	}
	picture := make([]byte, size)
	ticker := time.NewTicker(40 * time.Millisecond)
	defer ticker.Stop()
	show := func(i int) {
		shared.show(&media.Picture{JPEG: picture, Sequence: uint64(i), Received: time.Now(), State: media.Live})
		<-ticker.C
	}
	for i := range 10 {
		show(i + 1)
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	for i := range b.N {
		show(i + 11)
	}
	spent := cpu(b) - before
	b.StopTimer()
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N*viewers), "cpu-µs/delivery")
}

func TestDeliveringAPictureAllocatesNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() { defer close(drained); io.Copy(io.Discard, client) }() // until the close
	for _, early := range []bool{false, true} {
		conn, err := viewerconn.New(server, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := newStream(conn, Options{Early: early})
		p := &media.Picture{JPEG: make([]byte, 37<<10), Received: time.Now()}
		if n := testing.AllocsPerRun(200, func() {
			if err := s.picture(p); err != nil {
				t.Fatal(err)
			}
		}); n > 0.5 { // the reader's goroutine is in the count, too
			t.Errorf("early %v: %v allocations a picture", early, n)
		}
	}
	server.Close()
	<-drained
	client.Close()
}
