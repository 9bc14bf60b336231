package camera

import (
	"time"

	"camgate/media"
)

const (
	// renditionLinger is how long a rendition without viewers keeps its last picture,
	// for /snapshot?max_age=.
	renditionLinger = time.Minute

	// encoderLinger is how long an encoder that nobody used keeps its buffers.
	encoderLinger = 10 * time.Second
)

// rendition is what viewers of one size and quality share. The camera's mutex guards it.
type rendition struct {
	wanted    media.Rendition
	viewers   map[*Viewer]struct{}
	idleSince time.Time // of the last viewer's leaving

	picture *media.Picture // the newest
	changed chan struct{}  // closed when picture is replaced
	frame   uint64         // which decoded frame picture shows, 0 for none
	resent  time.Time      // when a dimmed picture was last given out
	rate    meter
}

func newRendition(r media.Rendition) *rendition {
	return &rendition{wanted: r, viewers: make(map[*Viewer]struct{}), changed: make(chan struct{}), idleSince: time.Now()}
}

// publish replaces the picture and wakes all who wait for it.
func (r *rendition) publish(p *media.Picture, frame uint64) {
	r.picture, r.frame = p, frame
	close(r.changed)
	r.changed = make(chan struct{})
}

// awaited says whether a viewer waits for a picture newer than the last it took.
func (r *rendition) awaited() bool {
	for v := range r.viewers {
		if v.waiting {
			return true
		}
	}
	return false
}
