package camera

import (
	"log/slog"
	"testing"
	"time"
	"unsafe"
)

// setSince is a time that was read so long before our clock was put forward by so much.
func setSince(t *testing.T, ago, forward time.Duration) time.Time {
	t.Helper()
	now := time.Now()
	at := now.Add(-ago)
	// The first word of a time.Time that has a monotonic reading holds the seconds of the wall
	// clock, above 30 bits of nanoseconds; the other word is the monotonic one.
	(*[2]uint64)(unsafe.Pointer(&at))[0] -= uint64(forward/time.Second) << 30
	if now.Sub(at) != ago || now.Round(0).Sub(at.Round(0)) != ago+forward {
		t.Fatal("this Go lays times out in another way: setSince is to do as it does")
	}
	return at
}

// TestTimesAreThoseOfTheClockAsItIsNow: a small box has no clock that goes on without power, and
// gets its time after the gateway has begun.
func TestTimesAreThoseOfTheClockAsItIsNow(t *testing.T) {
	const ago, forward = 90 * time.Second, 5 * time.Hour
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	at := setSince(t, ago, forward)
	c.life.state, c.life.since = stateOffline, at
	c.life.lastWhole, c.life.lastErr, c.life.lastErrAt = at, errDamaged, at
	right := time.Now().Add(-ago)
	s := c.Status()
	for name, told := range map[string]time.Time{"its state": s.Since, "its error": *s.LastErrorAt} {
		if off := told.Round(0).Sub(right.Round(0)); off.Abs() > time.Minute {
			t.Errorf("%s is said to be of %v, which is %v off", name, told, off)
		}
	}
	text := c.life.sentence()
	for _, near := range []time.Duration{-2, -1, 0, 1, 2} { // a second may have begun
		if text == "offline since "+right.Add(near*time.Second).Local().Format("15:04:05") {
			return
		}
	}
	t.Errorf("the picture says %q, want the time %v", text, right)
}

func TestTimesStandStillWhereTheClockDoes(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	before := c.Status().Since
	for range 100 {
		if got := c.Status().Since; !got.Equal(before) || got.Round(0) != before.Round(0) {
			t.Fatalf("it was since %v, and is since %v", before, got)
		}
	}
}
