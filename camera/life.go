package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// The one rule of retrying: a bare TCP dial every second until the port opens, then one
// RTSP session; after an RTSP error a second's pause for a minute, then ten; after a
// refused password a minute, because cameras lock accounts.
const (
	dialEvery        = time.Second
	dialTimeout      = 2 * time.Second
	retrySoon        = time.Second
	retrySoonFor     = time.Minute
	retryLater       = 10 * time.Second
	retryAfterDenied = time.Minute
)

// live connects while the camera is wanted, until ctx ends.
func (c *Camera) live(ctx context.Context) error {
	for {
		if err := c.awaitDemand(ctx); err != nil {
			return err
		}
		c.serve(ctx)
		c.enter(stateIdle, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// serve keeps the camera connected until nobody wants it any more, or ctx ends.
func (c *Camera) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() {
		c.awaitDisinterest(ctx)
		cancel()
	})
	others.Go(func() { c.watch(ctx) })
	defer others.Wait()
	defer cancel()

	c.enter(stateConnecting, nil)
	var failing time.Time // when the present row of failures began
	for {
		if !sleep(ctx, time.Until(c.deniedUntil())) {
			return
		}
		began, pictures := time.Now(), c.pictures()
		err := c.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		c.report(err)
		if c.pictures() > pictures {
			failing = time.Time{}
		}
		if failing.IsZero() {
			failing = time.Now()
		}
		pause := retrySoon
		switch {
		case errors.Is(err, source.ErrUnauthorized):
			pause = 0 // deniedUntil holds, also for whoever comes back later
		case time.Since(failing) > retrySoonFor:
			pause = retryLater
		case c.pictures() > pictures && time.Since(began) > retryLater:
			pause = 0 // it was well a moment ago: most likely it hung up, and answers
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// stream is one connection: dial until the port is open, then RTSP until it ends. The
// error says why it ended.
func (c *Camera) stream(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.sessionEnder(cancel)
	defer c.sessionEnder(nil)

	options := c.cfg.Source
	options.Transport = c.transport()
	err = source.RTSP(ctx, conn, c.cfg.Address, options, &session{c})
	if silent := new(silentError); errors.As(context.Cause(ctx), &silent) {
		err = silent
	}
	c.disconnected()
	if err == nil {
		err = fmt.Errorf("camera %q: %s ended the stream", c.cfg.Name, c.cfg.Address.Host())
	}
	return err
}

// sessionEnder is what the watchdog calls to end the session; nil: there is none.
func (c *Camera) sessionEnder(end context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.end = end
}

// dial tries once a second until the camera's port is open. The error is ctx's.
func (c *Camera) dial(ctx context.Context) (net.Conn, error) {
	for {
		began := time.Now()
		conn, err := source.Dial(ctx, c.cfg.Address, dialTimeout)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.unreachable(fmt.Errorf("camera %q: %s does not answer: %w; is it switched on, and is the address right?",
			c.cfg.Name, c.cfg.Address.Host(), err))
		if !sleep(ctx, dialEvery-time.Since(began)) {
			return nil, ctx.Err()
		}
	}
}

// awaitDemand returns when the camera is wanted. The error is ctx's.
func (c *Camera) awaitDemand(ctx context.Context) error {
	for !c.wanted() {
		select {
		case <-c.demand:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// awaitDisinterest returns when nobody has wanted the camera for its linger time.
func (c *Camera) awaitDisinterest(ctx context.Context) {
	for {
		var lingered <-chan time.Time
		var timer *time.Timer
		if !c.wanted() {
			timer = time.NewTimer(c.cfg.Linger)
			lingered = timer.C
		}
		select {
		case <-lingered:
			if !c.wanted() {
				return
			}
		case <-c.demand:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (c *Camera) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.viewers > 0 || !c.cfg.OnDemand
}

// sleep waits for d; false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// session is the sink of one RTSP session.
type session struct{ c *Camera }

func (s *session) Playing(info source.Info) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.info = info
	if info.Transport == "tcp" {
		c.life.transport = info.Transport // where there was a choice, this came of it
	}
	c.life.session++
	c.life.lastUnit = time.Now()
	c.life.connected = true
	c.life.damagedSince = time.Time{} // of the last session: this one has all the time there is
	c.units.clear()
}

func (s *session) Transport(name string) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.info.Transport == "udp" && name == "tcp" {
		c.life.transport = name // UDP does not get through here: not tried again
	}
	c.life.info.Transport = name
	c.life.lastUnit = time.Now()
}

func (s *session) AccessUnit(au *media.AccessUnit) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.received++
	c.rate.add(au.Received, au.Size())
	c.life.arrived(au)
	if au.Key {
		c.updateMode() // whether key frames suffice depends on how often they come
	}
	if !c.units.push(au, c.decoding) {
		c.counts.damaged++
		return
	}
	if au.Key {
		c.life.damagedSince = time.Time{}
	}
	was := c.life.state
	if c.decoding != decodeAll {
		c.whole(au.Received) // else it counts once the decoder has found it good
	}
	// The renderer is not woken for what it would not take.
	if c.decoding == decodeAll || c.decoding == decodeKeys && au.Key || c.life.state != was {
		signal(c.wake)
	}
}

func (s *session) Damaged(lost uint64, err error) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.packetsLost += lost
	c.units.lost()
	now := time.Now()
	c.life.lastUnit = now // not whole, but a sign of life
	if c.life.damagedSince.IsZero() {
		c.life.damagedSince = now
	}
	if err != nil {
		c.noteBroken(err, now)
	}
}
