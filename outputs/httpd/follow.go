package httpd

import (
	"context"
	"errors"

	"camgate/camera"
	"camgate/media"
)

// A follower is a viewer that goes on with the camera which a new configuration has in the
// place of the one before. If it ended with that, an <img> would show its last picture for
// ever, and look live.
type follower struct {
	viewer
	camera served // of viewer
	wish   wish
	find   func(name string) served
}

func (f *follower) Next(ctx context.Context) (*media.Picture, error) {
	for {
		p, err := f.viewer.Next(ctx)
		if !errors.Is(err, camera.ErrClosed) {
			return p, err
		}
		next := f.find(f.camera.Name()) // the new one is there before the old one ends
		if next == nil || next == f.camera {
			return nil, err
		}
		f.camera = next
		if failed := f.change(f.wish); failed != nil && !errors.Is(failed, camera.ErrClosed) {
			return nil, failed
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
