package httpd

import (
	"context"

	"camgate/camera"
	"camgate/media"
	"camgate/outputs/params"
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
		watch(r media.Rendition, fps float64) (viewer, error)
	}
	viewer interface {
		Next(context.Context) (*media.Picture, error)
		Close()
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

func (c realCamera) watch(r media.Rendition, fps float64) (viewer, error) {
	v, err := c.Watch(r, fps)
	if err != nil {
		return nil, err // not a nil *camera.Viewer, which would not be a nil viewer
	}
	return v, nil
}

// snapshotCamera is a camera as snapshot sees it.
type snapshotCamera struct {
	served
	params params.Params
}

func (c snapshotCamera) Watch() (snapshot.Viewer, error) {
	v, err := c.watch(c.params.Rendition, 0)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (c snapshotCamera) Newest() *media.Picture { return c.served.Newest(c.params.Rendition) }

func (c snapshotCamera) Away() bool {
	state := c.Status().State
	return state == "offline" || state == "stale"
}
