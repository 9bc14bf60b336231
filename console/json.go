package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// writeJSON writes a value for other programs to read, and so that a terminal may show it:
// what is not printable is escaped (RFC 8259, section 7).
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	var safe bytes.Buffer
	for text := b.Bytes(); len(text) > 0; {
		c, size := utf8.DecodeRune(text)
		switch {
		case c == '\n' || unicode.IsPrint(c):
			safe.Write(text[:size])
		case c > 0xffff:
			c -= 0x10000
			fmt.Fprintf(&safe, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			fmt.Fprintf(&safe, `\u%04x`, c)
		}
		text = text[size:]
	}
	_, err := w.Write(safe.Bytes())
	return err
}
