package webrtc

import (
	"testing"
	"time"
	"unsafe"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
	"camgate/media"
)

// simulate sends 200 packets a second over a link and tells it of their arrival every
// 100 ms: way is how long the packet takes, lost whether it comes.
func simulate(l *link, from time.Time, seconds float64, way func(time.Duration) time.Duration, lost func(int) bool) (overloadedAfter time.Duration, overloaded bool) {
	const each = 5 * time.Millisecond
	n := int(seconds * 200)
	for i := 0; i < n; i += 20 {
		f := &rtcp.TransportLayerCC{PacketStatusCount: 20}
		symbols := make([]uint16, 20)
		var last time.Duration
		for j := range 20 {
			at := time.Duration(i+j) * each
			number := l.number(from.Add(at))
			if j == 0 {
				f.BaseSequenceNumber = uint16(number[0])<<8 | uint16(number[1])
				// The browser's clock is another.
				last = (time.Hour + at + way(at)).Truncate(64 * time.Millisecond)
				f.ReferenceTime = uint32(last / (64 * time.Millisecond))
			}
			if lost(i + j) {
				continue
			}
			symbols[j] = rtcp.TypeTCCPacketReceivedSmallDelta
			arrival := time.Hour + at + way(at)
			f.RecvDeltas = append(f.RecvDeltas, &rtcp.RecvDelta{Type: symbols[j], Delta: (arrival - last).Microseconds()})
			last = arrival
		}
		for j := 0; j < 20; j += 7 {
			f.PacketChunks = append(f.PacketChunks, &rtcp.StatusVectorChunk{SymbolSize: 1, SymbolList: symbols[j:min(j+7, 20)]})
		}
		after := time.Duration(i+20) * each
		l.feedback(f, from.Add(after))
		if l.overload(from.Add(after)) {
			return after, true
		}
	}
	return 0, false
}

func TestOverloadedLinkIsFound(t *testing.T) {
	steady := func(time.Duration) time.Duration { return 30 * time.Millisecond }
	never := func(int) bool { return false }
	for _, c := range []struct {
		what  string
		way   func(time.Duration) time.Duration
		lost  func(int) bool
		after time.Duration // 0: never
	}{
		{"a good link", steady, never, 0},
		{"one that loses some", steady, func(i int) bool { return i%20 == 0 }, 0},
		{"one that loses much", steady, func(i int) bool { return i%5 == 0 }, 3 * time.Second},
		{"one that loses much for a moment", steady, func(i int) bool { return i > 1000 && i < 1100 }, 0},
		{"one that loses much every other second", steady, func(i int) bool { return i/200%2 == 0 && i%5 == 0 }, 0},
		{"one whose queue grows", func(at time.Duration) time.Duration { return 30*time.Millisecond + at/5 }, never, 4 * time.Second},
		{"one with a jitter of 200 ms", func(at time.Duration) time.Duration {
			return 30*time.Millisecond + (at/time.Millisecond*7919%200)*time.Millisecond
		}, never, 0},
	} {
		after, overloaded := simulate(&link{}, time.Now(), 10, c.way, c.lost)
		if overloaded != (c.after > 0) || after > c.after {
			t.Errorf("%s: overloaded %v after %v, want after at most %v", c.what, overloaded, after, c.after)
		}
	}
}

// TestFewPacketsSayNothingOfALink: one of two is half of them.
func TestFewPacketsSayNothingOfALink(t *testing.T) {
	l, now := &link{}, time.Now()
	for range 10 {
		l.got, l.lost = fewPackets/2, fewPackets/2-1
		l.judge(now)
		now = now.Add(window)
	}
	if l.overload(now) {
		t.Error("it is taken to be overloaded")
	}
}

// TestALongerWayIsNoDelayForEver: routes change.
func TestALongerWayIsNoDelayForEver(t *testing.T) {
	l, now := &link{}, time.Now()
	l.arrived(30*time.Millisecond, now)
	l.arrived(30*time.Millisecond+2*muchDelay, now.Add(time.Second))
	if l.delayedFrom.IsZero() {
		t.Error("it is no delay at once")
	}
	l.arrived(30*time.Millisecond+2*muchDelay, now.Add(3*time.Minute))
	if !l.delayedFrom.IsZero() {
		t.Error("it is still a delay minutes later")
	}
}

// TestArrivalsCountOnce: browsers may tell of a packet again.
func TestArrivalsCountOnce(t *testing.T) {
	l, now := &link{}, time.Now()
	l.number(now)
	f := &rtcp.TransportLayerCC{PacketStatusCount: 1, PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1}},
		RecvDeltas: []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta}}}
	for range 3 {
		l.feedback(f, now)
	}
	if l.got != 1 {
		t.Errorf("one packet has arrived %d times", l.got)
	}
}

// TestQueueThatDrainsIsNoOverload: what waits on the way when less is sent is still of before.
func TestQueueThatDrainsIsNoOverload(t *testing.T) {
	never := func(int) bool { return false }
	for _, c := range []struct {
		what  string
		way   func(time.Duration) time.Duration
		again bool
	}{
		{"less is little enough", func(at time.Duration) time.Duration { return max(30*time.Millisecond, 1200*time.Millisecond-at/2) }, false},
		{"less is still too much", func(at time.Duration) time.Duration { return 1200*time.Millisecond + at/10 }, true},
	} {
		l, from := &link{}, time.Now()
		after, overloaded := simulate(l, from, 10, func(at time.Duration) time.Duration { return 30*time.Millisecond + at/5 }, never)
		if !overloaded {
			t.Fatal("a queue that grows is no overload")
		}
		until, again := simulate(l, from.Add(after), 10, func(at time.Duration) time.Duration { return after + c.way(at) }, never)
		if again != c.again || until > settling+2*longDelay {
			t.Errorf("%s: overloaded again %v after %v", c.what, again, until)
		}
	}
}

// TestFullLinkIsNotFilledByWhatIsSentAgain: of what it loses browsers ask for all, ten times.
func TestFullLinkIsNotFilledByWhatIsSentAgain(t *testing.T) {
	l, written := &link{}, 0
	track := newTrack(pion.RTPCodecTypeVideo, "video", l)
	track.writer, track.numbers = recorder{func(*rtp.Header, []byte) { written++ }}, true
	asksForAll := func() (again int) {
		for range 10 {
			var lost []uint16
			for n := range track.header.SequenceNumber {
				lost = append(lost, n)
			}
			again += track.resend(rtcp.NackPairsFromSequenceNumbers(lost), 0)
		}
		return again
	}
	if err := track.send(make([][]byte, 200), 1, true); err != nil {
		t.Fatal(err)
	}
	if n := asksForAll(); n != firstAgain || written != 200+n {
		t.Errorf("of 200 packets %d were sent again, before any had arrived; %d altogether", n, written)
	}
	const arrived = 100
	simulate(l, l.began, arrived/200., func(time.Duration) time.Duration { return 0 }, func(int) bool { return false })
	if n := asksForAll(); n != arrived {
		t.Errorf("%d were sent again after %d had arrived", n, arrived)
	}
	simulate(l, l.began, 60, func(time.Duration) time.Duration { return 0 }, func(int) bool { return false })
	if n := asksForAll(); n != mostAgain {
		t.Errorf("%d were sent again at once", n)
	}
	simulate(l, l.began, 1, func(time.Duration) time.Duration { return 0 }, func(int) bool { return false })
	track.forget()
	if n := asksForAll(); n > 0 {
		t.Errorf("%d were sent again that are of no use any more", n)
	}
}

// TestAnswerIsWaitedFor: what a browser asks for may be on its way, for as long as a way takes.
func TestAnswerIsWaitedFor(t *testing.T) {
	const turn = 900 * time.Millisecond
	cam := newFake("cam1", media.H264)
	now := time.Now()
	one := &session{camera: cam, link: &link{}}
	one.pictures, _ = cam.packets(camera.PacketOptions{}, "")
	number := one.link.number(now.Add(-turn))
	one.link.feedback(&rtcp.TransportLayerCC{
		BaseSequenceNumber: uint16(number[0])<<8 | uint16(number[1]), PacketStatusCount: 1,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1}},
		RecvDeltas:   []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta}},
	}, now)
	if pause := one.link.unanswered(resendPause); pause != turn {
		t.Errorf("a packet is sent again after %v", pause)
	}
	for _, c := range []struct {
		before   time.Duration
		restarts int
	}{{turn - keyPause/2, 0}, {2 * turn, 1}} {
		one.keyAt = time.Now().Add(-c.before)
		one.keyFrame()
		if cam.restarts != c.restarts {
			t.Errorf("%v after a key frame, another is sent %d times", c.before, cam.restarts)
		}
	}
}

func TestWallClockThatIsSetBackIsNoDelay(t *testing.T) {
	now := time.Now()
	back := setBack(now, time.Hour)
	if back.Sub(now) != 0 || back.Unix() != now.Add(-time.Hour).Unix() {
		t.Fatal("this Go lays times out in another way: setBack is to do as it does")
	}
	never := func(int) bool { return false }
	l := &link{}
	for _, from := range []time.Time{now, setBack(now.Add(10*time.Second), time.Hour)} {
		offset := from.Sub(now)
		if after, overloaded := simulate(l, from, 10, func(time.Duration) time.Duration { return offset + 30*time.Millisecond }, never); overloaded {
			t.Errorf("a good link is overloaded after %v", offset+after)
		}
	}
}

// setBack is a time at which the wall clock has been set back, and the monotonic one has
// gone on.
func setBack(t time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) -= uint64(by/time.Second) << 30
	return t
}

func TestLinkByReceiverReports(t *testing.T) {
	l, now := &link{}, time.Now()
	l.reported(10, now)
	l.reported(0, now.Add(time.Second))
	if l.overload(now) {
		t.Error("4 % once are too much")
	}
	l.reported(60, now.Add(2*time.Second))
	l.reported(60, now.Add(3*time.Second))
	if !l.overload(now) {
		t.Error("23 % twice are not too much")
	}
}

func TestThrottleRestsLongerEachTime(t *testing.T) {
	now := time.Now()
	const first = 10 * time.Second
	th := throttle{first: first}
	rest := first
	for range 8 {
		th.down(now, true)
		if th.level != smaller || th.rest != rest {
			t.Fatalf("%v, and more after %v; want after %v", th.level, th.rest, rest)
		}
		if th.up(now.Add(th.rest-time.Millisecond), true) {
			t.Fatal("more too early")
		}
		now = now.Add(th.rest)
		if !th.up(now, true) || th.level != everything {
			t.Fatal("not more when it is time")
		}
		now = now.Add(time.Second)
		rest = min(2*rest, mostRest)
	}
	th.up(now.Add(time.Hour), true)
	if th.rest != first {
		t.Error("a link that was good for an hour is not trusted again")
	}
	th = throttle{first: first}
	th.down(now, false)
	if th.level != keysOnly {
		t.Errorf("without a smaller stream: %v", th.level)
	}
	th = throttle{first: first, level: smaller}
	th.down(now, true)
	if th.level != keysOnly || !th.up(now.Add(th.rest), true) || th.level != smaller {
		t.Error("key frames of the smaller stream, and then that")
	}
}

func FuzzFeedback(f *testing.F) {
	good, err := (&rtcp.TransportLayerCC{
		Header:             rtcp.Header{Padding: true, Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
		BaseSequenceNumber: 1, PacketStatusCount: 2, ReferenceTime: 4057090,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: 1, RunLength: 2}},
		RecvDeltas:   []*rtcp.RecvDelta{{Type: 1, Delta: 250}, {Type: 1, Delta: 500}},
	}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(_ *testing.T, data []byte) {
		packets, err := rtcp.Unmarshal(data)
		if err != nil {
			return
		}
		l := &link{}
		for range 100 {
			l.number(time.Now())
		}
		for _, p := range packets {
			if cc, ok := p.(*rtcp.TransportLayerCC); ok {
				l.feedback(cc, time.Now())
			}
		}
	})
}
