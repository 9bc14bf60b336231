package camera

import "time"

// meter measures a rate over the last few dozen events. The camera's mutex guards it.
type meter struct {
	times [64]time.Time
	sizes [64]int
	n     int // events so far
}

// meterSpan is how far back a meter looks.
const meterSpan = 5 * time.Second

func (m *meter) add(now time.Time, size int) {
	m.times[m.n%len(m.times)], m.sizes[m.n%len(m.sizes)] = now, size
	m.n++
}

// rate is events a second and bits a second. It falls towards zero as soon as events
// are overdue.
func (m *meter) rate(now time.Time) (perSecond float64, bits int) {
	events, bytes := 0, 0
	var first, last time.Time
	for i := m.n - 1; i >= 0 && i > m.n-1-len(m.times); i-- {
		t := m.times[i%len(m.times)]
		if now.Sub(t) > meterSpan {
			break
		}
		if last.IsZero() {
			last = t
		} else {
			bytes += m.sizes[(i+1)%len(m.sizes)]
		}
		first = t
		events++
	}
	if events < 2 {
		return 0, 0
	}
	span := last.Sub(first)
	if overdue := now.Sub(last); overdue > 2*span/time.Duration(events-1) {
		span += overdue
	}
	if span <= 0 {
		return 0, 0
	}
	return float64(events-1) / span.Seconds(), int(float64(bytes) * 8 / span.Seconds())
}

// gaps remembers the last gaps between access units.
type gaps struct {
	last [8]time.Duration
	n    int
}

func (g *gaps) add(d time.Duration) {
	g.last[g.n%len(g.last)] = d
	g.n++
}

// longest is the camera's period as the watchdog reckons it; 0 before the second unit.
func (g *gaps) longest() time.Duration {
	var longest time.Duration
	for _, d := range g.last {
		longest = max(longest, d)
	}
	return longest
}
