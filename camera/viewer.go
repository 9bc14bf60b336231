package camera

import (
	"context"
	"slices"
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
	still     bool    // leaves after one picture
	before    uint64  // sequence of the newest picture when it came
	since     time.Time

	// Guarded by the camera's mutex.
	waiting    bool
	closed     bool
	peer, form string
	rate       meter
	dropped    uint64
	newest     *media.Picture // that was returned last

	taken uint64    // sequence of the last picture returned
	due   time.Time // when the next one is, where fps limits
}

// Next waits for a picture newer than the last one returned, at most at the viewer's
// frame rate. While the camera is away it returns, once a second, the last picture
// dimmed, or a placeholder where there has been none. A camera that is just being
// connected gets a second to bring its first picture before that. The first picture of
// another state comes at once, whatever the rate.
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
			v.count(p)
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

// count notes that p goes to the viewer; the caller holds the camera's mutex.
func (v *Viewer) count(p *media.Picture) {
	v.rate.add(time.Now(), len(p.JPEG))
	if v.fps == 0 && v.newest != nil && v.newest.State == media.Live && p.State == media.Live && p.Sequence > v.newest.Sequence {
		v.dropped += p.Sequence - v.newest.Sequence - 1
	}
	v.newest = p
}

// Describe says who watches, and in which form: for Camera.Viewers.
func (v *Viewer) Describe(peer, form string) {
	v.camera.mu.Lock()
	defer v.camera.mu.Unlock()
	v.peer, v.form = peer, form
}

// ViewerStatus tells of one viewer.
type ViewerStatus struct {
	Camera  string    `json:"camera"` // with " (substream)" behind it for who watches that
	Peer    string    `json:"peer"`   // address and port
	Form    string    `json:"form"`   // mjpeg, ws, tile, wall, snapshot, webrtc, or the program whose protocol it speaks
	Width   int       `json:"width"`
	Height  int       `json:"height"`
	Quality int       `json:"quality"` // of JPEGs; 0 for who takes coded pictures
	Since   time.Time `json:"since"`
	FPS     float64   `json:"fps"`     // pictures taken a second, over the last seconds
	Dropped uint64    `json:"dropped"` // pictures that it was too slow for
	Age     *float64  `json:"age"`     // seconds since the camera's picture it took last arrived; null before the first
}

// Viewers are who watches now, the camera itself or its substream, the longest first.
func (c *Camera) Viewers() []ViewerStatus {
	list := c.ownViewers(time.Now())
	if s := c.madeSubstream(); s != nil {
		list = append(list, s.Viewers()...)
	}
	slices.SortFunc(list, func(a, b ViewerStatus) int { return a.Since.Compare(b.Since) })
	return list
}

func (c *Camera) ownViewers(now time.Time) []ViewerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []ViewerStatus{}
	for _, shared := range c.renditions {
		for v := range shared.viewers {
			s := ViewerStatus{Camera: c.cfg.Name, Peer: v.peer, Form: v.form, Width: shared.wanted.Width, Height: shared.wanted.Height,
				Quality: shared.wanted.Quality, Since: v.since, Dropped: v.dropped}
			if s.Quality == 0 {
				s.Quality = c.cfg.Quality
			}
			s.FPS, _ = v.rate.rate(now)
			if v.newest != nil {
				age := now.Sub(v.newest.Received).Seconds()
				s.Width, s.Height, s.Age = v.newest.Width, v.newest.Height, &age
			}
			list = append(list, s)
		}
	}
	for r := range c.readers {
		list = append(list, r.status(now))
	}
	return list
}

// watchers is how many watch the camera itself.
func (c *Camera) watchers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.viewers + len(c.readers)
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
	if v.still && p.State == media.Live && p.Sequence <= v.before && time.Since(p.Received) >= staleAfter &&
		c.decoding == decodeAll && (c.units.gap || c.units.backlog() > few) {
		return nil // key frames did for the others: what has come since is being decoded
	}
	return p
}

// pace waits until the viewer's rate allows another picture, or the camera's state is another.
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
	for {
		changed := v.camera.Changed()
		if v.outdated() {
			return nil
		}
		select {
		case <-timer.C:
			v.due = v.due.Add(period)
			return nil
		case <-changed:
		case <-v.camera.ended:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// outdated says that the last picture is of another state than the camera's: what was live does
// not stand as such until the next picture is due, nor what was not.
func (v *Viewer) outdated() bool {
	v.camera.mu.Lock()
	defer v.camera.mu.Unlock()
	return v.newest != nil && v.newest.State != v.camera.life.pictureState()
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
