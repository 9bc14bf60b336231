package mjpeg

import (
	"context"

	"camgate/media"
	"camgate/outputs/header"
	"camgate/outputs/viewerconn"
)

// boundary is the line between parts, without its dashes. It does not occur in headers,
// and nobody who goes by Content-Length looks for it in a JPEG.
const boundary = "camgate-next-picture"

// ContentType is that of the answer.
const ContentType = "multipart/x-mixed-replace; boundary=" + boundary

const (
	answer = "200 OK\r\n" +
		"Content-Type: " + ContentType + "\r\n" +
		"Cache-Control: no-store\r\n" +
		"X-Accel-Buffering: no\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"Connection: close\r\n" +
		"\r\n"
	firstLine  = "--" + boundary + "\r\n"
	nextLine   = "\r\n" + firstLine
	lastLine   = "\r\n--" + boundary + "--\r\n"
	earlyBlock = "Content-Type: image/jpeg\r\n\r\n"
)

// The ends of a part, ready to be sent. Nobody changes them.
var (
	behindPicture      = []byte(nextLine)
	behindPictureEarly = []byte(nextLine + earlyBlock)
	behindLast         = []byte(lastLine)
)

// A stream writes one multipart answer.
type stream struct {
	conn   *viewerconn.Conn
	early  bool
	broken bool // the connection takes nothing more

	last   *media.Picture
	header [256]byte // of the next part
	bufs   [3][]byte
}

// run sends the answer's head and then pictures. Its error is never nil.
func (s *stream) run(ctx context.Context, v Viewer, http11 bool) error {
	// At once: a page that waits for a camera should know that it is connected.
	head := "HTTP/1.0 " + answer + firstLine
	if http11 {
		head = "HTTP/1.1 " + answer + firstLine
	}
	if s.early {
		head += earlyBlock
	}
	if err := s.send([]byte(head), nil, nil); err != nil {
		return err
	}
	for {
		p, err := v.Next(ctx)
		if err != nil {
			return err
		}
		if err := s.picture(p); err != nil {
			return err
		}
	}
}

// picture sends one picture, by one writev where the viewer keeps up, and allocates
// nothing.
func (s *stream) picture(p *media.Picture) error {
	s.last = p
	if s.early {
		return s.send(p.JPEG, behindPictureEarly, nil)
	}
	return s.send(append(header.AppendPicture(s.header[:0], p), "\r\n"...), p.JPEG, behindPicture)
}

// end closes the last part. Its boundary line has been sent already, so it is filled with
// the last picture once more: an empty one browsers would draw as nothing at all.
func (s *stream) end() error {
	if s.last == nil {
		return s.send(behindLast, nil, nil)
	}
	if s.early {
		return s.send(s.last.JPEG, behindLast, nil)
	}
	return s.send(append(header.AppendPicture(s.header[:0], s.last), "\r\n"...), s.last.JPEG, behindLast)
}

func (s *stream) send(a, b, c []byte) error {
	s.bufs = [3][]byte{a, b, c}
	n := len(s.bufs)
	for n > 0 && s.bufs[n-1] == nil {
		n--
	}
	err := s.conn.Send(s.bufs[:n])
	s.broken = s.broken || err != nil
	return err
}
