package source

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// scripted is a server that answers each request on a connection with the next of its
// answers, whatever is asked, with {port} replaced by its own. Behind the last it keeps
// silent.
type scripted struct {
	t        *testing.T
	listener net.Listener
	answers  []string
	conns    atomic.Int32

	mu       sync.Mutex
	requests []string // first lines
	asked    chan string
}

// okay is a bare answer.
func okay(cseq int) string { return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %d\r\n\r\n", cseq) }

func script(t *testing.T, answers ...string) *scripted {
	t.Helper()
	return scriptOn(t, "127.0.0.1:0", answers...)
}

func scriptOn(t *testing.T, address string, answers ...string) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{t: t, listener: listener, answers: answers, asked: make(chan string, 1024)}
	s.serve(func(c net.Conn) {
		r := bufio.NewReader(c)
		for _, answer := range s.answers {
			if !s.read(r) {
				return
			}
			answer = strings.ReplaceAll(answer, "{port}", strconv.Itoa(s.port()))
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
		for s.read(r) {
		}
	})
	return s
}

// raw is a server that does with each connection as it likes.
func raw(t *testing.T, serve func(net.Conn)) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{t: t, listener: listener, asked: make(chan string, 1024)}
	s.serve(serve)
	return s
}

func (s *scripted) serve(serve func(net.Conn)) {
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			running.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	s.t.Cleanup(func() {
		s.listener.Close()
		running.Wait()
	})
}

// read reads a request.
func (s *scripted) read(r *bufio.Reader) bool {
	line, err := r.ReadString('\n')
	if err != nil {
		return false
	}
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(line))
	s.mu.Unlock()
	select {
	case s.asked <- strings.TrimSpace(line):
	default:
	}
	for strings.TrimSpace(line) != "" {
		if line, err = r.ReadString('\n'); err != nil {
			return false
		}
	}
	return true
}

func (s *scripted) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *scripted) at(userInfo string) Address {
	s.t.Helper()
	a, err := ParseAddress(fmt.Sprintf("rtsp://%s127.0.0.1:%d/stream", userInfo, s.port()))
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// described is an answer to DESCRIBE.
func described(cseq int, sdp string) string {
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", cseq, len(sdp), sdp)
}

// plays is all the answers of a camera that sends over TCP, and what it sends with the
// answer to PLAY.
func plays(sdp, session string, behind ...[]byte) []string {
	return []string{
		okay(1), described(2, sdp),
		fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: %s\r\n\r\n", session),
		okay(4) + string(bytes.Join(behind, nil)),
	}
}

const h264SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n"
