package legacy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"camgate/media"
	"camgate/outputs/params"
)

// defaultLiveQuality is cctvAgent's.
const defaultLiveQuality = 70

// CctvAgent reads /live/{id}?size=WxH&q=N. There, what is no whole number was as good as left
// out: pages that know no size yet write size=NaNxNaN, and those that compute one
// size=640.5x360. A quality beyond the scale was the scale's end.
func CctvAgent(id, rawQuery string) (Asked, error) {
	q := parse(rawQuery)
	a := Asked{Camera: id, Rendition: media.Rendition{Quality: defaultLiveQuality}}
	_, size := q.text("size")
	if !slices.ContainsFunc(strings.Split(strings.ToLower(size), "x"), noNumber) {
		q.size(&a.Rendition, "size")
	}
	_, quality := q.text("q")
	if n, _ := strconv.Atoi(quality); n != 0 && !noNumber(quality) {
		a.Rendition.Quality = min(max(n, 1), 100) // of one with too many digits Atoi tells the largest there is
	}
	return a, q.err
}

// noNumber says that a text is no whole number, however large.
func noNumber(text string) bool {
	_, err := strconv.Atoi(text)
	return errors.Is(err, strconv.ErrSyntax)
}

// axisSizes are the names that Axis cameras take for sizes (VAPIX, Image.Resolution), as
// they are where the mains have 50 Hz.
var axisSizes = map[string][2]int{
	"qcif": {176, 144}, "cif": {352, 288}, "2cif": {704, 288}, "2cifexp": {704, 576}, "4cif": {704, 576}, "d1": {720, 576},
	"qvga": {320, 240}, "vga": {640, 480},
}

// Axis reads the parameters of /axis-cgi/mjpg/video.cgi and /axis-cgi/jpg/image.cgi (VAPIX,
// Video streaming). Those that turn or label the picture are ignored.
func Axis(rawQuery string) (Asked, error) {
	q := parse(rawQuery)
	var a Asked
	_, a.Camera = q.text("camera")
	_, resolution := q.text("resolution")
	if named, known := axisSizes[strings.ToLower(resolution)]; known {
		a.Rendition = media.Rendition{Width: named[0], Height: named[1], Exact: true}
	} else {
		q.size(&a.Rendition, "resolution")
	}
	if _, given := q.text("compression"); given != "" {
		// Theirs is 0 for the best and 100 for the smallest.
		a.Rendition.Quality = max(1, 100-q.number(0, 100, "compression"))
	}
	a.FPS = q.rate("fps", "des_fps", "req_fps")
	a.Frames = q.number(0, maxCount, "nbrofframes")
	a.Duration = time.Duration(q.number(0, maxCount, "duration")) * time.Second
	return a, q.err
}

// MjpgStreamer reads the parameters of /?action=stream and /?action=snapshot, of which
// mjpg-streamer has one for each of its inputs, counted from 0: /?action=stream_1. known is
// false where the action is none for pictures.
func MjpgStreamer(rawQuery string) (a Asked, known bool, err error) {
	q := parse(rawQuery)
	_, action := q.text("action")
	// mjpg-streamer looks at how its address begins: /?action=stream?dummy=param.mjpg is what
	// programs are given that want a name at the end.
	action, _, _ = strings.Cut(action, "?")
	action, input, numbered := strings.Cut(action, "_")
	if action != "stream" && action != "snapshot" {
		return Asked{}, false, nil
	}
	a, err = Ustreamer(rawQuery, action == "snapshot")
	if numbered && err == nil {
		if _, ok := params.Whole(input); !ok {
			err = fmt.Errorf("action=%s_%s is not possible: behind the _ must be the number of a camera, from 0 on", action, params.Shorten(input))
		}
		a.Camera, a.Index = input, true
	}
	return a, true, err
}

// Ustreamer reads the parameters of /stream and /snapshot. Which camera, where there is more
// than one, is camera= by name or by number.
func Ustreamer(rawQuery string, single bool) (Asked, error) {
	q := parse(rawQuery)
	a := Asked{Single: single}
	_, a.Camera = q.text("camera")
	switch _, advance := q.text("advance_headers"); advance {
	case "1", "true", "yes":
		a.Early = params.Yes
	case "0", "false", "no":
		a.Early = params.No
	}
	return a, q.err
}

// BlueIris reads the parameters of /image/{camera} and /mjpg/{camera}/video.mjpg: quality,
// and the size by width, height or per cent.
func BlueIris(camera, rawQuery string, single bool) (Asked, error) {
	q := parse(rawQuery)
	a := Asked{Camera: camera, Single: single}
	a.Rendition.Quality = q.number(0, 100, "q")
	a.Rendition.Width = q.number(0, params.MaxSide, "w")
	a.Rendition.Height = q.number(0, params.MaxSide, "h")
	if a.Rendition.Width == 0 && a.Rendition.Height == 0 {
		a.Scale = q.scale("s")
	}
	a.FPS = q.rate("fps")
	return a, q.err
}

// ZoneMinder reads the parameters of /cgi-bin/nph-zms. Those of its recordings are refused;
// those by which somebody logs in are ignored.
func ZoneMinder(rawQuery string) (Asked, error) {
	q := parse(rawQuery)
	var a Asked
	_, a.Camera = q.text("monitor")
	switch _, mode := q.text("mode"); mode {
	case "", "jpeg":
	case "single":
		a.Single = true
	default:
		if q.err == nil {
			q.err = fmt.Errorf("mode=%s is not possible: it must be jpeg or single", params.Shorten(mode))
		}
	}
	if _, event := q.text("event"); event != "" && q.err == nil {
		q.err = errors.New("there are no recordings here: leave event out, and say monitor")
	}
	if _, scale := q.text("scale"); scale != "auto" {
		a.Scale = q.scale("scale")
	}
	a.FPS = q.rate("maxfps")
	return a, q.err
}

// Go2rtc reads the parameters of /api/stream.mjpeg and /api/frame.jpeg. A width or height of
// -1 or 0 is the one that fits.
func Go2rtc(rawQuery string, single bool) (Asked, error) {
	q := parse(rawQuery)
	a := Asked{Single: single}
	if _, a.Camera = q.text("src"); a.Camera == "" && q.err == nil {
		q.err = errors.New("src is missing: it must be the name of a camera")
	}
	a.Rendition.Width = max(0, q.number(-1, params.MaxSide, "width", "w"))
	a.Rendition.Height = max(0, q.number(-1, params.MaxSide, "height", "h"))
	return a, q.err
}
