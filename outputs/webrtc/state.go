package webrtc

import (
	"context"
	"encoding/json"
	"math"
	"time"

	pion "github.com/pion/webrtc/v4"
)

const (
	// channelLabel names the data channel on which a browser is told the camera's state.
	// WebRTC shows the last picture of a camera that is away as if it were live; a page
	// that wants to know listens here.
	channelLabel = "camgate"

	tellEvery    = time.Second
	mostChannels = 8
	mostUnsent   = 16 << 10 // bytes in a data channel; then messages are left out
)

// told is one message on the data channel.
type told struct {
	Type       string  `json:"type"` // state
	Camera     string  `json:"camera"`
	State      string  `json:"state"`
	Age        float64 `json:"age"` // seconds since the newest picture arrived
	Error      string  `json:"error"`
	Stream     string  `json:"stream"` // main or sub
	Transcoded bool    `json:"transcoded"`
	Codec      string  `json:"codec"`
}

// channel takes a data channel that the browser has opened.
func (one *session) channel(c *pion.DataChannel) {
	one.mu.Lock()
	one.channels++
	n := one.channels
	one.mu.Unlock()
	if n > mostChannels {
		one.cancel(errTooMany)
		return
	}
	if c.Label() != channelLabel {
		return
	}
	c.OnOpen(func() {
		one.spawn("state", func() error { return one.tell(c) })
	})
}

// tell sends the camera's state: now, on each change, and once a second.
func (one *session) tell(c *pion.DataChannel) error {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		changed := one.changed()
		message, err := json.Marshal(one.state())
		if err != nil {
			return err
		}
		if c.BufferedAmount() < mostUnsent {
			if err := c.SendText(string(message)); err != nil {
				return nil // it has been closed; pictures go on
			}
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-one.ctx.Done():
			return context.Cause(one.ctx)
		}
	}
}

// shown is whose pictures are sent: the camera, or its smaller stream.
func (one *session) shown() source {
	one.mu.Lock()
	substream := one.substream
	one.mu.Unlock()
	if substream {
		if sub := one.camera.substream(); sub != nil {
			return sub
		}
	}
	return one.camera
}

// changed is closed when state is another than now. Whoever waits asks for it before state.
func (one *session) changed() <-chan struct{} { return one.shown().Changed() }

func (one *session) state() told {
	one.mu.Lock()
	substream, format := one.substream, one.format
	one.mu.Unlock()
	b := one.shown().Brief()
	t := told{
		Type: "state", Camera: one.camera.Name(), State: b.State, Error: b.LastError,
		Age: math.Round(b.Age.Seconds()*1000) / 1000, Stream: "main", Transcoded: format.Transcoded, Codec: format.Codec.String(),
	}
	if substream {
		t.Stream = "sub"
	}
	if t.State == "idle" {
		t.State = "connecting" // somebody watches: it is about to
	}
	return t
}
