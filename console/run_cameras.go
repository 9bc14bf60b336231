package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"camgate/camera"
)

// camera is the camera that is meant: by its name, its name without case, or its number in
// the list.
func (r *request) camera(id string) (*camera.Camera, error) {
	if c := r.gateway.Camera(id); c != nil {
		return c, nil
	}
	all := r.gateway.Cameras()
	var names []string
	for _, c := range all {
		if strings.EqualFold(c.Name(), id) {
			return c, nil
		}
		names = append(names, c.Name())
	}
	if n, err := strconv.Atoi(id); err == nil && n >= 1 && n <= len(all) {
		return all[n-1], nil
	}
	if near := nearest(id, names); near != "" {
		return nil, fmt.Errorf("there is no camera %q; did you mean %q?", clean(id), near)
	}
	return nil, fmt.Errorf("there is no camera %q; cameras lists all", clean(id))
}

// nameOrAddress is the name of the camera that is meant, or the address as it is.
func (r *request) nameOrAddress(id string) (string, error) {
	if strings.Contains(id, "://") {
		return id, nil
	}
	c, err := r.camera(id)
	if err != nil {
		return "", err
	}
	return c.Name(), nil
}

// runCameras lists all cameras.
func runCameras(_ context.Context, r *request) error {
	all := []camera.Status{}
	for _, c := range r.gateway.Cameras() {
		all = append(all, c.Status())
	}
	if r.json {
		return writeJSON(r.out, all)
	}
	if len(all) == 0 {
		r.printf("no cameras; discover finds them, add serves one\n")
		return nil
	}
	t := &table{columns: []column{{head: "No.", right: true}, {head: "NAME"}, {head: "STATE"}, {head: "CODEC"}, {head: "SIZE"}, {head: "FPS", right: true},
		{head: "KBIT/S", right: true}, {head: "VIEWERS", right: true}, {head: "AGE", right: true}, {head: "ADDRESS"}}}
	for i, s := range all {
		t.rows = append(t.rows, []cell{{text: strconv.Itoa(i + 1)}, {text: s.Name}, {s.State, stateStyle(s.State)}, {text: s.Codec}, {text: size(s.Width, s.Height)},
			{text: number(s.FPS)}, {text: strconv.Itoa(s.Bitrate / 1000)}, {text: strconv.Itoa(s.Viewers)}, {text: age(s.LastFrameAge)}, {text: s.Address}})
	}
	return r.show(t)
}

// runCamera tells all about one camera.
func runCamera(_ context.Context, r *request) error {
	c, err := r.camera(r.args[0])
	if err != nil {
		return err
	}
	s := c.Status()
	if r.json {
		return writeJSON(r.out, s)
	}
	for _, f := range []struct{ name, text string }{
		{"name", s.Name},
		{"state", fmt.Sprintf("%s for %s", s.State, span(time.Since(s.Since)))},
		{"address", s.Address},
		{"stream", r.gateway.Stream(s.Name)},
		{"transport", s.Transport},
		{"codec", s.Codec},
		{"size", size(s.Width, s.Height)},
		{"rate", fmt.Sprintf("%s fps, %d kbit/s", number(s.FPS), s.Bitrate/1000)},
		{"key frames", fmt.Sprintf("each %d pictures, %.1f s", s.GOP.Frames, s.GOP.Seconds)},
		{"last picture", age(s.LastFrameAge)},
		{"viewers", strconv.Itoa(s.Viewers)},
		{"received", fmt.Sprintf("%d, of them damaged %d, refused by the decoder %d", s.Received, s.Damaged, s.DecodeErrors)},
		{"decoded", strconv.FormatUint(s.Decoded, 10)},
		{"encoded", strconv.FormatUint(s.Encoded, 10)},
		{"packets lost", strconv.FormatUint(s.PacketsLost, 10)},
		{"reconnects", strconv.FormatUint(s.Reconnects, 10)},
	} {
		if f.text == "" || s.Codec == "" && (f.name == "rate" || f.name == "key frames") {
			continue
		}
		how := noStyle
		if f.name == "state" {
			how = stateStyle(s.State)
		}
		r.printf("%-13s %s\n", f.name, r.in(how, f.text))
	}
	if s.ONVIF != nil {
		r.showONVIF(s.ONVIF)
	}
	if s.LastError != "" && s.LastErrorAt != nil {
		r.printf("%-13s %s\n%-13s %s\n", "last error", r.in(yellow, s.LastError), "", span(time.Since(*s.LastErrorAt))+" ago")
	}
	if len(s.Renditions) == 0 {
		return nil
	}
	t := &table{columns: []column{{head: "RENDITION"}, {head: "QUALITY", right: true}, {head: "VIEWERS", right: true}, {head: "FPS", right: true}}}
	for _, e := range s.Renditions {
		t.add(size(e.Width, e.Height), strconv.Itoa(e.Quality), strconv.Itoa(e.Viewers), number(e.FPS))
	}
	r.printf("\n")
	return r.show(t)
}

// showONVIF tells what the camera says of itself.
func (r *request) showONVIF(o *camera.ONVIFStatus) {
	device := strings.TrimSpace(o.Maker + " " + o.Model)
	if o.Firmware != "" {
		device += ", firmware " + o.Firmware
	}
	if o.Serial != "" {
		device += ", serial number " + o.Serial
	}
	profile := o.Profile
	if o.Still {
		profile += ", as single pictures"
	}
	motion := ""
	if o.Motion != nil {
		motion = map[bool]string{true: "yes", false: "no"}[*o.Motion]
	}
	moves := ""
	if o.PTZ {
		moves = "can be moved: ptz"
	}
	for _, f := range []struct{ name, text string }{
		{"device", device}, {"logs in by", o.Login}, {"profile", profile}, {"profiles", strings.Join(o.Profiles, "; ")}, {"ptz", moves}, {"motion", motion},
	} {
		if f.text != "" {
			r.printf("%-13s %s\n", f.name, f.text)
		}
	}
	for _, note := range o.Notes {
		r.printf("%-13s %s\n", "note", note)
	}
}

// runViewers lists who watches.
func runViewers(_ context.Context, r *request) error {
	all := r.gateway.Viewers()
	if r.json {
		if all == nil {
			all = []ViewerStatus{}
		}
		return writeJSON(r.out, all)
	}
	if len(all) == 0 {
		r.printf("nobody watches\n")
		return nil
	}
	t := &table{columns: []column{{head: "CAMERA"}, {head: "VIEWER"}, {head: "FORM"}, {head: "SIZE"}, {head: "FPS", right: true}, {head: "DROPPED", right: true},
		{head: "AGE", right: true}, {head: "FOR", right: true}}}
	for _, v := range all {
		t.add(v.Camera, v.Peer, v.Form, size(v.Width, v.Height), number(v.FPS), strconv.FormatUint(v.Dropped, 10), span(v.Age), span(time.Since(v.Since)))
	}
	return r.show(t)
}

// stateStyle is how a camera's state looks.
func stateStyle(state string) style {
	switch state {
	case "live":
		return green
	case "stale", "connecting":
		return yellow
	case "offline":
		return red
	}
	return dim
}

// size is a picture's, "" where it is unknown.
func size(width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	return fmt.Sprintf("%dx%d", width, height)
}

// number is a rate with as many digits as tell something.
func number(f float64) string {
	if f >= 100 || f == float64(int(f)) {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'f', 1, 64)
}

// age is that of a camera's last picture.
func age(seconds *float64) string {
	if seconds == nil {
		return ""
	}
	return span(time.Duration(*seconds * float64(time.Second)))
}

// span is a length of time for people.
func span(d time.Duration) string {
	switch d = max(0, d); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d", int(d.Hours())/24)
}
