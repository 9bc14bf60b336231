package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

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
		for _, one := range namesOf(name) {
			hosts[one] = true
		}
	}
	for _, name := range append([]string{cfg.Listen}, cfg.Hosts...) {
		hosts[hostName(name)] = true
	}
	return hosts
}

// namesOf are what a machine is called whose name is set to hostname: alone, with its domain,
// which some set with it, and by multicast DNS, which knows the first label only.
func namesOf(hostname string) []string {
	whole := hostName(hostname)
	first, _, _ := strings.Cut(whole, ".")
	return []string{whole, first, first + ".local"}
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
		// A page may make up what a proxy passes on, but not what its browser says.
		for _, host := range []string{c.Request().Host, askerOf(c).host} {
			if name := hostName(host); !s.isHost(name) {
				return &failure{status: http.StatusForbidden, sentence: fmt.Sprintf(
					"this gateway does not go by the name \"%s\": use its IP address, or add the name to hosts in [http] of the configuration: [http] hosts = [\"…\"]", params.Shorten(name))}
			}
		}
		return next(c)
	}
}

// isHost says whether the gateway goes by a name. There is none in HTTP/1.0, which no
// browser speaks.
func (s *Server) isHost(name string) bool {
	_, err := netip.ParseAddr(name)
	return name == "" || err == nil || s.hosts[name]
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
