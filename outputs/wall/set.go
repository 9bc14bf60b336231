package wall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"camgate/media"
)

// A Tile is where one camera's pictures come from; *camera.Viewer is one. Next waits for
// a picture newer than the last, or until ctx or the camera ends.
type Tile interface {
	Next(ctx context.Context) (*media.Picture, error)
	Close()
}

// Cameras are those that walls can show.
type Cameras interface {
	// Watch registers a viewer of a camera. The error, ErrNoCamera or the camera's, is
	// for whoever looks at the wall.
	Watch(name string, r media.Rendition, fps float64) (Tile, error)

	// Away says that the camera is known to bring no live picture now: it is neither live nor
	// being connected.
	Away(name string) bool
}

var (
	// ErrNoCamera: there is no camera of that name.
	ErrNoCamera = errors.New("there is no such camera")

	// ErrTooManyWalls: as many different walls are being watched as there may be.
	ErrTooManyWalls = errors.New("too many different walls are being watched")

	// ErrClosed: the viewer has been closed.
	ErrClosed = errors.New("the wall's viewer has been closed")
)

// MaxWalls is how many different walls may be watched at the same time. Each takes a
// rendition of each of its cameras, and a picture of a few hundred kilobytes.
const MaxWalls = 32

// A Set is the walls that are being watched. A wall begins with its first viewer, ends
// with the last, and is shared by all whose layouts come to the same.
type Set struct {
	cameras  Cameras
	log      *slog.Logger
	sequence atomic.Uint64 // of the newest picture of any wall

	mu    sync.Mutex
	walls map[shape]*wall
}

// NewSet makes a set in which nobody watches anything.
func NewSet(cameras Cameras, log *slog.Logger) *Set {
	return &Set{cameras: cameras, log: log, walls: make(map[shape]*wall)}
}

// Watch registers a viewer, which must be closed. The error is ErrTooManyWalls, or a
// sentence about the layout.
func (s *Set) Watch(l Layout) (*Viewer, error) {
	settled, err := l.shape()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.walls[settled]
	if w == nil {
		if len(s.walls) >= MaxWalls {
			return nil, fmt.Errorf("%w: %d", ErrTooManyWalls, MaxWalls)
		}
		if w, err = begin(s, settled, l.Cameras); err != nil {
			return nil, err
		}
		s.walls[settled] = w
	}
	v := &Viewer{wall: w}
	w.viewers++
	return v, nil
}

// leave takes a viewer out, and ends the wall with the last one.
func (s *Set) leave(w *wall) {
	s.mu.Lock()
	w.viewers--
	last := w.viewers == 0
	if last {
		delete(s.walls, w.shape)
	}
	s.mu.Unlock()
	if last {
		w.end()
	}
}

// Newest is the newest picture of a wall that is being watched, nil where there is none.
func (s *Set) Newest(l Layout) *media.Picture {
	settled, err := l.shape()
	if err != nil {
		return nil
	}
	s.mu.Lock()
	w := s.walls[settled]
	s.mu.Unlock()
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.picture
}
