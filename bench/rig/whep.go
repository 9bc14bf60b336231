package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// Player plays one camera over WebRTC, asked for with WHEP, and decodes nothing. It takes
// H.264 in packetization mode 1, as browsers offer it. Methods are for any goroutine.
type Player struct {
	Frames, Bytes atomic.Int64 // complete access units, and what is in them
	Lost          atomic.Int64 // access units that did not come whole

	Asked time.Time // when the offer was sent

	peer    *webrtc.PeerConnection
	mux     ice.UDPMux // of one socket
	session string     // its address; empty: none was told
	client  *http.Client
	first   chan time.Time // the first complete key frame, once
	reading sync.WaitGroup

	sps, pps bool // have come; of the goroutine that reads

	mu       sync.Mutex
	closed   bool
	keep     int
	kept     []Unit
	state    webrtc.PeerConnectionState
	messages []string
}

// Unit is an access unit and when its last packet came.
type Unit struct {
	At    time.Time
	NALUs [][]byte
	Key   bool
}

// PlayOptions are how a Player asks.
type PlayOptions struct {
	Channel string // label of a data channel that the offer holds; empty: none
	Audio   bool   // offers to take sound too
	Remote  bool   // uses all interfaces; otherwise only loopback
}

// receiveBuffer holds several key frames: a viewer's kernel must not be what loses them.
const receiveBuffer = 4 << 20

// Play offers, sends the offer to a WHEP address and takes the answer. It returns when the
// answer is set; pictures come afterwards. Close the player.
func Play(ctx context.Context, address string, o PlayOptions) (*Player, error) {
	p := &Player{first: make(chan time.Time, 1), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if err := p.open(o); err != nil {
		p.Close()
		return nil, err
	}
	if err := p.ask(ctx, address); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Player) open(o PlayOptions) error {
	listen := "127.0.0.1:0"
	if o.Remote {
		listen = "0.0.0.0:0"
	}
	socket, err := net.ListenPacket("udp4", listen)
	if err != nil {
		return err
	}
	socket.(*net.UDPConn).SetReadBuffer(receiveBuffer) //nolint:errcheck // as much as the kernel gives
	var setting webrtc.SettingEngine
	p.mux = webrtc.NewICEUDPMux(nil, socket)
	setting.SetICEUDPMux(p.mux)
	setting.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	setting.SetIncludeLoopbackCandidate(!o.Remote)
	p.peer, err = webrtc.NewAPI(webrtc.WithSettingEngine(setting)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	p.peer.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if p.began() {
			defer p.reading.Done()
			p.read(t)
		}
	})
	p.peer.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.state = s
	})
	kinds := []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo}
	if o.Audio {
		kinds = append(kinds, webrtc.RTPCodecTypeAudio)
	}
	for _, kind := range kinds {
		if _, err := p.peer.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return err
		}
	}
	if o.Channel != "" {
		channel, err := p.peer.CreateDataChannel(o.Channel, nil)
		if err != nil {
			return err
		}
		channel.OnMessage(func(m webrtc.DataChannelMessage) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.messages) < 1000 {
				p.messages = append(p.messages, string(m.Data))
			}
		})
	}
	return nil
}

// ask has the session made.
func (p *Player) ask(ctx context.Context, address string) error {
	offer, err := p.peer.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.peer)
	if err := p.peer.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return ctx.Err()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(p.peer.LocalDescription().SDP))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/sdp")
	p.Asked = time.Now()
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	sdp, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s answers %s: %s", address, answer.Status, bytes.TrimSpace(sdp))
	}
	if location := answer.Header.Get("Location"); location != "" {
		base, err := url.Parse(address)
		if err != nil {
			return err
		}
		session, err := base.Parse(location)
		if err != nil {
			return err
		}
		p.session = session.String()
	}
	return p.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(sdp)})
}

// began notes one more reader, unless the player is closed.
func (p *Player) began() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.reading.Add(1)
	}
	return !p.closed
}

// read counts a track's access units until it ends.
func (p *Player) read(t *webrtc.TrackRemote) {
	if !strings.EqualFold(t.Codec().MimeType, webrtc.MimeTypeH264) {
		for {
			if _, _, err := t.ReadRTP(); err != nil {
				return
			}
		}
	}
	d := &rtph264.Decoder{PacketizationMode: 1}
	if err := d.Init(); err != nil {
		return
	}
	var last uint16
	whole, began := true, false
	var nalus [][]byte
	for {
		packet, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		if began && packet.SequenceNumber != last+1 {
			whole = false
		}
		began, last = true, packet.SequenceNumber
		if len(packet.Payload) == 0 { // padding, to probe the link
			continue
		}
		one, err := d.Decode(packet)
		switch {
		case err == nil:
			nalus = append(nalus, one...)
		case !errors.Is(err, rtph264.ErrMorePacketsNeeded):
			whole = false
		}
		if !packet.Marker {
			continue
		}
		if whole && len(nalus) > 0 {
			p.unit(nalus)
		} else {
			p.Lost.Add(1)
		}
		nalus, whole = nil, true
	}
}

func (p *Player) unit(nalus [][]byte) {
	u := Unit{At: time.Now(), NALUs: nalus}
	for _, n := range nalus {
		p.Bytes.Add(int64(len(n)))
		if len(n) == 0 {
			continue
		}
		switch n[0] & 0x1f { // H.264, table 7-1
		case 5:
			u.Key = true
		case 7:
			p.sps = true
		case 8:
			p.pps = true
		}
	}
	p.Frames.Add(1)
	if u.Key && p.sps && p.pps {
		select {
		case p.first <- u.At:
		default:
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) < p.keep {
		p.kept = append(p.kept, u)
	}
}

// First waits for the first complete key frame with its parameter sets and returns when it
// came. Once.
func (p *Player) First(ctx context.Context) (time.Time, error) {
	select {
	case at := <-p.first:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("no key frame over WebRTC, %v: %w", p.State(), ctx.Err())
	}
}

// State is that of the connection.
func (p *Player) State() webrtc.PeerConnectionState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Keep has the next n access units kept.
func (p *Player) Keep(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep, p.kept = n, make([]Unit, 0, n)
}

// Kept is what was kept until now.
func (p *Player) Kept() []Unit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

// Messages are what came over the data channel, the first thousand.
func (p *Player) Messages() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.messages...)
}

// Session is its address at the gateway; empty where none was told.
func (p *Player) Session() string { return p.session }

// Close ends the connection, and the session at the gateway.
func (p *Player) Close() error {
	if p.session != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if r, err := http.NewRequestWithContext(ctx, http.MethodDelete, p.session, nil); err == nil {
			if answer, err := p.client.Do(r); err == nil {
				answer.Body.Close()
			}
		}
	}
	return p.Vanish()
}

// Vanish ends the connection and tells the gateway nothing over HTTP.
func (p *Player) Vanish() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	var err error
	if p.peer != nil {
		err = p.peer.Close()
	}
	if p.mux != nil {
		p.mux.Close() //nolint:errcheck // of its socket
	}
	p.reading.Wait()
	return err
}
