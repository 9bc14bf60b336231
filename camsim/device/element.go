package device

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// An element of XML, as little of it as a device wants to know of a request.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	text     string // directly inside, without the white space around it
	children []*element
	parent   *element
}

// A request is small and flat; what is not gets no answer.
const (
	maxDepth    = 32
	maxElements = 4096
	maxTokens   = 8 * maxElements // elements begin and end, and there is text between
)

// parseXML reads a document. Entities other than XML's own five are an error.
func parseXML(document []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	var root, at *element
	count, depth := 0, 0
	for range maxTokens {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("the XML is malformed: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if count, depth = count+1, depth+1; count > maxElements || depth > maxDepth {
				return nil, fmt.Errorf("the XML has more than %d elements, or more than %d in each other", maxElements, maxDepth)
			}
			e := &element{name: token.Name, attrs: token.Copy().Attr, parent: at}
			if at == nil {
				root = e
			} else {
				at.children = append(at.children, e)
			}
			at = e
		case xml.CharData:
			if at != nil {
				at.text += string(token)
			}
		case xml.EndElement:
			at.text = strings.TrimSpace(at.text)
			if at, depth = at.parent, depth-1; at == nil {
				return root, nil
			}
		case xml.Directive:
			return nil, errors.New("the XML has a document type")
		}
	}
	return nil, fmt.Errorf("the XML has more than %d parts", maxTokens)
}

// find is the first element of a local name in e, e included; nil where there is none.
func (e *element) find(local string) *element {
	if e == nil || e.name.Local == local {
		return e
	}
	for _, c := range e.children {
		if found := c.find(local); found != nil {
			return found
		}
	}
	return nil
}

// value is the text of the first element of that local name; "" where there is none.
func (e *element) value(local string) string {
	if found := e.find(local); found != nil {
		return found.text
	}
	return ""
}

// attr is the value of an attribute of e; "" where it has none, or e is nil.
func (e *element) attr(local string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// resolve is a qualified name in the text of e, with its prefix looked up.
func (e *element) resolve(qualified string) xml.Name {
	prefix, local, found := strings.Cut(qualified, ":")
	if !found {
		prefix, local = "", qualified
	}
	for ; e != nil; e = e.parent {
		for _, a := range e.attrs {
			if prefix != "" && a.Name.Space == "xmlns" && a.Name.Local == prefix ||
				prefix == "" && a.Name.Space == "" && a.Name.Local == "xmlns" {
				return xml.Name{Space: a.Value, Local: local}
			}
		}
	}
	return xml.Name{Local: local}
}
