package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"camgate/camera/source"
	"camgate/media"
	"camgate/onvif"
)

// state is where a camera's life stands.
type state uint8

const (
	stateIdle       state = iota // nobody watches
	stateConnecting              // wanted, no picture yet, nothing has failed yet
	stateLive
	stateStale   // was live, no whole picture for a while
	stateOffline // cannot be reached, or is silent for long
)

func (s state) String() string {
	return [...]string{"idle", "connecting", "live", "stale", "offline"}[s]
}

// life is what the life knows and others read. The camera's mutex guards it.
type life struct {
	state  state
	since  time.Time // when state began
	reason string    // why there is no picture, in a few words for the picture itself

	changed chan struct{} // closed when state changes; nil: nobody has asked

	lastErr        error
	lastErrAt      time.Time
	brokenLoggedAt time.Time
	logged         []logLine // the last different ones
	denied         time.Time // no try before: the camera refused the password

	info         source.Info
	transport    string                  // learned: what to use instead of "auto"
	session      uint64                  // counts sessions: each has its own decoder
	current      *session                // whose pictures are shown; nil while there is none
	end          context.CancelCauseFunc // ends the session; nil while there is none
	connected    bool
	unreached    uint64    // dials that failed
	silent       bool      // the last session was ended by the watchdog, and nothing failed since
	lastUnit     time.Time // a sign of life: an access unit, damaged or not
	lastArrival  time.Time // of an access unit
	lastWhole    time.Time // an access unit that could be shown
	damagedSince time.Time // zero while nothing is missing
	keyless      time.Time // since when the session brings pictures without a key frame; zero: it has brought one, or nothing
	unproven     bool      // the newest key frame is to be decoded, and was not found good yet
	heldBack     bool      // the session's key frames do not show their picture at once
	gaps         gaps
	gop          GOP
	gopBegan     time.Time
	gopFrames    int

	width, height int    // of the newest picture, in the camera's pixels
	sequence      uint64 // of the newest picture, given out or not
	frame         uint64 // sequence of the newest decoded frame
}

// enter changes the state; the caller holds the mutex.
func (l *life) enter(s state, now time.Time) bool {
	if l.state == s {
		return false
	}
	l.state, l.since = s, now
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return true
}

// pictureState is what a picture shown now is worth.
func (l *life) pictureState() media.State {
	switch l.state {
	case stateLive:
		return media.Live
	case stateStale:
		return media.Stale
	}
	return media.Offline
}

// longestRemembered bounds what a silence of the camera does to the watchdog.
const longestRemembered = 20 * time.Second

// arrived notes the time and kind of an access unit.
func (l *life) arrived(au *media.AccessUnit) {
	now := au.Received
	if !l.lastArrival.IsZero() && (l.gopFrames > 0 || l.silent) {
		l.gaps.add(min(now.Sub(l.lastArrival), longestRemembered))
	}
	l.silent = false
	l.lastUnit, l.lastArrival = now, now
	if au.Key {
		if !l.gopBegan.IsZero() {
			l.gop = GOP{Frames: l.gopFrames, Seconds: now.Sub(l.gopBegan).Seconds()}
		}
		l.gopBegan, l.gopFrames = now, 0
	}
	l.gopFrames++
}

// keyOverdue says that the next key frame is a quarter later than the last one was. Cameras
// with a "smart" codec make a GOP as long as they like.
func (l *life) keyOverdue(now time.Time) bool {
	return !l.gopBegan.IsZero() && now.Sub(l.gopBegan).Seconds() > 1.25*l.gop.Seconds
}

// keyDistance is how far apart key frames are, in seconds: as last seen, or as long as an
// overdue one has been waited for; 0 before the second.
func (l *life) keyDistance(now time.Time) float64 {
	if l.gop.Seconds > 0 && l.keyOverdue(now) {
		return now.Sub(l.gopBegan).Seconds()
	}
	return l.gop.Seconds
}

// enter changes the state. err, where the state is a bad one, is why.
func (c *Camera) enter(s state, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if err != nil {
		c.life.reason = reasonOf(err)
		c.note(err, now)
	}
	if s == stateConnecting {
		c.life.reason = ""
	}
	if c.life.enter(s, now) {
		c.log.Debug("state", "state", s.String())
	}
	signal(c.wake)
}

// whole notes that a picture could be shown at now; the caller holds the mutex.
func (c *Camera) whole(now time.Time) {
	c.life.lastWhole = now
	if c.life.state == stateLive {
		return
	}
	if c.life.state == stateStale || c.life.state == stateOffline {
		c.log.Info("picture is back", "after", now.Sub(c.life.since).Round(time.Millisecond))
	}
	c.life.reason = ""
	c.life.enter(stateLive, now)
}

// disconnected notes the end of an RTSP session.
func (c *Camera) disconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.connected = false
	c.life.current = nil
	c.forgetUnits() // nothing of it is live any more, whoever asks next
	c.life.gopBegan, c.life.gopFrames, c.life.keyless = time.Time{}, 0, time.Time{}
	c.counts.reconnects++
	if c.life.state == stateLive {
		c.life.enter(stateStale, time.Now())
	}
	signal(c.wake)
}

// unreachable notes a failed dial.
func (c *Camera) unreachable(err error) {
	c.mu.Lock()
	c.life.silent = false
	c.life.unreached++
	c.mu.Unlock()
	c.enter(stateOffline, err)
}

// report notes why an RTSP session ended.
func (c *Camera) report(err error) {
	c.mu.Lock()
	silent := new(silentError)
	c.life.silent = errors.As(err, &silent)
	if denied(err) {
		c.life.denied = time.Now().Add(retryAfterDenied)
	}
	s := c.life.state
	c.mu.Unlock()
	if s == stateConnecting || denied(err) {
		s = stateOffline
	}
	c.enter(s, err)
}

// note keeps an error for the API, and logs it unless the same was logged less than a
// minute ago. The caller holds the mutex.
func (c *Camera) note(err error, now time.Time) {
	c.life.lastErr, c.life.lastErrAt = err, now
	text := err.Error()
	l := &c.life
	at := slices.IndexFunc(l.logged, func(line logLine) bool { return line.text == text })
	switch {
	case at >= 0 && now.Sub(l.logged[at].at) < time.Minute:
		return
	case at >= 0:
		l.logged = slices.Delete(l.logged, at, at+1)
	case len(l.logged) == keptLogged:
		l.logged = slices.Delete(l.logged, 0, 1)
	}
	l.logged = append(l.logged, logLine{text, now})
	c.log.Warn(text)
}

// A logLine is an error that was logged, and when.
type logLine struct {
	text string
	at   time.Time
}

// keptLogged is how many different errors of a camera are known to have been logged: those of
// one that is away take turns.
const keptLogged = 4

// noteBroken keeps what is wrong with the camera's pictures, and logs one such line a
// minute: a broken stream breaks in a different way with each of them. The caller holds
// the mutex.
func (c *Camera) noteBroken(err error, now time.Time) {
	c.life.lastErr, c.life.lastErrAt = err, now
	if now.Sub(c.life.brokenLoggedAt) < time.Minute {
		return
	}
	c.life.brokenLoggedAt = now
	c.log.Warn(err.Error())
}

// reasonOf is what stands in a picture: short, and nothing that a passer-by must not
// know.
func reasonOf(err error) string {
	switch {
	case denied(err):
		return "the camera refuses the password"
	case errors.Is(err, source.ErrNoVideo):
		return "the camera offers no video"
	}
	return "the camera does not answer"
}

// denied says that the camera refused user or password.
func denied(err error) bool {
	return errors.Is(err, source.ErrUnauthorized) || errors.Is(err, onvif.ErrNotAuthorized) || errors.Is(err, onvif.ErrLocked)
}

func (c *Camera) deniedUntil() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.denied
}

// pictures counts access units received so far.
func (c *Camera) pictures() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts.received
}

// unreached counts the dials that have failed so far.
func (c *Camera) unreached() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.unreached
}

// transport is the one to use for the next session.
func (c *Camera) transport() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.transport != "" && (c.cfg.Source.Transport == "" || c.cfg.Source.Transport == "auto") {
		return c.life.transport
	}
	return c.cfg.Source.Transport
}

// framePeriod is the mean distance between the camera's pictures.
func (c *Camera) framePeriod() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	fps, _ := c.rate.rate(time.Now())
	if fps <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / fps)
}

// silentError ends a session that brings no pictures.
type silentError struct {
	camera  string
	silence time.Duration
	fps     float64 // before
	damaged bool
	keyless bool
}

func (e *silentError) Error() string {
	if e.damaged {
		return fmt.Sprintf("camera %q: no whole picture for %.1f s, only damaged ones (the network loses packets, or the camera sends nonsense): connecting again",
			e.camera, e.silence.Seconds())
	}
	if e.keyless {
		return fmt.Sprintf("camera %q: no key frame for %.0f s, and nothing can be shown before one: connecting again; a shorter distance of key frames (GOP, I frame interval) in the camera is better",
			e.camera, e.silence.Seconds())
	}
	if e.fps == 0 {
		return fmt.Sprintf("camera %q: no picture for %.1f s although the connection is up: connecting again",
			e.camera, e.silence.Seconds())
	}
	return fmt.Sprintf("camera %q: no picture for %.1f s although the connection is up (%.3g fps before): connecting again",
		e.camera, e.silence.Seconds(), e.fps)
}
