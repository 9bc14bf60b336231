package wall

import (
	"context"
	"sync"
	"time"

	"camgate/media"
)

// A Viewer takes pictures of one wall at its own pace. Next returns only pictures newer
// than the last it returned: a slow viewer skips, and never queues.
//
// A Viewer is for one goroutine. Close it; the wall ends when nobody watches.
type Viewer struct {
	wall  *wall
	taken uint64 // sequence of the last picture returned
	close sync.Once
	gone  bool
}

// tolerance is how late a viewer may wake on a busy machine.
const tolerance = 250 * time.Millisecond

// Next waits for a picture newer than the last one returned. The wall is put together
// while a viewer waits for it, and whenever a tile has changed, at most at its rate. The
// picture's State is live if every camera's is, offline if none is, and stale between
// the two; it was received when the newest of its tiles was.
//
// The error is ctx's, or ErrClosed.
func (v *Viewer) Next(ctx context.Context) (*media.Picture, error) {
	if v.gone {
		return nil, ErrClosed
	}
	w := v.wall
	w.mu.Lock()
	for {
		// What was made long ago, while nobody waited, is the past.
		if p := w.picture; p != nil && p.Sequence > v.taken && time.Since(w.made) < 2*w.period+tolerance {
			w.mu.Unlock()
			v.taken = p.Sequence
			return p, nil
		}
		w.waiting++
		behind := w.picture != nil && w.picture.Sequence > v.taken
		if behind {
			w.behind++
		}
		signal(w.demand)
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			w.mu.Lock()
			if w.changed == changed { // or publish has set them to 0
				w.waiting--
				if behind {
					w.behind--
				}
			}
			w.mu.Unlock()
			return nil, ctx.Err()
		}
		w.mu.Lock()
	}
}

// Settled waits for a picture that shows each camera as it was after since, or that it is
// away: for those who want one picture. When ctx ends before, it is the newest there is;
// the error is ctx's where there is none.
func (v *Viewer) Settled(ctx context.Context, since time.Time) (*media.Picture, error) {
	var newest *media.Picture
	for {
		p, err := v.Next(ctx)
		if err != nil {
			if newest != nil {
				return newest, nil
			}
			return nil, err
		}
		if newest = p; v.wall.settled(p, since) {
			return p, nil
		}
	}
}

// Close ends the viewer, and with the last one the wall: when it returns nothing of that
// runs any more. Closing twice is harmless.
func (v *Viewer) Close() {
	v.close.Do(func() {
		v.gone = true
		v.wall.set.leave(v.wall)
	})
}
