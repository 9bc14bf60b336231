package device

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// NetworkOptions of a Network. The zero value is the loopback interface.
type NetworkOptions struct {
	Interfaces []string // names; empty: "lo"
	WSPort     int      // of WS-Discovery; 0: 3702
	SSDPPort   int      // 0: 1900
}

// A Network is where devices are found: the sockets of WS-Discovery and SSDP, shared by any
// number of devices, so that 200 of them cost no more than one.
//
// Several Networks, and other programs, may share a port. All of them hear what comes by
// multicast; what comes by unicast reaches one of those that have the same address.
type Network struct {
	options    NetworkOptions
	interfaces []net.Interface
	life       context.Context
	cancel     context.CancelFunc
	stop       func() bool // unhooks the context
	tasks      sync.WaitGroup
	queue      queue

	mu      sync.Mutex
	closed  bool
	devices []*Device // never changed in place
	sockets map[socketKey]*socket
	asked   map[netip.AddrPort]asker
	known   map[int]knownAddresses // by index of the interface
}

// knownAddresses of an interface, so that 200 devices do not each ask the kernel.
type knownAddresses struct {
	list []netip.Addr
	at   time.Time
}

// NewNetwork opens the sockets. It closes with ctx.
func NewNetwork(ctx context.Context, o NetworkOptions) (*Network, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(o.Interfaces) == 0 {
		o.Interfaces = []string{"lo"}
	}
	if o.WSPort == 0 {
		o.WSPort = 3702
	}
	if o.SSDPPort == 0 {
		o.SSDPPort = 1900
	}
	life, cancel := context.WithCancel(context.Background())
	n := &Network{options: o, life: life, cancel: cancel, sockets: map[socketKey]*socket{}, asked: map[netip.AddrPort]asker{}, known: map[int]knownAddresses{}}
	n.queue.init()
	if err := n.open(); err != nil {
		n.shut()
		return nil, fmt.Errorf("network of simulated devices: %w", err)
	}
	n.tasks.Go(func() { n.queue.run(life) })
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stop = context.AfterFunc(ctx, n.Close)
	return n, nil
}

// open finds the interfaces and opens what each of them needs.
func (n *Network) open() error {
	for _, name := range n.options.Interfaces {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return fmt.Errorf("interface %q: %w", name, err)
		}
		n.interfaces = append(n.interfaces, *i)
	}
	for _, p := range []protocol{wsDiscovery, ssdp} {
		if err := n.openGroup(p, p.group4()); err != nil {
			return err
		}
		_ = n.openGroup(p, p.group6()) // a machine without IPv6 has IPv4
	}
	for _, i := range n.interfaces {
		for _, address := range addressesOf(i) {
			if err := n.openAddress(address); err != nil && address.Is4() {
				return err
			}
		}
	}
	return nil
}

// Close ends it and waits for what it started. Its devices go on, and are not found any
// more. Closing twice is harmless.
func (n *Network) Close() {
	n.mu.Lock()
	stop := n.stop
	n.mu.Unlock()
	if stop != nil {
		stop()
	}
	n.shut()
}

func (n *Network) shut() {
	n.cancel()
	n.mu.Lock()
	n.closed = true
	for _, s := range n.sockets {
		s.close()
	}
	n.mu.Unlock()
	n.tasks.Wait()
}

// attach has a device found here.
func (n *Network) attach(d *Device) error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return fmt.Errorf("the network of simulated devices is closed")
	}
	n.devices = append(slices.Clone(n.devices), d)
	n.mu.Unlock()
	return n.settle(d)
}

// settle opens what the device's present address needs.
func (n *Network) settle(d *Device) error {
	if host := d.hostOf(roleMain); host.IsValid() && !host.IsUnspecified() {
		return n.openAddress(host)
	}
	return nil
}

func (n *Network) detach(d *Device) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.devices = slices.DeleteFunc(slices.Clone(n.devices), func(other *Device) bool { return other == d })
}

// present devices.
func (n *Network) present() []*Device {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.devices
}

// An asker is somebody who looked for devices.
type asker struct {
	protocol protocol
	message  string // id of a probe
	at       time.Time
}

// maxAskers are remembered, for floods.
const maxAskers = 1000

func (n *Network) remember(from netip.AddrPort, p protocol, message string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.asked) >= maxAskers {
		clear(n.asked)
	}
	n.asked[from] = asker{p, message, time.Now()}
}

// A question is a datagram that came.
type question struct {
	protocol  protocol
	data      []byte
	from      netip.AddrPort
	socket    *socket        // that it came to
	multicast *net.Interface // that it came over by multicast; nil: by unicast
}

// answerers are the devices that a question reaches, each with the socket that its answer
// leaves from.
func (n *Network) answerers(q question) map[*Device]*socket {
	found := map[*Device]*socket{}
	six := q.from.Addr().Is6()
	for _, d := range n.present() {
		if q.protocol == wsDiscovery && !d.options.WSDiscovery || q.protocol == ssdp && !d.options.SSDP || !d.speaks(six) {
			continue
		}
		if q.multicast == nil {
			if host := d.hostOf(roleMain); host == q.socket.address || !n.owns(host) || six {
				found[d] = q.socket
			}
			continue
		}
		if !d.hears() {
			continue
		}
		if s := n.leaving(d, q.protocol, *q.multicast, six); s != nil {
			found[d] = s
		}
	}
	return found
}

// owns says whether there is a socket for that very address.
func (n *Network) owns(address netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sockets[socketKey{wsDiscovery, address}] != nil
}

// leaving is the socket from which a device sends on an interface; nil where it is not on
// that interface.
func (n *Network) leaving(d *Device, p protocol, on net.Interface, six bool) *socket {
	host := d.hostOf(roleMain)
	if host.Is4() == !six && n.owns(host) && !host.IsUnspecified() {
		if !n.contains(on, host) {
			return nil
		}
		return n.socket(p, host)
	}
	for _, a := range n.addresses(on) {
		if a.Is6() != six {
			continue
		}
		if s, err := n.listen(p, a); err == nil { // an address may be newer than the network
			return s
		}
	}
	return nil
}

// contains says whether an address is the interface's, or of its loopback network.
func (n *Network) contains(i net.Interface, address netip.Addr) bool {
	return i.Flags&net.FlagLoopback != 0 && address.IsLoopback() || slices.Contains(n.addresses(i), address)
}

// addresses of an interface, not older than a second.
func (n *Network) addresses(i net.Interface) []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.known[i.Index]
	if time.Since(k.at) > time.Second {
		k = knownAddresses{addressesOf(i), time.Now()}
		n.known[i.Index] = k
	}
	return k.list
}

func (n *Network) socket(p protocol, address netip.Addr) *socket {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sockets[socketKey{p, address}]
}

// soon is a random time up to most, so that many devices do not all answer at once.
func soon(most time.Duration) time.Time { return time.Now().Add(rand.N(most)) }
