package httpd

import (
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

// isBasePath holds for a path of plain segments, without a slash at its end.
func isBasePath(p string) bool {
	if p == "" || p[0] != '/' || path.Clean(p) != p || p == "/" {
		return false
	}
	return strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") == ""
}

// base takes the base path off the front of what is asked for. What is not below it is not
// there, but for /healthz, which is asked from beside the gateway.
func (s *Server) base(next echo.HandlerFunc) echo.HandlerFunc {
	if s.cfg.BasePath == "" {
		return next
	}
	below := s.cfg.BasePath + "/"
	return func(c echo.Context) error {
		u := c.Request().URL
		switch {
		case u.Path == "/healthz":
		case u.Path == s.cfg.BasePath:
			// Relative, so that it is right behind any proxy.
			to := path.Base(s.cfg.BasePath) + "/"
			if u.RawQuery != "" {
				to += "?" + u.RawQuery
			}
			c.Response().Header().Set("Location", to)
			return c.NoContent(http.StatusPermanentRedirect)
		case strings.HasPrefix(u.Path, below):
			u.Path = u.Path[len(below)-1:]
			if strings.HasPrefix(u.RawPath, below) {
				u.RawPath = u.RawPath[len(below)-1:]
			} else {
				u.RawPath = ""
			}
		default:
			return s.nothing(c)
		}
		return next(c)
	}
}

// link is the path under which a browser reaches a path of the gateway.
func (s *Server) link(c echo.Context, path string) string {
	return askerOf(c).prefix + s.cfg.BasePath + path
}

// isOfOthers says whether an address is another program's, which is not served.
func (s *Server) isOfOthers(path string) bool {
	return !s.cfg.Legacy.URLs && ofOthers.MatchString(path)
}

// nothing is the answer where there is nothing.
func (s *Server) nothing(c echo.Context) *failure {
	if s.isOfOthers(c.Request().URL.Path) {
		return notFound("another program has cameras under this address; camgate has them there too with urls = true in [legacy] of the configuration")
	}
	return notFound("there is nothing here; " + s.link(c, "/") + " is the page with all cameras")
}
