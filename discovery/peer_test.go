package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// A fake is what the peer plays: a camera as the network sees it. HOST in its texts stands
// for the peer's address.
type fake struct {
	endpoint string // endpoint reference; "": it does not speak WS-Discovery
	types    string
	scopes   string
	xaddrs   string
	udn      string // "": it does not speak SSDP
	describe string // inside <device>, behind the UDN
	location string // "": its own description
}

// camera is an ordinary one, told apart by its number.
func camera(n int) *fake {
	uuid := fmt.Sprintf("00010203-0405-4607-8809-%012x", 0x020000000000+n)
	return &fake{
		endpoint: "urn:uuid:" + uuid,
		types:    "dn:NetworkVideoTransmitter tds:Device",
		scopes:   fmt.Sprintf("onvif://www.onvif.org/name/Camera%%20%d onvif://www.onvif.org/hardware/X%d onvif://www.onvif.org/Profile/Streaming", n, n),
		xaddrs:   fmt.Sprintf("http://HOST:%d/onvif/device_service", 10000+n),
		udn:      "uuid:" + uuid,
		describe: "<deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType><friendlyName>Camera</friendlyName><manufacturer>AXIS</manufacturer><modelName>X</modelName>",
	}
}

// A peer answers for any number of fakes on one interface.
type peer struct {
	t        testing.TB
	host     string // its address
	ws, ssdp int    // ports
	wsConn   *net.UDPConn
	ssdpConn *net.UDPConn
	also     []*net.UDPConn
	server   *httptest.Server
	probes   atomic.Int64
	searches atomic.Int64
	fetches  atomic.Int64
	mute     atomic.Bool // it answers no searches: what is known of it, it announced
	readers  sync.WaitGroup

	mu     sync.Mutex
	fakes  []*fake
	probed func(from netip.AddrPort)
}

// onProbe has f called for each probe.
func (p *peer) onProbe(f func(from netip.AddrPort)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probed = f
}

// newPeer opens sockets on the interface. Ports 0 stand for free ones.
func newPeer(t testing.TB, device, host string, ws, ssdp int, fakes ...*fake) *peer {
	t.Helper()
	p := &peer{t: t, host: host, fakes: fakes}
	p.wsConn, p.ws = p.open(device, ws)
	p.ssdpConn, p.ssdp = p.open(device, ssdp)
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	p.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(p.describe)}}
	p.server.Start()
	p.readers.Go(func() { p.answer(p.wsConn, p.answerProbe) })
	p.readers.Go(func() { p.answer(p.ssdpConn, p.answerSearch) })
	t.Cleanup(func() {
		p.wsConn.Close()
		p.ssdpConn.Close()
		for _, c := range p.also {
			c.Close()
		}
		p.readers.Wait()
		p.server.Close()
	})
	return p
}

func (p *peer) open(device string, port int) (*net.UDPConn, int) {
	p.t.Helper()
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)       //nolint:errcheck // the test fails without
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20) //nolint:errcheck // only root can
		})
	}}
	l, err := c.ListenPacket(context.Background(), "udp4", fmt.Sprintf(":%d", port))
	if err != nil {
		p.t.Fatal(err)
	}
	i, err := net.InterfaceByName(device)
	if err != nil {
		p.t.Fatal(err)
	}
	conn := ipv4.NewPacketConn(l)
	if err := conn.JoinGroup(i, &net.UDPAddr{IP: group4.AsSlice()}); err != nil {
		p.t.Fatal(err)
	}
	if err := conn.SetMulticastInterface(i); err != nil {
		p.t.Fatal(err)
	}
	return l.(*net.UDPConn), l.LocalAddr().(*net.UDPAddr).Port
}

// alsoIPv6 has the peer answer probes on the device's link-local address.
func (p *peer) alsoIPv6(device string) {
	p.t.Helper()
	i, err := net.InterfaceByName(device)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := net.ListenUDP("udp6", &net.UDPAddr{Port: p.ws})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := ipv6.NewPacketConn(c).JoinGroup(i, &net.UDPAddr{IP: group6.AsSlice()}); err != nil {
		p.t.Fatal(err)
	}
	p.readers.Go(func() { p.answer(c, p.answerProbe) })
	p.also = append(p.also, c)
}

func (p *peer) all() []*fake {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*fake(nil), p.fakes...)
}

// play replaces what the peer plays.
func (p *peer) play(fakes ...*fake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fakes = fakes
}

func (p *peer) answer(c *net.UDPConn, how func(*net.UDPConn, string, netip.AddrPort)) {
	buffer := make([]byte, 65536)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		how(c, string(buffer[:n]), from)
	}
}

const envelope = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/%s</a:Action></s:Header><s:Body>%s</s:Body></s:Envelope>`

func (p *peer) at(s string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.ReplaceAll(s, "HOST", p.host)
}

func (p *peer) about(f *fake) string {
	return p.at(fmt.Sprintf("<a:EndpointReference><a:Address>%s</a:Address></a:EndpointReference><d:Types>%s</d:Types><d:Scopes>%s</d:Scopes><d:XAddrs>%s</d:XAddrs>",
		f.endpoint, f.types, f.scopes, f.xaddrs))
}

func (p *peer) answerProbe(c *net.UDPConn, message string, from netip.AddrPort) {
	if !strings.Contains(message, "/Probe<") || p.mute.Load() {
		return
	}
	p.probes.Add(1)
	p.mu.Lock()
	probed := p.probed
	p.mu.Unlock()
	if probed != nil {
		probed(from)
	}
	if strings.Contains(message, "\n") {
		p.t.Errorf("a probe of more than one line: %q", message)
	}
	for _, f := range p.all() {
		if f.endpoint != "" {
			answer := fmt.Sprintf(envelope, "ProbeMatches", "<d:ProbeMatches><d:ProbeMatch>"+p.about(f)+"</d:ProbeMatch></d:ProbeMatches>")
			c.WriteToUDPAddrPort([]byte(answer), from) //nolint:errcheck // datagrams get lost
		}
	}
}

// say sends a hello or a bye.
func (p *peer) say(what string, f *fake) {
	p.send(p.wsConn, p.ws, fmt.Sprintf(envelope, what, "<d:"+what+">"+p.about(f)+"</d:"+what+">"))
}

// notify sends "ssdp:alive" or "ssdp:byebye".
func (p *peer) notify(nts string, f *fake) {
	p.send(p.ssdpConn, p.ssdp, fmt.Sprintf("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: %s\r\nUSN: %s::upnp:rootdevice\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: %s\r\n\r\n",
		nts, f.udn, p.location(f)))
}

func (p *peer) send(c *net.UDPConn, port int, message string) {
	p.t.Helper()
	if _, err := c.WriteToUDPAddrPort([]byte(message), netip.AddrPortFrom(group4, uint16(port))); err != nil {
		p.t.Error(err)
	}
}

func (p *peer) location(f *fake) string {
	if f.location != "" {
		return p.at(f.location)
	}
	return p.server.URL + "/" + f.udn
}

func (p *peer) answerSearch(c *net.UDPConn, message string, from netip.AddrPort) {
	if !strings.HasPrefix(message, "M-SEARCH ") || p.mute.Load() {
		return
	}
	p.searches.Add(1)
	targets := []string{"upnp:rootdevice"}
	if strings.Contains(message, "ssdp:all") {
		targets = []string{"upnp:rootdevice", "", "urn:schemas-upnp-org:device:Basic:1", "urn:axis-com:service:BasicService:1", "a", "b"}
	}
	for _, f := range p.all() {
		for _, target := range targets {
			if f.udn == "" {
				continue
			}
			usn := f.udn + "::" + target
			if target == "" {
				usn, target = f.udn, f.udn
			}
			answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: %s\r\nST: %s\r\nUSN: %s\r\n\r\n", p.location(f), target, usn)
			c.WriteToUDPAddrPort([]byte(answer), from) //nolint:errcheck // datagrams get lost
		}
	}
}

func (p *peer) describe(w http.ResponseWriter, r *http.Request) {
	p.fetches.Add(1)
	for _, f := range p.all() {
		if f.udn != "" && r.URL.Path == "/"+f.udn {
			fmt.Fprintf(w, `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><UDN>%s</UDN>%s</device></root>`, f.udn, p.at(f.describe))
			return
		}
	}
	http.NotFound(w, r)
}

// finder is one that searches "lo" for the peer.
func (p *peer) finder(change func(*Options)) *Finder {
	p.t.Helper()
	o := Options{Interfaces: []string{"lo"}, WSPort: p.ws, SSDPPort: p.ssdp}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// search1 searches once and returns what is known then.
func search1(t testing.TB, f *Finder, wait time.Duration) []Device {
	t.Helper()
	if err := f.Search(context.Background(), wait); err != nil {
		t.Fatal(err)
	}
	return f.Devices()
}

// searchUntil searches once, for as long as it takes until all is there that is to come, and
// returns what is known then: the questions of a short search, and the answers, may not all
// find their time on a busy machine.
func searchUntil(t testing.TB, f *Finder, what string, ok func() bool) []Device {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Search(ctx, time.Hour) }()
	defer func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the search ended with %v", err)
		}
	}()
	eventually(t, what, ok)
	return f.Devices()
}
