package console

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// runAdd serves one more camera.
func runAdd(_ context.Context, r *request) error {
	name, source := "", r.args[0]
	if len(r.args) == 2 {
		name, source = r.args[0], r.args[1]
		if strings.Contains(name, "://") && !strings.Contains(source, "://") {
			name, source = source, name
		}
	}
	if !strings.Contains(source, "://") && source != "publish" {
		return usagef("add: %q is no address; it begins with onvif://, rtsp:// or http://", source)
	}
	name, err := r.gateway.Add(name, source)
	if err != nil {
		return err
	}
	r.printf("camera %s is served until the gateway ends; the configuration is as before\n", r.in(bold, name))
	return nil
}

// runRemove stops serving a camera.
func runRemove(_ context.Context, r *request) error {
	c, err := r.camera(r.args[0])
	if err != nil {
		return err
	}
	if err := r.gateway.Remove(c.Name()); err != nil {
		return err
	}
	r.printf("camera %s is no longer served\n", r.in(bold, c.Name()))
	return nil
}

// runProbe tells what a camera is.
func runProbe(ctx context.Context, r *request) error { return r.steps(ctx, r.gateway.Probe) }

// runDiagnose walks to a picture.
func runDiagnose(ctx context.Context, r *request) error { return r.steps(ctx, r.gateway.Diagnose) }

// steps carries out a probe or a diagnosis and tells of each step as it ends.
func (r *request) steps(ctx context.Context, walk func(context.Context, string, func(Step)) error) error {
	target, err := r.nameOrAddress(r.args[0])
	if err != nil {
		return err
	}
	all := []Step{}
	wrong := false
	r.working("asking %s…", maskAddress(target))
	err = walk(ctx, target, func(s Step) {
		all = append(all, s)
		wrong = wrong || !s.OK && !s.Skipped
		if !r.json {
			r.step(s)
		}
		r.working("asking %s… (%s done)", maskAddress(target), s.Name)
	})
	r.working("")
	if r.json {
		if err := writeJSON(r.out, all); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if wrong {
		return errSaid
	}
	return nil
}

// step writes one step.
func (r *request) step(s Step) {
	word, how := "ok", green
	switch {
	case s.Skipped:
		word, how = "skipped", dim
	case !s.OK:
		word, how = "failed", red
	}
	took := ""
	if !s.Skipped {
		took = "  " + span(s.Took)
	}
	r.printf("%s %s%s\n", r.in(how, pad(word, 8, false)), r.in(bold, s.Name), r.in(dim, took))
	for line := range strings.Lines(s.Text) {
		r.printf("         %s\n", strings.TrimRight(line, "\n"))
	}
	if s.Mend != "" {
		r.printf("         %s %s\n", r.in(yellow, "mend:"), s.Mend)
	}
}

// moves are the directions of a camera.
var moves = map[string]PTZOrder{
	"left": {Pan: -1}, "right": {Pan: 1}, "up": {Tilt: 1}, "down": {Tilt: -1}, "in": {Zoom: 1}, "out": {Zoom: -1},
}

// runPTZ moves a camera.
func runPTZ(ctx context.Context, r *request) error {
	c, err := r.camera(r.args[0])
	if err != nil {
		return err
	}
	order, err := r.order(strings.ToLower(r.args[1]), r.args[2:])
	if err != nil {
		return err
	}
	return r.gateway.PTZ(ctx, c.Name(), order)
}

// order reads what follows the camera's name.
func (r *request) order(word string, args []string) (PTZOrder, error) {
	switch {
	case word == "stop" && len(args) == 0:
		return PTZOrder{Stop: true}, nil
	case word == "preset" && len(args) == 1:
		return PTZOrder{Preset: args[0]}, nil
	case word == "preset":
		return PTZOrder{}, usagef("ptz: which preset? presets %s lists them", r.args[0])
	}
	order, known := moves[word]
	if !known || len(args) > 2 {
		return PTZOrder{}, usageError{r.usage()}
	}
	speed := 0.5
	if len(args) > 0 {
		s, err := strconv.ParseFloat(args[0], 64)
		if err != nil || !(s >= 0.01 && s <= 1) {
			return PTZOrder{}, usagef("ptz: %q is no speed; 0.01 to 1 are allowed", args[0])
		}
		speed = s
	}
	if len(args) > 1 {
		s, err := strconv.ParseFloat(strings.TrimSuffix(args[1], "s"), 64)
		if err != nil || !(s >= 0.1 && s <= 60) {
			return PTZOrder{}, usagef("ptz: %q are no seconds; 0.1 to 60 are allowed", args[1])
		}
		order.For = time.Duration(s * float64(time.Second))
	}
	order.Pan, order.Tilt, order.Zoom = order.Pan*speed, order.Tilt*speed, order.Zoom*speed
	return order, nil
}

// ptzWords complete ptz.
func ptzWords(g Gateway, args []string) []candidate {
	switch len(args) {
	case 0:
		return cameraNames(g, args)
	case 1:
		return oneOf("left", "right", "up", "down", "in", "out", "stop", "preset")(g, nil)
	}
	return nil
}

// runPresets lists the stored positions of a camera.
func runPresets(ctx context.Context, r *request) error {
	c, err := r.camera(r.args[0])
	if err != nil {
		return err
	}
	all, err := r.gateway.Presets(ctx, c.Name())
	if err != nil {
		return err
	}
	type preset struct {
		Token string `json:"token"`
		Name  string `json:"name"`
	}
	list := []preset{}
	t := &table{columns: []column{{head: "PRESET", whole: true}, {head: "NAME"}}}
	for _, p := range all {
		list = append(list, preset(p))
		t.add(p.Token, p.Name)
	}
	if r.json {
		return writeJSON(r.out, list)
	}
	if len(all) == 0 {
		r.printf("camera %s has stored no positions\n", c.Name())
		return nil
	}
	return r.show(t)
}

// snapshotWait is how long a picture may take: the camera may have to be connected to.
const snapshotWait = 15 * time.Second

// runSnapshot writes one picture.
func runSnapshot(ctx context.Context, r *request) error {
	c, err := r.camera(r.args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	r.working("waiting for a picture of %s…", c.Name())
	p, err := r.gateway.Snapshot(ctx, c.Name())
	r.working("")
	if err != nil {
		return err
	}
	if err := r.file(r.args[1], p.JPEG); err != nil {
		return err
	}
	r.printf("%s: %d x %d, %d bytes\n", r.args[1], p.Width, p.Height, len(p.JPEG))
	return nil
}

// snapshotWords complete snapshot.
func snapshotWords(g Gateway, args []string) []candidate {
	if len(args) == 1 {
		return files
	}
	return cameraNames(g, args)
}
