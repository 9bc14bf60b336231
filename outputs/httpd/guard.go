package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"camgate/outputs/header"
	"camgate/outputs/params"
)

// account counts the request among those that Run waits for.
func (s *Server) account(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s.mu.Lock()
		if s.ending {
			s.mu.Unlock()
			return busy("the gateway is ending")
		}
		s.handlers.Add(1)
		s.mu.Unlock()
		defer s.handlers.Done()
		return next(c)
	}
}

// headers sets what every answer has. Pages may cache nothing; see header.NoStore.
func (s *Server) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		header.NoStore(h)
		h.Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

// allowedHosts are the names by which browsers may call the gateway.
func allowedHosts(cfg Config) map[string]bool {
	hosts := map[string]bool{"localhost": true}
	if name, err := os.Hostname(); err == nil {
		hosts[hostName(name)] = true
		hosts[hostName(name)+".local"] = true
	}
	for _, name := range append([]string{cfg.Listen}, cfg.Hosts...) {
		hosts[hostName(name)] = true
	}
	return hosts
}

// hostName is the name in host or host:port, as it is compared.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// guardHost refuses names that are not the gateway's. A page elsewhere whose name is
// made to point here (DNS rebinding) is, to the browser, of the same origin as the
// gateway; its name in Host is all that tells it apart. An IP address cannot be made to
// point elsewhere.
func (s *Server) guardHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		host := c.Request().Host
		if host == "" { // HTTP/1.0, which no browser speaks
			return next(c)
		}
		name := hostName(host)
		if _, err := netip.ParseAddr(name); err == nil || s.hosts[name] {
			return next(c)
		}
		return &failure{status: http.StatusForbidden, sentence: fmt.Sprintf(
			"this gateway does not go by the name \"%s\": use its IP address, or add the name to hosts in [http] of the configuration: [http] hosts = [\"…\"]", params.Shorten(name))}
	}
}

func allowedOrigins(list []string) map[string]bool {
	origins := make(map[string]bool)
	for _, o := range list {
		origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	return origins
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
		u, err := url.Parse(origin)
		if len(origins) == 1 && err == nil && (s.origins[origin] || u.Host != "" && strings.EqualFold(u.Host, r.Host)) {
			return next(c)
		}
		return &failure{status: http.StatusForbidden, sentence: fmt.Sprintf(
			"pages of \"%s\" may not do this: add it to origins in [http] of the configuration if they should: [http] origins = [\"…\"]", params.Shorten(origin))}
	}
}

// readBody reads what the request brings, in bounded size and time, so that no handler has
// to.
func (s *Server) readBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength == 0 {
			return next(c)
		}
		tooLarge := &failure{status: http.StatusRequestEntityTooLarge, sentence: fmt.Sprintf("a request may have at most %d bytes of body", maxBodyBytes)}
		h := c.Response().Header()
		if r.ContentLength > maxBodyBytes {
			h.Set("Connection", "close")
			return tooLarge
		}
		control := http.NewResponseController(c.Response().Writer)
		control.SetReadDeadline(time.Now().Add(s.cfg.HeaderTimeout)) // fails only on a dead connection
		body, err := io.ReadAll(http.MaxBytesReader(c.Response().Writer, r.Body, maxBodyBytes))
		if err != nil {
			h.Set("Connection", "close")
			if limit := new(http.MaxBytesError); errors.As(err, &limit) {
				return tooLarge
			}
			return &failure{status: http.StatusBadRequest, sentence: "the request's body is cut short or broken"}
		}
		control.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		return next(c)
	}
}
