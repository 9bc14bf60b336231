package camera

import (
	"context"
	"time"

	"camgate/onvif"
)

const (
	// askKeyEvery is how often a camera is asked for a key frame at most: each is large, and
	// all who watch get it.
	askKeyEvery = time.Second

	askKeyTimeout = 2 * time.Second
)

// RequestKeyFrame asks the camera for a key frame now, for all who read: by RTCP, in the
// session that brings its pictures (picture loss indication, RFC 4585 section 6.3.1), and
// over ONVIF, where it is asked over that (SetSynchronizationPoint, Media specification,
// section 5.17). What is transcoded begins anew in any case. It returns at once, and does
// nothing if less than a second has passed since the last time. Cameras may ignore it.
func (c *Camera) RequestKeyFrame() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.keyAsked) < askKeyEvery {
		return
	}
	c.keyAsked = now
	for _, t := range c.transcodes {
		t.keyWanted = true
	}
	if c.life.current != nil && c.life.connected {
		c.askForKey(c.life.current)
	}
}

// askForKey asks the camera for a key frame in a session; the caller holds the mutex.
func (c *Camera) askForKey(s *session) {
	signal(s.keyframes)
	asked := c.asked()
	if asked == nil || s.chosen.snapshot != "" {
		return
	}
	select {
	case <-c.ended:
		return // Run waits for nothing new
	default:
	}
	if client, profile, known := asked.profileOf(s.chosen.token); known {
		c.tasks.Go(func() { c.synchronize(client, profile) })
	}
}

// synchronize asks over ONVIF for a key frame.
func (c *Camera) synchronize(client *onvif.Client, profile onvif.Profile) {
	ctx, cancel := context.WithTimeout(context.Background(), askKeyTimeout)
	defer cancel()
	defer context.AfterFunc(c.runs, cancel)()
	if err := client.SynchronizationPoint(ctx, profile); err != nil {
		c.log.Debug("the camera was asked for a key frame", "answer", err)
	}
}

// profileOf is a profile, by its token, and who asks the camera about it.
func (d *device) profileOf(token string) (*onvif.Client, onvif.Profile, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.streams {
		if s.Token == token && d.client != nil {
			return d.client, s.Profile, true
		}
	}
	return nil, onvif.Profile{}, false
}
