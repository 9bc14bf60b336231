package camera

import (
	"image"
	"log/slog"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/decoder"
	"camgate/media"
)

// TestACameraThatNobodyLooksAtKeepsNoDecoder: it holds many pictures, and a gateway has many
// cameras that were looked at once. Who looks again gets a picture of what has come meanwhile.
func TestACameraThatNobodyLooksAtKeepsNoDecoder(t *testing.T) {
	encoder, err := decoder.NewVideoEncoder(decoder.VideoEncoderOptions{Codec: media.H264, Width: 64, Height: 48, GOP: 50})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	s := newSession(c, choice{}, false)
	s.Playing(source.Info{Codec: media.H264, Transport: "tcp"})
	r := newRenderer(c)
	defer r.close()
	come := func() {
		t.Helper()
		units, err := encoder.Encode(image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, au := range units {
			au.Received = time.Now()
			s.AccessUnit(au)
		}
		for r.decodeNext() {
		}
	}
	look := func() *Viewer {
		t.Helper()
		v, err := c.Watch(media.Rendition{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	later := func(d time.Duration) bool {
		r.forget(time.Now().Add(d))
		return r.decoder != nil
	}
	v := look()
	come()
	come()
	if !later(time.Hour) {
		t.Error("the decoder is gone while somebody looks")
	}
	v.Close()
	if !later(encoderLinger / 2) {
		t.Error("the decoder is gone at once: who looks next may come soon")
	}
	if later(encoderLinger + time.Second) {
		t.Error("the decoder is kept for nobody")
	}
	come()
	if r.decoder != nil {
		t.Error("something is decoded for nobody")
	}
	v = look()
	defer v.Close()
	come()
	if status := c.Status(); r.decoder == nil || status.DecodeErrors != 0 || status.Decoded != 2+4 {
		t.Errorf("of a key frame and three more pictures: %d decoded after 2, %d errors", status.Decoded, status.DecodeErrors)
	}
}

// TestAStillIsNoKeyFrameOfLongAgo: where the others are content with those, what has come since
// is decoded for it.
func TestAStillIsNoKeyFrameOfLongAgo(t *testing.T) {
	encoder, err := decoder.NewVideoEncoder(decoder.VideoEncoderOptions{Codec: media.H264, Width: 64, Height: 48, GOP: 125})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	s := newSession(c, choice{}, false)
	s.Playing(source.Info{Codec: media.H264, Transport: "tcp"})
	r := newRenderer(c)
	defer r.close()
	slow, err := c.Watch(media.Rendition{}, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.waiting = true
	now := time.Now().Add(-14 * time.Second)
	for range 350 {
		units, err := encoder.Encode(image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), false)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(40 * time.Millisecond)
		units[0].Received = now
		s.AccessUnit(units[0])
		for r.decodeNext() {
		}
	}
	if p := c.Newest(media.Rendition{}); p == nil || c.decoding != decodeKeys || now.Sub(p.Received) < 3*time.Second {
		t.Fatal("the last of the key frames is not there, or too new for this test")
	}
	still, err := c.WatchStill(media.Rendition{})
	if err != nil {
		t.Fatal(err)
	}
	defer still.Close()
	c.mu.Lock()
	if p := still.ready(); p != nil {
		t.Errorf("it would get one that is %v older than the newest", now.Sub(p.Received))
	}
	c.mu.Unlock()
	got := make(chan *media.Picture, 1)
	ctx := within(t, 10*time.Second)
	go func() {
		p, _ := still.Next(ctx)
		got <- p
	}()
	for {
		select {
		case p := <-got:
			if p == nil {
				t.Error("there is none")
			} else if age := now.Sub(p.Received); age > few*40*time.Millisecond {
				t.Errorf("it is %v older than the newest", age)
			}
			return
		case <-c.wake:
			for r.decodeNext() {
			}
		}
	}
}

// TestManySizesLeaveNoMemoryBehind: a page follows the size of its window, and whoever asks
// for single pictures names any.
func TestManySizesLeaveNoMemoryBehind(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true, MaxRenditions: 4}, slog.New(slog.DiscardHandler))
	r := newRenderer(c)
	defer r.close()
	c.enter(stateOffline, nil)
	for n := range 40 {
		v, err := c.Watch(media.Rendition{Width: 100 + n}, 0)
		if err != nil {
			t.Fatal(err)
		}
		v.waiting = true
		r.notify(time.Now())
		if p := v.rendition.picture; p == nil || p.State != media.Offline {
			t.Fatalf("size %d: nobody is told that the camera is away", n)
		}
		v.Close()
		if len(r.encoders) > c.cfg.MaxRenditions || len(r.notices) > c.cfg.MaxRenditions {
			t.Fatalf("after %d sizes %d encoders and %d pictures are kept", n+1, len(r.encoders), len(r.notices))
		}
	}
	r.forget(time.Now().Add(time.Hour))
	if len(r.encoders)+len(r.notices) > 0 {
		t.Errorf("%d encoders and %d pictures are kept for nobody", len(r.encoders), len(r.notices))
	}
}
