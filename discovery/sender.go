package discovery

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A sender is where a message came from, and with it which addresses it may announce.
type sender struct {
	addr    netip.Addr // with a zone where it is link-local
	link    *link      // that it came in on; nil where a router is between
	net     *network   // when it came
	asked   bool       // its address is one of Options.Unicast
	unicast bool       // it was asked by its address, not by multicast
}

// secrets are the addresses at which cloud machines are told their keys. No camera has one.
var secrets = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"),
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd00:ec2::254"),
}

func secret(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, s := range secrets {
		if a == s {
			return true
		}
	}
	return false
}

// possible says whether a message can come from such an address at all.
func (s sender) possible() bool {
	a := s.addr
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), secret(a), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case a.IsLoopback():
		return s.link != nil && s.link.loopback
	}
	return s.link == nil || !s.link.broadcast(a)
}

// near says whether the sender is on the network it came in on or was named by the user.
// Nothing is fetched from others: their address is easily forged.
func (s sender) near() bool {
	return s.asked || s.link != nil && (s.link.holds(s.addr) || s.link.loopback && s.net.ours(s.addr))
}

// refusal says in a few words why an announced address is not used; "" where it is.
func (s sender) refusal(host netip.Addr) string {
	host = host.Unmap()
	onLink := s.link != nil && s.near()
	switch {
	case secret(host):
		return "which is where cloud machines keep their keys"
	case host.WithZone("") == s.addr.WithZone(""):
		return ""
	case host.IsUnspecified(), host.IsMulticast(), s.link != nil && s.link.broadcast(host):
		return "which is no host's address"
	case host.IsLoopback():
		if s.addr.IsLoopback() {
			return ""
		}
		return "which is this computer"
	case s.net.ours(host):
		if s.net.ours(s.addr) {
			return ""
		}
		return "which is this computer"
	case onLink && s.link.holds(host):
		return ""
	}
	return "which is not on its network"
}

// zoned gives a link-local address the zone of the link it was announced on.
func (s sender) zoned(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is6() && a.IsLinkLocalUnicast() && s.link != nil {
		return a.WithZone(s.link.name)
	}
	return a.WithZone("")
}

// An announced address after it was looked at.
type mended struct {
	url     string     // to be used; "" where there is none
	host    netip.Addr // in url
	refused bool       // the announced host is not in url
	quiet   bool       // it was refused as every camera's second, unconfigured address is
	why     string     // a sentence for the operator; "" where nothing was wrong
}

var zonePattern = regexp.MustCompile(`^([a-zA-Z]+://\[[0-9a-fA-F:.]*)%[^\]/]*\]`)

// mend checks an announced URL of http or https. Where its host may not be used, the host
// is the sender's, and the port and path are kept: cameras announce what they are called
// behind a router, what they were called before their last lease, and 0.0.0.0. User
// information and fragments are dropped.
func (s sender) mend(announced string) mended {
	shown := printable(announced, 80)
	u, err := url.Parse(zonePattern.ReplaceAllString(strings.TrimSpace(announced), "$1]"))
	if err != nil || len(announced) > maxAddress || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || !portOK(u.Port()) {
		return mended{refused: true, why: fmt.Sprintf("it announces %q, which is no address of http or https: not used", shown)}
	}
	m := mended{}
	host, err := netip.ParseAddr(u.Hostname())
	switch {
	case err != nil:
		// A name could stand for any address, and for another one tomorrow.
		m.refused, m.why = true, fmt.Sprintf("it announces %s by name, which is not looked up: %s is used", shown, s.addr)
		host = s.addr
	default:
		if why := s.refusal(host); why != "" {
			m.refused, m.quiet = true, unconfigured(host)
			m.why = fmt.Sprintf("it announces %s, %s: not used; %s is, from where it answered", shown, why, s.addr)
			host = s.addr
		}
	}
	m.host = s.zoned(host)
	if m.host.WithZone("") == s.addr.WithZone("") {
		m.host = s.addr
	}
	m.url = (&url.URL{Scheme: u.Scheme, Host: hostPort(m.host, u.Port()), Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
	return m
}

// unconfigured says whether an address is one that a host gives itself (RFC 3927, RFC
// 4291). AXIS cameras announce one beside the right one, always.
func unconfigured(a netip.Addr) bool { return a.IsLinkLocalUnicast() && !secret(a) }

func portOK(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// hostPort is how an address and a port ("": none) stand in a URL.
func hostPort(a netip.Addr, port string) string {
	if port != "" {
		return net.JoinHostPort(a.String(), port)
	}
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}
