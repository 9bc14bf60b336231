package camera

import (
	"fmt"

	"camgate/media"
)

// The largest picture that is made for readers who cannot take the camera's: 1080p.
const (
	maxTranscodedWidth  = 1920
	maxTranscodedHeight = 1080
)

// transcode is what readers share who cannot take the camera's pictures as they come. The
// camera's mutex guards it.
type transcode struct {
	codec   media.Codec
	readers int
	log     packetLog
}

// transcodeFor finds or makes the transcode for a reader who takes these codecs; the caller
// holds the mutex. The error is ErrCodec.
func (c *Camera) transcodeFor(codecs []media.Codec, of media.Codec) (*transcode, error) {
	why := "as it sends it"
	if c.reordering.yes {
		why = "with B-frames"
	}
	return nil, fmt.Errorf("camera %q: %w: %v, %s", c.cfg.Name, ErrCodec, of, why)
}

// join and leave count a transcode's readers; t may be nil. The caller holds the mutex.
func (c *Camera) join(t *transcode) {
	if t != nil {
		t.readers++
		c.wantsChanged()
	}
}

func (c *Camera) leave(t *transcode) {
	if t != nil {
		t.readers--
		c.wantsChanged()
	}
}
