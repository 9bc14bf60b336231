package camsim

import "time"

// Timestamps says how a camera's RTP time stamps go.
type Timestamps int

const (
	TimestampsRight    Timestamps = iota // with the time
	TimestampsJump                       // an hour ahead, at once, then right again
	TimestampsWrap                       // over 2^32 two seconds from now, then right
	TimestampsStop                       // always the same
	TimestampsBackward                   // earlier with each picture
)

const clockRate = 90000 // of all video payloads here

// A clock makes time stamps, units of 1/90000 s.
type clock struct {
	base  uint32 // what the stamp was at start
	start time.Time
	way   Timestamps
	last  uint32
}

func ticks(d time.Duration) uint32 {
	return uint32(int64(d.Seconds() * clockRate))
}

// stamp of a picture due at a time, shown a little later where there are B-frames.
func (c *clock) stamp(due time.Time, shift, period time.Duration) uint32 {
	if c.start.IsZero() {
		c.start = due
	}
	switch c.way {
	case TimestampsStop:
	case TimestampsBackward:
		c.last -= ticks(period)
	default:
		c.last = c.base + ticks(due.Sub(c.start)) + ticks(shift)
	}
	return c.last
}

// set changes the way.
func (c *clock) set(way Timestamps, now time.Time) {
	switch way {
	case TimestampsJump:
		c.base += ticks(time.Hour)
		way = TimestampsRight
	case TimestampsWrap:
		if c.start.IsZero() {
			c.start = now
		}
		c.base = -ticks(2*time.Second) - ticks(now.Sub(c.start))
		way = TimestampsRight
	}
	c.way = way
}
