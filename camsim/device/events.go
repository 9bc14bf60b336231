package device

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// An event is what a pull point hands out.
type event struct {
	Topic, Operation string // Operation: Initialized or Changed
	Source, Name     string // a simple item each
	Value            bool
	Token            string
	at               time.Time
}

// Time of the event as the device's clock has it.
func (e event) Time() string { return e.at.Format("2006-01-02T15:04:05Z") }

// A pullPoint is one subscription (ONVIF Core section 9.2).
type pullPoint struct {
	id      string
	ends    time.Time // by our clock
	events  []event
	arrived chan struct{} // closed and made anew with each event
	ended   chan struct{}
}

const (
	maxPullPoints = 10
	maxEvents     = 100 // kept for who does not pull; the oldest go first
	defaultLife   = time.Minute
	longestLife   = 24 * time.Hour
	longestPull   = time.Minute
)

// Motion is what its motion detector sees from now on. Whoever has a pull point is told.
func (d *Device) Motion(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.motion == on {
		return
	}
	d.motion = on
	for _, p := range d.pullPoints {
		p.put(d.motionEvents("Changed", d.now())...)
	}
}

// motionEvents tell the state, in the two ways that cameras have. d.mu is locked.
func (d *Device) motionEvents(operation string, at time.Time) []event {
	return []event{
		{"tns1:RuleEngine/CellMotionDetector/Motion", operation, "VideoSourceConfigurationToken", "IsMotion", d.motion, "VideoSource_1_config", at},
		{"tns1:VideoSource/MotionAlarm", operation, "Source", "State", d.motion, "VideoSource_1", at},
	}
}

// put is called with the device's mutex held.
func (p *pullPoint) put(events ...event) {
	p.events = append(p.events, events...)
	p.events = p.events[max(0, len(p.events)-maxEvents):]
	close(p.arrived)
	p.arrived = make(chan struct{})
}

// subscribe makes a pull point that begins with the present state.
func (d *Device) subscribe(life time.Duration) (*pullPoint, *fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	if len(d.pullPoints) >= maxPullPoints {
		return nil, receiverFault(fmt.Sprintf("There are %d pull points already", maxPullPoints), "wsnt:SubscribeCreationFailedFault")
	}
	p := &pullPoint{id: rand.Text()[:12], ends: time.Now().Add(life), arrived: make(chan struct{}), ended: make(chan struct{})}
	p.put(d.motionEvents("Initialized", d.now())...)
	d.pullPoints[p.id] = p
	return p, nil
}

// sweep forgets the pull points whose time is over. d.mu is locked.
func (d *Device) sweep() {
	for id, p := range d.pullPoints {
		if time.Now().After(p.ends) {
			delete(d.pullPoints, id)
			close(p.ended)
		}
	}
}

func (d *Device) pullPoint(id string) *pullPoint {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	return d.pullPoints[id]
}

// renew has a pull point live that long from now on.
func (d *Device) renew(p *pullPoint, life time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.ends = time.Now().Add(life)
}

func (d *Device) unsubscribe(p *pullPoint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pullPoints[p.id] == p {
		delete(d.pullPoints, p.id)
		close(p.ended)
	}
}

// pull takes up to limit events, and waits for the first until ctx ends. ok is false where
// the pull point ended meanwhile.
func (d *Device) pull(ctx context.Context, p *pullPoint, limit int) (events []event, ok bool) {
	for {
		d.mu.Lock()
		n := min(limit, len(p.events))
		events, p.events = append(events, p.events[:n]...), p.events[n:]
		arrived := p.arrived
		d.mu.Unlock()
		if n > 0 {
			return events, true
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, true
		case <-p.ended:
			return nil, false
		}
	}
}

// PullPoints is how many there are, for tests.
func (d *Device) PullPoints() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	return len(d.pullPoints)
}
