package device

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
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
	buffer := make([]byte, 64<<10)
	if err := s.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	n, from, err := s.conn.ReadFromUDPAddrPort(buffer)
	if err != nil {
		s.t.Fatalf("no answer: %v", err)
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
	done := make(chan struct{})
	n.queue.add(time.Now().Add(3*answerWithin), func() { close(done) })
	<-done
	s.send(netip.MustParseAddrPort(s.conn.LocalAddr().String()), "that is all")
	all := s.until("that is all")
	return all[:len(all)-1]
}

func (n *Network) hasAsked(s *searcher) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, asked := n.asked[netip.MustParseAddrPort(s.conn.LocalAddr().String())]
	return asked
}

func TestProbeIsAnsweredOnLoopback(t *testing.T) {
	n := network(t)
	d := start(t, Options{Name: "Yard 1", Network: n, WSDiscovery: true, SSDP: true})
	for name, to := range map[string]netip.AddrPort{"multicast": group(n, wsDiscovery), "unicast": loopback(n, wsDiscovery)} {
		for _, inside := range []string{probeAny, probeTransmitter, probeDevice, "<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>",
			"<d:Scopes>onvif://www.onvif.org/name/Yard%201 onvif://www.onvif.org/type</d:Scopes>"} {
			t.Run(name+" "+inside, func(t *testing.T) {
				s := newSearcher(t, false)
				s.send(to, probeFor(inside))
				data, from := s.datagram()
				reply{body: data}.must(t, 0, "/ProbeMatches<", "<a:RelatesTo>uuid:84ede3de-7dec-11d0-c360-f01234567890<", "<a:Address>"+d.EndpointReference()+"<",
					">dn:NetworkVideoTransmitter tds:Device<", "onvif://www.onvif.org/name/Yard%201 ", "<d:XAddrs>"+d.XAddr()+"<", "InstanceId=")
				if from != loopback(n, wsDiscovery) {
					t.Errorf("the answer came from %v", from)
				}
			})
		}
	}
}

func TestProbeForOtherThingsIsNotAnswered(t *testing.T) {
	n := network(t)
	start(t, Options{Name: "Yard 1", Network: n, WSDiscovery: true})
	s := newSearcher(t, false)
	for _, inside := range []string{
		`<d:Types xmlns:pub="http://schemas.microsoft.com/windows/pub/2005/07">pub:Computer</d:Types>`,
		`<d:Types xmlns:dn="urn:other">dn:NetworkVideoTransmitter</d:Types>`,
		`<d:Scopes>onvif://www.onvif.org/name/Yard</d:Scopes>`,
	} {
		s.send(group(n, wsDiscovery), probeFor(inside))
	}
	if got := n.rest(s); len(got) != 0 {
		t.Errorf("it answered %q", got)
	}
}

func TestResolveIsAnsweredByTheDeviceNamed(t *testing.T) {
	n := network(t)
	d := start(t, Options{Name: "a", Network: n, WSDiscovery: true})
	start(t, Options{Name: "b", Network: n, WSDiscovery: true})
	s := newSearcher(t, false)
	question := strings.NewReplacer("<d:Probe>", "<d:Resolve><w:EndpointReference><w:Address>"+d.EndpointReference()+"</w:Address></w:EndpointReference>", "</d:Probe>", "</d:Resolve>").Replace(probeFor(""))
	s.send(group(n, wsDiscovery), question)
	data, _ := s.datagram()
	reply{body: data}.must(t, 0, "<d:ResolveMatches><d:ResolveMatch>", d.EndpointReference(), d.XAddr())
}

func TestSearchIsAnsweredOnLoopback(t *testing.T) {
	n := network(t)
	d := start(t, Options{Name: "Yard", Maker: "Acme", Network: n, SSDP: true})
	uuid := "uuid:" + d.options.UUID
	for target, want := range map[string]int{"ssdp:all": 3, rootDevice: 1, uuid: 1, basicDevice: 1} {
		t.Run(target, func(t *testing.T) {
			s := newSearcher(t, false)
			s.send(group(n, ssdp), searchFor(target))
			s.send(group(n, ssdp), searchFor("urn:schemas-upnp-org:device:MediaServer:1")) // nobody
			for range want {
				data, _ := s.datagram()
				reply{body: data}.must(t, 0, "HTTP/1.1 200 OK\r\n", "\r\nUSN: "+uuid, "\r\nLOCATION: "+strings.Replace(d.XAddr(), "/onvif/device_service", "/description.xml", 1)+"\r\n", "max-age=1800\r\n", "\r\n\r\n")
			}
		})
	}
	get(t, strings.Replace(d.XAddr(), "/onvif/device_service", "/description.xml", 1)).must(t, 200, "<UDN>"+uuid+"<", "<manufacturer>Acme<", "device:Basic:1<")
}

// listener hears a group, as whoever listens for announcements does.
func listener(t *testing.T, n *Network, p protocol) *searcher {
	t.Helper()
	config := net.ListenConfig{Control: shared}
	conn, err := config.ListenPacket(t.Context(), "udp4", fmt.Sprintf("239.255.255.250:%d", n.port(p)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	lo, err := net.InterfaceByName("lo")
	if err == nil {
		err = ipv4.NewPacketConn(conn).JoinGroup(lo, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &searcher{t, conn.(*net.UDPConn)}
}

func TestDeviceAnnouncesItself(t *testing.T) {
	n := network(t)
	ws, upnp := listener(t, n, wsDiscovery), listener(t, n, ssdp)
	d := start(t, Options{Network: n, WSDiscovery: true, SSDP: true, MaxAge: time.Second})
	old := d.XAddr()
	hello, _ := ws.datagram()
	reply{body: hello}.must(t, 0, "<d:Hello>", d.EndpointReference(), "<d:XAddrs>"+old+"<")
	for range 6 { // once at the start, and again before they expire
		alive, _ := upnp.datagram()
		reply{body: alive}.must(t, 0, "NOTIFY * HTTP/1.1\r\n", "\r\nNTS: ssdp:alive\r\n", "max-age=1\r\n", d.options.UUID)
	}
	if err := d.Move("127.0.0.2:0"); err != nil {
		t.Fatal(err)
	}
	bye, _ := ws.datagram()
	reply{body: bye}.must(t, 0, "<d:Bye>", d.EndpointReference())
	hello, from := ws.datagram()
	reply{body: hello}.must(t, 0, "<d:Hello>", d.EndpointReference(), "<d:XAddrs>http://127.0.0.2:")
	if from.Addr() != netip.MustParseAddr("127.0.0.2") {
		t.Errorf("Hello came from %v", from)
	}
	upnp.until("ssdp:byebye")
	upnp.until("LOCATION: http://127.0.0.2:")
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(strings.TrimSuffix(old, "/onvif/device_service"), "http://"), time.Second); err == nil {
		t.Error("it still listens at its old address")
	}
	ask(t, d, "tds:GetDeviceInformation").must(t, 200)
	s := newSearcher(t, false)
	s.send(group(n, wsDiscovery), probeFor(probeAny))
	answer, from := s.datagram()
	reply{body: answer}.must(t, 0, "<d:XAddrs>http://127.0.0.2:")
	if from.Addr() != netip.MustParseAddr("127.0.0.2") {
		t.Errorf("the answer came from %v", from)
	}
	d.Close()
	ws.until("<d:Bye>")
}

func TestMoveToWhereSomebodyIsLeavesItWhereItWas(t *testing.T) {
	d, other := start(t, Options{Name: "a"}), start(t, Options{Name: "b"})
	taken := other.addressOf(roleMain)
	if err := d.Move(taken); err == nil {
		t.Fatalf("it moved to %s", taken)
	}
	ask(t, d, "tds:GetHostname").must(t, 200, "<tt:Name>a<")
}

func TestDeviceIsFoundOverIPv6(t *testing.T) {
	n := network(t)
	if n.socket(wsDiscovery, netip.IPv6Loopback()) == nil {
		t.Skip("this machine has no IPv6 on its loopback interface")
	}
	d := start(t, Options{Listen: "[::1]:0", Network: n, WSDiscovery: true})
	s := newSearcher(t, true)
	s.send(netip.AddrPortFrom(netip.IPv6Loopback(), uint16(n.port(wsDiscovery))), probeFor(probeAny))
	data, _ := s.datagram()
	reply{body: data}.must(t, 0, "<d:XAddrs>http://[::1]:")
	ask(t, d, "tds:GetHostname").must(t, 200)
}

func TestTwoHundredDevicesShareOneNetwork(t *testing.T) {
	n := network(t)
	main, sub := cameras(t, 1)
	const many = 200
	for i := range many {
		startWith(t, Options{Name: fmt.Sprint("cam", i), Network: n, WSDiscovery: true, SSDP: true}, main, sub)
	}
	n.mu.Lock()
	sockets := len(n.sockets)
	n.mu.Unlock()
	if sockets > 12 {
		t.Errorf("%d sockets", sockets)
	}
	for _, p := range []protocol{wsDiscovery, ssdp} {
		s := newSearcher(t, false)
		if err := s.conn.SetReadBuffer(4 << 20); err != nil {
			t.Fatal(err)
		}
		s.send(group(n, p), map[protocol]string{wsDiscovery: probeFor(probeAny), ssdp: searchFor(rootDevice)}[p])
		seen := map[string]bool{}
		for len(seen) < many {
			data, _ := s.datagram()
			_, uuid, _ := strings.Cut(data, map[protocol]string{wsDiscovery: "urn:uuid:", ssdp: "USN: uuid:"}[p])
			if p == wsDiscovery {
				_, uuid, _ = strings.Cut(data, "<a:Address>urn:uuid:")
			}
			seen[uuid[:36]] = true
		}
	}
}

func TestTwoNetworksShareThePorts(t *testing.T) {
	a := network(t)
	b, err := NewNetwork(t.Context(), a.options)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	first := start(t, Options{Name: "first", Network: a, WSDiscovery: true})
	second := start(t, Options{Name: "second", Network: b, WSDiscovery: true})
	s := newSearcher(t, false)
	s.send(group(a, wsDiscovery), probeFor(probeAny))
	one, _ := s.datagram()
	two, _ := s.datagram()
	for _, d := range []*Device{first, second} {
		reply{body: one + two}.must(t, 0, d.options.UUID)
	}
}

func TestNetworkSaysWhichInterfaceIsNotThere(t *testing.T) {
	_, err := NewNetwork(t.Context(), NetworkOptions{Interfaces: []string{"nosuch0"}})
	if err == nil || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("it says %v", err)
	}
}

func TestDeviceEndsWithItsContext(t *testing.T) {
	main, sub := cameras(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	d, err := Start(ctx, Options{Profiles: []Profile{{Camera: main}, {Camera: sub}}, WSDiscovery: true, SSDP: true, WSPort: freePort(t), SSDPPort: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	d.Close() // waits
	if _, err := net.DialTimeout("tcp", d.addressOf(roleMain), time.Second); err == nil {
		t.Error("it still listens")
	}
}

func TestFloodReachesWhoAsked(t *testing.T) {
	for name, kind := range FloodKinds {
		t.Run(name, func(t *testing.T) {
			n := network(t)
			s := newSearcher(t, false)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- n.Flood(ctx, 2000, kind) }()
			s.send(group(n, wsDiscovery), probeFor(probeAny))
			seen := map[string]bool{}
			for range 20 {
				data, _ := s.datagram()
				seen[data] = true
				switch kind {
				case FloodDevices, FloodElsewhere:
					if p, err := parseXML([]byte(data)); err != nil || p.value("RelatesTo") == "" {
						t.Errorf("%v: %.200q", err, data)
					}
				case FloodLarge:
					if len(data) != maxDatagram {
						t.Errorf("%d bytes", len(data))
					}
				case FloodDeep:
					if _, err := parseXML([]byte(data)); err == nil || !strings.HasPrefix(data, "<a><a><a>") {
						t.Errorf("%.200q", data)
					}
				}
			}
			if ever := kind != FloodLarge && kind != FloodDeep; ever && len(seen) != 20 {
				t.Errorf("%d of 20 differ", len(seen))
			}
			cancel()
			if err := <-done; err != context.Canceled {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestFloodReachesAnAddress(t *testing.T) {
	n := network(t)
	s := newSearcher(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Flood(ctx, 500, FloodDevices, netip.MustParseAddrPort(s.conn.LocalAddr().String())) }()
	s.until("ProbeMatches")
	s.until("LOCATION: http://127.")
	cancel()
	<-done
	if err := n.Flood(t.Context(), 0, FloodJunk); err == nil {
		t.Error("a flood of nothing")
	}
}

func get(t testing.TB, address string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}
