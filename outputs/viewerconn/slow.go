package viewerconn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// looksPerStall is how often a waiting Send looks whether bytes move, in the time after
// which it would give up: a stalled viewer is closed at most 1/looksPerStall late.
const looksPerStall = 8

// wait prepares for the poller's wait: a deadline, so that a viewer that takes nothing
// is noticed. Fast viewers never come here.
func (c *Conn) wait(fd uintptr) {
	if !c.slow {
		c.slow = true
		c.progress = time.Now()
		c.taken = 0
		c.look(fd)
	}
	c.arm()
}

// arm sets the deadline of the next look, or of Hurry.
func (c *Conn) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Now().Add(c.stall / looksPerStall)
	if !c.until.IsZero() && c.until.Before(at) {
		at = c.until
	}
	c.tcp.SetWriteDeadline(at) // fails only on a closed connection, which the write will tell
}

// judge is called when a wait has lasted until its deadline. It returns nil if the
// viewer may be waited for again.
func (c *Conn) judge() error {
	c.mu.Lock()
	hurried := !c.until.IsZero() && !time.Now().Before(c.until)
	c.mu.Unlock()
	if hurried {
		return ErrHurried
	}
	if err := c.raw.Control(c.look); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	if time.Since(c.progress) >= c.stall {
		return ErrStalled
	}
	c.arm()
	return nil
}

// look notes whether the viewer has acknowledged bytes since the last look. That, not
// whether a write went through, is progress: at 10 KB/s a socket may stay full for
// longer than a stall although bytes move all the time.
func (c *Conn) look(fd uintptr) {
	queued, err := c.queue(fd, unix.SIOCOUTQ)
	if err != nil {
		c.err = err
		return
	}
	if taken := c.written - int64(queued); taken > c.taken {
		c.taken, c.progress = taken, time.Now()
	}
}

// fastAgain undoes what waiting has set.
func (c *Conn) fastAgain() {
	c.mu.Lock()
	c.tcp.SetWriteDeadline(c.until) // the zero time if Hurry has not been called: none
	c.mu.Unlock()
	// Pictures are written in as few calls as the send buffer allows.
	c.raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 0) // the system's: no mark
	})
}

// queue is the length of the socket's send queue in bytes: what is unacknowledged
// (SIOCOUTQ), or only what is unsent (SIOCOUTQNSD, see tcp(7) and linux/sockios.h).
func (c *Conn) queue(fd uintptr, request uintptr) (int, error) {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(&c.answer))); errno != 0 {
		return 0, os.NewSyscallError("ioctl", errno)
	}
	return int(c.answer), nil
}

// Reason turns an error of Send into ErrGone where the connection broke, whoever broke it.
func Reason(err error) error {
	if err == nil || errors.Is(err, ErrStalled) || errors.Is(err, ErrHurried) || errors.Is(err, ErrGone) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}

// Hurry gives whatever is still to be sent at most d from now.
func (c *Conn) Hurry(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Now().Add(d)
	c.tcp.SetWriteDeadline(c.until) // fails only on a closed connection
}

// maxIgnored is how much a viewer that has nothing to say may say, in bytes: requests
// that it pipelined behind its first.
const maxIgnored = 64 << 10

// AwaitGone reads, and ignores, until the viewer has closed its side, the connection is
// closed, or the viewer sends more than anyone needs to. It is how a viewer that leaves
// is noticed while there is no picture to send.
func (c *Conn) AwaitGone() {
	io.CopyN(io.Discard, onlyReader{c.tcp}, maxIgnored) // whatever the error, the viewer is gone
}

// onlyReader hides WriteTo, by which io.Copy would try to splice.
type onlyReader struct{ io.Reader }

// Finish ends the connection in order: what was sent arrives, although the viewer may
// still be sending. (To close while bytes are unread would make the kernel reset the
// connection, and throw away what the viewer has not read.) It takes at most patience.
func (c *Conn) Finish(patience time.Duration) {
	if c.tcp.CloseWrite() == nil {
		c.tcp.SetReadDeadline(time.Now().Add(patience))
		io.CopyN(io.Discard, onlyReader{c.tcp}, maxLingering) // only to let the viewer read
	}
	c.tcp.Close()
}

// maxLingering bounds what Finish reads, in bytes.
const maxLingering = 1 << 20

// Close ends the connection at once; a Send or AwaitGone that runs returns.
func (c *Conn) Close() error { return c.tcp.Close() }
