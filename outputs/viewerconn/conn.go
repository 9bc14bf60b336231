// Package viewerconn is the connection to one viewer as the outputs write it: whole
// pictures, by one system call where the viewer keeps up, and never a picture more
// than the viewer can take.
//
// The promise to a slow viewer is that what arrives is new: a picture is taken only
// when the one before has left the machine. TCP would gladly queue megabytes, and a
// viewer of 10 KB/s would then see the past, further away with every minute. So Send
// returns when the kernel holds nothing unsent any more (SIOCOUTQNSD), and what has
// become the newest picture meanwhile is the next to be sent.
package viewerconn

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultStall is how long a viewer may take nothing before it is closed, where the
// caller does not say.
const DefaultStall = 10 * time.Second

// ErrGone: the viewer has closed the connection, which is how most viewers end.
var ErrGone = errors.New("the viewer has left")

// ErrStalled: the viewer took nothing for too long.
var ErrStalled = errors.New("the viewer takes nothing")

// ErrHurried: the time that Hurry left is over.
var ErrHurried = errors.New("the viewer was too slow for an orderly end")

// A Conn is made by New. Send is for one goroutine at a time; the other methods may be
// called from any.
type Conn struct {
	tcp   *net.TCPConn
	raw   syscall.RawConn
	stall time.Duration

	// Of the Send that is running.
	step func(fd uintptr) bool // c.write, made once so that Send allocates nothing
	left [][]byte
	err  error
	slow bool // this Send has had to wait

	written  int64 // bytes given to the kernel, ever
	answer   int32 // of an ioctl; here because it must not be on a stack that moves
	taken    int64 // bytes the viewer has acknowledged, at the last look
	progress time.Time

	mu    sync.Mutex
	until time.Time // set by Hurry
}

// New takes over a connection, which must be of TCP, and sets it up for pictures: no
// delay, and a peer that vanishes without a word is noticed within 15 s. stall is how
// long the viewer may take nothing, 0 for DefaultStall.
func New(conn net.Conn, stall time.Duration) (*Conn, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("a viewer's connection must be TCP, this is %T", conn)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("viewer %s: %w", conn.RemoteAddr(), err)
	}
	if stall <= 0 {
		stall = DefaultStall
	}
	c := &Conn{tcp: tcp, raw: raw, stall: stall}
	c.step = c.write
	return c, c.tune()
}

// userTimeout is how long sent bytes may stay unacknowledged. A little more than
// DefaultStall: for the kernel a closed window counts, too, and a viewer that reads
// slowly opens it in large steps.
const userTimeout = 12 * time.Second

func (c *Conn) tune() error {
	if err := c.tcp.SetNoDelay(true); err != nil {
		return fmt.Errorf("viewer %s: %w", c.tcp.RemoteAddr(), err)
	}
	err := c.tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 3 * time.Second, Count: 3})
	if err != nil {
		return fmt.Errorf("viewer %s: %w", c.tcp.RemoteAddr(), err)
	}
	var failed error
	err = c.raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("viewer %s: %w", c.tcp.RemoteAddr(), err)
	}
	return nil
}

// Send writes bufs, and returns when all of it has left the machine (which is not to
// say that it has arrived). It changes the slices in bufs, not the bytes.
//
// The error is ErrStalled where the viewer took nothing for too long, ErrHurried after
// Hurry, or the connection's. After an error nothing more can be sent.
func (c *Conn) Send(bufs [][]byte) error {
	c.left, c.err, c.slow = bufs, nil, false
	err := c.raw.Write(c.step)
	for errors.Is(err, os.ErrDeadlineExceeded) {
		if err = c.judge(); err == nil {
			err = c.raw.Write(c.step)
		}
	}
	c.left = nil
	if err == nil {
		err = c.err
	}
	if c.slow {
		c.fastAgain()
	}
	return err
}

// write is called by the poller, first at once and then whenever the socket can take
// more, until it returns true.
func (c *Conn) write(fd uintptr) bool {
	for len(c.left) > 0 {
		n, err := unix.Writev(int(fd), c.left[:min(len(c.left), maxIOV)])
		switch err {
		case nil:
			c.written += int64(n)
			c.left = consume(c.left, n)
		case unix.EINTR:
		case unix.EAGAIN:
			c.wait(fd)
			return false
		default:
			c.err = os.NewSyscallError("writev", err)
			return true
		}
	}
	return c.drained(fd)
}

// maxIOV is the most slices that writev takes (IOV_MAX of Linux).
const maxIOV = 1024

// consume drops the first n bytes of bufs.
func consume(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// drained says whether the kernel has sent everything. Where it has not, the poller
// will call when it has.
func (c *Conn) drained(fd uintptr) bool {
	unsent, err := c.queue(fd, unix.SIOCOUTQNSD)
	if err != nil {
		c.err = err
		return true
	}
	if unsent == 0 {
		return true
	}
	c.wait(fd)
	// With a low-water mark of one byte, a socket counts as writable when nothing is
	// unsent. Asking is also what makes the kernel tell the poller about the change:
	// without a write that was refused, nobody would.
	if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 1); err != nil {
		c.err = os.NewSyscallError("TCP_NOTSENT_LOWAT", err)
		return true
	}
	ask := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(ask[:], 0)
	return err == nil && n > 0
}
