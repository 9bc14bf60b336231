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

// Move gives the camera an order, and returns when the camera has taken it. A movement is
// stopped when its time is over, or the camera is no longer run. The error is ErrNotONVIF,
// ErrFixed, ErrOrder, ErrClosed, or the camera's.
func (c *Camera) Move(ctx context.Context, o Order) error {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	for _, speed := range []float64{o.Pan, o.Tilt, o.Zoom} {
		if !(speed >= -1 && speed <= 1) {
			return fmt.Errorf("camera %q: %w", c.cfg.Name, ErrOrder)
		}
	}
	if o.Pan == 0 && o.Tilt == 0 && o.Zoom == 0 && o.Preset == "" {
		o.Stop = true
	}
	client, profile, err := c.ONVIF(ctx)
	if err != nil {
		return err
	}
	if !profile.PTZ {
		return fmt.Errorf("camera %q: %w", c.cfg.Name, ErrFixed)
	}
	c.forgetStop()
	switch {
	case o.Stop:
		return client.Stop(ctx, profile)
	case o.Preset != "":
		return client.GoTo(ctx, profile, o.Preset)
	}
	if o.For <= 0 {
		o.For = stepFor
	}
	if err := client.Move(ctx, profile, o.Pan, o.Tilt, o.Zoom); err != nil {
		return err
	}
	return c.stopAfter(min(o.For, moveAtMost), client, profile)
}

// Presets are the positions that the camera has stored.
func (c *Camera) Presets(ctx context.Context) ([]onvif.Preset, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	client, profile, err := c.ONVIF(ctx)
	if err != nil {
		return nil, err
	}
	if !profile.PTZ {
		return nil, fmt.Errorf("camera %q: %w", c.cfg.Name, ErrFixed)
	}
	return client.Presets(ctx, profile)
}

// stopAfter ends a movement later. Run waits for it.
func (c *Camera) stopAfter(d time.Duration, client *onvif.Client, profile onvif.Profile) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return ErrClosed
	default:
	}
	overtaken := make(chan struct{})
	c.moving = overtaken
	c.movements.Go(func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.ended:
		case <-overtaken:
			return // another order has come
		}
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := client.Stop(ctx, profile); err != nil {
			c.log.Warn("a movement could not be stopped", "why", err)
		}
	})
	return nil
}

func (c *Camera) forgetStop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moving != nil {
		close(c.moving)
		c.moving = nil
	}
}
