package onvif

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestACameraIsTurnedAndStopped(t *testing.T) {
	s := newSimulated(t)
	d, c := s.camera(t)
	p := mustWork(t, d, c)[0]
	ctx := testContext(t)
	if err := c.Move(ctx, p, 0.5, -2, 0); err != nil { // −2 is cut to −1
		t.Fatal(err)
	}
	if !d.PTZ().Moving {
		t.Error("it does not move")
	}
	if err := c.Stop(ctx, p); err != nil {
		t.Fatal(err)
	}
	if d.PTZ().Moving {
		t.Error("it does not stop")
	}
	if err := c.MoveTo(ctx, p, 0.25, -0.5, 0.75); err != nil {
		t.Fatal(err)
	}
	if at := d.PTZ(); at.Pan != 0.25 || at.Tilt != -0.5 || at.Zoom != 0.75 {
		t.Errorf("it looks at %+v", at)
	}
	if err := c.Move(ctx, p, math.NaN(), 0, 0); err == nil {
		t.Error("a direction that is no number was taken")
	}
}

func TestPresetsAreFoundByTokenAndName(t *testing.T) {
	s := newSimulated(t)
	d, c := s.camera(t)
	p := mustWork(t, d, c)[0]
	ctx := testContext(t)
	presets, err := c.Presets(ctx, p)
	if want := []Preset{{"1", "Gate"}, {"2", "Yard"}}; err != nil || !slices.Equal(presets, want) {
		t.Fatalf("got %v, %v", presets, err)
	}
	for name, token := range map[string]string{"2": "2", "gate": "1", "Yard": "2"} {
		if err := c.GoTo(ctx, p, name); err != nil || d.PTZ().Preset != token {
			t.Errorf("GoTo(%q): %v, it is at %q", name, err, d.PTZ().Preset)
		}
	}
	if err := c.GoTo(ctx, p, "garden"); err == nil || !strings.Contains(err.Error(), `no preset "garden"; it has Gate, Yard`) {
		t.Errorf("got %v", err)
	}
}

func TestATokenGoesBeforeANameThatIsTheSame(t *testing.T) {
	f := newFake(t)
	f.set("GetPresets", `<Preset token="1"><Name>2</Name></Preset><Preset token="2"><Name>1</Name></Preset>`)
	f.set("GotoPreset", "")
	if err := f.client(t).GoTo(testContext(t), Profile{Token: "p"}, "2"); err != nil {
		t.Fatal(err)
	}
	sent := f.requests(func(s seen) bool { return s.operation == "GotoPreset" })
	if len(sent) != 1 || !strings.Contains(sent[0].body, "<tptz:PresetToken>2</tptz:PresetToken>") || strings.Contains(sent[0].body, "Speed") {
		t.Errorf("sent %+v", sent)
	}
}

func TestMovesAreSaidOtherwiseWhereACameraRefusesThem(t *testing.T) {
	refuse := func(unless func(seen) bool) func(seen) *refused {
		return func(s seen) *refused {
			if s.operation != "ContinuousMove" || unless(s) {
				return nil
			}
			return soapFault(400, `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:InvalidArgVal</s:Value><s:Subcode><s:Value>ter:SpaceNotSupported</s:Value></s:Subcode></s:Subcode></s:Code></s:Fault>`)
		}
	}
	for _, one := range []struct {
		name            string
		unless          func(seen) bool
		pan, tilt, zoom float64
		tries           int
		fails           bool
	}{
		{"as it is", func(seen) bool { return true }, 1, 0, 0, 1, false},
		{"no spaces", func(s seen) bool { return !strings.Contains(s.body, "space=") }, 1, 0, 0, 2, false},
		{"no zoom", func(s seen) bool { return !strings.Contains(s.body, ":Zoom") }, 1, 0, 0, 3, false},
		{"zoom alone", func(s seen) bool { return !strings.Contains(s.body, ":PanTilt") }, 0, 0, 1, 3, false},
		{"never", func(seen) bool { return false }, 1, 0, 0, 3, true},
	} {
		t.Run(one.name, func(t *testing.T) {
			f := newFake(t)
			f.set("ContinuousMove", "")
			f.login = refuse(one.unless)
			err := f.client(t).Move(testContext(t), Profile{Token: "p"}, one.pan, one.tilt, one.zoom)
			if (err != nil) != one.fails {
				t.Errorf("got %v", err)
			}
			sent := f.requests(func(s seen) bool { return s.operation == "ContinuousMove" })
			if len(sent) != one.tries || strings.Contains(sent[0].body, "Timeout") || !strings.Contains(sent[0].body, "VelocityGenericSpace") {
				t.Errorf("it was asked %d times", len(sent))
			}
		})
	}
}

func TestACameraWithoutPTZSaysSo(t *testing.T) {
	f := newFake(t)
	f.set("GetServices", f.services(nsMedia, nsEvents))
	c := f.client(t)
	for _, err := range []error{
		c.Move(testContext(t), Profile{}, 1, 0, 0), c.MoveTo(testContext(t), Profile{}, 1, 0, 0), c.Stop(testContext(t), Profile{}), c.GoTo(testContext(t), Profile{}, "x"),
	} {
		if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "it has no PTZ service") {
			t.Errorf("got %v", err)
		}
	}
}
