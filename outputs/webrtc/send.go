package webrtc

import (
	"context"
	"errors"
	"slices"
	"time"

	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
	"camgate/media"
)

// How a session catches up with what is live, having begun at the cached key frame.
const (
	catchUp      = 500 * time.Millisecond // for the whole cache
	shortestStep = 4 * time.Millisecond   // between two pictures meanwhile
	longestStep  = 20 * time.Millisecond
	fewBehind    = 3 // pictures that come together are no catching up

	oldKey      = 2 * time.Second        // a key frame older than that: the camera is asked for one
	keyPause    = 500 * time.Millisecond // between two answers to requests for a key frame
	reportEvery = time.Second

	lookEvery  = time.Second // at whether another stream is to be sent
	soundPause = time.Second // before a camera that has no sound any more is listened to again
)

// A feed is what sendPictures goes by. It belongs to that goroutine alone.
type feed struct {
	*session
	pictures pictures
	clock    pictureClock
	packer   *packer
	done     func() // gives packer up

	catching bool
	caughtAt time.Time // when all is to have been caught up with
	step     time.Duration
	timer    *time.Timer
	fromKey  bool // nothing is sent before the next key frame
	wasAway  bool

	throttle   throttle
	opening    bool      // of another stream
	noSmaller  time.Time // when the smaller stream was tried in vain last
	reportedAt time.Time
}

// sendPictures sends the camera's pictures until the session ends.
func (one *session) sendPictures() error {
	f := &feed{session: one, pictures: one.pictures, fromKey: true, timer: time.NewTimer(time.Hour), throttle: throttle{first: one.server.patience.rest}}
	f.clock = pictureClock{began: time.Now(), offset: randomNumber()}
	f.repack()
	defer func() { f.done() }()
	defer f.timer.Stop()
	f.pictures.Restart() // what has come since it was opened lies in the past
	for {
		p, err := f.next()
		if errors.Is(err, context.DeadlineExceeded) && one.ctx.Err() == nil {
			f.adapt(time.Now())
			continue
		}
		if errors.Is(err, camera.ErrFormatChanged) {
			err = f.reopen()
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		if err := f.take(p); err != nil {
			return err
		}
	}
}

// next waits for a picture. Where it may have to come from another stream soon, the wait
// has an end: the one that is sent may have fallen silent.
func (f *feed) next() (camera.Packet, error) {
	if f.throttle.level == everything && !f.substream && !f.opening {
		return f.pictures.Next(f.ctx)
	}
	ctx, cancel := context.WithTimeout(f.ctx, lookEvery)
	defer cancel()
	return f.pictures.Next(ctx)
}

// take sends a picture, if it is one that is to be sent, and waits where that is wise.
func (f *feed) take(p camera.Packet) error {
	now := time.Now()
	f.adapt(now)
	if p.Skipped {
		f.fromKey = true
	}
	if f.away.Load() {
		f.wasAway = true
		return nil
	}
	if f.wasAway { // and is back: not only at the next key frame
		f.wasAway, f.fromKey = false, true
		f.pictures.Restart()
		return nil
	}
	if !p.Key && (f.fromKey || f.sparing()) {
		f.fromKey = true
		return nil
	}
	f.fromKey = false
	f.pace(p.Behind, now)
	if err := f.transmit(p, now); err != nil {
		return err
	}
	f.report(now)
	if !f.catching {
		return nil
	}
	f.timer.Reset(f.step)
	select {
	case <-f.timer.C:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// pace decides whether, and how fast, the session catches up: what comes meanwhile makes
// it hurry, or a camera of 50 pictures a second would always be ahead.
func (f *feed) pace(behind int, now time.Time) {
	switch {
	case behind == 0:
		f.catching = false
		return
	case !f.catching && behind >= fewBehind:
		f.catching, f.caughtAt = true, now.Add(catchUp)
	}
	f.step = min(max(f.caughtAt.Sub(now)/time.Duration(behind), shortestStep), longestStep)
}

func (f *feed) transmit(p camera.Packet, now time.Time) error {
	if p.Key {
		f.noteKey(now, now.Sub(p.Received))
		if f.throttle.level != everything { // the link is full: what was lost before is not of use any more
			f.videoTrack.forget()
		}
	}
	payloads := f.packer.pack(p.AccessUnit).payloads
	if len(payloads) == 0 {
		return nil
	}
	timestamp := f.clock.stamp(p.PTS, p.Received, now, f.catching)
	b := f.currentBatch()
	b.hold()
	defer b.flush()
	return f.videoTrack.send(payloads, timestamp, true)
}

// noteKey remembers a key frame that is being sent, and asks for a newer one where it is
// old: catching up is then shorter the next time.
func (f *feed) noteKey(now time.Time, age time.Duration) {
	f.mu.Lock()
	f.keyAt, f.keyAge = now, age
	f.mu.Unlock()
	if age > oldKey {
		f.shown().RequestKeyFrame()
	}
}

// report tells the browser, once in a while, which time a timestamp means.
func (f *feed) report(now time.Time) {
	if f.catching || now.Sub(f.reportedAt) < reportEvery {
		return
	}
	f.reportedAt = now
	f.writeReport(f.videoTrack, now, f.clock.at(now))
}

// repack takes the packer of the stream that is being sent.
func (f *feed) repack() {
	if f.done != nil {
		f.done()
	}
	f.mu.Lock()
	name := stream{camera: f.session.camera.Name(), substream: f.substream, transcoded: f.format.Transcoded, codec: f.format.Codec.String()}
	f.mu.Unlock()
	f.packer, f.done = f.server.packer(name)
}

// keyFrame answers a request for a key frame: the session begins again at the cached one.
func (one *session) keyFrame() {
	now := time.Now()
	one.mu.Lock()
	r, recent, old := one.pictures, now.Sub(one.keyAt) < one.link.unanswered(keyPause), one.keyAge+now.Sub(one.keyAt) > oldKey
	if !recent {
		one.keyAt = now
	}
	one.mu.Unlock()
	if recent {
		return // it is on its way
	}
	r.Restart()
	if old {
		one.shown().RequestKeyFrame()
	}
}

// sparing says that key frames alone are sent.
func (f *feed) sparing() bool {
	return f.throttle.level == keysOnly || f.throttle.level == smaller && !f.substream
}

// opened are pictures of another stream, or why there are none.
type opened struct {
	pictures  pictures
	sound     sound // nil: that of before goes on
	format    camera.Format
	payload   uint8 // type, in which they are sent
	substream bool
	err       error
}

// adapt sends less where the link is overloaded, and more where it has not been for a
// while.
func (f *feed) adapt(now time.Time) {
	if f.link.overload(now) && f.throttle.level != keysOnly {
		f.throttle.down(now, f.hasSmaller(now))
		f.log.Info("a viewer's link does not carry the pictures: it gets fewer", "level", f.throttle.level, "again after", f.throttle.rest)
	} else if f.throttle.up(now, f.throttle.level == keysOnly && f.hasSmaller(now)) {
		f.log.Info("a viewer gets more pictures again", "level", f.throttle.level)
		if !f.sparing() {
			f.shown().RequestKeyFrame() // they begin with one, and some cameras send one a minute
		}
	}
	select {
	case o := <-f.opened:
		f.opening = false
		f.change(o)
	default:
	}
	if f.opening || f.throttle.level == keysOnly {
		return
	}
	if wanted := f.throttle.level == smaller; wanted != f.substream {
		f.opening = true
		f.spawn("another stream", func() error { f.openOther(wanted); return nil })
	}
}

// hasSmaller says whether there is a smaller stream to go to. One that did not open is tried
// again after a while: the camera may just have started, or had too many viewers.
func (f *feed) hasSmaller(now time.Time) bool {
	return (f.noSmaller.IsZero() || now.Sub(f.noSmaller) > mostRest) && f.session.camera.substream() != nil
}

// openOther opens the camera's smaller stream, or its own again, in the codec of the
// session, and waits for its first key frame. Until then the other goes on.
func (one *session) openOther(smaller bool) {
	o := opened{substream: smaller}
	from := one.camera
	if smaller {
		from = from.substream()
	}
	if from == nil {
		o.err = camera.ErrClosed // gone meanwhile
	} else {
		o.pictures, o.format, o.payload, o.err = one.openSame(from)
	}
	if o.err == nil && one.audioTrack != nil {
		// A camera that nobody watches is not connected, and so is silent.
		o.sound, _ = one.openSound(one.ctx, from, []media.AudioCodec{one.audio.audioCodec()})
	}
	one.opened <- o // of one element, and one is opened at a time
}

// openSame opens a stream in a codec of the session, one that the browser was told of, and
// says with which payload type it is sent.
func (one *session) openSame(from source) (r pictures, f camera.Format, payload uint8, err error) {
	for _, in := range one.videoFormats() {
		if r, f, err = one.openIn(from, in); err == nil || !errors.Is(err, camera.ErrCodec) {
			return r, f, in.payload, err
		}
	}
	return nil, camera.Format{}, 0, err
}

// openIn opens a stream in a format of the session.
func (one *session) openIn(from source, in format) (pictures, camera.Format, error) {
	ctx, cancel := context.WithTimeout(one.ctx, one.server.patience.picture)
	defer cancel()
	codec := in.codec()
	wanted := one.wanted
	wanted.Transcode = slices.DeleteFunc(slices.Clone(wanted.Transcode), func(c media.Codec) bool { return c != codec })
	wanted.Codecs = []media.Codec{codec}
	if !slices.Contains(one.wanted.Codecs, codec) {
		wanted.Codecs = []media.Codec{media.VP8} // no camera's: it is encoded anew
	}
	for {
		r, err := from.packets(wanted, one.peer)
		if err != nil {
			return nil, camera.Format{}, err
		}
		f, err := r.Format(ctx)
		if err != nil {
			r.Close()
			return nil, camera.Format{}, err
		}
		if codec != media.H264 || f.Transcoded {
			return r, f, nil
		}
		if p := streamProfile(f.SPS); p <= in.profile() || p <= high && one.lenient {
			return r, f, nil
		}
		r.Close()
		if wanted.Codecs[0] == media.VP8 {
			return nil, camera.Format{}, camera.ErrCodec
		}
		wanted.Codecs = []media.Codec{media.VP8}
	}
}

// change goes over to another stream, at its key frame.
func (f *feed) change(o opened) {
	if o.err != nil {
		if o.substream {
			f.noSmaller = time.Now()
			f.throttle.level = keysOnly
		} else {
			f.throttle.level = smaller // and later again
			f.throttle.since = time.Now()
		}
		f.log.Debug("a viewer's other stream did not open", "err", o.err)
		return
	}
	f.use(o)
}

// use sends other pictures from now on.
func (f *feed) use(o opened) {
	f.mu.Lock()
	old, sound := f.session.pictures, f.session.sound
	f.session.pictures, f.format, f.substream = o.pictures, o.format, o.substream
	if o.sound != nil {
		f.session.sound = o.sound
	}
	f.mu.Unlock()
	f.pictures, f.fromKey = o.pictures, true
	f.videoTrack.carry(o.payload)
	old.Close()
	if o.sound != nil {
		sound.Close()
	}
	f.pictures.Restart()
	f.repack()
}

// reopen goes on with a stream whose format has changed.
func (f *feed) reopen() error {
	from := f.session.camera
	if f.substream {
		from = from.substream()
	}
	if from == nil {
		return camera.ErrClosed
	}
	r, format, payload, err := f.openSame(from)
	if err != nil {
		return err // the browser asks anew, and offers all it has
	}
	f.use(opened{pictures: r, format: format, payload: payload, substream: f.substream})
	return nil
}

func (one *session) currentSound() sound {
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.sound
}

// sendSound sends the camera's sound until the session ends.
func (one *session) sendSound() error {
	clock := soundClock{rate: int(one.audio.clock), offset: randomNumber()}
	var reported time.Time
	begins := true
	payload := make([][]byte, 1)
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		from := one.currentSound()
		a, err := from.Next(one.ctx)
		if err != nil {
			if one.ctx.Err() != nil {
				return context.Cause(one.ctx)
			}
			if one.currentSound() != from {
				continue
			}
			one.log.Debug("a camera's sound has ended", "err", err)
			if errors.Is(err, camera.ErrClosed) {
				return nil // as the pictures do
			}
			// Pictures go on. The sound may come back: of another profile, after a reboot.
			pause.Reset(soundPause)
			select {
			case <-pause.C:
			case <-one.ctx.Done():
			}
			continue
		}
		if one.away.Load() {
			continue
		}
		samples := int(ticks(a.Duration, clock.rate))
		timestamp, gap := clock.stamp(samples, a.Received)
		payload[0] = a.Data
		// The marker begins a talkspurt (RFC 3551, 4.1).
		if err := one.audioTrack.send(payload, timestamp, begins || gap); err != nil {
			return err
		}
		begins = false
		if now := time.Now(); now.Sub(reported) >= reportEvery {
			reported = now
			one.writeReport(one.audioTrack, now, clock.at(now))
		}
	}
}

var _ pion.TrackLocal = (*track)(nil)
