package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"camgate/testnet"
)

// elsewhere is a simulated camera on a host of its own.
func elsewhere(t *testing.T) (*testnet.Host, *process, string) {
	t.Helper()
	host := testnet.New(t)
	p := start(t, host.Command(program(t, "camsim"), "--size", "320x192", "--gop", "25", "--clip", "--listen", host.Theirs+":8554"))
	p.says("rtsp://", patient)
	return host, p, "rtsp://" + host.Theirs + ":8554/cam1"
}

// TestLinkDown is a power cut as the network sees it: no FIN, no reset, no answer.
func TestLinkDown(t *testing.T) {
	t.Parallel()
	host, _, url := elsewhere(t)
	s := serve(t, config(t, "cam1", url))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	host.Down()
	v.state("stale", 2*time.Second+slack)
	v.state("offline", 4*time.Second+slack)
	if next, err := v.next(2*time.Second + slack); err != nil || next.state != "offline" {
		t.Errorf("then comes %q, %v: want the connection kept, and a dimmed picture a second", next.state, err)
	}
	eventually(t, "a sentence in the API", patient, func() bool {
		return strings.Contains(s.status("cam1").LastError, "is it switched on")
	})
	host.Up()
	// The kernel's ARP takes a second or two before the host answers at all.
	v.live(2*dialTimeout + 2*time.Second + gop + slack)
}

// dialTimeout is how long the gateway waits for a host that does not answer.
const dialTimeout = 2 * time.Second

// TestHalfOpenConnectionsAreNoticed is a camera whose packets are dropped, and one whose
// program hangs with its connections open.
func TestHalfOpenConnectionsAreNoticed(t *testing.T) {
	for _, c := range []struct {
		name       string
		fail, heal func(*testnet.Host, *process)
	}{
		{"packets are dropped",
			func(h *testnet.Host, _ *process) {
				h.Run("iptables", "-w", "-A", "OUTPUT", "-p", "tcp", "--sport", "8554", "-j", "DROP")
			},
			func(h *testnet.Host, _ *process) { h.Run("iptables", "-w", "-F") }},
		{"the camera hangs",
			func(_ *testnet.Host, p *process) { p.signal(syscall.SIGSTOP) },
			func(_ *testnet.Host, p *process) { p.signal(syscall.SIGCONT) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			host, p, url := elsewhere(t)
			s := serve(t, config(t, "cam1", url))
			v := s.watch("/mjpeg/cam1")
			v.live(patient)
			c.fail(host, p)
			v.state("stale", 2*time.Second+slack)
			v.state("offline", 4*time.Second+slack)
			c.heal(host, p)
			v.live(12*time.Second + gop + slack) // as long as an RTSP request may take
		})
	}
}

// TestUDPBehindAFirewall has the camera's RTP packets dropped: where the camera is told so,
// and on the way, where nobody is.
func TestUDPBehindAFirewall(t *testing.T) {
	t.Run("at the camera", func(t *testing.T) {
		t.Parallel()
		host, _, url := elsewhere(t)
		host.Run("iptables", "-w", "-A", "OUTPUT", "-p", "udp", "-j", "DROP")
		cfg := config(t, "cam1", url)
		cfg.Source.Transport = "auto"
		s := serve(t, cfg)
		s.watch("/mjpeg/cam1").live(5*time.Second + gop + slack)
		if got := s.status("cam1").Transport; got != "tcp" {
			t.Errorf("transport is %q", got)
		}
	})
	t.Run("at the gateway", func(t *testing.T) {
		t.Parallel()
		host := testnet.New(t)
		host.Run("iptables", "-w", "-A", "INPUT", "-p", "udp", "-j", "DROP")
		o := small("cam1")
		o.Server.Listen = host.Ours + ":0"
		cam := camsimStart(t, o)
		file := write(t, "config.toml", fmt.Sprintf("[http]\nlisten = \"%s:8000\"\nallow_anonymous = true\n[[camera]]\nname = \"cam1\"\nsource = %q\n",
			host.Theirs, cam.URL()))
		p := start(t, host.Command(program(t, "camgate"), "serve", "--config", file))
		p.says("serving", patient)
		s := &site{t: t, host: host.Theirs + ":8000"}
		v := s.watch("/mjpeg/cam1")
		v.live(5*time.Second + gop + slack)
		tried := cam.Counts().OverUDP
		if tried == 0 {
			t.Error("UDP was not tried")
		}
		cam.CloseConnections()
		v.until("not live", patient, func(p part) bool { return p.state != "live" })
		v.live(2*time.Second + gop + slack)
		if again := cam.Counts().OverUDP - tried; again > 0 {
			t.Errorf("UDP was tried again, %d times", again)
		}
		if got := s.status("cam1").Transport; got != "tcp" {
			t.Errorf("transport is %q", got)
		}
	})
}

// TestCameraIsKilled: its connections end with it, and it is started again later.
func TestCameraIsKilled(t *testing.T) {
	t.Parallel()
	_, p, url := elsewhere(t)
	s := serve(t, config(t, "cam1", url))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	p.signal(syscall.SIGKILL)
	p.exit(patient)
	v.until("not live", 2*time.Second+slack, func(p part) bool { return p.state != "live" })
	v.state("offline", 4*time.Second+slack)
	again := exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	start(t, again).says("rtsp://", patient)
	v.live(2*time.Second + gop + slack)
}

// TestCameraGetsANewAddress: its lease is over, and the network gives it another one. The
// gateway finds it again by what it is, and nobody does anything.
func TestCameraGetsANewAddress(t *testing.T) {
	t.Parallel()
	host := testnet.New(t)
	start(t, host.Command(program(t, "camsim"), "--size", "320x192", "--gop", "25", "--clip", "--listen", "0.0.0.0:8554",
		"--onvif", "--onvif-listen", "0.0.0.0:8080", "--interface", host.Device())).says("http://", patient)
	s, _ := serveConfig(t, fmt.Sprintf("[discovery]\ninterfaces = [%q]\n[[camera]]\nname = \"cam1\"\nsource = \"onvif://%s:8080\"\ntransport = \"tcp\"\n",
		host.OurDevice(), host.Theirs))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	// Another network on the same wire: of those for documentation (RFC 5737).
	subnet := "203.0.113."
	run(t, "ip", "addr", "add", subnet+"1/24", "dev", host.OurDevice())
	host.Run("ip", "addr", "add", subnet+"2/24", "dev", host.Device())
	host.Run("ip", "addr", "del", host.Theirs+"/30", "dev", host.Device())
	v.state("offline", 15*time.Second)
	v.live(patient)
	if st := s.status("cam1"); st.ONVIF == nil || st.ONVIF.Host != subnet+"2:8080" {
		t.Errorf("the API says %+v", st.ONVIF)
	}
	if log := s.log.String(); !strings.Contains(log, "the camera's address has changed") {
		t.Error("the log does not say so")
	}
}

// TestOurInterfaceGoesDown: the gateway's own cable is pulled, and put back with another
// address.
func TestOurInterfaceGoesDown(t *testing.T) {
	t.Parallel()
	host := testnet.New(t)
	start(t, host.Command(program(t, "camsim"), "--size", "320x192", "--gop", "25", "--clip", "--listen", "0.0.0.0:8554",
		"--onvif", "--onvif-listen", "0.0.0.0:8080", "--interface", host.Device())).says("http://", patient)
	s, g := serveConfig(t, fmt.Sprintf("[discovery]\ninterfaces = [%q]\n[[camera]]\nname = \"cam1\"\nsource = \"onvif://%s:8080\"\ntransport = \"tcp\"\n",
		host.OurDevice(), host.Theirs))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	device := host.OurDevice()
	run(t, "ip", "link", "set", device, "down")
	v.state("offline", 15*time.Second)
	// The network gives us another address, and the camera stays where it is.
	ours := host.Ours[:strings.LastIndexByte(host.Ours, '.')+1]
	run(t, "ip", "addr", "flush", "dev", device)
	run(t, "ip", "addr", "add", ours+"254/24", "dev", device)
	host.Run("ip", "addr", "add", host.Theirs+"/24", "dev", host.Device())
	run(t, "ip", "link", "set", device, "up")
	v.live(patient)
	eventually(t, "the camera is found from the new address", patient, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return g.Search(ctx, 2*time.Second) == nil && len(g.Devices()) == 1
	})
}

// run runs a command on this machine, which must succeed.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}
