package discovery

import (
	"log/slog"
	"net/netip"
)

// Options say where and how a Finder looks. The zero value searches every suitable
// interface by multicast.
type Options struct {
	// Interfaces are the names of those to search on. Empty means every one that is up,
	// can multicast and is no loopback. "lo" is searched where it is named.
	Interfaces []string
	// Unicast are addresses and networks whose every host is asked, for networks that
	// multicast does not reach: at most 4096 addresses altogether (a /20).
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
