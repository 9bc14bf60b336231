package httpd

import (
	"context"

	"camgate/camera"
	"camgate/media"
	"camgate/onvif"
	"camgate/outputs/snapshot"
)

// What the handlers need of cameras. Tests put simple ones in the place of real ones.
type (
	cameras interface {
		find(name string) served // nil if there is none
		all() []served
	}
	served interface {
		Name() string
		Newest(media.Rendition) *media.Picture
		Status() camera.Status
		Brief() camera.Brief
		watch(wish) (viewer, error)
		Move(context.Context, camera.Order) error
		Presets(context.Context) ([]onvif.Preset, error)
	}
	// wish is what somebody wants to see, and who it is.
	wish struct {
		media.Rendition
		fps        float64 // at most; 0: all there are
		still      bool    // one new picture is enough
		peer, form string
	}
	viewer interface {
		Next(context.Context) (*media.Picture, error)
		Close() // may be called again
	}
)

// gatewayCameras are the real ones.
type gatewayCameras struct{ Cameras }

func (g gatewayCameras) find(name string) served {
	if c := g.Camera(name); c != nil {
		return realCamera{c}
	}
	return nil
}

func (g gatewayCameras) all() []served {
	var list []served
	for _, c := range g.Cameras.Cameras() {
		list = append(list, realCamera{c})
	}
	return list
}

type realCamera struct{ *camera.Camera }

func (c realCamera) watch(w wish) (viewer, error) {
	watch := func() (*camera.Viewer, error) { return c.Watch(w.Rendition, w.fps) }
	if w.still {
		watch = func() (*camera.Viewer, error) { return c.WatchStill(w.Rendition) }
	}
	v, err := watch()
	if err != nil {
		return nil, err // not a nil *camera.Viewer, which would not be a nil viewer
	}
	v.Describe(w.peer, w.form)
	return v, nil
}

// snapshotCamera is a camera as snapshot sees it.
type snapshotCamera struct {
	served
	wish wish
}

func (c snapshotCamera) Watch() (snapshot.Viewer, error) {
	v, err := c.watch(c.wish)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (c snapshotCamera) Newest() *media.Picture { return c.served.Newest(c.wish.Rendition) }

func (c snapshotCamera) Away() bool { return away(c.served.Brief().State) }

// away says of a camera's state that it brings no live picture now, and is not just being connected.
func away(state string) bool { return state == "offline" || state == "stale" }
