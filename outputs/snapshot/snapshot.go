// Package snapshot answers with one picture: the newest.
package snapshot

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"camgate/media"
	"camgate/outputs/header"
)

// A Camera is what snapshot needs of one; httpd makes it of a *camera.Camera and the
// rendition that is asked for.
type Camera interface {
	// Watch registers a viewer, which must be closed.
	Watch() (Viewer, error)
	// Newest is the newest live picture there is already, or nil.
	Newest() *media.Picture
	// Away says that the camera is known to be unreachable, and not just being connected.
	Away() bool
}

// A Viewer is where the picture comes from; *camera.Viewer is one.
type Viewer interface {
	Next(ctx context.Context) (*media.Picture, error)
	Close()
}

// Options of one answer.
type Options struct {
	MaxAge      time.Duration // a picture not older than this is taken if it is there already; 0: none
	Placeholder bool          // answer with a placeholder where there is no live picture
	Patience    time.Duration // how long to wait for a live picture; 0: DefaultPatience
}

// DefaultPatience is how long an answer waits for a live picture: long enough for a
// camera that must be connected first.
const DefaultPatience = 10 * time.Second

// ErrNoPicture: the camera is away, or has not brought a picture in time.
var ErrNoPicture = errors.New("the camera has no live picture now")

// Take gets the picture. It is newer than the call, where the camera brings one in
// time, and live, unless o asks for a placeholder. The error is ErrNoPicture, ctx's, or
// Watch's.
func Take(ctx context.Context, c Camera, o Options) (*media.Picture, error) {
	asked := time.Now()
	if p := c.Newest(); o.MaxAge > 0 && p != nil && asked.Sub(p.Received) <= o.MaxAge {
		return p, nil
	}
	viewer, err := c.Watch()
	if err != nil {
		return nil, err
	}
	defer viewer.Close()
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	waiting, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()

	var live, other *media.Picture
	for {
		p, err := viewer.Next(waiting)
		switch {
		case err != nil && waiting.Err() == nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return choose(live, other, o)
		case p.State != media.Live:
			live, other = nil, p // what was live is the past now
			if c.Away() {
				return choose(live, other, o)
			}
		case !p.Received.Before(asked):
			return p, nil
		default:
			live = p // a camera of one picture a minute may have no newer one
		}
	}
}

// choose makes the best of what has come in time.
func choose(live, other *media.Picture, o Options) (*media.Picture, error) {
	if live != nil {
		return live, nil
	}
	if other != nil && o.Placeholder {
		return other, nil
	}
	return nil, ErrNoPicture
}

// Write answers a GET or HEAD with the picture. It may take as long as the link wants, while
// something of it is taken.
func Write(w http.ResponseWriter, r *http.Request, p *media.Picture) error {
	header.SetPicture(w.Header(), p)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	for piece := range slices.Chunk(p.JPEG, pieceBytes) {
		control.SetWriteDeadline(time.Now().Add(piecePatience)) // fails only on a dead connection
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// How long a piece of a picture may take, in place of the server's limit for the whole.
const (
	pieceBytes    = 64 << 10
	piecePatience = 30 * time.Second
)
