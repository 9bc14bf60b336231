package source

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
)

var fixedTransports = map[string]gortsplib.Transport{
	"tcp": gortsplib.TransportTCP, "udp": gortsplib.TransportUDP, "multicast": gortsplib.TransportUDPMulticast,
}

// newClient makes the gortsplib client of a session.
func (s *session) newClient() {
	s.tls = &certificateCheck{pin: s.options.TLSFingerprint, insecure: s.options.TLSInsecure, host: s.address.host}
	s.client = &gortsplib.Client{
		Scheme:            s.address.scheme,
		Host:              s.address.host,
		UserAgent:         "camgate",
		ReadTimeout:       never,
		WriteTimeout:      s.options.answer,
		TLSConfig:         s.tls.config(),
		DialContext:       s.conns.dial,
		ListenPacket:      listenPacket,
		OnTransportSwitch: func(error) { s.switched() },
		OnPacketsLost:     func(uint64) {}, // the assembler counts, and knows where
		OnDecodeError:     s.undecoded,
		OnRequest:         s.patience.asked,
		OnResponse:        s.answered,
	}
	s.client.InitialUDPReadTimeout = s.options.patience
	s.info.Transport = s.transport
	if t, fixed := fixedTransports[s.transport]; fixed {
		s.client.Transport = &t
	} else {
		s.info.Transport = "udp"
	}
}

// answered looks at each answer before gortsplib does, and takes out what it would
// stumble over.
func (s *session) answered(r *base.Response) {
	if s.patience.answered(r) {
		s.conns.lift()
	}
	if target := r.Header["Location"]; len(target) > 0 && r.StatusCode >= 300 && r.StatusCode < 400 {
		if s.address.scheme == "rtsps" && !strings.HasPrefix(strings.ToLower(target[0]), "rtsps:") {
			s.patience.stop(errUnencrypted)
		}
	}
	if s.options.DigestOnly && r.StatusCode == base.StatusUnauthorized {
		offers := withoutBasic(r.Header["WWW-Authenticate"])
		if len(offers) == 0 && len(r.Header["WWW-Authenticate"]) > 0 {
			s.patience.stop(readableError{})
		}
		r.Header["WWW-Authenticate"] = offers
	}
	if session := r.Header["Session"]; len(session) > 0 {
		r.Header["Session"] = base.HeaderValue{saneSession(session[0])}
	}
	if kind := r.Header["Content-Type"]; len(kind) > 0 && strings.HasPrefix(kind[0], "application/sdp") {
		r.Body = readableTracks(r.Body, s.hears)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if server := r.Header["Server"]; len(server) > 0 && s.info.Server == "" {
		s.info.Server = scrub(printable(server[0], 80), s.address)
	}
}

// readableError: the camera wants the password in a form that it must not get here.
type readableError struct{}

func (readableError) Error() string {
	return "it takes the password as Basic alone, which shows it to whoever answers at this address; if it is the camera, write this address into its source"
}

// Unwrap lets errors.Is find ErrUnauthorized.
func (readableError) Unwrap() error { return ErrUnauthorized }

// withoutBasic are the offered ways to log in (RFC 7235 section 4.1) but for Basic.
func withoutBasic(offers base.HeaderValue) base.HeaderValue {
	var kept base.HeaderValue
	for _, offer := range offers {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(offer), " "); !strings.EqualFold(scheme, "basic") {
			kept = append(kept, offer)
		}
	}
	return kept
}

// saneSession is a Session header (RFC 2326 section 12.37) with a timeout, in seconds,
// that makes a keep-alive neither rare nor a flood: gortsplib multiplies it unchecked. A
// timeout that is no such number is left out; gortsplib then takes 60 s or so.
func saneSession(header string) string {
	id, parameters, _ := strings.Cut(header, ";")
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		var seconds uint32
		if !strings.EqualFold(name, "timeout") {
			continue
		}
		if _, err := fmt.Sscanf(value, "%d", &seconds); err == nil && seconds > 0 {
			return fmt.Sprintf("%s;timeout=%d", id, min(max(seconds, 5), 3600))
		}
	}
	return id
}

// patience ends a session whose camera does not answer, while it is asked for a stream.
// Later, requests are keep-alives, which some cameras never answer.
type patience struct {
	wait time.Duration
	stop context.CancelCauseFunc

	mu     sync.Mutex
	asking bool
	until  time.Time // all must be agreed on
	method base.Method
	timer  *time.Timer
}

func newPatience(wait time.Duration, stop context.CancelCauseFunc) *patience {
	p := &patience{wait: wait, stop: stop}
	p.start()
	return p
}

// start is called where the camera is asked for a stream, from the beginning.
func (p *patience) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking, p.until = true, time.Now().Add(agreeTimeout)
}

// asked is called before a request is sent.
func (p *patience) asked(r *base.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asking || r.Method == base.Teardown {
		return
	}
	p.method = r.Method
	p.rest()
	wait, err := p.wait, fmt.Errorf("no answer to %s for %v; is it overloaded, or something else than a camera?", r.Method, p.wait)
	if left := time.Until(p.until); left < wait {
		wait, err = left, fmt.Errorf("it took longer than %v to agree on a stream", agreeTimeout)
	}
	p.timer = time.AfterFunc(wait, func() { p.stop(err) })
}

// answered is true where the camera agreed to send.
func (p *patience) answered(r *base.Response) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest()
	if !p.asking || p.method != base.Play || r.StatusCode != base.StatusOK {
		return false
	}
	p.asking = false
	return true
}

func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking = false
	p.rest()
}

func (p *patience) rest() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// noVideo is ErrNoVideo with what there is.
func noVideo(offered []string) error {
	if len(offered) == 0 {
		return fmt.Errorf("%w: its description names no track at all", ErrNoVideo)
	}
	return fmt.Errorf("%w: it offers %s; camgate takes H.264, H.265, MJPEG and MPEG-4", ErrNoVideo, strings.Join(offered[:min(len(offered), 8)], ", "))
}

// nameOf is what a track's codec is called.
func nameOf(f format.Format) string {
	if generic, ok := f.(*format.Generic); ok && generic.RTPMap() != "" {
		return printable(generic.RTPMap(), 40)
	}
	return printable(f.Codec(), 40)
}
