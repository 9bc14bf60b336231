// Package wsconn is a WebSocket connection (RFC 6455) to one viewer: the handshake, pictures
// and messages written whole, pings that must be answered, what the viewer says, and an end
// that tells why. What is sent and what is understood is of the protocols that use it.
package wsconn

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"camgate/outputs/params"
	"camgate/outputs/viewerconn"
)

// Options of one connection. Zero durations mean the defaults.
type Options struct {
	Subprotocol string // Sec-WebSocket-Protocol of the answer; empty: none
	MaxMessage  int64  // of the viewer's, in bytes
	LastWord    string // to the viewer, where show has ended by itself

	Stall       time.Duration // how long the viewer may take nothing; viewerconn.DefaultStall
	PingEvery   time.Duration // DefaultPingEvery
	PongTimeout time.Duration // how long the viewer may leave pings unanswered; DefaultPongTimeout
}

// Defaults of Options, and limits.
const (
	DefaultPingEvery   = 5 * time.Second
	DefaultPongTimeout = 15 * time.Second

	lastWords        = 2 * time.Second
	handshakeTimeout = 5 * time.Second
)

// ErrNoPong: the viewer has left pings unanswered.
var ErrNoPong = errors.New("the viewer answers no pings")

// ErrNotWebSocket: the request does not ask for a WebSocket as RFC 6455 wants it.
// Nothing has been answered yet.
var ErrNotWebSocket = errors.New("this address is for WebSocket connections: new WebSocket(\"ws://…\") opens one")

// A Conn is one open connection, made by Accept.
type Conn struct {
	options Options
	gorilla *websocket.Conn // reads
	writer  writer
}

// Accept makes the request a WebSocket connection. Run must be called if there is no
// error, which is ErrNotWebSocket or viewerconn.ErrGone.
func Accept(w http.ResponseWriter, r *http.Request, o Options) (*Conn, error) {
	if !websocket.IsWebSocketUpgrade(r) {
		return nil, ErrNotWebSocket
	}
	var refused error
	upgrader := websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   1024,
		WriteBufferSize:  512,
		CheckOrigin:      func(*http.Request) bool { return true }, // httpd has
		Error: func(_ http.ResponseWriter, _ *http.Request, _ int, reason error) {
			refused = fmt.Errorf("%w (%s)", ErrNotWebSocket, reason)
		},
	}
	if o.Subprotocol != "" {
		upgrader.Subprotocols = []string{o.Subprotocol}
	}
	hijacked := &hijacker{ResponseWriter: w}
	gorilla, err := upgrader.Upgrade(hijacked, r, nil)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", viewerconn.ErrGone, err)
	}
	viewer, err := viewerconn.New(hijacked.gate.Conn, o.Stall)
	if err != nil {
		gorilla.Close()
		return nil, err
	}
	c := &Conn{options: o, gorilla: gorilla, writer: writer{conn: viewer}}
	hijacked.gate.control = c.writer.frame
	return c, nil
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

// Run has show write pictures, and gives what the viewer says to hear, until the viewer
// leaves (viewerconn.ErrGone), stalls (viewerconn.ErrStalled), answers no pings
// (ErrNoPong), show or hear want the connection closed (a *websocket.CloseError with what
// the viewer was told), show has ended with another error, or ctx ends (its error). show
// must end when its context does, with an error; hear is called by another goroutine, for
// one message after the other. Nothing that Run has started outlives the call.
func (c *Conn) Run(ctx context.Context, show func(context.Context) error, hear func(kind int, data []byte) *websocket.CloseError) error {
	conn := c.writer.conn
	watching, end := context.WithCancelCause(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer conn.Close()
	defer end(nil)

	helpers.Go(func() { end(c.read(hear)) })
	helpers.Go(func() { c.ask(watching, end) })
	// Whatever ends the connection, it must not wait for a slow viewer.
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
		c.writer.close(goodbye.code, "") // nothing more comes from the viewer
		return err
	case errors.Is(err, viewerconn.ErrGone), errors.Is(err, viewerconn.ErrStalled), errors.Is(err, ErrNoPong):
		return err
	case errors.As(err, &refused):
		c.writer.close(refused.Code, refused.Text)
	case ctx.Err() != nil:
		c.writer.close(websocket.CloseGoingAway, "the gateway is ending")
	default:
		c.writer.close(websocket.CloseGoingAway, c.options.LastWord)
	}
	end(nil)
	// The reader may still take the viewer's closing frame; it, and what else comes, is
	// waited for, or the kernel would reset the connection and nobody see the reason.
	conn.Finish(lastWords / 2)
	return err
}

// Send writes the frames of a picture, or of a message; AppendFrameHeader makes their
// headers. It is for the goroutine of show. It changes the slices in frames, not the bytes.
func (c *Conn) Send(frames [][]byte) error {
	if err := c.writer.send(frames); err != nil {
		return viewerconn.Reason(err)
	}
	return nil
}

// read takes what the viewer says, until it says something it should not, or leaves.
func (c *Conn) read(hear func(kind int, data []byte) *websocket.CloseError) error {
	c.gorilla.SetReadLimit(c.options.MaxMessage)
	c.gorilla.SetPongHandler(func(string) error {
		c.writer.answered()
		return nil
	})
	for {
		kind, data, err := c.gorilla.ReadMessage()
		if err != nil {
			return c.verdict(err)
		}
		if refused := hear(kind, data); refused != nil {
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
func (c *Conn) verdict(err error) error {
	closed := new(websocket.CloseError)
	network := net.Error(nil)
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return &websocket.CloseError{Code: websocket.CloseMessageTooBig, Text: fmt.Sprintf("messages may have at most %d bytes", c.options.MaxMessage)}
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure: // which means: no closing frame came
		return &goodbyeError{code: closed.Code}
	case closed.Code == websocket.CloseAbnormalClosure, errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		c.writer.conn.Close() // whatever is being sent, nobody wants it
		return fmt.Errorf("%w: %w", viewerconn.ErrGone, err)
	}
	return &websocket.CloseError{Code: websocket.CloseProtocolError, Text: params.Shorten(err.Error())}
}

// ask pings the viewer, and ends the connection when no answer comes.
func (c *Conn) ask(ctx context.Context, end context.CancelCauseFunc) {
	every, timeout := c.options.PingEvery, c.options.PongTimeout
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
		if waited := c.writer.unanswered(); waited > 0 && waited >= timeout-every {
			end(ErrNoPong)
			c.writer.conn.Close() // after end, or the reader would find a reason of its own
			return
		}
		c.writer.sendPing()
	}
}

// AppendFrameHeader appends the header of an unmasked frame that is a whole message.
func AppendFrameHeader(b []byte, opcode, length int) []byte {
	b = append(b, 0x80|byte(opcode)) // FIN
	switch {
	case length < 126:
		return append(b, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(length))
}
