package webrtc

import (
	"context"

	"camgate/camera"
	"camgate/media"
)

// Cameras is the set of cameras that are served.
type Cameras interface {
	Camera(name string) *camera.Camera // nil if there is none of exactly this name
}

// What a session needs of a camera. Tests put simple ones in the place of real ones.
type (
	cameras interface {
		find(name string) source // nil if there is none
	}
	source interface {
		Name() string
		packets(o camera.PacketOptions, peer string) (pictures, error)
		sound(codecs ...media.AudioCodec) sound
		substream() source // nil if there is none
		RequestKeyFrame()
		Brief() camera.Brief
		Changed() <-chan struct{}
	}
	pictures interface {
		Format(context.Context) (camera.Format, error)
		Next(context.Context) (camera.Packet, error)
		Restart()
		Close()
	}
	sound interface {
		Format(context.Context) (media.AudioCodec, error)
		Next(context.Context) (*media.AudioFrame, error)
		Close()
	}
)

type realCameras struct{ Cameras }

func (r realCameras) find(name string) source {
	if c := r.Camera(name); c != nil {
		return realCamera{c}
	}
	return nil
}

type realCamera struct{ *camera.Camera }

func (c realCamera) packets(o camera.PacketOptions, peer string) (pictures, error) {
	r, err := c.Packets(o)
	if err != nil {
		return nil, err // not a nil *camera.PacketReader, which would not be nil pictures
	}
	r.Describe(peer, "webrtc")
	return r, nil
}

func (c realCamera) sound(codecs ...media.AudioCodec) sound { return c.Audio(codecs...) }

func (c realCamera) substream() source {
	if s := c.Substream(); s != nil {
		return realCamera{s}
	}
	return nil
}
