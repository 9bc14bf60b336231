package device

import (
	"context"
	"net/netip"
	"sync"
)

// NetworkOptions of a Network. The zero value is the loopback interface.
type NetworkOptions struct {
	Interfaces []string // names; empty: "lo"
	WSPort     int      // 0: 3702
	SSDPPort   int      // 0: 1900
}

// A Network is where devices are found: the sockets of WS-Discovery and SSDP, shared by any
// number of devices.
type Network struct {
	mu      sync.Mutex
	devices map[*Device]bool
}

// NewNetwork opens the sockets. It closes with ctx.
func NewNetwork(ctx context.Context, o NetworkOptions) (*Network, error) {
	return &Network{devices: map[*Device]bool{}}, nil
}

// Close ends it and waits for what it started. Closing twice is harmless.
func (n *Network) Close() {}

// FloodKind is what a flood consists of.
type FloodKind int

// Kinds of floods.
const (
	FloodJunk      FloodKind = iota // datagrams of random bytes
	FloodDevices                    // valid matches, each of another device
	FloodLarge                      // datagrams as large as can be, 64 KiB
	FloodDeep                       // XML nested as deep as a datagram holds
	FloodElsewhere                  // answers whose LOCATION and XAddrs are elsewhere
)

// Flood sends datagrams until ctx ends: to the addresses given, or to all who asked
// within the last minute. It returns ctx's error.
func (n *Network) Flood(ctx context.Context, perSecond int, kind FloodKind, to ...netip.AddrPort) error {
	<-ctx.Done()
	return ctx.Err()
}
