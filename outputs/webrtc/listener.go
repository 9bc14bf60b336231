package webrtc

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// acceptPause lies between an error and the next attempt.
const acceptPause = 100 * time.Millisecond

// A patientListener goes on where a connection cannot be accepted just now: when descriptors
// have run out, above all. pion's mux gives up at the first error, and then no browser comes
// over TCP until the gateway starts anew.
//
// It closes what it has accepted when it is closed itself: the mux waits then for each
// connection that has said nothing so far, until its time is over.
type patientListener struct {
	net.Listener
	log    *slog.Logger
	closed chan struct{}

	mu   sync.Mutex
	open map[*acceptedConn]struct{} // nil: the listener is closed
}

func patiently(l net.Listener, log *slog.Logger) *patientListener {
	return &patientListener{Listener: l, log: log, closed: make(chan struct{}), open: make(map[*acceptedConn]struct{})}
}

// Accept returns the next connection. The error is that of a listener that is closed.
func (l *patientListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			return l.accepted(conn)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		l.log.Debug("a connection for WebRTC over TCP cannot be accepted", "why", err)
		pause := time.NewTimer(acceptPause)
		select {
		case <-pause.C:
		case <-l.closed:
			pause.Stop()
			return nil, net.ErrClosed
		}
	}
}

func (l *patientListener) accepted(conn net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		conn.Close()
		return nil, net.ErrClosed
	}
	one := &acceptedConn{Conn: conn, by: l}
	l.open[one] = struct{}{}
	return one, nil
}

// Close ends Accept, whatever it waits for, and all connections.
func (l *patientListener) Close() error {
	l.mu.Lock()
	open := l.open
	if open != nil {
		l.open = nil
		close(l.closed)
	}
	l.mu.Unlock()
	err := l.Listener.Close()
	for one := range open {
		one.Conn.Close()
	}
	return err
}

// acceptedConn is a connection that its listener knows of until it is closed.
type acceptedConn struct {
	net.Conn
	by *patientListener
}

func (c *acceptedConn) Close() error {
	c.by.mu.Lock()
	delete(c.by.open, c)
	c.by.mu.Unlock()
	return c.Conn.Close()
}
