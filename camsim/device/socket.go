package device

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// A protocol by which devices are found.
type protocol int

const (
	wsDiscovery protocol = iota // WS-Discovery, April 2005
	ssdp                        // UPnP Device Architecture 1.0
)

// Both have the same groups.
func (p protocol) group4() netip.Addr { return netip.AddrFrom4([4]byte{239, 255, 255, 250}) }
func (p protocol) group6() netip.Addr { return netip.MustParseAddr("ff02::c") }

func (n *Network) port(p protocol) int {
	if p == ssdp {
		return n.options.SSDPPort
	}
	return n.options.WSPort
}

// hops that a multicast may take: one with WS-Discovery (SOAP over UDP appendix I), a few
// with SSDP.
func (p protocol) hops() int {
	if p == ssdp {
		return 4
	}
	return 1
}

type socketKey struct {
	protocol protocol
	address  netip.Addr // own, or a group
}

// A socket is one UDP address. Sockets of their own addresses send; those of the groups
// only hear.
type socket struct {
	protocol protocol
	address  netip.Addr
	conn     net.PacketConn
	four     *ipv4.PacketConn // one of the two
	six      *ipv6.PacketConn
}

func (s *socket) close() { _ = s.conn.Close() }

// listen opens a socket that shares its port, and reads it until the network ends. n.mu
// must not be locked.
func (n *Network) listen(p protocol, address netip.Addr) (*socket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := socketKey{p, address}
	if s := n.sockets[key]; s != nil {
		return s, nil
	}
	if n.closed {
		return nil, net.ErrClosed
	}
	config := net.ListenConfig{Control: shared}
	hostport := net.JoinHostPort(address.String(), fmt.Sprint(n.port(p)))
	network := "udp4"
	if address.Is6() {
		network = "udp6"
	}
	conn, err := config.ListenPacket(context.Background(), network, hostport)
	if err != nil {
		return nil, err
	}
	s := &socket{protocol: p, address: address, conn: conn}
	if address.Is4() {
		s.four = ipv4.NewPacketConn(conn)
		_ = s.four.SetControlMessage(ipv4.FlagInterface, true)
		_ = s.four.SetMulticastTTL(p.hops())
		_ = s.four.SetMulticastLoopback(true)
	} else {
		s.six = ipv6.NewPacketConn(conn)
		_ = s.six.SetControlMessage(ipv6.FlagInterface, true)
		_ = s.six.SetMulticastHopLimit(p.hops())
		_ = s.six.SetMulticastLoopback(true)
	}
	n.sockets[key] = s
	n.tasks.Go(func() { n.read(s) })
	return s, nil
}

// shared lets others have the port too, and has a group's socket hear only the interfaces
// that it joined.
func shared(network, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
			if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 1); err != nil {
				failed = err
			}
		}
		if network == "udp4" {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
			return
		}
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
		// An address is not one's own before its duplicates have been looked for (RFC 4862
		// section 5.4), which takes a second after an interface came up.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

// openGroup hears a group on all interfaces. The loopback interface need not say that it
// can do multicast.
func (n *Network) openGroup(p protocol, group netip.Addr) error {
	s, err := n.listen(p, group)
	if err != nil {
		return err
	}
	joined := 0
	for _, i := range n.interfaces {
		to := &net.UDPAddr{IP: group.AsSlice()}
		if s.four != nil {
			err = s.four.JoinGroup(&i, to)
		} else {
			err = s.six.JoinGroup(&i, to)
		}
		if err == nil {
			joined++
		} else if group.Is4() {
			return fmt.Errorf("interface %s does not join %s: %w", i.Name, group, err)
		}
	}
	if joined == 0 {
		return err
	}
	return nil
}

// openAddress hears unicast to an address, by both protocols.
func (n *Network) openAddress(address netip.Addr) error {
	for _, p := range []protocol{wsDiscovery, ssdp} {
		if _, err := n.listen(p, address); err != nil {
			return err
		}
	}
	return nil
}

// read hands on what comes to a socket, until it is closed.
func (n *Network) read(s *socket) {
	buffer := make([]byte, 64<<10)
	for {
		size, index, from, err := s.receive(buffer)
		if err != nil {
			if n.life.Err() != nil || isClosed(err) {
				return
			}
			continue // an ICMP message, for example
		}
		q := question{protocol: s.protocol, data: append([]byte(nil), buffer[:size]...), from: from, socket: s}
		if s.address.IsMulticast() {
			for i := range n.interfaces {
				if n.interfaces[i].Index == index {
					q.multicast = &n.interfaces[i]
				}
			}
			if q.multicast == nil {
				continue // not one of ours
			}
		}
		n.hear(q)
	}
}

func isClosed(err error) bool {
	operation, ok := err.(*net.OpError)
	return ok && operation.Err == net.ErrClosed
}

func (s *socket) receive(buffer []byte) (size, index int, from netip.AddrPort, err error) {
	var sender net.Addr
	if s.four != nil {
		var control *ipv4.ControlMessage
		size, control, sender, err = s.four.ReadFrom(buffer)
		if control != nil {
			index = control.IfIndex
		}
	} else {
		var control *ipv6.ControlMessage
		size, control, sender, err = s.six.ReadFrom(buffer)
		if control != nil {
			index = control.IfIndex
		}
	}
	if address, ok := sender.(*net.UDPAddr); ok {
		from = netip.AddrPortFrom(address.AddrPort().Addr().Unmap(), address.AddrPort().Port())
	}
	return size, index, from, err
}

// send sends a datagram. Nobody is told where it is lost: that is how UDP is.
func (s *socket) send(data []byte, to netip.AddrPort) {
	_, _ = s.conn.WriteTo(data, net.UDPAddrFromAddrPort(to))
}

// spread sends a datagram to a group over one interface.
func (s *socket) spread(data []byte, group netip.AddrPort, over net.Interface) {
	to := net.UDPAddrFromAddrPort(group)
	if s.four != nil {
		_, _ = s.four.WriteTo(data, &ipv4.ControlMessage{IfIndex: over.Index, Src: s.address.AsSlice()}, to)
		return
	}
	to.Zone = over.Name
	_, _ = s.six.WriteTo(data, &ipv6.ControlMessage{IfIndex: over.Index, Src: s.address.AsSlice()}, to)
}

// hear deals with one datagram.
func (n *Network) hear(q question) {
	if q.protocol == ssdp {
		n.hearSSDP(q)
		return
	}
	n.hearProbe(q)
}
