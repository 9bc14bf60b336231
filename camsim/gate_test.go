package camsim

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a connection through a gate: the camera's end, and the other.
func pair(t *testing.T) (g *gate, inside, outside net.Conn) {
	t.Helper()
	g, err := newGate("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	if outside, err = net.Dial("tcp", g.address); err != nil {
		t.Fatal(err)
	}
	if inside, err = g.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inside.Close(); outside.Close() })
	return g, inside, outside
}

// interleaved is an RTP packet as RTSP carries it over TCP.
func interleaved(marker bool, timestamp byte) []byte {
	frame := []byte{'$', 0, 0, 13, 0x80, 96, 0, 1, 0, 0, 0, timestamp, 1, 2, 3, 4, 'x'}
	if marker {
		frame[5] |= 0x80
	}
	return frame
}

func TestPacketsOfAPictureAreWrittenTogether(t *testing.T) {
	_, inside, outside := pair(t)
	write := func(frames ...[]byte) {
		t.Helper()
		for _, frame := range frames {
			if n, err := inside.Write(frame); n != len(frame) || err != nil {
				t.Fatalf("wrote %d, %v", n, err)
			}
		}
	}
	nothing := func() {
		t.Helper()
		_ = outside.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := outside.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d, %v before the picture is whole", n, err)
		}
	}
	arrives := func(n int) {
		t.Helper()
		_ = outside.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(outside, make([]byte, n)); err != nil {
			t.Errorf("%d bytes should have come: %v", n, err)
		}
	}
	write(interleaved(false, 1), interleaved(false, 1))
	nothing()
	write(interleaved(true, 1))
	arrives(3 * 17)
	write(interleaved(false, 2), interleaved(false, 3)) // the end of the first was lost
	arrives(17)
	nothing()
	write([]byte("RTSP/1.0 200 OK\r\n\r\n"))
	arrives(17 + 19)
}

func TestHeldConnectionNeitherReadsNorWrites(t *testing.T) {
	g, inside, outside := pair(t)
	g.hold()
	if _, err := outside.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		b := make([]byte, 5)
		_, _ = io.ReadFull(inside, b)
		_, _ = inside.Write(b)
		read <- string(b)
	}()
	select {
	case <-read:
		t.Error("a held connection reads")
	case <-time.After(50 * time.Millisecond):
	}
	g.letGo()
	if got := <-read; got != "hello" {
		t.Errorf("read %q after the hold", got)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(outside, b); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v came out", b, err)
	}
}

func TestConnectionClosedWhileHeldEndsAfterwards(t *testing.T) {
	g, inside, outside := pair(t)
	g.hold()
	ended := make(chan error, 1)
	go func() {
		_, err := inside.Read(make([]byte, 1))
		ended <- err
	}()
	inside.Close()
	if err := <-ended; err == nil {
		t.Error("a closed connection reads")
	}
	_ = outside.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := outside.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the other end learns of it: %v", err)
	}
	g.letGo()
	_ = outside.SetReadDeadline(time.Now().Add(patience))
	if _, err := outside.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the hold: %v, want the end", err)
	}
}

// TestPortThatIsShutStaysOurs: who comes meanwhile, as the cameras of other tests do, gets
// another port.
func TestPortThatIsShutStaysOurs(t *testing.T) {
	g, inside, outside := pair(t)
	for range 3 {
		g.shut()
		if other, err := net.Listen("tcp", g.address); err == nil {
			other.Close()
			t.Fatal("somebody else gets the port")
		}
		if conn, err := net.Dial("tcp", g.address); err == nil {
			conn.Close()
			t.Fatal("the port is open")
		}
		if _, err := inside.Write([]byte("x")); err != nil { // who is connected stays
			t.Fatal(err)
		}
		if _, err := io.ReadFull(outside, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		accepted := make(chan error, 1)
		go func() { // before the port is open, as the server does
			conn, err := g.Accept()
			if err == nil {
				err = conn.Close()
			}
			accepted <- err
		}()
		if err := g.open(); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", g.address)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-accepted; err != nil {
			t.Error(err)
		}
		conn.Close()
	}
}
