package camsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/description"

	"camgate/decoder"
)

// A Camera is one simulated camera. Its methods may be called from any goroutine. Close
// ends it and all that it started.
type Camera struct {
	server *Server
	own    bool // the server serves this camera alone
	name   string
	mode   Mode

	counts struct{ connections, plays, overUDP, refused, sent, asked atomic.Uint64 }
	sent   sentRing
	told   atomic.Pointer[func(time.Time) string] // see Tell

	life    context.Context // ends with the camera
	cancel  context.CancelFunc
	tasks   sync.WaitGroup // the pump, and the outage that waits for its end
	wake    chan struct{}
	outages sync.Mutex // held to begin or end one
	current atomic.Pointer[outage]

	mu      sync.Mutex
	options Options
	film    film
	track   *track
	sound   *sound // nil: none
	stream  *gortsplib.ServerStream
	mute    *gortsplib.ServerStream               // that of who is to hear nothing
	playing map[*gortsplib.ServerSession]struct{} // those that get what is sent
	obeyed  uint64                                // of the requests for a key frame
	faults  faults
	away    bool // rebooting or frozen
	clock   clock
	random  *rand.Rand
	held    *packet // that waits for the next one to overtake it
	onSent  func(uint32, time.Time)
}

// Start starts a camera on a port of its own. It closes with ctx.
func Start(ctx context.Context, o Options) (*Camera, error) {
	server, err := Listen(ctx, o.Server)
	if err != nil {
		return nil, err
	}
	c, err := server.add(o, true)
	if err != nil {
		server.Close()
		return nil, err
	}
	return c, nil
}

// Add starts a camera behind the server's port.
func (s *Server) Add(o Options) (*Camera, error) { return s.add(o, false) }

func (s *Server) add(o Options, own bool) (*Camera, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("simulated camera %q: %w", o.Name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Camera{server: s, own: own, name: o.Name, mode: o.Mode, options: o, life: ctx, cancel: cancel, wake: make(chan struct{}, 1),
		playing: map[*gortsplib.ServerSession]struct{}{}, random: rand.New(rand.NewPCG(o.Seed, 2))}
	c.clock.base = c.random.Uint32()
	var err error
	if c.sound, err = newSound(o.Audio); err == nil {
		err = c.load(o)
	}
	if err == nil {
		err = s.register(c)
	}
	if err != nil {
		cancel()
		c.unload()
		return nil, fmt.Errorf("simulated camera %q: %w", o.Name, err)
	}
	c.tasks.Go(func() { c.pump(ctx) })
	if c.sound != nil {
		c.tasks.Go(func() { c.hum(ctx, c.sound) })
	}
	return c, nil
}

func (s *Server) register(c *Camera) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("the server at %s is closed", s.gate.address)
	}
	if s.cameras[c.name] != nil {
		return fmt.Errorf("the server at %s has one of that name already", s.gate.address)
	}
	s.cameras[c.name] = c
	return nil
}

// load puts a new film on, and describes it. c.mu is locked, or c not yet shared.
func (c *Camera) load(o Options) error {
	film, err := newFilm(o)
	if err != nil {
		return err
	}
	track, err := newTrack(film.first())
	if err != nil {
		film.close()
		return err
	}
	if l, drawn := film.(*live); drawn {
		l.scene.told = &c.told
	}
	if c.film != nil {
		c.film.close()
	}
	c.film, c.options = film, o
	if c.stream != nil && c.track.codec == track.codec {
		c.track.packet = track.packet // sessions go on: the stream says what changed
		c.track.describe(film.first())
		return nil
	}
	c.track = track
	return c.renewStream()
}

// renewStream ends all sessions and offers the track anew. c.mu is locked, or c not yet
// shared.
func (c *Camera) renewStream() error {
	c.closeStream()
	tracks := []*description.Media{c.track.media}
	if c.sound != nil {
		tracks = append(tracks, c.sound.media)
	}
	for _, stream := range []**gortsplib.ServerStream{&c.stream, &c.mute} {
		s := &gortsplib.ServerStream{Server: c.server.rtsp, Desc: &description.Session{Medias: tracks}}
		if err := s.Initialize(); err != nil {
			return err
		}
		*stream = s
	}
	return nil
}

func (c *Camera) closeStream() {
	for _, stream := range []*gortsplib.ServerStream{c.stream, c.mute} {
		if stream != nil {
			stream.Close()
		}
	}
	c.stream, c.mute = nil, nil
}

func (c *Camera) unload() {
	c.closeStream()
	if c.film != nil {
		c.film.close()
		c.film = nil
	}
}

// Tell has a live camera write into its pictures what text returns for their time, such as
// where it looks. text is called from the camera's goroutine; nil ends it.
func (c *Camera) Tell(text func(time.Time) string) {
	if text == nil {
		c.told.Store(nil)
		return
	}
	c.told.Store(&text)
}

// Name is the path of the camera's URL.
func (c *Camera) Name() string { return c.name }

// URL is where the camera is, with user and password where it wants them.
func (c *Camera) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := url.URL{Scheme: c.server.scheme(), Host: c.server.gate.address, Path: "/" + c.name}
	if c.options.Auth != AuthNone {
		u.User = url.UserPassword(c.options.User, c.options.Password)
	}
	return u.String()
}

// Address is URL without user and password: to print and to log.
func (c *Camera) Address() string {
	return c.server.scheme() + "://" + c.server.gate.address + "/" + c.name
}

// Video is what the pictures are like now.
func (c *Camera) Video() decoder.VideoEncoderOptions {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.options.Video
}

// Close ends the camera, its connections, and its server where Start made it. It returns
// when all has ended. Closing twice is harmless.
func (c *Camera) Close() {
	if c.own {
		c.server.Close()
		return
	}
	c.end()
}

func (c *Camera) end() {
	c.outages.Lock() // no outage begins after this
	c.cancel()
	c.outages.Unlock()
	c.tasks.Wait()
	c.server.mu.Lock()
	if c.server.cameras[c.name] == c {
		delete(c.server.cameras, c.name)
	}
	c.server.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unload()
}

func (c *Camera) login() (methods []auth.VerifyMethod, user, password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.options.Auth {
	case AuthBasic:
		methods = []auth.VerifyMethod{auth.VerifyMethodBasic}
	case AuthDigest:
		methods = []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
	case AuthBoth:
		methods = []auth.VerifyMethod{auth.VerifyMethodBasic, auth.VerifyMethodDigestMD5}
	}
	return methods, c.options.User, c.options.Password
}

// streamFor is what a session over a transport gets.
func (c *Camera) streamFor(transport gortsplib.Transport) *gortsplib.ServerStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	if transport != gortsplib.TransportTCP && c.faults.udpNowhere {
		return c.mute
	}
	return c.stream
}

func (c *Camera) setPlaying(s *gortsplib.ServerSession, playing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if playing {
		c.playing[s] = struct{}{}
		return
	}
	delete(c.playing, s)
}

// watched says that somebody gets what is sent. c.mu is locked.
func (c *Camera) watched() bool { return len(c.playing) > 0 }

// Counts of what happened since the camera was started.
type Counts struct {
	Connections uint64 `json:"connections"` // that asked for this camera
	Plays       uint64 `json:"plays"`       // PLAY requests granted
	OverUDP     uint64 `json:"over_udp"`    // SETUP requests granted for UDP
	Refused     uint64 `json:"refused"`     // requests with a wrong user or password
	KeysAsked   uint64 `json:"keys_asked"`  // requests for a key frame, by RTCP; a live camera obeys
	Sent        uint64 `json:"sent"`        // pictures, while at least one session played
	Playing     int    `json:"playing"`     // sessions that play now
}

// Counts says what happened so far.
func (c *Camera) Counts() Counts {
	c.mu.Lock()
	playing := len(c.playing)
	c.mu.Unlock()
	return Counts{Connections: c.counts.connections.Load(), Plays: c.counts.plays.Load(), OverUDP: c.counts.overUDP.Load(), Refused: c.counts.refused.Load(), KeysAsked: c.counts.asked.Load(),
		Sent: c.counts.sent.Load(), Playing: playing}
}
