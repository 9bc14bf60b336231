package discovery

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a document, whoever sent it.
const (
	maxDepth    = 64
	maxElements = 20000
)

// What a document is refused for. Both are wrapped with what was found.
var (
	errTooLarge  = errors.New("larger than this program reads")
	errMalformed = errors.New("cannot be read")
)

// An element of a document that was read whole. Names are local: cameras use prefixes that
// they never declare, and wrong namespaces. Where the namespace matters, in the text of
// wsd:Types, resolve finds it.
type element struct {
	local    string
	text     string // its own character data
	children []*element
	scope    *scope
}

// A scope holds the namespace declarations of one element and leads to those around it.
type scope struct {
	outer    *scope
	bindings map[string]string
}

// resolve is the namespace that a prefix stands for inside the element.
func (e *element) resolve(prefix string) (namespace string, bound bool) {
	for s := e.scope; s != nil; s = s.outer {
		if ns, ok := s.bindings[prefix]; ok {
			return ns, true
		}
	}
	return "", false
}

// child is the first child of the name, without regard to case; nil where there is none.
func (e *element) child(local string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if strings.EqualFold(c.local, local) {
			return c
		}
	}
	return nil
}

// value is the text of the first child of the name, without white space around it.
func (e *element) value(local string) string {
	if c := e.child(local); c != nil {
		return strings.TrimSpace(c.text)
	}
	return ""
}

// each calls f for e and all below it that have the name. Depth is bounded by readXML.
func (e *element) each(local string, f func(*element)) {
	if e == nil {
		return
	}
	if strings.EqualFold(e.local, local) {
		f(e)
	}
	for _, c := range e.children {
		c.each(local, f)
	}
}

// readXML reads a document leniently: unknown entities and a lone & are text, undeclared
// prefixes and elements that nobody closed are borne. Document types are refused, and with
// them all entities that a document could define. What follows the root is not looked at.
func readXML(data []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(asUTF8(data)))
	d.Strict = false
	b := treeBuilder{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: no element in it", errMalformed)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", errMalformed, err)
		}
		done, err := b.add(token)
		if err != nil {
			return nil, err
		}
		if done {
			return b.root, nil
		}
	}
}

type treeBuilder struct {
	root  *element
	open  []*element
	texts [maxDepth + 1][]byte
	count int
}

// add takes one token; done says that the root was closed.
func (b *treeBuilder) add(token xml.Token) (done bool, err error) {
	switch t := token.(type) {
	case xml.Directive:
		return false, fmt.Errorf("%w: it has a document type, which this program refuses", errMalformed)
	case xml.StartElement:
		return false, b.start(t)
	case xml.CharData:
		if n := len(b.open); n > 0 {
			b.texts[n] = append(b.texts[n], t...)
		}
	case xml.EndElement:
		n := len(b.open)
		if n == 0 {
			return false, fmt.Errorf("%w: it closes what was not opened", errMalformed)
		}
		b.open[n-1].text = string(b.texts[n])
		b.open = b.open[:n-1]
		return n == 1, nil
	}
	return false, nil
}

func (b *treeBuilder) start(t xml.StartElement) error {
	if len(b.open) == maxDepth {
		return fmt.Errorf("%w: elements more than %d deep", errTooLarge, maxDepth)
	}
	if b.count++; b.count > maxElements {
		return fmt.Errorf("%w: more than %d elements", errTooLarge, maxElements)
	}
	e := &element{local: t.Name.Local}
	if n := len(b.open); n > 0 {
		outer := b.open[n-1]
		outer.children = append(outer.children, e)
		e.scope = outer.scope
	} else {
		b.root = e
	}
	if declared := declarations(t.Attr); declared != nil {
		e.scope = &scope{outer: e.scope, bindings: declared}
	}
	b.open = append(b.open, e)
	b.texts[len(b.open)] = b.texts[len(b.open)][:0]
	return nil
}

// declarations are the namespaces that an element's attributes declare, by prefix.
func declarations(attributes []xml.Attr) map[string]string {
	var m map[string]string
	for _, a := range attributes {
		prefix := a.Name.Local
		if a.Name.Space == "" && a.Name.Local == "xmlns" {
			prefix = ""
		} else if a.Name.Space != "xmlns" {
			continue
		}
		if m == nil {
			m = map[string]string{}
		}
		m[prefix] = strings.TrimSpace(a.Value)
	}
	return m
}

// asUTF8 makes of a document what encoding/xml reads: UTF-8 without a declaration (which
// is often wrong: "utf-16" on UTF-8), without characters that XML forbids.
func asUTF8(data []byte) []byte {
	data = fromUTF16(data)
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.TrimLeft(data, "\x00 \t\r\n")
	declaration := []byte(nil)
	if bytes.HasPrefix(data, []byte("<?xml")) {
		if end := bytes.Index(data, []byte("?>")); end >= 0 {
			declaration, data = bytes.ToLower(data[:end]), data[end+2:]
		}
	}
	if !utf8.Valid(data) && (bytes.Contains(declaration, []byte("8859-1")) || bytes.Contains(declaration, []byte("1252"))) {
		latin := make([]rune, len(data))
		for i, c := range data {
			latin[i] = rune(c)
		}
		data = []byte(string(latin))
	}
	if utf8.Valid(data) && !bytes.ContainsFunc(data, forbidden) {
		return data
	}
	return bytes.Map(func(r rune) rune {
		if forbidden(r) {
			return ' '
		}
		return r
	}, data)
}

// forbidden says that XML 1.0 (section 2.2) has no such character.
func forbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

// fromUTF16 recodes what is UTF-16, by its byte order mark or by its first "<".
func fromUTF16(data []byte) []byte {
	if len(data) < 4 {
		return data
	}
	var high, low int
	switch {
	case data[0] == 0xff && data[1] == 0xfe, data[0] == '<' && data[1] == 0:
		high, low = 1, 0
	case data[0] == 0xfe && data[1] == 0xff, data[0] == 0 && data[1] == '<':
		high, low = 0, 1
	default:
		return data
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = uint16(data[2*i+high])<<8 | uint16(data[2*i+low])
	}
	return []byte(string(utf16.Decode(units)))
}
