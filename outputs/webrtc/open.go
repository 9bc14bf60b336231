package webrtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
	"camgate/media"
)

const (
	soundPatience  = time.Second // beside the picture
	lookupPatience = time.Second // for the names in Options.Candidates
)

// Asked is what a browser asks for.
type Asked struct {
	Camera        string
	Offer         string // SDP
	Width, Height int    // that are of use, in pixels; 0: all there is
	Silent        bool   // no sound
	Peer          string // who asks: address and port
	Agent         string // User-Agent

	// Release is called once, when the session that Offer has made has ended; nil: nobody
	// cares.
	Release func()
}

// Answer is what a browser gets.
type Answer struct {
	Session string // its id, 128 random bits; whoever knows it may end the session
	SDP     string
	ETag    string // of this start of ICE, with quotes
}

// Offer answers an offer and begins to send once the browser has connected. The error is
// an *Error, or ctx's.
func (s *Server) Offer(ctx context.Context, a Asked) (Answer, error) {
	o, err := parseOffer(a.Offer)
	if err != nil {
		return Answer{}, badRequest(err)
	}
	c := s.cameras.find(a.Camera)
	if c == nil {
		return Answer{}, refuse(http.StatusNotFound, fmt.Sprintf("there is no camera %q here; /api/cameras lists those there are", shorten(a.Camera)))
	}
	serving, socket, err := s.admit()
	if err != nil {
		return Answer{}, err
	}
	one := &session{
		id: newID(), server: s, socket: socket, camera: c, peer: a.Peer, release: a.Release,
		log:       s.log.With("camera", c.Name(), "viewer", a.Peer),
		connected: make(chan struct{}), gathered: make(chan struct{}, 1), opened: make(chan opened, 1),
		link: &link{}, lenient: lenient(a.Agent), began: time.Now(),
	}
	one.ctx, one.cancel = context.WithCancelCause(serving)
	answer, err := one.open(ctx, o, a)
	if err != nil {
		one.close(err)
		s.abandon()
		return Answer{}, err
	}
	s.enter(one)
	return answer, nil
}

// shorten keeps what strangers send out of the way.
func shorten(text string) string {
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

// lenient says that a browser plays every profile of H.264, although it offers Baseline
// alone: Firefox, whose decoders (OpenH264 since 1.8, and those of the system) take High.
// Sending it what others get saves encoding each camera anew.
func lenient(agent string) bool { return strings.Contains(agent, "Firefox/") }

// open finds what the camera and the browser have in common, and makes the answer.
func (one *session) open(ctx context.Context, o *offer, a Asked) (Answer, error) {
	if err := one.choose(ctx, o, a); err != nil {
		return Answer{}, err
	}
	one.chooseSound(ctx, o, a)
	answer, err := one.negotiate(ctx, o)
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// choose opens the camera's pictures in a codec that the browser takes.
func (one *session) choose(ctx context.Context, o *offer, a Asked) error {
	takes := o.codecs()
	nothing := refuse(http.StatusNotAcceptable, "the offer has no format that can be sent: it needs H264 with packetization-mode=1, VP8 or H265")
	if len(takes) == 0 {
		return nothing
	}
	ctx, cancel := context.WithTimeout(ctx, one.server.patience.picture)
	defer cancel()
	wanted := camera.PacketOptions{Width: a.Width, Height: a.Height}
	for _, c := range []media.Codec{media.H264, media.H265} {
		if slices.Contains(takes, c) {
			wanted.Codecs = append(wanted.Codecs, c)
		}
	}
	for _, c := range []media.Codec{media.H264, media.VP8} {
		if slices.Contains(takes, c) {
			wanted.Transcode = append(wanted.Transcode, c)
		}
	}
	for {
		if len(wanted.Codecs) == 0 {
			wanted.Codecs = []media.Codec{media.VP8} // no camera's: none would mean all
		}
		r, err := one.camera.packets(wanted, one.peer)
		if err != nil {
			return one.refusal(err)
		}
		// A camera that is known to be away is connected again while somebody asks for it. Nobody is
		// kept waiting meanwhile: a page has other ways to show what there is.
		if one.camera.Brief().State == "offline" {
			r.Close()
			return one.refusal(context.DeadlineExceeded)
		}
		f, err := r.Format(ctx)
		if err != nil {
			r.Close()
			return one.refusal(err)
		}
		format, found := o.videoFormat(f.Codec, f.SPS, one.lenient || f.Transcoded)
		if found {
			one.pictures, one.format, one.video, one.wanted = r, f, format, wanted
			if f.Codec == media.H265 { // which nothing else is made into
				one.spare, one.hasSpare = o.anyH264()
			}
			return nil
		}
		r.Close()
		i := slices.Index(wanted.Codecs, f.Codec)
		if i < 0 {
			return nothing
		}
		// Its profile is one that the browser does not take.
		wanted.Codecs = slices.Delete(wanted.Codecs, i, i+1)
	}
}

// refusal makes an answer of an error of a camera.
func (one *session) refusal(err error) error {
	name := one.camera.Name()
	switch {
	case errors.Is(err, camera.ErrCodec):
		return refuse(http.StatusNotAcceptable, fmt.Sprintf("camera %q: %s: offer H264 with packetization-mode=1, or VP8", name, err))
	case errors.Is(err, camera.ErrClosed):
		return refuse(http.StatusServiceUnavailable, fmt.Sprintf("camera %q is not served any more: the gateway is ending or has a new configuration", name))
	case errors.Is(err, context.DeadlineExceeded):
		why := strings.TrimPrefix(one.camera.Brief().LastError, fmt.Sprintf("camera %q: ", name))
		if why == "" {
			why = "it does not bring any"
		}
		return refuse(http.StatusServiceUnavailable, fmt.Sprintf("camera %q has no picture: %s", name, why))
	case errors.Is(err, context.Canceled):
		return err
	}
	return refuse(http.StatusServiceUnavailable, fmt.Sprintf("camera %q: %s", name, err))
}

// chooseSound opens the camera's sound, where there is some that the browser takes. There
// need be none.
func (one *session) chooseSound(ctx context.Context, o *offer, a Asked) {
	codecs := o.audioCodecs()
	if a.Silent || len(codecs) == 0 {
		return
	}
	r, codec := one.openSound(ctx, one.camera, codecs)
	if r == nil {
		return
	}
	f, found := o.audioFormat(codec)
	if !found {
		r.Close()
		return
	}
	one.sound, one.audio = r, f
}

// openSound opens the sound of a camera, or of its smaller stream; nil: there is none.
func (one *session) openSound(ctx context.Context, from source, codecs []media.AudioCodec) (sound, media.AudioCodec) {
	ctx, cancel := context.WithTimeout(ctx, soundPatience)
	defer cancel()
	r := from.sound(codecs...)
	codec, err := r.Format(ctx)
	if err != nil {
		r.Close()
		return nil, media.UnknownAudio
	}
	return r, codec
}

// videoFormats are those that pictures may be sent in: the one they are sent in first, and
// the one for a smaller stream in another codec.
func (one *session) videoFormats() []format {
	if one.hasSpare {
		return []format{one.video, one.spare}
	}
	return []format{one.video}
}

// negotiate makes the peer connection and the answer.
func (one *session) negotiate(ctx context.Context, o *offer) (answer Answer, err error) {
	defer func() { // GHSA-f26w-gh5m-qq77 is not the last of its kind
		if cause := recover(); cause != nil {
			one.log.Error("panic in WebRTC", "cause", cause)
			answer, err = Answer{}, refuse(http.StatusBadRequest, "the offer cannot be answered: something in it is wrong")
		}
	}()
	engine := &pion.MediaEngine{}
	video := one.videoFormats()
	for _, f := range video {
		if err := engine.RegisterCodec(f.parameters("video", "nack", "nack pli", "ccm fir", "transport-cc"), pion.RTPCodecTypeVideo); err != nil {
			return Answer{}, badRequest(err)
		}
	}
	extensions := map[string][]pion.RTPCodecType{transportCC: {pion.RTPCodecTypeVideo}, playoutDelay: {pion.RTPCodecTypeVideo}}
	if one.sound != nil {
		if err := engine.RegisterCodec(one.audio.parameters("audio", "transport-cc"), pion.RTPCodecTypeAudio); err != nil {
			return Answer{}, badRequest(err)
		}
		extensions[transportCC] = append(extensions[transportCC], pion.RTPCodecTypeAudio)
		narrow(o.audio, one.audio)
	}
	narrow(o.video, video...)
	for uri, kinds := range extensions {
		for _, kind := range kinds {
			if err := engine.RegisterHeaderExtension(pion.RTPHeaderExtensionCapability{URI: uri}, kind, pion.RTPTransceiverDirectionSendonly); err != nil {
				return Answer{}, badRequest(err)
			}
		}
	}
	settings := one.server.settings
	settings.BufferFactory = one.buffer
	api := pion.NewAPI(pion.WithMediaEngine(engine), pion.WithSettingEngine(settings), pion.WithInterceptorRegistry(noInterceptors()))
	configuration := pion.Configuration{Certificates: []pion.Certificate{one.server.certificate}, BundlePolicy: pion.BundlePolicyMaxBundle}
	for _, server := range one.server.options.ICEServers {
		configuration.ICEServers = append(configuration.ICEServers, pion.ICEServer{URLs: server.URLs, Username: server.User, Credential: server.Password})
	}
	if one.pc, err = api.NewPeerConnection(configuration); err != nil {
		return Answer{}, refuse(http.StatusInternalServerError, fmt.Sprintf("no WebRTC connection can be made: %v", err))
	}
	one.listen()
	one.videoTrack = newTrack(pion.RTPCodecTypeVideo, "video", one.link)
	one.videoTrack.carry(one.video.payload)
	if one.videoSender, err = one.pc.AddTrack(one.videoTrack); err != nil {
		return Answer{}, badRequest(err)
	}
	if one.sound != nil {
		one.audioTrack = newTrack(pion.RTPCodecTypeAudio, "audio", one.link)
		if one.audioSender, err = one.pc.AddTrack(one.audioTrack); err != nil {
			return Answer{}, badRequest(err)
		}
	}
	for _, sender := range one.pc.GetSenders() {
		for _, sent := range sender.GetParameters().Encodings {
			one.sources = append(one.sources, uint32(sent.SSRC))
		}
	}
	one.offer = o.sdp
	named := takeNames(o.sdp)
	text, err := one.exchange(ctx)
	if err != nil {
		return Answer{}, err
	}
	one.resolve(named)
	return Answer{Session: one.id, SDP: text, ETag: one.etag}, nil
}

// exchange gives pion the offer, and returns the answer with all candidates. The caller
// holds signalling, or is alone.
func (one *session) exchange(ctx context.Context) (string, error) {
	text, err := one.offer.Marshal()
	if err != nil {
		return "", badRequest(err)
	}
	one.forgetCandidates()
	if err := one.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeOffer, SDP: string(text)}); err != nil {
		return "", badRequest(fmt.Errorf("the offer cannot be answered: %w", err))
	}
	answer, err := one.pc.CreateAnswer(nil)
	if err != nil {
		return "", badRequest(fmt.Errorf("the offer cannot be answered: %w", err))
	}
	if err := one.pc.SetLocalDescription(answer); err != nil {
		return "", badRequest(fmt.Errorf("the offer cannot be answered: %w", err))
	}
	patience := time.NewTimer(gatherTimeout)
	defer patience.Stop()
	complete := false
	select {
	case <-one.gathered:
		complete = true
	case <-patience.C:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	one.etag = `"` + newID() + `"`
	one.answer = &sdp.SessionDescription{}
	if err := one.answer.UnmarshalString(answer.SDP); err != nil {
		return "", err
	}
	announce(one.answer, slices.Concat(one.ownCandidates(), one.server.announced(ctx, one.socket)), complete)
	final, err := one.answer.Marshal()
	return string(final), err
}

// announce writes candidates into the section of an answer that carries the transport: the
// first that is not refused.
func announce(answer *sdp.SessionDescription, candidates []string, complete bool) {
	begun := false
	for _, m := range answer.MediaDescriptions {
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			return a.Key == "candidate" || a.Key == "end-of-candidates"
		})
		if begun || m.MediaName.Port.Value == 0 {
			continue
		}
		begun = true
		for _, c := range candidates {
			m.Attributes = append(m.Attributes, sdp.Attribute{Key: "candidate", Value: c})
		}
		if complete {
			m.Attributes = append(m.Attributes, sdp.Attribute{Key: "end-of-candidates"})
		}
	}
}

// announced are the candidates of Options, as lines without "candidate:".
func (s *Server) announced(ctx context.Context, own *socket) (lines []string) {
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	ours := own.LocalAddr().(*net.UDPAddr).Port
	for i, text := range s.options.Candidates {
		host, port, err := splitCandidate(text, ours)
		if err != nil {
			continue // New has looked at it
		}
		addresses := []string{host}
		if net.ParseIP(host) == nil {
			// Browsers do not look names up. Where we cannot either, they still get it.
			if found, err := net.DefaultResolver.LookupHost(ctx, host); err == nil {
				addresses = found
			}
		}
		for j, address := range addresses {
			// As if of a host: they are for those who cannot reach the others, and tried
			// after them (RFC 8445, 5.1.2.1: type 126, local preference falling, component 1).
			preference := 32767 - 16*min(i, 1000) - min(j, 15)
			priority := 126<<24 | preference<<8 | 255
			lines = append(lines, fmt.Sprintf("announced%d%d 1 udp %d %s %d typ host", i, j, priority, address, port))
			if s.options.TCP {
				lines = append(lines, fmt.Sprintf("announcedtcp%d%d 1 tcp %d %s %d typ host tcptype passive", i, j, priority-1<<24, address, port))
			}
		}
	}
	return lines
}

// takeNames takes the candidates out of an offer that have a name in place of an address.
func takeNames(d *sdp.SessionDescription) (lines []string) {
	for _, m := range d.MediaDescriptions {
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			if a.Key != "candidate" || localName(a.Value) == "" {
				return false
			}
			lines = append(lines, "candidate:"+a.Value)
			return true
		})
	}
	return lines
}
