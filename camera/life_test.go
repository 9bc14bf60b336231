package camera

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"camgate/camera/source"
)

// TestACameraThatStartsAgainIsTriedSoon: most answer with errors at first. That it was away
// for hours before is no row of failures.
func TestACameraThatStartsAgainIsTriedSoon(t *testing.T) {
	busy := errors.New("it is too busy")
	refused := fmt.Errorf("x: %w", source.ErrUnauthorized)
	began := time.Now()
	var failures row
	for n, one := range []struct {
		at             time.Duration // of the session's end; it began a second before
		err            error
		pictures, gone bool
		want           time.Duration
	}{
		{0, busy, true, false, retrySoon}, // the power is cut
		{time.Hour, busy, false, true, retrySoon},
		{time.Hour + 30*time.Second, busy, false, false, retrySoon},
		{time.Hour + 61*time.Second, busy, false, false, retryLater},
		{time.Hour + 70*time.Second, busy, false, true, retrySoon},
		{time.Hour + 2*time.Minute, refused, false, false, 0},
		{time.Hour + 3*time.Minute, busy, false, false, retryLater},
		{time.Hour + 4*time.Minute, busy, true, false, retrySoon},
	} {
		now := began.Add(one.at)
		if got := failures.pause(one.err, now.Add(-time.Second), now, one.pictures, one.gone); got != one.want {
			t.Errorf("session %d: a pause of %v, want %v", n, got, one.want)
		}
	}
	if got := failures.pause(busy, began, began.Add(5*time.Hour), true, false); got != 0 {
		t.Errorf("after an hour of pictures: a pause of %v", got)
	}
}

func TestDialsThatFailAreCounted(t *testing.T) {
	c := onvifCamera(t, "rtsp://127.0.0.1:1/x", nil)
	ctx, cancel := context.WithCancel(within(t, 40*time.Second))
	failed := make(chan struct{})
	go func() {
		defer close(failed)
		for changed := c.Changed(); c.Brief().State != "offline"; changed = c.Changed() {
			select {
			case <-changed:
			case <-time.After(10 * time.Millisecond): // it changed between the two
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	if _, err := c.dial(ctx, "127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("the dial ends with %v", err)
	}
	<-failed
	if c.unreached() == 0 {
		t.Error("nobody knows that it could not be reached")
	}
}
