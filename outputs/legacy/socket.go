package legacy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/outputs/params"
	"camgate/outputs/viewerconn"
)

// Protocol is the name of cctvAgent's WebSocket protocol, where one is given.
const Protocol = "cctvagent"

// Cameras finds what a page names.
type Cameras interface {
	// Open finds a camera by its name or by its stream's address. Another error than
	// ErrUnknown is a sentence for the page.
	Open(ctx context.Context, called string) (Camera, error)
}

// A Camera is open until Close. It can be compared.
type Camera interface {
	Watch(media.Rendition) (Viewer, error)
	Close()
}

// A Viewer is where the pictures come from; *camera.Viewer is one.
type Viewer interface {
	Next(context.Context) (*media.Picture, error)
	Close()
}

// ErrUnknown: no camera is called so.
var ErrUnknown = errors.New("no camera here has this url: configure it, or set allow_any_url in [legacy]")

// ErrNotWebSocket: the request does not ask for a WebSocket. Nothing has been answered yet.
var ErrNotWebSocket = errors.New("this address is for WebSocket connections of cctvAgent's pages: new WebSocket(\"ws://…\") opens one")

// ErrNoPong: the viewer has left pings unanswered.
var ErrNoPong = errors.New("the viewer answers no pings")

// SocketOptions of all connections. Zero durations mean the defaults.
type SocketOptions struct {
	Stall       time.Duration // how long a viewer may take nothing; viewerconn.DefaultStall
	PingEvery   time.Duration // 5 s
	PongTimeout time.Duration // how long a viewer may leave pings unanswered; 15 s
}

// A Socket serves cctvAgent's WebSocket protocol. The zero value is ready; it may be used
// from any goroutine.
type Socket struct{ pictures encodings }

// Limits and defaults.
const (
	defaultPingEvery   = 5 * time.Second
	defaultPongTimeout = 15 * time.Second

	maxMessage       = 8 << 10 // bytes
	handshakeTimeout = 5 * time.Second
	lastWords        = 2 * time.Second

	// refusalDelay is before a connection is closed that asked for what there is not:
	// cctvAgent's own page connects again at once, for ever.
	refusalDelay = time.Second

	// maxMessages is how many a page may send within messagesFor. While a window is
	// dragged there may be one for each of its steps.
	maxMessages = 1000
	messagesFor = 10 * time.Second
)

// Serve makes the request a WebSocket connection and shows it the cameras that it opens, one
// at a time, until the viewer leaves (viewerconn.ErrGone), stalls (viewerconn.ErrStalled),
// answers no pings (ErrNoPong), asks for what cannot be (a *websocket.CloseError with what
// it was told), or the request's context ends. Nothing that it started outlives the call.
func (s *Socket) Serve(w http.ResponseWriter, r *http.Request, cameras Cameras, o SocketOptions) error {
	if !websocket.IsWebSocketUpgrade(r) {
		return ErrNotWebSocket
	}
	var refused error
	upgrader := websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout, ReadBufferSize: 1024, WriteBufferSize: 512,
		Subprotocols: []string{Protocol},
		CheckOrigin:  func(*http.Request) bool { return true }, // httpd has
		Error: func(_ http.ResponseWriter, _ *http.Request, _ int, reason error) {
			refused = fmt.Errorf("%w (%s)", ErrNotWebSocket, reason)
		},
	}
	hijacked := &hijacker{ResponseWriter: w}
	gorilla, err := upgrader.Upgrade(hijacked, r, nil)
	if refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("%w: %w", viewerconn.ErrGone, err)
	}
	line := hijacked.line
	if line.viewer, err = viewerconn.New(line.Conn, o.Stall); err != nil {
		gorilla.Close()
		return err
	}
	s.pictures.enter()
	defer s.pictures.leave()
	v := &visit{gorilla: gorilla, line: line, cameras: cameras, pictures: &s.pictures, options: o}
	return v.run(r.Context())
}

// A hijacker hands gorilla the line in place of the bare connection.
type hijacker struct {
	http.ResponseWriter
	line *line
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.line = &line{Conn: conn}
	return h.line, buffered, nil
}

// A line is the connection. Whole pictures and control frames take turns on it.
type line struct {
	net.Conn
	viewer *viewerconn.Conn // nil during the handshake

	sending sync.Mutex
	bufs    [1][]byte
	closed  bool // the closing frame has been sent

	mu       sync.Mutex
	pingedAt time.Time // the first ping that is unanswered; zero: none
}

// Write is what gorilla writes with: control frames, after the handshake. Its closing
// frames are not sent: the visit sends one, which says more.
func (l *line) Write(b []byte) (int, error) {
	if l.viewer == nil {
		return l.Conn.Write(b)
	}
	if len(b) > 0 && b[0]&0x0f == websocket.CloseMessage {
		return len(b), nil
	}
	return len(b), l.send(b)
}

// send writes frames when nobody else does.
func (l *line) send(frames []byte) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	switch frames[0] & 0x0f {
	case websocket.PingMessage:
		l.pinged()
	case websocket.CloseMessage:
		l.closed = true // nothing may follow
	}
	l.bufs[0] = frames
	return l.viewer.Send(l.bufs[:])
}

// pinged notes that a ping is really sent now: it may have waited behind a picture.
func (l *line) pinged() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pingedAt.IsZero() {
		l.pingedAt = time.Now()
	}
}

// answered notes a pong.
func (l *line) answered() {
	l.mu.Lock()
	l.pingedAt = time.Time{}
	l.mu.Unlock()
}

// unanswered is how long ago the first ping was sent that no pong has followed, 0 if there
// is none.
func (l *line) unanswered() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pingedAt.IsZero() {
		return 0
	}
	return time.Since(l.pingedAt)
}

// SetWriteDeadline leaves the deadline to viewerconn after the handshake.
func (l *line) SetWriteDeadline(t time.Time) error {
	if l.viewer == nil {
		return l.Conn.SetWriteDeadline(t)
	}
	return nil
}

// A visit is one open connection.
type visit struct {
	gorilla  *websocket.Conn
	line     *line
	cameras  Cameras
	pictures *encodings
	options  SocketOptions
	wanted   wanted

	// Of the goroutine that shows.
	camera Camera // nil: none is open
	url    string // by which it was opened
	viewer Viewer
}

// run shows pictures until the visit ends.
func (v *visit) run(ctx context.Context) error {
	conn := v.line.viewer
	watching, end := context.WithCancelCause(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer conn.Close() // ends the reader
	defer end(nil)
	defer v.leave()
	helpers.Go(func() { end(v.read()) })
	helpers.Go(func() { v.ask(watching, end) })
	// The gateway's end must not wait for a slow viewer.
	defer context.AfterFunc(watching, func() { conn.Hurry(lastWords) })()

	err := v.show(watching)
	if watching.Err() != nil && ctx.Err() == nil {
		err = context.Cause(watching) // what the reader or the pings found
	}
	refused := new(websocket.CloseError)
	switch {
	case errors.As(err, &refused):
		if refused.Code == websocket.ClosePolicyViolation || refused.Code == websocket.CloseTryAgainLater {
			v.linger(watching)
		}
		v.close(refused.Code, refused.Text)
	case errors.Is(err, viewerconn.ErrGone), errors.Is(err, viewerconn.ErrStalled), errors.Is(err, ErrNoPong):
		return err
	case ctx.Err() != nil:
		v.close(websocket.CloseGoingAway, "the gateway is ending")
	default:
		v.close(websocket.CloseGoingAway, "the camera is no longer shown here")
	}
	end(nil)
	// The viewer's closing frame is waited for, or the kernel would reset the connection and
	// nobody see the reason.
	conn.Finish(lastWords / 2)
	return err
}

// linger waits a little before a refusal.
func (v *visit) linger(ctx context.Context) {
	timer := time.NewTimer(refusalDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// close sends the closing frame. Its reason has 123 bytes at most (RFC 6455, 5.5).
func (v *visit) close(code int, reason string) {
	payload := websocket.FormatCloseMessage(code, reason[:min(len(reason), 123)])
	frame := append([]byte{0x80 | websocket.CloseMessage, byte(len(payload))}, payload...)
	v.line.send(frame) //nolint:errcheck // it fails only where nobody listens
}

// leave closes what is open.
func (v *visit) leave() {
	if v.viewer != nil {
		v.viewer.Close()
		v.viewer = nil
	}
	if v.camera != nil {
		v.camera.Close()
		v.camera = nil
	}
}

// show shows what is wanted. Its error is never nil.
func (v *visit) show(ctx context.Context) error {
	for {
		want, current := v.wanted.take(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if want.url == "" {
			<-current.Done()
			continue
		}
		if err := v.open(current, want); err != nil {
			if current.Err() != nil && ctx.Err() == nil {
				continue // something else is wanted already
			}
			return err
		}
		if err := v.watch(current); current.Err() == nil || ctx.Err() != nil || v.broken(err) {
			return err
		}
	}
}

// broken says whether an error is of the connection.
func (*visit) broken(err error) bool {
	return errors.Is(err, viewerconn.ErrGone) || errors.Is(err, viewerconn.ErrStalled) || errors.Is(err, viewerconn.ErrHurried)
}

// watch sends pictures until ctx ends. Its error is never nil.
func (v *visit) watch(ctx context.Context) error {
	for {
		p, err := v.viewer.Next(ctx)
		if err != nil {
			return err
		}
		if err := v.line.send(v.pictures.of(p)); err != nil {
			return viewerconn.Reason(err)
		}
	}
}

// open makes the viewer for what is wanted. The one before is closed after that, so that a
// camera that is resized stays wanted.
func (v *visit) open(ctx context.Context, want message) error {
	camera := v.camera
	if camera == nil || v.url != want.url {
		var err error
		if camera, err = v.cameras.Open(ctx, want.url); err != nil {
			return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: err.Error()}
		}
	}
	viewer, err := camera.Watch(want.size)
	if err != nil {
		if camera != v.camera {
			camera.Close()
		}
		return &websocket.CloseError{Code: websocket.CloseTryAgainLater, Text: err.Error()}
	}
	if camera == v.camera {
		v.viewer.Close()
	} else {
		v.leave()
	}
	v.camera, v.url, v.viewer = camera, want.url, viewer
	return nil
}

// read takes what the viewer says, until it says something it should not, or leaves.
func (v *visit) read() error {
	v.gorilla.SetReadLimit(maxMessage)
	v.gorilla.SetPongHandler(func(string) error {
		v.line.answered()
		return nil
	})
	for count, since := 0, time.Now(); ; {
		kind, data, err := v.gorilla.ReadMessage()
		if err != nil {
			return v.verdict(err)
		}
		if kind != websocket.TextMessage {
			return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: "binary messages are not understood"}
		}
		if now := time.Now(); now.Sub(since) > messagesFor {
			count, since = 0, now
		}
		if count++; count > maxMessages {
			return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("more than %d messages within %v", maxMessages, messagesFor)}
		}
		m, err := parseMessage(data)
		if err != nil {
			return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: err.Error()}
		}
		v.wanted.put(m)
	}
}

// verdict says what an error of gorilla's reader is.
func (v *visit) verdict(err error) error {
	closed := new(websocket.CloseError)
	network := net.Error(nil)
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return &websocket.CloseError{Code: websocket.CloseMessageTooBig, Text: fmt.Sprintf("messages may have at most %d bytes", maxMessage)}
	case errors.As(err, &closed), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		v.line.viewer.Close() // whatever is being sent, nobody wants it
		return fmt.Errorf("%w: %w", viewerconn.ErrGone, errGoodbye)
	}
	return &websocket.CloseError{Code: websocket.CloseProtocolError, Text: params.Shorten(err.Error())}
}

var errGoodbye = errors.New("the connection is closed")

// ask pings the viewer, and ends the visit when no answer comes.
func (v *visit) ask(ctx context.Context, end context.CancelCauseFunc) {
	every, timeout := v.options.PingEvery, v.options.PongTimeout
	if every <= 0 {
		every = defaultPingEvery
	}
	if timeout <= 0 {
		timeout = defaultPongTimeout
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// The first ping that a viewer leaves unanswered came up to one period after it was
		// last heard.
		if v.line.unanswered() >= timeout-every {
			end(ErrNoPong)
			v.line.viewer.Close()
			return
		}
		if v.gorilla.WriteControl(websocket.PingMessage, nil, time.Time{}) != nil {
			return // the one who shows finds out why
		}
	}
}

// wanted is what the viewer wants to see now. Whoever sends it a hundred changes while a
// picture is sent gets the last.
type wanted struct {
	mu     sync.Mutex
	want   message
	cancel context.CancelFunc // of the context that the last take has given
}

// put notes what a message asks for.
func (w *wanted) put(m message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case m.act == "open" && m.url != "":
		w.want.url, w.want.size = m.url, m.size
	case m.act == "resize":
		w.want.size = m.size
	default:
		return
	}
	if w.cancel != nil {
		w.cancel()
	}
}

// take is what is wanted, and a context that ends when something else is.
func (w *wanted) take(ctx context.Context) (message, context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
	current, cancel := context.WithCancel(ctx)
	w.cancel = cancel
	return w.want, current
}
