package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheListIsBounded(t *testing.T) {
	s := newScene(t, 10)
	for i := range 1000 {
		s.ws("192.0.2.66", fmt.Sprintf("%08d%s", i, uuidA[8:]), fmt.Sprintf("http://192.0.2.66:%d/x", i+1))
	}
	if n := len(s.f.Devices()); n != 5 {
		t.Errorf("one sender has %d of 10 places", n)
	}
	for i := range 1000 {
		s.ws(fmt.Sprintf("192.0.2.%d", i%200+1), fmt.Sprintf("%08d%s", i, uuidB[8:]), "")
	}
	if n := s.f.Stats(); n.Devices != 10 || n.Full < 1900 {
		t.Errorf("%+v", n)
	}
	// Who is known is heard of still, also over the other protocol.
	known := s.f.Devices()[0]
	s.ssdp(known.Address.String(), strings.TrimPrefix(known.ID, "urn:"), "")
	if d := s.f.Devices()[0]; !slices.Contains(d.Via, ViaSSDP) {
		t.Errorf("%+v", d)
	}
	// And those that answer no more make room.
	s.now = s.now.Add(time.Minute)
	s.f.registry.searched(s.now)
	s.ws("192.0.2.240", uuidC, "")
	if !strings.Contains(s.ids(), uuidC) || len(s.f.Devices()) != 10 {
		t.Error("a new camera found no place")
	}
	if len(s.f.registry.records) > 20 {
		t.Errorf("%d records", len(s.f.registry.records))
	}
}

// TestFullListGoesOn: where there is no place left, cameras are still joined, parted and
// given new endpoint references.
func TestFullListGoesOn(t *testing.T) {
	s := newScene(t, 2)
	s.ws("192.0.2.10", uuidA, "http://192.0.2.10/x")
	s.ssdp("192.0.2.11", "uuid:"+uuidC, "")
	s.f.tell(true)
	s.now = s.now.Add(time.Minute)
	s.ws("192.0.2.10", uuidB, "http://192.0.2.10/x") // a new endpoint reference
	s.ssdp("192.0.2.10", "uuid:aaaaaaaa-0000-4000-8000-0000000000d1", "")
	s.ws("192.0.2.11", "dddddddd-0000-4000-8000-0000000000d1", "http://192.0.2.11/x")
	s.ws("192.0.2.12", "eeeeeeee-0000-4000-8000-0000000000e1", "http://192.0.2.12/x")
	s.f.tell(true)
	found := s.f.Devices()
	if len(found) != 2 || len(s.f.registry.records) != 4 || len(found[0].Via) != 2 || len(found[1].Via) != 2 || s.f.Stats().Full != 1 {
		t.Errorf("%+v; %+v", found, s.f.Stats())
	}
	for d := range s.f.registry.devices {
		if len(d.records) == 0 {
			t.Error("a device of nothing")
		}
	}
}

// TestOneRecordIsBounded: one device that answers from thousands of forged addresses with
// thousands of names.
func TestOneRecordIsBounded(t *testing.T) {
	s := newScene(t, 0)
	for i := range 5000 {
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(i%249 + 1)})
		s.ws(a.String(), uuidA, strings.Repeat(fmt.Sprintf("http://10.0.%d.%d:%d/ ", i%256, i/256, i+1), 8), fmt.Sprintf("onvif://www.onvif.org/name/%d", i))
		s.f.tell(false)
	}
	d := s.f.Devices()[0]
	if len(d.Also) > maxReplied || len(d.ONVIF) > maxURLs || len(d.Warnings) > maxWarnings || len(s.f.registry.records) != 1 {
		t.Errorf("%d addresses, %d URLs, %d warnings", len(d.Also), len(d.ONVIF), len(d.Warnings))
	}
	if len(s.changed) != 1 {
		t.Errorf("told of %d times at one moment", len(s.changed))
	}
}

// TestLimiter: one sender's flood is not another's loss, and large datagrams count more.
func TestLimiter(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := newLimiter(func() time.Time { return now })
	read := func(from string, n, size int) (read int) {
		for range n {
			if l.allow(netip.MustParseAddr(from), size) {
				read++
			}
		}
		return read
	}
	if n := read("192.0.2.66", 100_000, 100); n != senderBurst {
		t.Errorf("%d at once from one sender", n)
	}
	if n := read("192.0.2.1", 1000, 1000); n != 1000 {
		t.Errorf("%d of 1000 from another", n)
	}
	now = now.Add(time.Second)
	if n := read("192.0.2.66", 100_000, 100); n != senderRate {
		t.Errorf("%d a second from one sender", n)
	}
	now = now.Add(time.Hour)
	if n := read("192.0.2.66", 100_000, 64<<10); n != senderBurst/64 {
		t.Errorf("%d large ones at once", n)
	}
	for i := range 100_000 {
		now = now.Add(100 * time.Microsecond)
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 100)
	}
	if len(l.senders) > maxSenders {
		t.Errorf("%d senders are kept", len(l.senders))
	}
	now = now.Add(time.Minute)
	if n := read("192.0.2.1", 1000, 1000); n != 1000 {
		t.Errorf("%d of 1000 after a flood from forged addresses", n)
	}
}
