package camera

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

var wantAll = media.Rendition{}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(40 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// dome is a camera that moves, and how it is ended.
func dome(t *testing.T) (*fakeONVIF, *Camera, func()) {
	t.Helper()
	f := newFakeONVIF(t)
	c := onvifCamera(t, f.address(), nil)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) }) //nolint:errcheck // it is ctx's
	end := sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(end)
	return f, c, end
}

func TestOrdersThatMakeNoSenseAreNotSent(t *testing.T) {
	f, c, _ := dome(t)
	for _, o := range []Order{{Pan: 1.1}, {Tilt: -2}, {Zoom: math.NaN()}, {Pan: math.Inf(1)}} {
		if err := c.Move(askContext(t), o); !errors.Is(err, ErrOrder) || !strings.Contains(err.Error(), `camera "door"`) {
			t.Errorf("%+v gives %v", o, err)
		}
	}
	if f.called("ContinuousMove") != 0 {
		t.Error("one was sent")
	}
	if err := c.Move(askContext(t), Order{}); err != nil || f.called("Stop") != 1 {
		t.Errorf("an order for nothing gives %v, and %d stops", err, f.called("Stop"))
	}
	a, err := source.ParseAddress("rtsp://h/1")
	if err != nil {
		t.Fatal(err)
	}
	if err := New(Config{Name: "door", Address: a}, slog.New(slog.DiscardHandler)).Move(askContext(t), Order{Pan: 1}); !errors.Is(err, ErrNotONVIF) {
		t.Errorf("a camera without ONVIF gives %v", err)
	}
	f.set("GetProfiles", strings.ReplaceAll(f.answers["GetProfiles"], "<PTZConfiguration/>", ""))
	c.device.doubt()
	if err := c.Move(askContext(t), Order{Pan: 1}); !errors.Is(err, ErrFixed) {
		t.Errorf("a camera without PTZ gives %v", err)
	}
}

func TestAMovementEndsByItself(t *testing.T) {
	f, c, _ := dome(t)
	if err := c.Move(askContext(t), Order{Pan: 1, For: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	until(t, "stopped", func() bool { return f.called("Stop") == 1 })
}

func TestAMovementEndsWithTheCamera(t *testing.T) {
	f, c, end := dome(t)
	if err := c.Move(askContext(t), Order{Pan: 1, For: moveAtMost}); err != nil {
		t.Fatal(err)
	}
	end()
	if f.called("Stop") != 1 {
		t.Error("the camera is no longer served, and still moves")
	}
	if err := c.Move(askContext(t), Order{Pan: 1}); err == nil {
		t.Error("it takes orders still")
	}
	if moves, stops := f.called("ContinuousMove"), f.called("Stop"); stops < moves {
		t.Errorf("%d movements, %d stops", moves, stops)
	}
}

func TestAnOrderOvertakesTheOneBefore(t *testing.T) {
	f, c, end := dome(t)
	f.set("GetPresets", `<Preset token="1"><Name>door</Name></Preset>`)
	f.set("GotoPreset", " ")
	if err := c.Move(askContext(t), Order{Pan: 1, For: moveAtMost}); err != nil {
		t.Fatal(err)
	}
	if err := c.Move(askContext(t), Order{Preset: "door"}); err != nil {
		t.Fatal(err)
	}
	end()
	if n := f.called("Stop"); n != 0 {
		t.Errorf("the way to the preset was stopped %d times", n)
	}
}

// TestAnOrderThatFailsDoesNotLetTheCameraTurnOn: what is to stop the last movement stays.
func TestAnOrderThatFailsDoesNotLetTheCameraTurnOn(t *testing.T) {
	for name, fail := range map[string]func(*fakeONVIF) Order{
		"a movement that is refused":      func(f *fakeONVIF) Order { delete(f.answers, "ContinuousMove"); return Order{Tilt: 1} },
		"a movement whose answer is lost": func(f *fakeONVIF) Order { f.answers["ContinuousMove"] = "drop"; return Order{Tilt: 1} },
		"a preset that there is not":      func(*fakeONVIF) Order { return Order{Preset: "nosuch"} },
		"a stop that is refused":          func(f *fakeONVIF) Order { delete(f.answers, "Stop"); return Order{Stop: true} },
	} {
		t.Run(name, func(t *testing.T) {
			f, c, end := dome(t)
			if err := c.Move(askContext(t), Order{Pan: 1, For: moveAtMost}); err != nil {
				t.Fatal(err)
			}
			f.mu.Lock()
			o := fail(f)
			f.mu.Unlock()
			if err := c.Move(askContext(t), o); err == nil {
				t.Fatal("the order is taken")
			}
			before := f.called("Stop")
			f.set("Stop", " ")
			end()
			if f.called("Stop") == 0 || o.Stop && f.called("Stop") == before {
				t.Error("it was never stopped")
			}
		})
	}
}

func TestAStopThatFailsIsRepeated(t *testing.T) {
	f, c, _ := dome(t)
	f.set("Stop", "drop")
	if err := c.Move(askContext(t), Order{Pan: 1, For: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	until(t, "a stop", func() bool { return f.called("Stop") > 0 })
	f.mu.Lock()
	f.answers["Stop"] = " "
	n := f.count("Stop") // of those that failed: the next one may come at once, and be the last
	f.mu.Unlock()
	until(t, "another stop", func() bool { return f.called("Stop") > n })
}

func TestOrdersAtOnceEndInRest(t *testing.T) {
	f, c, end := dome(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { c.Move(askContext(t), Order{Pan: 1, For: moveAtMost}) }) //nolint:errcheck // whichever comes last counts
	}
	all.Wait()
	end()
	f.mu.Lock()
	defer f.mu.Unlock()
	if last := f.calls[len(f.calls)-1]; last != "Stop" {
		t.Errorf("the last word is %s", last)
	}
}
