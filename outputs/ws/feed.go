package ws

import (
	"context"
	"errors"
	"net/http"
	"time"

	"camgate/media"
)

// A feed brings pictures of one wish to a tile. It has a goroutine of its own.
type feed struct {
	tile  *tile
	wish  Wish
	end   context.CancelFunc
	taken chan struct{} // of one element: ready has been taken
	room  chan struct{} // of one element: something has been acknowledged
}

// feed brings pictures until ctx ends, which it does when the tile is closed or shows
// something else.
func (t *tiles) feed(ctx context.Context, f *feed) {
	var gone time.Time // when the camera was no longer served
	for {
		err := t.feedFrom(ctx, f)
		if ctx.Err() != nil {
			return
		}
		shown := t.isCurrent(f)
		refusal := new(Refusal)
		if !errors.As(err, &refusal) {
			refusal = &Refusal{Status: http.StatusServiceUnavailable, Sentence: err.Error()}
			gone = time.Now()
		}
		if !shown && gone.IsZero() || time.Since(gone) > reopenFor {
			t.refuseFeed(f, refusal)
			return
		}
		again := time.NewTimer(reopenEvery)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// refuseFeed is refuse, unless the tile has been opened anew meanwhile. One that still shows
// its camera as it was asked before goes on with that.
func (t *tiles) refuseFeed(f *feed, r *Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := f.tile
	switch {
	case one.coming == f && one.current != nil:
		one.coming, one.wish = nil, one.current.wish
		t.errors = append(t.errors, errorMessage{Type: "error", Tile: one.number, Error: r.Sentence, Status: r.Status, Open: true})
		signal(t.wake)
	case one.coming == f || one.current == f && one.coming == nil:
		t.refuse(one.number, r)
	case one.current == f: // what is coming decides
		one.current, one.ready = nil, nil
	}
}

// feedFrom watches once. Its error is never nil.
func (t *tiles) feedFrom(ctx context.Context, f *feed) error {
	v, err := t.source.Open(f.wish)
	if err != nil {
		return err
	}
	defer v.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		// The first picture is what makes the feed the tile's, room or not.
		if t.isCurrent(f) {
			if err := t.awaitRoom(ctx, f); err != nil {
				return err
			}
		}
		p, err := v.Next(ctx)
		if err != nil {
			return err
		}
		got := time.Now()
		if err := t.promote(ctx, f); err != nil {
			return err
		}
		for within := refreshLong; ; within = refreshWithin {
			if err := t.awaitRoom(ctx, f); err != nil {
				return err
			}
			if waited := time.Since(got); waited >= refreshAfter {
				p, got = newer(ctx, v, p, min(waited, within)), time.Now()
			}
			if !t.offer(f, p) {
				return context.Canceled
			}
			timer.Reset(refreshAfter)
			select {
			case <-f.taken:
			case <-timer.C:
				if t.withdraw(f) {
					continue // for a newer one
				}
				<-f.taken
			case <-ctx.Done():
				return ctx.Err()
			}
			break
		}
	}
}

// newer is the viewer's next picture if it comes in time, else p.
func newer(ctx context.Context, v Viewer, p *media.Picture, within time.Duration) *media.Picture {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if next, err := v.Next(ctx); err == nil {
		return next
	}
	return p
}

func (t *tiles) isCurrent(f *feed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.tile.current == f
}

// promote makes the feed that has its first picture the tile's.
func (t *tiles) promote(ctx context.Context, f *feed) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	one := f.tile
	if one.current == f {
		return nil
	}
	if before := one.current; before != nil {
		before.end()
	}
	one.current, one.coming, one.ready = f, nil, nil
	return nil
}

// awaitRoom waits until another picture of the tile may be on its way.
func (t *tiles) awaitRoom(ctx context.Context, f *feed) error {
	for {
		t.mu.Lock()
		room := len(f.tile.sent) == 0 || !f.tile.slow && len(f.tile.sent) < maxUnacknowledged
		t.mu.Unlock()
		if room {
			return ctx.Err()
		}
		select {
		case <-f.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// offer leaves a picture to be sent; false: the feed is not the tile's any more.
func (t *tiles) offer(f *feed, p *media.Picture) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.tile.current != f {
		return false
	}
	f.tile.ready = p
	signal(t.wake)
	return true
}

// withdraw takes an offered picture back; false: it has been taken.
func (t *tiles) withdraw(f *feed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.tile.current != f || f.tile.ready == nil {
		return f.tile.current != f
	}
	f.tile.ready = nil
	return true
}
