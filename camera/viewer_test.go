package camera

import (
	"bytes"
	"image"
	"image/jpeg"
	"log/slog"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// TestWhoWantsFewPicturesIsToldInTimeThatTheyAreOld: a picture in ten minutes is enough, but one
// that is not live any more must not look so for ten minutes.
func TestWhoWantsFewPicturesIsToldInTimeThatTheyAreOld(t *testing.T) {
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	s := newSession(c, choice{}, false)
	s.Playing(source.Info{Codec: media.MJPEG, Transport: "tcp"})
	v, err := c.Watch(media.Rendition{}, 1./600)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	r := newRenderer(c)
	defer r.close()
	come := func() {
		s.AccessUnit(&media.AccessUnit{Codec: media.MJPEG, NALUs: [][]byte{picture.Bytes()}, Key: true, Received: time.Now()})
	}
	come()
	ctx := within(t, 40*time.Second)
	for n, want := range []media.State{media.Live, media.Stale, media.Offline, media.Live} {
		got := make(chan *media.Picture, 1)
		go func() {
			p, _ := v.Next(ctx)
			got <- p
		}()
		switch want {
		case media.Stale:
			c.enter(stateStale, nil)
		case media.Offline:
			c.enter(stateOffline, nil)
		case media.Live:
			if n > 0 {
				come()
			}
		}
		for waiting := true; waiting; {
			select {
			case p := <-got:
				if p == nil || p.State != want {
					t.Fatalf("picture %d is %+v, want one that is %v", n, p, want)
				}
				waiting = false
			case <-c.wake:
				for r.decodeNext() {
				}
				r.notify(time.Now())
			}
		}
	}
	early, cancel := within(t, 40*time.Second), make(chan struct{})
	go func() {
		defer close(cancel)
		if p, err := v.Next(early); err == nil {
			t.Errorf("it gets one more at once, that is %v", p.State)
		}
	}()
	come()
	for r.decodeNext() {
	}
	c.mu.Lock()
	c.over()
	c.mu.Unlock()
	<-cancel
}
