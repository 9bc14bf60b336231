package camsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"time"

	"camgate/media"
)

// state is what the control port tells of a camera. It holds no password.
type state struct {
	Name    string  `json:"name"`
	Address string  `json:"address"`
	Codec   string  `json:"codec"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	FPS     float64 `json:"fps"`
	Outage  string  `json:"outage,omitempty"` // refuse, reboot or freeze while one lasts
	Counts
}

func (c *Camera) state() state {
	v := c.Video()
	s := state{Name: c.name, Address: c.Address(), Codec: v.Codec.String(), Width: v.Width, Height: v.Height, FPS: v.FPS, Counts: c.Counts()}
	if o := c.current.Load(); o != nil {
		s.Outage = o.name
	}
	return s
}

// order is what one can tell a camera, as JSON. Which members count depends on the fault.
type order struct {
	Seconds  *float64 `json:"seconds"`
	Percent  *float64 `json:"percent"`
	FPS      *float64 `json:"fps"`
	On       *bool    `json:"on"`
	Way      string   `json:"way"`
	Password *string  `json:"password"`
	Codec    string   `json:"codec"`
	Size     string   `json:"size"`
	Slices   *int     `json:"slices"`
	Preset   string   `json:"preset"`
}

// A fault of the control port: what it does, which members of the order it takes, and how.
type faultOrder struct {
	takes, does string
	run         func(*Camera, order) error
}

var faultOrders = map[string]faultOrder{
	"heal": {`{}`, "ends all faults", func(c *Camera, _ order) error { c.Heal(); return nil }},
	"mute": {`{"on":true}`, "stops the pictures; RTSP goes on answering", func(c *Camera, o order) error {
		return o.flag(c.Mute)
	}},
	"udp_nowhere": {`{"on":true}`, "accepts SETUP for UDP and sends nothing there", func(c *Camera, o order) error {
		return o.flag(c.UDPNowhere)
	}},
	"close": {`{}`, "ends all connections", func(c *Camera, _ order) error { c.CloseConnections(); return nil }},
	"refuse": {`{"seconds":5}`, "shuts the port; without seconds until heal", func(c *Camera, o order) error {
		return o.lasting(c.Refuse)
	}},
	"reboot": {`{"seconds":5}`, "everything gone, then back on the same port; without seconds until heal", func(c *Camera, o order) error {
		return o.lasting(c.Reboot)
	}},
	"freeze": {`{"seconds":5}`, "neither reads nor answers, sockets left open; without seconds until heal", func(c *Camera, o order) error {
		return o.lasting(c.Freeze)
	}},
	"drop":    {`{"percent":5}`, "loses RTP packets; 0 ends it", func(c *Camera, o order) error { return o.share(c.Drop) }},
	"corrupt": {`{"percent":5}`, "flips bits in RTP payloads; 0 ends it", func(c *Camera, o order) error { return o.share(c.Corrupt) }},
	"mutate":  {`{"percent":5}`, "flips bits in pictures before they become packets; 0 ends it", func(c *Camera, o order) error { return o.share(c.Mutate) }},
	"reorder": {`{"percent":5}`, "sends packets behind their successors; 0 ends it", func(c *Camera, o order) error { return o.share(c.Reorder) }},
	"jitter": {`{"seconds":0.2}`, "holds each picture back by up to that long, at most 10; 0 ends it", func(c *Camera, o order) error {
		if o.Seconds == nil || *o.Seconds > 10 {
			return errors.New(`it takes {"seconds":S}, 0 to 10`)
		}
		return o.lasting(func(d time.Duration) error { c.Jitter(d); return nil })
	}},
	"slow": {`{"fps":0.1}`, "another rate, 0.01 to 240; 0 goes back to the camera's own", func(c *Camera, o order) error {
		if o.FPS == nil || *o.FPS != 0 && !(*o.FPS >= 0.01 && *o.FPS <= 240) {
			return errors.New(`it takes {"fps":N}: 0, or 0.01 to 240`)
		}
		c.Slow(*o.FPS)
		return nil
	}},
	"timestamps": {`{"way":"jump"}`, "right, jump (an hour ahead), wrap (in two seconds), stop or backward", func(c *Camera, o order) error {
		return o.named(map[string]func(){
			"right": func() { c.Timestamps(TimestampsRight) }, "jump": func() { c.Timestamps(TimestampsJump) },
			"wrap": func() { c.Timestamps(TimestampsWrap) }, "stop": func() { c.Timestamps(TimestampsStop) },
			"backward": func() { c.Timestamps(TimestampsBackward) }})
	}},
	"junk": {`{"way":"random"}`, "none, random (bytes in place of pictures) or huge_sps (claims 16384×16384)", func(c *Camera, o order) error {
		return o.named(map[string]func(){"none": func() { c.Junk(JunkNone) }, "random": func() { c.Junk(JunkRandom) },
			"huge_sps": func() { c.Junk(JunkHugeSPS) }})
	}},
	"password": {`{"password":"new"}`, "changes the password; who is connected stays", func(c *Camera, o order) error {
		if o.Password == nil {
			return errors.New(`it takes {"password":"…"}`)
		}
		c.Password(*o.Password)
		return nil
	}},
	"change": {`{"size":"320x240","codec":"h265","fps":10,"slices":4,"preset":"veryfast"}`, "other pictures from now on; what is left out stays", changeOrder},
}

func changeOrder(c *Camera, o order) error {
	v := c.Video()
	was := v
	if o.Size != "" {
		var err error
		if v.Width, v.Height, err = ParseSize(o.Size); err != nil {
			return err
		}
	}
	if o.Codec != "" {
		var err error
		if v.Codec, err = ParseCodec(o.Codec); err != nil {
			return err
		}
	}
	if o.FPS != nil {
		v.FPS, v.GOP = *o.FPS, 0
	}
	if o.Slices != nil {
		v.Slices = *o.Slices
	}
	if o.Preset != "" {
		v.Preset = o.Preset
	}
	if v == was {
		return errors.New("it takes at least one of size, codec, fps, slices, preset, and something else than now")
	}
	if v.Codec == media.MJPEG && was.Codec != media.MJPEG || v.Width*v.Height != was.Width*was.Height {
		v.Bitrate = 0 // the default for the new pictures
	}
	return c.Change(v)
}

func (o order) flag(set func(bool)) error {
	set(o.On == nil || *o.On)
	return nil
}

func (o order) share(set func(float64)) error {
	if o.Percent == nil || !(*o.Percent >= 0 && *o.Percent <= 100) {
		return errors.New(`it takes {"percent":P}, 0 to 100`)
	}
	set(*o.Percent)
	return nil
}

func (o order) lasting(set func(time.Duration) error) error {
	if o.Seconds == nil {
		return set(0)
	}
	if !(*o.Seconds >= 0 && *o.Seconds <= 86400) {
		return errors.New(`it takes {"seconds":S}, 0 to 86400`)
	}
	return set(time.Duration(*o.Seconds * float64(time.Second)))
}

func (o order) named(ways map[string]func()) error {
	if set := ways[o.Way]; set != nil {
		set()
		return nil
	}
	names := make([]string, 0, len(ways))
	for name := range ways {
		names = append(names, name)
	}
	sort.Strings(names)
	return fmt.Errorf("it takes {\"way\":\"…\"}, one of %s", strings.Join(names, ", "))
}

// Control serves the cameras' faults over HTTP; GET / says how. It is for programs on the
// same machine: it asks for no password, and refuses what comes from a web page.
func Control(cameras ...*Camera) http.Handler {
	find := func(name string) *Camera {
		for _, c := range cameras {
			if c.name == name {
				return c
			}
		}
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, controlHelp(cameras))
	})
	mux.HandleFunc("GET /cameras", func(w http.ResponseWriter, _ *http.Request) {
		states := make([]state, 0, len(cameras))
		for _, c := range cameras {
			states = append(states, c.state())
		}
		reply(w, http.StatusOK, states)
	})
	mux.HandleFunc("POST /{fault}/{camera...}", func(w http.ResponseWriter, r *http.Request) {
		c := find(r.PathValue("camera"))
		fault, known := faultOrders[r.PathValue("fault")]
		switch {
		case r.Header.Get("Origin") != "":
			refuse(w, http.StatusForbidden, "the control port is for programs, not for web pages")
		case c == nil:
			refuse(w, http.StatusNotFound, fmt.Sprintf("no camera %.60q; GET /cameras lists them", r.PathValue("camera")))
		case !known:
			refuse(w, http.StatusNotFound, fmt.Sprintf("no fault %.60q; GET / lists them", r.PathValue("fault")))
		default:
			obey(w, r, c, fault)
		}
	})
	return mux
}

func obey(w http.ResponseWriter, r *http.Request, c *Camera, fault faultOrder) {
	name := r.PathValue("fault")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4096))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "an order is at most 4096 bytes of JSON")
		return
	}
	var o order
	if body = bytes.TrimSpace(body); len(body) > 0 {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil || d.More() {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("the order for %s is not what it takes: it is JSON such as %s", name, fault.takes))
			return
		}
	}
	if err := fault.run(c, o); err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, ErrSharedPort) {
			status = http.StatusConflict
		}
		refuse(w, status, fmt.Sprintf("%s: %v", name, err))
		return
	}
	reply(w, http.StatusOK, c.state())
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	reply(w, status, map[string]string{"error": sentence})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked is gone
}

func controlHelp(cameras []*Camera) string {
	var b strings.Builder
	b.WriteString("Simulated cameras: faults on demand.\n\nGET  /cameras          what there is, as JSON\nPOST /FAULT/CAMERA     with JSON as shown; what is left out has its default\n\n")
	names := make([]string, 0, len(faultOrders))
	for name := range faultOrders {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f := faultOrders[name]
		fmt.Fprintf(&b, "%-12s %s\n             %s\n", name, f.takes, f.does)
	}
	b.WriteString("\nCameras:\n")
	for _, c := range cameras {
		fmt.Fprintf(&b, "  %-12s %s\n", c.name, c.Address())
	}
	return b.String()
}
