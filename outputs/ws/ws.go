// Package ws shows pictures over WebSocket: those of one camera, a message a picture or
// several small ones, or those of many cameras, each a tile that the client opens, changes
// and acknowledges (see Protocol).
package ws

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
	"camgate/outputs/viewerconn"
)

// A Viewer is where the pictures come from; *camera.Viewer is one. Next waits for one
// newer than the last, or until ctx or the camera ends.
type Viewer interface {
	Next(ctx context.Context) (*media.Picture, error)
}

// Options of one connection. Zero durations mean the defaults.
type Options struct {
	Protocol Protocol
	Echoed   string // Sec-WebSocket-Protocol of the answer, from Choose

	Stall       time.Duration // how long the viewer may take nothing; viewerconn.DefaultStall
	PingEvery   time.Duration // DefaultPingEvery
	PongTimeout time.Duration // how long the viewer may leave pings unanswered; DefaultPongTimeout
}

// Defaults of Options, and limits.
const (
	DefaultPingEvery   = 5 * time.Second
	DefaultPongTimeout = 15 * time.Second

	maxClientMessage = 4 << 10 // bytes
	lastWords        = 2 * time.Second
	handshakeTimeout = 5 * time.Second
)

// ErrNoPong: the viewer has left pings unanswered.
var ErrNoPong = errors.New("the viewer answers no pings")

// ErrNotWebSocket: the request does not ask for a WebSocket as RFC 6455 wants it.
// Nothing has been answered yet.
var ErrNotWebSocket = errors.New("this address is for WebSocket connections: new WebSocket(\"ws://…\") opens one; for pictures over plain HTTP use /mjpeg/")

// Serve makes the request a WebSocket connection and shows it the viewer's pictures
// until the viewer leaves (viewerconn.ErrGone), stalls (viewerconn.ErrStalled), answers
// no pings (ErrNoPong), says something (a *websocket.CloseError with what it was told),
// or the request's context or the camera ends (their error). Nothing that it started
// outlives the call.
func Serve(w http.ResponseWriter, r *http.Request, v Viewer, o Options) error {
	s, err := accept(w, r, o)
	if err != nil {
		return err
	}
	s.hear = judgeMessage
	s.lastWord = "the camera is no longer shown here"
	return s.run(r.Context(), func(ctx context.Context) error { return s.show(ctx, v) })
}

// accept makes the request a WebSocket connection.
func accept(w http.ResponseWriter, r *http.Request, o Options) (*session, error) {
	if !websocket.IsWebSocketUpgrade(r) {
		return nil, ErrNotWebSocket
	}
	var refused error
	upgrader := websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   512,
		WriteBufferSize:  512,
		CheckOrigin:      func(*http.Request) bool { return true }, // httpd has
		Error: func(_ http.ResponseWriter, _ *http.Request, _ int, reason error) {
			refused = fmt.Errorf("%w (%s)", ErrNotWebSocket, reason)
		},
	}
	if o.Echoed != "" {
		upgrader.Subprotocols = []string{o.Echoed}
	}
	hijacked := &hijacker{ResponseWriter: w}
	gorilla, err := upgrader.Upgrade(hijacked, r, nil)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", viewerconn.ErrGone, err)
	}
	conn, err := viewerconn.New(hijacked.gate.Conn, o.Stall)
	if err != nil {
		gorilla.Close()
		return nil, err
	}
	s := &session{options: o, gorilla: gorilla, writer: writer{conn: conn}}
	hijacked.gate.control = s.writer.frame
	return s, nil
}

// A hijacker hands gorilla the gate in place of the bare connection.
type hijacker struct {
	http.ResponseWriter
	gate *gate
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.gate = &gate{Conn: conn}
	return h.gate, buffered, nil
}

// A session is one open connection.
type session struct {
	options Options
	gorilla *websocket.Conn // reads
	writer  writer

	// hear takes a message of the viewer; what it returns ends the session.
	hear     func(kind int, data []byte) *websocket.CloseError
	lastWord string // to the viewer, where the gateway ends the session
}

// run shows pictures until the session ends.
func (s *session) run(ctx context.Context, show func(context.Context) error) error {
	conn := s.writer.conn
	watching, end := context.WithCancelCause(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer conn.Close()
	defer end(nil)

	helpers.Go(func() { end(s.read()) })
	helpers.Go(func() { s.ask(watching, end) })
	// Whatever ends the session, it must not wait for a slow viewer.
	defer context.AfterFunc(watching, func() { conn.Hurry(lastWords) })()

	err := show(watching)
	if cause := context.Cause(watching); cause != nil {
		err = cause
	}
	refused := new(websocket.CloseError)
	goodbye := new(goodbyeError)
	conn.Hurry(lastWords)
	switch {
	case errors.As(err, &goodbye):
		s.writer.close(goodbye.code, "") // nothing more comes from the viewer
		return err
	case errors.Is(err, viewerconn.ErrGone), errors.Is(err, viewerconn.ErrStalled), errors.Is(err, ErrNoPong):
		return err
	case errors.As(err, &refused):
		s.writer.close(refused.Code, refused.Text)
	default:
		s.writer.close(websocket.CloseGoingAway, s.lastWord)
	}
	end(nil)
	// The reader may still take the viewer's closing frame; it, and what else comes, is
	// waited for, or the kernel would reset the connection and nobody see the reason.
	conn.Finish(lastWords / 2)
	return err
}

// show sends pictures. Its error is never nil.
func (s *session) show(ctx context.Context, v Viewer) error {
	frames := framer{protocol: s.options.Protocol}
	for {
		p, err := v.Next(ctx)
		if err != nil {
			return err
		}
		if err := s.writer.send(frames.frames(p)); err != nil {
			return viewerconn.Reason(err)
		}
	}
}

// read takes what the viewer says, until it says something it should not, or leaves.
func (s *session) read() error {
	s.gorilla.SetReadLimit(maxClientMessage)
	s.gorilla.SetPongHandler(func(string) error {
		s.writer.answered()
		return nil
	})
	for {
		kind, data, err := s.gorilla.ReadMessage()
		if err != nil {
			return s.verdict(err)
		}
		if refused := s.hear(kind, data); refused != nil {
			return refused
		}
	}
}

// A goodbyeError says that the viewer has closed the connection as the protocol wants it.
type goodbyeError struct{ code int }

func (e *goodbyeError) Error() string {
	return fmt.Sprintf("%v with a good-bye (%d)", viewerconn.ErrGone, e.code)
}

func (e *goodbyeError) Unwrap() error { return viewerconn.ErrGone }

// verdict says what an error of gorilla's reader is.
func (s *session) verdict(err error) error {
	closed := new(websocket.CloseError)
	network := net.Error(nil)
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return &websocket.CloseError{Code: websocket.CloseMessageTooBig, Text: fmt.Sprintf("messages may have at most %d bytes", maxClientMessage)}
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure: // which means: no closing frame came
		return &goodbyeError{code: closed.Code}
	case closed.Code == websocket.CloseAbnormalClosure, errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		s.writer.conn.Close() // whatever is being sent, nobody wants it
		return fmt.Errorf("%w: %w", viewerconn.ErrGone, err)
	}
	return &websocket.CloseError{Code: websocket.CloseProtocolError, Text: err.Error()}
}

// ask pings the viewer, and ends the session when no answer comes.
func (s *session) ask(ctx context.Context, end context.CancelCauseFunc) {
	every, timeout := s.options.PingEvery, s.options.PongTimeout
	if every <= 0 {
		every = DefaultPingEvery
	}
	if timeout <= 0 {
		timeout = DefaultPongTimeout
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// The first ping that a viewer leaves unanswered came up to one period after it
		// was last heard.
		if s.writer.unanswered() >= timeout-every {
			end(ErrNoPong)
			s.writer.conn.Close() // after end, or the reader would find a reason of its own
			return
		}
		s.writer.sendPing()
	}
}
