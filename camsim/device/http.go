package device

import (
	"fmt"
	"html"
	"net/http"
	"strings"
)

// ServeHTTP answers all requests to a port.
func (p *port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := p.d
	if !d.enter() {
		return
	}
	defer d.leave()
	if d.has(QuirkNoDateHeader) {
		w.Header()["Date"] = nil
	} else {
		w.Header().Set("Date", d.now().Format(http.TimeFormat))
	}
	w = &statusCounter{ResponseWriter: w, d: d}
	switch what := p.what(r.URL.Path); {
	case what == "":
		http.NotFound(w, r)
	case d.hostile(w, r):
	case what == "soap" && r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
	case what == "soap":
		d.soap(w, r)
	case what == "snapshot":
		d.snapshot(w, r)
	case what == "description":
		d.description(w, r)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><title>%[1]s</title><h1>%[1]s</h1><p>A simulated camera.\n", html.EscapeString(d.options.Name))
	}
}

// what is asked for; "" is not there, or not on this port.
func (p *port) what(path string) string {
	what, role := "", roleServices
	switch {
	case path == "/onvif/device_service":
		what, role = "soap", roleMain
	case strings.HasPrefix(path, "/onvif/"):
		what = "soap"
	case strings.HasPrefix(path, "/snapshot/"):
		what, role = "snapshot", roleSnapshots
	case path == descriptionPath:
		what, role = "description", roleMain
	case path == "/":
		what, role = "page", roleMain
	}
	if p.d.has(QuirkPortsDiffer) && p.role != role && p.role != roleIPv6 {
		return ""
	}
	return what
}

// A statusCounter counts the answers that are no success.
type statusCounter struct {
	http.ResponseWriter
	d *Device
}

// WriteHeader implements http.ResponseWriter.
func (s *statusCounter) WriteHeader(status int) {
	if status >= 300 {
		s.d.count(fmt.Sprint(status))
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (s *statusCounter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
