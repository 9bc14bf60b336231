package discovery

import (
	"slices"
	"time"
)

// A place is where a new record belongs.
type place struct {
	device    *device // nil: it is of a device that is not known yet
	replaces  *record // of the device: what the camera called itself before
	parts     *record // of the device, where it does not belong: both go apart together
	byAddress bool    // there is no better reason than the address
}

// home finds the device that a record is of, as far as is known: the same UUID, the same
// hardware address, the same service, or the same address where nothing speaks against it.
// It changes nothing.
func (g *registry) home(r *record) place {
	if p := g.sameUUID(r); p.device != nil {
		return p
	}
	for d := range g.devices {
		if d.sameMAC(r) {
			return place{device: d}
		}
	}
	if r.protocol == protocolWS {
		if p := g.sameService(r); p.device != nil {
			return p
		}
	}
	return place{device: g.sameAddress(r), byAddress: true}
}

// sameUUID finds the device by its UUID. Where the record with that UUID was joined to
// another camera for its address alone, it is to go out of there.
func (g *registry) sameUUID(r *record) place {
	if r.identity.uuid == "" {
		return place{}
	}
	for d := range g.devices {
		i := slices.IndexFunc(d.records, func(o *record) bool { return o.identity.uuid == r.identity.uuid })
		if i < 0 {
			continue
		}
		if o := d.records[i]; d.byAddress && d.rival(r) && o.protocol != r.protocol {
			return place{device: d, parts: o}
		}
		return place{device: d}
	}
	return place{}
}

// rival says whether the device has a record of the same protocol with another identity.
func (d *device) rival(r *record) bool {
	return slices.ContainsFunc(d.records, func(o *record) bool {
		return o.protocol == r.protocol && o.identity.id != r.identity.id
	})
}

// split makes of one of a device's records a device of its own.
func (g *registry) split(d *device, o *record, now time.Time) *device {
	d.records = slices.DeleteFunc(d.records, func(p *record) bool { return p == o })
	d.byAddress = false
	if !slices.Contains(d.identities(), d.id) {
		g.rename(d, "")
		g.name(d, now)
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
// old one.
func (g *registry) sameService(r *record) place {
	for d := range g.devices {
		for _, o := range d.records {
			same := o.protocol == protocolWS && o.replied[0].addr == r.replied[0].addr && slices.Equal(o.replied[0].urls, r.replied[0].urls)
			if !same || r.first.Sub(o.last) <= together {
				continue
			}
			return place{device: d, replaces: o}
		}
	}
	return place{}
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
			return d
		}
	}
	if len(found) != 1 || addr.IsLoopback() {
		return nil
	}
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
