package ws

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/outputs/params"
	"camgate/outputs/wsconn"
)

// A Protocol is how pictures are put into messages.
type Protocol string

const (
	// JPEG: one binary message a picture, the bare JPEG.
	JPEG Protocol = "jpeg"

	// Chunked: binary messages of at most 32 KiB, each a header of 16 bytes and a piece
	// of the JPEG, for links and proxies that choke on large messages.
	Chunked Protocol = "jpeg-chunked"

	// Tiled: many cameras, each a tile that the client opens; see Tiles.
	Tiled Protocol = "camgate"
)

// Of one camera, and of many; the first is the default.
var (
	protocols     = []Protocol{JPEG, Chunked, Tiled}
	tileProtocols = []Protocol{Tiled}
)

// Choose finds the protocol for one camera: the first of those offered in
// Sec-WebSocket-Protocol that there is, else the one of ?protocol=, else JPEG. echoed is
// what the answer's Sec-WebSocket-Protocol must say, empty if nothing was offered. The
// error is a sentence.
func Choose(offered []string, parameter string) (p Protocol, echoed string, err error) {
	return choose(protocols, offered, parameter)
}

// ChooseTiled is Choose where there is no one camera: it finds Tiled, or nothing.
func ChooseTiled(offered []string, parameter string) (p Protocol, echoed string, err error) {
	return choose(tileProtocols, offered, parameter)
}

func choose(protocols []Protocol, offered []string, parameter string) (p Protocol, echoed string, err error) {
	for _, o := range offered {
		if slices.Contains(protocols, Protocol(o)) {
			return Protocol(o), o, nil
		}
	}
	wanted := parameter
	if len(offered) > 0 {
		wanted = strings.Join(offered, ", ")
	}
	if wanted == "" {
		return protocols[0], "", nil
	}
	if len(offered) == 0 && slices.Contains(protocols, Protocol(wanted)) {
		return Protocol(wanted), "", nil
	}
	names := string(protocols[0])
	for i, p := range protocols[1:] {
		if i == len(protocols)-2 {
			names += " or " + string(p)
		} else {
			names += ", " + string(p)
		}
	}
	return "", "", fmt.Errorf("WebSocket protocol %q is not known here: it must be %s", params.Shorten(wanted), names)
}

// Sizes of the chunked protocol, in bytes, and what is in its header.
const (
	pieceHeader = 16
	maxMessage  = 32 << 10
	maxPiece    = maxMessage - pieceHeader
	version     = 1

	// Flags.
	lastPiece = 1
	notLive   = 2 // in tiles: the picture is a notice
)

// A framer turns pictures into WebSocket frames (RFC 6455, 5.2) without copying them:
// frames of a server are not masked, so the JPEG's own bytes can be sent.
type framer struct {
	protocol Protocol
	headers  []byte   // of all frames of a picture, one behind the other; reused
	bufs     [][]byte // what is to be sent, in turn; reused
}

// frames returns the bytes of the picture's messages, valid until the next call.
func (f *framer) frames(p *media.Picture) [][]byte {
	f.headers, f.bufs = f.headers[:0], f.bufs[:0]
	if f.protocol != Chunked {
		f.headers = wsconn.AppendFrameHeader(f.headers, websocket.BinaryMessage, len(p.JPEG))
		f.bufs = append(f.bufs, f.headers, p.JPEG)
		return f.bufs
	}
	const room = 4 + pieceHeader // of a frame header for up to 64 KiB, and a piece's
	count := (len(p.JPEG) + maxPiece - 1) / maxPiece
	f.headers = slices.Grow(f.headers, count*room) // must not move from here on
	for i, left := 0, p.JPEG; i < count; i++ {
		piece := left[:min(len(left), maxPiece)]
		left = left[len(piece):]
		start := len(f.headers)
		f.headers = wsconn.AppendFrameHeader(f.headers, websocket.BinaryMessage, pieceHeader+len(piece))
		flags := byte(0)
		if i == count-1 {
			flags = lastPiece
		}
		f.headers = appendPieceHeader(f.headers, flags, 0, p, i, count)
		f.bufs = append(f.bufs, f.headers[start:], piece)
	}
	return f.bufs
}

// tile returns the bytes of the message that is a tile's picture, valid until the next
// call: a header as of one piece, the time at which the picture was received (i64,
// microseconds since 1970), the JPEG.
func (f *framer) tile(tile uint16, p *media.Picture) [][]byte {
	flags := byte(lastPiece)
	if p.State != media.Live {
		flags |= notLive
	}
	f.headers = wsconn.AppendFrameHeader(f.headers[:0], websocket.BinaryMessage, pieceHeader+8+len(p.JPEG))
	f.headers = appendPieceHeader(f.headers, flags, tile, p, 0, 1)
	f.headers = binary.BigEndian.AppendUint64(f.headers, uint64(p.Received.UnixMicro()))
	f.bufs = append(f.bufs[:0], f.headers, p.JPEG)
	return f.bufs
}

// text returns the bytes of a text message, valid until the next call.
func (f *framer) text(message []byte) [][]byte {
	f.headers = wsconn.AppendFrameHeader(f.headers[:0], websocket.TextMessage, len(message))
	f.bufs = append(f.bufs[:0], f.headers, message)
	return f.bufs
}

// appendPieceHeader appends the header of piece i: version, flags, tile (u16, 0 where
// there is one camera), sequence (u32), index and count (u16), frame length (u32).
func appendPieceHeader(b []byte, flags byte, tile uint16, p *media.Picture, i, count int) []byte {
	b = append(b, version, flags)
	b = binary.BigEndian.AppendUint16(b, tile)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Sequence))
	b = binary.BigEndian.AppendUint16(b, uint16(i))
	b = binary.BigEndian.AppendUint16(b, uint16(count))
	return binary.BigEndian.AppendUint32(b, uint32(len(p.JPEG)))
}

// judgeMessage says why a message of the client ends the connection: every one does
// where there is one camera, since neither of its protocols has any.
func judgeMessage(kind int, data []byte) *websocket.CloseError {
	if err := notJSON(kind, data); err != nil {
		return err
	}
	return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: "this protocol takes no messages"}
}

func notJSON(kind int, data []byte) *websocket.CloseError {
	switch {
	case kind != websocket.TextMessage:
		return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: "binary messages are not understood"}
	case !json.Valid(data):
		return &websocket.CloseError{Code: websocket.CloseUnsupportedData, Text: "the message is not JSON"}
	}
	return nil
}
