package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"camgate/camera/source"
	"camgate/decoder"
	"camgate/media"
)

// ErrNoAudio: the camera sends no sound, or none that can be taken.
var ErrNoAudio = errors.New("the camera sends no sound that can be taken here")

const (
	// keptSound is how many frames a slow listener may be behind: a second or so.
	keptSound = 64

	// deafFor is how long a camera is not asked for sound again that hung up when it was.
	deafFor = 10 * time.Minute
)

// audioLog holds the last frames of sound. They are numbered as they come; a listener is a
// number. The camera's mutex guards it.
type audioLog struct {
	frames  []*media.AudioFrame
	first   uint64        // number of frames[0]
	changed chan struct{} // closed when a frame comes; nil: nobody waits
}

func (l *audioLog) end() uint64 { return l.first + uint64(len(l.frames)) }

func (l *audioLog) push(f *media.AudioFrame) {
	if len(l.frames) == keptSound {
		l.frames[0] = nil // the array lives on
		l.frames = l.frames[1:]
		l.first++
	}
	l.frames = append(l.frames, f)
	l.wake()
}

func (l *audioLog) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *audioLog) await() <-chan struct{} {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// hearing is the sound of a camera; its mutex guards it.
type hearing struct {
	listeners map[*AudioReader]struct{}
	own       audioLog // as it comes
	opus      audioLog // made of AAC
	making    bool     // opus is being made
	deafUntil time.Time
	packets   uint64 // that have come, heard or not
}

// An AudioReader takes a camera's sound, from now on. One that falls behind goes on with
// the newest. It does not connect the camera: who watches does.
//
// Next and Format are for one goroutine. Close it.
type AudioReader struct {
	camera *Camera
	codecs []media.AudioCodec
	kick   chan struct{} // of one element: Next is to look again

	// Guarded by the camera's mutex.
	closed bool
	log    *audioLog // nil: not known yet
	next   uint64
	codec  media.AudioCodec // that the reader was told or given
}

// Audio opens a reader that takes these codecs: PCMU, PCMA and Opus as they come, and AAC
// as Opus, made once for all who listen. None: whatever comes.
func (c *Camera) Audio(codecs ...media.AudioCodec) *AudioReader {
	r := &AudioReader{camera: c, codecs: codecs, kick: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hearing.listeners[r] = struct{}{}
	return r
}

// Format is the codec that the reader gets. It waits until the camera's tracks are known,
// and so until the camera is connected. The error is ctx's, ErrNoAudio or ErrClosed.
func (r *AudioReader) Format(ctx context.Context) (media.AudioCodec, error) {
	var codec media.AudioCodec
	err := r.await(ctx, func() (bool, error) {
		if r.camera.life.current == nil {
			return false, nil
		}
		var err error
		codec, err = r.target(r.camera.life.info.Audio)
		if err == nil {
			r.codec = codec
		}
		return true, err
	})
	return codec, err
}

// Next waits for the next frame. The error is ctx's, ErrNoAudio, ErrClosed, or
// ErrFormatChanged where another codec follows.
func (r *AudioReader) Next(ctx context.Context) (*media.AudioFrame, error) {
	var frame *media.AudioFrame
	err := r.await(ctx, func() (bool, error) {
		if r.camera.life.current == nil {
			return false, nil
		}
		codec, err := r.target(r.camera.life.info.Audio)
		if err != nil {
			return false, err
		}
		if r.codec != media.UnknownAudio && r.codec != codec {
			return false, fmt.Errorf("camera %q: %w: %v after %v", r.camera.cfg.Name, ErrFormatChanged, codec, r.codec)
		}
		r.codec = codec
		if r.next < r.log.first {
			r.next = r.log.end() - 1
		}
		if r.next >= r.log.end() {
			return false, nil
		}
		frame = r.log.frames[r.next-r.log.first]
		r.next++
		return true, nil
	})
	return frame, err
}

// target is the codec that the reader gets of a track, and puts it into that log; the
// caller holds the mutex. The error is ErrNoAudio.
func (r *AudioReader) target(track source.AudioTrack) (media.AudioCodec, error) {
	takes := func(codec media.AudioCodec) bool { return len(r.codecs) == 0 || slices.Contains(r.codecs, codec) }
	h := &r.camera.hearing
	switch {
	case track.Codec == media.UnknownAudio:
	case takes(track.Codec):
		r.enter(&h.own)
		return track.Codec, nil
	case track.Codec == media.AAC && takes(media.Opus) && decoder.MakesOpus():
		r.enter(&h.opus)
		r.camera.makeOpus()
		return media.Opus, nil
	}
	return media.UnknownAudio, fmt.Errorf("camera %q: %w", r.camera.cfg.Name, ErrNoAudio)
}

func (r *AudioReader) enter(l *audioLog) {
	if r.log != l {
		r.log, r.next = l, l.end()
	}
}

// await calls ready, with the camera's mutex held, each time that there may be something
// new, until it is true or there is an error.
func (r *AudioReader) await(ctx context.Context, ready func() (bool, error)) error {
	c := r.camera
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if r.closed {
			return ErrClosed
		}
		if done, err := ready(); done || err != nil {
			return err
		}
		log := r.log
		if log == nil {
			log = &c.hearing.own
		}
		changed := log.await()
		c.mu.Unlock()
		var err error
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

// Close ends the reader, and a Next that waits. Closing twice is harmless.
func (r *AudioReader) Close() {
	r.camera.mu.Lock()
	defer r.camera.mu.Unlock()
	r.closed = true
	delete(r.camera.hearing.listeners, r)
	r.camera.hearing.own.wake() // who makes Opus looks whether anybody still wants it
	signal(r.kick)
}

// AudioPacket is of source.AudioSink.
func (s *session) AudioPacket() bool {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hearing.packets++
	return len(c.hearing.listeners) > 0 && !s.over && !s.waiting
}

// AudioFrame is of source.AudioSink.
func (s *session) AudioFrame(f *media.AudioFrame) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.over && !s.waiting {
		c.hearing.own.push(f)
	}
}

// heard notes what a session that becomes current brings; the caller holds the mutex.
func (c *Camera) heard(info source.Info) {
	if info.NoAudio {
		c.hearing.deafUntil = time.Now().Add(deafFor)
	}
	c.hearing.own.wake() // the tracks are known
	c.hearing.opus.wake()
}

// listens is where a session's sound is to go, nil for nowhere.
func (c *Camera) listens(s *session) source.AudioSink {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cfg.Audio || time.Now().Before(c.hearing.deafUntil) {
		return nil
	}
	return s
}

// makeOpus sees to it that Opus is made of the camera's AAC; the caller holds the mutex.
// Run waits for its end.
func (c *Camera) makeOpus() {
	if c.hearing.making || c.runs.Err() != nil {
		return
	}
	c.hearing.making = true
	c.tasks.Go(c.transcodeSound)
}

// wantsOpus says whether anybody listens to Opus made of AAC; the caller holds the mutex.
func (c *Camera) wantsOpus() bool {
	for r := range c.hearing.listeners {
		if r.log == &c.hearing.opus {
			return true
		}
	}
	return false
}

// transcodeSound makes Opus of AAC until nobody listens to it any more.
func (c *Camera) transcodeSound() {
	var t *decoder.AudioTranscoder
	var track source.AudioTrack
	defer func() {
		if t != nil {
			t.Close()
		}
	}()
	own := &c.hearing.own
	c.mu.Lock()
	for at := own.end(); ; {
		if !c.wantsOpus() || c.runs.Err() != nil {
			c.hearing.making = false
			c.mu.Unlock()
			return
		}
		at = max(at, own.first)
		if at >= own.end() {
			changed := own.await()
			c.mu.Unlock()
			select {
			case <-changed:
			case <-c.ended:
			}
			c.mu.Lock()
			continue
		}
		frame, now := own.frames[at-own.first], c.life.info.Audio
		at++
		c.mu.Unlock()

		if t != nil && (now.Rate != track.Rate || now.Channels != track.Channels || !slices.Equal(now.Config, track.Config)) {
			t.Close()
			t = nil
		}
		made, err := c.opus(&t, now, frame)
		track = now

		c.mu.Lock()
		if err != nil {
			c.noteBroken(fmt.Errorf("camera %q: its sound cannot be made into Opus: %w", c.cfg.Name, err), time.Now())
		}
		for _, f := range made {
			c.hearing.opus.push(f)
		}
	}
}

// opus makes Opus of a frame, with t, which it opens where it is nil.
func (c *Camera) opus(t **decoder.AudioTranscoder, track source.AudioTrack, f *media.AudioFrame) ([]*media.AudioFrame, error) {
	if f.Codec != media.AAC || track.Codec != media.AAC {
		return nil, nil // from before a change
	}
	if *t == nil {
		made, err := decoder.NewAudioTranscoder(track.Config)
		if err != nil {
			return nil, err
		}
		*t = made
	}
	return (*t).Transcode(f)
}
