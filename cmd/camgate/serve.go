package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"camgate/config"
	repl "camgate/console"
	"camgate/gateway"
	"camgate/outputs/httpd"
	"camgate/www"
)

type serveCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration, such as config.toml; config.example.toml explains every key."`
	Socket string `placeholder:"FILE" help:"Where camgate console finds this gateway; \"none\": nowhere. Default: a folder of this user's."`

	BasePath string `placeholder:"/PATH" help:"What stands before every path, in place of base_path in the configuration."`
}

// Run serves until a signal comes. SIGHUP has the configuration read again.
func (s *serveCommand) Run(ctx context.Context, c console) error {
	// From here on: one that came while the gateway starts would end it.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	cfg, err := load(s.Config, c)
	if err != nil {
		return err
	}
	s.override(cfg)
	if err := watchesAny(s.Config, cfg); err != nil {
		return err
	}
	return serve(ctx, site{
		cfg: cfg, console: c, socket: s.Socket, hangups: hangups,
		reload: func() (*config.Config, error) {
			cfg, err := config.Load(s.Config)
			if err == nil {
				s.override(cfg)
			}
			return cfg, err
		},
		listening: func(a net.Addr, log *slog.Logger) {
			log.Info("serving", "page", pagesAt(a, cfg.HTTP.BasePath)[0], "cameras", len(cfg.Cameras), "version", version)
		},
	})
}

// watchesAny refuses a configuration without cameras, which is one that nobody has filled in.
func watchesAny(file string, cfg *config.Config) error {
	if len(cfg.Cameras) > 0 || cfg.Discovery.AutoAdd {
		return nil
	}
	return fmt.Errorf("%s names no camera: add one with\n\n[[camera]]\nname = \"cam1\"\nsource = \"onvif://user:password@192.0.2.10\"\n\n`camgate discover` lists those on the network, and [discovery] auto_add = true serves what it finds", file)
}

// override puts what the command line says in the place of what the configuration does.
func (s *serveCommand) override(cfg *config.Config) {
	if s.BasePath != "" {
		cfg.HTTP.BasePath = strings.TrimRight(s.BasePath, "/")
	}
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

// site is what serve needs to know.
type site struct {
	cfg       *config.Config
	console   console
	socket    string                         // of camgate console; "" the usual place, "none" nowhere
	reload    func() (*config.Config, error) // nil: there is no file
	hangups   chan os.Signal                 // those so far; nil: none has been waited for
	listening func(net.Addr, *slog.Logger)
	begun     func(context.Context, *operator) error // called when all runs; may be nil. Its error ends the gateway
}

// serve runs the cameras, the HTTP server and the console until ctx ends or the server
// cannot go on.
func serve(ctx context.Context, s site) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	lines := repl.NewLogWriter(s.console.log)
	level := new(slog.LevelVar)
	direct, err := newLog(s.cfg.Log, lines, level)
	if err != nil {
		return err
	}
	queue := newLogQueue(lines, direct)
	defer queue.close()
	log, err := newLog(s.cfg.Log, queue, level)
	if err != nil {
		return err
	}
	g, err := gateway.New(s.cfg, log)
	if err != nil {
		return err
	}
	o := &operator{Gateway: g, reload: s.reload, hangups: s.hangups, level: level, log: log, began: time.Now(), basePath: s.cfg.HTTP.BasePath}
	talking := make(chan struct{})
	options, err := serverOptions(s.cfg, log)
	if err != nil {
		return err
	}
	options.Finder = g
	options.Listening = func(a net.Addr) {
		o.listening(a)
		s.listening(a, log)
		close(talking)
	}
	server, err := httpd.New(options, g, www.Files(), log)
	if err != nil {
		return err
	}
	var failed error // of begun
	var consoles sync.WaitGroup
	consoles.Go(func() { serveConsole(ctx, o, s.socket) })
	consoles.Go(func() { atHangup(ctx, o, end) })
	consoles.Go(func() {
		select {
		case <-talking:
		case <-ctx.Done():
			return
		}
		if s.begun != nil {
			if failed = s.begun(ctx, o); failed != nil {
				end()
				return
			}
		}
		if onTerminal() { // after what is told of the pages
			talk(ctx, o, lines, end)
		}
	})
	// Viewers end before cameras, so that their last picture is no notice.
	running, endCameras := context.WithCancel(context.WithoutCancel(ctx))
	var cameras sync.WaitGroup
	cameras.Go(func() { g.Run(running) })
	err = server.Run(ctx)
	end()
	consoles.Wait()
	endCameras()
	cameras.Wait()
	return errors.Join(err, failed)
}

// serveConsole lets camgate console in. A gateway without one still serves.
func serveConsole(ctx context.Context, o *operator, socket string) {
	if socket == "none" {
		return
	}
	if err := repl.Serve(ctx, o, socketOr(socket)); err != nil {
		o.log.Warn("camgate console cannot reach this gateway", "why", err)
	}
}

// atHangup reads the configuration again at each SIGHUP. Where there is none, it is only the
// terminal that is gone, and calls end.
func atHangup(ctx context.Context, o *operator, end func()) {
	if o.reload == nil && signal.Ignored(syscall.SIGHUP) {
		return // nohup: it is to outlive the terminal
	}
	hangups := o.hangups
	if hangups == nil {
		hangups = make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	for {
		select {
		case <-hangups:
		case <-ctx.Done():
			return
		}
		if o.reload == nil {
			end()
			return
		}
		if _, err := o.Reload(); err != nil {
			o.log.Warn("the configuration was not read again", "why", err)
		}
	}
}

func newLog(cfg config.Log, to io.Writer, level *slog.LevelVar) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, err
	}
	level.Set(l)
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options)), nil
	}
	return slog.New(slog.NewTextHandler(to, options)), nil
}
