package camsim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrSharedPort: the fault concerns a whole port, and other cameras are behind it too.
var ErrSharedPort = errors.New("this camera shares its port with others: refuse, reboot and freeze are for a camera with a port of its own")

// An outage is a fault of the whole port that may end by itself. There is one at a time:
// the next ends the one before.
type outage struct {
	name string
	stop context.CancelFunc
	done chan struct{}
}

// Refuse shuts the camera's port for d: who dials is refused, who is connected stays. d of
// 0 lasts until Heal. One of Refuse, Reboot and Freeze holds at a time; a new one ends the
// last.
func (c *Camera) Refuse(d time.Duration) error {
	return c.outage("refuse", d, c.server.gate.shut, c.reopen)
}

// Reboot has everything gone for d, connections without a goodbye, and then back on the
// same port, with other time stamps. d of 0 lasts until Heal.
func (c *Camera) Reboot(d time.Duration) error {
	return c.outage("reboot", d, func() {
		c.setAway(true)
		c.server.gate.shut()
		c.server.gate.reset()
		c.CloseConnections()
	}, func(ctx context.Context) {
		c.setAway(false)
		c.mu.Lock()
		c.clock = clock{base: c.random.Uint32()}
		c.mu.Unlock()
		c.reopen(ctx)
	})
}

// Freeze has the camera neither read nor write nor answer for d, its sockets left open, as
// one whose processor hangs. d of 0 lasts until Heal.
func (c *Camera) Freeze(d time.Duration) error {
	return c.outage("freeze", d, func() {
		c.setAway(true)
		c.server.gate.hold()
	}, func(context.Context) {
		c.server.gate.letGo()
		c.setAway(false)
	})
}

func (c *Camera) setAway(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

// reopen opens the port again, as soon as the system lets it.
func (c *Camera) reopen(ctx context.Context) {
	for c.server.gate.open() != nil {
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// outage begins one and has it end after d. begin is over when it returns; end is called
// with the camera's own context.
func (c *Camera) outage(name string, d time.Duration, begin func(), end func(context.Context)) error {
	if !c.own {
		return ErrSharedPort
	}
	c.outages.Lock()
	defer c.outages.Unlock()
	c.endOutage()
	if c.life.Err() != nil {
		return fmt.Errorf("simulated camera %q is closed", c.name)
	}
	ctx, stop := context.WithCancel(c.life)
	if d > 0 {
		ctx, stop = context.WithTimeout(c.life, d)
	}
	o := &outage{name: name, stop: stop, done: make(chan struct{})}
	c.current.Store(o)
	begin()
	c.tasks.Go(func() {
		defer close(o.done)
		defer stop()
		<-ctx.Done()
		end(c.life)
		c.current.CompareAndSwap(o, nil)
	})
	return nil
}

// endOutage ends the one under way and waits for its end. c.outages is locked.
func (c *Camera) endOutage() {
	if o := c.current.Load(); o != nil {
		o.stop()
		<-o.done
	}
}
