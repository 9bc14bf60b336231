package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"camgate/camsim"
	"camgate/camsim/device"
	"camgate/config"
	"camgate/decoder"
	"camgate/gateway"
	"camgate/media"
)

type demoCommand struct {
	Listen         string `default:"127.0.0.1:8000" help:"Where to serve; the next free port where this one is taken."`
	AllowAnonymous bool   `help:"Let --listen be an address that other machines reach."`

	Control string `default:"127.0.0.1:8555" help:"Where to break the simulated cameras by HTTP; the next free port where this one is taken."`
	Socket  string `placeholder:"FILE" help:"Where camgate console finds this gateway; \"none\": nowhere."`

	BasePath string `placeholder:"/PATH" help:"What stands before every path, such as /cams."`
}

type demoCamera struct {
	name, model string
	video       decoder.VideoEncoderOptions
	small       *decoder.VideoEncoderOptions
}

// demoCameras are unlike each other, as in real places. Small is a second, small stream.
var demoCameras = []demoCamera{
	{"street", "Dome 720", decoder.VideoEncoderOptions{Codec: media.H264, Width: 1280, Height: 720, FPS: 15}, nil},
	{"door", "Bullet H5", decoder.VideoEncoderOptions{Codec: media.H265, Width: 640, Height: 480, FPS: 10}, nil},
	{"lift", "Mini M1", decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 640, Height: 360, FPS: 10, Quantizer: 5}, nil},
	{"yard", "PTZ 1080", decoder.VideoEncoderOptions{Codec: media.H264, Width: 1920, Height: 1080, FPS: 5},
		&decoder.VideoEncoderOptions{Codec: media.H264, Width: 640, Height: 360, FPS: 5}},
}

// findWithin is how long the simulated cameras may take to be found.
const findWithin = 10 * time.Second

// Run serves simulated cameras until a signal comes.
func (d *demoCommand) Run(ctx context.Context, c console) error {
	cfg, err := config.Parse("demo", nil)
	if err != nil {
		return err
	}
	if cfg.HTTP.Listen, err = freePort(d.Listen); err != nil {
		return err
	}
	if cfg.HTTP.AllowAnonymous = d.AllowAnonymous; !d.AllowAnonymous && !onlyHere(cfg.HTTP.Listen) {
		return fmt.Errorf("--listen %s can be reached by others: say --allow-anonymous if everybody who reaches this machine may see the simulated cameras", d.Listen)
	}
	cfg.HTTP.BasePath = strings.TrimRight(d.BasePath, "/")
	cfg.Log.Level = "warn"
	cfg.Discovery.Interfaces = []string{"lo"}
	fmt.Fprintln(c.log, "starting simulated cameras…")
	cameras, err := startDemo(context.WithoutCancel(ctx)) // they end after the gateway, which would miss them
	defer cameras.close()
	if err != nil {
		return err
	}
	control, err := d.control(cameras.cams)
	if err != nil {
		return err
	}
	defer control.Close()
	return serve(ctx, site{cfg: cfg, console: c, socket: d.Socket, listening: func(net.Addr, *slog.Logger) {},
		begun: func(ctx context.Context, o *operator) error {
			fmt.Fprintln(c.log, "finding them on the loopback interface…")
			if err := findDemo(ctx, o.Gateway, cameras.devices); err != nil {
				if ctx.Err() != nil {
					return nil // somebody ends it
				}
				return err
			}
			fmt.Fprintf(c.out, `
camgate demo: %d simulated cameras, found and asked as yours would be

  all of them       %[2]s
  one, as <img>     %[2]smjpeg/street?width=640
  a still           %[2]ssnapshot/door
  what is going on  %[2]sapi/cameras
  break a camera    curl -d '{"seconds":10}' http://%[3]s/reboot/door    (http://%[3]s/ lists more)

Ctrl-C ends it.
`, len(o.Cameras()), o.Host().Addresses[0], control.Addr)
			return nil
		}})
}

// demoSite is the simulated cameras.
type demoSite struct {
	network *device.Network
	devices []*device.Device
	cams    []*camsim.Camera
}

// startDemo starts them. The site is to be closed in any case.
func startDemo(ctx context.Context) (*demoSite, error) {
	s := &demoSite{}
	var err error
	if s.network, err = device.NewNetwork(ctx, device.NetworkOptions{}); err != nil {
		return s, err
	}
	for _, one := range demoCameras {
		videos := []decoder.VideoEncoderOptions{one.video}
		if one.small != nil {
			videos = append(videos, *one.small)
		}
		var profiles []device.Profile
		for n, video := range videos {
			name := one.name
			if n > 0 {
				name += "-small"
			}
			cam, err := camsim.Start(ctx, camsim.Options{Name: name, Mode: camsim.Live, Video: video})
			if err != nil {
				return s, err
			}
			s.cams = append(s.cams, cam)
			profiles = append(profiles, device.Profile{Camera: cam})
		}
		// Another demo on this machine has cameras of the same names.
		d, err := device.Start(ctx, device.Options{Name: one.name, Model: one.model, UUID: randomUUID(), Profiles: profiles, PTZ: one.small != nil,
			WSDiscovery: true, Network: s.network})
		if err != nil {
			return s, err
		}
		s.devices = append(s.devices, d)
	}
	return s, nil
}

func (s *demoSite) close() {
	for _, d := range s.devices {
		d.Close()
	}
	if s.network != nil {
		s.network.Close()
	}
	for _, c := range s.cams {
		c.Close()
	}
}

// findDemo searches for the simulated cameras and adds them, under their names and in
// their order.
func findDemo(ctx context.Context, g *gateway.Gateway, devices []*device.Device) error {
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	found := map[string]bool{}
	missing := func(d *device.Device) bool { return !found[d.EndpointReference()] }
	for slices.ContainsFunc(devices, missing) {
		if err := g.Search(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("not all %d simulated cameras were found on the loopback interface within %v: %w", len(devices), findWithin, err)
		}
		for _, d := range g.Devices() {
			found[d.ID] = true
		}
	}
	for _, d := range devices {
		if _, err := g.AddDevice(ctx, d.EndpointReference(), d.Name(), "", ""); err != nil {
			return err
		}
	}
	return nil
}

// randomUUID is one of version 4 (RFC 9562 section 5.4).
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// control serves the faults of the cameras.
func (d *demoCommand) control(cams []*camsim.Camera) (*http.Server, error) {
	address, err := freePort(d.Control)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: camsim.Control(cams...), Addr: l.Addr().String(), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(l) //nolint:errcheck // Close ends it
	return server, nil
}

// onlyHere says that an address with a port can be reached from this machine alone.
func onlyHere(address string) bool {
	host, _, _ := net.SplitHostPort(address) // freePort has done it before
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// freePort is address, or the next one whose port nobody has.
func freePort(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("%q is no address with a port, like 127.0.0.1:8000", address)
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return "", fmt.Errorf("port %q: it must be 0 to 65535", port)
	}
	for try := n; try < n+100; try++ {
		candidate := net.JoinHostPort(host, fmt.Sprint(try))
		l, err := net.Listen("tcp", candidate)
		if err == nil {
			return candidate, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return "", fmt.Errorf("cannot listen on %s: %w", candidate, err)
		}
	}
	return "", fmt.Errorf("port %d and the hundred behind it are taken", n)
}
