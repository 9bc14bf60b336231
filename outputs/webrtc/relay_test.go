package webrtc

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay stands between the server and one client, as a router does that is as narrow as a
// test wants it: what comes from the server waits in a queue.
type relay struct {
	t      testing.TB
	socket *net.UDPConn
	server *net.UDPAddr

	mu     sync.Mutex
	client *net.UDPAddr
	dead   bool
	rate   int // bytes a second from the server; 0: no limit
	queue  chan []byte
}

func newRelay(t testing.TB, g *gate) *relay {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, socket: socket, server: g.socket.LocalAddr().(*net.UDPAddr), queue: make(chan []byte, 60)}
	var running sync.WaitGroup
	running.Go(r.read)
	running.Go(r.drip)
	t.Cleanup(func() {
		socket.Close()
		running.Wait()
	})
	return r
}

func (r *relay) read() {
	defer close(r.queue)
	buf := make([]byte, 65536)
	for {
		n, from, err := r.socket.ReadFromUDP(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		dead, limited := r.dead, r.rate > 0
		fromServer := from.Port == r.server.Port
		if !fromServer {
			r.client = from
		}
		client := r.client
		r.mu.Unlock()
		switch {
		case dead:
		case !fromServer:
			r.socket.WriteToUDP(buf[:n], r.server)
		case client == nil:
		case !limited && len(r.queue) == 0:
			r.socket.WriteToUDP(buf[:n], client)
		default:
			select {
			case r.queue <- append([]byte(nil), buf[:n]...):
			default: // full: lost
			}
		}
	}
}

// drip sends what waits, as fast as the relay's rate is.
func (r *relay) drip() {
	for p := range r.queue {
		r.mu.Lock()
		rate, client, dead := r.rate, r.client, r.dead
		r.mu.Unlock()
		if rate > 0 {
			time.Sleep(time.Duration(len(p)) * time.Second / time.Duration(rate))
		}
		if !dead {
			r.socket.WriteToUDP(p, client)
		}
	}
}

// without leaves none of an offer's candidates: the server, which would check them from its
// own address, shows the browser no way past the relay.
func (r *relay) without(offer string) string {
	var b strings.Builder
	for line := range strings.Lines(offer) {
		if !strings.HasPrefix(line, "a=candidate") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// only leaves of an answer's candidates the relay.
func (r *relay) only(answer string) string {
	var b strings.Builder
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(line, "a=candidate") {
			fields := strings.Fields(line)
			fields[4], fields[5] = "127.0.0.1", strconv.Itoa(r.socket.LocalAddr().(*net.UDPAddr).Port)
			line = strings.Join(fields, " ") + "\r\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = true
}

func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = false
}

func (r *relay) limit(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = bytes
}
