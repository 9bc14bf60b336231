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
type patientListener struct {
	net.Listener
	log    *slog.Logger
	closed chan struct{}
	close  func()
}

func patiently(l net.Listener, log *slog.Logger) *patientListener {
	closed := make(chan struct{})
	return &patientListener{Listener: l, log: log, closed: closed, close: sync.OnceFunc(func() { close(closed) })}
}

// Accept returns the next connection. The error is that of a listener that is closed.
func (l *patientListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
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

// Close ends Accept, whatever it waits for.
func (l *patientListener) Close() error {
	l.close()
	return l.Listener.Close()
}
