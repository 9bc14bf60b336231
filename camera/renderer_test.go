package camera

import (
	"bytes"
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
	ctx := within(t, 40*time.Second)
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

// TestPicturesThatCannotBeShownAreNotLive: whatever arrives, and however few of them the
// viewers want.
func TestPicturesThatCannotBeShownAreNotLive(t *testing.T) {
	for _, one := range []struct {
		name  string
		codec media.Codec
		fps   float64
	}{
		{"H.264, all of them wanted", media.H264, 0},
		{"H.264, key frames do", media.H264, 0.5},
		{"JPEG, all of them wanted", media.MJPEG, 0},
		{"JPEG, a few do", media.MJPEG, 0.5},
	} {
		t.Run(one.name, func(t *testing.T) {
			encoder, err := decoder.NewVideoEncoder(decoder.VideoEncoderOptions{Codec: one.codec, Width: 64, Height: 48, GOP: 5})
			if err != nil {
				t.Fatal(err)
			}
			defer encoder.Close()
			c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
			s := newSession(c, choice{}, false)
			s.Playing(source.Info{Codec: one.codec, Transport: "tcp"})
			r := newRenderer(c)
			defer r.close()
			v, err := c.Watch(media.Rendition{Width: 32}, one.fps)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			began := time.Now()
			come := func(n int, broken bool) {
				t.Helper()
				units, err := encoder.Encode(image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), false)
				if err != nil {
					t.Fatal(err)
				}
				au := units[0]
				if last := len(au.NALUs) - 1; broken {
					// What it says of itself is good, and the rest is not.
					cut := append([][]byte(nil), au.NALUs...)
					cut[last] = cut[last][:min(len(cut[last]), 4)]
					if one.codec == media.MJPEG {
						cut[last] = bytes.Clone(au.NALUs[last])
						codes := bytes.Index(cut[last], []byte{0xff, 0xc4}) + 5 // how many there are of each length
						copy(cut[last][codes:], bytes.Repeat([]byte{0xff}, 16))
					}
					key := au.Key
					au = media.NewAccessUnit(one.codec, cut)
					au.Key = key
				}
				au.Received = began.Add(time.Duration(n) * 100 * time.Millisecond)
				v.waiting = true
				s.AccessUnit(au)
				for r.decodeNext() {
				}
			}
			for n := range 20 {
				come(n, false)
			}
			if c.Status().State != "live" || v.rendition.picture == nil {
				t.Fatalf("good pictures are %s", c.Status().State)
			}
			come(20, true) // a JPEG may count once, before anybody has looked into it
			last := c.life.lastWhole
			for n := 21; n < 60; n++ {
				come(n, true)
			}
			if !c.life.lastWhole.Equal(last) {
				t.Error("what cannot be shown counts as a picture")
			}
			c.check(last.Add(staleAfter)) //nolint:errcheck // that it is connected to again is of another test
			if state := c.Status().State; state == "live" {
				t.Errorf("after %v without one that can be shown it is %s", staleAfter, state)
			}
			for n := 60; n < 70; n++ {
				come(n, false)
			}
			if state := c.Status().State; state != "live" {
				t.Errorf("with good ones it is %s", state)
			}
		})
	}
}
