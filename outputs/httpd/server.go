// Package httpd is the gateway's HTTP server: routes, who may ask, limits, and what is
// answered when something is wrong. What is shown is made and written by the other packages
// of outputs; here they come together with the cameras.
//
// handler (server.go) has every route. A request passes whoever stands in its Pre first, the
// guards among them (forwarded.go, guard.go, origin.go), and then a handler of one of the
// forms (pictures.go, many.go, whep.go, legacy….go), of the API (api.go, find.go) or of the
// page (pages.go). A viewer goes on with its camera's successor by follow.go.
package httpd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"camgate/outputs/legacy"
	"camgate/outputs/wall"
	"camgate/outputs/webrtc"
)

// A Server is made by New; Run serves.
type Server struct {
	cfg     Config
	cameras cameras
	hosts   map[string]bool // names by which the gateway may be called, in lower case
	origins map[string]bool // in lower case
	pages   *pages
	walls   *wall.Set
	webrtc  *webrtc.Server // nil: there is none
	log     *slog.Logger
	began   time.Time

	// beside are what else runs while the server does, each until its context ends. The
	// error of one ends the server.
	beside []func(context.Context) error

	viewers  atomic.Int64
	handlers sync.WaitGroup // requests that are being answered

	socket    legacy.Socket
	strangers strangers
	notices   notices // to those whose camera is removed

	mu      sync.Mutex
	ending  bool     // no more are answered
	address net.Addr // that HTTP is served on; nil before
}

// New makes a server. www holds the built-in pages. The error is a sentence for whoever
// wrote the configuration.
func New(cfg Config, cameras Cameras, www fs.FS, log *slog.Logger) (*Server, error) {
	return newServer(cfg, gatewayCameras{cameras}, www, log)
}

func newServer(cfg Config, cameras cameras, www fs.FS, log *slog.Logger) (*Server, error) {
	cfg.BasePath = strings.TrimRight(cfg.BasePath, "/")
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.MaxViewers <= 0 {
		cfg.MaxViewers = DefaultMaxViewers
	}
	if cfg.HeaderTimeout <= 0 {
		cfg.HeaderTimeout = DefaultHeaderTimeout
	}
	s := &Server{cfg: cfg, cameras: cameras, log: log, pages: &pages{builtin: www, folder: cfg.WWW, log: log}, began: time.Now()}
	s.walls = wall.NewSet(wallSource{cameras}, log)
	s.hosts = allowedHosts(cfg)
	s.origins = allowedOrigins(cfg.Origins)
	if err := s.prepareLegacy(); err != nil {
		return nil, err
	}
	if err := s.newWebRTC(log); err != nil {
		return nil, err
	}
	return s, nil
}

// Run listens and serves until ctx ends. Then it ends all viewers in order and waits for
// them, for at most 5 s together. It is called once. The error is nil after ctx's end,
// or a sentence that says why there is no listening.
func (s *Server) Run(ctx context.Context) error {
	listener, err := listen(s.cfg.Listen)
	if err != nil {
		return listenError("[http] listen", s.cfg.Listen, err)
	}
	agents, err := s.listenCctvAgent() // before anybody is told that all is served
	if err != nil {
		listener.Close()
		return err
	}
	if agents != nil {
		s.beside = append(s.beside, func(ctx context.Context) error { return s.serveCctvAgent(ctx, agents) })
	}
	// Requests' contexts come from this one, and end before the connections do.
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := s.newHTTP(serving, s.handler())
	s.mu.Lock()
	s.address = listener.Addr()
	s.mu.Unlock()
	if s.cfg.Listening != nil {
		s.cfg.Listening(listener.Addr())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }() // shutdown waits for it
	broken := make(chan error, len(s.beside))
	var beside sync.WaitGroup
	for _, run := range s.beside {
		beside.Go(func() {
			if err := run(serving); err != nil && serving.Err() == nil {
				broken <- err
			}
		})
	}

	select {
	case err = <-failed:
		failed <- http.ErrServerClosed
		err = fmt.Errorf("HTTP on %s has ended: %w", listener.Addr(), err)
	case err = <-broken:
	case <-ctx.Done():
	}
	err = errors.Join(err, s.shutdown(server, listener, end, failed))
	beside.Wait()
	return err
}

// newHTTP is an HTTP server as each listener has it. Requests' contexts come from ctx.
func (s *Server) newHTTP(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: s.cfg.HeaderTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // what strangers send, mostly
	}
}

// shutdown ends everything that Run has started.
func (s *Server) shutdown(server *http.Server, listener net.Listener, end func(), failed chan error) error {
	listener.Close() // the server does it once more
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	end()

	// All answers: the server itself knows nothing of connections that a stream has
	// taken over.
	done := make(chan struct{})
	go func() { s.handlers.Wait(); close(done) }()
	if closedWithin(done, shutdownLimit-flushLimit) {
		// Plain answers may still be in the server's buffers. Browsers also hold connections
		// open that they have not used; those get no say in how long this takes.
		flush, cancel := context.WithTimeout(context.Background(), flushLimit)
		server.Shutdown(flush) // its errors: the listener is closed already, or time is up
		cancel()
	}
	server.Close()
	<-failed
	// What is left now are files and stills on their way to who takes them slowly: those end with
	// their connections.
	if !closedWithin(done, flushLimit) {
		return fmt.Errorf("not all answers have ended within %v: %d viewers are left", shutdownLimit, s.viewers.Load())
	}
	return nil
}

// closedWithin waits for done to be closed, and says whether that was within limit.
func closedWithin(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// listen opens a port for plain TCP. Go's own way takes Multipath TCP too, where the viewer
// offers it, and of that the kernel does not tell what viewerconn wants to know.
func listen(address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", address)
}

// listenError is a sentence of an error of listen, at an address that stands under a key of the
// configuration.
func listenError(key, address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s = %q: another program, perhaps another camgate, uses this port already: end it, or choose another port", key, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s = %q: this machine does not have that address: use one of its own, or 127.0.0.1", key, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s = %q: ports below 1024 need a privilege: choose a larger one", key, address)
	}
	return fmt.Errorf("%s = %q: %w", key, address, err)
}

// handler is everything that is served.
func (s *Server) handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = s.answerError
	e.Pre(s.account, s.survive, s.headers, s.forwarded, s.base, s.guardHost, s.crossOrigin, s.guardOrigin, s.readBody)
	both := []string{http.MethodGet, http.MethodHead}
	e.Match(both, "/mjpeg/*", s.mjpeg)
	e.Match(both, "/snapshot/*", s.snapshot)
	e.GET("/ws/*", s.websocket)
	s.routeMany(e)
	s.routeWebRTC(e)
	s.routeLegacy(e)
	e.Match(both, "/api/cameras", s.listCameras)
	e.Match(both, "/api/cameras/*", s.showCamera)
	e.POST("/api/cameras/:camera/ptz", s.move)
	e.GET("/api/cameras/:camera/presets", s.presets)
	if s.cfg.Finder != nil {
		e.GET("/api/discovery", s.listDevices)
		e.POST("/api/discovery", s.searchDevices)
		e.POST("/api/cameras", s.addCamera)
	}
	e.Match(both, "/healthz", s.health)
	e.Match(both, "/*", s.page)
	e.Match(both, "/", s.front)
	return e
}
