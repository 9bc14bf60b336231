package camera

import (
	"fmt"
	"image"
	"log/slog"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/decoder"
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

// TestKeyFramesDoOnlyWhereEachShowsItsPictureAtOnce: behind B-frames the decoder holds pictures
// back, and with key frames alone each would be one of two GOPs ago.
func TestKeyFramesDoOnlyWhereEachShowsItsPictureAtOnce(t *testing.T) {
	for _, codec := range []media.Codec{media.H264, media.H265} {
		for _, bframes := range []int{0, 2} {
			t.Run(fmt.Sprintf("%v with %d B-frames", codec, bframes), func(t *testing.T) {
				encoder, err := decoder.NewVideoEncoder(decoder.VideoEncoderOptions{Codec: codec, Width: 64, Height: 48, GOP: 10, BFrames: bframes})
				if err != nil {
					t.Fatal(err)
				}
				defer encoder.Close()
				c := New(Config{Name: "yard", OnDemand: true}, slog.New(slog.DiscardHandler))
				s := newSession(c, choice{}, false)
				s.Playing(source.Info{Codec: codec, Transport: "tcp"})
				r := newRenderer(c)
				defer r.close()
				v, err := c.Watch(media.Rendition{}, 0.5)
				if err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				began, n := time.Now(), 0
				at := func(n int) time.Time { return began.Add(time.Duration(n) * 100 * time.Millisecond) }
				for range 60 {
					img := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
					units, err := encoder.Encode(img, false)
					if err != nil {
						t.Fatal(err)
					}
					for _, au := range units {
						au.Received = at(n)
						n++
						v.waiting = true
						s.AccessUnit(au)
						for r.decodeNext() {
						}
					}
					p := v.rendition.picture
					if p == nil || n < 15 {
						continue
					}
					_, received := r.frame.Source()
					if late := at(n - 1).Sub(received); late > 1100*time.Millisecond {
						t.Fatalf("picture %d: what is shown came %v before it", n, late)
					}
					if !p.Received.Equal(received) {
						t.Fatalf("picture %d: it is said to have come %v after it did", n, p.Received.Sub(received))
					}
				}
				if keys := c.decoding == decodeKeys; keys != (bframes == 0) {
					t.Errorf("key frames alone are decoded: %v", keys)
				}
			})
		}
	}
}
