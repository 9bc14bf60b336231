package legacy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/outputs/viewerconn"
	"camgate/outputs/wsconn"
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

// SocketOptions of one connection. Zero durations mean the defaults.
type SocketOptions struct {
	// Camera is shown, in Rendition, until the page opens another; "": nothing is.
	Camera    string
	Rendition media.Rendition

	Stall       time.Duration // how long a viewer may take nothing; viewerconn.DefaultStall
	PingEvery   time.Duration // wsconn.DefaultPingEvery
	PongTimeout time.Duration // how long a viewer may leave pings unanswered; wsconn.DefaultPongTimeout
}

// A Socket serves cctvAgent's WebSocket protocol. The zero value is ready; it may be used
// from any goroutine.
type Socket struct{ pictures encodings }

// Limits.
const (
	maxMessage = 8 << 10 // bytes

	// refusalDelay is before a connection is closed that asked for what there is not:
	// cctvAgent's own page connects again at once, for ever.
	refusalDelay = time.Second

	// maxMessages is how many a page may send within messagesFor. While a window is
	// dragged there may be one for each of its steps.
	maxMessages = 1000
	messagesFor = 10 * time.Second
)

// Serve makes the request a WebSocket connection and shows it the cameras that it opens, one
// at a time, until the viewer leaves, asks for what cannot be, or the request's context
// ends. The error is one of wsconn.Accept's or Run's. Nothing that it started outlives the
// call.
func (s *Socket) Serve(w http.ResponseWriter, r *http.Request, cameras Cameras, o SocketOptions) error {
	conn, err := wsconn.Accept(w, r, wsconn.Options{Subprotocol: Protocol, MaxMessage: maxMessage,
		LastWord: "the camera is no longer shown here",
		Stall:    o.Stall, PingEvery: o.PingEvery, PongTimeout: o.PongTimeout})
	if err != nil {
		return err
	}
	s.pictures.enter()
	defer s.pictures.leave()
	v := &visit{conn: conn, cameras: cameras, pictures: &s.pictures, since: time.Now()}
	defer v.leave()
	v.wanted.put(message{act: "open", url: o.Camera, size: o.Rendition})
	return conn.Run(r.Context(), v.show, v.hear)
}

// A visit is one open connection.
type visit struct {
	conn     *wsconn.Conn
	cameras  Cameras
	pictures *encodings
	wanted   wanted

	// Of the goroutine that hears.
	count int // messages since
	since time.Time

	// Of the goroutine that shows.
	camera Camera // nil: none is open
	url    string // by which it was opened
	viewer Viewer
	frames [1][]byte
}

// linger waits a little before a refusal.
func linger(ctx context.Context) {
	timer := time.NewTimer(refusalDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
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
			linger(ctx)
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
		v.frames[0] = v.pictures.of(p)
		if err := v.conn.Send(v.frames[:]); err != nil {
			return err
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

// hear takes what the viewer says.
func (v *visit) hear(kind int, data []byte) *websocket.CloseError {
	if kind != websocket.TextMessage {
		return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: "binary messages are not understood"}
	}
	if now := time.Now(); now.Sub(v.since) > messagesFor {
		v.count, v.since = 0, now
	}
	if v.count++; v.count > maxMessages {
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("more than %d messages within %v", maxMessages, messagesFor)}
	}
	m, err := parseMessage(data)
	if err != nil {
		return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: err.Error()}
	}
	v.wanted.put(m)
	return nil
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
