package webrtc

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Options is what the server needs to know. Zero values mean the defaults.
type Options struct {
	Listen string // host:port of the one UDP port of all sessions; DefaultListen
	TCP    bool   // the same port takes TCP too, for networks that let no UDP through

	// Candidates are addresses, host or host:port, that are announced beside those of this
	// machine: of the router that forwards the port, of the host around a container.
	Candidates []string
	ICEServers []ICEServer // STUN and TURN, for us and for the browsers

	MaxSessions int // at the same time; DefaultMaxSessions
}

// ICEServer is one STUN or TURN server.
type ICEServer struct {
	URLs           []string // stun:host:port, turn:host:port?transport=udp
	User, Password string   // of TURN; browsers are told them
}

// Defaults.
const (
	DefaultListen      = "127.0.0.1:0"
	DefaultMaxSessions = 200
)

// check returns a sentence where the options are impossible.
func (o Options) check() error {
	if _, port, err := net.SplitHostPort(o.Listen); err != nil || !isPort(port, 0) {
		return fmt.Errorf("[webrtc] listen = %q is not possible: it must be host:port, like 0.0.0.0:8189", o.Listen)
	}
	for _, c := range o.Candidates {
		if _, _, err := splitCandidate(c, 1); err != nil {
			return fmt.Errorf("[webrtc] candidates: %w", err)
		}
	}
	return nil
}

// splitCandidate reads host or host:port.
func splitCandidate(text string, port int) (string, int, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if h, p, err := net.SplitHostPort(text); err == nil {
		if !isPort(p, 1) {
			return "", 0, fmt.Errorf("%q is not possible: the port must be 1 to 65535", text)
		}
		host = h
		port, _ = strconv.Atoi(p)
	} else if net.ParseIP(host) == nil && strings.Contains(host, ":") {
		return "", 0, fmt.Errorf("%q is not possible: it must be host or host:port", text)
	}
	if host == "" || strings.ContainsAny(host, " \t\r\n/") {
		return "", 0, fmt.Errorf("%q is not possible: it must be host or host:port", text)
	}
	return host, port, nil
}

func isPort(text string, least int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= least && n <= 65535
}
