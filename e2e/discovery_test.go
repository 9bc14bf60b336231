package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"camgate/camsim/device"
	"camgate/discovery"
	"camgate/testnet"
)

// lastUDP is the port that freeUDP gave last: below those that the kernel gives to whoever
// wants any, from 32768 on.
var lastUDP atomic.Int32

func init() { lastUDP.Store(20_000 + int32(os.Getpid())%10_000) }

// freeUDP is a UDP port that nobody has, for discovery that nothing else on this machine
// hears.
func freeUDP(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := int(lastUDP.Add(1))
		if conn, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port)); err == nil {
			conn.Close()
			return port
		}
	}
	t.Fatal("no UDP port is free")
	return 0
}

// TestDiscoveryInSpiteOf is every camera that differs from the standards in how it is
// found: each is one device, with the address at which it can be asked.
func TestDiscoveryInSpiteOf(t *testing.T) {
	for _, c := range []struct {
		number int
		quirk  device.Quirk
		ws     bool // found by WS-Discovery, else by SSDP
		check  func(d discovery.Device) string
		none   bool // it is no camera
	}{
		{17, device.QuirkXAddrsSpaces, true, nil, false},
		{17, device.QuirkXAddrsNewlines, true, nil, false},
		{19, device.QuirkOnlyReplyAddress, true, func(d discovery.Device) string {
			if len(d.Warnings) == 0 || !strings.Contains(strings.Join(d.Warnings, " "), "192.168.99.9") {
				return fmt.Sprintf("warnings are %q", d.Warnings)
			}
			return ""
		}, false},
		{19, device.QuirkTwoAddressesOneOK, true, nil, false},
		{20, device.QuirkProbeUntypedIgnored, true, nil, false},
		{20, device.QuirkProbeDeviceRefused, true, nil, false},
		{20, device.QuirkProbeDeviceOnly, true, nil, false},
		{21, device.QuirkTypesOtherPrefix, true, nil, false},
		{21, device.QuirkTypesGarbage, true, nil, false},
		{22, device.QuirkProbeNewlinesRejected, true, nil, false},
		{23, device.QuirkProbeMatchesEmpty, true, nil, true},
		{23, device.QuirkMatchWithoutXAddrs, true, nil, true},
		{25, device.QuirkMulticastLossy, true, nil, false},
		{25, device.QuirkMulticastBlocked, true, nil, false}, // asked by unicast
		{26, device.QuirkScopesEncoded, true, nil, false},
		{26, device.QuirkScopesTwice, true, func(d discovery.Device) string {
			if d.Name != "Yard" {
				return "its name is " + d.Name
			}
			return ""
		}, false},
		{26, device.QuirkScopesCapitalised, true, func(d discovery.Device) string {
			if d.Name != "Yard" || d.Model == "" {
				return fmt.Sprintf("its name is %q, its model %q", d.Name, d.Model)
			}
			return ""
		}, false},
		{26, device.QuirkScopesMaker, true, func(d discovery.Device) string {
			if d.Maker != "camgate" {
				return "its maker is " + d.Maker
			}
			return ""
		}, false},
		{35, device.QuirkSSDPOneCRLF, false, nil, false},
		{35, device.QuirkSSDPURLBase, false, nil, false},
		{35, device.QuirkSSDPRelativePage, false, nil, false},
		{35, device.QuirkSSDPAmpersand, false, nil, false},
		{35, device.QuirkSSDPLinefeeds, false, nil, false},
		{35, device.QuirkSSDPSixTimes, false, nil, false},
		{35, device.QuirkSSDPDeadLocation, false, nil, true}, // what it is stands nowhere else
		{35, device.QuirkSSDPByebyeFirst, false, nil, false},
	} {
		t.Run(fmt.Sprintf("%d %s", c.number, c.quirk), func(t *testing.T) {
			t.Parallel()
			ws, ssdp := freeUDP(t), freeUDP(t)
			cam := simulate(t, "Yard", func(o *device.Options) {
				o.WSDiscovery, o.SSDP, o.WSPort, o.SSDPPort, o.Quirks = c.ws, !c.ws, ws, ssdp, []device.Quirk{c.quirk}
			})
			o := discovery.Options{Interfaces: []string{"lo"}, WSPort: ws, SSDPPort: ssdp, Log: slog.New(slog.DiscardHandler)}
			if c.quirk == device.QuirkMulticastBlocked {
				o.Unicast = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/28")}
			}
			finder, err := discovery.New(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := finder.Search(t.Context(), 5*time.Second); err != nil {
				t.Fatal(err)
			}
			devices := finder.Devices()
			if c.none {
				if len(devices) != 0 || finder.Stats().Datagrams == 0 {
					t.Errorf("%d datagrams, and it is found: %+v", finder.Stats().Datagrams, devices)
				}
				return
			}
			if len(devices) != 1 {
				t.Fatalf("%d devices: %+v; %+v", len(devices), devices, finder.Stats())
			}
			d := devices[0]
			want := strings.TrimPrefix(cam.XAddr(), "http://")
			if c.ws && (len(d.ONVIF) == 0 || !strings.Contains(d.ONVIF[0], want)) {
				t.Errorf("its ONVIF addresses are %q, want first %s", d.ONVIF, want)
			}
			if d.Address != netip.MustParseAddr("127.0.0.1") {
				t.Errorf("its address is %v", d.Address)
			}
			if c.check != nil {
				if wrong := c.check(d); wrong != "" {
					t.Error(wrong)
				}
			}
		})
	}
}

// TestTwoHundredCamerasAreListed: camgate discover, within the five seconds that it waits
// when nobody says otherwise.
func TestTwoHundredCamerasAreListed(t *testing.T) {
	const cameras = 200
	network, err := device.NewNetwork(t.Context(), device.NetworkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Close)
	streams := camsimStart(t, small("many"))
	missing := map[string]bool{}
	for n := range cameras {
		d, err := device.Start(t.Context(), device.Options{Name: fmt.Sprintf("many-%03d", n), Profiles: []device.Profile{{Camera: streams}},
			WSDiscovery: true, SSDP: true, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Close)
		missing[d.EndpointReference()] = true
	}
	status, out, errs := camgate(t, "discover", "--interface", "lo", "--json")
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	var found []struct {
		ID, Address, Maker, Model, Name string
		ONVIF, Via                      []string
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range found {
		if seen[d.ID] {
			t.Errorf("%s is listed twice", d.ID)
		}
		seen[d.ID] = true
		delete(missing, d.ID)
		if strings.HasPrefix(d.Name, "many-") && (d.Address != "127.0.0.1" || len(d.ONVIF) == 0 || d.Model == "" || len(d.Via) == 0) {
			t.Errorf("a camera is listed as %+v", d)
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d of %d cameras are missing", len(missing), cameras)
	}
	status, out, _ = camgate(t, "discover", "--interface", "lo")
	if lines := strings.Count(out, "many-"); status != 0 || lines != cameras {
		t.Errorf("status %d, and %d lines with cameras of these 200", status, lines)
	}
}

// TestDiscoveryFlood: one host on the network sends ten thousand bad answers a second, of
// every kind. That neither hides the camera, which is another host, nor fills the memory.
func TestDiscoveryFlood(t *testing.T) {
	host := testnet.New(t)
	cam := start(t, host.Command(program(t, "camsim"), "--size", "320x192", "--clip", "--listen", host.Theirs+":8554",
		"--onvif", "--onvif-listen", host.Theirs+":8080", "--interface", host.Device()))
	cam.says("http://", patient)
	network, err := device.NewNetwork(t.Context(), device.NetworkOptions{}) // from where the flood comes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Close)
	search := func(t *testing.T) (rss int64) {
		t.Helper()
		p := start(t, exec.Command(program(t, "camgate"), "discover", "--interface", "lo", "--interface", host.OurDevice(), "--json"))
		if status := p.exit(patient); status != 0 {
			t.Fatalf("status %d: %s", status, p.err)
		}
		if !strings.Contains(p.out.String(), host.Theirs+":8080") {
			t.Errorf("the camera is not found: %s", p.err)
		}
		return p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss // KiB, getrusage(2)
	}
	quiet := search(t)
	for name, kind := range device.FloodKinds {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			flooding := make(chan error, 1)
			go func() { flooding <- network.Flood(ctx, 10_000, kind) }()
			loud := search(t)
			cancel()
			<-flooding
			if loud > 2*quiet+64<<10 {
				t.Errorf("%d MiB at most, and %d where nobody floods", loud>>10, quiet>>10)
			}
		})
	}
}
