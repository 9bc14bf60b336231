package camera

import (
	"time"

	"camgate/media"
)

// Bounds of the cache: beyond either, a GOP is no longer kept whole, and viewers that
// come later wait for the next key frame.
const (
	maxCachedBytes = 64 << 20
	maxCachedUnits = 4096
)

// maxLag is how far decoding may be behind when a key frame arrives. Beyond it the key
// frame is shown and what lies before it is not decoded any more.
const maxLag = 500 * time.Millisecond

// decodeMode says which access units the decoder gets.
type decodeMode uint8

const (
	decodeNothing decodeMode = iota
	decodeKeys               // nobody wants more than the key frames' rate
	decodeAll
)

// gopCache holds the access units since the newest key frame, for viewers that come
// later, and serves as the decoder's queue: next is the first unit that it has not
// taken. The camera's mutex guards it.
type gopCache struct {
	units   []*media.AccessUnit
	key     int // index of the newest key frame in units, -1 where it is not kept
	next    int
	bytes   int
	waiting bool // something is missing: nothing is taken before the next key frame
	gap     bool // the decoder has not had everything between key and next
}

// push takes a unit that arrived. It says whether the unit can be decoded: false
// between a loss and the next key frame.
func (g *gopCache) push(au *media.AccessUnit, decoding decodeMode) bool {
	switch {
	case au.Key:
		g.restart(au, decoding)
	case g.waiting || len(g.units) == 0 && g.key == 0:
		return false
	}
	if g.bytes+au.Size() > maxCachedBytes || len(g.units) >= maxCachedUnits {
		if decoding != decodeAll || g.gap || g.next == 0 {
			g.lost()
			return false
		}
		g.units = append([]*media.AccessUnit(nil), g.units[g.next:]...)
		g.next, g.key = 0, -1
		g.count()
	}
	g.units = append(g.units, au)
	g.bytes += au.Size()
	return true
}

// restart makes room for a key frame. What the decoder has not taken yet stays in front
// of it, unless that is too old or of no use, or leaves the key frame no room.
func (g *gopCache) restart(key *media.AccessUnit, decoding decodeMode) {
	tail := g.units[g.next:]
	if decoding != decodeAll || g.gap || len(tail) > 0 && key.Received.Sub(tail[0].Received) > maxLag {
		tail = nil
	}
	bytes := key.Size()
	for _, u := range tail {
		bytes += u.Size()
	}
	if bytes > maxCachedBytes || len(tail) >= maxCachedUnits {
		tail = nil
	}
	// A new slice: the old array would keep the pictures of the last GOP alive.
	g.units = append(make([]*media.AccessUnit, 0, max(len(g.units)+1, 16)), tail...)
	g.key, g.next = len(tail), 0
	g.waiting, g.gap = false, false
	g.count()
}

func (g *gopCache) count() {
	g.bytes = 0
	for _, u := range g.units {
		g.bytes += u.Size()
	}
}

// take is the next unit to decode, nil if there is none.
func (g *gopCache) take(mode decodeMode) *media.AccessUnit {
	if mode == decodeNothing || len(g.units) == 0 {
		return nil
	}
	if mode == decodeKeys {
		taken := g.next > g.key
		g.next = len(g.units)
		g.gap = g.gap || g.key < len(g.units)-1
		if taken {
			return nil
		}
		return g.units[g.key]
	}
	if g.gap {
		if g.key < 0 {
			return nil
		}
		g.next, g.gap = g.key, false
	}
	if g.next >= len(g.units) {
		return nil
	}
	g.next++
	return g.units[g.next-1]
}

// backlog is how many units wait to be decoded.
func (g *gopCache) backlog() int { return len(g.units) - g.next }

// rewind makes decoding begin at the key frame when it begins again.
func (g *gopCache) rewind() {
	g.gap, g.next = true, 0
	if g.key < 0 {
		g.lost()
	}
}

// skip gives up on what is left before the next key frame: the decoder found it broken.
func (g *gopCache) skip() {
	if g.key >= g.next && g.key < len(g.units) {
		g.next = g.key
		return
	}
	g.clear()
}

// clear forgets all, up to the next key frame.
func (g *gopCache) clear() { *g = gopCache{waiting: true} }

// lost is called when something before the next unit is missing.
func (g *gopCache) lost() { g.waiting = true }
