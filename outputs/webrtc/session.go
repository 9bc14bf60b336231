package webrtc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
)

// Why a session ends.
var (
	errDeleted      = errors.New("its browser has ended it")
	errNotConnected = errors.New("its browser did not connect in time")
	errGone         = errors.New("its browser is gone")
	errTooMany      = errors.New("its browser opened too many data channels")
)

// A session is one browser that watches one camera. Server.Offer makes it; run sends
// until it ends, for one of many reasons, and closes all it has.
type session struct {
	id      string
	server  *Server
	socket  *socket
	camera  source
	peer    string
	log     *slog.Logger
	release func()
	began   time.Time
	lenient bool // see there

	ctx    context.Context
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // goroutines of the session

	pc                       *pion.PeerConnection
	connected                chan struct{} // closed when ICE and DTLS are done
	connectedOnce            sync.Once
	videoTrack, audioTrack   *track // audioTrack is nil without sound
	videoSender, audioSender *pion.RTPSender
	video, audio             format
	spare                    format // for H.264 in a session that begins with H.265: cameras' smaller streams are that mostly
	hasSpare                 bool
	wanted                   camera.PacketOptions // what pictures was opened with
	sources                  []uint32             // our tracks'
	strangers                atomic.Int64         // sources that are not ours, of which something came
	link                     *link
	opened                   chan opened // of one element: pictures of another stream

	// away: nothing has come from the browser for seconds. Nothing is sent then: packets to
	// a host that is gone wait in the kernel, in the buffer that all sessions share.
	away    atomic.Bool
	looking sync.Mutex // held while away is made of the connection's state

	signalling sync.Mutex // one exchange at a time; guards offer, answer, etag, anew and trickled
	offer      *sdp.SessionDescription
	answer     *sdp.SessionDescription
	etag       string
	anew       bool          // ICE has begun more than once
	trickled   int           // candidates since ICE began
	gathered   chan struct{} // of one element: there are no more candidates of ours

	mu         sync.Mutex // guards the rest
	candidates []string   // ours, as lines without "candidate:"
	channels   int
	ended      bool
	batch      *batch
	pictures   pictures // that are being sent
	sound      sound    // beside them; nil: none
	format     camera.Format
	substream  bool      // pictures are of the smaller stream
	keyAt      time.Time // when a key frame was sent last
	keyAge     time.Duration
}

// noInterceptors: what they would do, the session does itself, without copying packets.
func noInterceptors() *interceptor.Registry { return &interceptor.Registry{} }

// spawn runs a part of the session. A panic in it ends the session, not the gateway.
func (one *session) spawn(what string, part func() error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.ended {
		return
	}
	one.work.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				one.log.Error("panic in a WebRTC session", "part", what, "cause", cause, "stack", string(debug.Stack()))
				one.cancel(fmt.Errorf("panic in %s", what))
			}
		}()
		if err := part(); err != nil {
			one.cancel(err)
		}
	})
}

// listen takes what pion tells.
func (one *session) listen() {
	one.pc.OnConnectionStateChange(func(pion.PeerConnectionState) { one.look(one.pc.ConnectionState) })
	one.pc.OnICECandidate(func(c *pion.ICECandidate) {
		if c == nil {
			select {
			case one.gathered <- struct{}{}:
			default:
			}
			return
		}
		line := strings.TrimPrefix(c.ToJSON().Candidate, "candidate:")
		one.mu.Lock()
		defer one.mu.Unlock()
		one.candidates = append(one.candidates, line)
	})
	one.pc.OnDataChannel(one.channel)
	one.pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(one.batchFor)
}

// look acts on the state that the connection has now. pion tells of each state in a goroutine
// of its own, and so perhaps of the last one first: a browser that is back must not be taken
// for one that is away.
func (one *session) look(state func() pion.PeerConnectionState) {
	one.looking.Lock()
	defer one.looking.Unlock()
	switch state() {
	case pion.PeerConnectionStateConnected:
		one.connectedOnce.Do(func() { close(one.connected) })
		one.away.Store(false)
	case pion.PeerConnectionStateDisconnected:
		one.away.Store(true)
	case pion.PeerConnectionStateFailed, pion.PeerConnectionStateClosed:
		one.cancel(errGone)
	}
}

func (one *session) forgetCandidates() {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.candidates = nil
	select {
	case <-one.gathered:
	default:
	}
}

func (one *session) ownCandidates() []string {
	one.mu.Lock()
	defer one.mu.Unlock()
	return slices.Clone(one.candidates)
}

// batchFor collects packets for the address that the browser is reached at. Where they go
// another way, over TCP or TURN, they do not pass the socket, and nothing is collected.
func (one *session) batchFor(pair *pion.ICECandidatePair) {
	address, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.ended {
		return
	}
	if one.batch != nil {
		one.socket.release(one.batch)
		one.batch = nil
	}
	if pair.Remote.Protocol == pion.ICEProtocolUDP && pair.Local.Typ != pion.ICECandidateTypeRelay {
		one.batch = one.socket.reserve(netip.AddrPortFrom(address, pair.Remote.Port))
	}
}

func (one *session) currentBatch() *batch {
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.batch
}

// run sends until the session ends, and closes it.
func (one *session) run() {
	err := one.serve()
	one.close(err)
	one.log.Debug("a WebRTC session has ended", "session", one.id[:8], "why", err)
}

// serve returns why the session ends.
func (one *session) serve() error {
	patience := time.NewTimer(one.server.patience.connect)
	defer patience.Stop()
	select {
	case <-one.connected:
	case <-patience.C:
		return errNotConnected
	case <-one.ctx.Done():
		return context.Cause(one.ctx)
	}
	one.log.Debug("a WebRTC session is connected", "session", one.id[:8], "codec", one.format.Codec, "transcoded", one.format.Transcoded,
		"sound", one.sound != nil, "after", time.Since(one.began).Round(time.Millisecond))
	one.spawn("feedback on pictures", func() error { return one.hear(one.videoSender, true) })
	one.spawn("pictures", one.sendPictures)
	if one.sound != nil {
		one.spawn("feedback on sound", func() error { return one.hear(one.audioSender, false) })
		one.spawn("sound", one.sendSound)
	}
	<-one.ctx.Done()
	return context.Cause(one.ctx)
}

// close ends all that the session has, and waits for it.
func (one *session) close(why error) {
	one.cancel(why)
	one.mu.Lock()
	one.ended = true
	if one.batch != nil {
		one.socket.release(one.batch)
		one.batch = nil
	}
	one.mu.Unlock()
	one.hangUp()
	one.work.Wait()
	select {
	case o := <-one.opened:
		if o.pictures != nil {
			o.pictures.Close()
		}
		if o.sound != nil {
			o.sound.Close()
		}
	default:
	}
	if one.pictures != nil {
		one.pictures.Close()
	}
	if one.sound != nil {
		one.sound.Close()
	}
}

// hangUp closes the connection and waits for what pion has started. A TURN server that does
// not answer keeps pion for half a minute; that is not waited for.
func (one *session) hangUp() {
	if one.pc == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if err := one.pc.GracefulClose(); err != nil {
			one.log.Debug("a WebRTC session did not close in order", "err", err)
		}
	}()
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	select {
	case <-closed:
	case <-patience.C:
		one.log.Debug("a WebRTC session takes long to close")
	}
}

// released tells whoever has admitted the session.
func (one *session) released() {
	if one.release != nil {
		one.release()
	}
}

// addCandidates gives pion what the browser has found. The caller holds signalling.
func (one *session) addCandidates(list []string) error {
	if one.trickled += len(list); one.trickled > mostTrickled {
		return fmt.Errorf("a session may have %d candidates that come later", mostTrickled)
	}
	var named []string
	for _, line := range list {
		if localName(line) != "" {
			named = append(named, line)
			continue
		}
		if err := one.addCandidate(line); err != nil {
			return err
		}
	}
	one.resolve(named)
	return nil
}

func (one *session) addCandidate(line string) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("a candidate cannot be read: %v", cause)
		}
	}()
	return one.pc.AddICECandidate(pion.ICECandidateInit{Candidate: line})
}

// resolve looks names up and gives pion their addresses, meanwhile.
func (one *session) resolve(named []string) {
	for _, line := range named {
		one.spawn("names", func() error {
			name := localName(line)
			if address, found := one.server.resolver.address(one.ctx, name); found {
				if err := one.addCandidate(strings.Replace(line, name, address.String(), 1)); err != nil {
					one.log.Debug("a candidate was refused", "err", err)
				}
			}
			return nil
		})
	}
}

// restart begins ICE anew with other credentials of the browser; answer and etag are then
// new. The caller holds signalling.
func (one *session) restart(ctx context.Context, f fragment) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			one.log.Error("panic in WebRTC", "cause", cause)
			err = badRequest(errors.New("ICE cannot begin anew with this fragment"))
		}
	}()
	restarted(one.offer, f)
	one.trickled = 0
	if _, err := one.exchange(ctx); err != nil {
		return err
	}
	one.anew = true
	if err := one.addCandidates(f.candidates); err != nil {
		return badRequest(err)
	}
	return nil
}
