package device

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"camgate/camsim"
)

// A role is what a port is for.
type role int

const (
	roleMain      role = iota // everything; with QuirkPortsDiffer the device service
	roleServices              // with QuirkPortsDiffer: media, PTZ, events
	roleSnapshots             // with QuirkPortsDiffer: snapshots
	roleIPv6                  // with QuirkIPv6Only: everything
)

// A port is one HTTP address of a device.
type port struct {
	d        *Device
	role     role
	address  string // HOST:PORT
	listener net.Listener
	server   *http.Server
}

// open listens. The port serves until it is closed.
func (d *Device) open(role role, address string) (*port, error) {
	listener, err := (&net.ListenConfig{}).Listen(d.life, "tcp", address)
	if err != nil {
		return nil, err
	}
	p := &port{d: d, role: role, address: listener.Addr().String(), listener: listener}
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return d.life },
	}
	d.tasks.Go(func() { _ = p.server.Serve(p) }) // it ends when it is closed
	return p, nil
}

func (p *port) close() { _ = p.server.Close() }

// Accept implements net.Listener: with a certificate the connection is TLS.
func (p *port) Accept() (net.Conn, error) {
	conn, err := p.listener.Accept()
	if err != nil {
		return nil, err
	}
	if certificate := p.d.certificate(); certificate != nil {
		return tls.Server(conn, certificate), nil
	}
	return conn, nil
}

// Close implements net.Listener.
func (p *port) Close() error { return p.listener.Close() }

// Addr implements net.Listener.
func (p *port) Addr() net.Addr { return p.listener.Addr() }

// certificate it serves https with; nil: it is http.
func (d *Device) certificate() *tls.Config {
	if d.options.TLS != nil {
		return d.options.TLS
	}
	if !d.has(QuirkHTTPS) {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.selfSigned == nil {
		made, err := camsim.SelfSigned()
		if err != nil {
			return &tls.Config{MinVersion: tls.VersionTLS12} // without a certificate every handshake fails
		}
		d.selfSigned = made
	}
	return d.selfSigned
}

func (d *Device) scheme() string {
	if d.options.TLS != nil || d.has(QuirkHTTPS) {
		return "https"
	}
	return "http"
}

// addressOf is the HOST:PORT of a role; the main port's where it has none of its own.
func (d *Device) addressOf(role role) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.ports[role]; p != nil {
		return p.address
	}
	return d.ports[roleMain].address
}

// arrangePorts opens and closes ports as the quirks have it. What cannot be opened is left
// to the main port. d.moving is locked.
func (d *Device) arrangePorts() {
	host, _, _ := net.SplitHostPort(d.addressOf(roleMain))
	d.arrange(roleServices, d.has(QuirkPortsDiffer), net.JoinHostPort(host, "0"))
	d.arrange(roleSnapshots, d.has(QuirkPortsDiffer), net.JoinHostPort(host, "0"))
	six := ""
	if d.has(QuirkIPv6Only) {
		six = ipv6Beside(host)
	}
	d.arrange(roleIPv6, six != "", net.JoinHostPort(six, "0"))
}

func (d *Device) arrange(role role, wanted bool, address string) {
	d.mu.Lock()
	p := d.ports[role]
	d.mu.Unlock()
	if wanted && p == nil {
		if p, err := d.open(role, address); err == nil {
			d.mu.Lock()
			d.ports[role] = p
			d.mu.Unlock()
		}
		return
	}
	if !wanted && p != nil {
		d.mu.Lock()
		delete(d.ports, role)
		d.mu.Unlock()
		p.close()
	}
}

// ipv6Beside is an IPv6 address, with its zone, of the interface that has an IPv4 address;
// "" where there is none, or where host is no IPv4 address.
func ipv6Beside(host string) string {
	address, err := netip.ParseAddr(host)
	if err != nil || !address.Is4() || address.IsUnspecified() {
		return ""
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range interfaces {
		list := addressesOf(i)
		for _, a := range list {
			if a != address && !(address.IsLoopback() && a.IsLoopback()) {
				continue
			}
			if six := bestIPv6(list); six.IsValid() {
				return six.String()
			}
		}
	}
	return ""
}

// bestIPv6 is a global address rather than a link-local one.
func bestIPv6(list []netip.Addr) (best netip.Addr) {
	for _, a := range list {
		if a.Is6() && (!best.IsValid() || best.IsLinkLocalUnicast()) {
			best = a
		}
	}
	return best
}

// addressesOf an interface; IPv6 link-local ones with their zone.
func addressesOf(i net.Interface) []netip.Addr {
	addresses, err := i.Addrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		address := prefix.Addr().Unmap()
		if address.Is6() && address.IsLinkLocalUnicast() {
			address = address.WithZone(i.Name)
		}
		list = append(list, address)
	}
	return list
}
