package wsconn

import (
	"errors"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"camgate/outputs/viewerconn"
)

// errClosing: the closing frame has been sent, so nothing else may be.
var errClosing = errors.New("the connection is being closed")

// A writer is the one way to the viewer. Pictures and messages are written by one
// goroutine; control frames (pings, pongs, the closing one) come from others and must
// not get between the bytes of a picture. Whoever has one leaves it here: it is sent at
// once if nothing else is, else behind the picture, and nobody waits for that.
type writer struct {
	conn *viewerconn.Conn

	sending sync.Mutex // held while bytes are written
	control [1][]byte
	err     error // the first

	mu       sync.Mutex // guards the rest; never held across a write
	ping     bool
	pong     []byte    // the frame; only the newest is owed (RFC 6455, 5.5.3)
	closing  []byte    // the frame; after it nothing is sent
	pingedAt time.Time // the first that is unanswered
}

// send sends the frames of a picture, or of a message.
func (w *writer) send(bufs [][]byte) error {
	w.sending.Lock()
	if w.err == nil {
		w.err = w.conn.Send(bufs)
	}
	err := w.err
	w.sending.Unlock()
	w.flush()
	return err
}

// flush sends the control frames that wait, unless somebody else is sending, who will.
func (w *writer) flush() {
	for w.waiting() && w.sending.TryLock() {
		for w.err == nil {
			frame := w.next()
			if frame == nil {
				break
			}
			w.control[0] = frame
			w.err = w.conn.Send(w.control[:])
			if w.err == nil && frame[0]&0x0f == websocket.CloseMessage {
				w.err = errClosing
			}
		}
		broken := w.err != nil
		w.sending.Unlock()
		if broken {
			return
		}
	}
}

func (w *writer) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ping || w.pong != nil || w.closing != nil
}

// next takes the next control frame to be sent, nil if there is none.
func (w *writer) next() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	frame := w.pong
	switch {
	case w.closing != nil:
		frame, w.closing = w.closing, nil
		w.ping, w.pong = false, nil // nothing may follow
	case w.pong != nil:
		w.pong = nil
	case w.ping:
		w.ping = false
		if w.pingedAt.IsZero() {
			w.pingedAt = time.Now()
		}
		frame = AppendFrameHeader(nil, websocket.PingMessage, 0)
	}
	return frame
}

// sendPing asks the viewer for a pong.
func (w *writer) sendPing() {
	w.mu.Lock()
	w.ping = true
	w.mu.Unlock()
	w.flush()
}

// answered notes a pong.
func (w *writer) answered() {
	w.mu.Lock()
	w.pingedAt = time.Time{}
	w.mu.Unlock()
}

// unanswered is how long ago the first ping was sent that no pong has followed, 0 if
// there is none. A ping waits behind the picture that is being sent; this counts from
// when it was really sent.
func (w *writer) unanswered() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pingedAt.IsZero() {
		return 0
	}
	return time.Since(w.pingedAt)
}

// frame takes a control frame that gorilla wants to be written: the pong to a ping. Its
// closing frames are not taken: the session sends one, which says more.
func (w *writer) frame(frame []byte) {
	if len(frame) == 0 || frame[0]&0x0f != websocket.PongMessage {
		return
	}
	w.mu.Lock()
	w.pong = append([]byte(nil), frame...)
	w.mu.Unlock()
	w.flush()
}

// close sends the closing frame, or leaves it where somebody is sending.
func (w *writer) close(code int, reason string) {
	const most = 123 // bytes: a control frame has 125 (RFC 6455, 5.5), of which 2 are the code
	reason = strings.ToValidUTF8(reason, "?")
	if len(reason) > most {
		end := most
		for !utf8.RuneStart(reason[end]) { // half a character is a broken connection to browsers (RFC 6455, 8.1)
			end--
		}
		reason = reason[:end]
	}
	payload := websocket.FormatCloseMessage(code, reason)
	w.mu.Lock()
	w.closing = append(AppendFrameHeader(nil, websocket.CloseMessage, len(payload)), payload...)
	w.mu.Unlock()
	w.flush()
}

// A gate is the connection as gorilla sees it, which does the handshake and reads
// messages: after the handshake, what it writes goes to the writer.
type gate struct {
	net.Conn
	control func(frame []byte) // nil during the handshake
}

func (g *gate) Write(b []byte) (int, error) {
	if g.control == nil {
		return g.Conn.Write(b)
	}
	g.control(b)
	return len(b), nil
}

// SetWriteDeadline leaves the deadline to the writer after the handshake.
func (g *gate) SetWriteDeadline(t time.Time) error {
	if g.control == nil {
		return g.Conn.SetWriteDeadline(t)
	}
	return nil
}
