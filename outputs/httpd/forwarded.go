package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// An asker is who asks, and how the gateway is called there: as the connection tells, or,
// where it is a trusted proxy's, as the proxies say.
type asker struct {
	peer   string // address, with the port where that is known
	scheme string // http or https
	host   string // name or address, and the port where it is not the scheme's
	prefix string // what a proxy has taken off the front of the path, like /cams
}

// askerKey is where the request's asker is kept.
const askerKey = "camgate.asker"

func askerOf(c echo.Context) asker {
	a, _ := c.Get(askerKey).(asker)
	return a
}

// maxHops bounds how many proxies are followed.
const maxHops = 32

// forwarded finds out who asks. From here on the request's RemoteAddr is the viewer's.
func (s *Server) forwarded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		a := s.whoAsks(r)
		r.RemoteAddr = a.peer
		c.Set(askerKey, a)
		return next(c)
	}
}

func (s *Server) whoAsks(r *http.Request) asker {
	a := asker{peer: r.RemoteAddr, scheme: "http", host: r.Host}
	if r.TLS != nil {
		a.scheme = "https"
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.trusts(peer.Addr()) {
		return a
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix"} {
		if _, said := r.Header[name]; said {
			return s.follow(a, xForwarded(r.Header)) // Forwarded may then be the viewer's own
		}
	}
	return s.follow(a, parseForwarded(r.Header.Values("Forwarded")))
}

// trusts says whether what somebody at an address forwards is believed.
func (s *Server) trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// A hop is what one proxy says of who asked it; what it does not say, or what cannot be,
// is empty.
type hop struct {
	addr                       netip.Addr
	peer, scheme, host, prefix string
}

// follow goes through the proxies, the nearest last, as far as they are trusted: who stands
// in front of the first one that is trusted is who asks.
func (s *Server) follow(a asker, hops []hop) asker {
	for i := len(hops) - 1; i >= 0; i-- {
		h := hops[i]
		if h.peer != "" {
			a.peer = h.peer
		}
		if h.scheme != "" {
			a.scheme = h.scheme
		}
		if h.host != "" {
			a.host = h.host
		}
		if h.prefix != "" {
			a.prefix = h.prefix
		}
		if !h.addr.IsValid() || !s.trusts(h.addr) {
			break
		}
	}
	return a
}

// xForwarded reads what most proxies send. Each may append to the lists, or write them
// anew; so they are as long as the longest, and end with the nearest.
func xForwarded(header http.Header) []hop {
	fors := list(header["X-Forwarded-For"])
	hops := make([]hop, max(1, len(fors)))
	for i, text := range fors {
		hops[i].addr, hops[i].peer = readPeer(text)
	}
	last := len(hops) - 1
	fill := func(values []string, read func(string) string, into func(*hop) *string) {
		for i := range min(len(values), len(hops)) {
			*into(&hops[last-i]) = read(values[len(values)-1-i])
		}
	}
	fill(list(header["X-Forwarded-Proto"]), readScheme, func(h *hop) *string { return &h.scheme })
	fill(list(header["X-Forwarded-Host"]), readHost, func(h *hop) *string { return &h.host })
	fill(list(header["X-Forwarded-Prefix"]), readPrefix, func(h *hop) *string { return &h.prefix })
	return hops
}

// list is the elements of fields that hold lists, the last maxHops of them.
func list(fields []string) []string {
	if len(fields) == 0 {
		return nil
	}
	all := strings.Split(strings.Join(fields, ","), ",")
	if len(all) > maxHops {
		all = all[len(all)-maxHops:]
	}
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// parseForwarded reads Forwarded (RFC 7239, section 4): elements between commas, pairs
// between semicolons, values as they are or quoted. What is not understood is left out.
func parseForwarded(fields []string) []hop {
	text := strings.Join(fields, ",")
	var hops []hop
	var h hop
	for text != "" {
		var pair string
		var end byte
		pair, end, text = cutPair(text)
		name, value, _ := strings.Cut(pair, "=")
		value = unquote(strings.TrimSpace(value))
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "for":
			h.addr, h.peer = readPeer(value)
		case "proto":
			h.scheme = readScheme(value)
		case "host":
			h.host = readHost(value)
		}
		if end == ',' || text == "" {
			hops = append(hops, h)
			h = hop{}
		}
	}
	if len(hops) > maxHops {
		hops = hops[len(hops)-maxHops:]
	}
	return hops
}

// cutPair cuts text at the first semicolon or comma that is not quoted.
func cutPair(text string) (pair string, end byte, rest string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case !quoted && (c == ';' || c == ','):
			return text[:i], c, text[i+1:]
		}
	}
	return text, 0, ""
}

// unquote undoes a quoted-string (RFC 9110, section 5.6.4).
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// readPeer reads an address with or without a port; one that hides behind a word, as
// RFC 7239 allows, is not known.
func readPeer(text string) (netip.Addr, string) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		addr := ap.Addr().Unmap().WithZone("")
		return addr, netip.AddrPortFrom(addr, ap.Port()).String()
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}, ""
	}
	addr = addr.Unmap().WithZone("")
	return addr, addr.String()
}

func readScheme(text string) string {
	switch text = strings.ToLower(text); text {
	case "http", "https":
		return text
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return ""
}

const maxHost = 255 + len("[]:65535") // a name of the DNS, and a port

func readHost(text string) string {
	if len(text) > maxHost || strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]") != "" {
		return ""
	}
	return text
}

// readPrefix takes what can stand before a path. Two slashes in front would be a host.
func readPrefix(text string) string {
	text = strings.TrimRight(text, "/")
	if !strings.HasPrefix(text, "/") || !isBasePath(text) || len(text) > 200 {
		return ""
	}
	return text
}

// sameOrigin says whether a page's origin is the gateway itself, as the asker calls it. A
// page that came over TLS is also where the gateway knows of none: a proxy in front of it
// need not say that it has added it. The reverse would let in who can change what travels
// without TLS.
func (a asker) sameOrigin(scheme, host string) bool {
	if scheme == "https" && a.scheme == "http" && strings.EqualFold(host, a.host) {
		return true
	}
	return scheme == a.scheme && strings.EqualFold(withPort(scheme, host), withPort(a.scheme, a.host))
}

// withPort is host:port.
func withPort(scheme, host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil && port != "" {
		return net.JoinHostPort(name, port)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(host, ":"), "["), "]")
	return net.JoinHostPort(host, map[string]string{"http": "80", "https": "443"}[scheme])
}
