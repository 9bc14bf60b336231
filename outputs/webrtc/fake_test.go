package webrtc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
	"camgate/media"
	"camgate/testleak"
	"camgate/testnet"
)

// fakeCamera brings the pictures that a test gives it.
type fakeCamera struct {
	name  string
	codec media.Codec
	sub   *fakeCamera
	voice *fakeSound // nil: no sound

	mu       sync.Mutex
	units    []*media.AccessUnit // since the newest key frame
	first    uint64              // number of units[0]
	came     chan struct{}
	state    string
	trouble  string // its last error
	changed  chan struct{}
	readers  int
	wanted   camera.PacketOptions // by the last reader
	keysAsk  int
	restarts int
	smaller  int // times that the smaller stream was asked for
	formats  int // times that the format has changed, which ends readers
}

func newFake(name string, codec media.Codec) *fakeCamera {
	return &fakeCamera{name: name, codec: codec, state: "live", came: make(chan struct{}), changed: make(chan struct{})}
}

// sps is that of High profile, level 4.0.
var sps = []byte{0x67, 100, 0, 40, 0xac}

// picture is an access unit of n bytes that no decoder would take.
func picture(codec media.Codec, key bool, n int) *media.AccessUnit {
	var nalus [][]byte
	slice := make([]byte, max(n, 4))
	for i := range slice {
		slice[i] = byte(i)
	}
	switch {
	case codec == media.H264 && key:
		slice[0] = 0x65
		nalus = [][]byte{sps, {0x68, 1, 2}, slice}
	case codec == media.H264:
		slice[0] = 0x41
		nalus = [][]byte{slice}
	case codec == media.H265 && key:
		slice[0], slice[1] = 19<<1, 1
		nalus = [][]byte{{32 << 1, 1, 0}, {33 << 1, 1, 0}, {34 << 1, 1, 0}, slice}
	case codec == media.H265:
		slice[0], slice[1] = 1<<1, 1
		nalus = [][]byte{slice}
	default:
		nalus = [][]byte{slice}
	}
	au := media.NewAccessUnit(codec, nalus)
	au.Key = key
	return au
}

// bring has a picture arrive now.
func (f *fakeCamera) bring(key bool, n int) *media.AccessUnit {
	f.mu.Lock()
	defer f.mu.Unlock()
	au := picture(f.codec, key, n)
	au.Received = time.Now()
	au.PTS = time.Duration(f.first+uint64(len(f.units))) * 40 * time.Millisecond
	if key {
		f.first += uint64(len(f.units))
		f.units = nil
	}
	f.units = append(f.units, au)
	close(f.came)
	f.came = make(chan struct{})
	return au
}

// film brings pictures until ctx ends: a key frame every gop.
func (f *fakeCamera) film(ctx context.Context, every time.Duration, gop, key, other int) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		if i%gop == 0 {
			f.bring(true, key)
		} else {
			f.bring(false, other)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (f *fakeCamera) say(state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = state
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeCamera) Name() string { return f.name }

func (f *fakeCamera) packets(o camera.PacketOptions, _ string) (pictures, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers++
	f.wanted = o
	return &fakeReader{f: f, codecs: o.Codecs, seeking: true, formats: f.formats}, nil
}

func (f *fakeCamera) sound(codecs ...media.AudioCodec) sound {
	if f.voice == nil {
		return &fakeSound{}
	}
	return &fakeSound{codec: f.voice.codec, frames: f.voice.frames, closed: make(chan struct{})}
}

func (f *fakeCamera) substream() source {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.smaller++
	if f.sub == nil {
		return nil
	}
	return f.sub
}

func (f *fakeCamera) RequestKeyFrame() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keysAsk++
}

func (f *fakeCamera) Brief() camera.Brief {
	f.mu.Lock()
	defer f.mu.Unlock()
	return camera.Brief{State: f.state, LastError: f.trouble}
}

func (f *fakeCamera) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// reformat has the camera change its format; the next picture is of the new one.
func (f *fakeCamera) reformat() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.formats++
	close(f.came)
	f.came = make(chan struct{})
}

// brought is how many pictures have arrived.
func (f *fakeCamera) brought() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first + uint64(len(f.units))
}

func (f *fakeCamera) read() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readers
}

type fakeReader struct {
	f       *fakeCamera
	codecs  []media.Codec
	seeking bool
	next    uint64
	formats int
	closed  bool
}

func (r *fakeReader) Format(ctx context.Context) (camera.Format, error) {
	for {
		r.f.mu.Lock()
		came := r.f.came
		has := len(r.f.units) > 0
		r.f.mu.Unlock()
		if has {
			for _, c := range r.codecs {
				if c == r.f.codec {
					format := camera.Format{Codec: c}
					if c == media.H264 {
						format.SPS = sps
					}
					return format, nil
				}
			}
			return camera.Format{}, camera.ErrCodec
		}
		select {
		case <-came:
		case <-ctx.Done():
			return camera.Format{}, ctx.Err()
		}
	}
}

func (r *fakeReader) Next(ctx context.Context) (camera.Packet, error) {
	for {
		r.f.mu.Lock()
		if r.formats != r.f.formats {
			r.f.mu.Unlock()
			return camera.Packet{}, camera.ErrFormatChanged
		}
		skipped := false
		if r.next < r.f.first || r.seeking {
			skipped = true
			r.next, r.seeking = r.f.first, false
		}
		if i := int(r.next - r.f.first); i < len(r.f.units) {
			p := camera.Packet{AccessUnit: r.f.units[i], Skipped: skipped, Behind: len(r.f.units) - i - 1}
			r.next++
			r.f.mu.Unlock()
			return p, nil
		}
		came := r.f.came
		r.f.mu.Unlock()
		select {
		case <-came:
		case <-ctx.Done():
			return camera.Packet{}, ctx.Err()
		}
	}
}

func (r *fakeReader) Restart() {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.seeking = true
	r.f.restarts++
	close(r.f.came)
	r.f.came = make(chan struct{})
}

func (r *fakeReader) Close() {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.f.readers--
	}
}

type fakeSound struct {
	codec  media.AudioCodec
	frames chan *media.AudioFrame // nil: the camera has no sound any more

	ended  sync.Once
	closed chan struct{} // nil: it is not read
}

func (s *fakeSound) Format(context.Context) (media.AudioCodec, error) {
	if s.frames == nil {
		return 0, errors.New("no sound")
	}
	return s.codec, nil
}

func (s *fakeSound) Next(ctx context.Context) (*media.AudioFrame, error) {
	select {
	case f := <-s.frames:
		if f == nil {
			return nil, camera.ErrNoAudio
		}
		return f, nil
	case <-s.closed:
		return nil, camera.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *fakeSound) Close() {
	if s.closed != nil {
		s.ended.Do(func() { close(s.closed) })
	}
}

type fakeCameras []*fakeCamera

func (f fakeCameras) find(name string) source {
	for _, c := range f {
		if c.name == name {
			return c
		}
	}
	return nil
}

// gate is a server that runs, and answers over HTTP, until the test ends.
type gate struct {
	*Server
	url  string // of the endpoints, with a slash at the end
	stop func()
	log  *lines
}

type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func serve(t testing.TB, o Options, cams ...*fakeCamera) *gate {
	t.Helper()
	p := defaultPatience
	p.rest = 2 * time.Second
	return servePatiently(t, p, o, cams...)
}

// shortly is the patience of tests that wait for its end: a busy machine may need more.
var shortly = patience{connect: 3 * time.Second, disconnected: time.Second, failed: 2 * time.Second, picture: 2 * time.Second, rest: 2 * time.Second}

func servePatiently(t testing.TB, p patience, o Options, cams ...*fakeCamera) *gate {
	t.Helper()
	nothingLeft := testleak.Watch(t)
	g := &gate{log: &lines{}}
	server, err := newServer(o, fakeCameras(cams), slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	server.patience = p
	g.Server = server
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, id, isSession := strings.Cut(strings.TrimPrefix(r.URL.Path, "/whep/"), "/")
		var err error
		if isSession {
			err = server.Session(w, r, name, id)
		} else {
			err = server.Endpoint(w, r, Asked{Camera: name, Peer: r.RemoteAddr, Agent: r.UserAgent()})
		}
		if refused := new(Error); errors.As(err, &refused) {
			http.Error(w, refused.Sentence, refused.Status)
		}
	}))
	g.url = web.URL + "/whep/"
	eventually(t, "the server is ready", patient, func() bool {
		server.mu.Lock()
		defer server.mu.Unlock()
		return server.socket != nil
	})
	g.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patient):
			t.Error("the server does not end")
		}
	})
	t.Cleanup(func() {
		g.stop()
		web.Close()
		http.DefaultClient.CloseIdleConnections()
		nothingLeft()
	})
	return g
}

// Sessions is how many there are.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// patient is how long a test waits for what must happen. Nobody promises that it takes less:
// it ends tests that hang.
const patient = 30 * time.Second

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, within time.Duration, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", within, what)
		}
	}
}

// client is a browser that is none: pion's, with what it has received.
type client struct {
	t        testing.TB
	pc       *pion.PeerConnection
	location *url.URL
	etag     string
	answer   string

	connected chan struct{}
	packets   chan *rtp.Packet // of the video; what nobody takes is dropped
	tracks    chan *pion.TrackRemote
}

// browse makes a client that has not asked yet, and says nothing of what it receives.
// engine may be nil: pion's codecs.
func browse(t testing.TB, engine *pion.MediaEngine) *client {
	t.Helper()
	return browseWith(t, engine, noInterceptors())
}

// browseFully makes one that asks for what is lost, and tells what has arrived.
func browseFully(t testing.TB) *client {
	t.Helper()
	engine, registry := &pion.MediaEngine{}, noInterceptors()
	if err := engine.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	if err := pion.RegisterDefaultInterceptors(engine, registry); err != nil {
		t.Fatal(err)
	}
	return browseWith(t, engine, registry)
}

func browseWith(t testing.TB, engine *pion.MediaEngine, registry *interceptor.Registry) *client {
	t.Helper()
	settings := pion.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICETimeouts(10*time.Second, 10*time.Second, 500*time.Millisecond)
	return browseSetting(t, engine, registry, settings)
}

func browseSetting(t testing.TB, engine *pion.MediaEngine, registry *interceptor.Registry, settings pion.SettingEngine) *client {
	t.Helper()
	settings.SetInterfaceFilter(func(name string) bool { return !testnet.Passing(name) }) // those of tests beside this one
	if engine == nil {
		engine = &pion.MediaEngine{}
		if err := engine.RegisterDefaultCodecs(); err != nil {
			t.Fatal(err)
		}
	}
	pc, err := pion.NewAPI(pion.WithMediaEngine(engine), pion.WithSettingEngine(settings), pion.WithInterceptorRegistry(registry)).NewPeerConnection(pion.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, pc: pc, connected: make(chan struct{}), packets: make(chan *rtp.Packet, 4096), tracks: make(chan *pion.TrackRemote, 4)}
	var once sync.Once
	pc.OnConnectionStateChange(func(s pion.PeerConnectionState) {
		if s == pion.PeerConnectionStateConnected {
			once.Do(func() { close(c.connected) })
		}
	})
	pc.OnTrack(func(track *pion.TrackRemote, _ *pion.RTPReceiver) {
		c.tracks <- track
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			if track.Kind() == pion.RTPCodecTypeVideo {
				select {
				case c.packets <- p:
				default:
				}
			}
		}
	})
	t.Cleanup(func() { pc.GracefulClose() })
	return c
}

func (c *client) receive(kinds ...pion.RTPCodecType) *client {
	c.t.Helper()
	for _, kind := range kinds {
		if _, err := c.pc.AddTransceiverFromKind(kind, pion.RTPTransceiverInit{Direction: pion.RTPTransceiverDirectionRecvonly}); err != nil {
			c.t.Fatal(err)
		}
	}
	return c
}

// offer is a whole one, with all candidates.
func (c *client) offer() string {
	c.t.Helper()
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	gathered := pion.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	<-gathered
	return c.pc.LocalDescription().SDP
}

// ask posts an offer, and returns the answer, which may be a refusal.
func (c *client) ask(endpoint, offer string) (*http.Response, string) {
	c.t.Helper()
	answer, err := http.Post(endpoint, "application/sdp", strings.NewReader(offer))
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer, string(body)
}

// play asks and connects.
func (c *client) play(endpoint string) *client {
	c.t.Helper()
	c.start(endpoint, nil)
	c.connects()
	return c
}

func (c *client) connects() {
	c.t.Helper()
	select {
	case <-c.connected:
	case <-time.After(patient):
		c.t.Fatalf("no connection; the answer was\n%s", c.answer)
	}
}

// start asks, and begins to connect: over a relay alone, where that is not nil.
func (c *client) start(endpoint string, over *relay) {
	c.t.Helper()
	offer := c.offer()
	if over != nil {
		offer = over.without(offer)
	}
	answer, body := c.ask(endpoint, offer)
	if answer.StatusCode != http.StatusCreated {
		c.t.Fatalf("%s: %s", answer.Status, body)
	}
	location, err := answer.Request.URL.Parse(answer.Header.Get("Location"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.location, c.etag, c.answer = location, answer.Header.Get("ETag"), body
	remote := body
	if over != nil {
		remote = over.only(body)
	}
	if err := c.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: remote}); err != nil {
		c.t.Fatalf("%v:\n%s", err, body)
	}
}

// next is the next video packet.
func (c *client) next() *rtp.Packet {
	c.t.Helper()
	select {
	case p := <-c.packets:
		return p
	case <-time.After(patient):
		c.t.Fatalf("no packet within %v", patient)
		return nil
	}
}

// request sends another method to the session.
func (c *client) request(method, etag, contentType, body string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.location.String(), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if etag != "" {
		r.Header.Set("If-Match", etag)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer, string(text)
}

var _ net.PacketConn = (*socket)(nil)
