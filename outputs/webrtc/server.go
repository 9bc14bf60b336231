// Package webrtc shows cameras by WebRTC: coded pictures as they come from the camera,
// over UDP, with no more delay than the way there takes.
//
// A browser asks over WHEP (whep.go). Each answer makes a session (session.go): one
// pion peer connection, one reader of the camera's coded pictures, and the goroutines
// that send them and hear what the browser says of them. All sessions share one UDP port,
// and one TCP port of the same number; each picture is laid out as RTP payloads once for
// all of them (packetise.go), and given to the kernel in one call a session (socket.go).
package webrtc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	pionnet "github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	pion "github.com/pion/webrtc/v4"
	"golang.org/x/net/netutil"
)

// patience is how long a session may be without what it needs. Tests have less.
type patience struct {
	connect      time.Duration // from the answer until ICE and DTLS are done
	disconnected time.Duration // without a packet
	failed       time.Duration // after that; then the session ends
	picture      time.Duration // for a camera that is being connected
	rest         time.Duration // before a link that was overloaded is sent more again
}

var defaultPatience = patience{connect: 15 * time.Second, disconnected: 5 * time.Second, failed: 15 * time.Second, picture: 10 * time.Second, rest: 10 * time.Second}

const (
	iceKeepalive  = 2 * time.Second
	closePatience = 2 * time.Second

	tcpBuffer     = 1 << 20 // of what waits for a browser over TCP, in bytes; what is more is lost
	tcpFirst      = 5 * time.Second
	mostTCP       = 4 // connections for each session there may be
	portAttempts  = 10
	gatherTimeout = time.Second // for candidates by STUN and TURN; those of our own take no time
)

// A Server is made by New; Run serves. Its methods may be called from any goroutine.
type Server struct {
	options  Options
	cameras  cameras
	log      *slog.Logger
	patience patience

	resolver    *resolver
	certificate pion.Certificate
	settings    pion.SettingEngine

	mu       sync.Mutex
	socket   *socket // nil: Run has not begun, or has ended
	sessions map[string]*session
	opening  int // sessions that are being made
	packers  map[stream]*packer
	running  sync.WaitGroup // sessions
	serving  context.Context
}

// stream names one stream of one camera in one codec.
type stream struct {
	camera     string
	substream  bool
	transcoded bool
	codec      string
}

// New makes a server. The error is a sentence for whoever wrote the configuration.
func New(o Options, c Cameras, log *slog.Logger) (*Server, error) {
	return newServer(o, realCameras{c}, log)
}

func newServer(o Options, c cameras, log *slog.Logger) (*Server, error) {
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if o.MaxSessions <= 0 {
		o.MaxSessions = DefaultMaxSessions
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate, err := pion.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	return &Server{
		options: o, cameras: c, log: log, patience: defaultPatience, certificate: *certificate, resolver: newResolver(log),
		sessions: make(map[string]*session), packers: make(map[stream]*packer),
	}, nil
}

// Run opens the ports and serves until ctx ends; then it ends all sessions and waits for
// them. It is called once. The error is nil after ctx's end, or a sentence that says why
// a port cannot be had.
func (s *Server) Run(ctx context.Context) error {
	udp, tcp, err := s.listen()
	if err != nil {
		return err
	}
	socket := newSocket(udp)
	factory := pionLog{s.log}
	udpMux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: factory.NewLogger("udp"), Net: presentNet{}})
	networks := []pion.NetworkType{pion.NetworkTypeUDP4, pion.NetworkTypeUDP6}
	s.settings = pion.SettingEngine{LoggerFactory: factory}
	var tcpMux *ice.TCPMuxDefault
	if tcp != nil {
		tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: netutil.LimitListener(patiently(tcp, s.log), mostTCP*s.options.MaxSessions), Logger: factory.NewLogger("tcp"),
			ReadBufferSize: 64, WriteBufferSize: tcpBuffer,
			FirstStunBindTimeout: tcpFirst, AliveDurationForConnFromStun: tcpFirst,
		})
		s.settings.SetICETCPMux(tcpMux)
		networks = append(networks, pion.NetworkTypeTCP4, pion.NetworkTypeTCP6)
	}
	s.settings.SetICEUDPMux(udpMux)
	s.settings.SetNetworkTypes(networks)
	s.settings.SetIncludeLoopbackCandidate(true)                    // for a browser on this machine
	s.settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled) // one resolver for all; resolve.go
	s.settings.SetICETimeouts(s.patience.disconnected, s.patience.failed, iceKeepalive)
	s.settings.SetSTUNGatherTimeout(gatherTimeout)
	s.settings.DisableActiveTCP(true) // a browser makes us connect to nothing
	s.settings.SetReceiveMTU(1500)
	// What encrypts and authenticates in one pass first, and no more than is needed.
	s.settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)

	serving, end := context.WithCancel(ctx)
	defer end()
	s.mu.Lock()
	s.socket, s.serving = socket, serving
	s.mu.Unlock()
	s.log.Info("serving WebRTC", "listen", udp.LocalAddr().String(), "tcp", tcp != nil)

	<-ctx.Done()
	s.mu.Lock()
	s.socket = nil // no more sessions
	s.mu.Unlock()
	end()
	s.running.Wait()
	s.resolver.close()
	udpMux.Close() //nolint:errcheck // nobody uses it any more
	if tcpMux != nil {
		tcpMux.Close() //nolint:errcheck // the same
	}
	return nil
}

// presentNet is the network as it is now. The mux, which lives as long as the gateway,
// would announce for ever the addresses that there were when it was made: before DHCP, at
// the start of a machine, none.
type presentNet struct{ *stdnet.Net }

func (presentNet) Interfaces() ([]*pionnet.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}

// listen opens the UDP port, and the TCP port of the same number if it is wanted.
func (s *Server) listen() (udp *net.UDPConn, tcp net.Listener, err error) {
	host, port, _ := net.SplitHostPort(s.options.Listen) // New has looked at it
	for range portAttempts {
		packets, err := net.ListenPacket("udp", s.options.Listen)
		if err != nil {
			return nil, nil, listenError(s.options.Listen, "UDP", err)
		}
		udp = packets.(*net.UDPConn)
		if !s.options.TCP {
			return udp, nil, nil
		}
		number := udp.LocalAddr().(*net.UDPAddr).Port
		tcp, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(number)))
		if err == nil {
			return udp, tcp, nil
		}
		udp.Close()
		if port != "0" {
			return nil, nil, listenError(s.options.Listen, "TCP", err)
		}
	}
	return nil, nil, fmt.Errorf("[webrtc] listen = %q: no port is free for both UDP and TCP: name one, or say tcp = false", s.options.Listen)
}

func listenError(address, network string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("[webrtc] listen = %q: another program, perhaps another camgate, uses this %s port already: end it, or choose another port", address, network)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("[webrtc] listen = %q: this machine does not have that address: use one of its own, or 0.0.0.0 for all", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("[webrtc] listen = %q: ports below 1024 need a privilege: choose a larger one", address)
	}
	return fmt.Errorf("[webrtc] listen = %q: %w", address, err)
}

// admit takes a place for a new session, which enter or leave gives back.
func (s *Server) admit() (context.Context, *socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.socket == nil:
		return nil, nil, refuse(http.StatusServiceUnavailable, "WebRTC is not ready, or the gateway is ending: try again")
	case len(s.sessions)+s.opening >= s.options.MaxSessions:
		return nil, nil, refuse(http.StatusServiceUnavailable, fmt.Sprintf("%d WebRTC sessions are open already, and more are not allowed: try again later", s.options.MaxSessions))
	}
	s.opening++
	s.running.Add(1)
	return s.serving, s.socket, nil
}

// abandon gives the place back of a session that did not come to be.
func (s *Server) abandon() {
	s.mu.Lock()
	s.opening--
	s.mu.Unlock()
	s.running.Done()
}

// enter makes a session known under its id, and runs it.
func (s *Server) enter(one *session) {
	s.mu.Lock()
	s.opening--
	s.sessions[one.id] = one
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		one.run()
		s.mu.Lock()
		delete(s.sessions, one.id)
		s.mu.Unlock()
		one.released()
	}()
}

// session finds a session of a camera, nil if there is none.
func (s *Server) session(camera, id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.sessions[id]; one != nil && one.camera.Name() == camera {
		return one
	}
	return nil
}

// packer is the one of a stream, for one session more; done gives it up.
func (s *Server) packer(name stream) (k *packer, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k = s.packers[name]
	if k == nil {
		k = &packer{}
		s.packers[name] = k
	}
	k.sessions++
	return k, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if k.sessions--; k.sessions == 0 {
			delete(s.packers, name)
		}
	})
}

// newID is 128 random bits, as they stand in addresses.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func randomNumber() uint32 {
	var b [4]byte
	rand.Read(b[:]) //nolint:errcheck // the same
	return binary.BigEndian.Uint32(b[:])
}
