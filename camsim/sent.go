package camsim

import (
	"sync/atomic"
	"time"
)

// A sentRing remembers when the last pictures were sent. Writer and readers never wait.
type sentRing [4096]atomic.Pointer[sentMark]

type sentMark struct {
	number uint32
	at     time.Time
}

func (r *sentRing) put(number uint32, at time.Time) {
	r[number%uint32(len(r))].Store(&sentMark{number, at})
}

func (r *sentRing) get(number uint32) (time.Time, bool) {
	m := r[number%uint32(len(r))].Load()
	if m == nil || m.number != number {
		return time.Time{}, false
	}
	return m.at, true
}

// SentAt is when the picture with this number, as in its stamp, was last handed to the
// network: before its first packet. It knows the last 4096 pictures sent.
func (c *Camera) SentAt(number uint32) (time.Time, bool) { return c.sent.get(number) }

// OnSent has f called with each picture's number before its first packet is sent. f must
// not wait, nor call the camera; nil ends it.
func (c *Camera) OnSent(f func(number uint32, at time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onSent = f
}
