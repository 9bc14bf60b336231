package legacy

import (
	"encoding/base64"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/outputs/wsconn"
)

const (
	dataURL  = "data:image/jpeg;base64,"
	maxPiece = 32768 // characters of a picture's text that one message holds
)

// encode makes a picture's messages, ready to be sent: WebSocket frames (RFC 6455, 5.2), of
// which the first holds ::N::, and N others ~i~ and a piece of the picture's data URL.
func encode(jpeg []byte) []byte {
	text := make([]byte, len(dataURL)+base64.StdEncoding.EncodedLen(len(jpeg)))
	base64.StdEncoding.Encode(text[copy(text, dataURL):], jpeg)
	count := (len(text) + maxPiece - 1) / maxPiece
	const overhead = 10 + len("~999999~")
	b := make([]byte, 0, len(text)+(count+1)*overhead)
	b = appendText(b, []byte("::"+strconv.Itoa(count)+"::"), nil)
	for i := range count {
		piece := text[i*maxPiece : min(len(text), (i+1)*maxPiece)]
		b = appendText(b, []byte("~"+strconv.Itoa(i+1)+"~"), piece)
	}
	return b
}

// appendText appends a text message whose content is head and tail. A server's frames are
// not masked.
func appendText(b, head, tail []byte) []byte {
	b = wsconn.AppendFrameHeader(b, websocket.TextMessage, len(head)+len(tail))
	return append(append(b, head...), tail...)
}

// encodings are the messages of the newest pictures: viewers of the same picture share them.
// They may be used from any goroutine.
type encodings struct {
	mu      sync.Mutex
	users   int
	entries [maxEncodings]*encoding // the oldest is overwritten
	next    int
}

// maxEncodings is how many are kept: viewers of one picture come for it within milliseconds.
const maxEncodings = 16

type encoding struct {
	// jpeg is the JPEG's first byte, by which it is known. Pictures are not: where a camera was
	// configured anew each viewer has its own, which counts on from the camera before.
	jpeg  *byte
	once  sync.Once
	bytes []byte
}

// enter is for a viewer that comes; it calls leave when it goes.
func (e *encodings) enter() {
	e.mu.Lock()
	e.users++
	e.mu.Unlock()
}

func (e *encodings) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users--; e.users == 0 {
		e.entries = [maxEncodings]*encoding{}
	}
}

// of is a picture's messages. Nobody changes them.
func (e *encodings) of(p *media.Picture) []byte {
	if len(p.JPEG) == 0 {
		return encode(nil)
	}
	one := e.entry(&p.JPEG[0])
	one.once.Do(func() { one.bytes = encode(p.JPEG) })
	return one.bytes
}

func (e *encodings) entry(jpeg *byte) *encoding {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.entries {
		if one != nil && one.jpeg == jpeg {
			return one
		}
	}
	one := &encoding{jpeg: jpeg}
	e.entries[e.next] = one
	e.next = (e.next + 1) % maxEncodings
	return one
}
