package httpd

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"camgate/outputs/params"
)

// anyOrigin, among the configured origins, lets every page watch.
const anyOrigin = "*"

func allowedOrigins(list []string) map[string]bool {
	origins := make(map[string]bool)
	for _, o := range list {
		o = strings.ToLower(strings.TrimSuffix(o, "/"))
		// Browsers leave the scheme's own port out.
		switch {
		case strings.HasPrefix(o, "http://"):
			o = strings.TrimSuffix(o, ":80")
		case strings.HasPrefix(o, "https://"):
			o = strings.TrimSuffix(o, ":443")
		}
		origins[o] = true
	}
	return origins
}

// crossOrigin lets pages of the configured origins read answers (the CORS protocol of the
// Fetch standard), and answers the questions that browsers ask before they send what a form
// could not. Credentials are never allowed.
func (s *Server) crossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, h := c.Request(), c.Response().Header()
		if len(s.origins) > 0 {
			h.Add("Vary", "Origin")
		}
		origin := strings.ToLower(r.Header.Get("Origin"))
		switch {
		case origin == "":
			return next(c)
		case s.origins[origin]:
			h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		case s.origins[anyOrigin]:
			h.Set("Access-Control-Allow-Origin", "*")
		default:
			if preflight(r) && !s.isOurs(c, origin) {
				return foreign(origin)
			}
			return next(c)
		}
		h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Date, Accept-Patch, Retry-After, X-Timestamp, X-Camera-State, X-Sequence")
		if !preflight(r) {
			return next(c)
		}
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Content-Type, If-Match, Authorization, Cache-Control")
		h.Set("Access-Control-Max-Age", "600")
		if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
			// The page may be on the Internet, and the gateway is not.
			h.Set("Access-Control-Allow-Private-Network", "true")
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// preflight says whether a browser asks what a page may do.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// guardOrigin keeps pages of others from opening WebSockets, which browsers let them do,
// and from changing anything.
func (s *Server) guardOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			if !websocket.IsWebSocketUpgrade(r) {
				return next(c)
			}
		}
		origins := r.Header.Values("Origin")
		if len(origins) == 0 { // not a browser
			return next(c)
		}
		origin := strings.ToLower(origins[0])
		if len(origins) == 1 && (s.origins[origin] || s.isOurs(c, origin) || s.origins[anyOrigin] && watches(r)) {
			return next(c)
		}
		return foreign(origin)
	}
}

// watches says whether a request only shows pictures, whatever its method. Every page may be
// let in to watch, but only those that are named may move cameras and add them.
func watches(r *http.Request) bool {
	return websocket.IsWebSocketUpgrade(r) || !strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/api/webrtc"
}

// isOurs says whether an origin, in lower case, is the gateway's own.
func (s *Server) isOurs(c echo.Context, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return askerOf(c).sameOrigin(u.Scheme, u.Host)
}

// foreign is the answer to a page that may not do what it does.
func foreign(origin string) *failure {
	if origin == "null" { // and cannot be named: it is that of many
		return &failure{status: http.StatusForbidden,
			sentence: `pages that were opened from a file, or stand in a sandbox, may not do this: serve them from a host, as [http] www does; with [http] origins = ["*"] every page may watch`}
	}
	return &failure{status: http.StatusForbidden, sentence: fmt.Sprintf(
		"pages of \"%s\" may not do this: add it to origins in [http] of the configuration if they should: [http] origins = [\"…\"]", params.Shorten(origin))}
}
