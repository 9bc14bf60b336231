package onvif

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const defaultPath = "/onvif/device_service"

// parseAddress reads the address of Options.
func parseAddress(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	u, err := url.Parse(escapeZone(s))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is no address: http(s)://host[:port][/path] is wanted", redactText(s))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is no ONVIF address: http:// or https:// is wanted", redactText(s))
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q names no host", redactText(s))
	case u.User != nil:
		return nil, fmt.Errorf("%q holds a user: user and password belong beside the address, not into it", redactText(s))
	}
	if _, err := portOf(u.Port()); err != nil {
		return nil, fmt.Errorf("%q: %w", redactText(s), err)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path, u.RawPath = defaultPath, ""
	}
	u.Fragment = ""
	return u, nil
}

// escapeZone writes the zone of an IPv6 address the way URLs want it: fe80::1%eth0 is
// fe80::1%25eth0 there (RFC 6874).
func escapeZone(s string) string {
	open := strings.IndexByte(s, '[')
	end := strings.IndexByte(s, ']')
	if open < 0 || end < open {
		return s
	}
	host := s[open:end]
	if i := strings.IndexByte(host, '%'); i >= 0 && !strings.HasPrefix(host[i:], "%25") {
		return s[:open] + host[:i] + "%25" + host[i+1:] + s[end:]
	}
	return s
}

func portOf(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no port", printable(s, 20))
	}
	return int(n), nil
}

// withHost is host and port as url.URL.Host wants them.
func withHost(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

// zoneless is a host name or address for comparing: without zone, in lower case, IPv4 in
// IPv6 as IPv4.
func zoneless(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.WithZone("").Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// An announced is an address as a camera writes it, taken apart without changing a byte of
// its path.
type announced struct {
	scheme string // lower case
	user   bool   // there was user information; it is not kept
	host   string // without brackets
	port   string // "" where none is named, or none that can be
	rest   string // path and query
}

// takeApart reads what a camera announces. Its host may be anything, also nothing.
func takeApart(raw string) (announced, error) {
	raw = unescapeAgain(strings.TrimSpace(raw))
	scheme, after, ok := strings.Cut(raw, "://")
	if !ok || scheme == "" || len(raw) > maxText || strings.ContainsFunc(scheme, notInScheme) {
		return announced{}, fmt.Errorf("%w: %q is no address", ErrMalformed, redactText(raw))
	}
	authority, rest := after, ""
	if i := strings.IndexAny(after, "/?"); i >= 0 {
		authority, rest = after[:i], after[i:]
	}
	a := announced{scheme: strings.ToLower(scheme), rest: wire(rest)}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		a.user, authority = true, authority[i+1:]
	}
	a.host, a.port = authority, ""
	if host, port, err := net.SplitHostPort(authority); err == nil {
		a.host, a.port = host, port
	}
	a.host = strings.TrimSuffix(strings.TrimPrefix(a.host, "["), "]")
	if _, err := portOf(a.port); err != nil {
		a.port = ""
	}
	return a, nil
}

func notInScheme(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.'
}

// unescapeAgain mends addresses that were escaped twice: the reader of XML has undone one
// time, and "&amp;" is in no address.
func unescapeAgain(s string) string { return strings.ReplaceAll(s, "&amp;", "&") }

// wire is a path and query as it can be sent: blanks and what is not ASCII escaped, the
// rest untouched.
func wire(rest string) string {
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(rest[i])
	}
	return b.String()
}

// at puts the parts together again, with another host.
func (a announced) at(host string) string {
	return a.scheme + "://" + withHost(strings.ReplaceAll(host, "%", "%25"), a.port) + a.rest
}

// mendURI is a URI that a camera announced, with the host that it was reached at. It keeps
// scheme, port, path and query, and has no user information.
func (c *Client) mendURI(raw, what string, schemes ...string) (string, error) {
	a, err := takeApart(raw)
	if err != nil {
		return "", err
	}
	known := false
	for _, s := range schemes {
		known = known || s == a.scheme
	}
	if !known {
		return "", fmt.Errorf("%w: its %s is %q, which is none of %s", ErrNotSupported, what, redactText(raw), strings.Join(schemes, ", "))
	}
	c.noteHost(a.host)
	return a.at(c.base.Hostname()), nil
}

// noteHost remembers that the camera names itself otherwise than it was reached.
func (c *Client) noteHost(host string) {
	if zoneless(host) == zoneless(c.base.Hostname()) {
		return
	}
	name := "it announces addresses without a host"
	if host != "" {
		name = "it announces " + printable(host, 80) + ", which is not where it was reached"
	}
	c.note(name + ": " + c.base.Hostname() + " is used")
}

var carried = regexp.MustCompile(`(?i)[/?&;_](password|passwd|pwd|pass|psw|loginpas|authbasic)=[^&;_]`)

// CarriesPassword tells whether a URI's query or path holds a password already: it is a
// secret then, and a login besides it may be refused (quirk 32).
func CarriesPassword(uri string) bool {
	_, after, _ := strings.Cut(uri, "://")
	i := strings.IndexAny(after, "/?")
	return i >= 0 && carried.MatchString(after[i:])
}

// inPath finds passwords in a path, as in /user=admin_password=tlJwpbo6_channel=1_stream=0.sdp:
// they are not the one that we have, but what the camera makes of it.
var inPath = regexp.MustCompile(`(?i)([/?&;_](?:password|passwd|pwd|pass|psw|loginpas|authbasic)=)[^&/?;]*?(_[a-z]+=|[&/?;]|$)`)

// redactText is an address for messages: without user information and query, where
// passwords are, and without those in its path.
func redactText(raw string) string {
	raw = printable(inPath.ReplaceAllString(raw, "$1***$2"), 120)
	if i := strings.IndexByte(raw, '?'); i >= 0 {
		raw = raw[:i] + "?…"
	}
	scheme, after, ok := strings.Cut(raw, "://")
	if !ok {
		scheme, after = "", raw
	}
	if i := strings.LastIndexByte(after, '@'); i >= 0 {
		after = "***@" + after[i+1:]
	}
	if !ok {
		return after
	}
	return scheme + "://" + after
}

func redactURL(u *url.URL) string { return redactText(u.String()) }
