package httpd

import (
	"context"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"camgate/media"
	"camgate/outputs/legacy"
	"camgate/outputs/mjpeg"
	"camgate/outputs/params"
	"camgate/outputs/snapshot"
)

// A dialect is how another program is asked for pictures, and how it answers.
type dialect struct {
	form    string // of its viewers
	framing *mjpeg.Framing
	read    func(c echo.Context) (legacy.Asked, error)
}

// of is a dialect with a way to read its requests: several addresses share the rest.
func (d dialect) of(read func(rawQuery string, single bool) (legacy.Asked, error), single bool) dialect {
	d.read = func(c echo.Context) (legacy.Asked, error) {
		a, err := read(c.Request().URL.RawQuery, single)
		a.Single = a.Single || single
		return a, err
	}
	return d
}

var (
	cctvAgent   = dialect{form: "live", framing: legacy.LiveFraming, read: readLive}
	axis        = dialect{form: "axis", framing: legacy.AxisFraming}
	mjpgStream  = dialect{form: "mjpg-streamer", framing: legacy.StreamerFraming}
	blueIris    = dialect{form: "blueiris", framing: legacy.AxisFraming}
	zoneMinder  = dialect{form: "zoneminder", framing: legacy.ZoneMinderFraming}
	go2rtc      = dialect{form: "go2rtc", framing: legacy.Go2rtcFraming}
	readAxis    = func(q string, _ bool) (legacy.Asked, error) { return legacy.Axis(q) }
	readZM      = func(q string, _ bool) (legacy.Asked, error) { return legacy.ZoneMinder(q) }
	readBlueMJP = func(c echo.Context) (legacy.Asked, error) {
		u := c.Request().URL
		return legacy.BlueIris(strings.TrimSuffix(strings.TrimPrefix(u.Path, "/mjpg/"), "/video.mjpg"), u.RawQuery, false)
	}
	readBlueJPG = func(c echo.Context) (legacy.Asked, error) {
		u := c.Request().URL
		return legacy.BlueIris(strings.TrimPrefix(u.Path, "/image/"), u.RawQuery, true)
	}
)

const livePath = "/live/"

// isLive says whether a path is one of cctvAgent's cameras, which looked at it without case.
func isLive(path string) bool {
	return len(path) >= len(livePath) && strings.EqualFold(path[:len(livePath)], livePath)
}

func readLive(c echo.Context) (legacy.Asked, error) {
	u := c.Request().URL
	// To cctvAgent a slash behind the id is nothing, and no id is not the first camera's.
	a, err := legacy.CctvAgent(strings.TrimSuffix(u.Path[len(livePath):], "/"), u.RawQuery)
	a.Named = a.Camera == ""
	return a, err
}

// ofOthers are the addresses of routeLegacy that programs other than cctvAgent have.
var ofOthers = regexp.MustCompile(`^/(axis-cgi|jpg|mjpg|image|cgi-bin|zm)/|^/stream$|^/snapshot$|^/api/(stream\.mjpeg|frame\.jpeg|webrtc)$|^/[^/]+/whep$`)

// routeLegacy serves cameras under the addresses of other programs.
func (s *Server) routeLegacy(e *echo.Echo) {
	get := func(path string, d dialect) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, func(c echo.Context) error { return s.speak(c, d) })
	}
	get(livePath+"*", cctvAgent) // and as page has it
	if !s.cfg.Legacy.URLs {
		return
	}
	for _, path := range []string{"/axis-cgi/mjpg/video.cgi", "/mjpg/video.mjpg"} {
		get(path, axis.of(readAxis, false))
	}
	for _, path := range []string{"/axis-cgi/jpg/image.cgi", "/jpg/image.jpg"} {
		get(path, axis.of(readAxis, true))
	}
	get("/stream", mjpgStream.of(legacy.Ustreamer, false))
	get("/snapshot", mjpgStream.of(legacy.Ustreamer, true))
	get("/mjpg/:camera/video.mjpg", dialect{blueIris.form, blueIris.framing, readBlueMJP})
	get("/image/*", dialect{blueIris.form, blueIris.framing, readBlueJPG})
	for _, path := range []string{"/cgi-bin/nph-zms", "/cgi-bin/zms", "/zm/cgi-bin/nph-zms", "/zm/cgi-bin/zms"} {
		get(path, zoneMinder.of(readZM, false))
	}
	get("/api/stream.mjpeg", go2rtc.of(legacy.Go2rtc, false))
	get("/api/frame.jpeg", go2rtc.of(legacy.Go2rtc, true))
	s.routeLegacyRTC(e)
}

// front is /: the page, or a camera as mjpg-streamer has it.
func (s *Server) front(c echo.Context) error {
	if !s.cfg.Legacy.URLs || !c.QueryParams().Has("action") {
		return s.page(c)
	}
	if _, known, _ := legacy.MjpgStreamer(c.Request().URL.RawQuery); !known {
		return s.page(c)
	}
	return s.speak(c, mjpgStream.of(func(q string, _ bool) (legacy.Asked, error) {
		a, _, err := legacy.MjpgStreamer(q)
		return a, err
	}, false))
}

// speak answers as another program would.
func (s *Server) speak(c echo.Context, d dialect) error {
	a, err := d.read(c)
	if err != nil {
		return badRequest(err)
	}
	camera := s.called(a)
	if camera == nil {
		return noCamera(a.Camera)
	}
	r := c.Request()
	wanted := wish{Rendition: a.Rendition, fps: a.FPS, still: a.Single, peer: r.RemoteAddr, form: d.form}
	if a.Single {
		return s.single(c, camera, wanted, a.Scale)
	}
	if r.Method == http.MethodHead {
		h := c.Response().Header()
		h.Set("Content-Type", d.framing.ContentType)
		h.Set("Connection", "close")
		return c.NoContent(http.StatusOK)
	}
	follower, release, err := s.watch(c, camera, params.Params{Rendition: a.Rendition, FPS: a.FPS}, d.form)
	if err != nil {
		return err
	}
	defer release()
	var viewer mjpeg.Viewer = follower
	if a.Scale > 0 {
		viewer = &scaledViewer{follower: follower, scale: a.Scale}
	}
	err = mjpeg.Serve(c.Response().Writer, r, viewer, mjpeg.Options{
		Framing: d.framing, Early: mjpeg.Early(r.UserAgent(), a.Early), Frames: a.Frames, Duration: a.Duration, Stall: s.cfg.Stall,
	})
	s.ended(c, camera, err)
	return nil
}

// called finds the camera that is asked for by name, without case where there is none of
// exactly this, or by number; nil if there is none.
func (s *Server) called(a legacy.Asked) served {
	all := s.cameras.all()
	switch {
	case a.Camera == "" && !a.Named && len(all) > 0:
		return all[0]
	case a.Index:
		return nth(all, a.Camera, 0)
	}
	if one := s.cameras.find(a.Camera); one != nil {
		return one
	}
	if i := slices.IndexFunc(all, func(one served) bool { return strings.EqualFold(one.Name(), a.Camera) }); i >= 0 {
		return all[i]
	}
	if a.Named {
		return nil
	}
	return nth(all, a.Camera, 1)
}

// nth is the camera of a number, where the first is number first.
func nth(all []served, number string, first int) served {
	n, err := strconv.ParseUint(number, 10, 16)
	if i := int(n) - first; err == nil && i >= 0 && i < len(all) {
		return all[i]
	}
	return nil
}

// single answers with one picture, of scale times the camera's size where that is not 0.
func (s *Server) single(c echo.Context, camera served, wanted wish, scale float64) error {
	release, err := s.admit()
	if err != nil {
		return err
	}
	defer release()
	ctx := c.Request().Context()
	options := snapshot.Options{Patience: s.cfg.Patience}
	if scale > 0 {
		// How large the camera's picture is, a picture says.
		old := options
		old.MaxAge = time.Hour
		p, err := snapshot.Take(ctx, snapshotCamera{served: camera, wish: wanted}, old)
		if err != nil {
			return noPicture(c, camera, err, "")
		}
		wanted.Rendition = scaledDown(wanted.Rendition, p, scale)
	}
	p, err := snapshot.Take(ctx, snapshotCamera{served: camera, wish: wanted}, options)
	if err != nil {
		return noPicture(c, camera, err, "")
	}
	return snapshot.Write(c.Response(), c.Request(), p)
}

func scaledDown(r media.Rendition, of *media.Picture, scale float64) media.Rendition {
	r.Width, r.Height = max(1, int(math.Round(float64(of.Width)*scale))), 0
	return r
}

// A scaledViewer watches a camera in a part of its own size, which the first live picture
// tells.
type scaledViewer struct {
	*follower
	scale  float64
	scaled bool // it is watched in that size
}

func (v *scaledViewer) Next(ctx context.Context) (*media.Picture, error) {
	p, err := v.follower.Next(ctx)
	if err != nil || v.scaled || p.State != media.Live {
		return p, err
	}
	w := v.wish
	w.Rendition = scaledDown(w.Rendition, p, v.scale)
	if v.change(w) != nil {
		return p, nil // as it is: there are too many sizes already
	}
	v.scaled = true
	return v.follower.Next(ctx)
}
