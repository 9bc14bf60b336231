package device

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Hello announces it, by WS-Discovery and SSDP as its options say.
func (d *Device) Hello() {
	d.announceWS(true)
	d.announceSSDP(true)
}

// Bye says that it leaves. It goes on answering.
func (d *Device) Bye() {
	d.announceWS(false)
	d.announceSSDP(false)
}

func (d *Device) announceWS(here bool) {
	if d.options.WSDiscovery {
		d.announce(wsDiscovery, func(_ netip.AddrPort, local netip.Addr) [][]byte {
			return [][]byte{d.announcement(here, local)}
		})
	}
}

func (d *Device) announceSSDP(here bool) {
	if d.options.SSDP {
		d.announce(ssdp, func(group netip.AddrPort, local netip.Addr) [][]byte {
			return d.notifications(here, group, local)
		})
	}
}

// announce sends datagrams to a protocol's groups on all interfaces that the device is on.
func (d *Device) announce(p protocol, datagrams func(group netip.AddrPort, local netip.Addr) [][]byte) {
	n := d.network
	if d.has(QuirkMulticastBlocked) {
		return
	}
	for _, over := range n.interfaces {
		for _, six := range []bool{false, true} {
			s := n.leaving(d, p, over, six)
			if s == nil || !d.speaks(six) {
				continue
			}
			group := n.group(p, six)
			for _, data := range datagrams(group, s.address) {
				s.spread(data, group, over)
			}
		}
	}
}

func (n *Network) group(p protocol, six bool) netip.AddrPort {
	if six {
		return netip.AddrPortFrom(p.group6(), uint16(n.port(p)))
	}
	return netip.AddrPortFrom(p.group4(), uint16(n.port(p)))
}

// announcement is WS-Discovery's Hello or Bye.
func (d *Device) announcement(here bool, local netip.Addr) []byte {
	m := d.match(local)
	m.Action = "Hello"
	if !here {
		m.Action, m.XAddrs = "Bye", ""
	}
	return []byte(fill("wsd:announcement", m))
}

// notifications are SSDP's.
func (d *Device) notifications(here bool, group netip.AddrPort, local netip.Addr) (list [][]byte) {
	targets := d.targets("ssdp:all")[:3]
	if here {
		for _, target := range targets {
			list = append(list, d.ssdpAlive(target, group, local))
		}
		if !d.has(QuirkSSDPByebyeFirst) {
			return list
		}
	}
	for _, target := range targets {
		list = append(list, d.ssdpByebye(target, group))
	}
	return list
}

// keepAlive repeats the SSDP announcements before they expire, as long as the device
// lives.
func (d *Device) keepAlive() {
	if !d.options.SSDP {
		return
	}
	d.network.queue.add(time.Now().Add(d.options.MaxAge/2), func() {
		if d.isClosed() {
			return
		}
		d.announceSSDP(true)
		d.keepAlive()
	})
}

// speaks says whether it is found over IPv4 or IPv6.
func (d *Device) speaks(six bool) bool {
	host := d.hostOf(roleMain)
	if d.has(QuirkIPv6Only) {
		return six
	}
	return !host.IsValid() || host.IsUnspecified() && (host.Is6() || !six) || host.Is6() == six
}

// hears says whether a question that came by multicast reaches it.
func (d *Device) hears() bool {
	switch {
	case d.has(QuirkMulticastBlocked):
		return false
	case d.has(QuirkMulticastLossy):
		return d.multicasts.Add(1)%3 == 0
	}
	return true
}

// hostOf is the address that a role listens on; invalid where it is a name.
func (d *Device) hostOf(role role) netip.Addr {
	host, _, _ := net.SplitHostPort(d.addressOf(role))
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}

// toldTo is HOST:PORT of a role for who gets an answer from a local address.
func (d *Device) toldTo(local netip.Addr) (host, port string) {
	role := roleMain
	if d.has(QuirkIPv6Only) {
		role = roleIPv6
	}
	host, port, _ = net.SplitHostPort(d.addressOf(role))
	if address, err := netip.ParseAddr(host); err != nil || address.IsUnspecified() {
		host = local.String()
	}
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.WithZone("").String()
	}
	return d.toldHost(host), port
}

// location is where its description is, as SSDP tells.
func (d *Device) location(local netip.Addr) string {
	host, port := d.toldTo(local)
	if d.has(QuirkSSDPDeadLocation) {
		port = "1"
	}
	return d.scheme() + "://" + net.JoinHostPort(host, port) + descriptionPath
}

// unreachable is an address of a network where nobody is.
const unreachable = "192.168.99.9"

// xaddrs are the addresses of its device service, as WS-Discovery tells them to who gets an
// answer from a local address.
func (d *Device) xaddrs(local netip.Addr) string {
	host, port := d.toldTo(local)
	at := func(scheme, host string) string {
		return scheme + "://" + net.JoinHostPort(host, port) + "/onvif/device_service"
	}
	four := []string{at(d.scheme(), host), "https://" + net.JoinHostPort(host, "443") + "/onvif/device_service",
		at("http", "169.254.251.249"), "https://169.254.251.249/onvif/device_service"}
	switch {
	case d.has(QuirkXAddrsSpaces):
		return strings.Join(four, "  ")
	case d.has(QuirkXAddrsNewlines):
		return "\n      " + strings.Join([]string{four[2], four[3], four[1], four[0]}, "\n      ") + "\n    "
	case d.has(QuirkXAddrLinkLocal):
		return at(d.scheme(), d.linkLocal(local))
	case d.has(QuirkOnlyReplyAddress):
		return at(d.scheme(), unreachable)
	case d.has(QuirkTwoAddressesOneOK):
		return at(d.scheme(), unreachable) + " " + at(d.scheme(), host)
	}
	return four[0]
}

// linkLocal is the IPv6 link-local address of the interface that has a local address, or
// else the one that the device's MAC makes (RFC 4291 appendix A), without a zone.
func (d *Device) linkLocal(local netip.Addr) string {
	for _, i := range d.network.interfaces {
		if !d.network.contains(i, local) {
			continue
		}
		for _, a := range d.network.addresses(i) {
			if a.Is6() && a.IsLinkLocalUnicast() {
				return a.WithZone("").String()
			}
		}
	}
	mac, err := hex.DecodeString(strings.ReplaceAll(d.options.MAC, ":", ""))
	if err != nil || len(mac) != 6 {
		mac = make([]byte, 6)
	}
	b := [16]byte{0xfe, 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3]}
	binary.BigEndian.PutUint16(b[14:], uint16(mac[4])<<8|uint16(mac[5]))
	return netip.AddrFrom16(b).String()
}

// otherPort is a port that is not the one given, for URLBase.
func otherPort(port string) string {
	n, err := strconv.Atoi(port)
	if err != nil {
		return "51578"
	}
	return strconv.Itoa(n%65535 + 1)
}
