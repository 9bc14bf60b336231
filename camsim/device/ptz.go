package device

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// PTZState is where a device looks.
type PTZState struct {
	Pan, Tilt, Zoom float64 // −1 to 1, −1 to 1, 0 to 1
	Moving          bool
	Preset          string // token of the preset gone to by the last order; else ""
}

// A preset is a place with a name.
type preset struct {
	Token, Name string
	at          [3]float64
}

const maxPresets = 100

// Pan, Tilt and Zoom are for the answers.
func (p preset) Pan() float64  { return p.at[0] }
func (p preset) Tilt() float64 { return p.at[1] }
func (p preset) Zoom() float64 { return p.at[2] }

// A head turns and zooms. Its methods are called with the device's mutex held.
type head struct {
	at      [3]float64 // pan, tilt, zoom when the last order came
	speed   [3]float64 // a second
	since   time.Time
	until   time.Time // it stops by itself; zero: not
	preset  string
	presets []preset
	made    int                          // presets so far, for their tokens
	tell    func(func(time.Time) string) // has the pictures say where it looks; nil: nobody
}

// show has the pictures say where it looks, from this order on.
func (h *head) show() {
	if h.tell == nil {
		return
	}
	as := *h
	h.tell(func(at time.Time) string {
		place, _ := as.now(at)
		return fmt.Sprintf("pan %+.2f  tilt %+.2f  zoom %.2f", place[0], place[1], place[2])
	})
}

func newHead() head {
	return head{presets: []preset{
		{"1", "Gate", [3]float64{-0.5, 0.25, 0}},
		{"2", "Yard", [3]float64{0.5, -0.25, 0.5}},
	}, made: 2}
}

// fullSpeed is how far velocity 1 gets in a second.
const fullSpeed = 0.5

var lowest = [3]float64{-1, -1, 0}

// now is where it looks, and whether it is on its way.
func (h *head) now(at time.Time) (place [3]float64, moving bool) {
	moving = h.speed != [3]float64{}
	if !h.until.IsZero() && at.After(h.until) {
		at, moving = h.until, false
	}
	for i := range place {
		place[i] = math.Max(lowest[i], math.Min(1, h.at[i]+h.speed[i]*at.Sub(h.since).Seconds()))
	}
	return place, moving
}

// drive has it move at a velocity, of −1 to 1 on each axis, for a while; 0 until Stop.
func (h *head) drive(velocity [3]float64, d time.Duration) {
	now := time.Now()
	h.at, _ = h.now(now)
	h.since, h.until, h.preset = now, time.Time{}, ""
	for i, v := range velocity {
		h.speed[i] = v * fullSpeed
	}
	if d > 0 {
		h.until = now.Add(d)
	}
	h.show()
}

// place has it look there at once.
func (h *head) place(at [3]float64, preset string) {
	for i := range at {
		h.at[i] = math.Max(lowest[i], math.Min(1, at[i]))
	}
	h.speed, h.until, h.preset = [3]float64{}, time.Time{}, preset
	h.show()
}

// halt stops the axes named.
func (h *head) halt(panTilt, zoom bool) {
	now := time.Now()
	h.at, _ = h.now(now)
	if !h.until.IsZero() && now.After(h.until) {
		h.speed = [3]float64{}
	}
	h.since, h.until = now, time.Time{}
	if panTilt {
		h.speed[0], h.speed[1] = 0, 0
	}
	if zoom {
		h.speed[2] = 0
	}
	h.show()
}

func (h *head) find(token string) *preset {
	for i := range h.presets {
		if h.presets[i].Token == token {
			return &h.presets[i]
		}
	}
	return nil
}

// PTZ says where it looks now.
func (d *Device) PTZ() PTZState {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, moving := d.head.now(time.Now())
	return PTZState{Pan: at[0], Tilt: at[1], Zoom: at[2], Moving: moving, Preset: d.head.preset}
}

// vector is a PanTilt and a Zoom inside an element; what is not there is absent's.
func vector(e *element, absent [3]float64) ([3]float64, *fault) {
	v := absent
	read := func(i int, text string) *fault {
		number, err := strconv.ParseFloat(text, 64)
		if err != nil || !(number >= -2 && number <= 2) {
			return invalidArgument(fmt.Sprintf("%.40q is not a number of the space", text))
		}
		v[i] = number
		return nil
	}
	if e == nil {
		return v, nil
	}
	if p := e.find("PanTilt"); p != nil {
		if failed := read(0, p.attr("x")); failed != nil {
			return v, failed
		}
		if failed := read(1, p.attr("y")); failed != nil {
			return v, failed
		}
	}
	if z := e.find("Zoom"); z != nil {
		return v, read(2, z.attr("x"))
	}
	return v, nil
}
