package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"camgate/camera/source"
	"camgate/onvif"
)

// Identity is by what a camera is found again when its address has changed.
type Identity struct {
	Host     string // host:port where it was last
	Endpoint string // its WS-Discovery endpoint reference; "" unknown
	Serial   string // "" unknown
}

// device is a camera that is asked, over ONVIF, where its streams are. Its methods may be
// called from any goroutine.
type device struct {
	cfg     Config
	profile string // of the configuration: auto, or a name or a token
	eye     string // of the configuration: the token of a video source; "" the first
	log     *slog.Logger

	asking sync.Mutex // held while the camera is asked: one at a time

	mu       sync.Mutex
	client   *onvif.Client
	streams  []stream
	doubtful bool // the streams did not do: the camera is to be asked again
	identity Identity
	info     onvif.Information
	motion   *bool
	shots    map[string]shot // by address
}

// stream is one of the ways in which a camera offers its picture.
type stream struct {
	onvif.Profile
	address  source.Address
	snapshot string // where a single picture is; "" nowhere
}

// askTimeout bounds everything that is asked before a stream is dialled.
const askTimeout = 15 * time.Second

// ErrNotONVIF: the camera has a fixed address, and cannot be asked or moved.
var ErrNotONVIF = errors.New("the camera is configured by the address of its stream, and so cannot be asked or moved; onvif://… in its source allows that")

// newDevice is nil where the configuration names a stream.
func newDevice(cfg Config, log *slog.Logger) *device {
	if !cfg.Address.ONVIF() {
		return nil
	}
	d := &device{cfg: cfg, log: log, shots: make(map[string]shot)}
	_, d.profile, d.eye = cfg.Address.Service()
	d.identity = cfg.Identity
	d.identity.Host = cfg.Address.Host()
	return d
}

// connect makes the client for where the camera is now.
func (d *device) connect() (*onvif.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		return d.client, nil
	}
	service, _, _ := d.cfg.Address.At(d.identity.Host).Service()
	user, password, _ := d.cfg.Address.Login()
	client, err := onvif.New(onvif.Options{
		Address: service, User: user, Password: password,
		TLSFingerprint: d.cfg.Source.TLSFingerprint, TLSInsecure: d.cfg.Source.TLSInsecure,
		// Somebody who pretends to be the camera at another address learns no password.
		DigestOnly: d.identity.Host != d.cfg.Address.Host(),
		Log:        d.log,
	})
	if err != nil {
		return nil, fmt.Errorf("camera %q: %w", d.cfg.Name, err)
	}
	d.client = client
	return client, nil
}

// offered is what the camera offers; it is asked where that is not known, or has not done.
// An error is a sentence that names the camera.
func (d *device) offered(ctx context.Context) ([]stream, error) {
	d.asking.Lock()
	defer d.asking.Unlock()
	d.mu.Lock()
	known, doubtful := d.streams, d.doubtful
	d.mu.Unlock()
	if len(known) > 0 && !doubtful {
		return known, nil
	}
	streams, err := d.ask(ctx)
	if err != nil && len(known) > 0 && !errors.Is(err, onvif.ErrNotAuthorized) && ctx.Err() == nil {
		return known, nil // its RTSP port may be up before ONVIF is
	}
	return streams, err
}

// ask asks the camera for its streams, and keeps them.
func (d *device) ask(ctx context.Context) ([]stream, error) {
	client, err := d.connect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	profiles, err := client.Profiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("camera %q: it does not tell its profiles: %w", d.cfg.Name, err)
	}
	if profiles, err = d.allowed(profiles); err != nil {
		return nil, err
	}
	var streams []stream
	var failed error
	for _, p := range profiles {
		s, err := d.stream(ctx, client, p)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		streams = append(streams, s)
	}
	if len(streams) == 0 {
		return nil, fmt.Errorf("camera %q: it does not tell where its streams are: %w", d.cfg.Name, failed)
	}
	d.identify(ctx, client)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams, d.doubtful = streams, false
	return streams, nil
}

// allowed are the profiles that the configuration lets be used.
func (d *device) allowed(profiles []onvif.Profile) ([]onvif.Profile, error) {
	if len(profiles) == 0 {
		return nil, fmt.Errorf("camera %q: %w: no profile of it has a video encoder; set one up in the camera", d.cfg.Name, source.ErrNoVideo)
	}
	if d.profile == "auto" {
		return d.oneEye(profiles)
	}
	var names []string
	for _, p := range profiles {
		if p.Token == d.profile || strings.EqualFold(p.Name, d.profile) {
			return []onvif.Profile{p}, nil
		}
		names = append(names, fmt.Sprintf("%q", p.Name))
	}
	return nil, fmt.Errorf("camera %q: it has no profile %q; it has %s, and ?profile=auto takes what fits", d.cfg.Name, d.profile, strings.Join(names, ", "))
}

// oneEye are the profiles of one video source: those of others show something else.
func (d *device) oneEye(profiles []onvif.Profile) ([]onvif.Profile, error) {
	eye := d.eye
	if eye == "" {
		eye = profiles[0].VideoSource
	}
	var of []onvif.Profile
	var eyes []string
	for _, p := range profiles {
		if p.VideoSource == eye {
			of = append(of, p)
		}
		if !slices.Contains(eyes, p.VideoSource) {
			eyes = append(eyes, p.VideoSource)
		}
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("camera %q: it has no video source %q; it has %s", d.cfg.Name, eye, strings.Join(eyes, ", "))
	}
	return of, nil
}

// stream asks where a profile's stream and still picture are. A camera without stills is
// no error.
func (d *device) stream(ctx context.Context, client *onvif.Client, p onvif.Profile) (stream, error) {
	uri, err := client.StreamURI(ctx, p)
	if err != nil {
		return stream{}, err
	}
	address, err := source.ParseAddress(uri)
	if err == nil && address.ONVIF() {
		err = errors.New("it names no RTSP address")
	}
	if err != nil {
		return stream{}, fmt.Errorf("profile %q: %w", p.Name, err)
	}
	s := stream{Profile: p, address: address.WithLogin(d.cfg.Address)}
	if s.snapshot, err = client.SnapshotURI(ctx, p); err != nil {
		d.log.Debug("no snapshot address", "profile", p.Name, "why", err)
	}
	return s, nil
}

// identify learns once by what the camera can be found again. Cameras need not tell.
func (d *device) identify(ctx context.Context, client *onvif.Client) {
	d.mu.Lock()
	known := d.info.Maker != "" || d.info.Model != ""
	identity := d.identity
	d.mu.Unlock()
	if known {
		return
	}
	info, err := client.Information(ctx)
	if err != nil {
		d.log.Debug("the camera does not say what it is", "why", err)
	}
	if info.Serial != "" {
		identity.Serial = info.Serial
	}
	if endpoint, err := client.EndpointReference(ctx); err == nil && endpoint != "" {
		identity.Endpoint = endpoint
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.info, d.identity = info, identity
}

// doubt says that what the camera offered did not do: it is asked again before the next
// try.
func (d *device) doubt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doubtful = true
}

// follow looks whether the camera that does not answer was seen at another address, and
// goes there.
func (d *device) follow(ctx context.Context) bool {
	if d.cfg.Find == nil {
		return false
	}
	d.mu.Lock()
	identity := d.identity
	d.mu.Unlock()
	host, found := d.cfg.Find(ctx, identity)
	if !found || host == "" || host == identity.Host {
		return false
	}
	d.log.Warn("the camera's address has changed", "was", identity.Host, "is", host)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		d.client.Close()
	}
	d.client, d.streams = nil, nil
	d.identity.Host = host
	return true
}

// serviceHost is host:port of the device service, to see whether anybody is there.
func (d *device) serviceHost() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identity.Host
}

// status is what the camera said of itself; nil where it has not been asked.
func (d *device) status() *ONVIFStatus {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client == nil || len(d.streams) == 0 {
		return nil
	}
	s := &ONVIFStatus{Maker: d.info.Maker, Model: d.info.Model, Firmware: d.info.Firmware, Serial: d.info.Serial,
		Host: d.identity.Host, Login: d.client.Auth(), Motion: d.motion, Notes: d.client.Notes(), Profiles: []string{}}
	for _, one := range d.streams {
		s.Profiles = append(s.Profiles, strings.TrimSpace(fmt.Sprintf("%s, %s %d×%d", one.Name, one.Codec, one.Width, one.Height)))
		s.PTZ = s.PTZ || one.PTZ
	}
	return s
}

func (d *device) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != nil {
		d.client.Close()
	}
}

// Configured is the camera's address and options as its configuration has them: with user
// and password.
func (c *Camera) Configured() (source.Address, source.Options) { return c.cfg.Address, c.cfg.Source }

// StreamAddress is where the pictures come from, without user and password; "" where an
// ONVIF camera has not told yet.
func (c *Camera) StreamAddress() string {
	if c.device == nil {
		return c.cfg.Address.String()
	}
	c.mu.Lock()
	current := c.life.current
	c.mu.Unlock()
	if current != nil {
		return current.chosen.address.String()
	}
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	if len(c.device.streams) == 0 {
		return ""
	}
	return c.device.streams[0].address.String()
}

// ONVIF is the client of a camera that is asked over ONVIF, and the profile by which it
// is moved. The error is ErrNotONVIF, or says why the camera does not answer.
func (c *Camera) ONVIF(ctx context.Context) (*onvif.Client, onvif.Profile, error) {
	if c.device == nil {
		return nil, onvif.Profile{}, fmt.Errorf("camera %q: %w", c.cfg.Name, ErrNotONVIF)
	}
	streams, err := c.device.offered(ctx)
	if err != nil {
		return nil, onvif.Profile{}, err
	}
	client, err := c.device.connect()
	for _, s := range streams {
		if s.PTZ {
			return client, s.Profile, err
		}
	}
	return client, streams[0].Profile, err
}
