package discovery

import (
	"slices"
)

// home is the device that a record is of, as far as is known: the same UUID, the same
// hardware address, the same service, or the same address where nothing speaks against it.
func (g *registry) home(r *record) *device {
	if d := g.sameUUID(r); d != nil {
		return d
	}
	for d := range g.devices {
		if d.sameMAC(r) {
			return d
		}
	}
	if r.protocol == protocolWS {
		if d := g.sameService(r); d != nil {
			return d
		}
	}
	return g.sameAddress(r)
}

// sameUUID finds the device by its UUID. Where that was joined to another camera for its
// address alone, it is taken out of there.
func (g *registry) sameUUID(r *record) *device {
	if r.identity.uuid == "" {
		return nil
	}
	for d := range g.devices {
		i := slices.IndexFunc(d.records, func(o *record) bool { return o.identity.uuid == r.identity.uuid })
		if i < 0 {
			continue
		}
		o := d.records[i]
		if !d.byAddress || !d.rival(r) || o.protocol == r.protocol {
			return d
		}
		return g.split(d, o)
	}
	return nil
}

// rival says whether the device has a record of the same protocol with another identity.
func (d *device) rival(r *record) bool {
	return slices.ContainsFunc(d.records, func(o *record) bool {
		return o.protocol == r.protocol && o.identity.id != r.identity.id
	})
}

// split makes of one of a device's records a device of its own.
func (g *registry) split(d *device, o *record) *device {
	d.records = slices.DeleteFunc(d.records, func(p *record) bool { return p == o })
	d.byAddress = false
	if d.id == o.identity.id {
		d.id = d.identities()[0]
	}
	g.tell(d)
	apart := g.make(o, o.first)
	apart.records = []*record{o}
	o.device = apart
	return apart
}

// sameMAC says whether the record has the device's hardware address. Devices that a
// recorder shows for its channels share one: with two endpoint references on two ports
// they are two.
func (d *device) sameMAC(r *record) bool {
	same := slices.ContainsFunc(d.records, func(o *record) bool {
		return r.facts.mac != "" && (r.facts.mac == o.facts.mac || r.facts.mac == o.identity.tail) ||
			o.facts.mac != "" && o.facts.mac == r.identity.tail
	})
	if !same || r.protocol == protocolSSDP || !d.rival(r) {
		return same
	}
	return slices.ContainsFunc(d.records, func(o *record) bool {
		return o.protocol == protocolWS && slices.Equal(ports(o), ports(r))
	})
}

func ports(r *record) []string {
	var list []string
	for _, u := range r.urls() {
		hp := hostPortOf(u)
		list = appendNew(list, maxURLs, hp[lastColon(hp):])
	}
	slices.Sort(list)
	return list
}

func lastColon(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ':' {
			return i
		}
	}
	return 0
}

// urls are all of a record's device service, page included.
func (r *record) urls() []string {
	var list []string
	for _, a := range r.replied {
		list = append(list, a.urls...)
		if a.page != "" {
			list = append(list, a.page)
		}
	}
	return list
}

// sameService finds a camera that has a new endpoint reference since its last start, as
// some have: it answers from the same address for the same service, and no longer with the
// old one. The old record goes.
func (g *registry) sameService(r *record) *device {
	for d := range g.devices {
		for _, o := range d.records {
			same := o.protocol == protocolWS && o.replied[0].addr == r.replied[0].addr && slices.Equal(o.replied[0].urls, r.replied[0].urls)
			if !same || r.first.Sub(o.last) <= together {
				continue
			}
			delete(g.records, o.key)
			d.records = slices.DeleteFunc(d.records, func(p *record) bool { return p == o })
			return d
		}
	}
	return nil
}

// sameAddress finds the device that answered over the other protocol from the same
// address: by its port, else where there is only one. On loopback every simulated camera
// has the same address, and it says nothing.
func (g *registry) sameAddress(r *record) *device {
	addr := r.replied[0].addr
	var found []*device
	for d := range g.devices {
		other := !slices.ContainsFunc(d.records, func(o *record) bool { return o.protocol == r.protocol })
		if other && slices.ContainsFunc(d.records, func(o *record) bool {
			return slices.ContainsFunc(o.replied, func(a replied) bool { return a.addr == addr })
		}) {
			found = append(found, d)
		}
	}
	for _, d := range found {
		if d.samePort(r) {
			d.byAddress = true
			return d
		}
	}
	if len(found) != 1 || addr.IsLoopback() {
		return nil
	}
	found[0].byAddress = true
	return found[0]
}

// samePort says whether the record and the device have a host and port in common.
func (d *device) samePort(r *record) bool {
	for _, u := range r.urls() {
		for _, o := range d.records {
			if slices.ContainsFunc(o.urls(), func(v string) bool { return hostPortOf(u) == hostPortOf(v) }) {
				return true
			}
		}
	}
	return false
}
