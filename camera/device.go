package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	cfg Config
	log *slog.Logger

	asking chan struct{} // of one element, held while the camera is asked: one at a time

	mu       sync.Mutex
	client   *onvif.Client // for identity.Host; nil: to be made
	streams  []stream      // as client was told
	head     onvif.Profile // by which the camera is moved; without PTZ where it cannot be
	doubtful bool          // the streams did not do: the camera is to be asked again
	base     string        // host:port of the configured address; the port may have been found
	located  bool          // base's port is the right one
	identity Identity
	wentAt   time.Time // to identity.Host
	toldAt   time.Time // when the log was last told of another address
	info     onvif.Information
	motion   *bool
	shots    map[string]shot // by profile
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
	d := &device{cfg: cfg, log: log, asking: make(chan struct{}, 1), shots: make(map[string]shot)}
	d.identity = cfg.Identity
	d.identity.Host = cfg.Address.Host()
	d.base, d.located = cfg.Address.Host(), cfg.Address.PortGiven()
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
		DigestOnly: d.cfg.DigestOnly || d.away(),
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
	select {
	case d.asking <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("camera %q: it is being asked already, and takes long to answer: %w", d.cfg.Name, ctx.Err())
	}
	defer func() { <-d.asking }()
	d.mu.Lock()
	known, doubtful := d.streams, d.doubtful
	d.mu.Unlock()
	if len(known) > 0 && !doubtful {
		return known, nil
	}
	streams, err := d.ask(ctx)
	if err != nil && len(known) > 0 && !errors.Is(err, onvif.ErrNotAuthorized) && !errors.Is(err, errGoneElsewhere) && ctx.Err() == nil {
		return known, nil // its RTSP port may be up before ONVIF is
	}
	return streams, err
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
		Host: d.identity.Host, Login: d.client.Auth(), Motion: d.motion, Notes: d.client.Notes(), Profiles: []string{}, PTZ: d.head.PTZ}
	for _, one := range d.streams {
		s.Profiles = append(s.Profiles, strings.TrimSpace(fmt.Sprintf("%s, %s %d×%d", one.Name, one.Codec, one.Width, one.Height)))
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

// DigestOnly says that the password is never sent over ONVIF in a form that can be read.
func (c *Camera) DigestOnly() bool { return c.cfg.DigestOnly }

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
	if _, err := c.device.offered(ctx); err != nil {
		return nil, onvif.Profile{}, err
	}
	client, err := c.device.connect()
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	return client, c.device.head, err
}
