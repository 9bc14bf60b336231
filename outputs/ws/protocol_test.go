package ws

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"camgate/media"
)

func TestPicturesArePutTogetherAgainFromTheirPieces(t *testing.T) {
	for _, size := range []int{1, 100, 125, 126, maxPiece, maxPiece + 1, 65535, 65536, 300_000} {
		picture := &media.Picture{JPEG: bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, size/7+1)[:size], Sequence: 1<<32 + 77}
		f := framer{protocol: Chunked}
		f.frames(&media.Picture{JPEG: make([]byte, 10)}) // what is reused must not show
		stream := bytes.Join(f.frames(picture), nil)
		var got []byte
		count := (size + maxPiece - 1) / maxPiece
		for i := range count {
			message, rest := unframe(t, stream)
			stream = rest
			if len(message) > 32<<10 {
				t.Fatalf("size %d: a message of %d bytes", size, len(message))
			}
			want := []byte{1, 0, 0, 0, 0, 0, 0, 77}
			if i == count-1 {
				want[1] = 1
			}
			want = binary.BigEndian.AppendUint16(want, uint16(i))
			want = binary.BigEndian.AppendUint16(want, uint16(count))
			want = binary.BigEndian.AppendUint32(want, uint32(size))
			if !bytes.Equal(message[:16], want) {
				t.Fatalf("size %d, piece %d: header %x, want %x", size, i, message[:16], want)
			}
			got = append(got, message[16:]...)
		}
		if !bytes.Equal(got, picture.JPEG) || len(stream) > 0 {
			t.Errorf("size %d: the pieces do not make the picture", size)
		}
	}
}

// unframe takes a whole unmasked binary message off a stream.
func unframe(t *testing.T, b []byte) (message, rest []byte) {
	t.Helper()
	if b[0] != 0x82 || b[1]&0x80 != 0 {
		t.Fatalf("frame header %x", b[:2])
	}
	n, header := uint64(b[1]), 2
	switch n {
	case 126:
		n, header = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		n, header = binary.BigEndian.Uint64(b[2:]), 10
	}
	return b[header : uint64(header)+n], b[uint64(header)+n:]
}

func TestFramingAPictureAllocatesAndCopiesNothing(t *testing.T) {
	picture := &media.Picture{JPEG: make([]byte, 300_000)}
	for _, p := range []Protocol{JPEG, Chunked} {
		f := framer{protocol: p}
		f.frames(picture)
		if n := testing.AllocsPerRun(100, func() { f.frames(picture) }); n != 0 {
			t.Errorf("%s: %v allocations", p, n)
		}
		if &f.frames(picture)[1][0] != &picture.JPEG[0] {
			t.Errorf("%s: the JPEG was copied", p)
		}
	}
}

func TestProtocolIsChosen(t *testing.T) {
	for _, c := range []struct {
		offered   []string
		parameter string
		want      Protocol
		echoed    string
	}{
		{nil, "", JPEG, ""},
		{nil, "jpeg-chunked", Chunked, ""},
		{[]string{"nonsense", "jpeg-chunked", "jpeg"}, "", Chunked, "jpeg-chunked"},
		{[]string{"jpeg"}, "jpeg-chunked", JPEG, "jpeg"},
		{nil, "JPEG", "", ""},
		{[]string{"nonsense"}, "", "", ""},
		{[]string{"nonsense"}, "jpeg", "", ""},
	} {
		got, echoed, err := Choose(c.offered, c.parameter)
		if got != c.want || echoed != c.echoed || (err == nil) != (c.want != "") {
			t.Errorf("%+v: %q, %q, %v", c, got, echoed, err)
		}
		if err != nil && !strings.Contains(err.Error(), "jpeg, jpeg-chunked or camgate") {
			t.Errorf("%+v: %q does not say what is allowed", c, err)
		}
	}
}

func FuzzClientMessage(f *testing.F) {
	f.Add(websocket.TextMessage, []byte(`{"type":"open","tile":1,"camera":"cam1"}`))
	f.Add(websocket.TextMessage, []byte(`{"type":`))
	f.Add(websocket.BinaryMessage, []byte{0, 1, 2})
	f.Add(websocket.TextMessage, []byte(strings.Repeat("[", 4096)))
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		if len(data) > maxClientMessage {
			return
		}
		verdict := judgeMessage(kind, data)
		code, reason := verdict.Code, verdict.Text
		if code != websocket.CloseUnsupportedData && code != websocket.ClosePolicyViolation || reason == "" || len(reason) > 123 {
			t.Errorf("%d %q", code, reason)
		}
	})
}
