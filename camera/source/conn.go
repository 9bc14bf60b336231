package source

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errElsewhere   = errors.New("it redirects to another host, where camgate does not follow; if that is right, write that host into its source")
	errUnencrypted = errors.New("it redirects to an address without encryption, where camgate does not follow; if that is right, write rtsp:// into its source")
	errTooMuch     = errors.New("its answer does not end: this is no RTSP camera, or a broken one")
)

// maxHandshakeBytes is what a camera may send before it has accepted PLAY. A long
// description has 10 KB.
const maxHandshakeBytes = 1 << 20

// maxConnections of a session: the first, the fall-back to TCP, and redirects
// of both.
const maxConnections = 6

// udpBuffer holds a key frame's burst of packets, in bytes.
const udpBuffer = 2 << 20

// dialer notices within 11 s that a camera is gone without a word, where the watchdog does
// not before.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
}

// connections gives gortsplib its connections: the first is there already, all go to the
// one host, and before PLAY none may bring more than maxHandshakeBytes.
type connections struct {
	host string
	ctx  context.Context

	mu    sync.Mutex
	first *limitedConn
	open  []*limitedConn
	ended bool // the session that dials does so no more
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	wanted, _, _ := net.SplitHostPort(c.host)
	host, _, err := net.SplitHostPort(address)
	if err != nil || !strings.EqualFold(host, wanted) {
		return nil, errElsewhere
	}
	c.mu.Lock()
	first, count := c.first, len(c.open)
	c.first = nil
	c.mu.Unlock()
	if first != nil {
		return c.add(first)
	}
	if count >= maxConnections {
		return nil, errors.New("it redirects again and again")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	conn, err := dialer(answerTimeout).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return c.add(limit(conn))
}

func (c *connections) add(conn *limitedConn) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, conn)
	if c.ended {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// begin is called before a session dials, finish when it ends.
func (c *connections) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = false
}

// lift ends the limit: from now on pictures come.
func (c *connections) lift() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.limited.Store(false)
	}
}

// finish ends all reading at once, and all writing at t.
func (c *connections) finish(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, conn := range c.open {
		conn.SetReadDeadline(time.Now()) //nolint:errcheck // a connection that is closed needs none
		conn.SetWriteDeadline(t)         //nolint:errcheck // likewise
		conn.final.Store(true)
	}
}

// close closes what gortsplib never took, or never closed.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first != nil {
		c.first.Close() //nolint:errcheck // nothing was written
	}
	for _, conn := range c.open {
		conn.Close() //nolint:errcheck // most are closed already
	}
}

// limitedConn counts what comes while limited.
type limitedConn struct {
	net.Conn
	limited atomic.Bool
	left    atomic.Int64
	final   atomic.Bool // the write deadline is the last one
}

func limit(conn net.Conn) *limitedConn {
	l := &limitedConn{Conn: conn}
	l.limited.Store(true)
	l.left.Store(maxHandshakeBytes)
	return l
}

func (l *limitedConn) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if l.limited.Load() && l.left.Add(int64(-n)) < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// SetWriteDeadline keeps gortsplib from putting off the last deadline.
func (l *limitedConn) SetWriteDeadline(t time.Time) error {
	if l.final.Load() {
		return nil
	}
	return l.Conn.SetWriteDeadline(t)
}

// listenPacket opens a UDP port with room for a burst.
func listenPacket(network, address string) (net.PacketConn, error) {
	conn, err := net.ListenPacket(network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		udp.SetReadBuffer(udpBuffer) //nolint:errcheck // the kernel gives what it allows
	}
	return conn, err
}
