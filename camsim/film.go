package camsim

import (
	"image"
	"math/rand/v2"
	"sync"
	"time"

	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/media"
)

// A shot is one coded picture on its way out.
type shot struct {
	au     *media.AccessUnit
	number uint32        // in the stamp
	shift  time.Duration // how much later than its turn it is shown: B-frames only
}

// A film is what a camera shows. It is for one goroutine.
type film interface {
	// first is a key frame with the parameter sets of all.
	first() *media.AccessUnit
	// next moves on by one picture. Where wanted is false nobody watches, and nothing
	// need be made. The shots are shared: nobody changes them.
	next(now time.Time, wanted bool) ([]shot, error)
	// still draws the picture whose turn was last. It is the film's own, and holds until
	// the next call of any method.
	still(now time.Time) *image.YCbCr
	close()
}

func newFilm(o Options) (film, error) {
	if o.Mode == Live {
		return newLive(o)
	}
	return loadClip(o)
}

// live draws and encodes each picture when it is due.
type live struct {
	encoder *decoder.VideoEncoder
	scene   *street
	start   *media.AccessUnit
	fps     float64
	number  uint32 // of the next picture
	encoded int64  // pictures given to the encoder
	out     int64  // access units it gave back
	base    []uint32
	asleep  bool
}

func newLive(o Options) (*live, error) {
	encoder, err := decoder.NewVideoEncoder(o.Video)
	if err != nil {
		return nil, err
	}
	l := &live{encoder: encoder, scene: newStreet(o), fps: o.Video.FPS, asleep: true}
	// One encoder tells the parameter sets and is thrown away: it would go on with a
	// picture that nobody has seen.
	probe, err := decoder.NewVideoEncoder(o.Video)
	if err == nil {
		l.start, err = firstKey(probe, l.scene)
		probe.Close()
	}
	if err != nil {
		encoder.Close()
		return nil, err
	}
	return l, nil
}

func firstKey(e *decoder.VideoEncoder, s *street) (*media.AccessUnit, error) {
	units, err := e.Encode(s.draw(0, time.Unix(0, 0)), true)
	if err != nil {
		return nil, err
	}
	more, err := e.Flush()
	if err != nil {
		return nil, err
	}
	return append(units, more...)[0], nil
}

func (l *live) first() *media.AccessUnit { return l.start }

func (l *live) next(now time.Time, wanted bool) ([]shot, error) {
	number := l.number
	l.number = (l.number + 1) % stamp.Numbers
	if !wanted {
		l.asleep = true
		return nil, nil
	}
	units, err := l.encoder.Encode(l.scene.draw(number, now), l.asleep)
	l.asleep = false
	if err != nil {
		return nil, err
	}
	l.base = append(l.base, number)
	shots := make([]shot, 0, len(units))
	for _, au := range units {
		// The encoder counts the pictures it was given, l.number all that were due.
		at := int64(au.PTS.Seconds()*l.fps + 0.5)
		back := int(l.encoded - at)
		shots = append(shots, shot{au: au, number: l.base[len(l.base)-1-back], shift: shift(at, l.out, l.fps)})
		l.out++
	}
	l.encoded++
	if len(l.base) > 64 {
		l.base = append(l.base[:0], l.base[len(l.base)-32:]...)
	}
	return shots, nil
}

func (l *live) close() { l.encoder.Close() }

// shift is by how much picture shown is due after its place out in the stream.
func shift(shown, out int64, fps float64) time.Duration {
	return time.Duration(float64(shown-out) / fps * float64(time.Second))
}

// clip repeats pictures that were made before.
type clip struct {
	shots []shot
	at    int
	key   clipKey
	scene *texture // for stills; nil until the first
}

func (c *clip) first() *media.AccessUnit { return c.shots[0].au }

func (c *clip) next(_ time.Time, wanted bool) ([]shot, error) {
	at := c.at
	c.at = (c.at + 1) % len(c.shots)
	if !wanted {
		return nil, nil
	}
	return c.shots[at : at+1], nil
}

func (c *clip) close() {}

// clips made so far, so that a test suite encodes each kind once.
var clips = struct {
	sync.Mutex
	made map[clipKey]func() ([]shot, error)
}{made: map[clipKey]func() ([]shot, error){}}

type clipKey struct {
	video  decoder.VideoEncoderOptions
	frames int
	seed   uint64
}

func loadClip(o Options) (*clip, error) {
	key := clipKey{o.Video, o.ClipFrames, o.Seed}
	clips.Lock()
	load := clips.made[key]
	if load == nil {
		load = sync.OnceValues(func() ([]shot, error) { return encodeClip(key) })
		clips.made[key] = load
	}
	clips.Unlock()
	shots, err := load()
	if err != nil {
		return nil, err
	}
	return &clip{shots: shots, key: key}, nil
}

func encodeClip(key clipKey) ([]shot, error) {
	encoder, err := decoder.NewVideoEncoder(key.video)
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	scene := newTexture(key.video, rand.New(rand.NewPCG(key.seed, 1)))
	var units []*media.AccessUnit
	for n := range key.frames {
		some, err := encoder.Encode(scene.draw(uint32(n)), n%key.video.GOP == 0)
		if err != nil {
			return nil, err
		}
		units = append(units, some...)
	}
	rest, err := encoder.Flush()
	if err != nil {
		return nil, err
	}
	shots := make([]shot, 0, key.frames)
	for n, au := range append(units, rest...) {
		at := int64(au.PTS.Seconds()*key.video.FPS + 0.5)
		shots = append(shots, shot{au: au, number: uint32(at), shift: shift(at, int64(n), key.video.FPS)})
	}
	return shots, nil
}
