package source

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

// Address is where a camera is, and how to ask. Nothing that prints it shows the user or
// the password, nor a password in its path or query.
type Address struct {
	scheme, host, rest string // host: host:port; rest: path and query, as the camera expects them
	portGiven          bool
	user               *url.Userinfo
}

// defaultPorts are the ports of the schemes that ParseAddress takes.
var defaultPorts = map[string]string{"rtsp": "554", "rtsps": "322", "onvif": "80", "onvifs": "443"}

// ParseAddress takes an rtsp://, rtsps://, onvif:// or onvifs:// URL as people write them:
// user and password may hold any character, as it is or %-encoded. (One that could be
// either, such as "50%25", is taken as encoded.) The error never holds either.
func ParseAddress(raw string) (Address, error) { return parse(raw, userInfoEnd) }

// ParseAnnounced is ParseAddress for what a camera says of a stream, without user and password:
// an @ is of its path.
func ParseAnnounced(raw string) (Address, error) {
	return parse(raw, func(string) int { return -1 })
}

// parse takes what is before the index that userInfoEnd gives, where that is not -1, for user
// and password.
func parse(raw string, userInfoEnd func(rest string) int) (Address, error) {
	raw = strings.TrimSpace(raw)
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || defaultPorts[scheme] == "" {
		return Address{}, errors.New("a camera's address begins with rtsp://, rtsps://, onvif:// or onvifs:// (ONVIF over TLS)")
	}
	a := Address{scheme: scheme}
	hostAndRest := rest
	if at := userInfoEnd(rest); at >= 0 {
		hostAndRest = rest[at+1:]
		user, password, has := strings.Cut(rest[:at], ":")
		if user = unescape(user); strings.ContainsFunc(user, unicode.IsControl) {
			return Address{}, errors.New("the user name in a camera's address holds a control character")
		}
		if a.user = url.User(user); has {
			a.user = url.UserPassword(user, unescape(password))
		}
	}
	end := strings.IndexAny(hostAndRest, "/?#")
	if end < 0 {
		end = len(hostAndRest)
	}
	_, _, portErr := net.SplitHostPort(hostAndRest[:end])
	a.portGiven = portErr == nil
	host, err := hostPort(hostAndRest[:end], scheme)
	if err != nil {
		return Address{}, err
	}
	a.host = host
	path, _, _ := strings.Cut(hostAndRest[end:], "#")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u, err := url.Parse(nowhere + escapeStrays(path))
	if err != nil {
		return Address{}, fmt.Errorf("the path of a camera's address cannot be read: check what follows %s", a.host)
	}
	a.rest = u.RequestURI()
	return a, nil
}

// nowhere stands before a path that is parsed: one that begins with two slashes would be
// taken for a host.
const nowhere = "rtsp://host"

// userInfoEnd is the index of the @ that ends user and password, or -1. A password may
// hold @ and / itself, and a path an @: the last @ before the first slash counts, where a
// host follows it. One behind that slash does where an IP address follows it, and before
// the slash there is only a name, or "user:" and the digits that a password begins with;
// or where a name follows it, and before the slash there is no host at all.
func userInfoEnd(rest string) int {
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		slash = len(rest)
	}
	end := strings.LastIndexByte(rest[:slash], '@')
	if end >= 0 && !looksLikeHost(rest[end+1:]) {
		end = -1
	}
	host := rest[end+1 : slash]
	known, mayBeUser := looksLikeHost(host), true
	if end < 0 {
		user, _, password := strings.Cut(host, ":")
		mayBeUser = password && !strings.ContainsAny(user, ".[") && user != "localhost"
	}
	for at := slash; at < len(rest) && !looksLikeIP(host); at++ {
		switch {
		case rest[at] == '?' && known:
			return end
		case rest[at] == '@' && (!known && looksLikeHost(rest[at+1:]) || known && mayBeUser && looksLikeIP(rest[at+1:])):
			return at
		}
	}
	return end
}

// looksLikeIP is true where s begins with an IP address and, perhaps, a port.
func looksLikeIP(s string) bool {
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		s = s[:end]
	}
	host, err := hostPort(s, "rtsp")
	if err != nil {
		return false
	}
	host, _, _ = net.SplitHostPort(host)
	return net.ParseIP(strings.Split(host, "%")[0]) != nil
}

// looksLikeHost is true where s begins with a name or address and, perhaps, a port.
func looksLikeHost(s string) bool {
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		s = s[:end]
	}
	_, err := hostPort(s, "rtsp")
	return err == nil
}

// hostPort completes s with the scheme's port.
func hostPort(s, scheme string) (string, error) {
	host, port := s, defaultPorts[scheme]
	if h, p, err := net.SplitHostPort(s); err == nil {
		host, port = h, p
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if host == "" {
		return "", fmt.Errorf("a camera's address needs a host after %s://", scheme)
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 || strings.Trim(port, "0123456789") != "" {
		return "", errors.New("the port of a camera's address must be 1 to 65535")
	}
	if strings.Contains(host, ":") {
		host = strings.Replace(host, "%25", "%", 1) // the zone, as RFC 6874 writes it
		if ip := net.ParseIP(strings.Split(host, "%")[0]); ip == nil {
			return "", errors.New("the host of a camera's address cannot be read")
		}
	} else if strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != "" {
		return "", errors.New("the host of a camera's address holds a character that no host has")
	}
	return net.JoinHostPort(host, port), nil
}

// unescape undoes %-encoding where s is encoded, and takes it as it is where not.
func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// escapeStrays encodes what must not stand in a path as it is.
func escapeStrays(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\^{|}`, c) >= 0,
			c == '%' && (i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2])):
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// WithPassword is the address with another password, and the user it has.
func (a Address) WithPassword(password string) Address {
	a.user = url.UserPassword(a.user.Username(), password)
	return a
}

// Host is host:port.
func (a Address) Host() string { return a.host }

// PortGiven says that the address names its port, and not only that the scheme does.
func (a Address) PortGiven() bool { return a.portGiven }

// ONVIF says that the address is of a camera that is to be asked for its streams, and not
// of a stream.
func (a Address) ONVIF() bool { return a.scheme == "onvif" || a.scheme == "onvifs" }

// Service is the URL of an ONVIF camera's device service, without user and password; its
// path is "" where the address names none. Profile is what ?profile= asks for: auto, or a
// profile's name or token; videoSource is the token that ?source= names, of a camera with
// several eyes or a recorder.
func (a Address) Service() (service, profile, videoSource string) {
	u, _ := url.Parse(nowhere + a.rest) // ParseAddress has done it before
	query := u.Query()
	if profile = query.Get("profile"); profile == "" {
		profile = "auto"
	}
	videoSource = query.Get("source")
	query.Del("profile")
	query.Del("source")
	u.Scheme, u.Host, u.RawQuery = map[string]string{"onvif": "http", "onvifs": "https"}[a.scheme], a.host, query.Encode()
	u.Host = strings.Replace(u.Host, "%", "%25", 1) // a zone, which a URL writes encoded (RFC 6874)
	if u.Path == "/" {
		u.Path = ""
	}
	path := u.RequestURI()
	if u.Path == "" && u.RawQuery == "" {
		path = ""
	}
	return u.Scheme + "://" + u.Host + path, profile, videoSource
}

// Login is user and password, both as they are; given is false where the address names
// neither.
func (a Address) Login() (user, password string, given bool) {
	password, _ = a.user.Password()
	return a.user.Username(), password, a.user != nil
}

// WithLogin is the address with the user and password of another.
func (a Address) WithLogin(of Address) Address {
	if a.user == nil {
		a.user = of.user
	}
	return a
}

// At is the address at another host:port.
func (a Address) At(host string) Address {
	a.host = host
	return a
}

// SameStream says whether two addresses are of one stream, whoever asks. What String does not show
// of path and query counts: a recorder may tell its cameras apart by a token.
func (a Address) SameStream(b Address) bool {
	return a.scheme == b.scheme && strings.EqualFold(a.host, b.host) && a.rest == b.rest
}

// request is the URL for gortsplib, which keeps user and password out of the request line.
func (a Address) request() *base.URL {
	u, _ := url.Parse(nowhere + a.rest) // ParseAddress has done it before
	u.Scheme, u.Host, u.User = a.scheme, a.host, a.user
	return (*base.URL)(u)
}

// secret finds passwords in a path or query. Some cameras want them there, as in
// /user=admin_password=tlJwpbo6_channel=1_stream=0.sdp.
var secret = regexp.MustCompile(`(?i)((?:^|[/?&;_])(?:password|passwd|passwort|pass|pwd|pw|psw|secret|token|auth|key|loginpas|authbasic)=)[^&/?;]*?(_[a-z]+=|[&/?;]|$)`)

// redact is a path and query to show.
func redact(rest string) string { return secret.ReplaceAllString(rest, "$1***$2") }

// String is the address without user and password, to show, not to dial.
func (a Address) String() string { return a.scheme + "://" + a.host + redact(a.rest) }

// GoString is String: %#v shows no password either.
func (a Address) GoString() string { return a.String() }

// LogValue is String, for log/slog.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText is String, for JSON.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
