package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"camgate/camera"
	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
)

// received waits until the camera has sent so many more pictures.
func (s *site) received(name string, more uint64) camera.Status {
	s.t.Helper()
	start := s.status(name).Received
	var st camera.Status
	eventually(s.t, fmt.Sprintf("%d more pictures of %s", more, name), patient, func() bool {
		st = s.status(name)
		return st.Received >= start+more
	})
	return st
}

func TestNothingIsDecodedThatNobodyWatches(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	cfg := config(t, "cam1", cam.URL())
	cfg.OnDemand = false
	s := serve(t, cfg)
	eventually(t, "connected without a viewer", patient, func() bool { return s.status("cam1").State == "live" })
	if st := s.received("cam1", 50); st.Decoded != 0 || st.Encoded != 0 {
		t.Errorf("%d decoded, %d encoded, and nobody watches", st.Decoded, st.Encoded)
	}
	v := s.watch("/mjpeg/cam1")
	p, took := v.live(5 * time.Second)
	t.Logf("first picture of a connected camera after %v", took)
	if age := p.at.Sub(p.received); age > gop+slack {
		t.Errorf("the first picture is %v old", age)
	}
	v.until("caught up", patient, func(p part) bool { return p.at.Sub(p.received) < 500*time.Millisecond })
	v.conn.Close()
	eventually(t, "the viewer is gone", patient, func() bool { return s.status("cam1").Viewers == 0 })
	before := s.status("cam1").Decoded
	if st := s.received("cam1", 50); st.Decoded > before+2 {
		t.Errorf("%d decoded after the last viewer left", st.Decoded-before)
	}
}

func TestCameraIsLeftAfterItsLastViewer(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	if n := cam.Counts().Connections; n != 0 {
		t.Errorf("connected %d times before anybody watched", n)
	}
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	v.conn.Close()
	eventually(t, "the camera is left", patient, func() bool { return cam.Counts().Playing == 0 })
	eventually(t, "idle", patient, func() bool { return s.status("cam1").State == "idle" })
	// Whoever comes back sees nothing old as if it were live.
	w := s.watch("/mjpeg/cam1")
	p, _ := w.state("live", 5*time.Second)
	if age := p.at.Sub(p.received); age > gop+slack {
		t.Errorf("the first live picture is %v old", age)
	}
}

func TestSlowViewersCostKeyFramesAlone(t *testing.T) {
	for name, onDemand := range map[string]bool{"a camera that is connected": false, "a camera that connects for the viewer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cam := camsimStart(t, small("cam1"))
			cfg := config(t, "cam1", cam.URL())
			cfg.OnDemand = onDemand
			s := serve(t, cfg)
			if !onDemand {
				s.received("cam1", 60)
			}
			v := s.watch("/mjpeg/cam1?fps=1")
			v.live(patient)
			before := s.received("cam1", 60) // the distance of its key frames is known now
			after := s.received("cam1", 100)
			keys, got := (after.Received-before.Received)/25+2, after.Decoded-before.Decoded
			if got > keys || got == 0 {
				t.Errorf("%d decoded of %d, want at most the %d key frames", got, after.Received-before.Received, keys)
			}
			fast := s.watch("/mjpeg/cam1")
			fast.live(patient)
			before = s.status("cam1")
			// Whoever was held up falls behind, and comes up again.
			eventually(t, "four of five are decoded for a viewer who wants all", patient, func() bool {
				after = s.status("cam1")
				received := after.Received - before.Received
				return received >= 25 && 5*(after.Decoded-before.Decoded) >= 4*received
			})
		})
	}
}

func TestViewersOfOneRenditionShareTheWork(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	// The same picture by different names.
	for _, query := range []string{"?width=160", "?width=160", "?height=96", "?width=160&height=900", "?size=160x96", "?width=160&q=75"} {
		v := s.watch("/mjpeg/cam1" + query)
		v.live(patient)
		v.drain()
	}
	before := s.status("cam1")
	after := s.received("cam1", 50)
	decoded, encoded := after.Decoded-before.Decoded, after.Encoded-before.Encoded
	if float64(encoded) > 1.3*float64(decoded) || encoded == 0 {
		t.Errorf("%d encodes of %d frames for six viewers of one picture", encoded, decoded)
	}
}

func TestMJPEGIsPassedOnAsItIs(t *testing.T) {
	t.Parallel()
	o := camsim.Options{Name: "cam1", Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 320, Height: 192, FPS: 15, GOP: 15}}
	cam := camsimStart(t, o)
	s := serve(t, config(t, "cam1", cam.URL()))
	v := s.watch("/mjpeg/cam1")
	for range 20 {
		v.live(patient)
	}
	if st := s.status("cam1"); st.Decoded != 0 || st.Encoded != 0 {
		t.Errorf("%d decoded, %d encoded for a viewer of the camera's own JPEGs", st.Decoded, st.Encoded)
	}
	small := s.watch("/mjpeg/cam1?width=160")
	small.live(patient)
	if st := s.status("cam1"); st.Decoded == 0 || st.Encoded == 0 {
		t.Errorf("%d decoded, %d encoded for another size", st.Decoded, st.Encoded)
	}
}

func TestTooManyRenditionsIsASentence(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	var streams []*stream
	for i := range camera.DefaultMaxRenditions {
		streams = append(streams, s.watch(fmt.Sprintf("/mjpeg/cam1?width=%d", 100+i)))
	}
	if body := s.get("/mjpeg/cam1?width=200", http.StatusServiceUnavailable); !strings.Contains(body, "16") {
		t.Errorf("the answer is %q", body)
	}
	streams[0].conn.Close()
	eventually(t, "an idle rendition makes room", patient, func() bool {
		answer, err := http.Head("http://" + s.host + "/mjpeg/cam1?width=200")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return s.status("cam1").Viewers < camera.DefaultMaxRenditions
	})
	s.watch("/mjpeg/cam1?width=200").live(patient)
}

func TestSnapshotIsTheNewestPicture(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	for range 3 {
		p := part{jpeg: []byte(s.get("/snapshot/cam1", http.StatusOK))}
		n, ok := p.frame()
		if !ok {
			t.Fatal("the snapshot's number cannot be read")
		}
		if at, ok := cam.SentAt(n); !ok || time.Since(at) > slack {
			t.Errorf("the snapshot shows frame %d, sent %v ago", n, time.Since(at))
		}
	}
}

func TestCameraThatNeverAnswersHasAPlaceholder(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("gone"))
	// Its port stays its own: a camera of another test might get one that is let go.
	if err := cam.Refuse(0); err != nil {
		t.Fatal(err)
	}
	s := serve(t, config(t, "gone", cam.URL()))
	v := s.watch("/mjpeg/gone?width=320")
	p, took := v.state("offline", patient)
	if img := decodeImage(t, p.jpeg); img.Bounds().Dx() != 320 {
		t.Errorf("the placeholder is %d wide", img.Bounds().Dx())
	}
	t.Logf("placeholder after %v", took)
	body := s.get("/snapshot/gone", http.StatusServiceUnavailable)
	if !strings.Contains(body, "gone") {
		t.Errorf("the snapshot's answer is %q", body)
	}
	placeholder := s.get("/snapshot/gone?placeholder=1&width=320", http.StatusOK)
	decodeImage(t, []byte(placeholder))
	if st := s.status("gone"); !strings.Contains(st.LastError, `camera "gone"`) || !strings.Contains(st.LastError, "does not answer") {
		t.Errorf("the API says %q", st.LastError)
	}
}
