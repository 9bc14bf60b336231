package httpd

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"camgate/outputs/header"
	"camgate/outputs/mjpeg"
	"camgate/outputs/params"
	"camgate/outputs/snapshot"
	"camgate/outputs/viewerconn"
	"camgate/outputs/ws"
	"camgate/outputs/wsconn"
)

// asked finds what a request for pictures asks for: /output/{camera}?parameters.
func (s *Server) asked(c echo.Context, prefix string) (served, params.Params, error) {
	u := c.Request().URL
	name := strings.TrimPrefix(u.Path, prefix)
	camera := s.shown(name)
	if camera == nil {
		return nil, params.Params{}, noCamera(name)
	}
	p, err := params.Parse(u.RawQuery)
	if err != nil {
		return nil, params.Params{}, badRequest(err)
	}
	return camera, p, nil
}

// admit counts a viewer; release must be called if there is no error.
func (s *Server) admit() (release func(), err error) {
	if n := s.viewers.Add(1); n > int64(s.cfg.MaxViewers) {
		s.viewers.Add(-1)
		return nil, busy(fmt.Sprintf("%d viewers are connected already, and more are not allowed: try again later, or raise [limits] max_viewers in the gateway's configuration", s.cfg.MaxViewers))
	}
	return func() { s.viewers.Add(-1) }, nil
}

func (s *Server) mjpeg(c echo.Context) error {
	camera, p, err := s.asked(c, "/mjpeg/")
	if err != nil {
		return err
	}
	return s.multipart(c, camera, p)
}

// multipart shows a camera, or a wall, as multipart.
func (s *Server) multipart(c echo.Context, camera served, p params.Params) error {
	r := c.Request()
	if r.Method == http.MethodHead {
		h := c.Response().Header()
		h.Set("Content-Type", mjpeg.ContentType)
		h.Set("Connection", "close")
		return c.NoContent(http.StatusOK)
	}
	viewer, release, err := s.watch(c, camera, p, "mjpeg")
	if err != nil {
		return err
	}
	defer release()
	err = mjpeg.Serve(c.Response().Writer, r, viewer, mjpeg.Options{Early: mjpeg.Early(r.UserAgent(), p.Advance), Stall: s.cfg.Stall})
	s.ended(c, camera, err)
	return nil
}

func (s *Server) websocket(c echo.Context) error {
	camera, p, err := s.asked(c, "/ws/")
	if err != nil {
		return err
	}
	r := c.Request()
	if asksForCctvAgent(r) {
		return s.serveCctvAgentSocket(c, camera.Name(), p.Rendition)
	}
	protocol, echoed, err := ws.Choose(websocket.Subprotocols(r), p.Protocol)
	if err != nil {
		return badRequest(fmt.Errorf("%w, or cctvagent for its pages", err))
	}
	if protocol == ws.Tiled {
		return s.serveTiles(c, echoed, &ws.Wish{Camera: camera.Name(), Rendition: p.Rendition, FPS: p.FPS})
	}
	viewer, release, err := s.watch(c, camera, p, "ws")
	if err != nil {
		return err
	}
	defer release()
	err = ws.Serve(c.Response().Writer, r, viewer, ws.Options{
		Protocol: protocol, Echoed: echoed,
		Stall: s.cfg.Stall, PingEvery: s.cfg.PingEvery, PongTimeout: s.cfg.PongTimeout,
	})
	if errors.Is(err, wsconn.ErrNotWebSocket) {
		return badRequest(fmt.Errorf("%w; for pictures over plain HTTP use /mjpeg/", err))
	}
	s.ended(c, camera, err)
	return nil
}

// watch admits a viewer to a camera.
func (s *Server) watch(c echo.Context, camera served, p params.Params, form string) (*follower, func(), error) {
	release, err := s.admit()
	if err != nil {
		return nil, nil, err
	}
	wanted := wish{Rendition: p.Rendition, fps: p.FPS, peer: c.Request().RemoteAddr, form: form}
	v, err := camera.watch(wanted)
	if err != nil {
		release()
		return nil, nil, ofCamera(camera.Name(), err)
	}
	f := &follower{viewer: v, camera: camera, wish: wanted, find: s.shown, notices: &s.notices}
	return f, func() { f.Close(); release() }, nil
}

// ended tells the log how a stream ended, and echo that it has been answered.
func (s *Server) ended(c echo.Context, camera served, err error) {
	c.Response().Committed = true
	log := s.log.With("camera", camera.Name(), "viewer", c.Request().RemoteAddr)
	if errors.Is(err, viewerconn.ErrStalled) || errors.Is(err, wsconn.ErrNoPong) {
		log.Info("a viewer was closed", "why", err)
		return
	}
	log.Debug("a viewer has ended", "why", err)
}

func (s *Server) snapshot(c echo.Context) error {
	camera, p, err := s.asked(c, "/snapshot/")
	if err != nil {
		return err
	}
	if w, ok := camera.(wallCamera); ok {
		return s.wallPicture(c, w, p)
	}
	release, err := s.admit()
	if err != nil {
		return err
	}
	defer release()
	wanted := wish{Rendition: p.Rendition, still: true, peer: c.Request().RemoteAddr, form: "snapshot"}
	picture, err := snapshot.Take(c.Request().Context(), snapshotCamera{served: camera, wish: wanted}, snapshot.Options{
		MaxAge: p.MaxAge, Placeholder: p.Placeholder, Patience: s.cfg.Patience,
	})
	if err != nil {
		return noPicture(c, camera, err, instead)
	}
	return snapshot.Write(c.Response(), c.Request(), picture)
}

// instead is what whoever asks at /snapshot may ask for where there is no picture.
const instead = "; ?placeholder=1 gets a picture that says so instead of this error"

// noPicture is the answer in place of a picture: why there is none, and advice.
func noPicture(c echo.Context, camera served, err error, advice string) error {
	name := camera.Name()
	if !errors.Is(err, snapshot.ErrNoPicture) {
		return ofCamera(name, err)
	}
	c.Response().Header().Set(header.State, "offline")
	self := fmt.Sprintf("camera %q: ", name)
	why := strings.TrimPrefix(camera.Brief().LastError, self)
	if why != "" {
		why = " (" + why + ")"
	}
	return busy(self + err.Error() + why + advice)
}
