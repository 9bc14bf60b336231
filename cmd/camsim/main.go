// Command camsim simulates IP cameras: RTSP streams of a moving test picture, faults on
// demand over HTTP, and on request an ONVIF front with WS-Discovery and SSDP.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"camgate/camsim"
	"camgate/decoder"
)

type options struct {
	Cameras  int     `default:"1" help:"How many: cam1, cam2, …"`
	Size     string  `default:"1280x720" help:"Of the pictures."`
	FPS      float64 `name:"fps" default:"25" help:"Pictures a second."`
	GOP      int     `name:"gop" default:"0" help:"Pictures from key frame to key frame; 0: two seconds' worth."`
	Codec    string  `default:"h264" help:"h264, h265, mjpeg or mpeg4."`
	Bitrate  int     `default:"0" help:"Bit/s; 0: a camera's for the size."`
	Slices   int     `default:"1" help:"A picture is cut into (H.264, H.265)."`
	Clip     bool    `help:"Detailed pictures, encoded once and repeated, in place of live ones."`
	Listen   string  `default:"127.0.0.1:8554" help:"RTSP address."`
	OwnPorts bool    `help:"A port for each camera, counted up from --listen: refuse, reboot and freeze need it."`
	NoUDP    bool    `name:"no-udp" help:"TCP only."`
	Control  string  `default:"" help:"HTTP address of the faults, such as 127.0.0.1:8555; empty: none."`
	Auth     string  `enum:"none,basic,digest,both" default:"none" help:"How the password is asked for: none, basic, digest, both."`
	User     string  `default:"admin" help:"With --auth."`
	Password string  `env:"CAMSIM_PASSWORD" help:"With --auth; better in the environment, where ps does not show it."`
	Seed     uint64  `default:"1" help:"Decides what is random."`

	onvifOptions `embed:""`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("camsim"), kong.Description("Simulated IP cameras. Prints their URLs, then runs until interrupted."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "camsim:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.ListQuirks {
		listQuirks()
		return nil
	}
	if o.Cameras < 1 || o.Cameras > 1000 {
		return fmt.Errorf("--cameras %d: must be 1 to 1000", o.Cameras)
	}
	cameras, pairs, end, err := o.start()
	defer end()
	if err != nil {
		return err
	}
	f := &fronts{}
	if o.Onvif {
		f, err = o.startFronts(ctx, pairs)
	}
	defer f.close()
	if err != nil {
		return err
	}
	var faults net.Listener
	if o.Control != "" {
		if faults, err = net.Listen("tcp", o.Control); err != nil {
			return fmt.Errorf("--control: %w", err)
		}
		defer faults.Close()
	}
	for _, c := range cameras {
		fmt.Println(c.Address())
	}
	for _, d := range f.devices {
		fmt.Println(d.XAddr())
	}
	if faults == nil {
		return o.play(ctx, f)
	}
	fmt.Println("http://" + faults.Addr().String() + "/")
	ctx, stop := context.WithCancelCause(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { stop(o.play(ctx, f)) })
	err = control(ctx, faults, cameras)
	stop(err)
	tasks.Wait()
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// camera is what all of them have in common, but for the size.
func (o options) camera(size string) (camsim.Options, error) {
	width, height, err := camsim.ParseSize(size)
	if err != nil {
		return camsim.Options{}, err
	}
	codec, err := camsim.ParseCodec(o.Codec)
	if err != nil {
		return camsim.Options{}, err
	}
	c := camsim.Options{Mode: camsim.Live, User: o.User, Password: o.Password, Seed: o.Seed,
		Auth:  map[string]camsim.Auth{"basic": camsim.AuthBasic, "digest": camsim.AuthDigest, "both": camsim.AuthBoth}[o.Auth],
		Video: decoder.VideoEncoderOptions{Codec: codec, Width: width, Height: height, FPS: o.FPS, GOP: o.GOP, Bitrate: o.Bitrate, Slices: o.Slices}}
	if o.Clip {
		c.Mode = camsim.Clip
	}
	return c, nil
}

// start starts all cameras, with --onvif in pairs. end is to be called in any case.
func (o options) start() (cameras []*camsim.Camera, pairs []pair, end func(), err error) {
	var ends []func()
	end = func() {
		for _, e := range ends {
			e()
		}
	}
	template, err := o.camera(o.Size)
	if err != nil {
		return nil, nil, end, err
	}
	sub, err := o.camera(o.SubSize)
	if err != nil {
		return nil, nil, end, fmt.Errorf("--sub-size: %w", err)
	}
	var server *camsim.Server
	if !o.OwnPorts {
		if server, err = camsim.Listen(context.Background(), camsim.ServerOptions{Listen: o.Listen, NoUDP: o.NoUDP}); err != nil {
			return nil, nil, end, err
		}
		ends = append(ends, server.Close)
	}
	add := func(c camsim.Options, name, listen string, seed int) (*camsim.Camera, error) {
		c.Name, c.Seed = name, o.Seed+uint64(seed)
		c.Server = camsim.ServerOptions{Listen: listen, NoUDP: o.NoUDP}
		started, err := startOne(server, c)
		if err == nil {
			ends, cameras = append(ends, started.Close), append(cameras, started)
		}
		return started, err
	}
	for n := range o.Cameras {
		name := fmt.Sprintf("cam%d", n+1)
		listen, err := countUp(o.Listen, n, o.OwnPorts)
		if err != nil {
			return nil, nil, end, fmt.Errorf("--listen: %w", err)
		}
		main, err := add(template, name, listen, n)
		if err != nil {
			return nil, nil, end, err
		}
		if !o.Onvif {
			continue
		}
		host, _, _ := net.SplitHostPort(listen)
		small, err := add(sub, name+"/sub", net.JoinHostPort(host, "0"), n)
		if err != nil {
			return nil, nil, end, err
		}
		pairs = append(pairs, pair{main, small})
	}
	return cameras, pairs, end, nil
}

// startOne starts a camera behind a server, or where that is nil on a port of its own.
func startOne(server *camsim.Server, c camsim.Options) (*camsim.Camera, error) {
	if server == nil {
		return camsim.Start(context.Background(), c)
	}
	return server.Add(c)
}

// countUp is the n-th address from a first one on.
func countUp(first string, n int, own bool) (string, error) {
	host, port, err := net.SplitHostPort(first)
	number, wrong := strconv.ParseUint(port, 10, 16)
	if err != nil || wrong != nil {
		return "", fmt.Errorf("address %q must be HOST:PORT, such as 127.0.0.1:8554", first)
	}
	if !own || number == 0 {
		return first, nil
	}
	return net.JoinHostPort(host, strconv.Itoa(int(number)+n)), nil
}

// control serves the faults until ctx ends.
func control(ctx context.Context, listener net.Listener, cameras []*camsim.Camera) error {
	server := &http.Server{Handler: camsim.Control(cameras...), ReadTimeout: 5 * time.Second, WriteTimeout: 60 * time.Second, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
