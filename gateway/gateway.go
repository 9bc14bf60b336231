// Package gateway is the set of cameras that a configuration names.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/config"
)

// A Gateway is made by New; Run runs its cameras.
type Gateway struct {
	cameras []*camera.Camera
	byName  map[string]*camera.Camera
}

// New makes the cameras of a configuration that config.Load has checked. The error names
// the camera whose source cannot be read.
func New(cfg *config.Config, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{byName: make(map[string]*camera.Camera)}
	for _, c := range cfg.Cameras {
		made, err := newCamera(c, cfg.Limits, log)
		if err != nil {
			return nil, err
		}
		g.cameras = append(g.cameras, made)
		g.byName[c.Name] = made
	}
	return g, nil
}

func newCamera(c config.Camera, limits config.Limits, log *slog.Logger) (*camera.Camera, error) {
	address, err := source.ParseAddress(c.Source.Reveal())
	if err != nil {
		return nil, fmt.Errorf("camera %q: %w", c.Name, err)
	}
	if c.PasswordFile != "" {
		address = address.WithPassword(c.Password.Reveal())
	}
	return camera.New(camera.Config{
		Name:    c.Name,
		Address: address,
		Source: source.Options{
			Transport:      c.Transport,
			TLSFingerprint: c.TLSFingerprint,
			TLSInsecure:    c.TLSInsecure,
		},
		OnDemand:      c.OnDemand,
		Linger:        c.Linger,
		Quality:       c.JPEG.Quality,
		MaxFPS:        c.JPEG.MaxFPS,
		Threads:       c.Threads,
		MaxPixels:     limits.MaxPixels,
		MaxRenditions: limits.MaxRenditions,
	}, log), nil
}

// Run runs every camera until ctx ends, and returns when all have ended.
func (g *Gateway) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, c := range g.cameras {
		running.Go(func() { c.Run(ctx) }) //nolint:errcheck // it is ctx's
	}
	running.Wait()
}

// Camera is the camera of exactly this name, nil if there is none.
func (g *Gateway) Camera(name string) *camera.Camera { return g.byName[name] }

// Cameras are all cameras, in the configuration's order. The slice is not to be changed.
func (g *Gateway) Cameras() []*camera.Camera { return g.cameras }
