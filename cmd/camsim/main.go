// Command camsim simulates IP cameras: RTSP streams of a moving test picture, and faults on
// demand over HTTP.
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
	if o.Cameras < 1 || o.Cameras > 1000 {
		return fmt.Errorf("--cameras %d: must be 1 to 1000", o.Cameras)
	}
	template, err := o.camera()
	if err != nil {
		return err
	}
	cameras, end, err := o.start(template)
	defer end()
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
	if faults == nil {
		<-ctx.Done()
		return nil
	}
	fmt.Println("http://" + faults.Addr().String() + "/")
	return control(ctx, faults, cameras)
}

// camera is what all of them have in common.
func (o options) camera() (camsim.Options, error) {
	width, height, err := camsim.ParseSize(o.Size)
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

// start starts all cameras. end is to be called in any case.
func (o options) start(template camsim.Options) (cameras []*camsim.Camera, end func(), err error) {
	var ends []func()
	end = func() {
		for _, e := range ends {
			e()
		}
	}
	var server *camsim.Server
	for n := range o.Cameras {
		template.Name = fmt.Sprintf("cam%d", n+1)
		template.Seed = o.Seed + uint64(n)
		template.Server = camsim.ServerOptions{NoUDP: o.NoUDP}
		if template.Server.Listen, err = countUp(o.Listen, n, o.OwnPorts); err != nil {
			return nil, end, err
		}
		var c *camsim.Camera
		switch {
		case o.OwnPorts:
			c, err = camsim.Start(context.Background(), template)
		case server == nil:
			if server, err = camsim.Listen(context.Background(), template.Server); err != nil {
				return nil, end, err
			}
			ends = append(ends, server.Close)
			fallthrough
		default:
			c, err = server.Add(template)
		}
		if err != nil {
			return nil, end, err
		}
		ends = append(ends, c.Close)
		cameras = append(cameras, c)
	}
	return cameras, end, nil
}

// countUp is the n-th address from a first one on.
func countUp(first string, n int, own bool) (string, error) {
	host, port, err := net.SplitHostPort(first)
	number, wrong := strconv.ParseUint(port, 10, 16)
	if err != nil || wrong != nil {
		return "", fmt.Errorf("--listen %q must be HOST:PORT, such as 127.0.0.1:8554", first)
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
