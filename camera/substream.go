package camera

import (
	"context"
	"fmt"
	"net"
	"strings"

	"camgate/camera/source"
	"camgate/media"
)

// smallEnough is the size of a substream that is still worth looking at, in pixels; a
// smaller one is taken only where there is no other.
const smallEnough = 320 * 180

// Substream is the camera's smaller stream as a camera of its own, for who cannot carry the
// large one; nil where none is known. It runs as long as the camera itself does, and
// connects when somebody watches it. An ONVIF camera's is known once it was asked for its
// streams.
func (c *Camera) Substream() *Camera {
	configured := c.cfg.Substream != (source.Address{})
	if !configured && (c.device == nil || !c.device.hasSmaller()) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.smaller != nil {
		return c.smaller
	}
	if c.runs.Err() != nil {
		return nil
	}
	cfg := c.cfg
	cfg.Name += " (substream)"
	cfg.OnDemand, cfg.Events = true, false
	cfg.Substream = source.Address{}
	if configured {
		cfg.Address = c.cfg.Substream
		if sameHost(cfg.Address, c.cfg.Address) {
			cfg.Address = cfg.Address.WithLogin(c.cfg.Address) // where it names none itself
		}
	}
	c.smaller = newCamera(cfg, c.log)
	c.smaller.log = c.log.With("stream", "smaller")
	c.smaller.cfg.Source.Log = c.smaller.log
	if configured {
		c.smaller.device = newDevice(c.smaller.cfg, c.smaller.log)
	} else {
		c.smaller.parent = c
	}
	if c.start != nil {
		c.start(c.smaller.runBeside)
	}
	return c.smaller
}

// madeSubstream is the substream if somebody has asked for it; else nil.
func (c *Camera) madeSubstream() *Camera {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.smaller
}

// sameHost says whether two addresses are of one host, at whichever ports.
func sameHost(a, b source.Address) bool {
	one, _, err := net.SplitHostPort(a.Host())
	other, _, err2 := net.SplitHostPort(b.Host())
	return err == nil && err2 == nil && strings.EqualFold(one, other)
}

// runBeside is Run for a substream: its camera's Run waits for it.
func (c *Camera) runBeside(ctx context.Context) {
	c.Run(ctx) //nolint:errcheck // it is ctx's
}

// asked is who knows the camera's profiles; nil where nobody is asked.
func (c *Camera) asked() *device {
	if c.parent != nil {
		return c.parent.device
	}
	return c.device
}

// chooseSmaller says where the substream's pictures come from.
func (c *Camera) chooseSmaller(ctx context.Context) (choice, error) {
	streams, err := c.device.offered(ctx)
	if err != nil {
		return choice{}, err
	}
	s, found := smallest(streams)
	if !found {
		return choice{}, fmt.Errorf("camera %q: it has no smaller stream any more: %w", c.cfg.Name, source.ErrNoVideo)
	}
	return choice{name: s.Name, token: s.Token, address: s.address, pixels: s.Width * s.Height}, nil
}

func (d *device) hasSmaller() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, found := smallest(d.streams)
	return found
}

// smallest of the H.264 streams that have fewer pixels than the largest stream: the smallest
// that is worth looking at, or else the largest of the others.
func smallest(streams []stream) (stream, bool) {
	most := 0
	for _, s := range streams {
		most = max(most, s.Width*s.Height)
	}
	var best stream
	found := false
	for _, s := range streams {
		pixels, had := s.Width*s.Height, best.Width*best.Height
		if pixels <= 0 || pixels >= most || codecNamed(s.Codec) != media.H264 {
			continue
		}
		if !found || had < smallEnough && pixels > had || pixels >= smallEnough && pixels < had {
			best, found = s, true
		}
	}
	return best, found
}
