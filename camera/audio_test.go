package camera

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
)

func listening(t *testing.T, c *Camera, codecs ...media.AudioCodec) *AudioReader {
	t.Helper()
	r := c.Audio(codecs...)
	t.Cleanup(r.Close)
	return r
}

func withAudio(c *Config) { c.Audio = true }

func TestSoundComesAsTheListenerCanTakeIt(t *testing.T) {
	webrtc := []media.AudioCodec{media.Opus, media.PCMU, media.PCMA}
	for of, want := range map[media.AudioCodec]media.AudioCodec{media.PCMU: media.PCMU, media.PCMA: media.PCMA, media.AAC: media.Opus} {
		t.Run(of.String(), func(t *testing.T) {
			c, _ := simulated(t, camsim.Options{Audio: of}, withAudio)
			one, other := listening(t, c, webrtc...), listening(t, c, webrtc...)
			own := listening(t, c)
			next(t, reading(t, c, PacketOptions{}))
			for _, r := range []*AudioReader{one, other} {
				if codec, err := r.Format(within(t, 40*time.Second)); err != nil || codec != want {
					t.Fatalf("the format is %v, %v, want %v", codec, err, want)
				}
			}
			if codec, err := own.Format(within(t, 40*time.Second)); err != nil || codec != of {
				t.Errorf("who takes all gets %v, %v, want %v", codec, err, of)
			}
			last := time.Duration(-1)
			for n := range 20 {
				f, err := one.Next(within(t, 40*time.Second))
				if err != nil {
					t.Fatal(err)
				}
				if f.Codec != want || f.Duration != 20*time.Millisecond || f.PTS <= last || len(f.Data) == 0 {
					t.Fatalf("frame %d: %v of %v at %v after %v", n, f.Codec, f.Duration, f.PTS, last)
				}
				last = f.PTS
			}
			f, err := other.Next(within(t, 40*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if g, err := own.Next(within(t, 40*time.Second)); err != nil || g.Codec != of {
				t.Errorf("who takes all gets a frame of %v, %v", g.Codec, err)
			} else if want == of && (f.Codec != want || !bytes.Equal(f.Data, g.Data)) {
				t.Errorf("two listeners hear different things")
			}
			if s := c.Status(); s.Audio != of.String() || s.Decoded != 0 {
				t.Errorf("the camera's sound is %q; %d pictures were decoded", s.Audio, s.Decoded)
			}
			one.Close()
			other.Close()
			deadline := within(t, 40*time.Second)
			for { // what nobody hears is not made
				c.mu.Lock()
				making := c.hearing.making
				c.mu.Unlock()
				if !making {
					break
				}
				if _, err := own.Next(deadline); err != nil {
					t.Fatalf("Opus is still being made: %v", err)
				}
			}
		})
	}
}

func TestACameraWithoutSoundSaysSo(t *testing.T) {
	c, _ := simulated(t, camsim.Options{Video: decoder.VideoEncoderOptions{Width: 64, Height: 64}}, withAudio)
	r := listening(t, c, media.Opus, media.PCMU)
	reading(t, c, PacketOptions{})
	if _, err := r.Format(within(t, 40*time.Second)); !errors.Is(err, ErrNoAudio) {
		t.Errorf("the format of no sound: %v", err)
	}
	if _, err := r.Next(within(t, 40*time.Second)); !errors.Is(err, ErrNoAudio) {
		t.Errorf("no sound: %v", err)
	}
	r.Close()
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed listener: %v", err)
	}
}

func TestSoundThatIsNotWantedIsNotAskedFor(t *testing.T) {
	c, _ := simulated(t, camsim.Options{Audio: media.PCMU}, nil)
	r := listening(t, c)
	next(t, reading(t, c, PacketOptions{}))
	if _, err := r.Format(within(t, 40*time.Second)); !errors.Is(err, ErrNoAudio) {
		t.Errorf("audio = false: %v", err)
	}
}

func TestAListenerAloneDoesNotConnectACamera(t *testing.T) {
	c, sim := simulated(t, camsim.Options{Audio: media.PCMU}, withAudio)
	r := listening(t, c)
	watched := reading(t, c, PacketOptions{})
	if _, err := r.Next(within(t, 40*time.Second)); err != nil {
		t.Fatal(err)
	}
	watched.Close()
	for deadline := within(t, 40*time.Second); c.Brief().State != "idle"; {
		select {
		case <-c.Changed():
		case <-time.After(100 * time.Millisecond): // it changed between the two
		case <-deadline.Done():
			t.Fatalf("the camera is %s", c.Brief().State)
		}
	}
	if plays := sim.Counts().Plays; plays != 1 {
		t.Errorf("the camera was asked to play %d times", plays)
	}
}

func TestASlowListenerGoesOnWithTheNewest(t *testing.T) {
	p, _ := fed(t, PacketOptions{})
	p.Playing(source.Info{Codec: media.H264, Audio: source.AudioTrack{Codec: media.PCMU, Rate: 8000, Channels: 1}})
	r := listening(t, p.c)
	if _, err := r.Format(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !p.AudioPacket() {
		t.Fatal("somebody listens, and the sound is left alone")
	}
	for n := range 3 * keptSound {
		p.AudioFrame(&media.AudioFrame{Codec: media.PCMU, Data: []byte{byte(n)}})
	}
	if f, err := r.Next(t.Context()); err != nil || int(f.Data[0]) != 3*keptSound-1 {
		t.Errorf("it goes on with frame %v, %v; the newest is %d", f, err, 3*keptSound-1)
	}
	r.Close()
	if p.AudioPacket() {
		t.Error("nobody listens, and sound is unpacked")
	}
}
