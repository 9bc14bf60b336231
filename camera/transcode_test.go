package camera

import (
	"errors"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
)

// transcodedKeys is how far apart the key frames of what is transcoded are, unless one is asked for.
const transcodedKeys = 2 * time.Second

// browser takes H.264 alone, as most do.
var browser = PacketOptions{Codecs: []media.Codec{media.H264}, Transcode: []media.Codec{media.H264, media.VP8}}

func TestWhatAReaderCannotTakeIsMadeOnceForAll(t *testing.T) {
	for _, of := range []media.Codec{media.H265, media.MJPEG, media.MPEG4} {
		t.Run(of.String(), func(t *testing.T) {
			c, _ := simulated(t, camsim.Options{Video: decoder.VideoEncoderOptions{Codec: of, Width: 320, Height: 192, FPS: 10, GOP: 10}}, nil)
			own := reading(t, c, PacketOptions{})
			arrived := make(chan Packet, 1000)
			go func() {
				defer close(arrived)
				for {
					p, err := own.Next(t.Context())
					if err != nil {
						return
					}
					arrived <- p
				}
			}()
			r := reading(t, c, browser)
			format, err := r.Format(within(t, 40*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if format.Codec != media.H264 || !format.Transcoded || format.Width != 320 || format.Height != 192 || len(format.SPS) == 0 {
				t.Errorf("the format is %+v", format)
			}
			other := reading(t, c, browser)
			vp8 := reading(t, c, PacketOptions{Codecs: []media.Codec{media.VP8}, Transcode: []media.Codec{media.VP8}})
			if format, err := vp8.Format(within(t, 40*time.Second)); err != nil || format.Codec != media.VP8 || format.Width != 320 {
				t.Errorf("VP8: %+v, %v", format, err)
			}
			var received []time.Time
			made := map[time.Time]*media.AccessUnit{} // what r got, by when it came
			var keyed time.Time
			read := func() {
				t.Helper()
				p := next(t, r)
				// Where this test is held up, the next key frame comes, and who is late goes on there.
				due := keyed.IsZero() || p.Received.Sub(keyed) >= transcodedKeys
				if p.Codec != media.H264 || p.Key && !due || !p.Key && (keyed.IsZero() || p.Skipped) {
					t.Fatalf("packet %d: %v, key %v, skipped %v", len(received), p.Codec, p.Key, p.Skipped)
				}
				if p.Key {
					keyed = p.Received
				}
				received = append(received, p.Received)
				made[p.Received] = p.AccessUnit
			}
			for range 8 {
				read()
			}
			for first := true; ; first = false {
				p := next(t, other)
				if first && !p.Key {
					t.Errorf("who came later begins without a key frame, at %v", p.Received)
				}
				for received[len(received)-1].Before(p.Received) {
					read()
				}
				if mine := made[p.Received]; mine == p.AccessUnit {
					break
				} else if mine != nil {
					t.Fatalf("what came at %v was made for each of the two", p.Received)
				} // else the first of them was late, and left it out
			}
			for len(received) > 0 {
				p := <-arrived
				if p.AccessUnit == nil || p.Codec != of {
					t.Fatalf("what was transcoded arrived at %v, no %v did", received[0], of)
				}
				for p.Skipped && len(received) > 0 && received[0].Before(p.Received) {
					received = received[1:] // who keeps count was late
				}
				if len(received) == 0 {
					break
				}
				if p.Received.After(received[0]) {
					t.Fatalf("what was transcoded arrived at %v, no %v did", received[0], of)
				} else if p.Received.Equal(received[0]) {
					received = received[1:]
				}
			}
			own.Close()
			s := c.Status()
			if s.Decoded > s.Received || s.Transcoded > 2*s.Decoded || s.Encoded != 0 {
				t.Errorf("of %d pictures %d were decoded, %d coded, and %d JPEGs made", s.Received, s.Decoded, s.Transcoded, s.Encoded)
			}
		})
	}
}

func TestARequestedKeyFrameIsTranscodedAtOnce(t *testing.T) {
	c, _ := simulated(t, camsim.Options{Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 320, Height: 192, FPS: 10}}, nil)
	r := reading(t, c, browser)
	var keyed time.Time
	for n := range 3 {
		p := next(t, r)
		// Where this test is held up, the next one comes by itself.
		if p.Key && n > 0 && p.Received.Sub(keyed) < transcodedKeys || !p.Key && n == 0 {
			t.Fatalf("packet %d: key %v", n, p.Key)
		}
		if p.Key {
			keyed = p.Received
		}
	}
	c.RequestKeyFrame()
	asked := time.Now()
	for p := next(t, r); !p.Key; p = next(t, r) {
		if p.Received.After(asked) {
			t.Fatal("what came after it was asked for is no key frame")
		}
	}
}

func TestAReaderIsSwitchedWhereBFramesAppear(t *testing.T) {
	video := decoder.VideoEncoderOptions{Width: 320, Height: 192, FPS: 25, GOP: 25}
	c, sim := simulated(t, camsim.Options{Video: video}, nil)
	r := reading(t, c, browser)
	strict := reading(t, c, PacketOptions{Codecs: []media.Codec{media.H264}})
	if format, err := r.Format(within(t, 40*time.Second)); err != nil || format.Transcoded {
		t.Fatalf("without B-frames: %+v, %v", format, err)
	}
	next(t, r)
	next(t, strict)
	video.BFrames, video.Preset = 2, "veryfast"
	if err := sim.Change(video); err != nil {
		t.Fatal(err)
	}
	deadline := within(t, 40*time.Second)
	for {
		p, err := r.Next(deadline)
		if err != nil {
			t.Fatal(err)
		}
		if format, err := r.Format(deadline); err != nil {
			t.Fatal(err)
		} else if format.Transcoded && p.Skipped {
			break
		}
	}
	last := time.Duration(-1)
	for range 20 {
		p := next(t, r)
		if p.PTS <= last && last >= 0 && !p.Skipped {
			t.Errorf("PTS %v after %v", p.PTS, last)
		}
		last = p.PTS
	}
	for {
		if _, err := strict.Next(deadline); errors.Is(err, ErrCodec) {
			break
		} else if err != nil {
			t.Fatalf("who takes nothing else: %v, want ErrCodec", err)
		}
	}
}

func TestWhereOneTranscodeFailsReadersStayWithTheNext(t *testing.T) {
	p, _ := fed(t, PacketOptions{})
	c := p.c
	p.Playing(source.Info{Codec: media.H265, Transport: "tcp"})
	with := func(codec media.Codec, do func(*transcode)) {
		t.Helper()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.transcodes[codec] == nil {
			t.Fatalf("nobody wants %v", codec)
		}
		do(c.transcodes[codec])
	}
	r := reading(t, c, browser)
	r.wantsNothing(t)
	with(media.H264, func(h264 *transcode) {
		h264.failed = errors.New("no memory")
		h264.log.wake()
	})
	r.wantsNothing(t)
	for n := range 3 {
		with(media.VP8, func(vp8 *transcode) {
			if vp8.readers != 1 {
				t.Fatalf("VP8 has %d readers", vp8.readers)
			}
			vp8.log.push(&media.AccessUnit{Codec: media.VP8, NALUs: [][]byte{{byte(n)}}, Key: n == 0, Received: time.Now()}, true)
		})
		r.wants(t, n, false, 0)
	}

	// Another session, or other readers, are another try.
	p.Playing(source.Info{Codec: media.H265, Transport: "tcp"})
	again := reading(t, c, browser)
	again.wantsNothing(t)
	with(media.H264, func(h264 *transcode) {
		if h264.readers == 0 || h264.failed != nil {
			t.Errorf("in the next session H.264 has %d readers, and failed by %v", h264.readers, h264.failed)
		}
	})
}

func TestAReaderLeavesItsTranscodeWhereTheNextSessionNeedsNone(t *testing.T) {
	p, _ := fed(t, PacketOptions{})
	p.Playing(source.Info{Codec: media.H265, Transport: "tcp"})
	r := reading(t, p.c, browser)
	r.wantsNothing(t)
	p.c.mu.Lock()
	p.c.transcodes[media.H264].log.wake() // nobody waits any more
	p.c.mu.Unlock()
	came := make(chan Packet, 1)
	go func() {
		defer close(came)
		if packet, err := r.Next(within(t, 40*time.Second)); err == nil {
			came <- packet
		}
	}()
	for waits := false; !waits; {
		p.c.mu.Lock()
		waits = p.c.transcodes[media.H264].log.waiting
		p.c.mu.Unlock()
	}
	p.Playing(source.Info{Codec: media.H264, Transport: "tcp"}) // the camera was configured anew
	for n := range settledUnits {
		p.bring(n, n == 0)
	}
	if packet := <-came; packet.AccessUnit == nil || packet.Codec != media.H264 {
		t.Error("it gets nothing, although it could take what comes")
	}
}

func TestNothingIsTranscodedThatNobodyReads(t *testing.T) {
	c, _ := simulated(t, camsim.Options{Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 320, Height: 192, FPS: 25}}, nil)
	all := reading(t, c, PacketOptions{})
	r := reading(t, c, browser)
	next(t, r)
	r.Close()
	had := c.Status()
	var last Packet
	for range 25 {
		last = next(t, all)
	}
	now := c.Status()
	if now.Decoded > had.Decoded+2 || now.Transcoded > had.Transcoded+2 {
		t.Errorf("%d pictures were decoded and %d coded for nobody", now.Decoded-had.Decoded, now.Transcoded-had.Transcoded)
	}
	again := reading(t, c, browser)
	if p := next(t, again); !p.Key || p.Received.Before(last.Received) {
		t.Errorf("who comes later gets key %v of %v before what came last", p.Key, last.Received.Sub(p.Received))
	}
}
