package camsim

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/media"
)

func TestStillIsThePictureOfNow(t *testing.T) {
	for name, o := range map[string]Options{
		"live":       {Mode: Live, Video: decoder.VideoEncoderOptions{Width: 320, Height: 240, FPS: 50, Preset: "ultrafast"}},
		"clip":       {Mode: Clip, Video: decoder.VideoEncoderOptions{Width: 160, Height: 120, FPS: 50, GOP: 100}},
		"live 4:4:4": {Mode: Live, Video: decoder.VideoEncoderOptions{Width: 160, Height: 120, FPS: 50, PixelFormat: "yuv444p"}},
		"live JPEG":  {Mode: Live, Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 160, Height: 120, FPS: 50}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			number := func() uint32 {
				t.Helper()
				b, err := c.Still(80)
				if err != nil {
					t.Fatal(err)
				}
				img, err := jpeg.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if size := img.Bounds().Size(); size.X != o.Video.Width || size.Y != o.Video.Height {
					t.Fatalf("it is %v", size)
				}
				n, ok := stamp.Read(img)
				if !ok {
					t.Fatal("its stamp cannot be read")
				}
				return n
			}
			for first := number(); number() == first; { // it moves on, until the test's time is over
			}
			c.Close()
			if _, err := c.Still(80); err == nil {
				t.Error("a closed camera has a still")
			}
		})
	}
}

func TestLiveCameraWritesWhatItIsTold(t *testing.T) {
	c, err := Start(t.Context(), Options{Mode: Live})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	told := make(chan time.Time, 100)
	c.Tell(func(at time.Time) string {
		told <- at
		return "pan +0.50"
	})
	if _, err := c.Still(80); err != nil {
		t.Fatal(err)
	}
	select {
	case at := <-told:
		if time.Since(at).Abs() > time.Minute {
			t.Errorf("it is asked for the text of %v", at)
		}
	default:
		t.Error("it is not asked for the text")
	}
	for len(told) > 0 {
		<-told
	}
	c.Tell(nil)
	if _, err := c.Still(80); err != nil || len(told) > 0 {
		t.Errorf("%v, and it is asked for the text %d times after it was told nothing", err, len(told))
	}
}
