package camsim

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/pion/rtcp"
)

// ServerOptions of a server. The zero value is good.
type ServerOptions struct {
	// Listen is the RTSP port's address. "" is a free port of 127.0.0.1.
	Listen string
	// NoUDP leaves TCP as the only transport.
	NoUDP bool
	// TLS makes it rtsps, with this certificate; SelfSigned makes one.
	TLS *tls.Config
}

// A Server is an RTSP port with any number of cameras behind it. It owns its goroutines
// and its cameras: Close ends them all.
type Server struct {
	rtsp *gortsplib.Server
	gate *gate
	stop func() bool // unhooks the context

	mu       sync.Mutex
	cameras  map[string]*Camera
	sessions map[*gortsplib.ServerSession]*Camera
	conns    map[*gortsplib.ServerConn]*Camera
	starting map[*gortsplib.ServerConn]*gortsplib.ServerSession // whose PLAY is granted, and not answered
	closed   bool
}

// Listen starts a server without cameras. It closes with ctx.
func Listen(ctx context.Context, o ServerOptions) (*Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	gate, err := newGate(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("simulated cameras: %w", err)
	}
	s := &Server{gate: gate, cameras: map[string]*Camera{},
		sessions: map[*gortsplib.ServerSession]*Camera{}, conns: map[*gortsplib.ServerConn]*Camera{},
		starting: map[*gortsplib.ServerConn]*gortsplib.ServerSession{}}
	s.rtsp = &gortsplib.Server{
		Handler:        s,
		RTSPAddress:    gate.address,
		WriteQueueSize: 4096, // packets; a key frame of 4K has a thousand
		WriteTimeout:   5 * time.Second,
		TLSConfig:      o.TLS,
		Listen:         func(string, string) (net.Listener, error) { return gate, nil },
	}
	if err := s.start(o); err != nil {
		gate.Close()
		return nil, fmt.Errorf("simulated cameras: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = context.AfterFunc(ctx, s.Close)
	return s, nil
}

// start looks for a free pair of UDP ports, even and odd (RFC 3550 section 11).
func (s *Server) start(o ServerOptions) error {
	if o.NoUDP {
		return s.rtsp.Start()
	}
	host, _, err := net.SplitHostPort(s.gate.address)
	if err != nil {
		return err
	}
	for range 100 {
		var rtp, rtcp net.PacketConn
		if rtp, rtcp, err = udpPair(host); err != nil {
			continue
		}
		s.rtsp.UDPRTPAddress, s.rtsp.UDPRTCPAddress = rtp.LocalAddr().String(), rtcp.LocalAddr().String()
		s.rtsp.ListenPacket = func(network, address string) (net.PacketConn, error) {
			switch address {
			case s.rtsp.UDPRTPAddress:
				return rtp, nil
			case s.rtsp.UDPRTCPAddress:
				return rtcp, nil
			}
			return net.ListenPacket(network, address)
		}
		return s.rtsp.Start()
	}
	return err
}

func udpPair(host string) (rtp, rtcp net.PacketConn, err error) {
	if rtp, err = net.ListenPacket("udp", net.JoinHostPort(host, "0")); err != nil {
		return nil, nil, err
	}
	port := rtp.LocalAddr().(*net.UDPAddr).Port
	if port%2 != 0 {
		rtp.Close()
		return nil, nil, errors.New("no pair of UDP ports is free")
	}
	if rtcp, err = net.ListenPacket("udp", net.JoinHostPort(host, fmt.Sprint(port+1))); err != nil {
		rtp.Close()
		return nil, nil, err
	}
	return rtp, rtcp, nil
}

// Address is the RTSP port's host:port.
func (s *Server) Address() string { return s.gate.address }

func (s *Server) scheme() string {
	if s.rtsp.TLSConfig != nil {
		return "rtsps"
	}
	return "rtsp"
}

// Close ends all cameras and connections, and waits for them. Closing twice is harmless.
func (s *Server) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	cameras := make([]*Camera, 0, len(s.cameras))
	for _, c := range s.cameras {
		cameras = append(cameras, c)
	}
	s.mu.Unlock()
	s.stop()
	for _, c := range cameras {
		c.end()
	}
	if !closed {
		s.gate.letGo()
		s.rtsp.Close()
	}
	_ = s.rtsp.Wait()
}

// camera that a request's path names, or nil.
func (s *Server) camera(path string) *Camera {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cameras[strings.Trim(path, "/")]
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (s *Server) OnDescribe(x *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	c := s.camera(x.Path)
	if res := s.admit(c, x.Conn, x.Request); res != nil {
		return res, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.streamFor(gortsplib.TransportTCP), nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (s *Server) OnSetup(x *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	c := s.camera(x.Path)
	if res := s.admit(c, x.Conn, x.Request); res != nil {
		return res, nil, nil
	}
	s.mu.Lock()
	s.sessions[x.Session] = c
	s.mu.Unlock()
	if x.Transport != gortsplib.TransportTCP {
		c.counts.overUDP.Add(1)
	}
	return &base.Response{StatusCode: base.StatusOK}, c.streamFor(x.Transport), nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (s *Server) OnPlay(x *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	c := s.camera(x.Path)
	if res := s.admit(c, x.Conn, x.Request); res != nil {
		return res, nil
	}
	c.counts.plays.Add(1)
	x.Session.OnPacketRTCPAny(func(_ *description.Media, p rtcp.Packet) {
		switch p.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			c.counts.asked.Add(1)
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting[x.Conn] = x.Session
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnResponse implements gortsplib.ServerHandlerOnResponse. Only when the answer to PLAY is on
// its way the session is one of the stream's: a key frame that was sent before would be lost.
func (s *Server) OnResponse(conn *gortsplib.ServerConn, res *base.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.starting[conn]
	delete(s.starting, conn)
	if c := s.sessions[session]; c != nil && res.StatusCode == base.StatusOK { // it may have ended meanwhile
		c.setPlaying(session, true)
	}
}

// OnPause implements gortsplib.ServerHandlerOnPause.
func (s *Server) OnPause(x *gortsplib.ServerHandlerOnPauseCtx) (*base.Response, error) {
	if c := s.camera(x.Path); c != nil {
		c.setPlaying(x.Session, false)
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose.
func (s *Server) OnSessionClose(x *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.sessions[x.Session]; c != nil {
		c.setPlaying(x.Session, false)
	}
	delete(s.sessions, x.Session)
}

// OnConnClose implements gortsplib.ServerHandlerOnConnClose.
func (s *Server) OnConnClose(x *gortsplib.ServerHandlerOnConnCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, x.Conn)
	delete(s.starting, x.Conn)
}

// OnStreamWriteError implements gortsplib.ServerHandlerOnStreamWriteError: a client too
// slow for its queue loses packets, as with a camera. Without the method the library logs.
func (s *Server) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// admit answers who may not, and remembers whose connection it is. nil lets pass.
func (s *Server) admit(c *Camera, conn *gortsplib.ServerConn, req *base.Request) *base.Response {
	if c == nil {
		return &base.Response{StatusCode: base.StatusNotFound}
	}
	s.mu.Lock()
	if _, known := s.conns[conn]; !known {
		c.counts.connections.Add(1)
	}
	s.conns[conn] = c
	s.mu.Unlock()

	methods, user, password := c.login()
	if methods == nil {
		return nil
	}
	nonce, ok := conn.UserData().(string)
	if !ok {
		var err error
		if nonce, err = auth.GenerateNonce(); err != nil {
			return &base.Response{StatusCode: base.StatusInternalServerError}
		}
		conn.SetUserData(nonce)
	}
	const realm = "camsim"
	if basicMatches(req, methods, user, password) || auth.Verify(req, user, password, methods, realm, nonce) == nil {
		return nil
	}
	if len(req.Header["Authorization"]) > 0 {
		c.counts.refused.Add(1)
	}
	return &base.Response{StatusCode: base.StatusUnauthorized, Header: base.Header{
		"WWW-Authenticate": auth.GenerateWWWAuthenticate(methods, realm, nonce)}}
}

// drop closes the connections of one camera.
func (s *Server) drop(c *Camera) {
	s.mu.Lock()
	var conns []*gortsplib.ServerConn
	for conn, of := range s.conns {
		if of == c {
			conns = append(conns, conn)
		}
	}
	s.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
	}
}

// basicMatches is for passwords with a colon (RFC 7617 section 2), which the library does
// not take.
func basicMatches(req *base.Request, methods []auth.VerifyMethod, user, password string) bool {
	given := req.Header["Authorization"]
	return slices.Contains(methods, auth.VerifyMethodBasic) && len(given) == 1 &&
		given[0] == "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
