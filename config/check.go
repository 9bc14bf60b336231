package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var nameRule = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$`)

// check is what types cannot say.
func (r *reader) check(c *Config) {
	r.checkHTTP(&c.HTTP)
	r.checkWebRTC(&c.WebRTC)
	r.checkLegacy(c)
	r.checkPorts(c)
	r.checkDiscovery(&c.Discovery)
	r.within("limits.max_viewers", c.Limits.MaxViewers, 1, 100_000)
	r.within("limits.max_renditions", c.Limits.MaxRenditions, 1, 256)
	r.within("limits.max_pixels", c.Limits.MaxPixels, 64*64, 8192*8192)
	r.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	r.oneOf("log.format", c.Log.Format, "text", "json")
	seen := map[string]int{}
	for i := range c.Cameras {
		at := fmt.Sprintf("camera[%d]", i)
		r.checkCamera(at, &c.Cameras[i])
		name := strings.ToLower(c.Cameras[i].Name)
		if first, twice := seen[name]; twice && name != "" {
			r.mistake(r.at(at+".name"), "camera %q is there already, on line %d; names must differ by more than upper and lower case", c.Cameras[i].Name, first)
			continue
		}
		seen[name] = r.at(at + ".name")
	}
	var names []string
	for i := range c.Cameras {
		if !c.Discovery.AutoAdd { // else there will be others
			names = append(names, c.Cameras[i].Name)
		}
	}
	for i := range c.Walls {
		r.checkWall(fmt.Sprintf("wall[%d]", i), &c.Walls[i], seen, names)
	}
}

// beside is where a path of the configuration leads: from its folder on, wherever camgate is
// started.
func (r *reader) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}

func (r *reader) checkHTTP(h *HTTP) {
	if host, ok := r.checkListen("http.listen", h.Listen); ok && !h.AllowAnonymous && !loopback(host) {
		r.mistake(r.at("http.listen"), "listen = %q can be reached by others, and there are no users: say allow_anonymous = true if everybody who reaches this machine may see the cameras, or listen on 127.0.0.1", h.Listen)
	}
	if h.WWW != "" {
		h.WWW = r.beside(h.WWW)
		if info, err := os.Stat(h.WWW); err != nil || !info.IsDir() {
			r.mistake(r.at("http.www"), "www = %q is not a folder that can be read", h.WWW)
		}
	}
	if h.BasePath = strings.TrimSuffix(h.BasePath, "/"); h.BasePath != "" && !basePathRule.MatchString(h.BasePath) {
		r.mistake(r.at("http.base_path"), `base_path must be like "/cams": it begins with a slash, and has letters, digits, - _ . and slashes`)
	}
	for i, one := range h.TrustedProxies {
		prefix, err := ParsePrefix(one)
		if err != nil {
			r.mistake(r.at("http.trusted_proxies"), `%q is no address and no network: write "192.0.2.10" or "192.0.2.0/24"`, one)
			continue
		}
		h.TrustedProxies[i] = prefix.String()
	}
	for _, name := range h.Hosts {
		if !hostRule.MatchString(name) {
			r.mistake(r.at("http.hosts"), `%.40q is no name of a host: write it like "cameras.example", without http:// and without a path; there is no * for several`, name)
		}
	}
	for _, o := range h.Origins {
		if o == "*" {
			continue
		}
		if !originRule.MatchString(o) {
			r.mistake(r.at("http.origins"), `an origin is like "https://panel.example": scheme and host, and perhaps a port, without a path; with "*" every page may watch`)
		}
	}
}

// What browsers send, and so what can be compared: a name or an address, and perhaps a port.
var (
	hostRule   = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]+$`)
	originRule = regexp.MustCompile(`^https?://[A-Za-z0-9._:\[\]-]+$`)
)

// basePathRule holds for a base path without its last slash.
var basePathRule = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)

func (r *reader) checkWebRTC(w *WebRTC) {
	if w.Listen != "" {
		r.checkListen("webrtc.listen", w.Listen)
	}
	for _, one := range w.Candidates {
		host := one
		if h, port, err := net.SplitHostPort(one); err == nil {
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				host = ""
			} else {
				host = h
			}
		}
		if host == "" || strings.ContainsAny(host, "/ ") {
			r.mistake(r.at("webrtc.candidates"), `%q is no candidate: it is an address or a name by which viewers reach this machine, like "192.0.2.10" or "192.0.2.10:8189"`, one)
		}
	}
	for i := range w.ICEServers {
		at := fmt.Sprintf("webrtc.ice_servers[%d]", i)
		one := &w.ICEServers[i]
		scheme, host, _ := strings.Cut(one.URL, ":")
		if !slices.Contains([]string{"stun", "stuns", "turn", "turns"}, scheme) || host == "" {
			r.mistake(r.at(at), `each of ice_servers needs a url, like "stun:192.0.2.1:3478" or "turn:192.0.2.1:3478?transport=tcp"`)
		}
		one.Password = Secret{r.expand(r.at(at), one.Password.Reveal())}
		if strings.HasPrefix(scheme, "turn") && (one.User == "" || one.Password == Secret{}) {
			r.mistake(r.at(at), "a TURN server needs user and password")
		}
	}
}

func (r *reader) checkLegacy(c *Config) {
	l := c.Legacy
	if l.CctvAgentWS == "" {
		return
	}
	if host, ok := r.checkListen("legacy.cctvagent_ws", l.CctvAgentWS); ok && !c.HTTP.AllowAnonymous && !loopback(host) {
		r.mistake(r.at("legacy.cctvagent_ws"), "cctvagent_ws = %q can be reached by others: say allow_anonymous = true in [http] if everybody who reaches this machine may see the cameras, or listen on 127.0.0.1", l.CctvAgentWS)
	}
}

// checkPorts looks for two that are one: the gateway itself would be the other program that
// has it already.
func (r *reader) checkPorts(c *Config) {
	type place struct{ at, address string }
	places := []place{{"http.listen", c.HTTP.Listen}, {"legacy.cctvagent_ws", c.Legacy.CctvAgentWS}}
	if c.WebRTC.Enabled && c.WebRTC.TCP {
		places = append(places, place{"webrtc.listen", c.WebRTC.Listen})
	}
	for i, one := range places {
		for _, other := range places[:i] {
			if samePort(one.address, other.address) {
				key := one.at[strings.LastIndexByte(one.at, '.')+1:]
				r.mistake(r.at(one.at), "%s = %q is taken by %s already: use another port", key, one.address, strings.Replace("["+other.at, ".", "] ", 1))
			}
		}
	}
}

// samePort says whether one socket's address leaves no room for the other's. An empty one is
// nowhere.
func samePort(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	if strings.EqualFold(hostA, hostB) {
		return true
	}
	ipA, ipB := listenIP(hostA), listenIP(hostB)
	if !ipA.IsValid() || !ipB.IsValid() {
		return false
	}
	all := netip.IPv6Unspecified() // and of IPv4
	return ipA == ipB || ipA == all || ipB == all || ipA.Is4() && ipB.Is4() && (ipA.IsUnspecified() || ipB.IsUnspecified())
}

// listenIP is the address of a host to listen on; of names localhost's alone is known.
func listenIP(host string) netip.Addr {
	switch strings.ToLower(host) {
	case "":
		return netip.IPv6Unspecified()
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}

// checkListen says whether the value at a key is an address to listen on.
func (r *reader) checkListen(at, value string) (host string, ok bool) {
	key := at[strings.LastIndexByte(at, '.')+1:]
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		r.mistake(r.at(at), `%s must be an address and a port, like "127.0.0.1:8000"`, key)
		return "", false
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n < 0 {
		r.mistake(r.at(at), "the port of %s must be 1 to 65535", key)
		return "", false
	}
	return host, true
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Bounds of a wall.
const (
	maxWallCameras = 64
	maxWallColumns = 16
	mcu            = 16 // pixels: no tile is narrower
)

// checkWall checks a wall; names are the cameras' and walls' so far, in lower case, with
// their lines; cameras are those that it may show, none: any.
func (r *reader) checkWall(at string, w *Wall, names map[string]int, cameras []string) {
	lower := strings.ToLower(w.Name)
	switch first, taken := names[lower]; {
	case w.Name == "":
		r.mistake(r.at(at), "a wall needs a name: it stands in its URL, /mjpeg/NAME")
	case !nameRule.MatchString(w.Name):
		r.mistake(r.at(at+".name"), "a wall's name stands in URLs: it may have up to 64 letters, digits, - _ and . and must not begin with a dot")
	case taken:
		r.mistake(r.at(at+".name"), "%q is the name of another camera or wall already, on line %d; names must differ by more than upper and lower case", w.Name, first)
	default:
		names[lower] = r.at(at + ".name")
	}
	if strings.Join(w.Cameras, "") == "" || len(w.Cameras) > maxWallCameras {
		r.mistake(r.at(at+".cameras"), `cameras of a wall must be 1 to %d names; "" among them leaves a place empty`, maxWallCameras)
	}
	for _, name := range w.Cameras {
		if len(cameras) > 0 && name != "" && !slices.Contains(cameras, name) {
			near, _ := nearest(name, cameras)
			r.mistake(r.at(at+".cameras"), "there is no camera %.40q in this file; did you mean %q?", name, near)
		}
	}
	r.within(at+".columns", w.Columns, 0, maxWallColumns)
	columns := w.Columns
	if columns == 0 {
		columns = int(math.Ceil(math.Sqrt(float64(min(len(w.Cameras), maxWallCameras)))))
	}
	r.within(at+".width", w.Width, max(64, mcu*columns), 8192)
	r.within(at+".quality", w.Quality, 1, 100)
	if !(w.FPS >= 0.1 && w.FPS <= 60) {
		r.mistake(r.at(at+".fps"), "fps must be 0.1 to 60")
	}
	if !slices.Contains([]string{"", "name", "age", "name,age"}, w.Labels) {
		r.mistake(r.at(at+".labels"), `labels must be "name", "age", "name,age", or "" for none`)
	}
}

// maxUnicast is how many addresses may be asked one by one: a /20.
const maxUnicast = 4096

func (r *reader) checkDiscovery(d *Discovery) {
	total := 0
	for i, one := range d.Unicast {
		prefix, err := ParsePrefix(one)
		if err != nil {
			r.mistake(r.at("discovery.unicast"), `%q is no address and no network: write "192.0.2.10" or "192.0.2.0/24"`, one)
			continue
		}
		d.Unicast[i] = prefix.String()
		if bits := prefix.Addr().BitLen() - prefix.Bits(); bits > 12 {
			total = maxUnicast + 1
		} else {
			total += 1 << bits
		}
	}
	if total > maxUnicast {
		r.mistake(r.at("discovery.unicast"), "unicast names more than %d addresses: each of them is asked; name smaller networks", maxUnicast)
	}
	for i, secret := range d.Credentials {
		text := r.expand(r.at("discovery.credentials"), secret.Reveal())
		if user, _, ok := strings.Cut(text, ":"); !ok || user == "" {
			r.mistake(r.at("discovery.credentials"), `each of credentials is "user:password"`)
		}
		d.Credentials[i] = Secret{text}
	}
	if d.Interval < 10*time.Second || d.Interval > 24*time.Hour {
		r.mistake(r.at("discovery.interval"), `interval must be "10s" to "24h"`)
	}
}

// ParsePrefix takes an address or a network.
func ParsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), err
}

func (r *reader) within(at string, n, least, most int) {
	if n < least || n > most {
		r.mistake(r.at(at), "%s must be %d to %d", at[strings.LastIndexByte(at, '.')+1:], least, most)
	}
}

func (r *reader) oneOf(at, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		r.mistake(r.at(at), "%s must be one of %s", at[strings.LastIndexByte(at, '.')+1:], strings.Join(allowed, ", "))
	}
}

func (r *reader) checkCamera(at string, c *Camera) {
	if c.Name == "" {
		r.mistake(r.at(at), "a camera needs a name: it stands in every URL of the camera")
	} else if !nameRule.MatchString(c.Name) {
		r.mistake(r.at(at+".name"), "a camera's name stands in URLs: it may have up to 64 letters, digits, - _ and . and must not begin with a dot")
	}
	r.oneOf(at+".transport", c.Transport, "auto", "tcp", "udp", "multicast")
	r.within(at+".jpeg.quality", c.JPEG.Quality, 1, 100)
	r.within(at+".threads", c.Threads, 1, 16)
	if c.JPEG.MaxFPS != 0 && !(c.JPEG.MaxFPS >= 0.1 && c.JPEG.MaxFPS <= 60) {
		r.mistake(r.at(at+".jpeg.max_fps"), "max_fps must be 0.1 to 60, or 0 for the camera's own rate")
	}
	if c.Linger < 0 || c.Linger > 24*time.Hour {
		r.mistake(r.at(at+".linger"), `linger must be "0s" to "24h"`)
	}
	if c.TLSFingerprint != "" && !regexp.MustCompile(`^[0-9a-fA-F:]{64,95}$`).MatchString(c.TLSFingerprint) {
		r.mistake(r.at(at+".tls_fingerprint"), "tls_fingerprint must be the 64 hexadecimal digits of a SHA-256")
	}
	r.checkSource(at, c)
	r.checkSubstream(at, c)
}

// checkSubstream never prints the address: see checkSource.
func (r *reader) checkSubstream(at string, c *Camera) {
	if (c.Substream == Secret{}) {
		return
	}
	line := r.at(at + ".substream")
	address := r.expand(line, c.Substream.Reveal())
	c.Substream = Secret{address}
	scheme, rest, _ := strings.Cut(address, "://")
	if scheme = strings.ToLower(scheme); scheme != "rtsp" && scheme != "rtsps" {
		r.mistake(line, "substream must begin with rtsp:// or rtsps://; an onvif:// camera tells its smaller streams itself")
	} else if host := rest[strings.LastIndexByte(rest, '@')+1:]; host == "" || strings.HasPrefix(host, "/") {
		r.mistake(line, "substream needs a host after %s://", scheme)
	}
}

// checkSource never prints the source: it may hold a password, and in a place where
// nobody expects it.
func (r *reader) checkSource(at string, c *Camera) {
	line := r.at(at + ".source")
	source := r.expand(line, c.Source.Reveal())
	c.Source = Secret{source}
	scheme, rest, _ := strings.Cut(source, "://")
	switch strings.ToLower(scheme) {
	case "rtsp", "rtsps", "onvif", "onvifs":
		if host := rest[strings.LastIndexByte(rest, '@')+1:]; host == "" || strings.HasPrefix(host, "/") {
			r.mistake(line, "source needs a host after %s://", strings.ToLower(scheme))
		}
	case "":
		r.mistake(r.at(at), `a camera needs a source, like "rtsp://user:password@192.0.2.10/stream1"`)
	case "http", "https", "v4l2", "lavfi", "publish":
		r.mistake(line, "this version of camgate takes onvif:// and rtsp:// sources; %s comes later", strings.ToLower(scheme))
	default:
		r.mistake(line, "source must begin with onvif://, onvifs://, rtsp:// or rtsps://")
	}
	if c.PasswordFile == "" {
		return
	}
	line = r.at(at + ".password_file")
	if user, _, has := strings.Cut(rest, "@"); !has {
		r.mistake(line, "password_file needs the user in source: %s://user@…", strings.ToLower(scheme))
	} else if strings.Contains(user, ":") {
		r.mistake(line, "there is a password in source and a password_file: take one of them out")
	}
	data, err := os.ReadFile(r.beside(c.PasswordFile))
	switch {
	case err != nil:
		r.mistake(line, "password_file %q cannot be read: does it exist, and may this user read it?", c.PasswordFile)
	case len(data) > 4096:
		r.mistake(line, "password_file %q is larger than any password", c.PasswordFile)
	}
	c.Password = Secret{strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")}
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand puts environment variables in for ${NAME}.
func (r *reader) expand(line int, s string) string {
	return variable.ReplaceAllStringFunc(s, func(found string) string {
		name := found[2 : len(found)-1]
		value, ok := os.LookupEnv(name)
		if !ok {
			r.mistake(line, "the environment has no variable %s", name)
		}
		return value
	})
}
