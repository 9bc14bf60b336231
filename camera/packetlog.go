package camera

import (
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

// push takes a picture. Where nobody reads, a key frame leaves nothing of what was before
// it: who comes later begins there. False: the picture cannot be decoded, because something
// before it is missing, and is left out.
func (l *packetLog) push(au *media.AccessUnit, read bool) bool {
	if au.Key {
		kept := au.Received.Add(-keptBefore)
		if !read {
			kept = au.Received
		}
		l.trim(kept)
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
	seeking bool // for a key frame; next counts for nothing
}

// read is the next picture behind the cursor, nil where one must be waited for. missed is
// how many are left out before it; jumped says that it does not go on where the reader was.
func (l *packetLog) read(c *cursor) (au *media.AccessUnit, jumped bool, missed uint64) {
	if !c.seeking && c.next < l.first {
		c.seeking = true
		missed = l.first - c.next
	}
	if c.seeking {
		if !l.keyed {
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
