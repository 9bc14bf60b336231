package camera

import (
	"context"
	"errors"
	"fmt"
	"time"

	"camgate/onvif"
)

// Bounds of a movement: no camera turns on because somebody's connection broke.
const (
	stepFor      = 400 * time.Millisecond
	moveAtMost   = 10 * time.Second
	orderTimeout = 10 * time.Second
	stopTimeout  = 2 * time.Second
	stopTries    = 5
	stopAgain    = time.Second
)

// ErrFixed: the camera cannot be moved.
var ErrFixed = errors.New("the camera cannot be moved: none of its profiles has a PTZ configuration")

// ErrOrder: the order makes no sense.
var ErrOrder = errors.New("an order is a preset, a stop, or speeds of -1 to 1")

// An Order is one order to a camera that moves: Preset alone, Stop alone, or speeds.
type Order struct {
	Pan, Tilt, Zoom float64       // speeds, -1 to 1: to the right, up and in are positive
	For             time.Duration // how long it moves, at most 10 s; 0: a short step
	Stop            bool          // ends all movement
	Preset          string        // token or name of the position to go to
}

// check makes an order that asks for nothing a stop.
func (o *Order) check() error {
	for _, speed := range []float64{o.Pan, o.Tilt, o.Zoom} {
		if !(speed >= -1 && speed <= 1) {
			return ErrOrder
		}
	}
	if o.Pan == 0 && o.Tilt == 0 && o.Zoom == 0 && o.Preset == "" {
		o.Stop = true
	}
	if o.For <= 0 {
		o.For = stepFor
	}
	o.For = min(o.For, moveAtMost)
	return nil
}

// Move gives the camera an order, and returns when the camera has taken it. A movement is
// stopped when its time is over, or the camera is no longer run. Orders are given one after
// the other. The error is ErrNotONVIF, ErrFixed, ErrOrder, ErrClosed, or the camera's.
func (c *Camera) Move(ctx context.Context, o Order) error {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	if err := o.check(); err != nil {
		return fmt.Errorf("camera %q: %w", c.cfg.Name, err)
	}
	client, profile, err := c.mover(ctx)
	if err != nil {
		return err
	}
	select {
	case c.ordering <- struct{}{}:
	case <-c.ended:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("camera %q: it has not taken the order before this one: %w", c.cfg.Name, ctx.Err())
	}
	defer func() { <-c.ordering }()
	switch {
	case o.Stop:
		err = client.Stop(ctx, profile)
	case o.Preset != "":
		err = client.GoTo(ctx, profile, o.Preset)
	default:
		err = client.Move(ctx, profile, o.Pan, o.Tilt, o.Zoom)
		return c.moves(ctx, o, client, profile, err)
	}
	if err == nil {
		c.overtake() // else the last movement still has to be stopped
	}
	return err
}

// moves sees to the end of a movement that was ordered, with the error that Move gave.
func (c *Camera) moves(ctx context.Context, o Order, client *onvif.Client, profile onvif.Profile, err error) error {
	switch {
	case errors.As(err, new(*onvif.Fault)):
		return err // it refused, and what it did before goes on
	case err != nil:
		o.For = 0 // its answer was lost: it may move
	}
	c.overtake()
	if c.stopAfter(o.For, client, profile) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := client.Stop(ctx, profile); err != nil {
		c.log.Warn("a movement could not be stopped", "why", err)
	}
	return ErrClosed
}

// mover is the client and the profile by which the camera is moved.
func (c *Camera) mover(ctx context.Context) (*onvif.Client, onvif.Profile, error) {
	client, profile, err := c.ONVIF(ctx)
	if err == nil && !profile.PTZ {
		err = fmt.Errorf("camera %q: %w", c.cfg.Name, ErrFixed)
	}
	return client, profile, err
}

// Presets are the positions that the camera has stored.
func (c *Camera) Presets(ctx context.Context) ([]onvif.Preset, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	client, profile, err := c.mover(ctx)
	if err != nil {
		return nil, err
	}
	return client.Presets(ctx, profile)
}

// stopAfter ends a movement later; false where the camera is no longer run. Run waits for
// it.
func (c *Camera) stopAfter(d time.Duration, client *onvif.Client, profile onvif.Profile) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return false
	default:
	}
	overtaken := make(chan struct{})
	c.moving = overtaken
	c.tasks.Go(func() { c.stopMovement(d, client, profile, overtaken) })
	return true
}

// stopMovement stops a movement after d, or when the camera is no longer run, unless
// another order overtakes it. A stop that fails is repeated.
func (c *Camera) stopMovement(d time.Duration, client *onvif.Client, profile onvif.Profile, overtaken <-chan struct{}) {
	for range stopTries {
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-c.ended:
		case <-overtaken:
		}
		timer.Stop()
		if c.stopOnce(client, profile, overtaken) {
			return
		}
		d = stopAgain
		select {
		case <-c.ended:
			return // there is no time for more
		default:
		}
	}
}

// stopOnce is one try, when no order is under way; true where there is nothing more to do.
func (c *Camera) stopOnce(client *onvif.Client, profile onvif.Profile, overtaken <-chan struct{}) bool {
	select {
	case c.ordering <- struct{}{}:
		defer func() { <-c.ordering }()
	case <-overtaken:
		return true
	case <-c.ended: // the order that is under way sees to its own end
	}
	select {
	case <-overtaken:
		return true
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := client.Stop(ctx, profile)
	if err != nil {
		c.log.Warn("a movement could not be stopped", "why", err)
	}
	return err == nil
}

// overtake says that what was to stop the last movement need not.
func (c *Camera) overtake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moving != nil {
		close(c.moving)
		c.moving = nil
	}
}
