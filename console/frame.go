package console

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// The protocol of the local socket: both sides send frames, each a JSON object on a line.
//
//	client                                    gateway
//	{"type":"hello","version":1}         ───▶
//	                                     ◀─── {"type":"hello","version":1,"text":"1.2.3"}
//	{"type":"run","id":1,"line":"…"}     ───▶
//	                                     ◀─── {"type":"output","id":1,"stream":1,"data":"…"} any number, and
//	                                          {"type":"progress","id":1,"text":"…"}
//	                                          {"type":"file","id":1,"name":"…","data":"…","last":true}
//	{"type":"cancel","id":1}             ───▶ at any time
//	                                     ◀─── {"type":"done","id":1,"status":0}
//	{"type":"complete","id":2,"line":"…"}───▶
//	                                     ◀─── {"type":"completion","id":2,"completion":{…}}
//
// The gateway answers what it cannot take with {"type":"error","text":"…"} and closes. One
// command runs at a time.
const protocolVersion = 1

// maxFrame is the longest frame, in bytes; maxData the longest data in one.
const (
	maxFrame = 256 << 10
	maxData  = 32 << 10
	maxFile  = 16 << 20 // the largest file, in bytes
)

// A frame is one message. Which fields count depends on its type.
type frame struct {
	Type       string      `json:"type"`
	ID         uint64      `json:"id,omitempty"`
	Version    int         `json:"version,omitempty"`
	Line       string      `json:"line,omitempty"`
	Width      int         `json:"width,omitempty"`  // of the client's terminal in columns; 0: none
	Colour     bool        `json:"colour,omitempty"` // it shows styles
	Live       bool        `json:"live,omitempty"`   // it shows progress
	Stream     int         `json:"stream,omitempty"` // of data: 1 results, 2 errors
	Data       []byte      `json:"data,omitempty"`   // base64 on the wire
	Name       string      `json:"name,omitempty"`   // of a file
	Last       bool        `json:"last,omitempty"`   // the file is complete
	Text       string      `json:"text,omitempty"`
	Status     int         `json:"status,omitempty"`
	Act        string      `json:"act,omitempty"`
	Completion *completion `json:"completion,omitempty"`
}

// errFrame is for what is no frame: the peer is no camgate, or a hostile one.
var errFrame = errors.New("not the console's protocol")

// parseFrame reads one frame and checks what its fields may hold.
func parseFrame(line []byte) (frame, error) {
	var f frame
	if len(line) > maxFrame {
		return f, fmt.Errorf("%w: a message of more than %d bytes", errFrame, maxFrame)
	}
	if err := json.Unmarshal(line, &f); err != nil {
		return frame{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	if f.Type == "" || f.Width < 0 || f.Stream < 0 || f.Stream > 2 || len(f.Line) > maxLine || len(f.Data) > maxData {
		return frame{}, fmt.Errorf("%w: a value out of its range", errFrame)
	}
	f.Width = min(f.Width, 10000)
	return f, nil
}

// bytes is the frame as it is sent.
func (f frame) bytes() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	if b.Len() > maxFrame {
		return nil, fmt.Errorf("%w: a message of %d bytes", errFrame, b.Len())
	}
	return b.Bytes(), nil
}

// sendTime is how long a peer may take to accept a frame.
const sendTime = 10 * time.Second

// A wire sends and receives frames. send may be called from any goroutine, receive from
// one.
type wire struct {
	conn net.Conn
	in   *bufio.Reader

	mu sync.Mutex // of sending
}

func newWire(conn net.Conn) *wire {
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, maxFrame)}
}

// send sends a frame. A wire that failed is closed: a piece of a frame may be under way.
func (w *wire) send(f frame) error {
	err := w.write(f)
	if err != nil && !errors.Is(err, errFrame) {
		w.conn.Close()
	}
	return err
}

func (w *wire) write(f frame) error {
	line, err := f.bytes()
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn.SetWriteDeadline(time.Now().Add(sendTime)) //nolint:errcheck // Write tells
	_, err = w.conn.Write(line)
	return err
}

// receive waits for a frame.
func (w *wire) receive() (frame, error) {
	line, err := w.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return frame{}, fmt.Errorf("%w: a message of more than %d bytes", errFrame, maxFrame)
	}
	if err != nil {
		return frame{}, err
	}
	return parseFrame(line)
}
