package camsim

import (
	"time"

	"camgate/decoder"
)

// Junk says what a camera sends in place of pictures.
type Junk int

const (
	JunkNone    Junk = iota
	JunkRandom       // random bytes, as many as the picture had
	JunkHugeSPS      // H.264 whose sequence parameter set claims 16384×16384 pixels
)

// faults that last until they are mended.
type faults struct {
	mute, udpNowhere               bool
	drop, corrupt, reorder, mutate float64 // percent
	jitter                         time.Duration
	fps                            float64
	junk                           Junk
}

func (c *Camera) change(f func(*faults)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.faults)
}

// Mute stops the pictures; RTSP goes on answering. False ends it.
func (c *Camera) Mute(on bool) { c.change(func(f *faults) { f.mute = on }) }

// UDPNowhere has the camera accept SETUP for UDP, from now on, and send nothing there.
func (c *Camera) UDPNowhere(on bool) { c.change(func(f *faults) { f.udpNowhere = on }) }

// Drop loses percent of the RTP packets, whatever the transport; 0 ends it.
func (c *Camera) Drop(percent float64) { c.change(func(f *faults) { f.drop = percent }) }

// Corrupt flips bits in the payload of percent of the RTP packets; 0 ends it.
func (c *Camera) Corrupt(percent float64) { c.change(func(f *faults) { f.corrupt = percent }) }

// Mutate flips bits in percent of the pictures before they become packets; 0 ends it.
func (c *Camera) Mutate(percent float64) { c.change(func(f *faults) { f.mutate = percent }) }

// Reorder sends percent of the RTP packets after the one behind; 0 ends it.
func (c *Camera) Reorder(percent float64) { c.change(func(f *faults) { f.reorder = percent }) }

// Jitter holds each picture back by a random time, up to d; their order stays. 0 ends it.
func (c *Camera) Jitter(d time.Duration) { c.change(func(f *faults) { f.jitter = d }) }

// Junk has something sent in place of pictures; JunkNone ends it.
func (c *Camera) Junk(j Junk) { c.change(func(f *faults) { f.junk = j }) }

// Slow sends fps pictures a second, as a camera that exposes longer at night; 0 goes back
// to the camera's own rate.
func (c *Camera) Slow(fps float64) {
	c.change(func(f *faults) { f.fps = fps })
	c.nudge()
}

// nudge has the pump look at its rate again.
func (c *Camera) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Timestamps sets how the RTP time stamps go.
func (c *Camera) Timestamps(way Timestamps) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock.set(way, time.Now())
}

// Password changes what the camera wants; who is connected stays.
func (c *Camera) Password(password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options.Password = password
}

// CloseConnections ends all connections and sessions; new ones are taken.
func (c *Camera) CloseConnections() {
	c.mu.Lock()
	if c.stream != nil {
		_ = c.renewStream() // a random number could not be had: sessions are closed anyway
	}
	c.mu.Unlock()
	c.server.drop(c)
}

// Change goes over to other pictures in mid-stream: another size, GOP, preset, slices.
// Sessions go on and meet the new parameter sets at the next key frame; another codec ends
// them, as its description is another. It returns when the new pictures are ready.
func (c *Camera) Change(video decoder.VideoEncoderOptions) error {
	video = videoDefaults(video, c.mode)
	if err := checkVideo(video); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.options
	o.Video, o.ClipFrames = video, 0
	return c.load(o.withDefaults())
}

// Heal ends all faults, those with a duration too. Size, codec and password stay.
func (c *Camera) Heal() {
	c.mu.Lock()
	c.faults = faults{}
	c.clock.way = TimestampsRight
	c.mu.Unlock()
	c.outages.Lock()
	defer c.outages.Unlock()
	c.endOutage()
	c.nudge()
}
