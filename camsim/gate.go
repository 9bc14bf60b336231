package camsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A gate is a listener whose port can be shut and opened again, and whose connections can
// be held: what a camera does that reboots, refuses or hangs. The RTSP server behind it
// notices nothing.
type gate struct {
	address string // with the port that was chosen
	addr    net.Addr

	inner *net.TCPListener

	mu       sync.Mutex
	moved    *sync.Cond
	refusing bool // shut
	shuts    int  // so far
	held     chan struct{}
	conns    map[*conn]struct{}
	closed   bool
}

func newGate(address string) (*gate, error) {
	inner, err := listen(address)
	if err != nil {
		return nil, err
	}
	g := &gate{address: inner.Addr().String(), addr: inner.Addr(), inner: inner.(*net.TCPListener), conns: map[*conn]struct{}{}}
	g.moved = sync.NewCond(&g.mu)
	return g, nil
}

// listen is net.Listen, but a port of our choice lies below those that the system gives to
// connections going out, and is asked for by its number: only then it stays ours while it is
// shut.
func listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != "0" {
		return net.Listen("tcp", address)
	}
	for range 100 {
		var l net.Listener
		l, err = net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(10000+rand.IntN(22000))))
		if err == nil {
			return l, nil
		}
	}
	return nil, err
}

// Accept implements net.Listener for the RTSP server.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.mu.Lock()
		for !g.closed && (g.refusing || g.held != nil) {
			g.moved.Wait()
		}
		shuts, closed := g.shuts, g.closed
		g.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		accepted, err := g.inner.Accept()
		if err != nil {
			if g.broken(shuts) {
				return nil, err
			}
			continue
		}
		c := &conn{TCPConn: accepted.(*net.TCPConn), gate: g, done: make(chan struct{})}
		g.mu.Lock()
		g.conns[c] = struct{}{}
		g.mu.Unlock()
		return c, nil
	}
}

// broken says that the listener failed by itself, and was not shut since it had been so often.
func (g *gate) broken(shuts int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed || g.shuts == shuts
}

// Addr implements net.Listener.
func (g *gate) Addr() net.Addr { return g.addr }

// Close implements net.Listener. It lets go of everything.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.release()
	g.moved.Broadcast()
	return g.inner.Close()
}

// shut has the port refuse who dials it. The socket stays bound, and shares its port with
// nobody: a port that was let go might be another camera's when it is to open again, and who
// dials this camera would see that one.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.refusing {
		return
	}
	g.refusing = true
	g.shuts++
	// It fails on a closed socket alone, which refuses by itself.
	_ = g.control(func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0); err != nil {
			return err
		}
		return unix.Shutdown(fd, unix.SHUT_RDWR)
	})
}

// open opens the port again.
func (g *gate) open() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || !g.refusing {
		return nil
	}
	err := g.control(func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		return unix.Listen(fd, unix.SOMAXCONN)
	})
	if err != nil {
		return err
	}
	g.refusing = false
	g.moved.Broadcast()
	return nil
}

// control does something with the listening socket.
func (g *gate) control(f func(fd int) error) error {
	raw, err := g.inner.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = f(int(fd)) })
	return errors.Join(failed, err)
}

// hold stops reading and writing on all connections, and answering new ones.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil && !g.closed {
		g.held = make(chan struct{})
	}
}

// letGo ends hold.
func (g *gate) letGo() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release()
	g.moved.Broadcast()
}

// release ends hold, and closes what the server meant to close meanwhile. g.mu is locked.
func (g *gate) release() {
	if g.held == nil {
		return
	}
	close(g.held)
	g.held = nil
	for c := range g.conns {
		if c.ended {
			delete(g.conns, c)
			c.TCPConn.Close()
		}
	}
}

// reset ends all connections the hard way, as a computer does that has lost its memory.
func (g *gate) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.SetLinger(0)
		_ = c.TCPConn.Close()
	}
}

// A conn is a connection that its gate can hold. It sends the RTP packets of one picture
// with one call to the system, so that what a client costs is not drowned by us.
type conn struct {
	*net.TCPConn
	gate  *gate
	done  chan struct{}
	ended bool // by the server, while held; gate.mu guards it

	mu     sync.Mutex
	corked []byte
}

var errClosed = errors.New("the simulated camera closed the connection")

// wait returns when the gate holds nobody.
func (c *conn) wait() error {
	for {
		c.gate.mu.Lock()
		held := c.gate.held
		c.gate.mu.Unlock()
		if held == nil {
			return nil
		}
		select {
		case <-held:
		case <-c.done:
			return errClosed
		}
	}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	n, err := c.TCPConn.Read(b)
	if held := c.wait(); held != nil {
		return 0, held
	}
	return n, err
}

// maxCorked bounds what waits for a picture's last packet.
const maxCorked = 1 << 20

// Write implements net.Conn. The server writes one interleaved frame at a time (RFC 2326
// section 10.12); those with RTP wait for the one with the marker bit, the picture's last.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rtp := len(b) >= 16 && b[0] == '$' && b[1]%2 == 0
	if rtp && len(c.corked) >= 16 && string(c.corked[8:12]) != string(b[8:12]) {
		// Another time stamp: the last packet of the picture before never came.
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	c.corked = append(c.corked, b...)
	if rtp && b[5]&0x80 == 0 && len(c.corked) < maxCorked {
		return len(b), nil
	}
	return len(b), c.flush()
}

func (c *conn) flush() error {
	_, err := c.TCPConn.Write(c.corked)
	c.corked = c.corked[:0]
	return err
}

// Close implements net.Conn. While the gate holds, the other end does not learn of it.
func (c *conn) Close() error {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if c.ended {
		return nil
	}
	c.ended = true
	close(c.done)
	if c.gate.held != nil {
		_ = c.TCPConn.SetReadDeadline(time.Unix(1, 0)) // wakes a reader
		return nil
	}
	delete(c.gate.conns, c)
	return c.TCPConn.Close()
}
