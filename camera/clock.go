package camera

import "time"

// wallClock is t, which was read before now, as our clock has it now: that may have been set
// since. Small boxes have none that goes on without power, and get their time late. Less than a
// second is no setting, and t stays what it was.
func wallClock(t, now time.Time) time.Time {
	is := now.Add(-now.Sub(t))
	if t.IsZero() || is.Round(0).Sub(t.Round(0)).Abs() < time.Second {
		return t
	}
	return is
}
