package onvif

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of one reply. The largest that was recorded (16 profiles of a panoramic camera)
// has 40 KiB, 1,500 elements and 14 levels.
const (
	maxReply    = 1 << 20
	maxDepth    = 64
	maxElements = 50_000
)

// A tokenReader hands out the tokens of a camera's XML with local names only: namespaces,
// their declarations and prefixes (also unbound ones) are gone. It refuses document types,
// and with them entities, and what is nested too deeply.
type tokenReader struct {
	raw      *xml.Decoder
	depth    int
	elements int
}

// newDecoder makes a decoder for a reply. What cameras get wrong and still can be read is
// mended here: bad UTF-8, control characters, an encoding that is declared but not used.
func newDecoder(data []byte) *xml.Decoder {
	raw := xml.NewDecoder(bytes.NewReader(legible(data)))
	raw.Strict = false // tolerates "&" alone and attributes without quotes; it knows no entity but XML's own
	raw.CharsetReader = sameReader
	return xml.NewTokenDecoder(&tokenReader{raw: raw})
}

// sameReader stands for whatever encoding is declared: the bytes are UTF-8 already.
func sameReader(_ string, input io.Reader) (io.Reader, error) { return input, nil }

// Token implements xml.TokenReader.
func (r *tokenReader) Token() (xml.Token, error) {
	for {
		token, err := r.raw.RawToken()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("it holds a document type, which is refused")
		case xml.ProcInst, xml.Comment:
			continue
		case xml.StartElement:
			r.depth++
			r.elements++
			if r.depth > maxDepth {
				return nil, fmt.Errorf("%w: nested more than %d deep", ErrTooLarge, maxDepth)
			}
			if r.elements > maxElements {
				return nil, fmt.Errorf("%w: more than %d elements", ErrTooLarge, maxElements)
			}
			return localNames(t), nil
		case xml.EndElement:
			r.depth--
			t.Name.Space = ""
			return t, nil
		default:
			return token, nil
		}
	}
}

func localNames(e xml.StartElement) xml.StartElement {
	e.Name.Space = ""
	kept := e.Attr[:0]
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		a.Name.Space = ""
		kept = append(kept, a)
	}
	e.Attr = kept
	return e
}

// legible turns data into UTF-8 that is XML text: from UTF-16 where it begins with its byte
// order mark or reads "<" in it, and without invalid bytes and control characters.
func legible(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}):
		data = data[3:]
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{'<', 0}):
		data = fromUTF16(data, binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}), bytes.HasPrefix(data, []byte{0, '<'}):
		data = fromUTF16(data, binary.BigEndian)
	}
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			r = rune(data[0]) // as Latin-1, which it is as a rule
		}
		data = data[size:]
		if legal(r) {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// legal runes are those that XML may hold (XML 1.0, section 2.2), without C1 controls.
func legal(r rune) bool {
	return r >= ' ' && (r < 0x7f || r > 0x9f) && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	out := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		if r != 0xfeff {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
