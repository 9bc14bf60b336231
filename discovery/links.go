package discovery

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// A link is one interface of this machine at one time.
type link struct {
	name      string
	index     int
	loopback  bool
	multicast bool
	up        bool
	addrs     []netip.Prefix // its own addresses with the length of their network, sorted
}

// holds says whether an address is on one of the link's networks.
func (l *link) holds(a netip.Addr) bool {
	a = a.Unmap()
	if a.Is6() && a.IsLinkLocalUnicast() {
		return a.Zone() == "" || a.Zone() == l.name
	}
	return slices.ContainsFunc(l.addrs, func(p netip.Prefix) bool { return p.Masked().Contains(a.WithZone("")) })
}

// broadcast says whether an address is the last of one of the link's IPv4 networks.
func (l *link) broadcast(a netip.Addr) bool {
	return slices.ContainsFunc(l.addrs, func(p netip.Prefix) bool {
		return p.Addr().Is4() && a.Is4() && p.Bits() < 31 && p.Contains(a) && !p.Contains(a.Next())
	})
}

// key changes with whatever a socket on the link depends on.
func (l *link) key() string { return fmt.Sprint(l.name, " ", l.index, " ", l.addrs) }

// has4 says whether the link has an IPv4 address.
func (l *link) has4() bool {
	return slices.ContainsFunc(l.addrs, func(p netip.Prefix) bool { return p.Addr().Is4() })
}

// local6 is the link's first IPv6 link-local address, with its zone.
func (l *link) local6() (netip.Addr, bool) {
	for _, p := range l.addrs {
		if a := p.Addr(); a.Is6() && a.IsLinkLocalUnicast() {
			return a.WithZone(l.name), true
		}
	}
	return netip.Addr{}, false
}

// A network is this machine's interfaces at one time. It is never changed.
type network struct {
	all      []*link
	searched []*link  // those that the options say
	missing  []string // named in the options, and not there or not up
}

// readNetwork asks the system. Names are those to search on; none means every suitable one.
func readNetwork(names []string) (*network, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("discovery: the network interfaces cannot be listed: %w", err)
	}
	n := &network{}
	for i := range interfaces {
		l := readLink(&interfaces[i])
		n.all = append(n.all, l)
		wanted := slices.Contains(names, l.name) || len(names) == 0 && l.multicast && !l.loopback
		if wanted && l.up && len(l.addrs) > 0 {
			n.searched = append(n.searched, l)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(n.searched, func(l *link) bool { return l.name == name }) {
			n.missing = append(n.missing, name)
		}
	}
	return n, nil
}

func readLink(i *net.Interface) *link {
	l := &link{
		name: i.Name, index: i.Index,
		loopback:  i.Flags&net.FlagLoopback != 0,
		multicast: i.Flags&net.FlagMulticast != 0,
		up:        i.Flags&net.FlagUp != 0,
	}
	addrs, _ := i.Addrs() // of an interface that went meanwhile: none
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(n.IP)
		ones, _ := n.Mask.Size()
		if addr = addr.Unmap(); !ok || addr.IsUnspecified() {
			continue
		}
		l.addrs = append(l.addrs, netip.PrefixFrom(addr, ones))
	}
	slices.SortFunc(l.addrs, func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) })
	return l
}

// of is the link on whose network an address is, the searched ones first; nil where a
// router is between.
func (n *network) of(a netip.Addr) *link {
	for _, links := range [][]*link{n.searched, n.all} {
		for _, l := range links {
			if l.up && l.holds(a) && (a.Zone() == "" || a.Zone() == l.name) {
				return l
			}
		}
	}
	return nil
}

// ours says whether an address is this machine's own.
func (n *network) ours(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(n.all, func(l *link) bool {
		return slices.ContainsFunc(l.addrs, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}

// equal says whether nothing differs on any interface.
func (n *network) equal(m *network) bool {
	return n.searchesAs(m) &&
		slices.EqualFunc(n.all, m.all, func(a, b *link) bool { return a.key() == b.key() && a.up == b.up })
}

// searchesAs says whether nothing differs on the interfaces that are searched.
func (n *network) searchesAs(m *network) bool {
	return slices.EqualFunc(n.searched, m.searched, func(a, b *link) bool { return a.key() == b.key() })
}
