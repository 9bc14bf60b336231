package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"camgate/camera"
	"camgate/camsim"
	"camgate/camsim/stamp"
	"camgate/outputs/httpd"
	"camgate/outputs/wall"
)

// wallFrames are the numbers burnt into a wall's tiles of 320 × 192 pixels, from the left
// and from above; 0 where there is none that can be read.
func wallFrames(t *testing.T, p part, columns int) []uint32 {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(p.jpeg))
	if err != nil {
		t.Fatalf("%d bytes are no JPEG: %v", len(p.jpeg), err)
	}
	whole := img.(*image.YCbCr)
	if whole.Rect.Dx() != columns*320 || whole.Rect.Dy()%192 != 0 {
		t.Fatalf("the wall is %v", whole.Rect)
	}
	var frames []uint32
	for y := 0; y < whole.Rect.Dy(); y += 192 {
		for x := 0; x < whole.Rect.Dx(); x += 320 {
			n, ok := stamp.Read(whole.SubImage(image.Rect(x, y, x+320, y+192)))
			if !ok {
				n = 0
			}
			frames = append(frames, n)
		}
	}
	return frames
}

// long is a camera whose numbers do not begin again while a test runs.
func long(name string, fps int) camsim.Options {
	o := small(name)
	o.Video.FPS, o.Video.GOP, o.ClipFrames = float64(fps), fps, 60*fps
	return o
}

// ahead is by how many pictures of a long camera one comes after another; less than 0: before
// it. On a busy machine a test may take more than the minute after which numbers begin again.
func ahead(n, of uint32, fps int) int {
	all := 60 * fps
	d := (int(n) - int(of) + all) % all
	if d > all/2 {
		d -= all
	}
	return d
}

// fourCameras serves cam1 to cam4.
func fourCameras(t *testing.T, server httpd.Config, further ...camera.Config) *site {
	t.Helper()
	var configs []camera.Config
	for n := range 4 {
		name := fmt.Sprintf("cam%d", n+1)
		configs = append(configs, config(t, name, camsimStart(t, long(name, 25)).URL()))
	}
	server.Listen = "127.0.0.1:0"
	return serveWith(t, server, append(configs, further...)...)
}

func TestWallOfFourCamerasGoesOn(t *testing.T) {
	t.Parallel()
	layout := wall.Layout{Name: "hall", Cameras: []string{"cam1", "cam2", "cam3", "cam4"}, Columns: 2, Width: 640, FPS: 10}
	s := fourCameras(t, httpd.Config{Walls: []wall.Layout{layout}})
	same, labelled := s.watch("/mjpeg/hall"), s.watch("/wall?cams=cam1,cam2,cam3,cam4&cols=2&width=640&fps=10&labels=name,age")
	whole := func(p part) bool {
		for _, n := range wallFrames(t, p, 2) {
			if n == 0 {
				return false
			}
		}
		return p.state == "live"
	}
	same.until("live, with four numbers", patient, whole)
	var others sync.WaitGroup
	for _, other := range []*stream{same, labelled} {
		others.Go(func() { io.Copy(io.Discard, other.conn) }) // until it is closed
	}
	opened := time.Now() // all that comes was made after this, however late it is read
	one := s.watch("/wall?cams=cam1,cam2,cam3,cam4&cols=2&width=640&fps=10")
	p, _ := one.until("live, with four numbers", patient, whole)
	last, began := wallFrames(t, p, 2), time.Now()
	sequence, received, parts := p.sequence, p.received, 0
	went := make([]int, len(last))
	gone := func() bool { // each far enough
		for _, n := range went {
			if n < 50 {
				return false
			}
		}
		return parts >= 10
	}
	for !gone() && time.Since(began) < patient {
		p, err := one.next(patient)
		if err != nil {
			t.Fatal(err)
		}
		if p.sequence <= sequence {
			t.Errorf("picture %d after %d", p.sequence, sequence)
		}
		now := wallFrames(t, p, 2)
		for i, n := range now {
			by := ahead(n, last[i], 25)
			if by < 0 {
				t.Errorf("tile %d shows frame %d after %d", i, n, last[i])
			}
			went[i] += by
		}
		if p.received.Before(received) {
			t.Errorf("a wall of %v after one of %v", p.received, received)
		}
		last, sequence, received = now, p.sequence, p.received
		parts++
	}
	took := time.Since(opened)
	for i, n := range went {
		if n < 50 || float64(n) > 25*(took+slack).Seconds() {
			t.Errorf("tile %d went on by %d frames in %v", i, n, took)
		}
	}
	if parts < 10 || float64(parts) > 10*(took+slack).Seconds() {
		t.Errorf("%d walls in %v, at most 10 a second are wanted", parts, took)
	}
	// Three viewers of two walls: one rendition of each camera, and no frame encoded twice.
	for _, name := range layout.Cameras {
		st := s.status(name)
		if len(st.Renditions) != 1 || st.Encoded > st.Decoded || st.Viewers != 2 {
			t.Errorf("%s: %d renditions, %d JPEGs of %d pictures, %d viewers", name, len(st.Renditions), st.Encoded, st.Decoded, st.Viewers)
		}
	}
	for _, viewer := range []*stream{one, same, labelled} {
		viewer.conn.Close()
	}
	others.Wait()
	eventually(t, "nobody watches", patient, func() bool { return s.status("cam1").Viewers+s.status("cam4").Viewers == 0 })
}

func TestOfflineCameraIsAPlaceholderInAWallOfLiveOnes(t *testing.T) {
	t.Parallel()
	s := fourCameras(t, httpd.Config{}, config(t, "away", "rtsp://127.0.0.1:1/none"))
	v := s.watch("/wall?cams=cam1,away,cam2,cam3&cols=2&width=640")
	p, _ := v.until("three cameras live and one away", patient, func(p part) bool {
		n := wallFrames(t, p, 2)
		return n[0] > 0 && n[1] == 0 && n[2] > 0 && n[3] > 0 && p.state == "stale"
	})
	written := func(p part) bool { // on the placeholder
		img := decodeImage(t, p.jpeg).(*image.YCbCr)
		for y := range 192 {
			for x := 320; x < 640; x++ {
				if img.YCbCrAt(x, y).Y > 180 {
					return true
				}
			}
		}
		return false
	}
	first := wallFrames(t, p, 2)
	v.until("further on, and says that one is away", patient, func(p part) bool {
		n := wallFrames(t, p, 2)
		for _, i := range []int{0, 2, 3} {
			if ahead(n[i], first[i], 25) <= 20 {
				return false
			}
		}
		return n[1] == 0 && p.state == "stale" && written(p)
	})
	s.get("/wall.jpg?cams=away", http.StatusServiceUnavailable)
	jpeg := s.get("/wall.jpg?cams=cam1,away,cam2,cam3&cols=2&width=640&labels=name", http.StatusOK)
	if size := decodeImage(t, []byte(jpeg)).Bounds().Size(); size != image.Pt(640, 2*(192+16)) {
		t.Errorf("the labelled wall is %v", size)
	}
}

func TestRebootedCameraIsBackInTheWall(t *testing.T) {
	t.Parallel()
	sim := camsimStart(t, long("door", 25))
	s := fourCameras(t, httpd.Config{}, config(t, "door", sim.URL()))
	v := s.watch("/wall?cams=cam1,door&cols=2&width=640")
	v.until("live", patient, func(p part) bool { n := wallFrames(t, p, 2); return n[0] > 0 && n[1] > 0 })
	if err := sim.Reboot(0); err != nil { // until it is healed
		t.Fatal(err)
	}
	v.until("stale, and does not show the door as live", 3*time.Second+slack, func(p part) bool {
		n := wallFrames(t, p, 2)
		return p.state == "stale" && n[0] > 0 && n[1] == 0
	})
	sim.Heal()
	v.until("live again", patient, func(p part) bool {
		n := wallFrames(t, p, 2)
		return p.state == "live" && n[0] > 0 && n[1] > 0
	})
}
