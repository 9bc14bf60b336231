package webrtc

import (
	"testing"
	"time"
)

func TestTimestampsFollowTheCameraWhereItIsSane(t *testing.T) {
	begin := time.Now()
	step := 40 * time.Millisecond
	for _, c := range []struct {
		what string
		pts  func(int) time.Duration
		// most is how far a timestamp may be from arrival, and step by how much it grows.
		most, least, largest time.Duration
	}{
		{"sane", func(i int) time.Duration { return time.Duration(i) * step }, 50 * time.Millisecond, 39 * time.Millisecond, 41 * time.Millisecond},
		{"0.1 % fast", func(i int) time.Duration { return time.Duration(i) * step * 1001 / 1000 }, 100 * time.Millisecond, 39 * time.Millisecond, 41 * time.Millisecond},
		{"jumps by an hour", func(i int) time.Duration { return time.Duration(i)*step + time.Duration(i/500)*time.Hour }, tooFar, leastStep, 100 * time.Millisecond},
		{"stands still", func(int) time.Duration { return 0 }, tooFar, leastStep, 100 * time.Millisecond},
		{"runs back", func(i int) time.Duration { return -time.Duration(i) * step }, tooFar, leastStep, 100 * time.Millisecond},
		{"twice as fast", func(i int) time.Duration { return time.Duration(i) * step * 2 }, tooFar + step, leastStep, 100 * time.Millisecond},
	} {
		clock := pictureClock{began: begin, offset: 1<<32 - 1000} // wraps soon
		before := clock.offset
		for i := range 5000 {
			// Arrival is uneven by 20 ms.
			at := begin.Add(time.Duration(i)*step + time.Duration(i*7%20)*time.Millisecond)
			ts := clock.stamp(c.pts(i), at, at, false)
			grown := time.Duration(int32(ts-before)) * time.Second / videoRate
			before = ts
			off := time.Duration(int64(clock.out) - int64(at.Sub(begin)))
			if off.Abs() > c.most {
				t.Errorf("%s: picture %d is %v off", c.what, i, off)
				break
			}
			if i > 0 && (grown < c.least-time.Millisecond/10 || grown > c.largest) {
				t.Errorf("%s: at picture %d the timestamp grows by %v", c.what, i, grown)
				break
			}
		}
	}
}

func TestTimestampsOfCatchingUpAreWhenPicturesAreSent(t *testing.T) {
	now := time.Now()
	clock := pictureClock{began: now}
	old := now.Add(-2 * time.Second)
	for i := range 50 {
		at := now.Add(time.Duration(i) * 8 * time.Millisecond)
		ts := clock.stamp(time.Duration(i)*40*time.Millisecond, old.Add(time.Duration(i)*40*time.Millisecond), at, true)
		if want := uint32(ticks(at.Sub(now), videoRate)); ts < want || ts > want+videoRate/1000 {
			t.Fatalf("picture %d: %d, want %d", i, ts, want)
		}
	}
	// A report says when what arrives now would be shown.
	live := now.Add(420 * time.Millisecond)
	ts := clock.stamp(2*time.Second, live, live, false)
	if later := clock.at(live.Add(time.Second)) - ts; later != videoRate {
		t.Errorf("a second later is %d ticks later", later)
	}
}

func TestSoundGoesOnSampleAfterSample(t *testing.T) {
	now := time.Now()
	clock := soundClock{rate: 8000}
	for i := range 100 {
		ts, gap := clock.stamp(160, now.Add(time.Duration(i)*20*time.Millisecond+time.Duration(i*13%15)*time.Millisecond))
		if ts != uint32(i*160) || gap {
			t.Fatalf("frame %d: %d, gap %v", i, ts, gap)
		}
	}
	if ts, gap := clock.stamp(160, now.Add(10*time.Second)); !gap || ts != 80000 {
		t.Errorf("after 8 s of silence: %d, gap %v", ts, gap)
	}
}

func TestTicksDoNotOverflow(t *testing.T) {
	if got := ticks(10000*time.Hour, 48000); got != 10000*3600*48000 {
		t.Errorf("%d", got)
	}
}
