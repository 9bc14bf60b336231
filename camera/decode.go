package camera

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"time"
)

var errDamaged = errors.New("libav had to make parts of a picture up, because something was missing")

// undecodable counts an access unit that could not be shown. What depends on it is not
// shown either: the picture comes back with the next key frame.
func (c *Camera) undecodable(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.counts.decodeErrors++
	c.units.skip()
	if c.life.damagedSince.IsZero() {
		c.life.damagedSince = now
	}
	c.noteBroken(fmt.Errorf("camera %q: a picture cannot be shown: %w (%d so far)", c.cfg.Name, err, c.counts.decodeErrors), now)
}

// keysSuffice is the longest distance of key frames at which a viewer of one picture a
// second is content with key frames alone.
const keysSuffice = 2500 * time.Millisecond

// wantedMode is what the present viewers need decoded: who reads what the camera sends needs
// nothing. The caller holds the mutex.
func (c *Camera) wantedMode(now time.Time) decodeMode {
	for _, t := range c.transcodes {
		if t.readers > 0 {
			return decodeAll
		}
	}
	if c.viewers == 0 {
		return decodeNothing
	}
	fastest := 0.0
	for _, shared := range c.renditions {
		for v := range shared.viewers {
			if v.fps <= 0 {
				return decodeAll
			}
			fastest = max(fastest, v.fps)
		}
	}
	distance := c.life.keyDistance(now)
	if distance <= 0 || c.life.heldBack {
		return decodeAll
	}
	if fastest*distance <= 1.1 || fastest <= 1 && distance <= keysSuffice.Seconds() {
		return decodeKeys
	}
	return decodeAll
}

// jpegSize reads a JPEG's size from its header, in pixels.
func jpegSize(data []byte) (width, height int, err error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, 0, fmt.Errorf("the camera's JPEG is broken: %w", err)
	}
	return c.Width, c.Height, nil
}
