package discovery

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// unanswered is after how many searches without an answer a device of WS-Discovery is
// taken for gone.
const unanswered = 3

// A registry holds what is known, and what is still to be told to the owner.
type registry struct {
	mu       sync.Mutex
	max      int
	tells    bool // somebody is to be told
	counts   *counters
	net      *atomic.Pointer[network]
	records  map[string]*record
	devices  map[*device]struct{}
	ids      map[string]*device
	changed  []*device // to be told of, each once
	departed []Device  // likewise
}

func newRegistry(max int, tells bool, counts *counters, net *atomic.Pointer[network]) *registry {
	return &registry{max: max, tells: tells, counts: counts, net: net, records: map[string]*record{}, devices: map[*device]struct{}{}, ids: map[string]*device{}}
}

// sight takes a sighting of a camera. It reports whether a camera that is known answers
// from where it did not before. Its address is not changed for that: anybody can say hello
// in its name. The next search tells where it is.
func (g *registry) sight(s *sighting) (moved bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.records[s.key()]
	if r == nil {
		if s.known {
			g.counts.notCamera.Add(1)
			return false
		}
		if r = g.admit(s); r == nil {
			g.counts.full.Add(1)
			return false
		}
	}
	addresses := len(r.replied)
	changed, refused := r.renew(s)
	g.counts.foreign.Add(uint64(refused))
	if r.device == nil {
		g.house(r, s.at)
		changed = true
	} else {
		moved = len(r.replied) > addresses && s.at.Sub(r.device.first) > settling
	}
	if changed {
		g.refresh(r.device, s.at)
	}
	return moved
}

// admit makes a record if there is a place for it.
func (g *registry) admit(s *sighting) *record {
	// A device may hold more than one record; the records are bounded all the same.
	if len(g.records) >= 2*g.max {
		return nil
	}
	r := &record{key: s.key(), protocol: s.protocol, identity: s.identity, first: s.at}
	if len(g.devices) >= g.max || g.from(s) >= (g.max+1)/2 {
		// Only as a further record of a device that is known, or in the place of one
		// that did not answer lately.
		probe := *r
		probe.renew(s)
		if p := g.home(&probe); (p.device == nil || p.parts != nil) && !g.makeRoom(s) {
			return nil
		}
	}
	g.records[r.key] = r
	return r
}

// from is how many devices answered from the sender's address. One sender fills at most
// half of the list.
func (g *registry) from(s *sighting) int {
	n := 0
	for d := range g.devices {
		if d.address == s.from.addr {
			n++
		}
	}
	return n
}

// makeRoom drops a device that did not answer the last search.
func (g *registry) makeRoom(s *sighting) bool {
	if g.from(s) >= (g.max+1)/2 {
		return false
	}
	for d := range g.devices {
		if !slices.ContainsFunc(d.records, func(r *record) bool { return r.missed == 0 }) {
			for _, r := range slices.Clone(d.records) {
				g.drop(r)
			}
			return true
		}
	}
	return false
}

// make makes a device where the record was sighted.
func (g *registry) make(r *record, first time.Time) *device {
	d := &device{
		first: first, address: r.replied[0].addr, link: r.replied[0].link,
		reachable: func(a netip.Addr) bool { return g.net.Load().of(a) != nil },
	}
	g.devices[d] = struct{}{}
	return d
}

// house puts a new record to the device that it is of, or makes one.
func (g *registry) house(r *record, now time.Time) {
	p := g.home(r)
	d := p.device
	switch {
	case d == nil:
		d = g.make(r, now)
	case p.replaces != nil:
		delete(g.records, p.replaces.key)
		d.records = slices.DeleteFunc(d.records, func(o *record) bool { return o == p.replaces })
	case p.parts != nil:
		d = g.split(d, p.parts, now)
	case p.byAddress:
		d.byAddress = true
	}
	r.device = d
	d.records = append(d.records, r)
	slices.SortStableFunc(d.records, func(a, b *record) int {
		return strings.Compare(string(b.protocol), string(a.protocol)) // "ws" before "ssdp"
	})
}

// refresh follows a change of a device's records.
func (g *registry) refresh(d *device, now time.Time) {
	if now.Sub(d.first) < settling {
		d.choose(time.Time{})
	}
	g.name(d, now)
	g.tell(d)
}

// tell has the owner told of a device.
func (g *registry) tell(d *device) {
	if g.tells && !d.queued && !d.gone {
		d.queued = true
		g.changed = append(g.changed, d)
	}
}

// drop forgets a record, and its device with the last one.
func (g *registry) drop(r *record) {
	delete(g.records, r.key)
	d := r.device
	d.records = slices.DeleteFunc(d.records, func(o *record) bool { return o == r })
	if len(d.records) > 0 {
		g.tell(d)
		return
	}
	delete(g.devices, d)
	delete(g.ids, d.id)
	d.gone = true
	if d.told != nil {
		g.departed = append(g.departed, *d.told)
	}
}

// bye takes a goodbye. It counts only from the address that the device has or answered a
// question from: else anybody could say it for others.
func (g *registry) bye(p protocol, i identity, from sender) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.records[string(p)+" "+i.id]
	if i.id == "" || r == nil {
		g.counts.irrelevant.Add(1)
		return
	}
	itself := func(a replied) bool { return a.addr == from.addr && (a.asked || a.addr == r.device.address) }
	if !slices.ContainsFunc(r.replied, itself) {
		g.counts.falseBye.Add(1)
		return
	}
	g.drop(r)
}

// lookup is a record's location and when it was last renewed.
func (g *registry) lookup(p protocol, i identity) (location string, last time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.records[string(p)+" "+i.id]
	if i.id == "" || r == nil {
		return "", time.Time{}, false
	}
	return r.location, r.last, true
}

// expire drops what is past its time, and moves devices off networks that were left.
func (g *registry) expire(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.records {
		if !r.expires.IsZero() && now.After(r.expires) {
			g.drop(r)
		}
	}
	for d := range g.devices {
		if d.stranded() {
			g.review(d, time.Time{})
		}
	}
}

// searched ends a search that began at the time: who did not answer it is one nearer to
// being gone.
func (g *registry) searched(began time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.records {
		if r.protocol != protocolWS || !r.last.Before(began) {
			g.forgetAddresses(r, began)
			continue
		}
		if r.missed++; r.missed >= unanswered {
			g.drop(r)
		}
	}
	for d := range g.devices {
		g.review(d, began)
	}
}

// forgetAddresses drops the addresses of a record that answered, but from them neither in
// this search nor in the minute before.
func (g *registry) forgetAddresses(r *record, began time.Time) {
	if r.last.Before(began) {
		return
	}
	n := len(r.replied)
	r.replied = slices.DeleteFunc(r.replied, func(a replied) bool { return a.seen.Before(began.Add(-time.Minute)) })
	if len(r.replied) != n {
		g.tell(r.device)
	}
}

// review chooses a device's address anew, from those that answered since the time.
func (g *registry) review(d *device, since time.Time) {
	before := d.address
	if d.choose(since); d.address != before {
		g.tell(d)
	}
}

// list is all that is known.
func (g *registry) list() []Device {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Device, 0, len(g.devices))
	for d := range g.devices {
		list = append(list, d.view())
	}
	slices.SortFunc(list, func(a, b Device) int {
		if c := a.Address.Compare(b.Address); c != 0 {
			return c
		}
		return strings.Compare(a.sortKey(), b.sortKey())
	})
	return list
}

// next is what is to be told next. A device with nothing but a UDN is held back until its
// endpoint reference has had time to come, and one that was told of lately waits a second,
// unless all is to be told now.
func (g *registry) next(now time.Time, all bool) (d Device, gone, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.departed) > 0 {
		d, g.departed = g.departed[0], g.departed[1:]
		return d, true, true
	}
	for i := 0; i < len(g.changed); i++ {
		c := g.changed[i]
		if !c.gone && !all && !c.ripe(now) {
			continue
		}
		g.changed = slices.Delete(g.changed, i, i+1)
		i--
		c.queued = false
		if c.gone {
			continue
		}
		v := c.view()
		if c.told != nil && c.told.sameSubstance(&v) {
			continue
		}
		c.told, c.toldAt = &v, now
		return v, false, true
	}
	return Device{}, false, false
}

// ripe says whether the owner may be told of the device now.
func (d *device) ripe(now time.Time) bool {
	if d.told != nil {
		return now.Sub(d.toldAt) >= time.Second
	}
	return d.records[0].protocol == protocolWS || now.Sub(d.first) >= settling
}
