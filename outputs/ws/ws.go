// Package ws shows pictures over WebSocket: those of one camera, a message a picture or
// several small ones, or those of many cameras, each a tile that the client opens, changes
// and acknowledges (see Protocol).
package ws

import (
	"context"
	"net/http"
	"time"

	"camgate/media"
	"camgate/outputs/wsconn"
)

// A Viewer is where the pictures come from; *camera.Viewer is one. Next waits for one
// newer than the last, or until ctx or the camera ends.
type Viewer interface {
	Next(ctx context.Context) (*media.Picture, error)
}

// Options of one connection. Zero durations mean the defaults.
type Options struct {
	Protocol Protocol
	Echoed   string // Sec-WebSocket-Protocol of the answer, from Choose

	Stall       time.Duration // how long the viewer may take nothing; viewerconn.DefaultStall
	PingEvery   time.Duration // wsconn.DefaultPingEvery
	PongTimeout time.Duration // how long the viewer may leave pings unanswered; wsconn.DefaultPongTimeout
}

const maxClientMessage = 4 << 10 // bytes

// Serve makes the request a WebSocket connection and shows it the viewer's pictures
// until the viewer leaves, stalls or says something, or the request's context or the camera
// ends. The error is one of wsconn.Accept's or Run's. Nothing that it started outlives the
// call.
func Serve(w http.ResponseWriter, r *http.Request, v Viewer, o Options) error {
	conn, err := wsconn.Accept(w, r, o.conn("the camera is no longer shown here"))
	if err != nil {
		return err
	}
	frames := framer{protocol: o.Protocol}
	return conn.Run(r.Context(), func(ctx context.Context) error {
		for {
			p, err := v.Next(ctx)
			if err != nil {
				return err
			}
			if err := conn.Send(frames.frames(p)); err != nil {
				return err
			}
		}
	}, judgeMessage)
}

// conn is what the options say of the connection.
func (o Options) conn(lastWord string) wsconn.Options {
	return wsconn.Options{Subprotocol: o.Echoed, MaxMessage: maxClientMessage, LastWord: lastWord,
		Stall: o.Stall, PingEvery: o.PingEvery, PongTimeout: o.PongTimeout}
}
