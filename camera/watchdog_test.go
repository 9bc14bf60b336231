package camera

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// watched is a camera that has been streaming at the given period, until now.
func watched(t *testing.T, period time.Duration) (c *Camera, now time.Time) {
	t.Helper()
	c = New(Config{Name: "yard", OnDemand: true}, slog.New(slog.DiscardHandler))
	now = time.Now()
	s := newSession(c, choice{}, false)
	s.Playing(source.Info{Codec: media.H264, Transport: "udp"})
	for n := range 12 {
		s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: n == 0, Received: now})
		now = now.Add(period)
	}
	return c, now.Add(-period)
}

func TestSilentCameraIsStaleThenOfflineThenConnectedAgain(t *testing.T) {
	for _, c := range []struct {
		name           string
		period         time.Duration
		stale, offline time.Duration
	}{
		{"25 pictures a second", 40 * time.Millisecond, 2 * time.Second, 5 * time.Second},
		{"one a second", time.Second, 3 * time.Second, 5 * time.Second},
		{"one in ten seconds", 10 * time.Second, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			cam, last := watched(t, c.period)
			at := func(d time.Duration) (string, error) {
				_, err := cam.check(last.Add(d))
				return cam.life.state.String(), err
			}
			if s, err := at(c.stale - time.Millisecond); s != "live" || err != nil {
				t.Errorf("just before %v: %s, %v", c.stale, s, err)
			}
			if c.stale < c.offline {
				if s, err := at(c.stale); s != "stale" || err != nil {
					t.Errorf("after %v: %s, %v", c.stale, s, err)
				}
				if s, err := at(c.offline - time.Millisecond); s != "stale" || err != nil {
					t.Errorf("just before %v: %s, %v", c.offline, s, err)
				}
			}
			s, err := at(c.offline)
			if silent := new(silentError); s != "offline" || !errors.As(err, &silent) || !strings.Contains(err.Error(), `camera "yard": no picture for`) {
				t.Errorf("after %v: %s, %v", c.offline, s, err)
			}
		})
	}
}

func TestNextLookIsNeverPastADeadline(t *testing.T) {
	cam, last := watched(t, 40*time.Millisecond)
	for now := last; now.Before(last.Add(6 * time.Second)); {
		wait, err := cam.check(now)
		if err != nil {
			if silence := now.Sub(last); silence > 5*time.Second+20*time.Millisecond {
				t.Errorf("given up only after %v", silence)
			}
			return
		}
		if wait <= 0 {
			t.Fatalf("look again in %v", wait)
		}
		now = now.Add(wait)
	}
	t.Error("never given up")
}

func TestCameraThatSlowsDownAtNightIsConnectedAgainOnce(t *testing.T) {
	cam, last := watched(t, 40*time.Millisecond)
	reconnects := 0
	for n, now := 0, last; n < 20; n++ { // pictures, 10 s apart
		next := now.Add(10 * time.Second)
		for at := now; at.Before(next); {
			wait, err := cam.check(at)
			if err != nil {
				reconnects++
				cam.disconnected()
				cam.report(err)
				s := newSession(cam, choice{}, false)
				s.Playing(source.Info{Codec: media.H264})
				cam.life.lastUnit = at // as if Playing came just then
				wait = 100 * time.Millisecond
			}
			at = at.Add(wait)
		}
		newSession(cam, choice{}, false).AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: true, Received: next})
		now = next
	}
	if reconnects != 1 {
		t.Errorf("connected again %d times, want once", reconnects)
	}
	if s := cam.Status(); s.State != "live" {
		t.Errorf("it is %s", s.State)
	}
}

func TestDamageWithoutEndBringsANewSessionOverTCP(t *testing.T) {
	cam, last := watched(t, 40*time.Millisecond)
	s := newSession(cam, choice{}, false)
	now := last
	for range 200 { // packets keep coming, no picture is whole
		now = now.Add(40 * time.Millisecond)
		s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Received: now})
		s.Damaged(1, nil)
		cam.life.lastUnit = now
		if cam.life.damagedSince.After(last) {
			cam.life.damagedSince = last
		}
		if _, err := cam.check(now); err != nil {
			if d := now.Sub(last); d < 5*time.Second {
				t.Errorf("given up after only %v", d)
			}
			if !strings.Contains(err.Error(), "only damaged ones") {
				t.Errorf("error is %v", err)
			}
			if got := cam.transport(); got != "tcp" {
				t.Errorf("the next session takes %q, want tcp", got)
			}
			// The next one waits for its first key frame as long as any other.
			cam.disconnected()
			s.Playing(source.Info{Codec: media.H264})
			cam.life.lastUnit = now // as if Playing came just then
			if _, err := cam.check(now.Add(time.Second)); err != nil {
				t.Errorf("a second after the new session began: %v", err)
			}
			return
		}
	}
	t.Error("a camera that never brings a whole picture is kept for ever")
}

// TestALossIsNotWaitedOutForMinutes: a "smart" codec may send its next key frame in five.
func TestALossIsNotWaitedOutForMinutes(t *testing.T) {
	cam, last := watched(t, 40*time.Millisecond)
	cam.life.gop = GOP{Frames: 7500, Seconds: 300}
	s := newSession(cam, choice{}, false)
	s.Damaged(1, nil)
	cam.life.damagedSince = last
	for now := last; now.Before(last.Add(time.Minute)); now = now.Add(40 * time.Millisecond) {
		s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Received: now})
		if _, err := cam.check(now); err != nil {
			if d := now.Sub(last); d < 15*time.Second || d > 21*time.Second {
				t.Errorf("connected to again after %v", d)
			}
			return
		}
	}
	t.Error("after a minute it is waited for still")
}

// TestASessionThatBeginsWithoutAKeyFrameGetsOne: its first was lost, or the camera goes on where
// it is; and the next one of itself may come in minutes.
func TestASessionThatBeginsWithoutAKeyFrameGetsOne(t *testing.T) {
	cam := New(Config{Name: "yard", OnDemand: true}, slog.New(slog.DiscardHandler))
	s := newSession(cam, choice{}, false)
	s.Playing(source.Info{Codec: media.H264, Transport: "udp"})
	began := time.Now()
	unit := func(at time.Time, key bool) {
		s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: key, Received: at})
	}
	unit(began, false)
	if len(s.keyframes) != 1 {
		t.Error("it is not asked for one")
	}
	select {
	case <-s.keyframes:
	default:
	}
	ended := false
	for now := began; now.Before(began.Add(time.Minute)) && !ended; now = now.Add(40 * time.Millisecond) {
		unit(now, false)
		if _, err := cam.check(now); err != nil {
			ended = true
			if d := now.Sub(began); d < 15*time.Second || d > 21*time.Second {
				t.Errorf("connected to again after %v", d)
			}
			if !strings.Contains(err.Error(), "no key frame") {
				t.Errorf("the error is %v", err)
			}
			if got := cam.transport(); got == "tcp" {
				t.Error("UDP is blamed, though pictures come over it")
			}
		}
	}
	if !ended {
		t.Error("after a minute it is waited for still")
	}
	if len(s.keyframes) != 0 {
		t.Error("it is asked again and again")
	}
	cam.disconnected()
	s.Playing(source.Info{Codec: media.H264, Transport: "udp"})
	now := time.Now()
	unit(now, true)
	for n := range 1000 { // of a GOP of minutes
		at := now.Add(time.Duration(n) * 40 * time.Millisecond)
		unit(at, false)
		if _, err := cam.check(at); err != nil {
			t.Fatalf("behind its key frame: %v", err)
		}
	}
	if len(s.keyframes) != 0 {
		t.Error("it is asked for another one")
	}
	next := newSession(cam, choice{}, true)
	next.Playing(source.Info{Codec: media.H264, Transport: "udp"})
	next.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Received: time.Now()})
	if len(next.keyframes) != 1 {
		t.Error("the session that waits for its key frame, to take over, asks for none")
	}
}

func TestStateOfANewCameraHasABeginning(t *testing.T) {
	before := time.Now()
	if s := New(Config{Name: "yard"}, slog.New(slog.DiscardHandler)).Status(); s.State != "idle" || s.Since.Before(before) {
		t.Errorf("it is %s since %v", s.State, s.Since)
	}
}

func TestErrorsAreLoggedAtMostOnceAMinute(t *testing.T) {
	var lines strings.Builder
	c := New(Config{Name: "yard"}, slog.New(slog.NewTextHandler(&lines, nil)))
	c.life.state = stateLive
	now := time.Now()
	for n := range 100 {
		c.noteBroken(errors.New("broken "+strings.Repeat("x", n)), now.Add(time.Duration(n)*100*time.Millisecond))
	}
	if n := strings.Count(lines.String(), "\n"); n != 1 {
		t.Errorf("%d lines in ten seconds, want 1:\n%s", n, lines.String())
	}
	c.noteBroken(errors.New("later"), now.Add(2*time.Minute))
	if n := strings.Count(lines.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

// TestErrorsThatTakeTurnsAreLoggedOnceAMinuteEach: a camera that is switched off gives no answer
// in time and has no route to it by turns, each second.
func TestErrorsThatTakeTurnsAreLoggedOnceAMinuteEach(t *testing.T) {
	var lines strings.Builder
	c := New(Config{Name: "yard"}, slog.New(slog.NewTextHandler(&lines, nil)))
	now := time.Now()
	for n := range 180 {
		text := []string{"i/o timeout", "no route to host", "connection refused"}[n%3]
		c.note(errors.New(text), now.Add(time.Duration(n)*time.Second))
	}
	if n := strings.Count(lines.String(), "\n"); n != 9 {
		t.Errorf("%d lines of three errors in three minutes, want 9:\n%s", n, lines.String())
	}
	lines.Reset()
	for n := range 1000 {
		c.note(errors.New(strings.Repeat("x", n)), now)
	}
	if n := strings.Count(lines.String(), "\n"); n != 1000 {
		t.Errorf("%d lines of a thousand errors", n)
	}
	if n := len(c.life.logged); n > keptLogged {
		t.Errorf("%d errors are kept", n)
	}
}

func TestWatchdogThatLookedBeforeThePictureCameIsNotLate(t *testing.T) {
	cam := New(Config{Name: "yard", OnDemand: true}, slog.New(slog.DiscardHandler))
	now := time.Now()
	cam.life.enter(stateConnecting, now)
	s := newSession(cam, choice{}, false)
	s.Playing(source.Info{Codec: media.H264})
	wait, err := cam.check(now)
	if err != nil {
		t.Fatal(err)
	}
	s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: true, Received: now.Add(10 * time.Millisecond)})
	end := now.Add(staleAfter + 300*time.Millisecond)
	for at := now.Add(wait); at.Before(end); at = at.Add(wait) {
		if wait, err = cam.check(at); err != nil {
			t.Fatal(err)
		}
	}
	if cam.life.state != stateStale {
		t.Errorf("2.3 s after its only picture it is %v", cam.life.state)
	}
}

func TestUDPThatBringsSoundAloneBecomesTCP(t *testing.T) {
	for _, c := range []struct {
		pictures  int
		transport string
	}{{0, "tcp"}, {1, "auto"}} {
		cam := New(Config{Name: "yard", Source: source.Options{Transport: "auto"}}, slog.New(slog.DiscardHandler))
		s := newSession(cam, choice{}, false)
		s.Playing(source.Info{Codec: media.H264, Transport: "udp", Audio: source.AudioTrack{Codec: media.PCMU}})
		for range c.pictures {
			s.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: true, Received: time.Now()})
		}
		s.AudioFrame(&media.AudioFrame{Codec: media.PCMU, Data: []byte{1}})
		if _, err := cam.check(time.Now().Add(time.Minute)); !errors.As(err, new(*silentError)) {
			t.Errorf("after %d pictures and a minute's silence: %v", c.pictures, err)
		}
		if got := cam.transport(); got != c.transport {
			t.Errorf("after %d pictures the next session takes %q, want %q", c.pictures, got, c.transport)
		}
	}
}
