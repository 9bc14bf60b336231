package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Each question is asked three times within a second and a half, because datagrams get
// lost; a short search has it all in its first half. While a flood hides the answers the
// asking goes on: each answer is another chance.
const (
	rounds     = 3
	roundsTake = 1500 * time.Millisecond
)

// A full search is long enough for its silence to mean something.
const fullSearch = 2 * time.Second

// A search is one run of questions and answers.
type search struct {
	f       *Finder
	ctx     context.Context // ends with the search
	wait    time.Duration
	fetcher *fetcher
	readers sync.WaitGroup
	opened  map[string]*socket
	failed  map[string]error // why a socket could not be opened, last
}

// search asks on every link and by unicast, and takes what comes until wait has passed.
func (f *Finder) search(ctx context.Context, wait time.Duration) error {
	began := f.now()
	until, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s := &search{f: f, ctx: until, wait: wait, fetcher: newFetcher(until, f), opened: map[string]*socket{}, failed: map[string]error{}}
	var asking sync.WaitGroup
	asking.Go(func() { s.tellMeanwhile() })
	if len(f.options.Unicast) > 0 {
		asking.Go(func() { s.askEach(f.options.targets()) })
	}
	err := s.ask()
	if err == nil {
		<-until.Done()
		err = ctx.Err()
	}
	cancel()
	asking.Wait()
	s.close()
	s.fetcher.wait()
	if err == nil {
		f.counts.searches.Add(1)
		if wait >= fullSearch {
			f.registry.searched(began)
		}
	}
	f.tell(true)
	return err
}

// tellMeanwhile tells the owner of devices while the search runs.
func (s *search) tellMeanwhile() {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		case <-s.f.wake:
		}
		s.f.tell(false)
	}
}

// ask sends all questions of all rounds by multicast. Links that come meanwhile are asked
// in the next round.
func (s *search) ask() error {
	gap := min(roundsTake, s.wait/2) / (rounds - 1)
	before := s.f.counts.flood.Load()
	for round := 0; round < rounds || s.f.counts.flood.Load() > before; round++ {
		if round > 0 && !pause(s.ctx, gap) {
			return nil // the search is over
		}
		n, err := readNetwork(s.f.options.Interfaces)
		if err != nil {
			return err
		}
		s.f.network.Store(n)
		if len(n.missing) > 0 && round == 0 {
			s.f.log.Warn("discovery: an interface is not there, not up, or without an address", "interfaces", n.missing)
		}
		s.openAll(n)
		if len(s.opened) == 0 && len(s.f.options.Unicast) == 0 {
			return s.nowhere(n)
		}
		s.askAll(round)
	}
	return nil
}

// nowhere says why there is nothing to search on.
func (s *search) nowhere(n *network) error {
	switch {
	case len(s.failed) > 0:
		var all []error
		for where, err := range s.failed {
			all = append(all, fmt.Errorf("%s: %w", where, err))
		}
		return fmt.Errorf("discovery: no interface could be searched: %w", errors.Join(all...))
	case len(n.missing) > 0:
		return fmt.Errorf("discovery: no interface to search on: %s: not there, not up, or without an address", strings.Join(n.missing, ", "))
	}
	return errors.New("discovery: no interface to search on: none is up, can multicast and has an address; give interfaces or addresses to ask")
}

// maxSockets bounds what is opened on hosts with hundreds of interfaces.
const maxSockets = 256

// openAll opens what is not open yet: for each protocol a socket on each IPv4 address and
// on the IPv6 link-local address of each link.
func (s *search) openAll(n *network) {
	for _, l := range n.searched {
		for _, from := range l.searchAddrs() {
			s.openOne(protocolWS, l, from, s.f.options.WSPort)
			s.openOne(protocolSSDP, l, from, s.f.options.SSDPPort)
		}
	}
}

// searchAddrs are the addresses that a link is searched from.
func (l *link) searchAddrs() []netip.Addr {
	var list []netip.Addr
	for _, p := range l.addrs {
		if p.Addr().Is4() {
			list = append(list, p.Addr())
		}
	}
	if a, ok := l.local6(); ok {
		list = append(list, a)
	}
	return list
}

func (s *search) openOne(p protocol, l *link, from netip.Addr, port int) {
	key := fmt.Sprintf("%s %d %s %s", l.name, l.index, from, p)
	if s.opened[key] != nil || len(s.opened) >= maxSockets {
		return
	}
	c, err := openSearch(s.ctx, p, l, from, uint16(port))
	if err != nil {
		// An IPv6 address that is not yet certain cannot be used; the next round tries again.
		s.failed[l.name] = err
		s.f.log.Debug("discovery: an address cannot be searched from", "interface", l.name, "address", from, "error", err)
		return
	}
	delete(s.failed, l.name)
	s.opened[key] = c
	s.read(c)
}

// read starts the reader of a socket.
func (s *search) read(c *socket) {
	s.readers.Go(func() {
		c.read(func(data []byte, from netip.AddrPort) { s.f.receive(c, data, from, s.fetcher) })
	})
}

// close ends the readers.
func (s *search) close() {
	for _, c := range s.opened {
		c.conn.Close()
	}
	s.readers.Wait()
}

// askAll sends a round of questions to the groups.
func (s *search) askAll(round int) {
	for _, c := range s.opened {
		for _, m := range s.questions(c.protocol, c.group, round) {
			if err := c.send(m, c.group); err != nil && !errors.Is(err, net.ErrClosed) {
				s.f.log.Debug("discovery: a question could not be sent", "interface", c.link.name, "to", c.group, "error", err)
				break
			}
		}
	}
}

// questions are the datagrams of one round.
func (s *search) questions(p protocol, to netip.AddrPort, round int) [][]byte {
	if p == protocolWS {
		list := make([][]byte, len(probeTypes))
		for i, types := range probeTypes {
			list[i] = probe(types)
		}
		return list
	}
	mx := 1
	if s.wait >= 4*time.Second {
		mx = 2
	}
	host := netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
	list := [][]byte{mSearch(host, "upnp:rootdevice", mx)}
	if round != 1 {
		// Some answer only this; all others answer it once for each of their services.
		list = append(list, mSearch(host, "ssdp:all", mx))
	}
	return list
}

// pause waits; false means that ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
