package camera

import (
	"slices"
	"time"

	"camgate/media"
)

// keptBefore is how much of what was before the newest key frame is kept for readers that
// are a little late when it comes.
const keptBefore = 500 * time.Millisecond

// packetLog holds coded pictures for those who read them: all since the newest key frame,
// and a little of what was before. Pictures are numbered as they come, and no number is
// used twice; a reader is a number. The camera's mutex guards it.
type packetLog struct {
	units  []logged
	first  uint64 // number of units[0], or of the next one that comes
	key    uint64 // number of the newest key frame, where there is one
	keyed  bool   // it is kept
	broken bool   // something is missing: nothing is taken before the next key frame
	bytes  int

	waiting bool          // somebody waits for changed
	changed chan struct{} // closed when a picture comes; nil: nobody has waited yet
}

type logged struct {
	*media.AccessUnit
	gap bool // what was before it is missing
}

// end is the number that the next picture gets.
func (l *packetLog) end() uint64 { return l.first + uint64(len(l.units)) }

// push takes a picture. False: it cannot be decoded, because something before it is missing,
// and is left out.
func (l *packetLog) push(au *media.AccessUnit) bool {
	if au.Key {
		l.trim(au.Received.Add(-keptBefore))
	} else if l.broken || l.end() == 0 {
		return false
	}
	for l.bytes+au.Size() > maxCachedBytes || len(l.units) >= maxCachedUnits {
		if len(l.units) == 0 {
			break // it alone is larger: whoever reads it at once has it
		}
		l.drop()
	}
	if au.Key {
		l.key, l.keyed = l.end(), true
	}
	l.units = append(l.units, logged{AccessUnit: au, gap: l.broken})
	l.bytes += au.Size()
	l.broken = false
	l.wake()
	return true
}

// trim drops what came before t.
func (l *packetLog) trim(t time.Time) {
	kept := len(l.units)
	for kept > 0 && !l.units[kept-1].Received.Before(t) {
		kept--
	}
	l.first += uint64(kept)
	// A new slice: the old array would keep the pictures of the last GOP alive.
	l.units = append(make([]logged, 0, max(len(l.units)+1, 16)), l.units[kept:]...)
	l.bytes = 0
	for _, u := range l.units {
		l.bytes += u.Size()
	}
	l.keyed = l.keyed && l.key >= l.first
}

// drop drops the oldest picture.
func (l *packetLog) drop() {
	l.bytes -= l.units[0].Size()
	l.units[0] = logged{} // the array lives on
	l.units = l.units[1:]
	l.first++
	l.keyed = l.keyed && l.key >= l.first
}

// lost is called when something before the next picture is missing.
func (l *packetLog) lost() { l.broken = true }

// clear forgets all, up to the next key frame.
func (l *packetLog) clear() {
	l.first = l.end()
	l.units, l.bytes, l.keyed, l.broken = nil, 0, false, true
}

// newestKey is the newest key frame, nil where there is none.
func (l *packetLog) newestKey() *media.AccessUnit {
	if !l.keyed {
		return nil
	}
	return l.units[l.key-l.first].AccessUnit
}

// await is closed when the next picture comes.
func (l *packetLog) await() <-chan struct{} {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	l.waiting = true
	return l.changed
}

// wake wakes all who wait: once, however many pictures come before they look.
func (l *packetLog) wake() {
	if l.waiting {
		close(l.changed)
		l.changed, l.waiting = nil, false
	}
}

// cursor is where a reader is in a log.
type cursor struct {
	next    uint64
	seeking bool   // for a key frame; next counts for nothing
	from    uint64 // seeking: no key frame before this one
}

// read is the next picture behind the cursor, nil where one must be waited for. missed is
// how many are left out before it; jumped says that it does not go on where the reader was.
func (l *packetLog) read(c *cursor) (au *media.AccessUnit, jumped bool, missed uint64) {
	if !c.seeking && c.next < l.first {
		c.seeking, c.from = true, c.next
		missed = l.first - c.next
	}
	if c.seeking {
		if !l.keyed || l.key < c.from {
			return nil, false, missed
		}
		c.next, c.seeking, jumped = l.key, false, true
	}
	if c.next >= l.end() {
		return nil, false, missed
	}
	u := l.units[c.next-l.first]
	c.next++
	return u.AccessUnit, jumped || u.gap, missed
}

// reordering finds out whether a camera's pictures are sent in another order than they are
// shown in, as those around B-frames are. WebRTC, and browsers, show them as they come.
type reordering struct {
	yes     bool
	fresh   bool // a session has begun: a GOP without any says that there are none any more
	keys    int  // since then
	highest time.Duration
	back    int // of this GOP, pictures shown before one that came earlier
}

// session is called where another session begins.
func (r *reordering) session() { *r = reordering{yes: r.yes, fresh: true} }

// see looks at a picture that arrived.
func (r *reordering) see(au *media.AccessUnit) {
	const far = time.Second // a clock that was set is no B-frame
	if au.Key {
		if r.fresh && r.keys > 0 {
			r.yes, r.fresh = r.yes && r.back > 0, false
		}
		r.keys++
		r.back, r.highest = 0, au.PTS
		return
	}
	if au.Codec == media.H264 {
		if hasBSlice(au.NALUs) {
			r.back, r.yes = r.back+1, true
		}
		return
	}
	if au.Codec == media.MJPEG {
		return
	}
	if behind := r.highest - au.PTS; behind > 0 && behind < far {
		if r.back++; r.back > 1 { // once may be chance
			r.yes = true
		}
	}
	r.highest = max(r.highest, au.PTS)
}

// hasBSlice reads slice_type of a picture's first slice (H.264 7.3.3): 1 and 6 are B.
func hasBSlice(nalus [][]byte) bool {
	at := slices.IndexFunc(nalus, func(nalu []byte) bool { return len(nalu) > 1 && nalu[0]&0x1f >= 1 && nalu[0]&0x1f <= 5 })
	if at < 0 {
		return false
	}
	bits := nalus[at][1:]
	_, bit, ok := expGolomb(bits, 0) // first_mb_in_slice
	if !ok {
		return false
	}
	kind, _, ok := expGolomb(bits, bit)
	return ok && (kind == 1 || kind == 6)
}

// expGolomb reads an unsigned Exp-Golomb code (H.264 9.1) at a bit of data, and says where
// the next one begins. Codes of more than 31 bits are none.
func expGolomb(data []byte, at int) (value uint32, next int, ok bool) {
	bit := func(n int) (uint32, bool) {
		if n>>3 >= len(data) {
			return 0, false
		}
		return uint32(data[n>>3]>>(7-n&7)) & 1, true
	}
	zeros := 0
	for {
		b, there := bit(at)
		at++
		if !there || zeros > 15 {
			return 0, at, false
		}
		if b == 1 {
			break
		}
		zeros++
	}
	value = 1
	for range zeros {
		b, there := bit(at)
		at++
		if !there {
			return 0, at, false
		}
		value = value<<1 | b
	}
	return value - 1, at, true
}
