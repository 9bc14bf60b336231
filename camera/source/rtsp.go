package source

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	// answerTimeout is how long a camera may think about a request before it plays.
	answerTimeout = 5 * time.Second

	// agreeTimeout bounds everything up to the answer to PLAY: for a camera that answers
	// each request, but slowly, or forever.
	agreeTimeout = 15 * time.Second

	// udpPatience is how long UDP may bring nothing before TCP is tried.
	udpPatience = 3 * time.Second

	// never is when gortsplib itself would give up on silence: the caller watches that. It
	// has to reach back to 1970, because gortsplib takes "no packet yet" over UDP as one
	// that came then.
	never = 200 * 365 * 24 * time.Hour

	// goodbyePatience is how long a camera that said goodbye may change its mind.
	goodbyePatience = 500 * time.Millisecond

	// teardownTimeout bounds our own goodbye.
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

	// DigestOnly refuses to log in with Basic, which shows the password to whoever asks.
	DigestOnly bool

	// Audio takes the sound of the camera's first audio track that can be read; nil: none is
	// asked for. What goes wrong with it never costs the pictures.
	Audio AudioSink

	// KeyFrames, where not nil, asks the camera for a key frame with each element: by an RTCP
	// picture loss indication (RFC 4585 section 6.3.1), once it sends pictures.
	KeyFrames <-chan struct{}

	answer, patience, goodbye time.Duration // answerTimeout, udpPatience and goodbyePatience, where not 0
}

// Dial is the bare TCP connection that tells whether the camera's port is open. RTSP
// takes it over. The error is short, to stand behind the address in a sentence.
func Dial(ctx context.Context, a Address, timeout time.Duration) (net.Conn, error) {
	return DialHost(ctx, a.host, timeout)
}

// DialHost is Dial for a host:port.
func DialHost(ctx context.Context, host string, timeout time.Duration) (net.Conn, error) {
	conn, err := dialer(timeout).DialContext(ctx, "tcp", host)
	if opErr := new(net.OpError); errors.As(err, &opErr) {
		return nil, opErr.Err // "connection refused"
	}
	return conn, err
}

// RTSP is one session over conn, which Dial gave and which RTSP closes: it asks for the
// stream and passes on what comes until the camera, the network or ctx ends it. When it
// returns, all that it started has ended, and the camera has been told goodbye if it
// still listened. The error is never nil: it is ctx's, or a sentence that names the
// camera. Silence does not end a session once the camera plays: that is for the caller to
// judge, and to end by ctx.
func RTSP(ctx context.Context, conn net.Conn, a Address, o Options, sink Sink) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.answer == 0 {
		o.answer = answerTimeout
	}
	if o.patience == 0 {
		o.patience = udpPatience
	}
	if o.goodbye == 0 {
		o.goodbye = goodbyePatience
	}
	conns := &connections{host: a.host, first: limit(conn), ctx: ctx}
	defer conns.close()

	transports := []string{o.Transport}
	switch {
	case o.Transport == "" || o.Transport == "auto":
		transports = []string{"auto", "tcp"}
		if a.scheme == "rtsps" {
			transports = transports[1:] // UDP would have to be encrypted too, which few cameras can
		}
	}
	var err error
	hears, noAudio := o.Audio != nil, false
	for len(transports) > 0 {
		s := &session{address: a, options: o, transport: transports[0], sink: sink, conns: conns, hears: hears}
		s.info.NoAudio = noAudio
		err = s.run(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.lostToAudio(err):
			hears, noAudio = false, true
			o.Log.Info("the camera is asked for its pictures alone", "camera", o.Camera, "because", scrub(err.Error(), a))
			continue
		case !s.refusedUDP(err):
			return s.explain(err)
		}
		transports = transports[1:]
		o.Log.Debug("the camera does not agree on UDP", "camera", o.Camera, "error", scrub(err.Error(), a))
	}
	return err
}

type session struct {
	address   Address
	options   Options
	transport string // "auto": UDP first
	sink      Sink
	conns     *connections
	client    *gortsplib.Client
	tls       *certificateCheck
	hears     bool   // an audio track is to be set up
	sound     *audio // nil: none was set up, or tried
	track     format.Format
	video     *description.Media // track's
	patience  *patience

	mu        sync.Mutex // guards what follows: UDP has two readers, and its fall-back to TCP another
	info      Info
	assembler *assembler
	playing   bool
	packets   uint64 // that have come
	ssrc      uint32 // of the last one
	goodbye   *time.Timer
}

// run is one conversation, from OPTIONS to TEARDOWN.
func (s *session) run(parent context.Context) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	s.patience = newPatience(s.options.answer, stop)
	defer s.patience.end()

	s.conns.begin()
	s.newClient()
	if err := s.client.Start2(); err != nil {
		return err
	}
	// Close waits for gortsplib's goroutines. These may hang on a dead connection, in a
	// TLS handshake or in the goodbye, and so the connections get a deadline first.
	closing := sync.OnceFunc(func() {
		s.conns.finish(time.Now().Add(teardownTimeout))
		s.client.Close()
	})
	defer closing()

	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-ctx.Done():
				closing()
				return
			case <-s.options.KeyFrames:
				s.requestKeyFrame()
			}
		}
	})
	err := s.play()
	if err == nil {
		err = s.client.Wait()
	}
	s.forgetGoodbye()
	gaveUp := context.Cause(ctx) // before stop makes one
	stop(nil)
	watcher.Wait()
	if gaveUp != nil {
		return gaveUp
	}
	return err
}

// play asks for the stream, up to the answer to PLAY.
func (s *session) play() error {
	desc, _, err := s.client.Describe(s.address.request())
	if err != nil {
		return err
	}
	video, err := s.choose(desc)
	if err != nil {
		return err
	}
	s.video = video
	if _, err := s.client.Setup(desc.BaseURL, video, 0, 0); err != nil {
		return setupError{err}
	}
	s.client.OnPacketRTP(video, s.track, s.packet)
	s.client.OnPacketRTCP(video, s.control)
	s.setUpAudio(desc)
	if _, err := s.client.Play(nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agreed()
	return nil
}

// setUpAudio asks for the first audio track that we can read. A camera that refuses it goes
// on with its pictures; one that hangs up is asked again without, see lostToAudio.
func (s *session) setUpAudio(desc *description.Session) {
	if !s.hears {
		return
	}
	for _, m := range desc.Medias {
		if m.Type != description.MediaTypeAudio || m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			a := newAudio(m, f, s.options.Audio)
			if a == nil {
				continue
			}
			s.sound = a
			if _, err := s.client.Setup(desc.BaseURL, m, 0, 0); err != nil {
				s.options.Log.Debug("the camera does not give its sound", "camera", s.options.Camera, "error", scrub(err.Error(), s.address))
				return
			}
			s.mu.Lock()
			s.info.Audio = a.track
			s.mu.Unlock()
			s.client.OnPacketRTP(m, f, s.audioPacket)
			return
		}
	}
}

func (s *session) audioPacket(p *rtp.Packet) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agreed()
	s.sound.packet(p, now)
}

// lostToAudio is true where a session that asked for sound ended before any picture came: it
// may do without. Where it played over UDP, that is the likelier cause, and TCP is tried first.
func (s *session) lostToAudio(err error) bool {
	if s.transport == "auto" && s.silent() && !s.usesTCP() {
		return false
	}
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) && (status.Code == base.StatusUnauthorized || status.Code == base.StatusForbidden) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sound != nil && s.packets == 0
}

// setupError is why SETUP failed, by which UDP is refused.
type setupError struct{ error }

func (e setupError) Unwrap() error { return e.error }

// refusedUDP is true where TCP may do what UDP did not. gortsplib itself falls back on 461
// and where nothing comes; cameras refuse in other ways too, and some play, find that
// their packets go nowhere, and hang up.
func (s *session) refusedUDP(err error) bool {
	if s.transport != "auto" || s.usesTCP() {
		return false
	}
	if !errors.As(err, new(setupError)) {
		return s.silent()
	}
	var status liberrors.ErrClientBadStatusCode
	return !errors.As(err, &status) || status.Code != base.StatusUnauthorized && status.Code != base.StatusForbidden
}

// silent is true where the camera agreed to play and then sent nothing.
func (s *session) silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.playing && s.packets == 0
}

func (s *session) usesTCP() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info.Transport == "tcp"
}

// agreed tells the sink, once, that pictures follow. The first may overtake the answer to
// PLAY. The caller holds mu.
func (s *session) agreed() {
	if !s.playing {
		s.playing = true
		s.sink.Playing(s.info)
	}
}

// choose takes the first video track that we can read.
func (s *session) choose(desc *description.Session) (*description.Media, error) {
	var offered []string
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			a, err := newAssembler(f, s.sink, s.sentence)
			switch {
			case err != nil:
				offered = append(offered, err.Error())
				continue
			case a == nil || m.IsBackChannel:
				offered = append(offered, nameOf(f))
				continue
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.assembler, s.track, s.info.Codec = a, f, a.codec
			if f, ok := f.(*format.MPEG4Video); ok {
				s.info.ExtraData = f.Config
			}
			return m, nil
		}
	}
	return nil, noVideo(offered)
}

// packet feeds the assembler.
func (s *session) packet(p *rtp.Packet) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agreed()
	s.packets++
	s.ssrc = p.SSRC
	s.assembler.packet(p, now)
}

// control looks for the camera's goodbye (RTCP BYE, RFC 3550 section 6.6). A server that
// begins its stream anew says it, keeps the connection, and sends nothing more on it;
// some cameras say it and go on, and are taken at their deeds.
func (s *session) control(p rtcp.Packet) {
	if _, bye := p.(*rtcp.Goodbye); !bye {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.goodbye != nil {
		return
	}
	had := s.packets
	s.goodbye = time.AfterFunc(s.options.goodbye, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.goodbye = nil
		if s.packets == had {
			s.patience.stop(errGoodbye)
		}
	})
}

// requestKeyFrame asks for a key frame. Before the first packet there is nobody to ask: the
// first picture is a key frame in any case.
func (s *session) requestKeyFrame() {
	s.mu.Lock()
	ssrc, ready := s.ssrc, s.packets > 0
	s.mu.Unlock()
	if !ready {
		return
	}
	if err := s.client.WritePacketRTCP(s.video, &rtcp.PictureLossIndication{SenderSSRC: senderSSRC, MediaSSRC: ssrc}); err != nil {
		s.options.Log.Debug("the camera was not asked for a key frame", "camera", s.options.Camera, "error", err)
	}
}

// senderSSRC is ours (RFC 3550 section 5.1), in what we send to a camera: "camg".
const senderSSRC = 0x63616d67

// forgetGoodbye is for a session that is over.
func (s *session) forgetGoodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.goodbye != nil {
		s.goodbye.Stop()
	}
}

// errGoodbye: the camera has ended the stream, but not the connection.
var errGoodbye = errors.New("it ended the stream")

// switched is called when gortsplib goes from UDP to TCP, before it does: nothing has come
// over UDP.
func (s *session) switched() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.Transport = "tcp"
	s.patience.start() // all is asked again
	if s.playing {
		s.sink.Transport("tcp")
	}
}

// undecoded is called for a packet that gortsplib cannot read. Those of other tracks, or
// of nobody's, are none of ours, and what is missing in our own shows in its sequence
// numbers; but a camera whose packets are all too large has no other way to tell.
func (s *session) undecoded(err error) {
	s.options.Log.Debug("packet not read", "camera", s.options.Camera, "error", err)
	if errors.As(err, &liberrors.ErrClientRTPPacketTooBigUDP{}) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sink.Damaged(0, s.sentence(errors.New("its packets are too large for UDP (1472 bytes); lower its MTU, or set transport = \"tcp\"")))
	}
}
