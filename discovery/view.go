package discovery

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// settling is how long after its first answer a device may still get a better ID or
// address at once, because its other answers are on their way.
const settling = 1500 * time.Millisecond

// together is how far apart answers to the same question are at most.
const together = 3 * time.Second

// A device is the records of one camera.
type device struct {
	id        string
	address   netip.Addr
	link      string
	records   []*record // WS-Discovery first
	byAddress bool      // they were joined because they came from one address, and for no better reason
	first     time.Time
	reachable func(netip.Addr) bool // is on a network that this computer is on now
	told      *Device               // as Options.Changed last had it
	toldAt    time.Time
	queued    bool
	gone      bool
}

// last is when it was last heard of.
func (d *device) last() time.Time {
	var t time.Time
	for _, r := range d.records {
		if r.last.After(t) {
			t = r.last
		}
	}
	return t
}

// replied is all that it said from where it answered, but for addresses on networks that
// this computer has left, where there are others.
func (d *device) replied() []replied {
	var all []replied
	for _, r := range d.records {
		all = append(all, r.replied...)
	}
	left := func(a replied) bool { return a.link != "" && !d.reachable(a.addr) }
	if i := slices.IndexFunc(all, func(a replied) bool { return !left(a) }); i < 0 {
		return all
	}
	return slices.DeleteFunc(all, left)
}

// answered are the addresses it answered from, each once with the newest time, best first.
func (d *device) answered() []replied {
	var all []replied
	for _, a := range d.replied() {
		i := slices.IndexFunc(all, func(o replied) bool { return o.addr == a.addr })
		switch {
		case i < 0:
			all = append(all, a)
		case a.seen.After(all[i].seen):
			all[i].seen = a.seen
		}
	}
	slices.SortStableFunc(all, func(a, b replied) int {
		return cmp.Or(cmp.Compare(rank(a.addr), rank(b.addr)), b.seen.Compare(a.seen))
	})
	return all
}

// rank is lower for addresses that are of more use to a viewer of the list.
func rank(a netip.Addr) int {
	switch {
	case a.Is4() && !a.IsLinkLocalUnicast():
		return 0
	case a.Is6() && !a.IsLinkLocalUnicast():
		return 1
	case a.Is6():
		return 2
	}
	return 3
}

// choose takes the address to be used from those that answered since the time: the one in
// use, if it did and there is no better one, so that a camera with two addresses does not
// change between them; else the best. Where none answered, nothing changes.
func (d *device) choose(since time.Time) {
	answered := slices.DeleteFunc(d.answered(), func(a replied) bool { return a.seen.Before(since) })
	if len(answered) == 0 {
		return
	}
	best := answered[0].addr
	for _, a := range answered {
		if a.addr == d.address && rank(best) == rank(a.addr) {
			return
		}
	}
	d.address = best
}

// stranded says whether the address in use is on a network that this computer has left,
// and there is another.
func (d *device) stranded() bool {
	return !slices.ContainsFunc(d.replied(), func(a replied) bool { return a.addr == d.address })
}

// identities are all that the device is known by, best first.
func (d *device) identities() []string {
	var ids []string
	for _, r := range d.records {
		if r.identity.id != "" {
			ids = appendNew(ids, maxURLs, r.identity.id)
		}
	}
	for _, r := range d.records {
		if r.facts.mac != "" {
			ids = appendNew(ids, maxURLs, "mac:"+r.facts.mac)
		}
	}
	if len(ids) == 0 {
		ids = []string{"addr:" + d.place()}
	}
	return ids
}

// place is the address and port of a device that says nothing else about itself.
func (d *device) place() string {
	for _, r := range d.records {
		for _, u := range r.urls() {
			if hp := hostPortOf(u); hp != "" {
				return hostPort(d.address, hp[lastColon(hp)+1:])
			}
		}
	}
	return d.address.String()
}

// hostPortOf is the host and port of a URL, with the port of its scheme where it has none.
func hostPortOf(u string) string {
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return ""
	}
	hp, _, _ := strings.Cut(rest, "/")
	hp, _, _ = strings.Cut(hp, "?")
	if i := strings.LastIndexByte(hp, ':'); i < 0 || strings.HasSuffix(hp, "]") {
		if scheme == "https" {
			return hp + ":443"
		}
		return hp + ":80"
	}
	return hp
}

// view is the device as others see it.
func (d *device) view() Device {
	v := Device{ID: d.id, Address: d.address, ONVIF: []string{}, Interface: d.link, FirstSeen: d.first, LastSeen: d.last()}
	for _, id := range d.identities() {
		if id != d.id {
			v.Aliases = append(v.Aliases, id)
		}
	}
	slices.Sort(v.Aliases)
	var f facts
	forever := false
	for _, r := range d.records {
		f.complete(r.facts)
		v.Via = appendNew(v.Via, maxURLs, r.via...)
		forever = forever || r.protocol == protocolWS
		if r.expires.After(v.Expires) {
			v.Expires = r.expires
		}
	}
	if forever {
		v.Expires = time.Time{}
	}
	v.Maker, v.Model, v.Name, v.Serial, v.MAC = f.maker, f.model, f.name, f.serial, f.mac
	slices.Sort(v.Via)
	d.viewAddresses(&v)
	return v
}

// viewAddresses fills in what depends on where the device answered from: what it said from
// the address to be used comes first.
func (d *device) viewAddresses(v *Device) {
	all := d.replied()
	slices.SortStableFunc(all, func(a, b replied) int {
		if (a.addr == d.address) != (b.addr == d.address) {
			if a.addr == d.address {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(rank(a.addr), rank(b.addr)), b.seen.Compare(a.seen))
	})
	for _, a := range all {
		v.ONVIF = appendNew(v.ONVIF, maxURLs, a.urls...)
		v.Warnings = appendNew(v.Warnings, maxWarnings, a.warnings...)
		v.Page = cmp.Or(v.Page, a.page)
		for _, addr := range append([]netip.Addr{a.addr}, a.hosts...) {
			if addr != d.address && !slices.Contains(v.Also, addr) && len(v.Also) < maxReplied {
				v.Also = append(v.Also, addr)
			}
		}
	}
}
