package discovery

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/koron/go-ssdp"

	"camgate/testnet"
)

// peerOn plays cameras on a host, at the ports that cameras have.
func peerOn(t *testing.T, h *testnet.Host, fakes ...*fake) (p *peer) {
	t.Helper()
	h.Inside(func() { p = newPeer(t, h.Device(), h.Theirs, defaultWSPort, defaultSSDPPort, fakes...) })
	return p
}

// everywhere searches all interfaces, as a user does who sets nothing.
func everywhere(t *testing.T, o Options) *Finder {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestTwoInterfaces: a computer with two networks, a camera on each, and one on both IPv4
// and IPv6.
func TestTwoInterfaces(t *testing.T) {
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	one, two := testnet.New(t), testnet.New(t)
	a, b := camera(1), camera(2)
	a.xaddrs = "http://HOST:8000/onvif/device_service http://169.254.7.7/onvif/device_service"
	b.xaddrs = "http://10.9.9.9:8000/onvif/device_service" // from its last network
	p := peerOn(t, one, a)
	one.Inside(func() { p.alsoIPv6(one.Device()) })
	peerOn(t, two, b)

	f := everywhere(t, Options{})
	var found []Device
	eventually(t, "both cameras, one of them over IPv6 too", func() bool {
		found = search1(t, f, 2*time.Second) // the first may come before IPv6 addresses are certain
		return len(found) == 2 && slices.ContainsFunc(found, func(d Device) bool {
			return slices.ContainsFunc(d.Also, netip.Addr.Is6)
		}) && !slices.ContainsFunc(found, func(d Device) bool {
			return !slices.Equal(d.Via, []string{ViaSSDP, ViaWSDiscovery}) // its description is still to come
		})
	})
	for _, d := range found {
		h := one
		if d.ID == b.endpoint {
			h = two
		}
		if d.Address.String() != h.Theirs || d.Interface != h.OurDevice() || !slices.Equal(d.Via, []string{ViaSSDP, ViaWSDiscovery}) {
			t.Errorf("%+v", d)
		}
		if d.ONVIF[0] != "http://"+h.Theirs+":8000/onvif/device_service" {
			t.Errorf("ONVIF at %q", d.ONVIF)
		}
		if got, want := len(d.Warnings) > 0, d.ID == b.endpoint || slices.ContainsFunc(d.Also, netip.Addr.Is6); got && !want || d.ID == b.endpoint && !got {
			t.Errorf("warnings %q", d.Warnings)
		}
	}
}

// TestIPv6Alone: a camera that has nothing but a link-local address.
func TestIPv6Alone(t *testing.T) {
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	c := camera(1)
	c.xaddrs, c.udn = "", ""
	p := peerOn(t, h, c)
	h.Inside(func() { p.alsoIPv6(h.Device()) })
	h.Run("ip", "addr", "flush", "dev", h.Device(), "scope", "global")
	f := everywhere(t, Options{})
	var found []Device
	eventually(t, "the camera", func() bool { found = search1(t, f, 2*time.Second); return len(found) == 1 })
	d := found[0]
	if d.Address.Zone() != h.OurDevice() || !d.Address.Is6() || d.ONVIF[0] != "http://"+inURL(d.Address)+defaultService {
		t.Errorf("%+v", d)
	}
}

// TestInterfacesAreFollowed: Run goes on through interfaces that come, go down and up, and
// get other addresses, and tells of the camera's new address without being asked.
func TestInterfacesAreFollowed(t *testing.T) {
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	changed := make(chan Device, 100)
	f := everywhere(t, Options{Listen: true, Changed: func(d Device) { changed <- d }})
	stop := run(t, f)
	defer stop()
	eventually(t, "Run to have looked around", func() bool { return len(f.network.Load().all) > 0 })

	h := testnet.New(t)
	ours := h.OurDevice()
	output(t, exec.Command("ip", "link", "set", ours, "down"))
	eventually(t, "the interface not to be there yet", func() bool { return len(f.network.Load().searched) == 0 })
	c := camera(1)
	p := peerOn(t, h, c) // before: what comes is asked three times, and then no more
	output(t, exec.Command("ip", "link", "set", ours, "up"))
	until(t, changed, "the camera on an interface that came", func(d Device) bool { return d.Address.String() == h.Theirs })

	output(t, exec.Command("ip", "link", "set", ours, "down"))
	eventually(t, "the end of listening there", func() bool { return len(f.network.Load().searched) == 0 })
	output(t, exec.Command("ip", "addr", "flush", "dev", ours))
	output(t, exec.Command("ip", "addr", "add", "192.0.2.1/24", "dev", ours))
	h.Run("ip", "addr", "flush", "dev", h.Device(), "scope", "global")
	h.Run("ip", "addr", "add", "192.0.2.10/24", "dev", h.Device())
	p.mu.Lock()
	p.host = "192.0.2.10"
	p.mu.Unlock()
	output(t, exec.Command("ip", "link", "set", ours, "up"))
	d := until(t, changed, "the camera at its new address", func(d Device) bool { return d.Address.String() == "192.0.2.10" })
	if d.ID != c.endpoint || d.ONVIF[0] != "http://192.0.2.10:10001/onvif/device_service" {
		t.Errorf("%+v", d)
	}

	// Announcements are heard on what came.
	other := camera(2)
	other.udn = ""
	for deadline := time.Now().Add(20 * time.Second); len(f.Devices()) < 2; time.Sleep(100 * time.Millisecond) {
		if p.say("Hello", other); time.Now().After(deadline) {
			t.Fatal("its hello is not heard")
		}
	}
}

// TestWhatAChangeSearches: interfaces come and go with each container; only those that are
// searched, or through which hosts are asked, have cameras searched again.
func TestWhatAChangeSearches(t *testing.T) {
	t.Parallel()
	at := func(addr string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(addr)} }
	lan, moved := &link{name: "eth0", index: 2, up: true, addrs: at("192.0.2.1/24")}, &link{name: "eth0", index: 2, up: true, addrs: at("192.0.2.2/24")}
	container := &link{name: "veth0", index: 9, up: true, addrs: at("10.0.0.1/24")}
	before := &network{all: []*link{lan}, searched: []*link{lan}}
	hosts := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	for _, c := range []struct {
		what     string
		now      network
		unicast  []netip.Prefix
		searched bool
	}{
		{"another interface came", network{all: []*link{lan, container}, searched: []*link{lan}}, nil, false},
		{"another interface came, and hosts are asked one by one", network{all: []*link{lan, container}, searched: []*link{lan}}, hosts, true},
		{"a searched interface came", network{all: []*link{lan, container}, searched: []*link{lan, container}}, nil, true},
		{"the address changed", network{all: []*link{moved}, searched: []*link{moved}}, nil, true},
		{"the searched interface went", network{all: []*link{container}}, nil, false},
	} {
		w := &watch{f: &Finder{options: Options{Unicast: c.unicast}}}
		if before.equal(&c.now) {
			t.Errorf("%s: no change is seen", c.what)
		}
		if searched := w.reachesMore(before, &c.now); searched != c.searched {
			t.Errorf("%s: searched: %t", c.what, searched)
		}
	}
}

// TestCameraThatMovesIsFollowed: it gets another address, says hello, and is searched for.
func TestCameraThatMovesIsFollowed(t *testing.T) {
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	output(t, exec.Command("ip", "addr", "add", "192.0.2.1/24", "dev", h.OurDevice()))
	h.Run("ip", "addr", "flush", "dev", h.Device(), "scope", "global")
	h.Run("ip", "addr", "add", "192.0.2.10/24", "dev", h.Device())
	c := camera(1)
	c.udn = ""
	var p *peer
	h.Inside(func() { p = newPeer(t, h.Device(), "192.0.2.10", defaultWSPort, defaultSSDPPort, c) })
	changed := make(chan Device, 100)
	f := everywhere(t, Options{Listen: true, Changed: func(d Device) { changed <- d }})
	defer run(t, f)()
	search1(t, f, 2*time.Second)
	until(t, changed, "the camera", func(d Device) bool { return d.Address.String() == "192.0.2.10" })

	h.Run("ip", "addr", "flush", "dev", h.Device(), "scope", "global")
	h.Run("ip", "addr", "add", "192.0.2.11/24", "dev", h.Device())
	p.mu.Lock()
	p.host = "192.0.2.11"
	p.mu.Unlock()
	var d Device
	for deadline := time.Now().Add(30 * time.Second); d.Address.String() != "192.0.2.11"; {
		p.say("Hello", c) // again: who listens does so anew where the interface has changed
		select {
		case d = <-changed:
		case <-time.After(200 * time.Millisecond):
			if time.Now().After(deadline) {
				t.Fatal("waited for its new address in vain")
			}
		}
	}
	if d.ID != c.endpoint || d.ONVIF[0] != "http://192.0.2.11:10001/onvif/device_service" {
		t.Errorf("%+v", d)
	}
}

// until waits for a device that is as it should be.
func until(t *testing.T, from chan Device, what string, ok func(Device) bool) Device {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case d := <-from:
			if ok(d) {
				return d
			}
		case <-deadline:
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

func output(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", c, err, out)
	}
}

// TestAnnouncementsOfAnotherProgram: go-ssdp's advertiser, heard by go-ssdp's monitor.
func TestAnnouncementsOfAnotherProgram(t *testing.T) {
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	c := camera(1)
	c.endpoint = ""
	p := peerOn(t, h, c)
	p.mute.Store(true) // an address that the interface gets late has it searched
	changed, gone := make(chan Device, 10), make(chan Device, 10)
	f := everywhere(t, Options{Listen: true, Changed: func(d Device) { changed <- d }, Gone: func(d Device) { gone <- d }})
	stop := run(t, f)
	defer stop()
	p.play(c)
	say := func(alive bool) {
		h.Inside(func() {
			var err error
			if alive {
				err = ssdp.AnnounceAlive("upnp:rootdevice", c.udn+"::upnp:rootdevice", p.location(c), "test", 60, "")
			} else {
				err = ssdp.AnnounceBye("upnp:rootdevice", c.udn+"::upnp:rootdevice", "")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	heard := func(from chan Device, alive bool) (d Device) {
		for deadline := time.Now().Add(20 * time.Second); ; {
			say(alive)
			select {
			case d = <-from:
				return d
			case <-time.After(300 * time.Millisecond):
				if time.Now().After(deadline) {
					t.Fatalf("not heard; %+v", f.Stats())
				}
			}
		}
	}
	d := heard(changed, true)
	if d.ID != c.udn || !slices.Equal(d.Via, []string{ViaNotify}) || d.Address.String() != h.Theirs || d.Expires.Sub(d.LastSeen) != time.Minute || d.Interface != h.OurDevice() {
		t.Errorf("%+v", d)
	}
	p.play()
	if d = heard(gone, false); d.ID != c.udn {
		t.Errorf("%+v", d)
	}
}

// installed skips the test where a program of Debian's is missing.
func installed(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is missing: apt-get install %s", program, pkg)
	}
	return path
}

// start starts a program that ends with the test.
func start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill() //nolint:errcheck // it may have ended
		c.Wait()         //nolint:errcheck // it was killed
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("%s: %s", c, text)
		}
		log.Close()
	})
}

// TestMediaServerIsNoCamera: minidlna answers and announces over SSDP. It is heard, its
// description read, and it is left out.
func TestMediaServerIsNoCamera(t *testing.T) {
	installed(t, "minidlnad", "minidlna")
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	folder := t.TempDir()
	config := filepath.Join(folder, "minidlna.conf")
	text := "port=8200\nnetwork_interface=" + h.Device() + "\nmedia_dir=" + folder + "\ndb_dir=" + folder + "\nlog_dir=" + folder + "\nnotify_interval=2\nfriendly_name=IP Camera recordings\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, h.Command("minidlnad", "-S", "-f", config, "-P", filepath.Join(folder, "pid")))
	for name, f := range map[string]*Finder{"searched": everywhere(t, Options{}), "heard": everywhere(t, Options{Listen: true})} {
		func() {
			if name == "heard" {
				defer run(t, f)()
			}
			eventually(t, name, func() bool {
				if name == "searched" {
					search1(t, f, time.Second)
				}
				return f.Stats().NotCamera > 0
			})
			if s := f.Stats(); s.Devices != 0 || s.Fetched == 0 || s.Malformed != 0 {
				t.Errorf("%s: %+v, %+v", name, s, f.Devices())
			}
		}()
	}
}

// TestComputerIsNoCamera: wsdd answers probes as a Windows computer does.
func TestComputerIsNoCamera(t *testing.T) {
	installed(t, "wsdd", "wsdd")
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	start(t, h.Command("wsdd", "-4", "-i", h.Device(), "-n", "computer"))
	f := everywhere(t, Options{Listen: true})
	defer run(t, f)()
	eventually(t, "an answer of wsdd", func() bool {
		search1(t, f, time.Second)
		return f.Stats().NotCamera > 0
	})
	if s := f.Stats(); s.Devices != 0 || s.Malformed != 0 {
		t.Errorf("%+v, %+v", s, f.Devices())
	}
}

// TestSearchOfAnotherProgram: gssdp's sniffer searches. It is heard, and is no device.
func TestSearchOfAnotherProgram(t *testing.T) {
	installed(t, "gssdp-device-sniffer", "gssdp-tools")
	broadway := installed(t, "gtk4-broadwayd", "libgtk-4-bin")
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	folder := t.TempDir()
	environment := append(os.Environ(), "XDG_RUNTIME_DIR="+folder, "HOME="+folder, "GDK_BACKEND=broadway", "BROADWAY_DISPLAY=:7", "GSETTINGS_BACKEND=memory", "DBUS_SESSION_BUS_ADDRESS=disabled:")
	display := h.Command(broadway, ":7")
	display.Env = environment
	start(t, display)
	eventually(t, "a display", func() bool {
		files, _ := filepath.Glob(filepath.Join(folder, "broadway*"))
		return len(files) > 0
	})
	f := everywhere(t, Options{Listen: true})
	defer run(t, f)()
	eventually(t, "Run", func() bool { return len(f.network.Load().searched) == 1 })
	sniffer := h.Command("gssdp-device-sniffer", "-i", h.Device())
	sniffer.Env = environment
	start(t, sniffer)
	eventually(t, "its search", func() bool { return f.Stats().Irrelevant > 0 })
	if s := f.Stats(); s.Devices != 0 || s.Malformed != 0 {
		t.Errorf("%+v", s)
	}
}

// TestPeersSeeOurSearch: what is sent is what others take, in content and address.
func TestPeersSeeOurSearch(t *testing.T) {
	if t.Parallel(); !testnet.Alone(t) {
		return
	}
	h := testnet.New(t)
	p := peerOn(t, h)
	f := everywhere(t, Options{})
	if err := f.Search(context.Background(), 4*time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nine probes and five searches", func() bool { return p.probes.Load() >= 9 && p.searches.Load() >= 5 })
	if p.probes.Load() != 9 || p.searches.Load() != 5 {
		t.Errorf("%d probes, %d searches arrived", p.probes.Load(), p.searches.Load())
	}
}
