package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/config"
	repl "camgate/console"
	"camgate/gateway"
	"camgate/media"
)

type snapshotCommand struct {
	Camera  string        `arg:"" name:"name-or-url" help:"A camera of the configuration, onvif://… or rtsp://…"`
	Output  string        `short:"o" required:"" placeholder:"FILE" help:"Where the JPEG goes; - is standard output."`
	Config  string        `default:"config.toml" placeholder:"FILE" help:"The configuration, where a name is given."`
	Width   int           `help:"Its width at most, in pixels; 0 is the camera's own."`
	Quality int           `default:"85" help:"1 to 100."`
	Timeout time.Duration `default:"20s" help:"How long to wait for the camera."`
}

var errInterrupted = errors.New("interrupted before there was a picture")

// Run connects, waits for the first live picture, and writes it.
func (s *snapshotCommand) Run(ctx context.Context, c console) error {
	if s.Quality < 1 || s.Quality > 100 {
		return errors.New("--quality must be 1 to 100")
	}
	if s.Width < 0 || s.Width > 8192 {
		return errors.New("--width must be 0 to 8192")
	}
	cam, err := s.find(c)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var life sync.WaitGroup
	life.Go(func() { cam.Run(running) }) //nolint:errcheck // it is running's
	defer life.Wait()
	defer end()

	v, err := cam.WatchStill(media.Rendition{Width: s.Width, Quality: s.Quality})
	if err != nil {
		return err
	}
	defer v.Close()
	for {
		picture, err := v.Next(waiting)
		if err != nil {
			if ctx.Err() != nil {
				return errInterrupted
			}
			if why := cam.Status().LastError; why != "" {
				return errors.New(why)
			}
			return fmt.Errorf("camera %q sent no picture within %v", cam.Name(), s.Timeout)
		}
		if picture.State == media.Live {
			return s.write(c, picture)
		}
	}
}

// quiet is for cameras whose troubles are told at the end.
var quiet = slog.New(slog.DiscardHandler)

// find makes the camera that is meant.
func (s *snapshotCommand) find(c console) (*camera.Camera, error) {
	if strings.Contains(s.Camera, "://") {
		address, err := source.ParseAddress(s.Camera)
		if err != nil {
			return nil, err
		}
		return camera.New(camera.Config{Name: address.Host(), Address: address, OnDemand: true}, quiet), nil
	}
	return configured(s.Config, s.Camera, c)
}

// configured makes a camera of the configuration.
func configured(file, name string, c console) (*camera.Camera, error) {
	cfg, err := load(file, c)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: --config names the file that has the camera, and a URL needs none", err)
	}
	if err != nil {
		return nil, err
	}
	g, err := gateway.New(&config.Config{Cameras: cfg.Cameras, Limits: cfg.Limits}, quiet)
	if err != nil {
		return nil, err
	}
	if cam := g.Camera(name); cam != nil {
		return cam, nil
	}
	return nil, noSuchCamera(file, name, g)
}

// write writes the picture to where it is wanted.
func (s *snapshotCommand) write(c console, p *media.Picture) error {
	if s.Output == "-" {
		_, err := c.out.Write(p.JPEG)
		return err
	}
	if err := repl.WriteFile(s.Output, p.JPEG); err != nil {
		return err
	}
	fmt.Fprintf(c.log, "%s: %d × %d, %d bytes\n", s.Output, p.Width, p.Height, len(p.JPEG))
	return nil
}
