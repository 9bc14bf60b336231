package httpd

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"camgate/camera"
	"camgate/outputs/legacy"
	"camgate/outputs/params"
	"camgate/outputs/wall"
	"camgate/outputs/webrtc"
)

// Config is what the server needs to know. Zero values mean the defaults.
type Config struct {
	Listen         string   // host:port; port 0 takes a free one
	AllowAnonymous bool     // lets Listen be an address that others can reach
	Hosts          []string // further names by which browsers may call the gateway
	Origins        []string // further pages, like https://panel.example, that may use the gateway; "*": all may watch
	WWW            string   // a folder whose files go before the built-in ones; empty: none
	BasePath       string   // stands before every path, like /cams; empty: none

	// TrustedProxies are whose X-Forwarded-… and Forwarded are believed.
	TrustedProxies []netip.Prefix

	WebRTC *webrtc.Options // nil: cameras are not served by WebRTC

	Walls []wall.Layout // that have a name

	Legacy legacy.Options // the addresses and protocols of other programs

	Finder Finder // nil: cameras are neither found nor added

	MaxViewers int    // at the same time; DefaultMaxViewers
	Version    string // for /healthz

	// Listening is called once, when connections are accepted; nil: nobody cares.
	Listening func(net.Addr)

	Stall       time.Duration // how long a viewer may take nothing; viewerconn.DefaultStall
	PingEvery   time.Duration // of WebSockets; wsconn.DefaultPingEvery
	PongTimeout time.Duration // wsconn.DefaultPongTimeout
	Patience    time.Duration // how long /snapshot waits for a camera; snapshot.DefaultPatience

	HeaderTimeout time.Duration // for a request's headers, and for its body; DefaultHeaderTimeout
}

// Defaults and limits.
const (
	DefaultMaxViewers    = 1000
	DefaultHeaderTimeout = 5 * time.Second

	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 64 << 10
	idleTimeout    = 30 * time.Second
	writeTimeout   = 30 * time.Second // of answers that are not streams
	shutdownLimit  = 5 * time.Second
	flushLimit     = time.Second // of shutdownLimit
)

// Cameras is the set of cameras that are served; *gateway.Gateway is one.
type Cameras interface {
	Camera(name string) *camera.Camera // nil if there is none of exactly this name
	Cameras() []*camera.Camera         // in the configuration's order
}

// check returns a sentence where the configuration is impossible.
func (c Config) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("[http] listen = %q is not possible: it must be host:port, like 127.0.0.1:8000", c.Listen)
	}
	if !c.AllowAnonymous && !loopback(host) {
		return fmt.Errorf("[http] listen = %q can be reached by others, and there are no users: listen on 127.0.0.1, or say allow_anonymous = true if everybody who reaches this machine may see the cameras", c.Listen)
	}
	if err := c.checkLegacy(); err != nil {
		return err
	}
	if c.BasePath != "" && !isBasePath(c.BasePath) {
		return fmt.Errorf("[http] base_path = %q is not possible: it must be like /cams", c.BasePath)
	}
	for _, l := range c.Walls {
		if _, err := l.Adapted(params.Params{}); err != nil {
			return fmt.Errorf("[[wall]] %q: %w", l.Name, err)
		}
	}
	if c.WWW == "" {
		return nil
	}
	if info, err := os.Stat(c.WWW); err != nil || !info.IsDir() {
		return fmt.Errorf("[http] www = %q is not a folder that can be read: create it, or leave www empty", c.WWW)
	}
	return nil
}

func (c Config) checkLegacy() error {
	if c.Legacy.CctvAgentWS == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Legacy.CctvAgentWS)
	if err != nil {
		return fmt.Errorf("[legacy] cctvagent_ws = %q is not possible: it must be host:port, like 127.0.0.1:8001", c.Legacy.CctvAgentWS)
	}
	if !c.AllowAnonymous && !loopback(host) {
		return fmt.Errorf("[legacy] cctvagent_ws = %q can be reached by others, and there are no users: listen on 127.0.0.1, or say allow_anonymous = true in [http] if everybody who reaches this machine may see the cameras", c.Legacy.CctvAgentWS)
	}
	return nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
