package discovery

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
)

// Options say where and how a Finder looks. The zero value searches every suitable
// interface by multicast.
type Options struct {
	// Interfaces are the names of those to search on. Empty means every one that is up,
	// can multicast and is no loopback. "lo" is searched where it is named.
	Interfaces []string
	// Unicast are addresses and networks whose every host is asked, for networks that
	// multicast does not reach: at most 4096 addresses altogether (a /20). On a network of
	// its own the system looks for some three hundred neighbours a second: one larger than
	// a /22 there wants a search of more than five seconds.
	Unicast []netip.Prefix
	// MaxDevices is how many are kept; 0 means 1000. Further ones are counted.
	MaxDevices int
	// Listen makes Run hear what cameras announce between searches.
	Listen bool
	// Changed is called for each new device and each that changed in substance: address,
	// addresses of its services, name. Gone is called when one said goodbye or expired.
	// Both are called one at a time, with no lock held; either may be nil. They may call
	// Devices, but not Search, which waits for them.
	Changed func(Device)
	Gone    func(Device)
	// Log gets what an operator may want to know; nil means slog.Default().
	Log *slog.Logger
	// WSPort and SSDPPort are for tests; 0 means 3702 and 1900.
	WSPort, SSDPPort int
}

const (
	defaultWSPort     = 3702
	defaultSSDPPort   = 1900
	defaultMaxDevices = 1000
	maxUnicast        = 4096
)

// check fills in defaults and refuses what cannot be.
func (o *Options) check() error {
	for _, p := range []*int{&o.WSPort, &o.SSDPPort, &o.MaxDevices} {
		if *p < 0 {
			return fmt.Errorf("discovery: %d is no port and no number of devices: use 0 for the default", *p)
		}
	}
	o.WSPort, o.SSDPPort = cmp.Or(o.WSPort, defaultWSPort), cmp.Or(o.SSDPPort, defaultSSDPPort)
	o.MaxDevices = cmp.Or(o.MaxDevices, defaultMaxDevices)
	if o.WSPort > 65535 || o.SSDPPort > 65535 {
		return fmt.Errorf("discovery: ports %d and %d: a port is at most 65535", o.WSPort, o.SSDPPort)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Interfaces, o.Unicast = slices.Clone(o.Interfaces), slices.Clone(o.Unicast)
	if slices.Contains(o.Interfaces, "") {
		return errors.New(`discovery: "" is no interface's name`)
	}
	count := 0
	for _, p := range o.Unicast {
		a := p.Addr()
		if !p.IsValid() || a.IsMulticast() || a.IsUnspecified() || secret(a) {
			return fmt.Errorf("discovery: %s cannot be asked: give addresses or networks of cameras", p)
		}
		if a.Is6() && a.IsLinkLocalUnicast() {
			return fmt.Errorf("discovery: %s cannot be asked by its address: cameras on such addresses are found by multicast on their interface", p)
		}
		if bits := a.BitLen() - p.Bits(); bits > 12 {
			count = maxUnicast + 1
		} else {
			count += 1 << bits
		}
		if count > maxUnicast {
			return fmt.Errorf("discovery: more than %d addresses to be asked one by one: give smaller networks than %s, altogether at most as many as a /20 has", maxUnicast, p)
		}
	}
	return nil
}

// targets are the hosts to be asked one by one, each once.
func (o *Options) targets() []netip.Addr {
	var list []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, p := range o.Unicast {
		p = p.Masked()
		first := p.Addr()
		for a := first; p.Contains(a); a = a.Next() {
			last := !p.Contains(a.Next())
			if a.Is4() && p.Bits() < 31 && (a == first || last) || seen[a] || secret(a) {
				continue // a network's own address, or everybody's on it
			}
			seen[a] = true
			list = append(list, a)
		}
	}
	return list
}

// asked says whether an address is one that the user named.
func (o *Options) asked(a netip.Addr) bool {
	return slices.ContainsFunc(o.Unicast, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}
