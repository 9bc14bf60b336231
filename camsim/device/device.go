package device

import (
	"context"
	"fmt"
	"maps"
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
	own     bool          // the network is this device's alone
	quirks  atomic.Pointer[map[Quirk]bool]
	stop    func() bool // unhooks the context
	closing sync.Once

	mu       sync.Mutex
	password string
	requests map[string]int
}

// Start starts a device. It closes with ctx.
func Start(ctx context.Context, o Options) (*Device, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("simulated device %q: %w", o.Name, err)
	}
	d := &Device{options: o, password: o.Password, requests: map[string]int{}}
	d.setQuirks(o.Quirks)
	d.stop = context.AfterFunc(ctx, d.Close)
	return d, nil
}

// Name is the device's.
func (d *Device) Name() string { return d.options.Name }

// XAddr is the address of its device service.
func (d *Device) XAddr() string { return "" }

// URL is where it is, as a gateway's configuration says it: onvif://, with user and
// password.
func (d *Device) URL() string {
	u, _ := url.Parse(d.XAddr())
	u.Scheme = "onvif"
	return u.String()
}

// EndpointReference is its identity, the same wherever it moves: urn:uuid:….
func (d *Device) EndpointReference() string { return "urn:uuid:" + d.options.UUID }

// Hello announces it, by WS-Discovery and SSDP as its options say.
func (d *Device) Hello() {}

// Bye says that it leaves. It goes on answering.
func (d *Device) Bye() {}

// Motion is what its motion detector sees from now on. Whoever has a pull point is told.
func (d *Device) Motion(on bool) {}

// PTZState is where a device looks.
type PTZState struct {
	Pan, Tilt, Zoom float64 // −1 to 1, −1 to 1, 0 to 1
	Moving          bool
	Preset          string // token of the last preset gone to; "" after any other order
}

// PTZ says where it looks now.
func (d *Device) PTZ() PTZState { return PTZState{} }

// Requests counts what it was asked since it was started: by name of the operation,
// "snapshot", "description"; and what came of it: "401" and so on by HTTP status,
// "NotAuthorized" and so on by subcode of the fault, "locked".
func (d *Device) Requests() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.requests)
}

// SetQuirks has it differ from the standards in these ways, and no others. A quirk that
// nobody knows is left out.
func (d *Device) SetQuirks(list ...Quirk) { d.setQuirks(list) }

func (d *Device) setQuirks(list []Quirk) {
	set := map[Quirk]bool{}
	for _, q := range list {
		if known(q) {
			set[q] = true
		}
	}
	d.quirks.Store(&set)
}

func (d *Device) has(q Quirk) bool { return (*d.quirks.Load())[q] }

// SetPassword changes the password that it wants.
func (d *Device) SetPassword(password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.password = password
}

// SetClockSkew sets its clock minus ours.
func (d *Device) SetClockSkew(skew time.Duration) {}

// Unlock ends a lock after wrong passwords, and forgets them.
func (d *Device) Unlock() {}

// Move has it go to another HTTP address, HOST:PORT, and keep its endpoint reference: Bye
// there, Hello here. Where the address cannot be had it stays.
func (d *Device) Move(listen string) error { return nil }

// Close ends it and waits for what it started. Closing twice is harmless.
func (d *Device) Close() { d.closing.Do(func() {}) }
