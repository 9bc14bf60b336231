package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"camgate/media"
)

var (
	// ErrCodec: the camera's pictures are in no codec that the reader takes, and none that it
	// takes can be made of them.
	ErrCodec = errors.New("the camera's pictures are in no codec that can be taken here")

	// ErrFormatChanged: the camera's pictures come in another codec than before. Whoever can
	// take that too opens a new reader.
	ErrFormatChanged = errors.New("the camera's pictures come in another codec than before")
)

// PacketOptions says which coded pictures a reader can take.
type PacketOptions struct {
	// Codecs that are taken as they come from the camera, where pictures are shown in the
	// order in which they come. None: all, in any order.
	Codecs []media.Codec

	// Transcode is what the pictures are made into where they cannot be taken as they come:
	// media.H264 (constrained baseline) or media.VP8, the first that can be made here. None:
	// the reader gets ErrCodec instead.
	Transcode []media.Codec

	// Width and Height are what the reader can make use of, in pixels: a camera's smaller
	// profile may do. 0: all there is.
	Width, Height int
}

// takes says whether pictures can be taken as they come.
func (o PacketOptions) takes(codec media.Codec, reordered bool) bool {
	return len(o.Codecs) == 0 || slices.Contains(o.Codecs, codec) && !reordered
}

// A Packet is one access unit for a reader.
type Packet struct {
	*media.AccessUnit // shared, and never changed

	// Skipped: this is a key frame, and what lay between it and the packet before is
	// missing, or has been given already, as Restart does.
	Skipped bool

	// Behind is how many access units are there already behind this one. 0: it is the
	// newest.
	Behind int
}

// A PacketReader takes a camera's coded pictures at its own pace, beginning with the newest
// key frame there is. It counts as a viewer, so that the camera is connected, but nothing
// is decoded for it as long as it takes the camera's codec. A reader that falls behind goes
// on at the next key frame: it never queues.
//
// Next and Format are for one goroutine; the other methods for any. Close it; the camera
// may stop when nobody watches.
type PacketReader struct {
	camera  *Camera
	options PacketOptions
	since   time.Time
	kick    chan struct{} // of one element: Next is to look again

	// Guarded by the camera's mutex.
	closed     bool
	log        *packetLog // that cursor is in; nil before the camera's codec is known
	cursor     cursor
	transcode  *transcode  // whose log that is; nil: the camera's own
	codec      media.Codec // that the reader was given, or told
	given      bool        // it has got a packet
	failed     error       // ErrFormatChanged, for good
	peer, form string
	rate       meter
	dropped    uint64
	newest     time.Time // Received of the last packet
}

// Packets opens a reader. The error is ErrClosed.
func (c *Camera) Packets(o PacketOptions) (*PacketReader, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return nil, ErrClosed
	default:
	}
	r := &PacketReader{camera: c, options: o, since: time.Now(), kick: make(chan struct{}, 1)}
	r.cursor = cursor{seeking: true}
	c.readers[r] = struct{}{}
	c.wantsChanged()
	return r, nil
}

// Next waits for the next access unit: first the newest key frame that is there, then one
// after the other, as they came. Parameter sets stand before each key frame.
//
// The error is ctx's, ErrClosed, ErrCodec or ErrFormatChanged. After ErrCodec the reader
// may be asked again: the camera's codec may change.
func (r *PacketReader) Next(ctx context.Context) (Packet, error) {
	var packet Packet
	err := r.await(ctx, func() (bool, error) {
		au, jumped, missed := r.log.read(&r.cursor)
		r.dropped += missed
		if au == nil {
			return false, nil
		}
		if r.codec != media.UnknownCodec && au.Codec != r.codec {
			r.failed = fmt.Errorf("camera %q: %w: %v after %v", r.camera.cfg.Name, ErrFormatChanged, au.Codec, r.codec)
			return false, r.failed
		}
		packet = Packet{AccessUnit: au, Skipped: jumped && r.given, Behind: int(r.log.end() - r.cursor.next)}
		r.codec, r.given, r.newest = au.Codec, true, au.Received
		r.rate.add(time.Now(), au.Size())
		return true, nil
	})
	return packet, err
}

// Format is what the reader gets. It waits until that is known: until there is a key frame.
// The errors are those of Next.
func (r *PacketReader) Format(ctx context.Context) (Format, error) {
	var format Format
	err := r.await(ctx, func() (bool, error) {
		key := r.log.newestKey()
		if key == nil {
			return false, nil
		}
		if r.codec != media.UnknownCodec && key.Codec != r.codec {
			r.failed = fmt.Errorf("camera %q: %w: %v after %v", r.camera.cfg.Name, ErrFormatChanged, key.Codec, r.codec)
			return false, r.failed
		}
		r.codec = key.Codec
		format = r.format(key)
		return true, nil
	})
	return format, err
}

// await calls ready, with the camera's mutex held and the reader in the right log, each time
// that there may be something new, until it is true or there is an error.
func (r *PacketReader) await(ctx context.Context, ready func() (bool, error)) error {
	c := r.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if r.closed {
			return ErrClosed
		}
		err := r.failed
		if err == nil {
			err = r.follow()
		}
		if err != nil {
			return err
		}
		if r.settled() {
			if done, err := ready(); done || err != nil {
				return err
			}
		}
		changed := r.log.await()
		c.mu.Unlock()
		select {
		case <-changed:
		case <-r.kick:
		case <-c.ended:
			err = ErrClosed
		case <-ctx.Done():
			err = ctx.Err()
		}
		c.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// follow puts the reader into the log that it is to read: the camera's own, or that of a
// transcode. The caller holds the mutex. The error is ErrCodec.
func (r *PacketReader) follow() error {
	c := r.camera
	codec := c.life.info.Codec
	if codec == media.UnknownCodec || c.fetchesStills() || r.options.takes(codec, c.reordering.yes) {
		r.enter(&c.packets, nil)
		return nil
	}
	t, err := c.transcodeFor(r.options.Transcode, codec)
	if err != nil {
		return err
	}
	r.enter(&t.log, t)
	return nil
}

// settled is false while the camera may still turn out to send B-frames, for a reader to
// whom that matters, and while single pictures are fetched: now that somebody reads, a
// stream takes their place. The caller holds the mutex.
func (r *PacketReader) settled() bool {
	c := r.camera
	return !c.fetchesStills() && (r.transcode != nil || len(r.options.Codecs) == 0 || c.reordering.settled)
}

// fetchesStills says whether single pictures are fetched in place of a stream; the caller
// holds the mutex.
func (c *Camera) fetchesStills() bool {
	return c.life.current != nil && c.life.current.chosen.snapshot != ""
}

// enter changes to a log; the caller holds the mutex.
func (r *PacketReader) enter(l *packetLog, t *transcode) {
	if r.log == l {
		return
	}
	if r.log != nil {
		r.cursor = cursor{seeking: true}
	}
	r.camera.leave(r.transcode)
	r.log, r.transcode = l, t
	r.camera.join(t)
}

// Restart makes Next go on at the newest key frame that is there, or at the next one: for a
// receiver that has lost something. The camera is not asked for anything.
func (r *PacketReader) Restart() {
	r.camera.mu.Lock()
	defer r.camera.mu.Unlock()
	r.cursor = cursor{seeking: true}
	signal(r.kick)
}

// Describe says who reads, and in which form: for Camera.Viewers.
func (r *PacketReader) Describe(peer, form string) {
	r.camera.mu.Lock()
	defer r.camera.mu.Unlock()
	r.peer, r.form = peer, form
}

// Close ends the reader, and a Next that waits. Closing twice is harmless.
func (r *PacketReader) Close() {
	c := r.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	c.leave(r.transcode)
	r.transcode = nil
	delete(c.readers, r)
	if len(c.readers) == 0 {
		for _, t := range c.transcodes {
			t.failed = nil // it may do for who comes next
		}
	}
	c.wantsChanged()
	signal(r.kick)
}

// status tells of the reader as of a viewer; the caller holds the mutex.
func (r *PacketReader) status(now time.Time) ViewerStatus {
	s := ViewerStatus{Camera: r.camera.cfg.Name, Peer: r.peer, Form: r.form, Width: r.options.Width, Height: r.options.Height,
		Since: r.since, Dropped: r.dropped}
	s.FPS, _ = r.rate.rate(now)
	if r.log != nil && r.given {
		if key := r.log.newestKey(); key != nil {
			s.Width, s.Height = codedSize(key)
		}
		age := now.Sub(r.newest).Seconds()
		s.Age = &age
	}
	return s
}
