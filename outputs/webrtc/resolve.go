package webrtc

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/mdns/v2"
	"golang.org/x/net/ipv4"
)

const (
	mdnsPatience = 2 * time.Second // for the answer to one name
	mostQueries  = 32              // at the same time
)

// A resolver finds the addresses behind the names that browsers give in place of their
// own (name.local, draft-ietf-mmusic-mdns-ice-candidates). It asks only, and only once
// the first such name has come. Where that is impossible, browsers still find us, and we
// answer them where they come from.
type resolver struct {
	log     *slog.Logger
	factory logging.LoggerFactory
	queries chan struct{} // of mostQueries

	mu     sync.Mutex
	tried  bool
	closed bool
	conn   *mdns.Conn // nil: impossible
}

func newResolver(log *slog.Logger) *resolver {
	return &resolver{log: log, factory: pionLog{log}, queries: make(chan struct{}, mostQueries)}
}

func (r *resolver) open() *mdns.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tried || r.closed {
		return r.conn
	}
	r.tried = true
	group, err := net.ResolveUDPAddr("udp4", mdns.DefaultAddressIPv4)
	if err != nil {
		return nil
	}
	socket, err := net.ListenUDP("udp4", group)
	if err == nil {
		r.conn, err = mdns.Server(ipv4.NewPacketConn(socket), nil, &mdns.Config{LoggerFactory: r.factory})
		if err != nil {
			socket.Close()
		}
	}
	if err != nil {
		r.conn = nil
		r.log.Debug("names that browsers give in place of their addresses cannot be resolved here", "why", err)
	}
	return r.conn
}

// address is the address of a .local name.
func (r *resolver) address(ctx context.Context, name string) (netip.Addr, bool) {
	select {
	case r.queries <- struct{}{}:
		defer func() { <-r.queries }()
	default:
		return netip.Addr{}, false
	}
	conn := r.open()
	if conn == nil {
		return netip.Addr{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, mdnsPatience)
	defer cancel()
	_, addr, err := conn.QueryAddr(ctx, name)
	return addr, err == nil && addr.IsValid()
}

func (r *resolver) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.conn != nil {
		r.conn.Close() //nolint:errcheck // it was only read
		r.conn = nil
	}
}

// localName is the .local name in a candidate line, empty if it has an address.
// candidate:foundation component transport priority address port typ … (RFC 8839, 5.1)
func localName(line string) string {
	fields := strings.Fields(line)
	if len(fields) < 6 || !strings.HasSuffix(strings.ToLower(fields[4]), ".local") || len(fields[4]) > 128 {
		return ""
	}
	return fields[4]
}
