package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"camgate/camsim"
	"camgate/config"
	"camgate/decoder"
	"camgate/media"
)

type demoCommand struct {
	Listen  string `default:"127.0.0.1:8000" help:"Where to serve; the next free port where this one is taken."`
	Control string `default:"127.0.0.1:8555" help:"Where to break the simulated cameras by HTTP; the next free port where this one is taken."`
}

// demoCameras are unlike each other, as in real places.
var demoCameras = []struct {
	name  string
	video decoder.VideoEncoderOptions
}{
	{"street", decoder.VideoEncoderOptions{Codec: media.H264, Width: 1280, Height: 720, FPS: 15}},
	{"door", decoder.VideoEncoderOptions{Codec: media.H265, Width: 640, Height: 480, FPS: 10}},
	{"lift", decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 640, Height: 360, FPS: 10, Quantizer: 5}},
	{"yard", decoder.VideoEncoderOptions{Codec: media.H264, Width: 1920, Height: 1080, FPS: 5}},
}

// Run serves simulated cameras until a signal comes.
func (d *demoCommand) Run(ctx context.Context, c console) error {
	cfg, err := config.Parse("demo", nil)
	if err != nil {
		return err
	}
	if cfg.HTTP.Listen, err = freePort(d.Listen); err != nil {
		return err
	}
	cfg.Log.Level = "warn"
	log, err := newLog(cfg.Log, c.log)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.log, "starting simulated cameras…")
	var cams []*camsim.Camera
	for _, one := range demoCameras {
		cam, err := camsim.Start(ctx, camsim.Options{Name: one.name, Mode: camsim.Live, Video: one.video})
		if err != nil {
			return err
		}
		defer cam.Close()
		cams = append(cams, cam)
		cfg.Cameras = append(cfg.Cameras, config.Camera{Name: one.name, Source: config.NewSecret(cam.URL()), Transport: "auto",
			OnDemand: true, Linger: 10 * time.Second, Threads: 1, JPEG: config.JPEG{Quality: 75}})
	}
	control, err := d.control(cams)
	if err != nil {
		return err
	}
	defer control.Close()
	return serve(ctx, cfg, log, func(a net.Addr) {
		fmt.Fprintf(c.out, `
camgate demo: %d simulated cameras

  all of them       http://%[2]s/
  one, as <img>     http://%[2]s/mjpeg/street?width=640
  a still           http://%[2]s/snapshot/door
  what is going on  http://%[2]s/api/cameras
  break a camera    curl -d '{"seconds":10}' http://%[3]s/reboot/door    (http://%[3]s/ lists more)

Ctrl-C ends it.
`, len(cams), a, control.Addr)
	})
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
