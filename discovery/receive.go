package discovery

import (
	"errors"
	"net/netip"
)

// receive takes a datagram from a socket. It is quick, and nothing in it waits: where more
// comes than it can read, the system drops, and counts, the rest.
func (f *Finder) receive(s *socket, data []byte, from netip.AddrPort, q *fetcher) {
	f.counts.datagrams.Add(1)
	addr := netip.AddrPortFrom(from.Addr().Unmap(), from.Port()).Addr()
	if !f.limiter.allow(addr.WithZone(""), len(data)) {
		f.counts.flood.Add(1)
		return
	}
	w := sender{addr: addr, link: s.link, net: f.network.Load(), asked: f.options.asked(addr), unicast: s.link == nil}
	if s.link == nil {
		w.link = w.net.of(addr)
	}
	if w.link != nil && w.link.loopback && !addr.IsLoopback() && w.net.ours(addr) {
		// This computer talks to itself: what is sent to a group over loopback has
		// whatever address of it the system takes.
		w.addr = w.link.addrs[0].Addr()
	}
	if !w.possible() || from.Port() == 0 {
		f.counts.foreign.Add(1)
		return
	}
	var err error
	if s.protocol == protocolWS {
		err = f.receiveWS(data, w, s.listens)
	} else {
		err = f.receiveSSDP(data, w, s.listens, q)
	}
	f.countError(err)
}

func (f *Finder) countError(err error) {
	switch {
	case errors.Is(err, errTooLarge):
		f.counts.tooLarge.Add(1)
	case err != nil:
		f.counts.malformed.Add(1)
	}
}

// receiveWS takes probe matches where they were asked for, hellos and byes where they are
// listened to. Any match is taken, whatever probe it says it answers.
func (f *Finder) receiveWS(data []byte, from sender, listens bool) error {
	m, err := readWS(data)
	if err != nil {
		return err
	}
	switch {
	case m.kind == wsBye && listens:
		f.registry.bye(protocolWS, m.matches[0].endpoint, from)
	case m.kind == wsHello && listens, m.kind == wsProbeMatches:
		for i := range m.matches {
			f.match(&m.matches[i], m.kind, from)
		}
	default:
		f.counts.irrelevant.Add(1)
	}
	f.wakeUp()
	return nil
}

// match takes what one device says of itself. Some say hello with nothing but their
// endpoint reference: that renews what is known of them.
func (f *Finder) match(m *wsMatch, kind wsKind, from sender) {
	known := !m.camera && !m.typed && m.endpoint.id != ""
	if !m.camera && !known {
		f.counts.notCamera.Add(1)
		return
	}
	via := ViaWSDiscovery
	if kind == wsHello {
		via = ViaHello
	}
	moved := f.registry.sight(&sighting{
		protocol: protocolWS, via: via, from: from, at: f.now(), identity: m.endpoint, known: known,
		facts:  facts{maker: m.facts.maker, model: m.facts.model, name: m.facts.name, serial: m.facts.serial, mac: m.facts.mac},
		xaddrs: m.xaddrs,
	})
	if moved && kind == wsHello {
		f.moved.Store(true)
	}
}

// receiveSSDP takes answers and announcements; a description must be fetched before it is
// known whether they are of a camera.
func (f *Finder) receiveSSDP(data []byte, from sender, listens bool, q *fetcher) error {
	m, err := readSSDP(data)
	if err != nil {
		return err
	}
	f.heard(&m, from, listens, q)
	return nil
}

// heard takes an SSDP message that was read.
func (f *Finder) heard(m *ssdpMessage, from sender, listens bool, q *fetcher) {
	switch {
	case m.kind == ssdpBye && listens:
		f.goodbye(m, from)
	case m.kind == ssdpAlive && listens, m.kind == ssdpAnswer && !listens:
		via := ViaSSDP
		if m.kind == ssdpAlive {
			via = ViaNotify
		}
		q.want(&job{message: *m, from: from, via: via})
	default:
		f.counts.irrelevant.Add(1)
	}
	f.wakeUp()
}
