package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"camgate/camera/source"
	"camgate/onvif"
)

// The one rule of retrying: a bare TCP dial every second until the port opens, then one
// RTSP session; after an RTSP error a second's pause for a minute, then ten; after a
// refused password a minute, because cameras lock accounts.
const (
	dialEvery        = time.Second
	dialTimeout      = 2 * time.Second
	lookEvery        = 3 * time.Second // for a camera whose ONVIF port is not known
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

	if time.Now().Before(c.deniedUntil()) {
		c.enter(stateOffline, nil) // and why has been said
	} else {
		c.enter(stateConnecting, nil)
	}
	var failures row
	for {
		if !sleep(ctx, time.Until(c.deniedUntil())) {
			return
		}
		began, pictures, unreached := time.Now(), c.pictures(), c.unreached()
		err := c.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errMoved) || errors.Is(err, errAsked) {
			continue
		}
		if still := new(stillError); errors.As(err, &still) {
			c.log.Info(err.Error())
			continue
		}
		c.report(err)
		pause := failures.pause(err, began, time.Now(), c.pictures() > pictures, c.unreached() > unreached)
		if !sleep(ctx, pause) {
			return
		}
	}
}

// A row is one of failures, one session after the other.
type row struct{ since time.Time }

// pause is how long to wait after a session of so long that failed. pictures says that it
// brought some, and gone that the camera could not be reached before it, for however long: it
// has just started, and the row begins anew.
func (r *row) pause(err error, began, now time.Time, pictures, gone bool) time.Duration {
	if pictures || gone || r.since.IsZero() {
		r.since = now
	}
	switch {
	case denied(err):
		return 0 // deniedUntil holds, also for whoever comes back later
	case now.Sub(r.since) > retrySoonFor:
		return retryLater
	case pictures && now.Sub(began) > retryLater:
		return 0 // it was well a moment ago: most likely it hung up, and answers
	}
	return retrySoon
}

// stream is one connection: ask where the stream is, dial until the port is open, then
// RTSP until it ends. The error says why it ended.
func (c *Camera) stream(ctx context.Context) error {
	chosen, err := c.find(ctx)
	if err != nil {
		return err
	}
	var conn net.Conn
	if chosen.snapshot == "" {
		if conn, err = c.dial(ctx, chosen.address.Host()); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.sessionEnder(cancel)
	defer c.sessionEnder(nil)

	before := c.pictures()
	err = c.pull(ctx, conn, chosen)
	if silent := new(silentError); errors.As(context.Cause(ctx), &silent) {
		err = silent
	}
	if errors.Is(context.Cause(ctx), errAsked) {
		err = errAsked
	}
	if d := c.asked(); d != nil && c.pictures() == before {
		d.gone(err)
	}
	c.disconnected()
	if err == nil {
		err = fmt.Errorf("camera %q: %s ended the stream", c.cfg.Name, chosen.address.Host())
	}
	return err
}

// find says where the pictures are to come from. An ONVIF camera that is not where it was
// is looked for; one that is gone is awaited.
func (c *Camera) find(ctx context.Context) (choice, error) {
	for {
		chosen, err := c.choose(ctx)
		if c.device == nil {
			return chosen, err
		}
		var gone *onvif.UnreachableError
		switch {
		case err == nil || ctx.Err() != nil:
			return chosen, err
		case errors.Is(err, errGoneElsewhere):
			continue
		case !errors.As(err, &gone):
			c.device.home() // where it was seen is somebody else, perhaps
			return chosen, err
		}
		if c.device.follow(ctx) {
			continue
		}
		if !c.device.portKnown() {
			c.unreachable(err)
			if !sleep(ctx, lookEvery) {
				return choice{}, ctx.Err()
			}
			continue
		}
		host := c.device.serviceHost()
		conn, closed := source.DialHost(ctx, host, dialTimeout)
		if closed == nil {
			conn.Close()
			return choice{}, err // somebody is there, and does not answer
		}
		if conn, err = c.dial(ctx, host); err != nil {
			return choice{}, err
		}
		conn.Close()
	}
}

// errAsked: somebody wants the camera connected anew.
var errAsked = errors.New("connecting again, as somebody asked")

// Reconnect ends the present connection, if there is one; the next follows at once. What
// an ONVIF camera said is asked again. The substream's connection ends too.
func (c *Camera) Reconnect() {
	if d := c.asked(); d != nil {
		d.doubt()
	}
	c.endSession(errAsked)
	if s := c.madeSubstream(); s != nil {
		s.Reconnect()
	}
}

// sessionEnder is what the watchdog calls to end the session; nil: there is none.
func (c *Camera) sessionEnder(end context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.end = end
}

// errMoved: the camera was found at another address, or may have its stream at another port.
var errMoved = errors.New("the camera is somewhere else now")

// dial tries once a second until the camera's port is open. The error is ctx's, or
// errMoved.
func (c *Camera) dial(ctx context.Context, host string) (net.Conn, error) {
	for first := time.Now(); ; {
		began := time.Now()
		conn, err := source.DialHost(ctx, host, dialTimeout)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.unreachable(fmt.Errorf("camera %q: %s does not answer: %w; is it switched on, and is the address right?",
			c.cfg.Name, host, err))
		if d := c.asked(); d != nil && (d.follow(ctx) || c.parent != nil && d.left(host) || d.outdated(host, first, err)) {
			return nil, errMoved
		}
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
			timer = time.NewTimer(c.linger())
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

// linger is how long the camera is kept that nobody watches. Single pictures leave nothing
// to be kept.
func (c *Camera) linger() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetchesStills() {
		return 0
	}
	return c.cfg.Linger
}

func (c *Camera) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.viewers+len(c.readers) > 0 || !c.cfg.OnDemand
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
