package discovery

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/koron/go-ssdp"
)

// Announcements over IPv4 on SSDP's own port are heard by go-ssdp's Monitor. It serves
// where its weaknesses do not matter:
//
//   - It joins the interfaces that there are when it starts, and leaves out loopback. It is
//     started anew when they change, and a listener of ours has "lo", IPv6 and other ports.
//     Its global list of interfaces is left alone, because others read it unsynchronised.
//   - It starts a goroutine for each datagram. Ours do not wait for anything, so these are
//     few, and the limiter drops what is too much.
//   - For the same reason it may deliver a byebye before an earlier alive: see goodbye.
//   - It refuses a message with one malformed header line. Such a device is found by
//     searching.
//
// Its Search is not used: it drops the address that an answer came from, cannot be
// cancelled, and holds all answers in memory until it ends.
type monitor struct {
	m     *ssdp.Monitor
	key   string // of the network that it joined
	begun time.Time

	mu     sync.Mutex
	closed bool
}

// monitored says whether the monitor hears a link's announcements over IPv4.
func (f *Finder) monitored(l *link) bool {
	return f.options.SSDPPort == defaultSSDPPort && l.multicast && !l.loopback && l.has4()
}

// monitorKey changes with what the monitor depends on; "" where none is wanted.
func (f *Finder) monitorKey(n *network) string {
	var keys []string
	for _, l := range n.searched {
		if f.options.Listen && f.monitored(l) {
			keys = append(keys, l.key())
		}
	}
	return strings.Join(keys, "; ")
}

// fits says whether the monitor, nil for none, is the one that the network calls for.
func (m *monitor) fits(f *Finder, n *network) bool {
	key := f.monitorKey(n)
	if m == nil {
		return key == ""
	}
	return m.key == key
}

// startMonitor starts a monitor if one is wanted; nil where none is, or it cannot be.
func (f *Finder) startMonitor(n *network, q *fetcher, complain func(string, error)) *monitor {
	key := f.monitorKey(n)
	if key == "" {
		return nil
	}
	m := &monitor{key: key}
	m.m = &ssdp.Monitor{
		Alive: func(a *ssdp.AliveMessage) { m.hear(f, q, a.From, ssdpAlive, a.USN, a.Location, a.Header().Get) },
		Bye:   func(b *ssdp.ByeMessage) { m.hear(f, q, b.From, ssdpBye, b.USN, "", b.Header().Get) },
		Search: func(*ssdp.SearchMessage) {
			f.counts.datagrams.Add(1)
			f.counts.irrelevant.Add(1)
		},
	}
	if err := m.m.Start(); err != nil {
		complain("ssdp "+key, err)
		return nil
	}
	m.begun = time.Now()
	return m
}

// monitorBegins is how long go-ssdp's goroutine has to begin to read. It tells nobody that it
// has; a Close before that takes its socket from under it, which ends the program.
const monitorBegins = 500 * time.Millisecond

// hear takes an announcement, in a goroutine of the monitor's.
func (m *monitor) hear(f *Finder, q *fetcher, from net.Addr, kind ssdpKind, usn, location string, header func(string) string) {
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	udp, ok := from.(*net.UDPAddr)
	if closed || !ok {
		return
	}
	f.counts.datagrams.Add(1)
	addr := udp.AddrPort().Addr().Unmap()
	if !f.limiter.allow(addr, len(location)) {
		f.counts.flood.Add(1)
		return
	}
	w := f.heardFrom(addr)
	if w.link == nil || !w.possible() {
		f.counts.foreign.Add(1) // of an interface that is not searched, or forged
		return
	}
	message := ssdpMessage{
		kind: kind, usn: udnIdentity(usn), location: location,
		maxAge: readMaxAge(header("Cache-Control")), boot: bootOf(header),
	}
	if kind == ssdpAlive && location == "" {
		f.counts.malformed.Add(1)
		return
	}
	f.heard(&message, w, true, q)
}

// heardFrom is the sender with the address, on the searched link that it is on.
func (f *Finder) heardFrom(addr netip.Addr) sender {
	w := sender{addr: addr, net: f.network.Load(), asked: f.options.asked(addr)}
	for _, l := range w.net.searched {
		if l.holds(addr) {
			w.link = l
			break
		}
	}
	return w
}

// close ends the monitor. Goroutines of its last datagrams may still end after it; they
// find it closed.
func (m *monitor) close() {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	time.Sleep(monitorBegins - time.Since(m.begun))
	m.m.Close() //nolint:errcheck // it returns none
}
