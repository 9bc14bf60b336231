package webrtc

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"

	"camgate/media"
)

// cpu is the time that this process has computed.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) //nolint:errcheck // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkViewers20 sends 25 pictures a second of 4 Mbit/s, a key frame every two
// seconds, to 20 viewers in a process of their own. ms/frame is the time computed here,
// all of it, for each picture that goes to one viewer.
func BenchmarkViewers20(b *testing.B) {
	const viewers = 20
	cam := newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cam.bring(true, 120_000)
	g := serve(b, Options{}, cam)
	child := exec.Command(os.Args[0], "-test.run", "^TestViewersOfABenchmark$")
	child.Env = append(os.Environ(), "CAMGATE_WHEP="+g.url+"cam1", "CAMGATE_VIEWERS="+strconv.Itoa(viewers))
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		child.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it ends with the test
		child.Wait()                          //nolint:errcheck // killed
	}()
	eventually(b, "all viewers are connected", 30*time.Second, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		n := 0
		for _, one := range g.sessions {
			select {
			case <-one.connected:
				n++
			default:
			}
		}
		return n == viewers
	})
	filmed := make(chan struct{})
	go func() {
		cam.film(ctx, 40*time.Millisecond, 50, 120_000, 18_000)
		close(filmed)
	}()
	defer func() { cancel(); <-filmed }()
	time.Sleep(time.Second) // all have caught up

	seconds := max(5, min(b.N, 20))
	sent := func() (packets, frames uint64) {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, one := range g.sessions {
			one.videoTrack.mu.Lock()
			packets += uint64(one.videoTrack.packets)
			one.videoTrack.mu.Unlock()
		}
		return packets, 0
	}
	cam.mu.Lock()
	framesBefore := cam.first + uint64(len(cam.units))
	cam.mu.Unlock()
	packetsBefore, _ := sent()
	before := cpu()
	b.ResetTimer()
	time.Sleep(time.Duration(seconds) * time.Second)
	b.StopTimer()
	used := cpu() - before
	packets, _ := sent()
	cam.mu.Lock()
	frames := cam.first + uint64(len(cam.units)) - framesBefore
	cam.mu.Unlock()
	b.ReportMetric(used.Seconds()*1000/float64(frames*viewers), "ms/frame")
	b.ReportMetric(float64(packets-packetsBefore)/float64(frames*viewers), "packets/frame")
	b.ReportMetric(0, "ns/op")
}

// TestViewersOfABenchmark are the viewers of BenchmarkViewers20, which starts it.
func TestViewersOfABenchmark(t *testing.T) {
	endpoint := os.Getenv("CAMGATE_WHEP")
	if endpoint == "" {
		return // it is no test of its own
	}
	n, err := strconv.Atoi(os.Getenv("CAMGATE_VIEWERS"))
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		browse(t, nil).receive(pion.RTPCodecTypeVideo).play(endpoint)
	}
	time.Sleep(time.Minute)
}
