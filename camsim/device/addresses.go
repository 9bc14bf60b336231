package device

import (
	"net"
	"net/http"
	"net/netip"
)

// staleHost is where a device says that it is that has never moved.
const staleHost = "192.168.1.64"

// told is HOST:PORT as the quirks have it told; a host that is no address becomes the one
// that the request came to. A port that is not there is not added.
func (c *call) told(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	if address, err := netip.ParseAddr(host); err == nil && address.IsUnspecified() || host == "" {
		host = c.host()
	}
	return net.JoinHostPort(c.d.toldHost(host), port)
}

// toldHost is a host as the quirks have it told.
func (d *Device) toldHost(host string) string {
	switch {
	case d.has(QuirkAddressPrivate):
		return "10.0.0.5"
	case d.has(QuirkAddressZero):
		return "0.0.0.0"
	case d.has(QuirkAddressStale):
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.previous != "" {
			return d.previous
		}
		return staleHost
	}
	return host
}

// host is the address that the request came to, without a zone.
func (c *call) host() string {
	local, _ := c.r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return "127.0.0.1"
	}
	address, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return "127.0.0.1"
	}
	return address.Addr().Unmap().WithZone("").String()
}

// url of what is behind the port of a role, as whoever asked is told.
func (c *call) url(role role, path string) string {
	if c.d.has(QuirkIPv6Only) {
		role = roleIPv6
	}
	return c.d.scheme() + "://" + c.told(c.d.addressOf(role)) + path
}
