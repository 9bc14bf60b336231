package httpd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"camgate/camera"
	"camgate/outputs/webrtc"
)

// webRTCCameras are the cameras as package webrtc takes them.
type webRTCCameras struct{ cameras }

func (c webRTCCameras) Camera(name string) *camera.Camera {
	if real, ok := c.find(name).(realCamera); ok {
		return real.Camera
	}
	return nil
}

// newWebRTC makes the WebRTC server, if there is to be one, which runs beside.
func (s *Server) newWebRTC(log *slog.Logger) error {
	if s.cfg.WebRTC == nil {
		return nil
	}
	server, err := webrtc.New(*s.cfg.WebRTC, webRTCCameras{s.cameras}, log)
	if err != nil {
		return err
	}
	s.webrtc = server
	s.beside = append(s.beside, func(ctx context.Context) error { return server.Run(ctx) })
	return nil
}

// routeWebRTC serves cameras by WebRTC: /whep/{camera} and /whep/{camera}/{session}.
func (s *Server) routeWebRTC(e *echo.Echo) {
	e.Any("/whep/*", s.whep)
}

func (s *Server) whep(c echo.Context) error {
	name, id, isSession := strings.Cut(strings.TrimPrefix(c.Request().URL.Path, "/whep/"), "/")
	if isSession {
		return s.whepSession(c, name, id)
	}
	return s.whepEndpoint(c, name)
}

// whepEndpoint answers a request to a camera's WHEP endpoint, which may have other
// addresses too.
func (s *Server) whepEndpoint(c echo.Context, name string) error {
	if s.webrtc == nil {
		return noWebRTC()
	}
	r := c.Request()
	asked := webrtc.Asked{Camera: name, Peer: r.RemoteAddr, Agent: r.UserAgent()}
	release := func() {}
	if r.Method == http.MethodPost {
		var err error
		if release, err = s.admit(); err != nil {
			return err
		}
		asked.Release = sync.OnceFunc(release)
		release = asked.Release
	}
	err := s.webrtc.Endpoint(c.Response(), r, asked)
	if err != nil {
		release()
	}
	return ofWebRTC(err)
}

func (s *Server) whepSession(c echo.Context, name, id string) error {
	if s.webrtc == nil {
		return noWebRTC()
	}
	return ofWebRTC(s.webrtc.Session(c.Response(), c.Request(), name, id))
}

func noWebRTC() *failure {
	return notFound("this gateway does not serve WebRTC: [webrtc] enabled = true in its configuration turns it on")
}

// ofWebRTC makes an answer of an error of package webrtc.
func ofWebRTC(err error) error {
	refused := new(webrtc.Error)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable:
		return busy(refused.Sentence)
	case errors.As(err, &refused):
		return &failure{status: refused.Status, sentence: refused.Sentence}
	case errors.Is(err, context.Canceled):
		return busy("the request was given up")
	}
	return err
}
