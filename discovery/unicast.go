package discovery

import (
	"net/netip"
	"time"
)

// perHost is the pace of asking host by host: a network of 254 takes a quarter of a
// second, and few enough unknown neighbours are looked for at once that the system's table
// of them does not overflow.
const perHost = time.Millisecond

// askEach asks every target by its address, as often as there is time for in the first
// half of the search, and at least once.
func (s *search) askEach(targets []netip.Addr) {
	sockets, done := s.openUnicast(targets)
	defer done()
	pace := min(perHost, s.wait/2/time.Duration(max(1, len(targets))))
	gap := min(roundsTake, s.wait/2) / (rounds - 1)
	for round := range rounds {
		began := time.Now()
		if round > 0 && time.Duration(round+1)*pace*time.Duration(len(targets)) > s.wait/2 {
			break
		}
		for i, to := range targets {
			for _, c := range sockets[to.Is4()] {
				s.askOne(c, to, round)
			}
			// The pace is kept as a whole: timers are too coarse for single steps of it.
			if ahead := time.Duration(i+1)*pace - time.Since(began); ahead > 2*time.Millisecond && !pause(s.ctx, ahead) || s.ctx.Err() != nil {
				return
			}
		}
		if !pause(s.ctx, gap-time.Since(began)) {
			return
		}
	}
	<-s.ctx.Done() // for the answers
}

func (s *search) askOne(c *socket, to netip.Addr, round int) {
	port := s.f.options.WSPort
	if c.protocol == protocolSSDP {
		port = s.f.options.SSDPPort
	}
	target := netip.AddrPortFrom(to, uint16(port))
	for _, m := range s.questions(c.protocol, target, round) {
		if err := c.send(m, target); err != nil {
			s.f.log.Debug("discovery: a question could not be sent", "to", target, "error", err)
			return
		}
	}
}

// openUnicast opens the sockets that the targets need, by whether they are for IPv4. Done
// closes them.
func (s *search) openUnicast(targets []netip.Addr) (sockets map[bool][]*socket, done func()) {
	sockets = map[bool][]*socket{}
	for _, is4 := range []bool{true, false} {
		network, needed := "udp6", false
		if is4 {
			network = "udp4"
		}
		for _, t := range targets {
			needed = needed || t.Is4() == is4
		}
		for _, p := range []protocol{protocolWS, protocolSSDP} {
			if !needed {
				continue
			}
			c, err := openUnicast(s.ctx, p, network)
			if err != nil {
				s.f.log.Warn("discovery: hosts cannot be asked by their address", "network", network, "error", err)
				continue
			}
			sockets[is4] = append(sockets[is4], c)
			s.read(c)
		}
	}
	return sockets, func() {
		for _, list := range sockets {
			for _, c := range list {
				c.conn.Close()
			}
		}
	}
}
