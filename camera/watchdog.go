package camera

import (
	"context"
	"time"
)

// The one rule of watching: a camera is stale after max(2 s, 3 periods) without a whole
// picture, and is connected to again after max(5 s, 3 periods), where a period is the
// longest of the last 8 gaps between pictures. RTCP and keep-alive answers are not life.
const (
	staleAfter  = 2 * time.Second
	giveUpAfter = 5 * time.Second
)

// watch keeps the state true while the camera is wanted, connected or not, and ends a
// session that is silent for too long. It returns when ctx ends.
func (c *Camera) watch(ctx context.Context) {
	wait := 100 * time.Millisecond
	for {
		planned := time.Now().Add(wait)
		if !sleep(ctx, wait) {
			return
		}
		now := time.Now()
		if now.Sub(planned) > time.Second {
			// The whole machine stood still. The cameras get their chance to be heard
			// before anybody judges them.
			wait = 100 * time.Millisecond
			continue
		}
		var err error
		if wait, err = c.check(now); err != nil {
			c.endSession(err)
			wait = 100 * time.Millisecond
		}
	}
}

// endSession ends the present session, if there still is one.
func (c *Camera) endSession(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.end != nil {
		c.life.end(why)
	}
}

// check turns a camera stale or offline that is due for it, and returns when to look
// again, or the error that ends the session.
func (c *Camera) check(now time.Time) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	period := 3 * l.gaps.longest()
	stale, giveUp := max(staleAfter, period), max(giveUpAfter, period)

	unseen := now.Sub(l.lastWhole)
	next := 250 * time.Millisecond // the picture may come back any moment, and has deadlines then
	switch l.state {
	case stateConnecting:
		if waited := now.Sub(l.since); waited < giveUp {
			next = min(next, giveUp-waited)
			break
		}
		l.enter(stateOffline, now)
		l.reason = "the camera sends no picture"
		if !l.damagedSince.IsZero() {
			l.reason = "the camera's pictures cannot be decoded"
		}
		signal(c.wake)
	case stateLive:
		if unseen < stale {
			next = stale - unseen
			break
		}
		l.enter(stateStale, now)
		signal(c.wake)
		fallthrough
	case stateStale:
		if unseen < giveUp {
			next = giveUp - unseen
			break
		}
		l.enter(stateOffline, now)
		l.reason = "the camera is silent"
		signal(c.wake)
	}
	if !l.connected {
		return min(next, time.Second), nil // RTSP has time limits of its own until it plays
	}
	if silence := now.Sub(l.lastUnit); silence >= giveUp {
		if l.info.Transport == "udp" && l.gopFrames == 0 {
			l.transport = "tcp" // sound may have come, which is small, and pictures may be too large
		}
		fps, _ := c.rate.rate(l.lastUnit)
		return 0, &silentError{camera: c.cfg.Name, silence: silence, fps: fps}
	} else {
		next = min(next, giveUp-silence)
	}
	if !l.keyless.IsZero() && now.Sub(l.keyless) >= longestRemembered {
		return 0, &silentError{camera: c.cfg.Name, silence: now.Sub(l.keyless), keyless: true}
	}
	if !l.damagedSince.IsZero() {
		// Nothing can be shown before the next key frame. A new session brings one, and
		// where UDP loses so much, TCP will not. A GOP of minutes is not waited for.
		patience := max(giveUp, min(time.Duration(2*l.gop.Seconds*float64(time.Second)), longestRemembered))
		if unseen >= patience && now.Sub(l.damagedSince) >= patience {
			if l.info.Transport == "udp" {
				l.transport = "tcp"
			}
			return 0, &silentError{camera: c.cfg.Name, silence: unseen, damaged: true}
		}
	}
	return max(next, 10*time.Millisecond), nil
}
