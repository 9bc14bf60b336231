package discovery

import (
	"net/netip"
	"sync"
	"time"
)

// How much is read in a second and at once, from one sender and from all, in KiB, where a
// smaller datagram counts as one. Two hundred simulated cameras behind one address send
// five thousand small ones within three seconds of a search; what is above is a flood.
const (
	senderRate, senderBurst = 1000, 5000
	totalRate, totalBurst   = 5000, 10000
	maxSenders              = 4096
)

// A limiter says which datagrams are read. What it refuses costs little more than its
// receipt.
type limiter struct {
	mu      sync.Mutex
	now     func() time.Time
	total   bucket
	senders map[netip.Addr]*bucket
	others  bucket // of all for whom there is no place in senders
	swept   time.Time
}

// A bucket holds what may still come; it fills with time.
type bucket struct {
	level float64
	at    time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, senders: map[netip.Addr]*bucket{}}
}

// allow says whether a datagram of so many bytes from the sender may be read.
func (l *limiter) allow(from netip.Addr, size int) bool {
	cost := max(1, float64(size)/1024)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.senders[from]
	if b == nil {
		if len(l.senders) >= maxSenders {
			l.forget(now)
		}
		b = &l.others
		if len(l.senders) < maxSenders {
			b = &bucket{}
			l.senders[from] = b
		}
	}
	return b.take(now, cost, senderRate, senderBurst) && l.total.take(now, cost, totalRate, totalBurst)
}

// forget drops those who were silent long enough for a full bucket, at most once a second.
func (l *limiter) forget(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for a, b := range l.senders {
		if now.Sub(b.at) > senderBurst/senderRate*time.Second {
			delete(l.senders, a)
		}
	}
}

// take takes the cost from the bucket, if it holds as much.
func (b *bucket) take(now time.Time, cost, rate, burst float64) bool {
	if b.at.IsZero() {
		b.level = burst
	} else {
		b.level = min(burst, b.level+rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.level < cost {
		return false
	}
	b.level -= cost
	return true
}
