package webrtc

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// When a link is taken to be overloaded, and how long it is spared.
const (
	window      = time.Second // over which losses are counted
	muchLoss    = 0.10        // of a window's packets
	fewPackets  = 20          // say nothing
	lossWindows = 2           // one after the other
	muchDelay   = 250 * time.Millisecond
	longDelay   = time.Second     // of much delay, without a break
	settling    = 3 * time.Second // after less was asked for: another stream opens, and what waits on the way goes

	// Packets that are sent again without news of others that have arrived.
	firstAgain = 64
	mostAgain  = 256
	mostTurn   = 2 * time.Second

	mostRest = 5 * time.Minute  // before more is tried again
	trial    = 30 * time.Second // who fails within it rests twice as long
)

// A link is what one session knows of the way to its browser: how many packets are lost,
// and how much later than at the best of times they arrive. Both come with the browser's
// transport-wide feedback, the former with receiver reports too.
type link struct {
	mu    sync.Mutex
	began time.Time // when the first packet was sent; all else is told from then, by the monotonic clock
	next  uint16
	sent  [4096]struct { // by number
		number uint16
		there  bool
		at     time.Time
	}

	windowBegan time.Time
	got, lost   int
	lossy       int // windows with much loss, one after the other

	least       time.Duration // between sending and arrival, by clocks that differ
	leastSet    bool
	leastBegan  time.Time
	delayedFrom time.Time // since when there is much delay; zero: there is not

	overloaded bool
	settled    time.Duration // what was sent before says nothing of what is sent now

	again int           // packets that may be sent again
	turn  time.Duration // from when a packet is sent until the browser's word of it is here
}

// number gives a packet its transport-wide number.
func (l *link) number(now time.Time) [2]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.began.IsZero() {
		l.began, l.again = now, firstAgain
	}
	n := l.next
	l.next++
	s := &l.sent[n%uint16(len(l.sent))]
	s.number, s.there, s.at = n, true, now
	return [2]byte{byte(n >> 8), byte(n)}
}

// feedback takes what the browser tells of arrivals. Its contents are not believed
// further than they can do harm: it can only make its own pictures fewer.
func (l *link) feedback(f *rtcp.TransportLayerCC, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	arrival := time.Duration(f.ReferenceTime) * 64 * time.Millisecond
	number, delta := f.BaseSequenceNumber, 0
	turn := mostTurn
	for _, chunk := range f.PacketChunks {
		symbols(chunk, func(symbol uint16) bool {
			if int(number-f.BaseSequenceNumber) >= int(f.PacketStatusCount) {
				return false
			}
			s := &l.sent[number%uint16(len(l.sent))]
			known := s.there && s.number == number
			number++
			if symbol == rtcp.TypeTCCPacketNotReceived {
				if known && s.at.Sub(l.began) >= l.settled {
					l.lost++
				}
				return number != f.BaseSequenceNumber
			}
			if symbol != rtcp.TypeTCCPacketReceivedWithoutDelta && delta < len(f.RecvDeltas) {
				arrival += time.Duration(f.RecvDeltas[delta].Delta) * time.Microsecond
				delta++
			}
			if known {
				s.there = false // counted
				l.again = min(l.again+1, mostAgain)
				turn = min(turn, now.Sub(s.at))
				l.turn = turn
				if sent := s.at.Sub(l.began); sent >= l.settled {
					l.got++
					l.arrived(arrival-sent, now)
				}
			}
			return number != f.BaseSequenceNumber
		})
	}
	l.judge(now)
}

// mayAgain says whether a packet may be sent again: one for each that has arrived. A line
// that is full loses most of what is sent again too, and browsers ask ten times for each
// packet: that would keep it full of nothing else, for all who share it.
func (l *link) mayAgain() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.again == 0 {
		return false
	}
	l.again--
	return true
}

// unanswered is how long what was sent cannot have been answered, at least pause: what the
// browser asks for meanwhile may be on its way.
func (l *link) unanswered(pause time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(pause, l.turn)
}

// symbols calls what with the status of each packet of a chunk until it says no.
func symbols(chunk rtcp.PacketStatusChunk, what func(uint16) bool) {
	switch c := chunk.(type) {
	case *rtcp.RunLengthChunk:
		for range c.RunLength {
			if !what(c.PacketStatusSymbol) {
				return
			}
		}
	case *rtcp.StatusVectorChunk:
		for _, symbol := range c.SymbolList {
			if !what(symbol) {
				return
			}
		}
	}
}

// referenceWrap is when the browser's clock in feedback begins anew: 2²⁴ · 64 ms.
const referenceWrap = 1 << 24 * 64 * time.Millisecond

// arrived takes a packet's time on the way, plus what the clocks differ by; the caller
// holds mu.
func (l *link) arrived(way time.Duration, now time.Time) {
	way %= referenceWrap
	// The least is that of the last minute or two: clocks drift, and routes change.
	if !l.leastSet || way < l.least || now.Sub(l.leastBegan) > 2*time.Minute || way-l.least > referenceWrap/2 {
		l.least, l.leastSet, l.leastBegan = way, true, now
	}
	switch {
	case way-l.least < muchDelay:
		l.delayedFrom = time.Time{}
	case l.delayedFrom.IsZero():
		l.delayedFrom = now
	}
}

// reported takes the part of packets lost by a receiver report, from browsers that give
// no other feedback.
func (l *link) reported(fraction uint8, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost += int(fraction)
	l.got += 256 - int(fraction)
	l.windowBegan = now.Add(-window) // a report is a window
	l.judge(now)
}

// judge closes a window and decides; the caller holds mu.
func (l *link) judge(now time.Time) {
	if l.windowBegan.IsZero() {
		l.windowBegan = now
	}
	if now.Sub(l.windowBegan) >= window {
		all := l.got + l.lost
		if all >= fewPackets && float64(l.lost) > muchLoss*float64(all) {
			l.lossy++
		} else if all > 0 {
			l.lossy = 0
		}
		l.got, l.lost, l.windowBegan = 0, 0, now
	}
	if l.lossy >= lossWindows || !l.delayedFrom.IsZero() && now.Sub(l.delayedFrom) > longDelay {
		l.overloaded = true
	}
}

// overload says whether the link was found overloaded since the last call, and begins to
// look anew.
func (l *link) overload(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.overloaded
	if was {
		l.overloaded, l.lossy, l.delayedFrom = false, 0, time.Time{}
		l.got, l.lost, l.windowBegan = 0, 0, time.Time{}
		l.settled = now.Add(settling).Sub(l.began)
	}
	return was
}

// A level says how much a session sends.
type level uint8

const (
	everything level = iota // the stream
	smaller                 // the camera's smaller stream
	keysOnly                // key frames alone
)

func (l level) String() string {
	switch l {
	case smaller:
		return "the smaller stream"
	case keysOnly:
		return "key frames"
	}
	return "all pictures"
}

// A throttle decides how much a session sends: less as soon as the link is overloaded,
// more when it has not been for a while, and after a longer while each time that fails.
type throttle struct {
	first time.Duration // rest, the first time
	level level
	since time.Time     // of this level
	rest  time.Duration // at this level before more is tried
	tried time.Time     // when more was tried last
}

// down goes a level down; has says that there is a smaller stream.
func (t *throttle) down(now time.Time, has bool) {
	if t.rest == 0 {
		t.rest = t.first
	} else if now.Sub(t.tried) < trial {
		t.rest = min(2*t.rest, mostRest)
	}
	switch {
	case t.level == everything && has:
		t.level = smaller
	default:
		t.level = keysOnly
	}
	t.since = now
}

// up goes a level up if it is time to; has says that there is a smaller stream.
func (t *throttle) up(now time.Time, has bool) bool {
	if t.level == everything || now.Sub(t.since) < t.rest {
		if t.level == everything && t.rest > t.first && now.Sub(t.tried) > 10*trial {
			t.rest = t.first // it has been good for long
		}
		return false
	}
	if t.level == keysOnly && has {
		t.level = smaller
	} else {
		t.level = everything
	}
	t.since, t.tried = now, now
	return true
}
