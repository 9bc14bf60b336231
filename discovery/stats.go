package discovery

import "sync/atomic"

// Stats are counts since the Finder was made.
type Stats struct {
	Searches       uint64 `json:"searches"`        // completed
	Datagrams      uint64 `json:"datagrams"`       // that arrived, of whatever kind
	TooLarge       uint64 `json:"too_large"`       // datagrams and descriptions above the limit of size, depth or count
	Malformed      uint64 `json:"malformed"`       // datagrams and descriptions that could not be read
	Flood          uint64 `json:"flood"`           // datagrams dropped because their sender, or all, sent too many
	Irrelevant     uint64 `json:"irrelevant"`      // datagrams that were no answer and no announcement
	NotCamera      uint64 `json:"not_camera"`      // answers and announcements of other devices
	ForeignAddress uint64 `json:"foreign_address"` // announced addresses that were refused, and senders that cannot be
	FalseBye       uint64 `json:"false_bye"`       // goodbyes for a device from somewhere else
	Full           uint64 `json:"full"`            // sightings of devices not kept because there were too many
	Fetched        uint64 `json:"fetched"`         // device descriptions that were read
	FetchFailed    uint64 `json:"fetch_failed"`    // device descriptions that could not be fetched
	FetchDropped   uint64 `json:"fetch_dropped"`   // device descriptions not fetched because too many were waiting or it failed lately
	Devices        int    `json:"devices"`         // known now
}

type counters struct {
	searches, datagrams, tooLarge, malformed, flood, irrelevant, notCamera atomic.Uint64
	foreign, falseBye, full, fetched, fetchFailed, fetchDropped            atomic.Uint64
}

// Stats returns the counts up to now.
func (f *Finder) Stats() Stats {
	c := &f.counts
	return Stats{
		Searches: c.searches.Load(), Datagrams: c.datagrams.Load(), TooLarge: c.tooLarge.Load(),
		Malformed: c.malformed.Load(), Flood: c.flood.Load(), Irrelevant: c.irrelevant.Load(),
		NotCamera: c.notCamera.Load(), ForeignAddress: c.foreign.Load(), FalseBye: c.falseBye.Load(),
		Full: c.full.Load(), Fetched: c.fetched.Load(), FetchFailed: c.fetchFailed.Load(),
		FetchDropped: c.fetchDropped.Load(), Devices: f.registry.count(),
	}
}

func (g *registry) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.devices)
}
