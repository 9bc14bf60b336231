package camera

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// played is a session whose source is the test.
type played struct {
	*session
	stopped atomic.Bool
}

func play(c *Camera, name string, waiting bool) *played {
	p := &played{session: newSession(c, choice{name: name, token: name}, waiting)}
	p.stop = func() {
		if !p.stopped.Swap(true) {
			p.end(context.Canceled)
		}
	}
	p.Playing(source.Info{Codec: media.H264, Transport: "tcp"})
	return p
}

// end is what the source says when it ends.
func (p *played) end(err error) {
	select {
	case p.ended <- err:
	default: // it has ended before
	}
}

func (p *played) unit(key bool) {
	p.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: key, Received: time.Now()})
}

// current is whose pictures are shown.
func current(c *Camera) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.current == nil {
		return ""
	}
	return c.life.current.chosen.name
}

func two(t *testing.T) (*Camera, *played, *played) {
	t.Helper()
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	now := play(c, "now", false)
	now.unit(true)
	return c, now, play(c, "next", true)
}

// awaiting runs await, and returns its error.
func awaiting(c *Camera, now, next *played, within time.Duration) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.await(now.session, next.session, within) }()
	return done
}

func result(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the change of profile does not end")
		return nil
	}
}

func TestTheNextProfileTakesOverWithItsFirstKeyFrame(t *testing.T) {
	c, now, next := two(t)
	done := awaiting(c, now, next, time.Minute)
	next.unit(false)
	now.unit(false)
	if got := current(c); got != "now" || now.stopped.Load() {
		t.Fatalf("before the key frame the pictures are of %q, and the old session is stopped: %v", got, now.stopped.Load())
	}
	next.unit(true)
	if got := current(c); got != "next" {
		t.Fatalf("with the key frame the pictures are of %q", got)
	}
	if err := result(t, done); err != nil {
		t.Errorf("the change fails: %v", err)
	}
	if !now.stopped.Load() || next.stopped.Load() {
		t.Errorf("stopped: the old %v, the new %v", now.stopped.Load(), next.stopped.Load())
	}
	before := c.Status().Received
	now.unit(true)
	now.Damaged(7, nil)
	if s := c.Status(); s.Received != before || s.PacketsLost != 0 || current(c) != "next" {
		t.Error("what the old session still brings is taken")
	}
}

func TestASessionThatIsOverDoesNotComeBack(t *testing.T) {
	c, now, next := two(t)
	next.unit(true)
	now.Playing(source.Info{Codec: media.H264, Transport: "tcp"}) // it fell back from UDP
	next.unit(false)
	if got := current(c); got != "next" || next.over {
		t.Errorf("the pictures are of %q", got)
	}
}

func TestASessionMayPlayTwice(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	s := play(c, "now", false)
	s.Playing(source.Info{Codec: media.H264, Transport: "tcp"})
	s.unit(true)
	if got := c.Status(); current(c) != "now" || got.Transport != "tcp" || got.Received != 1 {
		t.Errorf("the pictures are of %q: %+v", current(c), got)
	}
	next := play(c, "next", true)
	next.Playing(source.Info{Codec: media.H264, Transport: "tcp"})
	if current(c) != "now" {
		t.Error("it takes over without a key frame")
	}
	next.unit(true)
	if current(c) != "next" {
		t.Error("it does not take over")
	}
}

func TestAChangeThatFailsLeavesThePicture(t *testing.T) {
	broken := errors.New("it has no such stream")
	for _, one := range []struct {
		name   string
		within time.Duration
		happen func(now, next *played)
		ended  bool // neither session is any more
		want   string
	}{
		{"the next one ends", time.Minute, func(_, next *played) { next.end(broken) }, false, "now"},
		{"it never brings a key frame", time.Millisecond, func(_, next *played) { next.unit(false) }, false, "now"},
		{"both end", time.Minute, func(now, next *played) { now.end(broken); next.end(broken) }, true, "now"},
		{"the next one ends with its key frame", time.Minute, func(_, next *played) { next.unit(true); next.end(broken) }, true, "next"},
	} {
		t.Run(one.name, func(t *testing.T) {
			c, now, next := two(t)
			one.happen(now, next)
			done := awaiting(c, now, next, one.within)
			err := result(t, done)
			if one.name == "the next one ends with its key frame" && err == nil {
				next.end(broken) // which of the two was heard first is chance; the owner hears the other
				return
			}
			if err == nil || errors.Is(err, errEnded) != one.ended {
				t.Errorf("the error is %v", err)
			}
			if got := current(c); got != one.want {
				t.Errorf("the pictures are of %q, want %q", got, one.want)
			}
			if !one.ended && now.stopped.Load() || !next.stopped.Load() {
				t.Errorf("stopped: the old %v, the new %v", now.stopped.Load(), next.stopped.Load())
			}
		})
	}
}

// TestACameraThatAllowsOneStreamChangesToo: it ends the old one by itself.
func TestACameraThatAllowsOneStreamChangesToo(t *testing.T) {
	c, now, next := two(t)
	done := awaiting(c, now, next, time.Minute)
	now.end(errors.New("it ended the stream"))
	next.unit(true)
	if err := result(t, done); err != nil || current(c) != "next" || next.stopped.Load() {
		t.Errorf("the change gives %v, and the pictures are of %q", err, current(c))
	}
}

func TestAChangeEndsWithTheCamera(t *testing.T) {
	c, now, next := two(t)
	done := awaiting(c, now, next, time.Minute)
	now.end(context.Canceled)
	next.end(context.Canceled)
	if err := result(t, done); !errors.Is(err, errEnded) {
		t.Errorf("the error is %v", err)
	}
}

func TestASmallerProfileMayWait(t *testing.T) {
	large, small := choice{pixels: 1920 * 1080}, choice{pixels: 640 * 360}
	still := choice{pixels: 1920 * 1080, snapshot: "http://h/s"}
	for _, one := range []struct {
		name      string
		next, now choice
		want      bool
	}{
		{"a smaller stream", small, large, true},
		{"a larger stream", large, small, false},
		{"single pictures in place of a stream", still, large, true},
		{"a stream in place of single pictures", small, still, false},
	} {
		if got := one.next.smaller(one.now); got != one.want {
			t.Errorf("%s may wait: %v", one.name, got)
		}
	}
}
