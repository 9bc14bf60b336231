package camera

import (
	"context"
	"image"
	"time"

	"camgate/decoder"
	"camgate/media"
)

// few is how many undecoded access units may wait while pictures are still made of the
// ones before: more, and only the newest is worth an encode.
const few = 2

// slowCatchUp is the backlog from which a viewer without a picture gets the key frame
// first, rather than wait until decoding has caught up.
const slowCatchUp = 12

// A renderer turns a camera's access units into its viewers' pictures. One goroutine
// runs it, and owns all of libav's and libjpeg's memory of this camera.
type renderer struct {
	c           *Camera
	decoder     *decoder.Decoder // nil: none is open
	decoderUsed time.Time
	codec       media.Codec
	session     uint64 // the decoder's
	unit        *media.AccessUnit
	frame       *decoder.Frame // of unit; nil for a JPEG that nobody needed decoded
	suspect     bool           // the last JPEG that somebody needed decoded could not be
	sequence    uint64         // of unit
	encoders    map[encoding]*encoder
	notices     map[encoding]notice
	transcoders map[media.Codec]*transcoder
}

// encoding is what makes two renditions' pictures the same.
type encoding struct {
	width, height, quality int
	inner                  image.Point // how much of it the camera's picture takes
}

type encoder struct {
	*decoder.JPEG
	used time.Time
}

func newRenderer(c *Camera) *renderer {
	return &renderer{c: c, encoders: make(map[encoding]*encoder), notices: make(map[encoding]notice),
		transcoders: make(map[media.Codec]*transcoder)}
}

func (r *renderer) run(ctx context.Context) {
	defer r.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.c.wake:
		case <-timer.C:
		}
		for ctx.Err() == nil && r.decodeNext() {
		}
		next := r.notify(time.Now())
		r.forget(time.Now())
		timer.Reset(next)
	}
}

func (r *renderer) close() {
	if r.decoder != nil {
		r.decoder.Close()
	}
	if r.frame != nil {
		r.frame.Close()
	}
	for _, e := range r.encoders {
		e.Close()
	}
	for _, t := range r.transcoders {
		t.Close()
	}
}

// decodeNext decodes the next access unit, if one is wanted, and shows it to those who
// wait for it. It says whether there may be more to do.
func (r *renderer) decodeNext() bool {
	c := r.c
	c.mu.Lock()
	mode := c.decoding
	au := c.units.take(mode)
	backlog := c.units.backlog()
	session, extra := c.life.session, c.life.info.ExtraData
	c.mu.Unlock()
	if au == nil {
		r.show()
		return false
	}
	if err := r.decode(au, session, extra); err != nil {
		c.undecodable(err)
		return true
	}
	if r.unit == au && (backlog <= few || au.Key && backlog > slowCatchUp && time.Since(au.Received) < staleAfter) {
		r.show()
		r.transcode(session)
	}
	return true
}

// decode makes au the picture to show. A JPEG is decoded later, when somebody needs it
// in another size; but at once behind one that could not be, so that no camera passes for
// live by headers alone.
func (r *renderer) decode(au *media.AccessUnit, session uint64, extra []byte) error {
	width, height := 0, 0
	var frame *decoder.Frame
	if au.Codec == media.MJPEG {
		var err error
		if width, height, err = jpegSize(au.NALUs[0]); err != nil {
			return err
		}
		if r.suspect && !r.c.takenAsItIs(width, height) {
			if frame, err = r.decodeJPEG(au, session); err != nil {
				return err
			}
		}
	} else {
		if err := r.openDecoder(au.Codec, session, extra); err != nil {
			return err
		}
		var err error
		if frame, err = r.decoder.Decode(au); err != nil {
			return err
		}
		if au.Key && (frame == nil || !r.received(au, frame).Equal(au.Received)) {
			r.c.heldBack(session)
		}
		if frame == nil {
			return nil
		}
		if frame.Damaged() {
			frame.Close()
			return errDamaged
		}
		width, height = frame.Coded()
	}
	if r.frame != nil {
		r.frame.Close()
	}
	r.unit, r.frame = au, frame

	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if frame != nil {
		c.counts.decoded++
	}
	c.life.unproven = false
	c.life.width, c.life.height = width, height
	c.life.sequence++
	c.life.frame = c.life.sequence
	r.sequence = c.life.sequence
	c.whole(time.Now())
	return nil
}

// received is when what a frame shows has come: before au, where the decoder holds pictures back.
func (r *renderer) received(au *media.AccessUnit, frame *decoder.Frame) time.Time {
	if frame == nil {
		return au.Received
	}
	_, received := frame.Source()
	return received
}

// heldBack notes that a key frame did not show its picture at once: key frames alone would show
// those of one or two GOPs ago.
func (c *Camera) heldBack(session uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if session == c.life.session && !c.life.heldBack {
		c.life.heldBack = true
		c.updateMode(time.Now())
	}
}

func (r *renderer) openDecoder(codec media.Codec, session uint64, extra []byte) error {
	r.decoderUsed = time.Now()
	if r.decoder != nil && r.codec == codec && r.session == session {
		return nil
	}
	if r.decoder != nil {
		r.decoder.Close()
		r.decoder = nil
	}
	d, err := decoder.New(codec, decoder.Options{Threads: r.c.cfg.Threads, MaxPixels: r.c.cfg.MaxPixels, ExtraData: extra})
	if err != nil {
		return err
	}
	r.decoder, r.codec, r.session = d, codec, session
	return nil
}

// show makes the picture of the newest frame for every rendition that awaits it: one
// encode for all whose pictures are the same.
func (r *renderer) show() {
	c := r.c
	c.mu.Lock()
	var awaited []*rendition
	if c.life.state == stateLive && r.sequence != 0 && r.sequence == c.life.frame {
		for _, shared := range c.renditions {
			if shared.frame < r.sequence && shared.awaited() {
				awaited = append(awaited, shared)
			}
		}
	}
	c.mu.Unlock()
	if len(awaited) == 0 {
		return
	}
	made := make(map[encoding]*media.Picture, len(awaited))
	var broken error
	for _, shared := range awaited {
		picture, err := r.picture(shared.wanted, made)
		if err != nil {
			broken = err // a JPEG may do for those who take it as it is
			continue
		}
		c.mu.Lock()
		shared.rate.add(time.Now(), len(picture.JPEG))
		shared.publish(picture, r.sequence)
		c.mu.Unlock()
	}
	if broken != nil {
		c.undecodable(broken)
	}
}

// picture is the newest frame as wanted says, from made where it is there already.
func (r *renderer) picture(wanted media.Rendition, made map[encoding]*media.Picture) (*media.Picture, error) {
	e, asItIs, err := r.resolve(wanted)
	if err != nil {
		return nil, err
	}
	if p := made[e]; p != nil {
		return p, nil
	}
	p := &media.Picture{Width: e.width, Height: e.height, Sequence: r.sequence, Received: r.received(r.unit, r.frame), State: media.Live}
	if asItIs {
		p.JPEG = r.unit.NALUs[0]
	} else {
		encoder, err := r.encoder(e)
		if err != nil {
			return nil, err
		}
		if p.JPEG, err = encoder.Padded(r.frame, e.inner, e.width, e.height, e.quality); err != nil {
			return nil, err
		}
		r.c.mu.Lock()
		r.c.counts.encoded++
		r.c.mu.Unlock()
	}
	made[e] = p
	return p, nil
}

// resolve says what wanted comes to for the newest picture. asItIs: the camera's JPEG is
// that already; else the picture is decoded when resolve returns.
func (r *renderer) resolve(wanted media.Rendition) (e encoding, asItIs bool, err error) {
	if r.unit.Codec == media.MJPEG && wanted.Quality == 0 {
		width, height, err := jpegSize(r.unit.NALUs[0])
		if err != nil {
			return e, false, err
		}
		if unchanged(wanted, width, height) {
			return encoding{width: width, height: height, inner: image.Pt(width, height)}, true, nil
		}
	}
	if err := r.needFrame(); err != nil {
		return e, false, err
	}
	e.width, e.height = wanted.Size(r.frame.Size())
	e.inner = image.Pt(wanted.Inner(r.frame.Size()))
	if e.quality = wanted.Quality; e.quality == 0 {
		e.quality = r.c.cfg.Quality
	}
	return e, false, nil
}

// needFrame decodes a JPEG that was not decoded so far.
func (r *renderer) needFrame() error {
	if r.frame != nil {
		return nil
	}
	frame, err := r.decodeJPEG(r.unit, r.session)
	if err != nil {
		return err
	}
	r.frame = frame
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.counts.decoded++
	return nil
}

// decodeJPEG decodes what need not be decoded where it is wanted as it is.
func (r *renderer) decodeJPEG(au *media.AccessUnit, session uint64) (*decoder.Frame, error) {
	r.suspect = true
	if err := r.openDecoder(au.Codec, session, nil); err != nil {
		return nil, err
	}
	frame, err := r.decoder.Decode(au)
	if err != nil {
		return nil, err
	}
	if frame == nil {
		return nil, errDamaged
	}
	if frame.Damaged() {
		frame.Close()
		return nil, errDamaged
	}
	r.suspect = false
	return frame, nil
}

// unchanged says whether the camera's JPEG of that size is what is wanted already.
func unchanged(wanted media.Rendition, width, height int) bool {
	w, h := wanted.Size(width, height)
	return wanted.Quality == 0 && w == width && h == height
}

// takenAsItIs says whether somebody watches the camera's JPEGs as they are.
func (c *Camera) takenAsItIs(width, height int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, shared := range c.renditions {
		if len(shared.viewers) > 0 && unchanged(shared.wanted, width, height) {
			return true
		}
	}
	return false
}

func (r *renderer) encoder(e encoding) (*encoder, error) {
	found := r.encoders[e]
	if found == nil {
		j, err := decoder.NewJPEG()
		if err != nil {
			return nil, err
		}
		dropIdlest(r.encoders, r.c.cfg.MaxRenditions, func(e *encoder) time.Time { return e.used }, (*encoder).Close)
		found = &encoder{JPEG: j}
		r.encoders[e] = found
	}
	found.used = time.Now()
	return found, nil
}

// dropIdlest makes room in what is kept for each encoding, where there are as many as
// renditions already: whoever asks for one size after the other would else fill the memory
// faster than idle ones are forgotten.
func dropIdlest[T any](kept map[encoding]T, most int, used func(T) time.Time, drop func(T)) {
	if len(kept) == 0 || len(kept) < most {
		return
	}
	var idlest encoding
	var since time.Time
	for e, one := range kept {
		if t := used(one); since.IsZero() || t.Before(since) {
			idlest, since = e, t
		}
	}
	if drop != nil {
		drop(kept[idlest])
	}
	delete(kept, idlest)
}

// forget frees what has not been used for a while.
func (r *renderer) forget(now time.Time) {
	for key, e := range r.encoders {
		if now.Sub(e.used) > encoderLinger {
			e.Close()
			delete(r.encoders, key)
		}
	}
	for key, n := range r.notices {
		if now.Sub(n.used) > encoderLinger {
			delete(r.notices, key)
		}
	}
	for key, t := range r.transcoders {
		if now.Sub(t.used) > encoderLinger {
			t.Close()
			delete(r.transcoders, key)
		}
	}
	c := r.c
	c.mu.Lock()
	idle := c.decoding == decodeNothing
	c.mu.Unlock()
	if r.decoder != nil && idle && now.Sub(r.decoderUsed) > encoderLinger {
		// It holds as many pictures as the camera's coding refers to, for each camera that was
		// ever watched. Decoding begins again at a key frame, and so a new one will do.
		r.decoder.Close()
		r.decoder = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, shared := range c.renditions {
		if len(shared.viewers) == 0 && now.Sub(shared.idleSince) > renditionLinger {
			delete(c.renditions, key)
		}
	}
}
