package camera

import (
	"cmp"
	"slices"
	"time"

	"camgate/media"
)

// Status is what a camera tells of itself, as GET /api/cameras shows it.
type Status struct {
	Name         string            `json:"name"`
	State        string            `json:"state"`            // idle, connecting, live, stale or offline
	Partly       bool              `json:"partly,omitempty"` // as in Brief
	Since        time.Time         `json:"since,omitzero"`   // when State began; a wall does not know
	Address      string            `json:"address"`
	Transport    string            `json:"transport,omitempty"` // tcp, udp or multicast
	Codec        string            `json:"codec,omitempty"`
	Audio        string            `json:"audio,omitempty"`  // codec of its sound, where there is some and it is taken
	Width        int               `json:"width,omitempty"`  // of the camera's picture, in pixels
	Height       int               `json:"height,omitempty"` // of the camera's picture, in pixels
	FPS          float64           `json:"fps"`              // access units a second, over the last seconds
	Bitrate      int               `json:"bitrate"`          // bits a second, over the last seconds
	GOP          GOP               `json:"gop"`
	LastFrameAge *float64          `json:"last_frame_age"` // seconds since the last whole access unit; null before the first
	Viewers      int               `json:"viewers"`        // of its substream too
	Renditions   []RenditionStatus `json:"renditions"`
	Received     uint64            `json:"received"`      // access units, since the start
	Decoded      uint64            `json:"decoded"`       // pictures decoded
	Encoded      uint64            `json:"encoded"`       // JPEGs made
	Transcoded   uint64            `json:"transcoded"`    // access units made for who cannot take the camera's
	Damaged      uint64            `json:"damaged"`       // access units not shown because something before them was lost
	DecodeErrors uint64            `json:"decode_errors"` // access units that libav refused
	PacketsLost  uint64            `json:"packets_lost"`  // RTP packets that never came
	Reconnects   uint64            `json:"reconnects"`
	ONVIF        *ONVIFStatus      `json:"onvif,omitempty"`      // where the camera is asked over ONVIF, and has answered
	LastError    string            `json:"last_error,omitempty"` // a sentence for the operator
	LastErrorAt  *time.Time        `json:"last_error_at,omitempty"`
}

// ONVIFStatus is what the camera says of itself.
type ONVIFStatus struct {
	Maker    string   `json:"maker,omitempty"`
	Model    string   `json:"model,omitempty"`
	Firmware string   `json:"firmware,omitempty"`
	Serial   string   `json:"serial,omitempty"`
	Host     string   `json:"host"`             // host:port where it is now
	Login    string   `json:"login,omitempty"`  // how
	Profile  string   `json:"profile"`          // whose pictures are shown; "" while there are none
	Still    bool     `json:"still"`            // single pictures are fetched, and no stream runs
	Profiles []string `json:"profiles"`         // "main, H264 1920×1080"
	PTZ      bool     `json:"ptz"`              // can be moved
	Motion   *bool    `json:"motion,omitempty"` // what its events say, where they are subscribed
	Notes    []string `json:"notes,omitempty"`  // sentences about what was odd, and mended
}

// GOP describes the camera's distance between key frames, as last seen.
type GOP struct {
	Frames  int     `json:"frames"`
	Seconds float64 `json:"seconds"`
}

// RenditionStatus describes one encode that viewers share.
type RenditionStatus struct {
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	Quality int     `json:"quality"`
	Viewers int     `json:"viewers"`
	FPS     float64 `json:"fps"` // pictures encoded a second, over the last seconds
}

// Status is a snapshot of what the camera does.
func (c *Camera) Status() Status {
	now := time.Now()
	asked := c.device.status()
	besides := 0 // who watches the substream
	if s := c.madeSubstream(); s != nil {
		besides = s.watchers()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if asked != nil && l.current != nil {
		asked.Profile, asked.Still = l.current.chosen.name, l.current.chosen.snapshot != ""
	}
	s := Status{
		ONVIF:        asked,
		Name:         c.cfg.Name,
		State:        l.state.String(),
		Since:        wallClock(l.since, now),
		Address:      c.cfg.Address.String(),
		Width:        l.width,
		Height:       l.height,
		GOP:          l.gop,
		Viewers:      c.viewers + len(c.readers) + besides,
		Renditions:   []RenditionStatus{},
		Received:     c.counts.received,
		Decoded:      c.counts.decoded,
		Encoded:      c.counts.encoded,
		Transcoded:   c.counts.transcoded,
		Damaged:      c.counts.damaged,
		DecodeErrors: c.counts.decodeErrors,
		PacketsLost:  c.counts.packetsLost,
		Reconnects:   c.counts.reconnects,
	}
	if l.info.Codec != media.UnknownCodec {
		s.Codec, s.Transport = l.info.Codec.String(), l.info.Transport
	}
	if l.current != nil && l.info.Audio.Codec != media.UnknownAudio {
		s.Audio = l.info.Audio.Codec.String()
	}
	s.FPS, s.Bitrate = c.rate.rate(now)
	if !l.lastWhole.IsZero() {
		age := now.Sub(l.lastWhole).Seconds()
		s.LastFrameAge = &age
	}
	if l.lastErr != nil {
		at := wallClock(l.lastErrAt, now)
		s.LastError, s.LastErrorAt = l.lastErr.Error(), &at
	}
	for _, shared := range c.renditions {
		if len(shared.viewers) == 0 {
			continue
		}
		r := RenditionStatus{Width: shared.wanted.Width, Height: shared.wanted.Height, Quality: shared.wanted.Quality,
			Viewers: len(shared.viewers)}
		if shared.picture != nil {
			r.Width, r.Height = shared.picture.Width, shared.picture.Height
		}
		if r.Quality == 0 {
			r.Quality = c.cfg.Quality
		}
		r.FPS, _ = shared.rate.rate(now)
		s.Renditions = append(s.Renditions, r)
	}
	slices.SortFunc(s.Renditions, func(a, b RenditionStatus) int {
		return cmp.Or(cmp.Compare(a.Width, b.Width), cmp.Compare(a.Height, b.Height), cmp.Compare(a.Quality, b.Quality))
	})
	return s
}
