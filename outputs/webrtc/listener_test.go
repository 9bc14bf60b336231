package webrtc

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/pion/ice/v4"
)

// exhausted is a listener whose first connections cannot be accepted.
type exhausted struct {
	net.Listener
	left   int // errors still; less than 0: for ever
	failed chan struct{}
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.left == 0 {
		return e.Listener.Accept()
	}
	e.left--
	select {
	case e.failed <- struct{}{}:
	default:
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
}

// TestTCPGoesOnWhenThereAreDescriptorsAgain: the mux itself would never accept again.
func TestTCPGoesOnWhenThereAreDescriptorsAgain(t *testing.T) {
	listen := func(errors int) *exhausted {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return &exhausted{Listener: l, left: errors, failed: make(chan struct{}, 1)}
	}
	l := listen(3)
	log := slog.New(slog.DiscardHandler)
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: patiently(l, log), Logger: pionLog{log}.NewLogger("tcp"),
		ReadBufferSize: 64, FirstStunBindTimeout: tcpFirst})
	defer mux.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// What is no STUN is hung up on by who has accepted it.
	if _, err := conn.Write([]byte{0, 4, 'h', 'e', 'l', 'o'}); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := conn.Read(make([]byte, 1)); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("nobody accepts the connection")
	}

	never := listen(-1)
	waiting := patiently(never, log)
	ended := make(chan error, 1)
	go func() { _, err := waiting.Accept(); ended <- err }()
	<-never.failed
	waiting.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("closing it gives %v", err)
		}
	case <-time.After(patient):
		t.Error("closing it does not end Accept")
	}
}

// TestSilentConnectionDoesNotHoldUpTheEnd: anybody can open one, and a gateway that is told to
// end must not wait for what never comes.
func TestSilentConnectionDoesNotHoldUpTheEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	told := &telling{Listener: patiently(l, log), accepted: make(chan struct{}, 2)}
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: told, Logger: pionLog{log}.NewLogger("tcp"),
		ReadBufferSize: 64, FirstStunBindTimeout: time.Hour})
	for range 2 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		<-told.accepted
	}
	ended := make(chan error, 1)
	go func() { ended <- mux.Close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(patient):
		t.Fatal("it waits for connections on which nothing comes")
	}
	if _, err := told.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener accepts: %v", err)
	}
	if err := told.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice it says %v", err)
	}
}

// telling says when it has accepted a connection.
type telling struct {
	net.Listener
	accepted chan struct{}
}

func (t *telling) Accept() (net.Conn, error) {
	conn, err := t.Listener.Accept()
	if err == nil {
		t.accepted <- struct{}{}
	}
	return conn, err
}
