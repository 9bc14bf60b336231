package onvif

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/use-go/onvif/ptz"
	sdk "github.com/use-go/onvif/xsd/onvif"
)

// The normalised spaces of the PTZ service (ONVIF PTZ Service Specification, section 5.7):
// −1…1, for a zoom's position 0…1.
const (
	spacePanTiltVelocity = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace"
	spaceZoomVelocity    = "http://www.onvif.org/ver10/tptz/ZoomSpaces/VelocityGenericSpace"
	spacePanTiltPosition = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"
	spaceZoomPosition    = "http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace"
)

// use-go/onvif's structures for moving always hold a speed, which is then 0, and an empty
// time limit: neither may be sent. These leave out what is not said.

type continuousMove struct {
	XMLName      xml.Name `xml:"tptz:ContinuousMove"`
	ProfileToken string   `xml:"tptz:ProfileToken"`
	Velocity     vector   `xml:"tptz:Velocity"`
}

type absoluteMove struct {
	XMLName      xml.Name `xml:"tptz:AbsoluteMove"`
	ProfileToken string   `xml:"tptz:ProfileToken"`
	Position     vector   `xml:"tptz:Position"`
}

type gotoPreset struct {
	XMLName      xml.Name `xml:"tptz:GotoPreset"`
	ProfileToken string   `xml:"tptz:ProfileToken"`
	PresetToken  string   `xml:"tptz:PresetToken"`
}

type vector struct {
	PanTilt *panTilt `xml:"onvif:PanTilt"`
	Zoom    *zoomTo  `xml:"onvif:Zoom"`
}

type panTilt struct {
	X     float64 `xml:"x,attr"`
	Y     float64 `xml:"y,attr"`
	Space string  `xml:"space,attr,omitempty"`
}

type zoomTo struct {
	X     float64 `xml:"x,attr"`
	Space string  `xml:"space,attr,omitempty"`
}

// Move turns the camera until Stop, or until the camera's own time limit ends it. Speeds are
// −1…1: right, up and in are positive. What is outside is cut.
func (c *Client) Move(ctx context.Context, p Profile, pan, tilt, zoom float64) error {
	return c.move(ctx, "ContinuousMove", pan, tilt, zoom, spacePanTiltVelocity, spaceZoomVelocity, -1,
		func(v vector) any { return continuousMove{ProfileToken: p.Token, Velocity: v} })
}

// MoveTo turns the camera to a position: pan and tilt −1…1, zoom 0…1. What is outside is cut.
func (c *Client) MoveTo(ctx context.Context, p Profile, pan, tilt, zoom float64) error {
	return c.move(ctx, "AbsoluteMove", pan, tilt, zoom, spacePanTiltPosition, spaceZoomPosition, 0,
		func(v vector) any { return absoluteMove{ProfileToken: p.Token, Position: v} })
}

// move sends a vector: with the spaces named; where the camera refuses these, in its own
// default spaces; and without the part that is 0, which some cameras do not have.
func (c *Client) move(ctx context.Context, operation string, pan, tilt, zoom float64, panTiltSpace, zoomSpace string, zoomFrom float64, body func(vector) any) error {
	for _, v := range []float64{pan, tilt, zoom} {
		if math.IsNaN(v) {
			return fmt.Errorf("camera %s: %s: a direction is no number", c.base.Host, operation)
		}
	}
	pan, tilt, zoom = cut(pan, -1), cut(tilt, -1), cut(zoom, zoomFrom)
	tries := []vector{
		{&panTilt{pan, tilt, panTiltSpace}, &zoomTo{zoom, zoomSpace}},
		{&panTilt{pan, tilt, ""}, &zoomTo{zoom, ""}},
	}
	switch {
	case zoom == 0:
		tries = append(tries, vector{PanTilt: &panTilt{pan, tilt, panTiltSpace}})
	case pan == 0 && tilt == 0:
		tries = append(tries, vector{Zoom: &zoomTo{zoom, zoomSpace}})
	}
	var first error
	for _, v := range tries {
		err := c.ptz(ctx, operation, body(v), nil)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if !spaceRefused(err) {
			return err
		}
	}
	return first
}

func cut(v, least float64) float64 { return math.Max(least, math.Min(1, v)) }

// spaceRefused tells whether another way to say the same may be taken.
func spaceRefused(err error) bool {
	var f *Fault
	return errors.As(err, &f) && !errors.Is(err, ErrNotAuthorized) &&
		!f.subcodeIn("NoProfile", "NoPTZProfile", "ActionNotSupported", "NoToken")
}

// Stop ends all movement.
func (c *Client) Stop(ctx context.Context, p Profile) error {
	return c.ptz(ctx, "Stop", ptz.Stop{ProfileToken: sdk.ReferenceToken(p.Token), PanTilt: true, Zoom: true}, nil)
}

type presetsReply struct {
	Preset []struct {
		Token text `xml:"token,attr"`
		Name  text
	}
}

const maxPresets = 1024

func (r *presetsReply) presets() []Preset {
	var found []Preset
	for _, p := range r.Preset {
		if p.Token != "" && len(found) < maxPresets {
			found = append(found, Preset{Token: string(p.Token), Name: p.Name.printable()})
		}
	}
	return found
}

// Presets asks for the stored positions.
func (c *Client) Presets(ctx context.Context, p Profile) ([]Preset, error) {
	var reply presetsReply
	err := c.ptz(ctx, "GetPresets", ptz.GetPresets{ProfileToken: sdk.ReferenceToken(p.Token)}, &reply)
	return reply.presets(), err
}

// GoTo turns the camera to a stored position, named by its token or, where no token is so
// called, its name in any case.
func (c *Client) GoTo(ctx context.Context, p Profile, preset string) error {
	presets, err := c.Presets(ctx, p)
	if err != nil && !asksOtherwise(err) {
		return err
	}
	token := ""
	if err != nil {
		token = preset // it does not list them; it may know them
	}
	for _, one := range presets {
		switch {
		case one.Token == preset:
			token = preset
		case token == "" && strings.EqualFold(one.Name, preset):
			token = one.Token
		}
	}
	if token == "" {
		return fmt.Errorf("camera %s: %w %q; %s", c.base.Host, ErrNoPreset, printable(preset, 60), presetNames(presets))
	}
	return c.ptz(ctx, "GotoPreset", gotoPreset{ProfileToken: p.Token, PresetToken: token}, nil)
}

func presetNames(presets []Preset) string {
	if len(presets) == 0 {
		return "it has none"
	}
	var names []string
	for _, p := range presets[:min(len(presets), 20)] {
		name := p.Name
		if name == "" {
			name = printable(p.Token, 60)
		}
		names = append(names, name)
	}
	return "it has " + strings.Join(names, ", ")
}

func (c *Client) ptz(ctx context.Context, operation string, body, reply any) error {
	return c.callService(ctx, nsPTZ, &request{operation: operation, action: nsPTZ + "/" + operation, body: body, reply: reply})
}
