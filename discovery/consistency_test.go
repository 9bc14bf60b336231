package discovery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// FuzzRegistry plays any sequence of answers, goodbyes, searches and time: the list stays
// whole, and the owner knows of just what is in it.
func FuzzRegistry(f *testing.F) {
	for seed := range uint64(100) {
		steps := make([]byte, 200)
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		s := newScene(t, 6)
		believed := map[string]bool{}
		s.f.options.Changed = func(d Device) { believed[d.ID] = true }
		s.f.options.Gone = func(d Device) {
			if !believed[d.ID] {
				t.Errorf("%s goes, and was never there", d.ID)
			}
			delete(believed, d.ID)
		}
		for i := 0; i+1 < len(steps) && i < 400; i += 2 {
			s.play(steps[i], steps[i+1])
			s.whole()
		}
		s.f.tell(true)
		var ids []string
		for _, d := range s.f.Devices() {
			ids = append(ids, d.ID)
			if !believed[d.ID] {
				t.Errorf("the owner knows nothing of %s", d.ID)
			}
		}
		if len(believed) != len(ids) {
			t.Errorf("the owner believes in %v, there are %v", believed, ids)
		}
	})
}

// play is one step, of a few cameras at a few addresses.
func (s *scene) play(what, which byte) {
	uuids := []string{uuidA, uuidB, uuidC, "", uuidA[:24] + "00408c123456", uuidB[:24] + "00408c123456"}
	addrs := []string{"192.0.2.10", "192.0.2.11", "fe80::10%eth0", "127.0.0.1", "203.0.113.5", "192.0.2.12"}
	uuid, addr := uuids[int(which)%len(uuids)], addrs[int(which/6)%len(addrs)]
	xaddr := fmt.Sprintf("http://192.0.2.10:%d/x", 8000+int(which/36)%3)
	switch what % 12 {
	case 0, 1, 2, 3:
		s.ws(addr, uuid, xaddr)
	case 4:
		s.ws(addr, uuid, xaddr, "onvif://www.onvif.org/mac/00408c123456")
	case 5, 6:
		s.ssdp(addr, "uuid:"+uuid, xaddr)
	case 7:
		s.ssdp(addr, "uuid:Upnp-BasicDevice-1_0-00408C123456", "")
	case 8:
		s.f.registry.bye(protocolWS, endpointIdentity(uuid), lan(addr))
	case 9:
		s.f.registry.bye(protocolSSDP, udnIdentity("uuid:"+uuid), lan(addr))
	case 10:
		s.now = s.now.Add(time.Duration(which) * 10 * time.Second)
		s.f.registry.expire(s.now)
	case 11:
		s.f.registry.searched(s.now.Add(time.Duration(which%2) - 1))
	}
	if what > 128 {
		s.f.tell(what > 192)
	}
}

// whole checks that records and devices lead to each other.
func (s *scene) whole() {
	s.t.Helper()
	g := s.f.registry
	n := 0
	for d := range g.devices {
		if len(d.records) == 0 || d.gone || d.id == "" || !d.address.IsValid() {
			s.t.Fatalf("a device of nothing: %+v", d)
		}
		for _, r := range d.records {
			if n++; g.records[r.key] != r || r.device != d || len(r.replied) == 0 {
				s.t.Fatalf("record %s is nobody's", r.key)
			}
		}
		if !slices.IsSortedFunc(d.records, func(a, b *record) int { return -int(compareProtocols(a, b)) }) {
			s.t.Fatalf("%s: its records are out of order", d.id)
		}
	}
	if n != len(g.records) || len(g.devices) > g.max {
		s.t.Fatalf("%d records of %d, %d devices", n, len(g.records), len(g.devices))
	}
}

// compareProtocols orders WS-Discovery behind SSDP.
func compareProtocols(a, b *record) int {
	switch {
	case a.protocol == b.protocol:
		return 0
	case a.protocol == protocolWS:
		return 1
	}
	return -1
}
