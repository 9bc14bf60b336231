package camera

import "time"

// Brief is the little of Status that viewers are told while they watch.
type Brief struct {
	State     string        // idle, connecting, live, stale or offline
	Age       time.Duration // since the newest whole access unit arrived; 0 before the first
	LastError string        // a sentence for the operator; "" while the camera is live
	Partly    bool          // it is a wall, stale because some of its cameras are not live
}

// Brief costs next to nothing.
func (c *Camera) Brief() Brief {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := Brief{State: c.life.state.String()}
	if !c.life.lastWhole.IsZero() {
		b.Age = max(0, time.Since(c.life.lastWhole))
	}
	if c.life.lastErr != nil && c.life.state != stateLive && c.life.state != stateIdle {
		b.LastError = c.life.lastErr.Error()
	}
	return b
}

// Changed is closed when State is another than now. Whoever waits asks for it before Brief.
func (c *Camera) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.changed == nil {
		c.life.changed = make(chan struct{})
	}
	return c.life.changed
}
