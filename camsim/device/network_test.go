package device

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"camgate/media"
)

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
	main, sub := cameras(t, media.H264)
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
		ask := func() {
			s.send(group(n, p), map[protocol]string{wsDiscovery: probeFor(probeAny), ssdp: searchFor(rootDevice)}[p])
		}
		ask()
		seen := map[string]bool{}
		for deadline := time.Now().Add(20 * time.Second); len(seen) < many; {
			data, from := s.soon(2 * time.Second)
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d answered", len(seen), many)
			}
			if !from.IsValid() { // of so many answers some are lost where the buffer is small
				ask()
				continue
			}
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
	main, sub := cameras(t, media.H264)
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
