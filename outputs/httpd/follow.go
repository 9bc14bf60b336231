package httpd

import (
	"context"
	"errors"
	"sync"
	"time"

	"camgate/camera"
	"camgate/media"
	"camgate/outputs/wall"
)

// A follower is a viewer that goes on with the camera which a new configuration has in the
// place of the one before. Where there is none, its last picture says so. An <img> shows the
// last picture that it gets for ever: a live one would go on looking live.
type follower struct {
	viewer
	camera served // of viewer
	wish   wish
	find   func(name string) served

	last    *media.Picture // nil: none, or the farewell
	before  uint64         // of the cameras before, the last picture's sequence
	notices *notices
}

func (f *follower) Next(ctx context.Context) (*media.Picture, error) {
	for {
		p, err := f.viewer.Next(ctx)
		if !errors.Is(err, camera.ErrClosed) {
			if err != nil {
				return nil, err
			}
			if f.before > 0 { // each camera counts from 1, and sequences grow
				later := *p
				later.Sequence += f.before
				p = &later
			}
			f.last = p
			return p, nil
		}
		next := f.find(f.camera.Name()) // the new one is there before the old one ends
		if next == nil || next == f.camera {
			return f.farewell(err)
		}
		f.camera = next
		if f.last != nil {
			f.before = f.last.Sequence
		}
		if failed := f.change(f.wish); failed != nil && !errors.Is(failed, camera.ErrClosed) {
			return f.farewell(failed)
		}
	}
}

// change has the follower see its camera otherwise.
func (f *follower) change(to wish) error {
	v, err := f.camera.watch(to)
	if err != nil {
		return err
	}
	f.viewer.Close()
	f.viewer, f.wish = v, to
	return nil
}

// farewell is a picture in the place of the last one, once, and then the error.
func (f *follower) farewell(err error) (*media.Picture, error) {
	last := f.last
	f.last = nil
	if last == nil || last.Width <= 0 || last.Height <= 0 {
		return nil, err
	}
	jpeg, failed := f.notices.of(notice{last.Width, last.Height, f.camera.Name(), "not shown any more since " + time.Now().Format("15:04:05")})
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	return &media.Picture{JPEG: jpeg, Width: last.Width, Height: last.Height, Sequence: last.Sequence + 1, Received: last.Received, State: media.Offline}, nil
}

// A notice is a picture that says something.
type notice struct {
	width, height int
	name, text    string
}

// notices draws: those who watched the same share a drawing. It may be used from any
// goroutine.
type notices struct {
	mu    sync.Mutex
	drawn notice // the last
	jpeg  []byte
}

func (n *notices) of(one notice) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.jpeg != nil && n.drawn == one {
		return n.jpeg, nil
	}
	jpeg, err := wall.Notice(one.width, one.height, one.name, one.text)
	if err == nil {
		n.drawn, n.jpeg = one, jpeg
	}
	return jpeg, err
}
