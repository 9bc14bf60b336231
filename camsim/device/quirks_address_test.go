package device

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

const path = "/onvif/device_service"

func addAddressTests(add func(Quirk, quirkTest)) {
	const profile = "<ProfileToken>main</ProfileToken>"
	for q, host := range map[Quirk]string{QuirkAddressPrivate: "10.0.0.5", QuirkAddressStale: staleHost, QuirkAddressZero: "0.0.0.0"} {
		add(q, func(t *testing.T, q Quirk) {
			n := network(t)
			d := start(t, Options{Network: n, WSDiscovery: true, SSDP: true, Quirks: []Quirk{q}})
			_, port, _ := net.SplitHostPort(d.addressOf(roleMain))
			ask(t, d, "tds:GetServices").must(t, 200, "http://"+host+":"+port+"/onvif/media_service")
			ask(t, d, "trt:GetStreamUri", profile).must(t, 200, "rtsp://"+host+":")
			ask(t, d, "tr2:GetSnapshotUri", profile).must(t, 200, "http://"+host+":"+port+"/snapshot/")
			found(t, n, wsDiscovery, probeAny, "<d:XAddrs>http://"+host+":"+port+"/")
			found(t, n, ssdp, rootDevice, "LOCATION: http://"+host+":"+port+"/")
			if q != QuirkAddressStale {
				return
			}
			if err := d.Move("127.0.0.3:0"); err != nil {
				t.Fatal(err)
			}
			ask(t, d, "trt:GetSnapshotUri", profile).must(t, 200, "http://127.0.0.1:")
		})
	}
	add(QuirkPortsDiffer, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		main, services, snapshots := d.addressOf(roleMain), d.addressOf(roleServices), d.addressOf(roleSnapshots)
		if main == services || services == snapshots || main == snapshots {
			t.Fatalf("ports %s, %s, %s", main, services, snapshots)
		}
		ask(t, d, "tds:GetServices").must(t, 200, "http://"+main+"/onvif/device_service", "http://"+services+"/onvif/media_service")
		ask(t, d, "trt:GetSnapshotUri", profile).must(t, 200, "http://"+snapshots+"/snapshot/main.jpg")
		do(t, request(t, "http://"+services+"/onvif/media_service", "", op("trt:GetProfiles"))).must(t, 200)
		do(t, request(t, "http://"+main+"/onvif/media_service", "", op("trt:GetProfiles"))).must(t, 404)
		isPicture(t, get(t, snapshotURL(d, "main")), 320)
	})
	xaddrs := func(want func(address string) string) func(*testing.T, Quirk) {
		return func(t *testing.T, q Quirk) {
			n := network(t)
			d := start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
			found(t, n, wsDiscovery, probeAny, "<d:XAddrs>"+want(d.XAddr())+"</d:XAddrs>")
		}
	}
	port := func(address string) string { return address[strings.LastIndex(address, ":"):] }
	add(QuirkXAddrsSpaces, xaddrs(func(a string) string {
		return a + "  https://127.0.0.1:443" + path + "  http://169.254.251.249" + port(a) + "  https://169.254.251.249" + path
	}))
	add(QuirkXAddrsNewlines, xaddrs(func(a string) string {
		return "\n      http://169.254.251.249" + port(a) + "\n      https://169.254.251.249" + path + "\n      https://127.0.0.1:443" + path + "\n      " + a + "\n    "
	}))
	add(QuirkXAddrLinkLocal, func(t *testing.T, q Quirk) {
		n := network(t)
		start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}, MAC: "02:12:34:56:78:9a"})
		found(t, n, wsDiscovery, probeAny, "<d:XAddrs>http://[fe80::12:34ff:fe56:789a]:")
	})
	add(QuirkOnlyReplyAddress, xaddrs(func(a string) string { return "http://" + unreachable + port(a) }))
	add(QuirkTwoAddressesOneOK, xaddrs(func(a string) string { return "http://" + unreachable + port(a) + " " + a }))
	add(QuirkIPv6Only, func(t *testing.T, q Quirk) {
		n := network(t)
		if n.socket(wsDiscovery, netip.IPv6Loopback()) == nil {
			t.Skip("this machine has no IPv6 on its loopback interface")
		}
		d := start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
		if !isSilent(t, n, wsDiscovery, probeFor(probeAny)) {
			t.Error("it answers over IPv4")
		}
		s := newSearcher(t, true)
		s.send(netip.AddrPortFrom(netip.IPv6Loopback(), uint16(n.port(wsDiscovery))), probeFor(probeAny))
		data, _ := s.datagram()
		reply{body: data}.must(t, 0, "<d:XAddrs>http://[::1]:")
		base := strings.TrimSuffix(d.XAddr(), path)
		ask(t, d, "tds:GetServices").must(t, 200, base+"/onvif/media_service<")
		ask(t, d, "trt:GetSnapshotUri", profile).must(t, 200, base+"/snapshot/main.jpg<")
	})
	add(QuirkHTTPS, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		_, err := client(t).Do(request(t, d.XAddr(), "", op("tds:GetScopes")))
		var unknown *tls.CertificateVerificationError
		if !errors.As(err, &unknown) {
			t.Errorf("it says %v", err)
		}
	})
}
