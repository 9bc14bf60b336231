package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"camgate/camera/source"
	"camgate/media"
	"camgate/onvif"
)

// streamTimeout bounds the question whether a stream may be had.
const streamTimeout = 8 * time.Second

// mayStream asks the camera for a stream, up to its agreement. Some tell everybody by ONVIF
// where their streams are, and want a password for these: the error is then
// onvif.ErrNotAuthorized. Whatever else keeps the stream away may pass.
func mayStream(ctx context.Context, uri, from string, log *slog.Logger) error {
	stream, err := source.ParseAddress(uri)
	if err != nil || stream.ONVIF() {
		return nil
	}
	login, err := source.ParseAddress(from)
	if err != nil {
		return nil
	}
	stream = stream.WithLogin(login)
	ctx, cancel := context.WithTimeout(ctx, streamTimeout)
	defer cancel()
	conn, err := source.Dial(ctx, stream, streamTimeout)
	if err != nil {
		return nil
	}
	err = source.RTSP(ctx, conn, stream, source.Options{Camera: stream.Host(), Transport: "tcp", DigestOnly: true, Log: log}, agreement{cancel})
	if errors.Is(err, source.ErrUnauthorized) {
		return fmt.Errorf("its stream: %w: %w", onvif.ErrNotAuthorized, err)
	}
	return nil
}

// agreement is a sink that is content when the camera agrees to send.
type agreement struct{ end func() }

func (a agreement) Playing(source.Info)          { a.end() }
func (a agreement) AccessUnit(*media.AccessUnit) { a.end() }
func (agreement) Transport(string)               {}
func (agreement) Damaged(lost uint64, why error) {}
