package httpd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"camgate/camera"
	"camgate/media"
	"camgate/onvif"
	"camgate/outputs/header"
	"camgate/outputs/params"
	"camgate/outputs/snapshot"
	"camgate/outputs/viewerconn"
	"camgate/outputs/wall"
	"camgate/outputs/ws"
	"camgate/outputs/wsconn"
)

// routeMany serves many cameras at once: over one WebSocket, and in one picture.
func (s *Server) routeMany(e *echo.Echo) {
	both := []string{http.MethodGet, http.MethodHead}
	e.GET("/ws", s.manyTiles)
	e.Match(both, "/wall", s.wallStream)
	e.Match(both, "/wall.jpg", s.wallSnapshot)
	e.Match(both, "/api/walls", s.listWalls)
}

// shown finds what goes by a name: a camera, or a wall; nil if there is none.
func (s *Server) shown(name string) served {
	if one := s.cameras.find(name); one != nil {
		return one
	}
	if w, ok := s.wallNamed(name); ok {
		return w
	}
	return nil
}

// wallNamed finds a wall of the configuration.
func (s *Server) wallNamed(name string) (w wallCamera, ok bool) {
	i := slices.IndexFunc(s.cfg.Walls, func(l wall.Layout) bool { return l.Name == name })
	if i < 0 {
		return w, false
	}
	return wallCamera{s, s.cfg.Walls[i]}, true
}

// manyTiles is /ws. The connection counts once among the gateway's viewers; each tile is a
// viewer of its camera.
func (s *Server) manyTiles(c echo.Context) error {
	r := c.Request()
	if asksForCctvAgent(r) {
		return s.cctvAgentSocket(c)
	}
	p, err := params.Parse(r.URL.RawQuery)
	if err != nil {
		return badRequest(err)
	}
	_, echoed, err := ws.ChooseTiled(websocket.Subprotocols(r), p.Protocol)
	if err != nil {
		return badRequest(err)
	}
	return s.serveTiles(c, echoed, nil)
}

func (s *Server) serveTiles(c echo.Context, echoed string, first *ws.Wish) error {
	release, err := s.admit()
	if err != nil {
		return err
	}
	defer release()
	r := c.Request()
	err = ws.ServeTiles(c.Response().Writer, r, tileSource{s, r.RemoteAddr}, first, ws.Options{
		Protocol: ws.Tiled, Echoed: echoed,
		Stall: s.cfg.Stall, PingEvery: s.cfg.PingEvery, PongTimeout: s.cfg.PongTimeout,
	})
	if errors.Is(err, wsconn.ErrNotWebSocket) {
		return badRequest(fmt.Errorf("%w; for pictures over plain HTTP use /mjpeg/", err))
	}
	c.Response().Committed = true
	log := s.log.With("viewer", r.RemoteAddr)
	if errors.Is(err, viewerconn.ErrStalled) || errors.Is(err, wsconn.ErrNoPong) {
		log.Info("a viewer of several cameras was closed", "why", err)
		return nil
	}
	log.Debug("a viewer of several cameras has ended", "why", err)
	return nil
}

// tileSource is what tiles of one connection show.
type tileSource struct {
	s    *Server
	peer string
}

func (t tileSource) Open(w ws.Wish) (ws.Feed, error) {
	one := t.s.shown(w.Camera)
	var err error = noCamera(w.Camera)
	if one != nil {
		var v viewer
		if v, err = one.watch(wish{Rendition: w.Rendition, fps: w.FPS, peer: t.peer, form: "tile"}); err == nil {
			return v, nil
		}
		err = ofCamera(w.Camera, err)
	}
	if f := new(failure); errors.As(err, &f) {
		return nil, &ws.Refusal{Status: f.status, Sentence: f.sentence}
	}
	return nil, &ws.Refusal{Status: http.StatusInternalServerError, Sentence: err.Error()}
}

func (t tileSource) State(name string) ws.State {
	one := t.s.shown(name)
	if one == nil {
		return ws.State{}
	}
	b := one.Brief()
	if b.State == "idle" {
		b.State = "connecting" // since there is somebody who wants to see it
	}
	return ws.State{Name: b.State, Error: b.LastError, Partly: b.Partly}
}

// askedWall finds what a request for a wall asks for: /wall?cams=a,b or ?name=NAME.
func (s *Server) askedWall(c echo.Context) (wallCamera, params.Params, error) {
	raw := c.Request().URL.RawQuery
	q, err := wall.ParseQuery(raw)
	if err != nil {
		return wallCamera{}, params.Params{}, badRequest(err)
	}
	p, err := params.Parse(raw)
	if err != nil {
		return wallCamera{}, params.Params{}, badRequest(err)
	}
	w := wallCamera{s, q.Layout}
	if q.Name != "" {
		named, ok := s.wallNamed(q.Name) // a camera that was added later may have its name
		if !ok {
			return w, p, notFound(fmt.Sprintf("there is no wall \"%s\" here; /api/walls lists those there are", params.Shorten(q.Name)))
		}
		w = named
	} else if name := w.layout.Missing(func(name string) bool { return s.cameras.find(name) != nil }); name != "" {
		return w, p, noCamera(name)
	}
	if _, err = w.layout.Adapted(p); err != nil {
		return w, p, badRequest(err)
	}
	return w, p, nil
}

// wallStream is /wall.
func (s *Server) wallStream(c echo.Context) error {
	w, p, err := s.askedWall(c)
	if err != nil {
		return err
	}
	return s.multipart(c, w, p)
}

// wallSnapshot is /wall.jpg.
func (s *Server) wallSnapshot(c echo.Context) error {
	w, p, err := s.askedWall(c)
	if err != nil {
		return err
	}
	return s.wallPicture(c, w, p)
}

// wallPicture answers with one picture of a wall: of every camera one that is newer than
// the request, as far as they come in time. Some of them being away does not make it an
// error, all of them being does.
func (s *Server) wallPicture(c echo.Context, w wallCamera, p params.Params) error {
	asked := time.Now()
	release, err := s.admit()
	if err != nil {
		return err
	}
	defer release()
	layout, err := w.layout.Adapted(p)
	if err != nil {
		return badRequest(err)
	}
	if newest := s.walls.Newest(layout); p.MaxAge > 0 && newest != nil && newest.State == media.Live && asked.Sub(newest.Received) <= p.MaxAge {
		return snapshot.Write(c.Response(), c.Request(), newest)
	}
	v, err := s.walls.Watch(layout)
	if err != nil {
		return ofWall(err)
	}
	defer v.Close()
	patience := s.cfg.Patience
	if patience <= 0 {
		patience = snapshot.DefaultPatience
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	picture, err := v.Settled(ctx, asked)
	if err != nil || picture.State == media.Offline && !p.Placeholder {
		c.Response().Header().Set(header.State, media.Offline.String())
		return busy("none of the wall's cameras has a live picture now" + instead)
	}
	return snapshot.Write(c.Response(), c.Request(), picture)
}

// wallEntry is one of /api/walls.
type wallEntry struct {
	Name    string   `json:"name"`
	Cameras []string `json:"cameras"`
	Columns int      `json:"columns"` // 0: as many as make it nearly square
	Width   int      `json:"width"`   // pixels
}

func (s *Server) listWalls(c echo.Context) error {
	list := []wallEntry{}
	for _, l := range s.cfg.Walls {
		list = append(list, wallEntry{Name: l.Name, Cameras: l.Cameras, Columns: l.Columns, Width: l.Width})
	}
	return c.JSON(http.StatusOK, list)
}

func ofWall(err error) error {
	if errors.Is(err, wall.ErrTooManyWalls) {
		return busy(err.Error() + ": use the same cameras, width, quality and fps as other viewers, or try again later")
	}
	return badRequest(err)
}

// wallSource is the cameras, as walls need them.
type wallSource struct{ cameras }

func (w wallSource) Watch(name string, r media.Rendition, fps float64) (wall.Tile, error) {
	one := w.find(name)
	if one == nil {
		return nil, wall.ErrNoCamera
	}
	v, err := one.watch(wish{Rendition: r, fps: fps, form: "wall"})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (w wallSource) Away(name string) bool {
	one := w.find(name)
	return one == nil || away(one.Brief().State)
}

// wallCamera is a wall that is asked for as if it were a camera.
type wallCamera struct {
	s      *Server
	layout wall.Layout
}

func (w wallCamera) Name() string {
	return cmp.Or(w.layout.Name, "wall of "+strings.Join(w.layout.Cameras, ","))
}

func (w wallCamera) Newest(r media.Rendition) *media.Picture {
	l, err := w.layout.Adapted(params.Params{Rendition: r})
	if err != nil {
		return nil
	}
	if p := w.s.walls.Newest(l); p != nil && p.State == media.Live {
		return p
	}
	return nil
}

func (w wallCamera) Status() camera.Status {
	b := w.Brief()
	return camera.Status{Name: w.layout.Name, State: b.State, Partly: b.Partly, LastError: b.LastError, Renditions: []camera.RenditionStatus{}}
}

// Brief says live if every camera of the wall is, offline or connecting if none is, and
// stale between the two.
func (w wallCamera) Brief() camera.Brief {
	live, others, connecting := 0, 0, false
	for _, name := range w.layout.Cameras {
		one := w.s.cameras.find(name)
		switch {
		case name == "":
		case one == nil:
			others++
		default:
			switch one.Brief().State {
			case "live":
				live++
			case "connecting", "idle":
				connecting = true
				others++
			default:
				others++
			}
		}
	}
	b := camera.Brief{State: "stale"}
	switch {
	case others == 0:
		b.State = "live"
	case live == 0 && connecting:
		b.State = "connecting"
	case live == 0:
		b.State = "offline"
	}
	if live > 0 && others > 0 {
		b.Partly = true
		verb := "are"
		if others == 1 {
			verb = "is"
		}
		b.LastError = fmt.Sprintf("%d of the wall's %d cameras %s not live", others, live+others, verb)
	}
	return b
}

func (w wallCamera) watch(wanted wish) (viewer, error) {
	l, err := w.layout.Adapted(params.Params{Rendition: wanted.Rendition, FPS: wanted.fps})
	if err != nil {
		return nil, badRequest(err)
	}
	v, err := w.s.walls.Watch(l)
	if err != nil {
		return nil, ofWall(err)
	}
	return v, nil
}

func (w wallCamera) Move(context.Context, camera.Order) error { return camera.ErrFixed }

func (w wallCamera) Presets(context.Context) ([]onvif.Preset, error) { return nil, camera.ErrFixed }
