package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

const (
	// takeOverWithin is how long the next profile may take to its first key frame.
	takeOverWithin = 15 * time.Second

	// changeAgainAfter is how long a change of profile that failed is not tried again.
	changeAgainAfter = time.Minute
)

// A session is one source at work, and the sink of what it brings. Of two sessions of a
// camera one is current; the other waits for its first key frame, and is then current in
// its place, so that the picture has no gap.
type session struct {
	c         *Camera
	chosen    choice
	ended     chan error         // one error, when the source has ended
	took      chan struct{}      // of one element: it has become current
	keyframes chan struct{}      // of one element: the camera is to be asked for a key frame
	stop      context.CancelFunc // nil before begin

	// Guarded by the camera's mutex.
	info    source.Info
	waiting bool // for its first key frame, while another is current
	over    bool // another is current: what still comes is not wanted
	begun   bool // a picture has come
}

func newSession(c *Camera, chosen choice, waiting bool) *session {
	return &session{c: c, chosen: chosen, ended: make(chan error, 1), took: make(chan struct{}, 1), keyframes: make(chan struct{}, 1), waiting: waiting}
}

// begin starts a session. It owns conn, which is nil where single pictures are fetched.
func (c *Camera) begin(ctx context.Context, conn net.Conn, chosen choice, waiting bool) *session {
	ctx, cancel := context.WithCancel(ctx)
	s := newSession(c, chosen, waiting)
	s.stop = cancel
	go func() { s.ended <- s.run(ctx, conn) }() // finish waits for it
	return s
}

func (s *session) run(ctx context.Context, conn net.Conn) error {
	if s.chosen.snapshot != "" {
		return s.c.device.poll(ctx, s.chosen, s)
	}
	options := s.c.cfg.Source
	options.Transport = s.c.transport()
	options.KeyFrames = s.keyframes
	options.Audio = s.c.listens(s)
	options.DigestOnly = s.c.asked() != nil && s.c.asked().digestOnly()
	return source.RTSP(ctx, conn, s.chosen.address, options, s)
}

// finish ends the session and waits for it.
func (s *session) finish() {
	s.stop()
	<-s.ended
}

// pull keeps pictures coming until the camera, the network or ctx ends it, and changes
// over to another profile when the viewers want another.
func (c *Camera) pull(ctx context.Context, conn net.Conn, chosen choice) error {
	now := c.begin(ctx, conn, chosen, false)
	var notBefore time.Time // no other change
	var small time.Time     // since when a smaller profile would do
	for {
		timer := time.NewTimer(stepDownAfter)
		select {
		case err := <-now.ended:
			timer.Stop()
			now.stop()
			return err
		case <-c.reconsider:
		case <-timer.C:
		}
		timer.Stop()
		next, better := c.better(now.chosen)
		switch {
		case !better:
			small = time.Time{}
			continue
		case next.smaller(now.chosen):
			if small.IsZero() {
				small = time.Now()
			}
			if time.Since(small) < stepDownAfter {
				continue
			}
		}
		if time.Now().Before(notBefore) {
			continue
		}
		after, err := c.changeOver(ctx, now, next)
		if errors.Is(err, errEnded) {
			return err
		}
		if err != nil {
			if ctx.Err() == nil {
				c.log.Warn("the profile was not changed", "profile", next.name, "why", err)
			}
			notBefore = time.Now().Add(changeAgainAfter)
			continue
		}
		now, small = after, time.Time{}
	}
}

// errEnded: the session that was current has ended while the next was being made.
var errEnded = errors.New("the camera ended the stream")

// changeOver makes the next session, and ends now when that has its first key frame. On
// error now is as it was, but for errEnded: then neither is any more.
func (c *Camera) changeOver(ctx context.Context, now *session, chosen choice) (*session, error) {
	var conn net.Conn
	if chosen.snapshot == "" {
		var err error
		if conn, err = source.Dial(ctx, chosen.address, dialTimeout); err != nil {
			return nil, fmt.Errorf("%s does not answer: %w", chosen.address.Host(), err)
		}
	}
	next := c.begin(ctx, conn, chosen, true)
	err := c.await(now, next, takeOverWithin)
	if err == nil {
		c.log.Info("another profile", "profile", chosen.name, "still", chosen.snapshot != "")
		return next, nil
	}
	return nil, err
}

// await returns when next has its first key frame and now has ended, or when there will be
// none, and next has ended. A camera that allows one stream ends now by itself.
func (c *Camera) await(now, next *session, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	var over error     // why now has ended
	ended := now.ended // nil: it has
	for {
		var err error
		select {
		case <-next.took:
			if ended != nil {
				now.finish()
			}
			return nil
		case over = <-ended:
			ended = nil
			now.stop()
			continue
		case err = <-next.ended:
			next.stop()
			select {
			case over = <-ended: // both: the camera is gone
				ended = nil
				now.stop()
			default:
			}
		case <-timer.C:
			err = fmt.Errorf("profile %q brought no key frame within %v", next.chosen.name, within)
			next.finish()
		}
		switch {
		case len(next.took) > 0: // and has ended at once
			if ended != nil {
				now.finish()
			}
			return fmt.Errorf("%w: %w", errEnded, err)
		case ended == nil:
			return fmt.Errorf("%w: %w", errEnded, over)
		}
		return err
	}
}

// Playing is of source.Sink. A source that falls back from UDP to TCP says it twice.
func (s *session) Playing(info source.Info) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.info, s.begun = info, false
	if !s.waiting && !s.over {
		s.takeOver()
	}
}

// takeOver makes the session the current one; the caller holds the mutex.
func (s *session) takeOver() {
	c := s.c
	if c.life.current != nil && c.life.current != s {
		c.life.current.over = true
	}
	c.life.current, s.waiting = s, false
	c.life.info = s.info
	if s.info.Transport == "tcp" {
		c.life.transport = s.info.Transport // where there was a choice, this came of it
	}
	c.life.session++
	c.life.heldBack = false
	c.life.lastUnit = time.Now()
	c.life.connected = true
	c.life.damagedSince = time.Time{} // of the last session: this one has all the time there is
	c.life.gopBegan, c.life.gopFrames, c.life.keyless = time.Time{}, 0, time.Time{}
	c.forgetUnits()
	c.reordering.session()
	c.heard(s.info)
	signal(s.took)
}

// Transport is of source.Sink.
func (s *session) Transport(name string) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.info.Transport == "udp" && name == "tcp" {
		c.life.transport = name // UDP does not get through here: not tried again
	}
	s.info.Transport = name
	if c.life.current == s {
		c.life.info.Transport = name
		c.life.lastUnit = time.Now()
	}
}

// AccessUnit is of source.Sink.
func (s *session) AccessUnit(au *media.AccessUnit) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.over {
		return
	}
	s.missKey(au)
	if s.waiting && !au.Key {
		return
	}
	if s.waiting {
		s.takeOver()
	}
	c.counts.received++
	c.rate.add(au.Received, au.Size())
	c.life.arrived(au)
	if au.Key || c.decoding == decodeKeys && c.life.keyOverdue(au.Received) {
		c.updateMode(au.Received) // whether key frames suffice depends on how often they come
	}
	c.reordering.see(au)
	readable := c.packets.push(au, len(c.readers) > 0)
	if !c.units.push(au, c.decoding) && !(readable && c.decoding == decodeNothing) {
		c.counts.damaged++
		return
	}
	if au.Key {
		c.life.damagedSince = time.Time{}
		c.life.unproven = c.decoding != decodeNothing
	}
	was := c.life.state
	if c.decoding == decodeNothing || c.decoding == decodeKeys && !c.life.unproven {
		c.whole(au.Received) // else it counts once the decoder has found it good
	}
	// The renderer is not woken for what it would not take.
	if c.decoding == decodeAll || c.decoding == decodeKeys && au.Key || c.life.state != was {
		signal(c.wake)
	}
}

// missKey asks for a key frame, once, where the session does not begin with one: its first was
// lost, or the camera goes on where it is. The caller holds the mutex.
func (s *session) missKey(au *media.AccessUnit) {
	first := !s.begun
	s.begun = true
	switch l := &s.c.life; {
	case au.Key:
		l.keyless = time.Time{}
	case first:
		s.c.askForKey(s)
		if !s.waiting {
			l.keyless = au.Received
		}
	}
}

// Damaged is of source.Sink.
func (s *session) Damaged(lost uint64, err error) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.over || s.waiting {
		return
	}
	c.counts.packetsLost += lost
	c.units.lost()
	c.packets.lost()
	now := time.Now()
	c.life.lastUnit = now // not whole, but a sign of life
	if c.life.damagedSince.IsZero() {
		c.life.damagedSince = now
	}
	if err != nil {
		c.noteBroken(err, now)
	}
}

// forgetUnits forgets the coded pictures that there are; the caller holds the mutex.
func (c *Camera) forgetUnits() {
	c.units.clear()
	c.packets.clear()
	for _, t := range c.transcodes {
		t.forget()
		t.failed = nil // other pictures follow
		t.log.wake()   // and who reads may take those as they come
	}
}
