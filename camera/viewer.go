package camera

import (
	"context"
	"time"

	"camgate/media"
)

// A Viewer takes pictures of one rendition at its own pace. Next returns only pictures
// newer than the last it returned: a slow viewer skips, and never queues.
//
// A Viewer is for one goroutine. Close it; the camera may stop when nobody watches.
type Viewer struct {
	camera    *Camera
	rendition *rendition
	fps       float64 // at most; 0: no limit
	since     time.Time

	// Guarded by the camera's mutex.
	waiting bool
	closed  bool

	taken uint64    // sequence of the last picture returned
	due   time.Time // when the next one is, where fps limits
}

// Next waits for a picture newer than the last one returned, at most at the viewer's
// frame rate. While the camera is away it returns, once a second, the last picture
// dimmed, or a placeholder where there has been none. A camera that is just being
// connected gets a second to bring its first picture before that.
//
// The error is ctx's, or ErrClosed.
func (v *Viewer) Next(ctx context.Context) (*media.Picture, error) {
	if err := v.pace(ctx); err != nil {
		return nil, err
	}
	c := v.camera
	c.mu.Lock()
	for {
		if v.closed {
			c.mu.Unlock()
			return nil, ErrClosed
		}
		if p := v.ready(); p != nil {
			v.waiting = false
			c.mu.Unlock()
			v.taken = p.Sequence
			return p, nil
		}
		if !v.waiting {
			v.waiting = true
			if c.life.state != stateLive || v.rendition.frame < c.life.frame {
				signal(c.wake) // a notice, or a frame that nobody wanted so far
			}
		}
		changed := v.rendition.changed
		c.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-c.ended:
			err = ErrClosed
		case <-ctx.Done():
			err = ctx.Err()
		}
		c.mu.Lock()
		if err != nil {
			v.waiting = false
			c.mu.Unlock()
			return nil, err
		}
	}
}

// ready is the picture to return, nil where one must be waited for. The caller holds the
// camera's mutex.
func (v *Viewer) ready() *media.Picture {
	c, r := v.camera, v.rendition
	p := r.picture
	if p == nil || p.Sequence <= v.taken {
		return nil
	}
	if c.life.pictureState() != p.State {
		return nil // from before: what the camera is now will follow
	}
	if p.State == media.Live && c.decoding != decodeNothing && r.frame < c.life.frame {
		return nil // a newer one is decoded and will be encoded at once
	}
	return p
}

// pace waits until the viewer's rate allows another picture.
func (v *Viewer) pace(ctx context.Context) error {
	if v.fps <= 0 {
		return nil
	}
	period := time.Duration(float64(time.Second) / v.fps)
	now := time.Now()
	if v.due.IsZero() || now.Sub(v.due) > period {
		v.due = now
	}
	// Half a camera period early: a picture that comes just before it is due is taken,
	// or a viewer that wants the camera's own rate would miss every other one.
	wait := v.due.Sub(now) - min(period, v.camera.framePeriod())/2
	if wait <= 0 {
		v.due = v.due.Add(period)
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		v.due = v.due.Add(period)
		return nil
	case <-v.camera.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the viewer. Closing twice is harmless.
func (v *Viewer) Close() {
	c := v.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.closed {
		return
	}
	v.closed = true
	delete(v.rendition.viewers, v)
	if len(v.rendition.viewers) == 0 {
		v.rendition.idleSince = time.Now()
	}
	c.viewers--
	c.wantsChanged()
}
