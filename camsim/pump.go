package camsim

import (
	"context"
	"time"

	"github.com/pion/rtp"

	"camgate/media"
)

// pump sends pictures when they are due, until ctx ends.
func (c *Camera) pump(ctx context.Context) {
	due := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-c.wake: // another rate
			due = time.Now()
		case <-timer.C:
		}
		period := c.shoot(due)
		due = due.Add(period)
		if late := time.Since(due); late > max(period, time.Second) {
			due = time.Now() // the machine slept: no burst
		}
	}
}

// shoot sends the picture that is due and says when the next one is.
func (c *Camera) shoot(due time.Time) (period time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	period = c.period()
	if c.away {
		return period
	}
	wanted := c.watched() && !c.faults.mute
	if asked := c.counts.asked.Load(); asked != c.obeyed {
		c.obeyed = asked
		if l, drawn := c.film.(*live); drawn {
			l.asleep = true // the next picture is a key frame
		}
	}
	shots, err := c.film.next(due, wanted)
	if err != nil {
		return period // the encoder's trouble with one picture: as a camera that skips one
	}
	for _, s := range shots {
		c.send(s, due, period)
	}
	return period
}

// period between two pictures. c.mu is locked.
func (c *Camera) period() time.Duration {
	fps := c.options.Video.FPS
	if c.faults.fps > 0 {
		fps = c.faults.fps
	}
	return time.Duration(float64(time.Second) / fps)
}

// A packet of RTP on its way out.
type packet = rtp.Packet

// send puts one picture on the wire. c.mu is locked.
func (c *Camera) send(s shot, due time.Time, period time.Duration) {
	stamp := c.clock.stamp(due, s.shift, period)
	packets, err := c.track.packet(c.spoil(s.au))
	if err != nil {
		return // RTP cannot carry this spoiled picture: it is lost
	}
	if c.faults.jitter > 0 {
		c.linger(time.Duration(c.random.Int64N(int64(c.faults.jitter) + 1)))
	}
	now := time.Now()
	c.sent.put(s.number, now)
	c.counts.sent.Add(1)
	if c.onSent != nil {
		c.onSent(s.number, now)
	}
	for _, p := range packets {
		p.Timestamp = stamp
		c.write(p)
	}
}

// linger waits with c.mu unlocked.
func (c *Camera) linger(d time.Duration) {
	c.mu.Unlock()
	defer c.mu.Lock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// write sends one packet, or does to it what the faults say. c.mu is locked.
func (c *Camera) write(p *packet) {
	switch {
	case c.stream == nil || c.hit(c.faults.drop):
		return
	case c.hit(c.faults.corrupt):
		p = c.corrupted(p)
	}
	if c.held != nil {
		held := c.held
		c.held = nil
		c.put(p)
		c.put(held)
		return
	}
	if c.hit(c.faults.reorder) {
		c.held = p
		return
	}
	c.put(p)
}

// put hands a packet to the RTSP server. Its errors are those of single clients, which the
// server deals with.
func (c *Camera) put(p *packet) { _ = c.stream.WritePacketRTP(c.track.media, p) }

// hit is true in percent of 100 cases.
func (c *Camera) hit(percent float64) bool {
	return percent > 0 && c.random.Float64()*100 < percent
}

// corrupted is p with some bits of its payload flipped. What the payload lies in is shared.
func (c *Camera) corrupted(p *packet) *packet {
	q := *p
	q.Payload = c.flipped(p.Payload, 1+c.random.IntN(8))
	return &q
}

// flipped is a copy of b with n bits flipped.
func (c *Camera) flipped(b []byte, n int) []byte {
	b = append([]byte(nil), b...)
	for range n {
		if len(b) > 0 {
			b[c.random.IntN(len(b))] ^= 1 << c.random.IntN(8)
		}
	}
	return b
}

// spoil is the access unit with what the faults put in its place. c.mu is locked.
func (c *Camera) spoil(au *media.AccessUnit) *media.AccessUnit {
	switch {
	case c.faults.junk == JunkRandom:
		return c.rewritten(au, func(nalu []byte) []byte {
			nalu = append([]byte(nil), nalu...)
			for i := range nalu {
				nalu[i] = byte(c.random.Uint32())
			}
			return nalu
		})
	case c.faults.junk == JunkHugeSPS && au.Codec == media.H264:
		return c.rewritten(au, func(nalu []byte) []byte {
			if nalu[0]&31 == 7 {
				return hugeSPS()
			}
			return nalu
		})
	case c.hit(c.faults.mutate):
		return c.rewritten(au, func(nalu []byte) []byte { return c.flipped(nalu, 1+len(nalu)/500) })
	}
	return au
}

func (c *Camera) rewritten(au *media.AccessUnit, change func([]byte) []byte) *media.AccessUnit {
	nalus := make([][]byte, len(au.NALUs))
	for i, nalu := range au.NALUs {
		nalus[i] = change(nalu)
	}
	return &media.AccessUnit{Codec: au.Codec, NALUs: nalus, PTS: au.PTS, Key: au.Key}
}
