// Package mjpeg shows pictures as multipart/x-mixed-replace: what an <img> element, and
// nearly every program that knows cameras, takes as a moving picture.
package mjpeg

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"camgate/media"
	"camgate/outputs/params"
	"camgate/outputs/viewerconn"
)

// A Viewer is where the pictures come from; *camera.Viewer is one. Next waits for one
// newer than the last, or until ctx or the camera ends.
type Viewer interface {
	Next(ctx context.Context) (*media.Picture, error)
}

// Options of one stream.
type Options struct {
	// Early puts the next part's header block right behind each picture; see Early.
	Early bool

	// Framing is how parts are told apart; nil: Ours.
	Framing *Framing

	Frames   int           // the stream ends after so many pictures; 0: it does not
	Duration time.Duration // the stream ends then; 0: it does not

	// Stall is how long the viewer may take nothing; 0: viewerconn.DefaultStall.
	Stall time.Duration
}

// lastWords is how long the end of a stream may take that the gateway ends.
const lastWords = 2 * time.Second

// Early says whether a viewer needs the next part's whole header block right behind each
// picture.
//
// Chromium draws a part only when the complete header block of the next one has arrived
// (https://crbug.com/527446), so it would show every picture one picture late; at one
// picture a second that is a second. The price of the cure is Content-Length and the
// X-headers, which nobody knows before the picture is there. Everything else gets those:
// Firefox, curl, ffmpeg, OpenCV and VLC are content with the boundary line.
func Early(userAgent string, advance params.Choice) bool {
	switch advance {
	case params.Yes:
		return true
	case params.No:
		return false
	}
	return strings.Contains(userAgent, "Chrome/") || strings.Contains(userAgent, "Chromium")
}

// Serve takes over the connection of a GET and shows it the viewer's pictures until the
// viewer leaves (viewerconn.ErrGone), stalls (viewerconn.ErrStalled), or the request's context or
// the camera ends (their error); then the answer ends as the multipart format wants it.
// Where o limits the stream, the error is nil after its orderly end. The answer has those
// fields of w.Header() too that let pages of others read it. Nothing that it started
// outlives the call.
func Serve(w http.ResponseWriter, r *http.Request, v Viewer, o Options) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	return serve(r.Context(), conn, r.ProtoAtLeast(1, 1), w.Header(), v, o)
}

func serve(ctx context.Context, netConn net.Conn, http11 bool, further http.Header, v Viewer, o Options) error {
	conn, err := viewerconn.New(netConn, o.Stall)
	if err != nil {
		return err
	}
	watching, leave := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer conn.Close()
	defer leave()
	reader.Go(func() {
		conn.AwaitGone()
		if ctx.Err() == nil {
			conn.Close() // whatever is being sent, nobody wants it
		}
		leave()
	})
	// The gateway's end must not wait for a slow viewer.
	defer context.AfterFunc(ctx, func() { conn.Hurry(lastWords) })()

	s := newStream(conn, o)
	err = s.run(watching, v, http11, further)
	switch {
	case ctx.Err() == nil && watching.Err() != nil:
		return viewerconn.ErrGone
	case s.broken:
		return viewerconn.Reason(err)
	}
	conn.Hurry(lastWords)
	if failed := s.end(); failed != nil {
		return viewerconn.Reason(failed)
	}
	if errors.Is(err, errEnough) {
		conn.Finish(lastWords)
		return nil
	}
	return err
}
