package device

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// network is one of its own on the loopback interface, with ports that nobody else has.
func network(t testing.TB) *Network {
	t.Helper()
	n, err := NewNetwork(context.Background(), NetworkOptions{WSPort: freePort(t), SSDPPort: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func freePort(t testing.TB) int {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// A searcher asks by UDP, and takes what is answered.
type searcher struct {
	t    testing.TB
	conn *net.UDPConn
}

func newSearcher(t testing.TB, six bool) *searcher {
	t.Helper()
	network, ip := "udp4", net.IPv4(127, 0, 0, 1)
	if six {
		network, ip = "udp6", net.IPv6loopback
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if six {
		err = ipv6.NewPacketConn(conn).SetMulticastInterface(lo)
	} else {
		err = ipv4.NewPacketConn(conn).SetMulticastInterface(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &searcher{t, conn}
}

func (s *searcher) send(to netip.AddrPort, data string) {
	s.t.Helper()
	if _, err := s.conn.WriteToUDPAddrPort([]byte(data), to); err != nil {
		s.t.Fatal(err)
	}
}

// datagram is the next that comes, and who sent it.
func (s *searcher) datagram() (string, netip.AddrPort) {
	s.t.Helper()
	data, from := s.soon(20 * time.Second)
	if !from.IsValid() {
		s.t.Fatal("no answer")
	}
	return data, from
}

// soon is the next datagram that comes within a time, and who sent it.
func (s *searcher) soon(within time.Duration) (string, netip.AddrPort) {
	s.t.Helper()
	buffer := make([]byte, 64<<10)
	if err := s.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		s.t.Fatal(err)
	}
	n, from, err := s.conn.ReadFromUDPAddrPort(buffer)
	if err != nil && !os.IsTimeout(err) {
		s.t.Fatal(err)
	}
	return string(buffer[:n]), from
}

// until takes datagrams up to the first that holds a text, that one included.
func (s *searcher) until(text string) (all []string) {
	s.t.Helper()
	for {
		data, _ := s.datagram()
		if all = append(all, data); strings.Contains(data, text) {
			return all
		}
	}
}

// group and loopback are where questions go.
func group(n *Network, p protocol) netip.AddrPort { return n.group(p, false) }

func loopback(n *Network, p protocol) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(n.port(p)))
}

func probeFor(inside string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><e:Header><w:MessageID>uuid:84ede3de-7dec-11d0-c360-f01234567890</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header><e:Body><d:Probe>` + inside + `</d:Probe></e:Body></e:Envelope>`
}

const (
	probeAny         = ""
	probeTransmitter = "<d:Types>dn:NetworkVideoTransmitter</d:Types>"
	probeDevice      = "<d:Types>tds:Device</d:Types>"
)

func searchFor(target string) string {
	return "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: " + target + "\r\n\r\n"
}

// rest is all that comes in answer to what was sent so far: it waits until the network has
// heard a last question and its queue has run what it held then.
func (n *Network) rest(s *searcher) []string {
	s.t.Helper()
	last := newSearcher(s.t, false)
	for _, p := range []protocol{wsDiscovery, ssdp} {
		for _, to := range []netip.AddrPort{group(n, p), loopback(n, p)} {
			last.send(to, map[protocol]string{wsDiscovery: probeFor(probeAny), ssdp: searchFor("nobody")}[p])
			for deadline := time.Now().Add(20 * time.Second); !n.hasAsked(last); {
				if time.Now().After(deadline) {
					s.t.Fatal("the network hears nothing")
				}
			}
			n.mu.Lock()
			clear(n.asked)
			n.mu.Unlock()
		}
	}
	for n.answersDue() {
		time.Sleep(time.Millisecond)
	}
	done := make(chan struct{})
	n.queue.add(time.Now(), func() { close(done) }) // behind the answer that may be leaving
	<-done
	s.send(netip.MustParseAddrPort(s.conn.LocalAddr().String()), "that is all")
	all := s.until("that is all")
	return all[:len(all)-1]
}

// answersDue says that the queue holds answers: all else in it is due much later.
func (n *Network) answersDue() bool {
	n.queue.mu.Lock()
	defer n.queue.mu.Unlock()
	return len(n.queue.due) > 0 && time.Until(n.queue.due[0].at) < 5*answerWithin
}

func (n *Network) hasAsked(s *searcher) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, asked := n.asked[netip.MustParseAddrPort(s.conn.LocalAddr().String())]
	return asked
}

func get(t testing.TB, address string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}
