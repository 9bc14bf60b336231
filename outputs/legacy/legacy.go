// Package legacy speaks as other programs do, so that what was written for them shows
// camgate's cameras after a change of the host name: cctvAgent, Axis cameras, mjpg-streamer
// and ustreamer, Blue Iris, ZoneMinder, go2rtc. It reads their parameters, knows how they
// frame multipart answers, and has cctvAgent's WebSocket protocol; httpd has the routes.
package legacy

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"camgate/media"
	"camgate/outputs/params"
)

// Options of all of it. The zero value is what is always there: cctvAgent's /live/.
type Options struct {
	URLs        bool   // the others' addresses too
	CctvAgentWS string // host:port of cctvAgent's WebSocket protocol; "": nowhere
	AllowAnyURL bool   // it shows addresses too that are no camera's of the configuration

	// Listening is called once, when CctvAgentWS accepts connections; nil: nobody cares.
	Listening func(net.Addr)
}

// Asked is what a request in another program's words asks for.
type Asked struct {
	Camera string // by name, or by its number from 1 on; "": the first
	Index  bool   // Camera is a number from 0 on
	Named  bool   // Camera is no number

	Single    bool // one picture, not a stream
	Rendition media.Rendition
	Scale     float64 // of the camera's own size, above 0 and below 1; 0: none, Rendition says it
	FPS       float64 // at most; 0: all

	Frames   int           // the stream ends after so many; 0: it does not
	Duration time.Duration // the stream ends then; 0: it does not
	Early    params.Choice // the next part's header block right behind each picture
}

// maxCount bounds numbers that have no meaning above it: of pictures, and of seconds.
const maxCount = 1_000_000_000

// A query is the parameters of a request, and what is wrong with the first that is.
type query struct {
	values url.Values
	err    error
}

func parse(rawQuery string) *query {
	values, err := params.Query(rawQuery)
	return &query{values: values, err: err}
}

// text is the parameter of one of several names, "" where it is not given. Of one that is
// given more than once the first counts, as it does for those programs.
func (q *query) text(names ...string) (name, value string) {
	for _, name := range names {
		if value := q.values.Get(name); value != "" {
			return name, value
		}
	}
	return names[0], ""
}

// number is a parameter that is a whole number; 0 where it is not given.
func (q *query) number(least, most int, names ...string) int {
	name, text := q.text(names...)
	if text == "" || q.err != nil {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most || len(text) > 10 {
		q.err = fmt.Errorf("%s=%s is not possible: it must be a whole number from %d to %d", name, params.Shorten(text), least, most)
		return 0
	}
	return n
}

// rate is a parameter that is a number of pictures a second; 0 means all, as it does for
// those programs. One below what there is becomes the least there is.
func (q *query) rate(names ...string) float64 {
	name, text := q.text(names...)
	if text == "" || q.err != nil {
		return 0
	}
	f, ok := params.Decimal(text)
	if !ok || f > 1000 {
		q.err = fmt.Errorf("%s=%s is not possible: it must be a number of pictures a second, from %v to %v, or 0 for all", name, params.Shorten(text), params.MinFPS, params.MaxFPS)
		return 0
	}
	if f == 0 || f > params.MaxFPS {
		return 0
	}
	return math.Max(f, params.MinFPS)
}

// size is a parameter like 640x480, exactly; 0x0 is the camera's own.
func (q *query) size(r *media.Rendition, names ...string) {
	name, text := q.text(names...)
	if text == "" || q.err != nil {
		return
	}
	w, h, err := wxh(text)
	if err != nil {
		q.err = fmt.Errorf("%s=%s is not possible: it must be %w", name, params.Shorten(text), err)
		return
	}
	r.Width, r.Height, r.Exact = w, h, w > 0
}

var errSize = fmt.Errorf("WIDTHxHEIGHT in pixels, like 640x360, each from 1 to %d and together at most %d, or 0x0 for the camera's own size", params.MaxSide, params.MaxPixels)

// wxh reads a size; both are 0 for the camera's own.
func wxh(text string) (w, h int, err error) {
	left, right, found := strings.Cut(strings.ToLower(text), "x")
	w, okW := params.Whole(left)
	h, okH := params.Whole(right)
	if !found || !okW || !okH || !possible(w, h) || (w == 0) != (h == 0) {
		return 0, 0, errSize
	}
	return w, h, nil
}

func possible(w, h int) bool {
	return w >= 0 && h >= 0 && w <= params.MaxSide && h <= params.MaxSide && w*h <= params.MaxPixels
}

// scale is a parameter in per cent of the camera's size. Nothing is enlarged.
func (q *query) scale(names ...string) float64 {
	name, text := q.text(names...)
	if text == "" || q.err != nil {
		return 0
	}
	f, ok := params.Decimal(text)
	if !ok || f > 1000 {
		q.err = fmt.Errorf("%s=%s is not possible: it must be per cent of the camera's size, from 1 to 100", name, params.Shorten(text))
		return 0
	}
	if f == 0 || f >= 100 {
		return 0
	}
	return math.Max(f, 1) / 100
}
