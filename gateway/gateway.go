// Package gateway is the set of cameras that are served: those of a configuration, those
// that were added while it runs, and those that were found.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/config"
	"camgate/discovery"
)

var (
	// ErrNoCamera: there is none of that name.
	ErrNoCamera = errors.New("no such camera")

	// ErrExists: there is one of that name.
	ErrExists = errors.New("there is a camera of that name already")

	// ErrNotRunning: the gateway is ending, or has not begun.
	ErrNotRunning = errors.New("the gateway is not running")
)

// origin says why a camera is served.
type origin int

const (
	configured origin = iota
	added             // by somebody, while it runs
	found             // by auto_add
)

// A Gateway is made by New; Run runs its cameras.
type Gateway struct {
	log    *slog.Logger
	finder finder
	served atomic.Pointer[served]

	begun  chan struct{} // closed when Run has begun
	search chan struct{} // of one element: somebody misses a camera
	newest chan struct{} // of one element: auto_add has something to look at

	naming   sync.Mutex // held from looking whether a name or a device is free until it is taken; before changing
	changing sync.Mutex // held while cameras are added or removed
	running  context.Context
	tasks    sync.WaitGroup
	cfg      *config.Config // the last one

	began     *config.Config   // the first one: what holds until a restart is of it
	discovery config.Discovery // of began

	tries   tries   // of auto_add
	guesses guesses // of those who add cameras
}

// finder finds devices on the network; *discovery.Finder is one, and tests have their own.
type finder interface {
	Run(context.Context) error
	Search(ctx context.Context, wait time.Duration) error
	Devices() []discovery.Device
	Stats() discovery.Stats
	Forget()
}

// served is what there is at one time. Nobody changes it.
type served struct {
	entries []*entry
	cameras []*camera.Camera
	byName  map[string]*entry // by name in lower case
}

// entry is one camera, and why it is there.
type entry struct {
	camera  *camera.Camera
	cfg     config.Camera
	limits  config.Limits
	origin  origin
	address source.Address // as configured
	end     context.CancelFunc
	ended   chan struct{}

	device atomic.Pointer[string] // ID of the device that was found at its address
	named  atomic.Pointer[named]  // where that is, if it is a name; nil: not looked up yet
}

// New makes the cameras of a configuration that config.Load has checked. The error names
// the camera whose source cannot be read.
func New(cfg *config.Config, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{log: log, cfg: cfg, began: cfg, discovery: cfg.Discovery,
		begun: make(chan struct{}), search: make(chan struct{}, 1), newest: make(chan struct{}, 1)}
	g.publish(nil)
	var prefixes []netip.Prefix
	for _, one := range cfg.Discovery.Unicast {
		prefix, err := config.ParsePrefix(one)
		if err != nil {
			return nil, fmt.Errorf("[discovery] unicast: %q: %w", one, err)
		}
		prefixes = append(prefixes, prefix)
	}
	var err error
	g.finder, err = discovery.New(discovery.Options{Interfaces: cfg.Discovery.Interfaces, Unicast: prefixes,
		Listen: cfg.Discovery.Listen, Changed: g.seen, Log: log})
	if err != nil {
		return nil, err
	}
	var entries []*entry
	for _, c := range cfg.Cameras {
		e, err := g.newEntry(c, cfg.Limits, configured, nil)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	g.publish(entries)
	return g, nil
}

// newEntry makes a camera. device, which may be nil, is the ID of the device that was found
// and is to be served.
func (g *Gateway) newEntry(c config.Camera, limits config.Limits, why origin, device *string) (*entry, error) {
	address, err := source.ParseAddress(c.Source.Reveal())
	if err != nil {
		return nil, fmt.Errorf("camera %q: %w", c.Name, err)
	}
	if c.PasswordFile != "" {
		address = address.WithPassword(c.Password.Reveal())
	}
	var substream source.Address
	if text := c.Substream.Reveal(); text != "" {
		if substream, err = source.ParseAddress(text); err != nil {
			return nil, fmt.Errorf("camera %q: substream: %w", c.Name, err)
		}
		if hostOf(substream) == hostOf(address) { // the same camera: its password is known
			substream = substream.WithLogin(address)
		}
	}
	e := &entry{cfg: c, limits: limits, origin: why, address: address}
	e.device.Store(device)
	identity := camera.Identity{Serial: c.ID}
	if strings.HasPrefix(strings.ToLower(c.ID), "urn:") || strings.HasPrefix(strings.ToLower(c.ID), "uuid:") {
		identity = camera.Identity{Endpoint: c.ID}
	}
	e.camera = camera.New(camera.Config{
		Name:    c.Name,
		Address: address,
		Source: source.Options{
			Transport:      c.Transport,
			TLSFingerprint: c.TLSFingerprint,
			TLSInsecure:    c.TLSInsecure,
		},
		Identity:      identity,
		Find:          func(_ context.Context, id camera.Identity) (string, bool) { return g.whereIs(e, id) },
		DigestOnly:    device != nil, // anybody can call himself a camera
		Events:        c.Events,
		Substream:     substream,
		Audio:         c.Audio,
		OnDemand:      c.OnDemand,
		Linger:        c.Linger,
		Quality:       c.JPEG.Quality,
		MaxFPS:        c.JPEG.MaxFPS,
		Threads:       c.Threads,
		MaxPixels:     limits.MaxPixels,
		MaxRenditions: limits.MaxRenditions,
	}, g.log)
	return e, nil
}

// publish makes entries what is served.
func (g *Gateway) publish(entries []*entry) {
	s := &served{entries: entries, byName: make(map[string]*entry, len(entries))}
	for _, e := range entries {
		s.cameras = append(s.cameras, e.camera)
		s.byName[strings.ToLower(e.cfg.Name)] = e
	}
	g.served.Store(s)
}

// Run runs every camera, and hears what is found, until ctx ends; it returns when all has
// ended. It is called once.
func (g *Gateway) Run(ctx context.Context) {
	g.changing.Lock()
	g.running = ctx
	for _, e := range g.served.Load().entries {
		g.start(e)
	}
	g.changing.Unlock()
	close(g.begun)

	g.tasks.Go(func() { g.find(ctx) })
	if g.discovery.AutoAdd {
		g.tasks.Go(func() { g.autoAdd(ctx) })
	}
	g.tasks.Go(func() { g.searchWhenMissed(ctx) })
	<-ctx.Done()
	g.changing.Lock() // nobody starts anything after this
	g.running = nil
	g.changing.Unlock()
	g.tasks.Wait()
}

// start runs a camera; the caller holds changing.
func (g *Gateway) start(e *entry) {
	for _, d := range g.finder.Devices() {
		e.recognise(d)
	}
	var ctx context.Context
	ctx, e.end = context.WithCancel(g.running)
	e.ended = make(chan struct{})
	g.tasks.Go(func() {
		defer close(e.ended)
		defer e.end()
		e.camera.Run(ctx) //nolint:errcheck // it is ctx's
	})
}

// Camera is the camera of exactly this name, nil if there is none.
func (g *Gateway) Camera(name string) *camera.Camera {
	if e := g.served.Load().byName[strings.ToLower(name)]; e != nil && e.cfg.Name == name {
		return e.camera
	}
	return nil
}

// Cameras are all cameras, those of the configuration first and in its order. The slice is
// not to be changed.
func (g *Gateway) Cameras() []*camera.Camera { return g.served.Load().cameras }

// hostOf is an address's host, without a port.
func hostOf(a source.Address) string {
	host := a.Host()
	return strings.Trim(host[:strings.LastIndexByte(host, ':')], "[]")
}
