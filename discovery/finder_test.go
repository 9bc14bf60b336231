package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOneCameraHoweverOftenItAnswers(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, camera(1))
	f := p.finder(nil)
	both := []string{ViaSSDP, ViaWSDiscovery}
	found := searchUntil(t, f, "all of its questions, and the camera both ways", func() bool {
		devices := f.Devices()
		return len(devices) > 0 && slices.Equal(devices[0].Via, both) && p.probes.Load() >= 9 && p.searches.Load() >= 5
	})
	if len(found) != 1 {
		t.Fatalf("%d devices, want one: %+v", len(found), found)
	}
	d := found[0]
	if d.ID != p.fakes[0].endpoint || d.Name != "Camera 1" || d.Model != "X1" || d.Address.String() != "127.0.0.1" || d.Interface != "lo" {
		t.Errorf("%+v", d)
	}
	if want := []string{"http://127.0.0.1:10001/onvif/device_service"}; !slices.Equal(d.ONVIF, want) {
		t.Errorf("ONVIF at %q, want %q", d.ONVIF, want)
	}
	if !slices.Equal(d.Via, both) {
		t.Errorf("found by %q, want %q", d.Via, both)
	}
	if n := p.probes.Load(); n != 9 {
		t.Errorf("%d probes arrived, want three types three times", n)
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("its description was fetched %d times", n)
	}
}

// TestTwoHundredCameras are found in a search of five seconds, all behind one address.
func TestTwoHundredCameras(t *testing.T) {
	var fakes []*fake
	for i := range 200 {
		fakes = append(fakes, camera(i+1))
	}
	var mu sync.Mutex
	told := map[string]int{}
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, fakes...)
	f := p.finder(func(o *Options) {
		o.Changed = func(d Device) { mu.Lock(); told[d.ID]++; mu.Unlock() }
	})
	found := search1(t, f, 5*time.Second)
	if len(found) != 200 || len(told) != 200 {
		t.Errorf("%d devices, told of %d, want 200; %+v", len(found), len(told), f.Stats())
	}
	both := 0
	for _, d := range found {
		if slices.Equal(d.Via, []string{ViaSSDP, ViaWSDiscovery}) {
			both++
		}
	}
	if both != 200 {
		t.Errorf("%d were found both ways", both)
	}
}

func TestUnicast(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.7.0.9", 0, 0, camera(1))
	// A host that does not hear multicast: its group is on no interface searched.
	f := p.finder(func(o *Options) {
		o.Interfaces = []string{"nowhere0"}
		o.Unicast = []netip.Prefix{netip.MustParsePrefix("127.7.0.0/24")}
	})
	ways := []string{ViaSSDP, ViaUnicast, ViaWSDiscovery}
	found := searchUntil(t, f, "the camera, and a probe for each host and type", func() bool {
		devices := f.Devices()
		return len(devices) > 0 && slices.Equal(devices[0].Via, ways) && p.probes.Load() >= 3*254
	})
	if len(found) != 1 || !slices.Equal(found[0].Via, ways) {
		t.Fatalf("%+v", found)
	}
	// The peer's socket has all addresses of this computer, and answers from the one that
	// the system takes: what counts is that it is this computer.
	if !found[0].Address.IsLoopback() {
		t.Errorf("address %s", found[0].Address)
	}
	if n := p.probes.Load(); n < 3*254 {
		t.Errorf("%d probes for 254 hosts", n)
	}
}

func TestUnicastOverIPv6(t *testing.T) {
	t.Parallel()
	c := camera(1)
	c.udn, c.xaddrs = "", "http://[::1]:8000/onvif/device_service"
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, c)
	p.alsoIPv6("lo")
	f := p.finder(func(o *Options) {
		o.Interfaces, o.Unicast = []string{"nowhere0"}, []netip.Prefix{netip.MustParsePrefix("::1/128")}
	})
	found := searchUntil(t, f, "the camera", func() bool { return len(f.Devices()) > 0 })
	if len(found) != 1 || found[0].Address != netip.IPv6Loopback() || found[0].ONVIF[0] != c.xaddrs || len(found[0].Warnings) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestAnnouncementsAreHeard(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0)
	p.mute.Store(true)
	changed, gone := make(chan Device, 10), make(chan Device, 10)
	f := p.finder(func(o *Options) {
		o.Listen = true
		o.Changed = func(d Device) { changed <- d }
		o.Gone = func(d Device) { gone <- d }
	})
	stop := run(t, f)
	defer stop()
	one, two := camera(1), camera(2)
	p.play(one, two)
	one.udn, two.endpoint = "", ""
	two.udn = "uuid:00010203-0405-4607-8809-0200000000ff"

	next := func(from chan Device, again func()) Device {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; {
			again() // the listener may not be there yet
			select {
			case d := <-from:
				return d
			case <-time.After(200 * time.Millisecond):
				if time.Now().After(deadline) {
					t.Fatalf("waited in vain; %+v", f.Stats())
				}
			}
		}
	}
	if d := next(changed, func() { p.say("Hello", one) }); d.ID != one.endpoint || !slices.Equal(d.Via, []string{ViaHello}) {
		t.Errorf("%+v", d)
	}
	if d := next(changed, func() { p.notify("ssdp:alive", two) }); d.ID != two.udn || !slices.Equal(d.Via, []string{ViaNotify}) || d.Expires.IsZero() {
		t.Errorf("%+v", d)
	}
	if d := next(gone, func() { p.say("Bye", one) }); d.ID != one.endpoint {
		t.Errorf("%+v", d)
	}
	// It says that it goes right after it said that it is there, and serves its description
	// still: that is a device that starts, whose messages overtook each other.
	// (Where the machine stands still between the two, it has gone, and says both again.)
	before := p.fetches.Load()
	for deadline := time.Now().Add(20 * time.Second); p.fetches.Load() == before; {
		p.notify("ssdp:alive", two)
		p.notify("ssdp:byebye", two)
		for said := time.Now(); p.fetches.Load() == before && time.Since(said) < doubt+2*watchEvery; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("waited for a look at the device in vain")
			}
		}
	}
	// (The other may be there again: its goodbye, if it had to be said twice, was looked into too.)
	if !slices.ContainsFunc(f.Devices(), func(d Device) bool { return d.ID == two.udn }) {
		t.Errorf("%+v", f.Devices())
	}
	for len(gone) > 0 {
		<-gone
	}
	p.play() // now it serves none
	if d := next(gone, func() { p.notify("ssdp:byebye", two) }); d.ID != two.udn {
		t.Errorf("%+v", d)
	}
}

// run starts Run; stop ends it and waits for it.
func run(t testing.TB, f *Finder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
}

func TestNotCameras(t *testing.T) {
	t.Parallel()
	computer, disk, printer := camera(1), camera(2), camera(3)
	computer.types, computer.scopes, computer.xaddrs, computer.udn = "wsdp:Device pub:Computer", "", "", ""
	disk.endpoint, disk.describe = "", "<deviceType>urn:schemas-upnp-org:device:MediaServer:1</deviceType><manufacturer>QNAP</manufacturer>"
	printer.endpoint, printer.location = "", "http://HOST:1/dead.xml"
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, computer, disk, printer)
	f := p.finder(nil)
	found := searchUntil(t, f, "an answer of each", func() bool {
		s := f.Stats()
		return s.NotCamera >= 2 && s.Fetched >= 1 && s.FetchFailed >= 1 && p.probes.Load() >= 9 && p.searches.Load() >= 5
	})
	if len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if s := f.Stats(); s.FetchFailed != 1 {
		t.Errorf("%+v", s)
	}
	search1(t, f, 100*time.Millisecond)
	if s := f.Stats(); s.Searches != 1 || s.FetchFailed != 1 {
		t.Errorf("%+v, of a search that came to its end", s)
	}
}

// TestFalseAddresses: where a camera sends the gateway elsewhere, it is not followed.
func TestFalseAddresses(t *testing.T) {
	t.Parallel()
	a, b := camera(1), camera(2)
	a.xaddrs = "http://169.254.169.254/latest/meta-data http://10.255.0.1:8000/onvif/device_service"
	a.udn, a.location = "uuid:00010203-0405-4607-8809-020000000001", "http://169.254.169.254/latest/meta-data"
	b.endpoint, b.location = "", "http://10.255.0.1/d.xml"
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, a, b)
	f := p.finder(nil)
	found := searchUntil(t, f, "the camera, and what both say of where they are", func() bool {
		devices := f.Devices()
		return len(devices) > 0 && len(devices[0].Warnings) >= 2 && f.Stats().ForeignAddress >= 2 && p.searches.Load() >= 5
	})
	if len(found) != 1 {
		t.Fatalf("%+v", found)
	}
	d := found[0]
	if !slices.Contains(d.ONVIF, "http://127.0.0.1:8000/onvif/device_service") || strings.Contains(fmt.Sprint(d.ONVIF, d.Also), "169.254") || len(d.Warnings) != 2 {
		t.Errorf("%+v", d)
	}
	if s := f.Stats(); s.ForeignAddress < 2 || s.FetchFailed+s.Fetched != 0 {
		t.Errorf("%+v", s)
	}
}

// TestFlood: ten thousand datagrams a second, junk and false cameras, from another
// address, while two cameras answer.
func TestFlood(t *testing.T) {
	p := newPeer(t, "lo", "127.0.0.1", 0, 0)
	targets := make(chan netip.AddrPort, 100)
	stop := make(chan struct{})
	var flood sync.WaitGroup
	defer flood.Wait()
	defer close(stop)
	var sent atomic.Int64
	flood.Go(func() { sent.Store(floodTo(targets, stop)) })
	p.onProbe(func(from netip.AddrPort) {
		select {
		case targets <- from:
		default:
		}
	})
	p.play(camera(1), camera(2))

	f := p.finder(nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	real := func() (n int) {
		for _, d := range f.Devices() {
			if d.Address.String() == "127.0.0.1" {
				n++
			}
		}
		return n
	}
	began := time.Now()
	searchUntil(t, f, "both cameras, in four seconds of the flood", func() bool { return real() == 2 && time.Since(began) > 4*time.Second })
	runtime.GC()
	runtime.ReadMemStats(&after)
	s, seconds := f.Stats(), int64(time.Since(began)/time.Second)+1
	if n := real(); n != 2 {
		t.Errorf("%d of 2 cameras were found; %+v", n, s)
	}
	if s.Devices > defaultMaxDevices/2+2 || s.Malformed == 0 || s.Flood == 0 && int64(s.Datagrams) > 2*senderBurst+seconds*senderRate {
		t.Errorf("%+v", s)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	t.Logf("%+v", s)
}

// floodTo sends as fast as ten thousand a second, from 127.0.0.66, to whoever asked last.
func floodTo(targets <-chan netip.AddrPort, stop <-chan struct{}) (sent int64) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 66)})
	if err != nil {
		return 0
	}
	defer c.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var to netip.AddrPort
	for {
		select {
		case <-stop:
			return sent
		case to = <-targets:
		case <-tick.C:
		}
		for range 100 {
			if !to.IsValid() {
				break
			}
			sent++
			message := []byte("junk \x00\xff<<<>>>")
			switch sent % 4 {
			case 0:
				message = fmt.Appendf(nil, envelope, "ProbeMatches", fmt.Sprintf("<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:00010203-0405-4607-8809-%012x</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>http://127.0.0.66:%d/x</d:XAddrs></d:ProbeMatch></d:ProbeMatches>", sent, sent%60000+1))
			case 1:
				message = []byte(strings.Repeat("<a>", 400))
			}
			c.WriteToUDPAddrPort(message, to) //nolint:errcheck // what is lost is lost
		}
	}
}

func TestConcurrentSearchesShareOne(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, camera(1))
	f := p.finder(nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			// So long that the last caller comes in time on a busy machine too.
			if err := f.Search(context.Background(), 3*time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := f.Stats().Searches; n > 2 {
		t.Errorf("%d searches for 20 calls at a time", n)
	}
}

// TestWhatChangesDuringASearchIsSearchedBehindIt: the questions of a search are asked in its
// first half, and an interface that comes later hears none of them.
func TestWhatChangesDuringASearchIsSearchedBehindIt(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, camera(1))
	f := p.finder(nil)
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{f: f, ctx: ctx, due: make(chan struct{}, 1)}
	w.searching.Go(w.searchWhenDue)
	defer w.searching.Wait()
	defer cancel()
	long := make(chan error, 1)
	go func() { long <- f.Search(ctx, afterChange) }()
	eventually(t, "all of its questions", func() bool { return p.probes.Load() >= rounds*int64(len(probeTypes)) })
	p.play(camera(1), camera(2)) // it was not to be reached before
	w.search()
	eventually(t, "the camera that came", func() bool { return len(f.Devices()) == 2 })
	if err := <-long; err != nil {
		t.Error(err)
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, camera(1))
	f := p.finder(nil)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Search(ctx, time.Hour) }()
	eventually(t, "the camera", func() bool { return len(f.Devices()) == 1 })
	// A second caller whose search the first one's end cuts short goes on by itself.
	second := make(chan error)
	go func() { second <- f.Search(context.Background(), 300*time.Millisecond) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
}

func TestNowhereToSearch(t *testing.T) {
	t.Parallel()
	f, err := New(Options{Interfaces: []string{"nowhere0"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Search(context.Background(), time.Second); err == nil || !strings.Contains(err.Error(), "nowhere0: not there") {
		t.Error(err)
	}
	stop := run(t, f)
	eventually(t, "Run", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.running })
	if err := f.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second Run: %v", err)
	}
	stop()
}

// TestCallbacksMayAsk: what is called back may use the Finder, and is called one at a time.
func TestCallbacksMayAsk(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, camera(1), camera(2))
	var f *Finder
	inside := atomic.Int64{}
	f = p.finder(func(o *Options) {
		o.Changed = func(Device) {
			if inside.Add(1) > 1 {
				t.Error("called twice at a time")
			}
			time.Sleep(100 * time.Millisecond)
			if len(f.Devices()) == 0 || f.Stats().Devices == 0 {
				t.Error("nothing is known")
			}
			inside.Add(-1)
		}
	})
	search1(t, f, 500*time.Millisecond)
}
