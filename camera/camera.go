// Package camera is one camera's life: it connects while somebody watches, keeps the
// newest coded pictures and passes them on to who can take them, decodes what is wanted,
// shares each encode among its viewers, and says honestly when what they see is not
// happening now.
//
// A Camera runs two goroutines of its own, both within Run: the life (connect, stream,
// stall, connect again; life.go) and the renderer (decode, scale, encode, publish;
// renderer.go). What they share lies in Camera under one mutex that is never held
// across a call into libav or the network.
package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

var (
	// ErrTooManyRenditions: as many sizes and qualities of the camera are being watched
	// as its configuration allows.
	ErrTooManyRenditions = errors.New("too many different sizes and qualities of this camera are being watched")

	// ErrClosed: the camera is no longer run.
	ErrClosed = errors.New("the camera is no longer served")
)

// DefaultMaxRenditions is how many renditions a camera has at most where Config does
// not say.
const DefaultMaxRenditions = 16

// Config is what a camera needs to know.
type Config struct {
	Name    string
	Address source.Address // of a stream, or of an ONVIF camera that is asked for its streams

	// Identity is what is known of an ONVIF camera besides its address; the zero value is
	// nothing. Find says at which host:port a camera is that does not answer any more;
	// nil: nobody knows. It is called about once a second meanwhile, and must return at once.
	Identity Identity
	Find     func(context.Context, Identity) (host string, found bool)

	// DigestOnly never sends an ONVIF camera its password in a form that can be read. It is
	// so in any case where the camera is not at its configured address.
	DigestOnly bool

	// Events keeps the camera's events subscribed, so that Status tells of motion.
	Events bool

	// Substream is where the same picture comes smaller, for Camera.Substream; zero: an ONVIF
	// camera's profiles are looked through.
	Substream source.Address

	// Source is passed on to the RTSP source; what it says of one session is set by the camera.
	Source source.Options

	// Audio takes the camera's sound, where it has some, for Camera.Audio.
	Audio bool

	OnDemand bool          // connect for the first viewer only, leave Linger after the last
	Linger   time.Duration // how long a camera nobody watches stays connected

	Quality int     // of JPEGs whose viewer does not say, 1 to 100; 0: media.DefaultQuality
	MaxFPS  float64 // no viewer gets more pictures a second; 0: the camera's own rate

	Threads       int // of the decoder; 0: chosen
	MaxPixels     int // width × height decoded at most; 0: decoder.DefaultMaxPixels
	MaxRenditions int // 0: DefaultMaxRenditions
}

// A Camera is made by New and does nothing until Run. All other methods may be called
// from any goroutine, before, during and after Run.
type Camera struct {
	cfg Config
	log *slog.Logger

	device   *device        // nil where the address is of a stream
	parent   *Camera        // whose substream this is; nil: none
	ordering chan struct{}  // of one element, held while the camera is given an order
	tasks    sync.WaitGroup // beside the two of Run: each ends soon after Run is over, or before

	demand     chan struct{}   // of one element: viewers have come or gone
	reconsider chan struct{}   // of one element: the same, for the choice of a profile
	wake       chan struct{}   // of one element: the renderer has something to look at
	runs       context.Context // done when Run is over
	over       context.CancelFunc
	ended      <-chan struct{} // runs.Done()

	mu         sync.Mutex
	moving     chan struct{} // closed by the order that overtakes the last one; nil: none
	renditions map[media.Rendition]*rendition
	viewers    int                        // of pictures
	readers    map[*PacketReader]struct{} // of packets
	units      gopCache
	packets    packetLog
	reordering reordering
	transcodes map[media.Codec]*transcode
	hearing    hearing
	smaller    *Camera                     // see Substream; nil: nobody has asked for it
	start      func(func(context.Context)) // runs beside the camera; nil: it is not run
	keyAsked   time.Time                   // when the camera was last asked for a key frame
	decoding   decodeMode
	life       life
	counts     counts
	rate       meter
}

// counts only ever grow.
type counts struct {
	received, decoded, encoded, transcoded, damaged, decodeErrors, packetsLost, reconnects uint64
}

// New makes a camera. It does not connect.
func New(cfg Config, log *slog.Logger) *Camera {
	c := newCamera(cfg, log)
	c.device = newDevice(c.cfg, c.log)
	return c
}

// newCamera is New for a camera that asks no device of its own.
func newCamera(cfg Config, log *slog.Logger) *Camera {
	if cfg.Quality == 0 {
		cfg.Quality = media.DefaultQuality
	}
	if cfg.MaxRenditions == 0 {
		cfg.MaxRenditions = DefaultMaxRenditions
	}
	c := &Camera{
		cfg:        cfg,
		log:        log.With("camera", cfg.Name),
		ordering:   make(chan struct{}, 1),
		demand:     make(chan struct{}, 1),
		reconsider: make(chan struct{}, 1),
		wake:       make(chan struct{}, 1),
		renditions: make(map[media.Rendition]*rendition),
		readers:    make(map[*PacketReader]struct{}),
		transcodes: make(map[media.Codec]*transcode),
		hearing:    hearing{listeners: make(map[*AudioReader]struct{})},
	}
	c.cfg.Source.Camera, c.cfg.Source.Log = cfg.Name, c.log
	c.runs, c.over = context.WithCancel(context.Background())
	c.ended = c.runs.Done()
	c.life.since = time.Now() // idle until somebody watches
	return c
}

// Name is the camera's name, as in every URL.
func (c *Camera) Name() string { return c.cfg.Name }

// Run connects whenever the camera is wanted, until ctx ends; then it waits for all it
// started. It is called once. The error is ctx's.
func (c *Camera) Run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { newRenderer(c).run(ctx) })
	if c.device != nil {
		defer c.device.close()
		if c.cfg.Events {
			others.Go(func() { c.device.watchMotion(ctx) })
		}
	}
	c.mu.Lock()
	c.start = func(run func(context.Context)) { others.Go(func() { run(ctx) }) }
	if c.smaller != nil {
		c.start(c.smaller.runBeside)
	}
	c.mu.Unlock()
	err := c.live(ctx)
	c.mu.Lock()
	c.start = nil
	c.over()
	c.mu.Unlock()
	others.Wait()
	c.tasks.Wait()
	return err
}

// Watch registers a viewer that wants at most fps pictures a second, 0 for all there
// are. The viewer must be closed. The error is ErrTooManyRenditions or ErrClosed.
func (c *Camera) Watch(r media.Rendition, fps float64) (*Viewer, error) {
	return c.watchAs(r, fps, false)
}

// WatchStill is Watch for a viewer that leaves when it has one new picture.
func (c *Camera) WatchStill(r media.Rendition) (*Viewer, error) { return c.watchAs(r, 0, true) }

func (c *Camera) watchAs(r media.Rendition, fps float64, still bool) (*Viewer, error) {
	if c.cfg.MaxFPS > 0 && (fps == 0 || fps > c.cfg.MaxFPS) {
		fps = c.cfg.MaxFPS
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return nil, ErrClosed
	default:
	}
	shared, err := c.rendition(r)
	if err != nil {
		return nil, err
	}
	v := &Viewer{camera: c, rendition: shared, fps: fps, still: still, before: c.life.sequence, since: time.Now()}
	shared.viewers[v] = struct{}{}
	c.viewers++
	c.wantsChanged()
	return v, nil
}

// rendition finds or makes the shared rendition; the caller holds mu.
func (c *Camera) rendition(r media.Rendition) (*rendition, error) {
	if shared := c.renditions[r]; shared != nil {
		return shared, nil
	}
	if len(c.renditions) >= c.cfg.MaxRenditions {
		var idlest *rendition
		for _, other := range c.renditions {
			if len(other.viewers) == 0 && (idlest == nil || other.idleSince.Before(idlest.idleSince)) {
				idlest = other
			}
		}
		if idlest == nil {
			return nil, fmt.Errorf("%w: %d", ErrTooManyRenditions, c.cfg.MaxRenditions)
		}
		delete(c.renditions, idlest.wanted)
	}
	shared := newRendition(r)
	c.renditions[r] = shared
	return shared, nil
}

// wantsChanged tells the life and the renderer that viewers came or went; the caller
// holds mu.
func (c *Camera) wantsChanged() {
	c.updateMode(time.Now())
	signal(c.demand)
	signal(c.reconsider)
	signal(c.wake)
}

// updateMode decides anew what is decoded; the caller holds mu.
func (c *Camera) updateMode(now time.Time) {
	mode := c.wantedMode(now)
	if mode == decodeNothing && c.decoding != decodeNothing {
		c.units.rewind()
		// What was decoded last is from now on the past: no viewer that comes later gets
		// it as live.
		c.life.sequence++
		c.life.frame = c.life.sequence
	}
	c.decoding = mode
}

// Newest is the newest live picture of a rendition that is there already, nil if there
// is none. It starts no work.
func (c *Camera) Newest(r media.Rendition) *media.Picture {
	c.mu.Lock()
	defer c.mu.Unlock()
	shared := c.renditions[r]
	if shared == nil || shared.picture == nil || shared.picture.State != media.Live {
		return nil
	}
	return shared.picture
}

// signal wakes whoever waits on a channel of one element.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
