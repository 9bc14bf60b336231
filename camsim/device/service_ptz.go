package device

import (
	"fmt"
	"math"
	"time"
)

// turning runs an order to the head of an existing profile.
func turning(order func(c *call, h *head) *fault) func(*call) (any, *fault) {
	return func(c *call) (any, *fault) {
		if _, failed := c.camera(); failed != nil {
			return nil, failed
		}
		c.d.mu.Lock()
		defer c.d.mu.Unlock()
		return nil, order(c, &c.d.head)
	}
}

func continuousMove(c *call, h *head) *fault {
	velocity, failed := vector(c.body.find("Velocity"), [3]float64{})
	if failed != nil {
		return failed
	}
	for _, v := range velocity {
		if math.Abs(v) > 1 {
			return senderFault("The velocity is outside its space, -1 to 1", "ter:InvalidArgVal", "ter:InvalidVelocity")
		}
	}
	timeout := time.Duration(0)
	if text := c.body.value("Timeout"); text != "" {
		var ok bool
		if timeout, ok = parseDuration(text); !ok || timeout < 0 {
			return invalidArgument(fmt.Sprintf("Timeout %.40q", text))
		}
	}
	h.drive(velocity, timeout)
	return nil
}

func absoluteMove(c *call, h *head) *fault {
	now, _ := h.now(time.Now())
	to, failed := vector(c.body.find("Position"), now)
	if failed != nil {
		return failed
	}
	return move(h, to)
}

func relativeMove(c *call, h *head) *fault {
	by, failed := vector(c.body.find("Translation"), [3]float64{})
	if failed != nil {
		return failed
	}
	now, _ := h.now(time.Now())
	for i := range now { // it goes as far as it can
		now[i] = math.Max(lowest[i], math.Min(1, now[i]+by[i]))
	}
	return move(h, now)
}

func move(h *head, to [3]float64) *fault {
	for i, v := range to {
		if v < lowest[i] || v > 1 {
			return senderFault("The position is outside its space", "ter:InvalidArgVal", "ter:InvalidPosition")
		}
	}
	h.place(to, "")
	return nil
}

func stopMove(c *call, h *head) *fault {
	panTilt, zoom := c.body.value("PanTilt"), c.body.value("Zoom")
	neither := panTilt == "" && zoom == "" // stops both (PTZ service section 5.3.5)
	h.halt(neither || panTilt == "true" || panTilt == "1", neither || zoom == "true" || zoom == "1")
	return nil
}

func gotoPreset(c *call, h *head) *fault {
	p := h.find(c.body.value("PresetToken"))
	if p == nil {
		return senderFault("The requested preset token does not exist", "ter:InvalidArgVal", "ter:NoToken")
	}
	h.place(p.at, p.Token)
	return nil
}

// setPreset keeps where it looks now.
func (c *call) setPreset() (any, *fault) {
	if _, failed := c.camera(); failed != nil {
		return nil, failed
	}
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	h := &c.d.head
	token, name := c.body.value("PresetToken"), c.body.value("PresetName")
	if len(name) > 64 {
		return nil, senderFault("The preset's name is too long", "ter:InvalidArgVal", "ter:InvalidPresetName")
	}
	at, _ := h.now(time.Now())
	if token != "" {
		p := h.find(token)
		if p == nil {
			return nil, senderFault("The requested preset token does not exist", "ter:InvalidArgVal", "ter:NoToken")
		}
		p.at = at
		if name != "" {
			p.Name = name
		}
		return token, nil
	}
	if len(h.presets) >= maxPresets {
		return nil, receiverFault("The maximum number of presets is reached", "ter:Action", "ter:TooManyPresets")
	}
	h.made++
	token = fmt.Sprint(h.made)
	if name == "" {
		name = "Preset " + token
	}
	h.presets = append(h.presets, preset{token, name, at})
	return token, nil
}

func (c *call) presets() (any, *fault) {
	if _, failed := c.camera(); failed != nil {
		return nil, failed
	}
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	return append([]preset(nil), c.d.head.presets...), nil
}

func (c *call) ptzStatus() (any, *fault) {
	if _, failed := c.camera(); failed != nil {
		return nil, failed
	}
	data := struct {
		PTZState
		PanTilt, ZoomStatus, Time string
	}{c.d.PTZ(), "IDLE", "IDLE", c.d.now().Format("2006-01-02T15:04:05Z")}
	if data.Moving {
		data.PanTilt, data.ZoomStatus = "MOVING", "MOVING"
	}
	return data, nil
}

func (c *call) ptzNode() (any, *fault) {
	if token := c.body.value("NodeToken"); token != "PTZNode_1" {
		return nil, senderFault("The requested PTZ node does not exist", "ter:InvalidArgVal", "ter:NoEntity")
	}
	return maxPresets, nil
}
