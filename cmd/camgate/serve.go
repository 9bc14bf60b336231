package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"camgate/config"
	"camgate/gateway"
	"camgate/outputs/httpd"
	"camgate/www"
)

type serveCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration, such as config.toml; config.example.toml explains every key."`
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context, c console) error {
	cfg, err := load(s.Config, c)
	if err != nil {
		return err
	}
	if len(cfg.Cameras) == 0 {
		return fmt.Errorf("%s names no camera: add one with\n\n[[camera]]\nname = \"cam1\"\nsource = \"rtsp://user:password@192.0.2.10/stream1\"", s.Config)
	}
	log, err := newLog(cfg.Log, c.log)
	if err != nil {
		return err
	}
	return serve(ctx, cfg, log, func(a net.Addr) {
		log.Info("serving", "page", "http://"+a.String()+"/", "cameras", len(cfg.Cameras), "version", version)
	})
}

// load reads a configuration and prints its mistakes, one a line.
func load(path string, c console) (*config.Config, error) {
	cfg, err := config.Load(path)
	var mistakes config.Mistakes
	if errors.As(err, &mistakes) {
		fmt.Fprintln(c.log, mistakes)
		return nil, errReported
	}
	return cfg, err
}

// serve runs the cameras and the HTTP server until ctx ends or the server cannot go on.
func serve(ctx context.Context, cfg *config.Config, log *slog.Logger, listening func(net.Addr)) error {
	g, err := gateway.New(cfg, log)
	if err != nil {
		return err
	}
	server, err := httpd.New(httpd.Config{
		Listen:         cfg.HTTP.Listen,
		AllowAnonymous: cfg.HTTP.AllowAnonymous,
		Hosts:          cfg.HTTP.Hosts,
		Origins:        cfg.HTTP.Origins,
		WWW:            cfg.HTTP.WWW,
		MaxViewers:     cfg.Limits.MaxViewers,
		Version:        version,
		Listening:      listening,
	}, g, www.Files(), log)
	if err != nil {
		return err
	}
	// Viewers end before cameras, so that their last picture is no notice.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var cameras sync.WaitGroup
	cameras.Go(func() { g.Run(running) })
	err = server.Run(ctx)
	end()
	cameras.Wait()
	return err
}

func newLog(cfg config.Log, to io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options)), nil
	}
	return slog.New(slog.NewTextHandler(to, options)), nil
}
