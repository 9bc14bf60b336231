package mjpeg

import (
	"context"
	"errors"
	"net/http"
	"time"

	"camgate/media"
	"camgate/outputs/viewerconn"
)

// repeatAfter is how soon another picture must follow one that Chromium has been sent in a
// whole framing; it is sent once more if not.
const repeatAfter = 100 * time.Millisecond

// errEnough: all pictures have been sent that were asked for.
var errEnough = errors.New("the viewer has what it asked for")

// A stream writes one multipart answer.
type stream struct {
	conn    *viewerconn.Conn
	framing *Framing
	early   bool
	repeat  bool // each picture once more where no other follows soon
	frames  int  // still to be sent; 0: no end
	until   time.Time
	broken  bool // the connection takes nothing more
	closed  bool // the last boundary has been sent

	ends   ends
	last   *media.Picture
	header [256]byte // of the next part
	bufs   [3][]byte
}

func newStream(conn *viewerconn.Conn, o Options) *stream {
	s := &stream{conn: conn, framing: o.Framing, early: o.Early, frames: o.Frames}
	if s.framing == nil {
		s.framing = Ours
	}
	if s.framing.Whole {
		s.early, s.repeat = false, o.Early
	}
	if o.Duration > 0 {
		s.until = time.Now().Add(o.Duration)
	}
	s.ends = s.framing.ends(s.early)
	return s
}

// run sends the answer's head and then pictures. Its error is never nil.
func (s *stream) run(ctx context.Context, v Viewer, http11 bool, further http.Header) error {
	version := "HTTP/1.0"
	if http11 {
		version = "HTTP/1.1"
	}
	// At once: a page that waits for a camera should know that it is connected.
	if err := s.send([]byte(version+s.framing.head(further)+s.ends.first), nil, nil); err != nil {
		return err
	}
	if !s.until.IsZero() {
		limited, cancel := context.WithDeadlineCause(ctx, s.until, errEnough)
		defer cancel()
		ctx = limited
	}
	for {
		p, err := s.next(ctx, v)
		if err != nil {
			if context.Cause(ctx) == errEnough {
				return errEnough
			}
			return err
		}
		if err := s.picture(p); err != nil {
			return err
		}
		if s.closed {
			return errEnough
		}
	}
}

// next waits for the next picture. Where the viewer needs it, the last one is sent once
// more meanwhile.
func (s *stream) next(ctx context.Context, v Viewer) (*media.Picture, error) {
	if !s.repeat || s.last == nil {
		return v.Next(ctx)
	}
	soon, cancel := context.WithTimeout(ctx, repeatAfter)
	p, err := v.Next(soon)
	cancel()
	if err == nil || soon.Err() == nil || ctx.Err() != nil {
		return p, err
	}
	if err := s.write(s.last, s.ends.next); err != nil {
		return nil, err
	}
	return v.Next(ctx)
}

// picture sends one picture, by one writev where the viewer keeps up, and allocates
// nothing.
func (s *stream) picture(p *media.Picture) error {
	s.last = p
	if s.frames > 0 {
		if s.frames--; s.frames == 0 {
			s.closed = true
			return s.write(p, s.ends.last)
		}
	}
	return s.write(p, s.ends.next)
}

func (s *stream) write(p *media.Picture, behind []byte) error {
	if s.early {
		return s.send(p.JPEG, behind, nil)
	}
	return s.send(s.framing.fields(s.header[:0], p), p.JPEG, behind)
}

// end closes the last part. Its boundary line has been sent already, so it is filled with
// the last picture once more: an empty one browsers would draw as nothing at all.
func (s *stream) end() error {
	switch {
	case s.closed:
		return nil
	case s.last == nil:
		return s.send([]byte("\r\n"+s.framing.Line+"--\r\n"), nil, nil)
	}
	return s.write(s.last, s.ends.last)
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
