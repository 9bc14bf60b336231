package httpd

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"camgate/outputs/legacy"
	"camgate/outputs/webrtc"
)

// routeLegacyRTC serves cameras by WebRTC as MediaMTX and go2rtc do.
func (s *Server) routeLegacyRTC(e *echo.Echo) {
	e.Any("/:camera/whep", s.mediaMTX)
	e.Any("/:camera/whep/:session", s.mediaMTXSession)
	e.POST("/api/webrtc", s.go2rtcOffer)
	e.Match([]string{http.MethodGet, http.MethodHead}, "/api/webrtc", onlyPost)
}

// mediaMTX is WHEP, but for the address.
func (s *Server) mediaMTX(c echo.Context) error {
	name := strings.TrimSuffix(strings.TrimPrefix(c.Request().URL.Path, "/"), "/whep")
	one := s.called(legacy.Asked{Camera: name, Named: true})
	if one == nil {
		return noCamera(name)
	}
	response := c.Response()
	response.Before(func() {
		// It ends with the session's id, and is relative to where this was asked for.
		if at := response.Header().Get("Location"); at != "" {
			response.Header().Set("Location", "whep/"+at[strings.LastIndexByte(at, '/')+1:])
		}
	})
	return s.whepEndpoint(c, one.Name())
}

func (s *Server) mediaMTXSession(c echo.Context) error {
	name, id, _ := strings.Cut(strings.TrimPrefix(c.Request().URL.Path, "/"), "/whep/")
	if one := s.called(legacy.Asked{Camera: name, Named: true}); one != nil {
		name = one.Name()
	}
	return s.whepSession(c, name, id)
}

// go2rtcOffer takes an offer in each of the forms that go2rtc does.
func (s *Server) go2rtcOffer(c echo.Context) error {
	r := c.Request()
	a, err := legacy.Go2rtc(r.URL.RawQuery, false)
	if err != nil {
		return badRequest(err)
	}
	one := s.called(legacy.Asked{Camera: a.Camera, Named: true})
	if one == nil {
		return noCamera(a.Camera)
	}
	if s.webrtc == nil {
		return noWebRTC()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err // which readBody has made impossible
	}
	offer, form, err := legacy.ReadOffer(r.Header.Get("Content-Type"), body)
	if err != nil {
		return badRequest(err)
	}
	release, err := s.admit()
	if err != nil {
		return err
	}
	release = sync.OnceFunc(release)
	answer, err := s.webrtc.Offer(r.Context(), webrtc.Asked{
		Camera: one.Name(), Offer: offer, Width: a.Rendition.Width, Height: a.Rendition.Height,
		Peer: r.RemoteAddr, Agent: r.UserAgent(), Release: release,
	})
	if err != nil {
		release()
		return ofWebRTC(err)
	}
	status, kind, text := form.Answer(answer.SDP)
	h := c.Response().Header()
	if form == legacy.WHEPOffer {
		h.Set("ETag", answer.ETag)
		h.Set("Location", "../whep/"+url.PathEscape(one.Name())+"/"+answer.Session)
	}
	return c.Blob(status, kind, text)
}
