package device

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// A Device is one simulated ONVIF camera. Its methods may be called from any goroutine.
// Close ends it and all that it started.
type Device struct {
	options Options // with defaults; never changed
	network *Network
	own     bool // the network is this device's alone
	quirks  atomic.Pointer[map[Quirk]bool]
	skew    atomic.Int64 // its clock minus ours, in nanoseconds
	life    context.Context
	cancel  context.CancelFunc
	tasks   sync.WaitGroup // that serve its ports
	calls   sync.WaitGroup // requests under way
	stop    func() bool    // unhooks the context
	moving  sync.Mutex     // held to change ports
	started time.Time

	messages   atomic.Int64 // of WS-Discovery, sent so far
	multicasts atomic.Int64 // questions, for QuirkMulticastLossy

	mu         sync.Mutex
	closed     bool
	password   string
	requests   map[string]int
	ports      map[role]*port
	previous   string // host before the last Move
	selfSigned *tls.Config
	tokens     map[string]bool   // nonces of WS-UsernameTokens that came
	nonces     map[string]*nonce // of HTTP Digest, that were given out
	failures   int               // wrong passwords since the last right one

	lockedUntil time.Time

	head       head
	motion     bool
	pullPoints map[string]*pullPoint
}

// Start starts a device. It closes with ctx.
func Start(ctx context.Context, o Options) (*Device, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("simulated device %q: %w", o.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.Background())
	d := &Device{options: o, started: time.Now(), life: life, cancel: cancel, password: o.Password, requests: map[string]int{},
		ports: map[role]*port{}, head: newHead(), pullPoints: map[string]*pullPoint{},
		tokens: map[string]bool{}, nonces: map[string]*nonce{}}
	d.skew.Store(int64(o.ClockSkew))
	d.storeQuirks(o.Quirks)
	if o.PTZ {
		d.head.tell = func(text func(time.Time) string) {
			for _, p := range o.Profiles {
				p.Camera.Tell(text)
			}
		}
	}
	if err := d.start(); err != nil {
		d.end()
		return nil, fmt.Errorf("simulated device %q: %w", o.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop = context.AfterFunc(ctx, d.Close)
	return d, nil
}

func (d *Device) start() error {
	main, err := d.open(roleMain, d.options.Listen)
	if err != nil {
		return err
	}
	d.ports[roleMain] = main
	d.arrangePorts()
	if !d.options.WSDiscovery && !d.options.SSDP {
		return nil
	}
	network := d.options.Network
	if network == nil {
		network, err = NewNetwork(context.Background(), NetworkOptions{Interfaces: d.options.Interfaces, WSPort: d.options.WSPort, SSDPPort: d.options.SSDPPort})
		if err != nil {
			return err
		}
		d.own = true
	}
	d.network = network
	if err := network.attach(d); err != nil {
		return err
	}
	d.Hello()
	d.keepAlive()
	return nil
}

// Name is the device's.
func (d *Device) Name() string { return d.options.Name }

// XAddr is the address of its device service, whatever the quirks have it tell. Where it
// listens on all addresses, this is one to reach it from the same machine.
func (d *Device) XAddr() string {
	role := roleMain
	if d.has(QuirkIPv6Only) {
		role = roleIPv6
	}
	host, port, _ := net.SplitHostPort(d.addressOf(role))
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	u := url.URL{Scheme: d.scheme(), Host: net.JoinHostPort(host, port), Path: "/onvif/device_service"}
	return u.String()
}

// URL is where it is, as a gateway's configuration says it: onvif://, or onvifs:// over TLS, with
// user and password where it wants them.
func (d *Device) URL() string {
	u, err := url.Parse(d.XAddr())
	if err != nil {
		return ""
	}
	u.Scheme = map[string]string{"http": "onvif", "https": "onvifs"}[u.Scheme]
	if d.options.User != "" {
		u.User = url.UserPassword(d.options.User, d.wantedPassword())
	}
	return u.String()
}

// EndpointReference is its identity, the same wherever it moves: urn:uuid:….
func (d *Device) EndpointReference() string { return "urn:uuid:" + d.options.UUID }

// Requests counts what it was asked since it was started: by name of the operation
// ("GetProfiles", and with the service "tr2:GetProfiles"), "snapshot", "description"; and
// what came of it: "401" and so on by HTTP status, "NotAuthorized" and so on by subcode of
// the fault, "locked".
func (d *Device) Requests() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.requests)
}

func (d *Device) count(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests[what]++
}

// SetQuirks has it differ from the standards in these ways, and no others. Names that are
// no quirk are left out.
func (d *Device) SetQuirks(list ...Quirk) {
	d.moving.Lock()
	defer d.moving.Unlock()
	d.storeQuirks(list)
	if !d.isClosed() {
		d.arrangePorts()
	}
}

func (d *Device) storeQuirks(list []Quirk) {
	set := map[Quirk]bool{}
	for _, q := range list {
		if known(q) {
			set[q] = true
		}
	}
	d.quirks.Store(&set)
}

func (d *Device) has(q Quirk) bool { return (*d.quirks.Load())[q] }

// SetClockSkew sets its clock minus ours.
func (d *Device) SetClockSkew(skew time.Duration) { d.skew.Store(int64(skew)) }

// Move has it go to another HTTP address, HOST:PORT, and keep its endpoint reference: Bye
// there, Hello here. Where the new address cannot be had it stays.
func (d *Device) Move(listen string) error {
	d.moving.Lock()
	defer d.moving.Unlock()
	if d.isClosed() {
		return fmt.Errorf("simulated device %q is closed", d.options.Name)
	}
	main, err := d.open(roleMain, listen)
	if err != nil {
		return fmt.Errorf("simulated device %q: it cannot move: %w", d.options.Name, err)
	}
	d.Bye()
	d.mu.Lock()
	old := d.ports
	d.previous, _, _ = net.SplitHostPort(old[roleMain].address)
	d.ports = map[role]*port{roleMain: main}
	d.mu.Unlock()
	for _, p := range old {
		p.close()
	}
	d.arrangePorts()
	if d.network != nil {
		_ = d.network.settle(d) // without it, it is found by multicast only
	}
	d.Hello()
	return nil
}

func (d *Device) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// enter counts a request in; false: the device is closed.
func (d *Device) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.calls.Add(1)
	return true
}

func (d *Device) leave() { d.calls.Done() }

// Close says goodbye, ends it, and waits for what it started. Closing twice is harmless.
func (d *Device) Close() {
	d.moving.Lock()
	defer d.moving.Unlock()
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if !closed {
		d.stop()
		d.Bye()
	}
	d.end()
}

// end ends what was started, and waits for it.
func (d *Device) end() {
	d.cancel()
	if d.network != nil {
		d.network.detach(d)
		if d.own {
			d.network.Close()
		}
	}
	d.mu.Lock()
	ports := maps.Clone(d.ports)
	d.mu.Unlock()
	for _, p := range ports {
		p.close()
	}
	d.calls.Wait()
	d.tasks.Wait()
}
