package discovery

import (
	"time"
)

// described takes an SSDP message together with the description that it led to.
func (f *Finder) described(j *job, d *description) {
	if !d.camera {
		f.counts.notCamera.Add(1)
		return
	}
	now := f.now()
	who := d.udn
	if who.id == "" {
		who = j.message.usn
	}
	moved := f.registry.sight(&sighting{
		protocol: protocolSSDP, via: j.via, from: j.from, at: now, identity: who,
		facts:    facts{maker: d.maker, model: d.model, name: d.name, serial: d.serial, mac: d.mac},
		location: j.message.location, page: d.page, expires: now.Add(j.message.maxAge),
	})
	if moved && j.via == ViaNotify {
		f.moved.Store(true)
	}
}

// doubt is how far apart a goodbye and an announcement are that may have overtaken each
// other: on the way, or between the goroutines of go-ssdp's Monitor.
const doubt = time.Second

// maxRechecks bounds the devices that are to be asked whether they are still there.
const maxRechecks = 256

// A recheck is a device that said both that it is there and that it goes.
type recheck struct {
	job job
	at  time.Time
}

// goodbye takes a byebye. One right after an announcement may be the older of the two: a
// device that starts often says both. It is asked for its description then.
func (f *Finder) goodbye(m *ssdpMessage, from sender) {
	location, last, ok := f.registry.lookup(protocolSSDP, m.usn)
	if !ok || f.now().Sub(last) > doubt {
		f.registry.bye(protocolSSDP, m.usn, from)
		return
	}
	again := *m
	again.kind, again.location = ssdpAlive, location
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rechecks) < maxRechecks {
		f.rechecks[m.usn.id] = recheck{job: job{message: again, from: from, via: ViaNotify, fresh: true}, at: f.now().Add(doubt)}
	}
}

// recheck asks the devices whose time has come.
func (f *Finder) recheck(q *fetcher) {
	now := f.now()
	var due []job
	f.mu.Lock()
	for id, r := range f.rechecks {
		if !now.Before(r.at) {
			due = append(due, r.job)
			delete(f.rechecks, id)
		}
	}
	f.mu.Unlock()
	for i := range due {
		q.want(&due[i])
	}
}

// undescribed follows a fetch that failed: if the device also said goodbye, it is gone.
func (f *Finder) undescribed(j *job) {
	if j.fresh {
		f.registry.bye(protocolSSDP, j.message.usn, j.from)
		f.wakeUp()
	}
}
