package httpd

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"camgate/camera"
)

// listCameras answers with the state of all cameras: a JSON array, in the
// configuration's order.
func (s *Server) listCameras(c echo.Context) error {
	list := []camera.Status{}
	for _, one := range s.cameras.all() {
		list = append(list, one.Status())
	}
	return c.JSON(http.StatusOK, list)
}

// showCamera answers with the state of a camera, or of a wall: a player that has its picture as
// multipart learns it nowhere else.
func (s *Server) showCamera(c echo.Context) error {
	name := strings.TrimPrefix(c.Request().URL.Path, "/api/cameras/")
	camera := s.shown(name)
	if camera == nil {
		if moved, found := strings.CutSuffix(name, "/ptz"); found && s.cameras.find(moved) != nil {
			return onlyPost(c)
		}
		return noCamera(name)
	}
	return c.JSON(http.StatusOK, camera.Status())
}

// health is what /healthz answers.
type health struct {
	Status  string  `json:"status"` // ok
	Version string  `json:"version,omitempty"`
	Uptime  float64 `json:"uptime"`  // seconds
	Viewers int64   `json:"viewers"` // connected now
}

func (s *Server) health(c echo.Context) error {
	return c.JSON(http.StatusOK, health{
		Status: "ok", Version: s.cfg.Version,
		Uptime: time.Since(s.began).Seconds(), Viewers: s.viewers.Load(),
	})
}
