package onvif

import (
	"encoding/xml"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// maxText is how much of one text of a camera is kept, in bytes. URIs with signed queries
// are the longest that are needed.
const maxText = 2048

// A text is the character data of an element or an attribute: trimmed and bounded. Text
// that stands between an element's children belongs to it as well; nobody asks for that.
type text string

// UnmarshalXML implements xml.Unmarshaler.
func (t *text) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	s, err := characters(d)
	*t = text(s)
	return err
}

// UnmarshalXMLAttr implements xml.UnmarshalerAttr.
func (t *text) UnmarshalXMLAttr(a xml.Attr) error {
	*t = text(bounded(strings.TrimSpace(a.Value), maxText))
	return nil
}

// printable is the text for people: without what a terminal or a page might take amiss, and
// of a name's length.
func (t text) printable() string { return printable(string(t), 256) }

// A number is a number as cameras write it: "30", "30.00", " 7 ", "". What is none is 0.
type number float64

// UnmarshalXML implements xml.Unmarshaler.
func (n *number) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	s, err := characters(d)
	*n = parseNumber(s)
	return err
}

// UnmarshalXMLAttr implements xml.UnmarshalerAttr.
func (n *number) UnmarshalXMLAttr(a xml.Attr) error {
	*n = parseNumber(strings.TrimSpace(a.Value))
	return nil
}

func parseNumber(s string) number {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return number(f)
}

// within is the number as an integer when it lies in 1…limit, and 0, which stands for
// unknown, otherwise. Cameras write 2147483647 where nothing is limited.
func (n number) within(limit int) int {
	if n < 1 || n > number(limit) {
		return 0
	}
	return int(n)
}

// positive is the number when it lies in 0…limit, and 0 otherwise.
func (n number) positive(limit float64) float64 {
	if n < 0 || float64(n) > limit {
		return 0
	}
	return float64(n)
}

// characters reads up to the end of the element that was begun and returns its own text.
func characters(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for depth := 0; depth >= 0; {
		token, err := d.Token()
		if err == io.EOF {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && b.Len() <= 2*maxText { // white space before it is not counted yet
				b.Write(t)
			}
		}
	}
	return bounded(strings.TrimSpace(b.String()), maxText), nil
}

// bounded is s, or its first n bytes without a cut rune.
func bounded(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// printable is s in one line without what a terminal or a page might take amiss, at most n
// bytes and an ellipsis.
func printable(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
