package camera

import (
	"fmt"
	"time"

	"camgate/decoder"
	"camgate/media"
)

// The largest picture that is made for readers who cannot take the camera's: 1080p.
const (
	maxTranscodedWidth  = 1920
	maxTranscodedHeight = 1080
)

// transcode is what readers share who cannot take the camera's pictures as they come. The
// renderer makes it, of the frames that it decodes for everybody. The camera's mutex guards
// it.
type transcode struct {
	codec     media.Codec
	readers   int
	log       packetLog
	keyWanted bool  // the next picture is to be a key frame
	failed    error // why there is none, in this session
}

// transcodeFor finds or makes the transcode for a reader who takes these codecs; the caller
// holds the mutex. The error is ErrCodec.
func (c *Camera) transcodeFor(codecs []media.Codec, of media.Codec) (*transcode, error) {
	var failed error
	for _, codec := range codecs {
		t := c.transcodes[codec]
		if t == nil && decoder.Transcodes(codec) {
			t = &transcode{codec: codec, keyWanted: true}
			c.transcodes[codec] = t
		}
		if t != nil && t.failed == nil {
			return t, nil
		}
		if t != nil {
			failed = t.failed
		}
	}
	if failed != nil {
		return nil, fmt.Errorf("camera %q: %w: %w", c.cfg.Name, ErrCodec, failed)
	}
	how := ""
	if c.reordering.yes {
		how = " with B-frames"
	}
	return nil, fmt.Errorf("camera %q: %w: it sends %v%s", c.cfg.Name, ErrCodec, of, how)
}

// join and leave count a transcode's readers; t may be nil. The caller holds the mutex.
func (c *Camera) join(t *transcode) {
	if t != nil {
		t.readers++
		c.wantsChanged()
	}
}

func (c *Camera) leave(t *transcode) {
	if t == nil {
		return
	}
	if t.readers--; t.readers == 0 {
		t.forget() // it ends here, and so its last pictures are of the past
	}
	c.wantsChanged()
}

// forget forgets the pictures that there are. That they cannot be made stays known: who has
// gone on to another codec because of that would come back.
func (t *transcode) forget() {
	t.log.clear()
	t.keyWanted = true
}

// transcoder is one that the renderer keeps.
type transcoder struct {
	*decoder.Transcoder
	used time.Time
}

// transcode makes coded pictures of the newest frame, for those who read them.
func (r *renderer) transcode(session uint64) {
	type job struct {
		*transcode
		key bool
	}
	c := r.c
	var jobs []job
	c.mu.Lock()
	for _, t := range c.transcodes {
		if t.readers > 0 && t.failed == nil {
			jobs = append(jobs, job{t, t.keyWanted})
			t.keyWanted = false
		}
	}
	fps, _ := c.rate.rate(time.Now())
	c.mu.Unlock()
	if len(jobs) == 0 {
		return
	}
	if err := r.needFrame(); err != nil {
		c.undecodable(err)
		c.mu.Lock()
		for _, j := range jobs {
			j.keyWanted = j.keyWanted || j.key
		}
		c.mu.Unlock()
		return
	}
	for _, j := range jobs {
		au, err := r.transcodeTo(j.codec, fps, j.key)
		c.mu.Lock()
		switch {
		case err != nil:
			j.failed = err
			c.noteBroken(fmt.Errorf("camera %q: its pictures cannot be made into %v: %w", c.cfg.Name, j.codec, err), time.Now())
			j.log.wake() // who waits is told
		case session == c.life.session && c.life.current != nil && j.readers > 0:
			c.counts.transcoded++
			j.log.push(au, true)
		default:
			j.keyWanted = true // nobody has got it
		}
		c.mu.Unlock()
	}
}

func (r *renderer) transcodeTo(codec media.Codec, fps float64, key bool) (*media.AccessUnit, error) {
	t := r.transcoders[codec]
	if t == nil {
		made, err := decoder.NewTranscoder(codec)
		if err != nil {
			return nil, err
		}
		t = &transcoder{Transcoder: made}
		r.transcoders[codec] = t
	}
	t.used = time.Now()
	au, err := t.Encode(r.frame, fps, key)
	if err != nil {
		t.Close() // whatever state it is in
		delete(r.transcoders, codec)
	}
	return au, err
}
