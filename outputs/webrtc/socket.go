package webrtc

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A socket is the one UDP port of all sessions. Between hold and flush it collects what
// is written to one address, a picture's packets, and gives them to the kernel together:
// as one large datagram that it cuts into equal ones (UDP generic segmentation offload),
// which costs a tenth of as many calls.
type socket struct {
	*net.UDPConn
	segments bool // the kernel can do that

	mu   sync.RWMutex
	held map[netip.AddrPort]*batch
}

const (
	mostSegments = 48      // of a large datagram; Linux takes 64
	mostBytes    = 64000   // of one; IP carries 65,507
	socketBuffer = 4 << 20 // wanted, in each direction; the system may give less
)

func newSocket(conn *net.UDPConn) *socket {
	s := &socket{UDPConn: conn, held: make(map[netip.AddrPort]*batch)}
	conn.SetReadBuffer(socketBuffer)  // what there is must do
	conn.SetWriteBuffer(socketBuffer) // the same
	raw, err := conn.SyscallConn()
	if err != nil {
		return s
	}
	raw.Control(func(fd uintptr) { //nolint:errcheck // the socket is open
		// More than others may have, where the gateway may: what waits for one slow link
		// leaves room for the rest.
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer) //nolint:errcheck // what there is must do
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) //nolint:errcheck // the same
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		s.segments = err == nil
	})
	return s
}

// A batch is what waits for one address.
type batch struct {
	socket *socket
	to     netip.AddrPort

	mu      sync.Mutex
	holding bool
	single  bool // the kernel cannot cut on the way to this address
	buf     []byte
	size    int // of each datagram in buf; the last may be smaller
	oob     []byte
}

// plain is an address as it is compared: written one way, without a zone.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// reserve makes a batch for an address, which release gives up.
func (s *socket) reserve(to netip.AddrPort) *batch {
	b := &batch{socket: s, to: to}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[plain(to)] = b
	return b
}

func (s *socket) release(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[plain(b.to)] == b {
		delete(s.held, plain(b.to))
	}
}

// ReadFromAddrPort and WriteToAddrPort are what the ICE mux uses in place of ReadFrom and
// WriteTo: addresses without allocation.
func (s *socket) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	return s.ReadFromUDPAddrPort(p)
}

// WriteToAddrPort sends, or collects.
func (s *socket) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	s.mu.RLock()
	b := s.held[plain(to)]
	s.mu.RUnlock()
	if b == nil {
		return s.WriteToUDPAddrPort(p, to)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.holding {
		return s.WriteToUDPAddrPort(p, to)
	}
	b.add(p)
	return len(p), nil
}

// hold begins to collect. The batch may be nil: then nothing is collected.
func (b *batch) hold() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holding = b.socket.segments && !b.single
}

// flush sends what has been collected, and ends that.
func (b *batch) flush() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
	b.holding = false
}

// add takes a datagram; the caller holds mu.
func (b *batch) add(p []byte) {
	full := len(b.buf) > 0 && (len(b.buf)%b.size != 0 || len(p) > b.size || len(b.buf)/b.size >= mostSegments || len(b.buf)+len(p) > mostBytes)
	if full {
		b.send()
	}
	if len(b.buf) == 0 {
		b.size = len(p)
	}
	b.buf = append(b.buf, p...)
}

// send gives the kernel what there is; the caller holds mu. A datagram that cannot be
// sent is a lost one: its receiver asks again.
func (b *batch) send() {
	if len(b.buf) == 0 {
		return
	}
	defer func() { b.buf = b.buf[:0] }()
	if len(b.buf) > b.size && !b.single {
		_, _, err := b.socket.WriteMsgUDPAddrPort(b.buf, b.segmented(), b.to)
		if err == nil || !unsegmentable(err) {
			return
		}
		b.single = true
	}
	for rest := b.buf; len(rest) > 0; {
		n := min(b.size, len(rest))
		b.socket.WriteToUDPAddrPort(rest[:n], b.to) //nolint:errcheck // lost
		rest = rest[n:]
	}
}

// segmented is the control message that says how large each datagram is (udp(7),
// UDP_SEGMENT).
func (b *batch) segmented() []byte {
	if b.oob == nil {
		b.oob = make([]byte, unix.CmsgSpace(2))
		h := b.oob[:unix.CmsgLen(0)]
		word := len(h) - 8 // of the length, which is as wide as a pointer
		if word == 8 {
			binary.NativeEndian.PutUint64(h, uint64(unix.CmsgLen(2)))
		} else {
			binary.NativeEndian.PutUint32(h, uint32(unix.CmsgLen(2)))
		}
		binary.NativeEndian.PutUint32(h[word:], unix.IPPROTO_UDP)
		binary.NativeEndian.PutUint32(h[word+4:], unix.UDP_SEGMENT)
	}
	binary.NativeEndian.PutUint16(b.oob[unix.CmsgLen(0):], uint16(b.size))
	return b.oob
}

// unsegmentable is true for the errors by which a kernel, or the device of a route, says
// that it cannot cut.
func unsegmentable(err error) bool {
	for _, no := range []error{syscall.EIO, syscall.EINVAL, syscall.EMSGSIZE, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
