package webrtc

import (
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"

	"camgate/media"
)

func TestViewerBeginsAtTheCachedKeyFrameAndCatchesUp(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 50_000)
	for range 49 {
		cam.bring(false, 5000)
	}
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	c.play(g.url + "cam1")
	connected := time.Now()
	frames := 0
	var last uint32
	for n := 0; frames < 50; n++ {
		p := c.next(5 * time.Second)
		if n == 0 && p.Payload[0] != 0x67 {
			t.Fatalf("it begins with a NAL unit of type %d, not with a sequence parameter set", p.Payload[0]&0x1f)
		}
		if !p.Marker {
			continue
		}
		frames++
		if frames == 1 && time.Since(connected) > 150*time.Millisecond {
			t.Errorf("the key frame came after %v", time.Since(connected))
		}
		if frames > 1 && int32(p.Timestamp-last) <= 0 {
			t.Fatal("time does not grow")
		}
		last = p.Timestamp
	}
	if d := time.Since(connected); d > time.Second {
		t.Errorf("catching up took %v", d)
	}
}
