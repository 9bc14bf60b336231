package device

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"camgate/testnet"
)

// searcherOn asks from another host, over its own interface.
func searcherOn(t *testing.T, h *testnet.Host, network string) *searcher {
	t.Helper()
	var conn *net.UDPConn
	var err error
	h.Inside(func() {
		if conn, err = net.ListenUDP(network, nil); err != nil {
			return
		}
		var i *net.Interface
		if i, err = net.InterfaceByName(h.Device()); err == nil && network == "udp4" {
			err = ipv4.NewPacketConn(conn).SetMulticastInterface(i)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &searcher{t, conn}
}

func TestDevicesOnTwoInterfaces(t *testing.T) {
	one, two := testnet.New(t), testnet.New(t)
	n, err := NewNetwork(context.Background(), NetworkOptions{Interfaces: []string{one.OurDevice(), two.OurDevice()}, WSPort: freePort(t), SSDPPort: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	everywhere := start(t, Options{Name: "everywhere", Listen: ":0", Network: n, WSDiscovery: true, SSDP: true})
	first := start(t, Options{Name: "first", Listen: one.Ours + ":0", Network: n, WSDiscovery: true, SSDP: true})
	for _, h := range []*testnet.Host{one, two} {
		s := searcherOn(t, h, "udp4")
		s.send(group(n, wsDiscovery), probeFor(probeAny))
		want := map[string]bool{everywhere.EndpointReference(): true}
		if h == one {
			want[first.EndpointReference()] = true
		}
		for _, data := range n.answersOn(s, h) {
			p, err := parseXML([]byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if id := p.value("Address"); !want[id] {
				t.Errorf("on the network of %s, %s answers", h.Ours, id)
			} else {
				delete(want, id)
			}
			if address := p.value("XAddrs"); !strings.HasPrefix(address, "http://"+h.Ours+":") {
				t.Errorf("on the network of %s it is at %s", h.Ours, address)
			}
		}
		if len(want) != 0 {
			t.Errorf("on the network of %s there is no answer of %v", h.Ours, want)
		}
	}
}

// answersOn is what comes to a host up to the answer to a last question, by unicast and SSDP.
func (n *Network) answersOn(s *searcher, h *testnet.Host) (answers []string) {
	s.t.Helper()
	for n.heardNothing() || n.answersDue() {
		time.Sleep(time.Millisecond)
	}
	s.send(netip.AddrPortFrom(netip.MustParseAddr(h.Ours), uint16(n.port(ssdp))), searchFor(rootDevice))
	all := s.until("HTTP/1.1 200 OK")
	n.mu.Lock()
	clear(n.asked)
	n.mu.Unlock()
	return all[:len(all)-1]
}

func (n *Network) heardNothing() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked) == 0
}

func TestDeviceIsFoundByIPv6LinkLocalMulticast(t *testing.T) {
	h := testnet.New(t)
	n, err := NewNetwork(context.Background(), NetworkOptions{Interfaces: []string{h.OurDevice()}, WSPort: freePort(t), SSDPPort: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	d := start(t, Options{Listen: "[::]:0", Network: n, WSDiscovery: true, SSDP: true})
	s := searcherOn(t, h, "udp6")
	to := netip.AddrPortFrom(netip.MustParseAddr("ff02::c").WithZone(h.Device()), uint16(n.port(wsDiscovery)))
	var data string
	var from netip.AddrPort
	// Addresses take a second to be a host's own: until then nothing leaves.
	for deadline := time.Now().Add(20 * time.Second); data == ""; {
		if time.Now().After(deadline) {
			t.Fatal("no answer")
		}
		h.Inside(func() { _, _ = s.conn.WriteToUDPAddrPort([]byte(probeFor(probeTransmitter)), to) })
		data, from = s.soon(100 * time.Millisecond)
	}
	reply{body: data}.must(t, 0, d.EndpointReference(), "<d:XAddrs>http://["+from.Addr().WithZone("").String()+"]:")
	if !from.Addr().IsLinkLocalUnicast() {
		t.Errorf("the answer came from %v", from)
	}
}
