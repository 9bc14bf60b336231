package camera

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"camgate/onvif"
)

// motionAgain is the pause before a camera whose events ended is asked for them again.
const motionAgain = 10 * time.Second

// watchMotion keeps the camera's events subscribed until ctx ends.
func (d *device) watchMotion(ctx context.Context) {
	var told time.Time
	for {
		client, err := d.connect()
		if err == nil {
			err = client.WatchMotion(ctx, func(motion bool) { d.setMotion(&motion) })
		}
		d.setMotion(nil)
		if ctx.Err() != nil {
			return
		}
		level := slog.LevelDebug
		if time.Since(told) >= time.Minute {
			level, told = slog.LevelInfo, time.Now()
		}
		d.log.Log(ctx, level, "no events of the camera", "why", err)
		pause := motionAgain
		if errors.Is(err, onvif.ErrNotAuthorized) || errors.Is(err, onvif.ErrLocked) || errors.Is(err, onvif.ErrNotSupported) {
			pause = retryAfterDenied
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// setMotion keeps what the camera says; nil: it says nothing.
func (d *device) setMotion(motion *bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.motion = motion
}
