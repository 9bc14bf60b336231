package webrtc

import "time"

const (
	videoRate = 90000 // of RTP timestamps, per second

	// tooFar is how far a camera's clock may be from arrival before it is not believed.
	tooFar = 300 * time.Millisecond
	// leastStep lies between the timestamps of two pictures.
	leastStep = time.Millisecond
	// drift is the part of the difference between the camera's clock and ours that each
	// picture takes away: 25 pictures a second follow clocks 1,000 ppm apart to 40 ms.
	drift = 1. / 1000
)

// A pictureClock gives pictures their RTP timestamps. They go by the camera's clock as
// long as that goes like ours, because arrival is uneven; else by arrival. While a session
// catches up with what is live, time is when a picture is sent: the browser is to show it
// then, not to keep the seconds between pictures that lie in the past.
type pictureClock struct {
	began  time.Time
	offset uint32 // of the first timestamp, random

	started  bool
	live     bool          // the last picture was not one of catching up
	out      time.Duration // of the last picture, from began
	pts      time.Duration // its, by the camera
	received time.Time     // when it arrived
}

// stamp is the RTP timestamp of a picture, greater than all before.
func (c *pictureClock) stamp(pts time.Duration, received, now time.Time, behind bool) uint32 {
	out := c.out + leastStep
	switch {
	case !c.started || behind || !c.live:
		out = max(out, now.Sub(c.began))
	default:
		step := pts - c.pts
		byCamera := c.out + step
		if step <= 0 || step > time.Minute || (byCamera-c.ideal(received)).Abs() > tooFar {
			out = max(out, c.ideal(received))
			break
		}
		byCamera -= time.Duration(drift * float64(byCamera-c.ideal(received)))
		out = max(out, byCamera)
	}
	c.started, c.live = true, !behind
	c.out, c.pts, c.received = out, pts, received
	return c.rtp(out)
}

// ideal is the time of a picture that arrives without delay.
func (c *pictureClock) ideal(received time.Time) time.Duration { return received.Sub(c.began) }

func (c *pictureClock) rtp(t time.Duration) uint32 {
	return c.offset + uint32(ticks(t, videoRate))
}

// ticks is a time in units of a clock. It does not overflow in 290 years.
func ticks(t time.Duration, rate int) int64 {
	return int64(t/time.Second)*int64(rate) + int64(t%time.Second)*int64(rate)/int64(time.Second)
}

// at is the timestamp that a picture would have that arrived at t: for sender reports.
func (c *pictureClock) at(t time.Time) uint32 {
	return c.rtp(c.out + t.Sub(c.received))
}

// A soundClock gives sound its RTP timestamps: sample after sample, as long as that goes
// like our clock.
type soundClock struct {
	rate    int // samples per second
	offset  uint32
	started bool
	began   time.Time // when the first frame arrived
	next    int64     // the sample after the last
	last    time.Time // when the last frame arrived
	before  int64     // its first sample
}

// stamp is the RTP timestamp of a frame of so many samples, and whether there is a gap
// before it.
func (c *soundClock) stamp(samples int, received time.Time) (ts uint32, gap bool) {
	if !c.started {
		c.started, c.began = true, received
	}
	if arrived := ticks(received.Sub(c.began), c.rate); arrived-c.next > int64(c.rate)/4 {
		gap = c.next > 0
		c.next = arrived
	}
	c.last, c.before = received, c.next
	ts = c.offset + uint32(c.next)
	c.next += int64(samples)
	return ts, gap
}

func (c *soundClock) at(t time.Time) uint32 {
	return c.offset + uint32(c.before+ticks(t.Sub(c.last), c.rate))
}
