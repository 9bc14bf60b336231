package camera

import (
	"log/slog"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// TestASlowViewerIsNotLeftWithAnOldKeyFrame: cameras with a "smart" codec make a GOP longer
// where little moves. Who is content with key frames as long as they come gets what is between
// them then.
func TestASlowViewerIsNotLeftWithAnOldKeyFrame(t *testing.T) {
	for _, one := range []struct {
		name   string
		fps    float64
		within time.Duration // behind the last key frame
	}{
		{"one picture a second", 1, 2600 * time.Millisecond},
		{"one in five seconds", 0.2, 5600 * time.Millisecond},
	} {
		t.Run(one.name, func(t *testing.T) {
			c := New(Config{Name: "yard", OnDemand: true}, slog.New(slog.DiscardHandler))
			v, err := c.Watch(media.Rendition{}, one.fps)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			now := time.Now()
			s := newSession(c, choice{}, false)
			s.Playing(source.Info{Codec: media.H264, Transport: "tcp"})
			come := func(key bool) {
				s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: key, Received: now})
				now = now.Add(40 * time.Millisecond)
			}
			for n := range 120 {
				come(n%50 == 0)
			}
			if c.decoding != decodeKeys {
				t.Fatal("key frames each 2 s do not suffice")
			}
			for key := c.life.gopBegan; c.decoding == decodeKeys; come(false) {
				if waited := now.Sub(key); waited > one.within {
					t.Fatalf("nothing but the key frame is decoded after %v", waited)
				}
			}
			if unit := c.units.take(c.decoding); unit == nil || !unit.Key {
				t.Error("it is not decoded from the key frame on")
			}
			come(true) // the GOP was long
			for n := range 100 {
				come(n%50 == 49)
			}
			if c.decoding != decodeKeys {
				t.Error("key frames do not suffice again when they come again")
			}
		})
	}
}
