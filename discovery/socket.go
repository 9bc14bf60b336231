package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Both protocols use the same groups: WS-Discovery (section 2.4), UPnP Device
// Architecture 1.1 (section 1.3.2 and annex A).
var (
	group4 = netip.MustParseAddr("239.255.255.250")
	group6 = netip.MustParseAddr("ff02::c")
)

// hops is how far multicast goes: UPnP says 2, and WS-Discovery's 1 differs from it only
// where routers forward multicast.
const hops = 2

// receiveBuffer is what the system may hold of answers that come all at once: those of two
// hundred cameras. Root gets it, others what net.core.rmem_max allows.
const receiveBuffer = 4 << 20

// A socket sends and receives one protocol's messages on one link, or by unicast.
type socket struct {
	conn     *net.UDPConn
	protocol protocol
	link     *link // nil: asks by unicast
	listens  bool  // for announcements
	group    netip.AddrPort
}

// openSearch opens a socket that asks from one of a link's addresses and takes the answers.
func openSearch(ctx context.Context, p protocol, l *link, from netip.Addr, port uint16) (*socket, error) {
	s := &socket{protocol: p, link: l, group: netip.AddrPortFrom(group4, port)}
	network := "udp4"
	if from.Is6() {
		network, s.group = "udp6", netip.AddrPortFrom(group6.WithZone(l.name), port)
	}
	if err := s.open(ctx, network, netip.AddrPortFrom(from, 0), nil); err != nil {
		return nil, err
	}
	i := &net.Interface{Index: l.index, Name: l.name}
	var err error
	if from.Is6() {
		c := ipv6.NewPacketConn(s.conn)
		err = errors.Join(c.SetMulticastInterface(i), c.SetMulticastHopLimit(hops), c.SetMulticastLoopback(true))
	} else {
		c := ipv4.NewPacketConn(s.conn)
		err = errors.Join(c.SetMulticastInterface(i), c.SetMulticastTTL(hops), c.SetMulticastLoopback(true))
	}
	if err != nil {
		s.conn.Close()
		return nil, fmt.Errorf("multicast on %s: %w", l.name, err)
	}
	return s, nil
}

// openUnicast opens a socket that asks single hosts.
func openUnicast(ctx context.Context, p protocol, network string) (*socket, error) {
	s := &socket{protocol: p}
	return s, s.open(ctx, network, netip.AddrPort{}, nil)
}

// openListener opens a socket that hears announcements on a link, of which it must have an
// address of the family. It is bound to the group, not to all addresses: what others on
// this machine are sent by unicast stays theirs.
func openListener(ctx context.Context, p protocol, l *link, v6 bool, port uint16) (*socket, error) {
	s := &socket{protocol: p, link: l, listens: true}
	network, group := "udp4", group4
	if v6 {
		network, group = "udp6", group6.WithZone(l.name)
	}
	shared := func(fd int) error {
		err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		if !v6 {
			// Else Linux hands out what any program's socket joined for on any interface.
			err = errors.Join(err, unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0))
		}
		return err
	}
	if err := s.open(ctx, network, netip.AddrPortFrom(group, port), shared); err != nil {
		return nil, err
	}
	i := &net.Interface{Index: l.index, Name: l.name}
	to := &net.UDPAddr{IP: group.WithZone("").AsSlice()}
	var err error
	if v6 {
		err = ipv6.NewPacketConn(s.conn).JoinGroup(i, to)
	} else {
		err = ipv4.NewPacketConn(s.conn).JoinGroup(i, to)
	}
	if err != nil {
		s.conn.Close()
		return nil, fmt.Errorf("multicast on %s: %w", l.name, err)
	}
	return s, nil
}

// open makes the system's socket.
func (s *socket) open(ctx context.Context, network string, at netip.AddrPort, more func(fd int) error) error {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		controlled := raw.Control(func(fd uintptr) {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) //nolint:errcheck // a smaller one does
			}
			if more != nil {
				err = more(int(fd))
			}
		})
		return errors.Join(controlled, err)
	}}
	address := ":0"
	if at.IsValid() {
		address = at.String()
	}
	c, err := config.ListenPacket(ctx, network, address)
	if err != nil {
		return err
	}
	s.conn = c.(*net.UDPConn)
	return nil
}

// send sends to a host or a group. A system whose table of neighbours or queue is full for
// a moment is asked again.
func (s *socket) send(message []byte, to netip.AddrPort) error {
	for try := 0; ; try++ {
		_, err := s.conn.WriteToUDPAddrPort(message, to)
		if err == nil || try == 3 || !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EAGAIN) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// read hands out each datagram until the socket is closed. The data is good until take
// returns.
func (s *socket) read(take func(data []byte, from netip.AddrPort)) {
	buffer := make([]byte, maxDatagram+1)
	for failed := 0; failed < 100; {
		n, from, err := s.conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			failed++ // an error of an earlier sending, as of an interface that went
			time.Sleep(10 * time.Millisecond)
			continue
		}
		failed = 0
		take(buffer[:n], from)
	}
}
