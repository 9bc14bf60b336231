// Package header writes the header fields by which outputs tell what a picture is worth.
package header

import (
	"net/http"
	"strconv"
	"time"

	"camgate/media"
)

// Names of the fields, in Go's canonical form.
const (
	Timestamp = "X-Timestamp"    // when the gateway received the picture: seconds since 1970, with microseconds
	State     = "X-Camera-State" // live, stale or offline
	Sequence  = "X-Sequence"     // grows from picture to picture
)

// NoStore marks an answer that is about now: no cache keeps it, no proxy collects it
// before passing it on.
func NoStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
}

// AppendTimestamp appends a time as in X-Timestamp, like 1700000000.012345.
func AppendTimestamp(b []byte, t time.Time) []byte {
	us := t.UnixMicro()
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	for fraction, digit := us%1e6, int64(1e5); digit > 0; digit /= 10 {
		b = append(b, byte('0'+fraction/digit%10))
	}
	return b
}

// AppendPicture appends the header fields of a picture that is a part of a multipart
// answer, each with its line end. It allocates nothing if b has 200 bytes of room.
func AppendPicture(b []byte, p *media.Picture) []byte {
	b = append(b, "Content-Type: image/jpeg\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(p.JPEG)), 10)
	b = append(b, "\r\n"+Timestamp+": "...)
	b = AppendTimestamp(b, p.Received)
	b = append(b, "\r\n"+State+": "...)
	b = append(b, p.State.String()...)
	b = append(b, "\r\n"+Sequence+": "...)
	b = strconv.AppendUint(b, p.Sequence, 10)
	return append(b, "\r\n"...)
}

// SetPicture sets the same fields on an answer that is the picture.
func SetPicture(h http.Header, p *media.Picture) {
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Length", strconv.Itoa(len(p.JPEG)))
	h.Set(Timestamp, string(AppendTimestamp(nil, p.Received)))
	h.Set(State, p.State.String())
	h.Set(Sequence, strconv.FormatUint(p.Sequence, 10))
}
