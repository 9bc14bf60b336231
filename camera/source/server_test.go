package source

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"camgate/media"
	"camgate/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// patient is how long a test waits for what must happen.
const patient = 30 * time.Second

// camera is an RTSP server that sends what a test tells it to.
type camera struct {
	t              *testing.T
	server         *gortsplib.Server
	stream         *gortsplib.ServerStream
	media          *description.Media
	port           int
	user, password string
	auth           []auth.VerifyMethod
	udp            bool
	tls            *tls.Config
	refusal        base.StatusCode                             // of UDP, where not 0
	overUDP        chan *gortsplib.ServerConn                  // gets the connection of each PLAY over UDP, where not nil
	deaf           func(*gortsplib.ServerConn) base.StatusCode // answers SETUP of the audio track; nil: as for video
	feedback       chan rtcp.Packet                            // what the client says, where not nil

	playing chan string // transport of each PLAY
	ended   chan struct{}

	mu       sync.Mutex
	requests []*base.Request
}

// start starts a camera on loopback with a track of format f, after an audio track.
func (c *camera) start(t *testing.T, formats ...format.Format) *camera {
	t.Helper()
	c.t = t
	c.playing, c.ended = make(chan string, 16), make(chan struct{}, 16)
	desc := &description.Session{Medias: []*description.Media{
		{Type: description.MediaTypeAudio, Formats: []format.Format{&format.G711{PayloadTyp: 0, SampleRate: 8000, ChannelCount: 1}}},
	}}
	for _, f := range formats {
		desc.Medias = append(desc.Medias, &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}})
	}
	if len(formats) > 0 {
		c.media = desc.Medias[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.port = listener.Addr().(*net.TCPAddr).Port
	c.server = &gortsplib.Server{
		Handler:                  c,
		RTSPAddress:              listener.Addr().String(),
		Listen:                   func(string, string) (net.Listener, error) { return listener, nil },
		AuthMethods:              c.auth,
		TLSConfig:                c.tls,
		DisableRTCPSenderReports: true,
	}
	for try := 0; ; try++ {
		if c.udp {
			even := 20000 + 2*((c.port+try*7)%10000)
			c.server.UDPRTPAddress = fmt.Sprintf("127.0.0.1:%d", even)
			c.server.UDPRTCPAddress = fmt.Sprintf("127.0.0.1:%d", even+1)
		}
		if err = c.server.Start(); err == nil {
			break
		}
		if try == 20 {
			t.Fatal(err)
		}
	}
	c.stream = &gortsplib.ServerStream{Server: c.server, Desc: desc}
	if err := c.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.stream.Close()
		c.server.Close()
	})
	return c
}

func (c *camera) OnRequest(_ *gortsplib.ServerConn, r *base.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
}

// count is how many requests with that method have come.
func (c *camera) count(method base.Method) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		if r.Method == method {
			n++
		}
	}
	return n
}

func (c *camera) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	// gortsplib's server cannot read a Basic password with a colon.
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
	sent := ctx.Request.Header["Authorization"]
	known := len(sent) == 1 && sent[0] == basic && slices.Contains(c.auth, auth.VerifyMethodBasic)
	if c.user != "" && !known && !ctx.Conn.VerifyCredentials(ctx.Request, c.user, c.password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	if ctx.Path != "/stream" {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *camera) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.refusal != 0 && ctx.Transport == gortsplib.TransportUDP {
		return &base.Response{StatusCode: c.refusal}, nil, nil
	}
	if c.deaf != nil && strings.HasSuffix(ctx.Request.URL.Path, "trackID=0") {
		return &base.Response{StatusCode: c.deaf(ctx.Conn)}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *camera) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	if c.feedback != nil {
		ctx.Session.OnPacketRTCPAny(func(_ *description.Media, p rtcp.Packet) { c.feedback <- p })
	}
	c.playing <- map[gortsplib.Transport]string{
		gortsplib.TransportTCP: "tcp", gortsplib.TransportUDP: "udp",
	}[*ctx.Session.SetuppedTransport()]
	if c.overUDP != nil && *ctx.Session.SetuppedTransport() == gortsplib.TransportUDP {
		c.overUDP <- ctx.Conn
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (c *camera) OnSessionClose(*gortsplib.ServerHandlerOnSessionCloseCtx) { c.ended <- struct{}{} }

// address is the camera's, with what stands before the host.
func (c *camera) address(userInfo string) Address {
	c.t.Helper()
	scheme := "rtsp"
	if c.tls != nil {
		scheme = "rtsps"
	}
	a, err := ParseAddress(fmt.Sprintf("%s://%s127.0.0.1:%d/stream", scheme, userInfo, c.port))
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// send sends packets on the camera's video track.
func (c *camera) send(packets ...*rtp.Packet) {
	c.t.Helper()
	for _, p := range packets {
		if err := c.stream.WritePacketRTP(c.media, p); err != nil {
			c.t.Fatal(err)
		}
	}
}

// event is a call of a sink.
type event struct {
	playing   *Info
	unit      *media.AccessUnit
	damaged   bool
	lost      uint64
	err       error
	transport string
}

// watcher is a sink, and the session that fills it.
type watcher struct {
	t      *testing.T
	events chan event
	cancel context.CancelFunc
	ended  chan error
}

func (w *watcher) Playing(i Info)                  { w.events <- event{playing: &i} }
func (w *watcher) Transport(name string)           { w.events <- event{transport: name} }
func (w *watcher) AccessUnit(au *media.AccessUnit) { w.events <- event{unit: au} }
func (w *watcher) Damaged(lost uint64, err error) {
	w.events <- event{damaged: true, lost: lost, err: err}
}
func (w *watcher) next(what string) (e event) {
	w.t.Helper()
	select {
	case e = <-w.events:
	case err := <-w.ended:
		w.ended <- err
		w.t.Fatalf("the session ended without %s: %v", what, err)
	case <-time.After(patient):
		w.t.Fatalf("no %s in time", what)
	}
	return e
}

func (w *watcher) info() Info {
	w.t.Helper()
	e := w.next("agreement on a stream")
	if e.playing == nil {
		w.t.Fatalf("got %+v before Playing", e)
	}
	return *e.playing
}

func (w *watcher) unit() *media.AccessUnit {
	w.t.Helper()
	e := w.next("picture")
	if e.unit == nil {
		w.t.Fatalf("got %+v instead of a picture", e)
	}
	return e.unit
}

func (w *watcher) damage() event {
	w.t.Helper()
	e := w.next("word of damage")
	if !e.damaged {
		w.t.Fatalf("got %+v instead of damage", e)
	}
	return e
}

// err waits for the session's end.
func (w *watcher) err() error {
	w.t.Helper()
	select {
	case err := <-w.ended:
		w.ended <- err
		if err == nil {
			w.t.Fatal("a session ended without an error")
		}
		return err
	case <-time.After(patient):
		w.t.Fatal("the session does not end")
	}
	return nil
}

// lasts checks that the session does not end for a time.
func (w *watcher) lasts(d time.Duration) {
	w.t.Helper()
	select {
	case err := <-w.ended:
		w.ended <- err
		w.t.Fatalf("the session ended: %v", err)
	case <-time.After(d):
	}
}

// watch begins a session, which ends with the test.
func watch(t *testing.T, a Address, o Options) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{t: t, events: make(chan event, 4096), cancel: cancel, ended: make(chan error, 1)}
	if o.Camera == "" {
		o.Camera = "door"
	}
	conn, err := Dial(ctx, a, patient)
	if err != nil {
		t.Fatal(err)
	}
	go func() { w.ended <- RTSP(ctx, conn, a, o, w) }()
	t.Cleanup(func() {
		cancel()
		w.err()
	})
	return w
}

// await waits for something on a channel.
func await[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patient):
		t.Fatalf("no %s in time", what)
	}
	return v
}

// says checks that an error's sentence holds the words.
func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error is\n%v\nand does not say %q", err, word)
		}
	}
}
