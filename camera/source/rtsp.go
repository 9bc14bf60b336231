package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtp"
)

const (
	// handshakeTimeout bounds everything up to the answer to PLAY.
	handshakeTimeout = 10 * time.Second

	// udpPatience is how long UDP may bring nothing before TCP is tried.
	udpPatience = 3 * time.Second

	// silenceTimeout is when gortsplib itself would give up. The camera's watchdog is
	// faster, and knows a slow camera from a dead one.
	silenceTimeout = 10 * time.Minute

	// udpBuffer holds a key frame's burst of packets, in bytes.
	udpBuffer = 2 << 20

	// teardownTimeout bounds the goodbye.
	teardownTimeout = time.Second
)

// Options of a session.
type Options struct {
	Camera    string // its name, for messages
	Transport string // auto (or empty), tcp, udp or multicast
	Log       *slog.Logger

	// TLSFingerprint is the SHA-256 of the camera's certificate in hex, for rtsps:// to
	// a camera whose certificate nobody signed. TLSInsecure takes any certificate.
	TLSFingerprint string
	TLSInsecure    bool
}

// Dial is the bare TCP connection that tells whether the camera's port is open. RTSP
// takes it over.
func Dial(ctx context.Context, a Address, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	conn, err := d.DialContext(ctx, "tcp", a.host)
	if opErr := new(net.OpError); errors.As(err, &opErr) {
		return nil, opErr.Err // "connection refused": the address stands in the caller's sentence
	}
	return conn, err
}

// RTSP is one session over conn, which Dial gave and which RTSP closes: it asks for the
// stream and passes on what comes until the camera, the network or ctx ends it. When it
// returns, all that it started has ended, and the camera has been told goodbye if it
// still listened. The error is never nil unless ctx ended the session.
func RTSP(ctx context.Context, conn net.Conn, a Address, o Options, sink Sink) error {
	s := &rtspSession{address: a, options: o, sink: sink, conns: &connections{host: a.host, first: limit(conn), ctx: ctx}}
	err := s.run(ctx)
	s.conns.close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.explain(err)
}

type rtspSession struct {
	address Address
	options Options
	sink    Sink
	conns   *connections
	client  *gortsplib.Client
	tls     *certificateCheck
	info    Info
	track   format.Format

	mu        sync.Mutex // guards what follows, and info: UDP and its fall-back to TCP read in turn
	assembler *assembler
	playing   bool
}

func (s *rtspSession) run(ctx context.Context) error {
	s.newClient()
	if err := s.client.Start2(); err != nil {
		return err
	}
	// Close waits for gortsplib's goroutines; its goodbye can hang on a dead connection,
	// which therefore gets a deadline first.
	closing := sync.OnceFunc(func() {
		s.conns.deadline(time.Now().Add(teardownTimeout))
		s.client.Close()
	})
	defer closing()

	ended := make(chan struct{})
	var watcher sync.WaitGroup
	handshake := time.NewTimer(handshakeTimeout)
	defer handshake.Stop()
	played := make(chan struct{})
	timedOut := false
	watcher.Go(func() {
		select {
		case <-played:
			select {
			case <-ctx.Done():
			case <-ended:
			}
		case <-ctx.Done():
		case <-handshake.C:
			timedOut = true
		case <-ended:
		}
		closing()
	})
	err := s.play()
	if err == nil {
		close(played)
		err = s.client.Wait()
	}
	close(ended)
	watcher.Wait()
	if timedOut {
		return fmt.Errorf("it took longer than %v to agree on a stream", handshakeTimeout)
	}
	return err
}

func (s *rtspSession) newClient() {
	s.tls = &certificateCheck{pin: s.options.TLSFingerprint, insecure: s.options.TLSInsecure, host: s.address.host}
	s.client = &gortsplib.Client{
		Scheme:                s.address.scheme,
		Host:                  s.address.host,
		UserAgent:             "camgate",
		ReadTimeout:           silenceTimeout,
		WriteTimeout:          5 * time.Second,
		InitialUDPReadTimeout: udpPatience,
		TLSConfig:             s.tls.config(),
		DialContext:           s.conns.dial,
		ListenPacket:          listenPacket,
		OnTransportSwitch: func(error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.info.Transport = "tcp"
			if s.assembler != nil {
				s.assembler.started = false // TCP's packets are counted anew
				s.assembler.reset()
			}
			if s.playing {
				s.sink.Transport("tcp")
			}
		},
		OnPacketsLost: func(uint64) {}, // the assembler counts, and knows where
		OnDecodeError: func(err error) { s.options.Log.Debug("RTP or RTCP packet not read", "error", err) },
		OnResponse: func(r *base.Response) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if server := r.Header["Server"]; len(server) > 0 && s.info.Server == "" {
				s.info.Server = printable(server[0], 80)
			}
		},
	}
	if t, fixed := map[string]gortsplib.Transport{
		"tcp": gortsplib.TransportTCP, "udp": gortsplib.TransportUDP, "multicast": gortsplib.TransportUDPMulticast,
	}[s.options.Transport]; fixed {
		s.client.Transport = &t
		s.info.Transport = s.options.Transport
	} else {
		s.info.Transport = "udp"
		if s.address.scheme == "rtsps" {
			s.info.Transport = "tcp" // gortsplib takes nothing else over TLS
		}
	}
}

// play asks for the stream, up to the answer to PLAY.
func (s *rtspSession) play() error {
	u, err := base.ParseURL(s.address.String())
	if err != nil {
		return errors.New("gortsplib cannot read the camera's address")
	}
	if s.address.user != nil {
		password, _ := s.address.user.Password()
		u.User = url.UserPassword(s.address.user.Username(), password)
	}
	desc, _, err := s.client.Describe(u)
	if err != nil {
		return err
	}
	track, err := s.choose(desc)
	if err != nil {
		return err
	}
	if _, err := s.client.Setup(desc.BaseURL, track, 0, 0); err != nil {
		return err
	}
	s.client.OnPacketRTP(track, s.track, s.packetReader(track))
	if _, err := s.client.Play(nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agreed()
	return nil
}

// agreed tells the sink, once, that pictures follow. The first may overtake the answer to
// PLAY. The caller holds mu.
func (s *rtspSession) agreed() {
	if !s.playing {
		s.playing = true
		s.conns.lift()
		s.sink.Playing(s.info)
	}
}

// choose takes the first video track that we can read.
func (s *rtspSession) choose(desc *description.Session) (*description.Media, error) {
	var offered []string
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			a, err := newAssembler(f, s.sink)
			if err != nil {
				return nil, err
			}
			if a == nil {
				offered = append(offered, f.Codec())
				continue
			}
			s.assembler, s.track, s.info.Codec = a, f, a.codec
			if f, ok := f.(*format.MPEG4Video); ok {
				s.info.ExtraData = f.Config
			}
			return m, nil
		}
	}
	if len(offered) == 0 {
		return nil, fmt.Errorf("%w: its description names no track at all", ErrNoVideo)
	}
	return nil, fmt.Errorf("%w: it offers %s; camgate takes H.264, H.265, MJPEG and MPEG-4", ErrNoVideo, strings.Join(offered, ", "))
}

// packetReader feeds the assembler.
func (s *rtspSession) packetReader(track *description.Media) gortsplib.OnPacketRTPFunc {
	rate := time.Duration(s.track.ClockRate())
	return func(p *rtp.Packet) {
		var pts time.Duration
		if ticks, ok := s.client.PacketPTS2(track, p); ok && rate > 0 {
			pts = time.Duration(ticks) * (time.Second / time.Microsecond) / rate * time.Microsecond
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.agreed()
		s.assembler.packet(p, pts, time.Now())
	}
}

// explain makes a sentence for the operator of an error.
func (s *rtspSession) explain(err error) error {
	where := fmt.Sprintf("camera %q: %s", s.options.Camera, s.address.host)
	var status liberrors.ErrClientBadStatusCode
	var auth liberrors.ErrClientAuthSetup
	switch {
	case err == nil:
		return fmt.Errorf("%s ended the stream", where)
	case errors.Is(err, ErrNoVideo), errors.Is(err, errElsewhere), errors.Is(err, errTooMuch):
		return fmt.Errorf("%s: %w", where, err)
	case s.tls.refused != nil:
		return fmt.Errorf("%s: %w", where, s.tls.refused)
	case errors.As(err, &auth):
		return fmt.Errorf("%s asks for a way to log in that camgate does not know: %w", where, err)
	case errors.As(err, &status):
		return s.explainStatus(where, status)
	case errors.As(err, &liberrors.ErrClientTerminated{}):
		return fmt.Errorf("%s ended the stream", where)
	}
	return fmt.Errorf("%s: %w", where, err)
}

func (s *rtspSession) explainStatus(where string, status liberrors.ErrClientBadStatusCode) error {
	answer := fmt.Sprintf("(%d %s)", status.Code, printable(status.Message, 60))
	switch status.Code {
	case base.StatusUnauthorized, base.StatusForbidden:
		mend := "check user and password in its source, or password_file"
		if s.address.user == nil {
			mend = "its source names no user: rtsp://user:password@…"
		}
		return fmt.Errorf("%s: %w %s; %s; the next try is in a minute, so that the camera does not lock the account", where, ErrUnauthorized, answer, mend)
	case base.StatusNotFound:
		return fmt.Errorf("%s has no stream %s %s; check the path in its source", where, s.address.rest, answer)
	case base.StatusUnsupportedTransport:
		return fmt.Errorf("%s does not send over %s %s; transport = \"auto\" finds what it does", where, s.info.Transport, answer)
	case base.StatusServiceUnavailable, base.StatusNotEnoughBandwidth:
		return fmt.Errorf("%s is too busy %s; does it allow another stream?", where, answer)
	}
	return fmt.Errorf("%s refuses %s", where, answer)
}

// printable is s without what a terminal or a page might take amiss, at most n bytes.
func printable(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), n)]
}
