package onvif

import (
	"bufio"
	"bytes"
	"net"
	"strings"
)

// A headFilter is a connection whose first HTTP answer loses those header lines that
// net/http would refuse the whole answer for: some cameras write lines without a colon, or
// names with blanks. It is for one answer; what follows the head passes unchanged.
type headFilter struct {
	net.Conn
	reader *bufio.Reader
	ready  []byte // of the head, not handed out yet
	done   bool   // the head was read
}

func filterHead(c net.Conn) net.Conn {
	if c == nil {
		return nil
	}
	return &headFilter{Conn: c, reader: bufio.NewReaderSize(c, 4096)}
}

// Read implements net.Conn.
func (f *headFilter) Read(p []byte) (int, error) {
	if !f.done {
		if err := f.readHead(); err != nil {
			return 0, err
		}
	}
	if len(f.ready) > 0 {
		n := copy(p, f.ready)
		f.ready = f.ready[n:]
		return n, nil
	}
	return f.reader.Read(p)
}

// readHead keeps the status line and the header lines that are some.
func (f *headFilter) readHead() error {
	var kept bytes.Buffer
	for size, first := 0, true; size < maxHeader; first = false {
		line, err := f.reader.ReadSlice('\n')
		size += len(line)
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		if first || validHeader(text) {
			kept.WriteString(text + "\r\n")
		}
	}
	kept.WriteString("\r\n")
	f.ready, f.done = kept.Bytes(), true
	return nil
}

// validHeader tells whether a line is a header (RFC 9112, section 5) that is of use.
func validHeader(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
