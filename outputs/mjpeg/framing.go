package mjpeg

import (
	"net/http"
	"strings"

	"camgate/media"
	"camgate/outputs/header"
)

// A Framing is how a stream tells its parts apart. Programs that were written for one
// server may have come to rely on that server's.
type Framing struct {
	ContentType string // of the answer, with the boundary
	FieldName   string // how the answer's field of ContentType is written; "": Content-Type

	// Line is the line in front of each part, with its dashes and without its end.
	Line string

	// Fields appends the header fields of a picture's part, each with its line end; nil:
	// header.AppendPicture.
	Fields func(b []byte, p *media.Picture) []byte

	// Tail is what follows each picture, in front of the next Line.
	Tail string

	// Whole framings are the same bytes for everybody: Chromium gets each picture once more
	// where no other follows soon, instead of the next part's header block early.
	Whole bool
}

// Ours is the framing of /mjpeg. Its boundary does not occur in headers, and nobody who
// goes by Content-Length looks for it in a JPEG.
var Ours = &Framing{ContentType: ContentType, Line: "--" + boundary, Tail: "\r\n"}

const boundary = "camgate-next-picture"

// ContentType is that of an answer in our framing.
const ContentType = "multipart/x-mixed-replace; boundary=" + boundary

const earlyBlock = "Content-Type: image/jpeg\r\n\r\n"

// head is the answer's, behind the protocol's version. further are fields that the server
// wants in every answer; of them those are taken that a stream may need.
func (f *Framing) head(further http.Header) string {
	name := f.FieldName
	if name == "" {
		name = "Content-Type"
	}
	var b strings.Builder
	b.WriteString(" 200 OK\r\n" + name + ": " + f.ContentType + "\r\n" +
		"Cache-Control: no-store\r\n" +
		"X-Accel-Buffering: no\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"Connection: close\r\n")
	for _, name := range crossOrigin {
		for _, value := range further[name] {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

// crossOrigin are the fields by which a server lets pages of others read an answer.
var crossOrigin = []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"}

// fields appends a part's header block with the empty line at its end.
func (f *Framing) fields(b []byte, p *media.Picture) []byte {
	if f.Fields == nil {
		b = header.AppendPicture(b, p)
	} else {
		b = f.Fields(b, p)
	}
	return append(b, "\r\n"...)
}

// ends are what may stand behind a picture, ready to be sent. Nobody changes them.
type ends struct {
	first      string // in front of the first part
	next, last []byte // another part follows, or none
}

func (f *Framing) ends(early bool) ends {
	block := ""
	if early {
		block = earlyBlock
	}
	return ends{
		first: f.Line + "\r\n" + block,
		next:  []byte(f.Tail + f.Line + "\r\n" + block),
		last:  []byte(f.Tail + f.Line + "--\r\n"),
	}
}
