package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"camgate/camera"
	"camgate/media"
	"camgate/outputs/legacy"
	"camgate/outputs/wsconn"
)

// Adder makes cameras while the gateway runs; *gateway.Gateway is one.
type Adder interface {
	// Add serves a camera of an address, under a name, or a readable one where that is "";
	// it returns the name.
	Add(name, from string) (string, error)
	Remove(name string) error
}

// prepareLegacy makes what runs beside the server for cctvAgent's pages.
func (s *Server) prepareLegacy() error {
	o := s.cfg.Legacy
	if o.AllowAnyURL {
		var cameras any = s.cameras
		if real, ok := s.cameras.(gatewayCameras); ok {
			cameras = real.Cameras
		}
		adder, ok := cameras.(Adder)
		if !ok {
			return errors.New("[legacy] allow_any_url = true is not possible here: cameras cannot be added")
		}
		s.strangers.adder, s.strangers.find = adder, s.cameras.find
		s.beside = append(s.beside, s.strangers.run)
	}
	return nil
}

// listenCctvAgent opens the port of cctvAgent's WebSocket protocol; nil: there is to be none.
func (s *Server) listenCctvAgent() (net.Listener, error) {
	at := s.cfg.Legacy.CctvAgentWS
	if at == "" {
		return nil, nil
	}
	listener, err := listen(at)
	if err != nil {
		return nil, listenError("[legacy] cctvagent_ws", at, err)
	}
	if s.cfg.Legacy.Listening != nil {
		s.cfg.Legacy.Listening(listener.Addr())
	}
	return listener, nil
}

// serveCctvAgent serves cctvAgent's WebSocket protocol until ctx ends. All its connections
// have ended when Run returns.
func (s *Server) serveCctvAgent(ctx context.Context, listener net.Listener) error {
	e := echo.New()
	e.HTTPErrorHandler = s.answerError
	e.Pre(s.account, s.survive, s.headers, s.forwarded, s.guardHost, s.guardPages, s.readBody)
	e.GET("/*", s.cctvAgentSocket)
	e.GET("/", s.cctvAgentSocket)
	server := s.newHTTP(ctx, e)
	s.log.Info("serving cctvAgent's WebSocket protocol", "listen", listener.Addr().String())
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(listener)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("[legacy] cctvagent_ws on %s has ended: %w", listener.Addr(), err)
}

// guardPages is guardOrigin for a listener whose pages come from the other one.
func (s *Server) guardPages(next echo.HandlerFunc) echo.HandlerFunc {
	guarded := s.guardOrigin(next)
	return func(c echo.Context) error {
		origins := c.Request().Header.Values("Origin")
		if len(origins) == 1 && s.isOurPage(c, strings.ToLower(origins[0])) {
			return next(c)
		}
		return guarded(c)
	}
}

// isOurPage says whether an origin is that of the pages that the gateway serves: at the port
// of [http] listen, and the same host, or another of its names. cctvAgent's own page asks
// for localhost:8001, whatever it was opened by.
func (s *Server) isOurPage(c echo.Context, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" {
		return false
	}
	_, port, err := net.SplitHostPort(withPort(u.Scheme, u.Host))
	if err != nil || port != s.port() {
		return false
	}
	page, here := hostName(u.Host), hostName(askerOf(c).host)
	switch {
	case page == here:
		return true
	case loopback(page): // which is another machine to each
		return loopback(here)
	}
	addr, err := netip.ParseAddr(page)
	return page != "" && s.hosts[page] && (err != nil || !addr.IsUnspecified()) // 0.0.0.0, where it listens, is no name
}

// port is the one that HTTP is served on; "" before.
func (s *Server) port() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.address == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(s.address.String())
	return port
}

// asksForCctvAgent says whether a request to /ws asks for cctvAgent's protocol there.
func asksForCctvAgent(r *http.Request) bool {
	offered := websocket.Subprotocols(r)
	if len(offered) == 0 {
		return r.URL.Query().Get("protocol") == legacy.Protocol
	}
	return slices.Contains(offered, legacy.Protocol)
}

// cctvAgentSocket shows cameras as cctvAgent's pages want them.
func (s *Server) cctvAgentSocket(c echo.Context) error {
	return s.serveCctvAgentSocket(c, "", media.Rendition{})
}

// serveCctvAgentSocket is cctvAgentSocket that shows a camera before the page opens any; ""
// is none.
func (s *Server) serveCctvAgentSocket(c echo.Context, first string, rendition media.Rendition) error {
	release, err := s.admit()
	if err != nil {
		return err
	}
	defer release()
	r := c.Request()
	err = s.socket.Serve(c.Response().Writer, r, pageCameras{s, r.RemoteAddr}, legacy.SocketOptions{
		Camera: first, Rendition: rendition,
		Stall: s.cfg.Stall, PingEvery: s.cfg.PingEvery, PongTimeout: s.cfg.PongTimeout,
	})
	if errors.Is(err, wsconn.ErrNotWebSocket) {
		return badRequest(err)
	}
	c.Response().Committed = true
	log := s.log.With("viewer", r.RemoteAddr, "form", legacy.Protocol)
	if errors.Is(err, wsconn.ErrNoPong) {
		log.Info("a viewer was closed", "why", err)
		return nil
	}
	log.Debug("a viewer has ended", "why", err)
	return nil
}

// pageCameras are the cameras as one of cctvAgent's pages sees them.
type pageCameras struct {
	*Server
	peer string
}

// A pageCamera is a camera that such a page has opened.
type pageCamera struct {
	served
	server  *Server
	peer    string
	release func() // nil: nothing is to be done
}

// Watch is of legacy.Camera. The viewer goes on with the camera's successor, and ends with a
// picture that says so: the page's <img> keeps the last one.
func (p *pageCamera) Watch(r media.Rendition) (legacy.Viewer, error) {
	wanted := wish{Rendition: r, peer: p.peer, form: legacy.Protocol}
	v, err := p.watch(wanted)
	if errors.Is(err, camera.ErrClosed) { // it has been configured anew since it was opened
		if now := p.server.shown(p.Name()); now != nil {
			p.served = now
			v, err = p.watch(wanted)
		}
	}
	if err != nil {
		return nil, errors.New(ofCamera(p.Name(), err).Error())
	}
	return &follower{viewer: v, camera: p.served, wish: wanted, find: p.server.shown, notices: &p.server.notices}, nil
}

func (p *pageCamera) Close() {
	if p.release != nil {
		p.release()
	}
}

// Open finds a camera by its name or by its stream's address, or makes one where that is
// allowed.
func (p pageCameras) Open(ctx context.Context, called string) (legacy.Camera, error) {
	one, err := p.byAddress(ctx, called)
	if err != nil {
		return nil, err
	}
	if one != nil && !p.strangers.otherLogin(one, called) {
		return &pageCamera{one, p.Server, p.peer, p.strangers.use(one)}, nil
	}
	if !p.cfg.Legacy.AllowAnyURL {
		return nil, legacy.ErrUnknown
	}
	name, release, err := p.strangers.acquire(called)
	if err != nil {
		return nil, err
	}
	if one = p.cameras.find(name); one == nil { // somebody has removed it
		release()
		return nil, errors.New("the camera of this url is not served any more")
	}
	return &pageCamera{one, p.Server, p.peer, release}, nil
}

// askPatience bounds how long a camera may take to tell where its streams are.
const askPatience = 5 * time.Second

// byAddress finds a camera that the gateway has; nil if there is none. A camera at the same
// host that has not told its streams yet is asked; one that does not answer may be another.
func (s *Server) byAddress(ctx context.Context, called string) (served, error) {
	key, host, ok := legacy.StreamKey(called)
	if !ok {
		if one := s.called(legacy.Asked{Camera: called, Named: true}); one != nil {
			return one, nil
		}
		return s.shown(called), nil // a wall
	}
	asking, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	var alike served // but for a password or a token in it, which a page may not know
	for _, ask := range []bool{false, true} {
		for _, one := range s.cameras.all() {
			streams, ok := one.(interface {
				StreamAddresses(ctx context.Context, ask bool) []string
				HasStream(address string) bool
			})
			if !ok || ask && legacy.StreamHost(one.Status().Address) != host {
				continue
			}
			for _, address := range streams.StreamAddresses(asking, ask) {
				if k, _, ok := legacy.StreamKey(address); !ok || k != key {
					continue
				}
				if streams.HasStream(called) {
					return one, nil
				}
				if alike == nil {
					alike = one
				}
			}
		}
		if alike != nil {
			return alike, nil
		}
	}
	return nil, ctx.Err()
}

// strangers are the cameras that pages name by an address that no configuration has. They
// may be used from any goroutine.
type strangers struct {
	adder Adder
	find  func(name string) served

	mu      sync.Mutex
	cameras map[string]*stranger // by address, as it was given
	closed  bool
}

type stranger struct {
	name   string
	camera served // that was made; a configuration may have put another in its place
	users  int
	since  time.Time // when the last user left
}

const (
	maxStrangers = 16

	// strangerLinger is how long one stays without users: pages connect again.
	strangerLinger = 10 * time.Second
)

// acquire has a camera made for an address, or takes the one that there is. release is to be
// called when it is no longer watched. The error never holds the address.
func (s *strangers) acquire(address string) (name string, release func(), err error) {
	key, _, ok := legacy.StreamKey(address)
	if !ok || !strings.HasPrefix(key, "rtsp") {
		return "", nil, errors.New("the url must be that of a stream, like rtsp://192.0.2.10/stream, or a camera's name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.cameras[address]
	if one != nil {
		if now := s.find(one.name); now == nil || now != one.camera {
			one = nil // somebody has removed it, or the configuration has another of its name
		}
	}
	if one == nil {
		if s.closed {
			return "", nil, camera.ErrClosed
		}
		if len(s.cameras) >= maxStrangers {
			return "", nil, fmt.Errorf("%d cameras that are not configured are shown already, and more are not allowed", maxStrangers)
		}
		// What a page says names no variable of the environment.
		name, err := s.adder.Add("", strings.ReplaceAll(address, "${", "%24{"))
		if err != nil {
			return "", nil, errors.New("the camera of this url cannot be made")
		}
		one = &stranger{name: name, camera: s.find(name)}
		if s.cameras == nil {
			s.cameras = make(map[string]*stranger)
		}
		s.cameras[address] = one
	}
	return one.name, s.hold(one), nil
}

// use is for a page that has found a camera among those that there are: where it is one of
// these, it stays until release is called; else release is nil.
func (s *strangers) use(camera served) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.cameras {
		if one.camera == camera {
			return s.hold(one)
		}
	}
	return nil
}

// otherLogin says whether a camera is one of these, and was made with another user or password
// than a page's address has: with a wrong one of another page's it would never be seen.
func (s *strangers) otherLogin(camera served, called string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for address, one := range s.cameras {
		if one.camera == camera {
			return legacy.OtherLogin(address, called)
		}
	}
	return false
}

// hold counts a user; the caller holds mu.
func (s *strangers) hold(one *stranger) (release func()) {
	one.users++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		one.users--
		one.since = time.Now()
	})
}

// run removes those that nobody watches any more, until ctx ends, and then all.
func (s *strangers) run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ticker.C:
			s.remove(func(one *stranger) bool { return one.users == 0 && time.Since(one.since) >= strangerLinger })
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.remove(func(*stranger) bool { return true })
	return nil
}

func (s *strangers) remove(which func(*stranger) bool) {
	var names []string
	s.mu.Lock()
	for address, one := range s.cameras {
		if which(one) {
			delete(s.cameras, address)
			if s.find(one.name) == one.camera { // else it is the configuration's, or gone
				names = append(names, one.name)
			}
		}
	}
	s.mu.Unlock()
	for _, name := range names {
		s.adder.Remove(name) //nolint:errcheck // somebody else has
	}
}
