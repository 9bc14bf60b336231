package diagnose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"camgate/camera"
	"camgate/media"
	"camgate/onvif"
)

// pictureTimeout is how long a decoded picture may take, from connecting on.
const pictureTimeout = 20 * time.Second

// Diagnose walks the whole way to a picture: Probe's steps, the stream of each size that
// viewers may be shown, and a picture as a viewer gets it. tell is as for Probe. What else a
// camera or recorder has is only named.
func Diagnose(ctx context.Context, t Target, tell func(Step)) *Report {
	w := newWalk(ctx, t, tell)
	t = w.locate(t)
	w.reach(t.Address.Host())
	if t.Address.ONVIF() {
		if client := w.ask(t); client != nil {
			client.Close()
		}
		for _, one := range w.shown(t) {
			w.describe("stream of "+one.profile.Name, t, one.address)
		}
	} else {
		w.describe("stream", t, t.Address)
	}
	w.step("picture", func() (string, error) { return w.picture(t) })
	w.report.OK = !w.failed
	return w.report
}

// shown are the streams that were found of those that viewers may be shown.
func (w *walk) shown(t Target) []foundStream {
	if w.failed {
		return nil
	}
	profiles, err := camera.Shown(t.name(), t.Address, w.profiles)
	if err != nil {
		w.step("profile", func() (string, error) { return "", err })
	}
	return slices.DeleteFunc(slices.Clone(w.found), func(s foundStream) bool {
		return !slices.ContainsFunc(profiles, func(p onvif.Profile) bool { return p.Token == s.profile.Token })
	})
}

// picture watches the camera as a viewer does.
func (w *walk) picture(t Target) (string, error) {
	ctx, cancel := context.WithTimeout(w.ctx, pictureTimeout)
	defer cancel()
	cam := camera.New(camera.Config{Name: t.name(), Address: t.Address, Source: t.Source, DigestOnly: t.DigestOnly, OnDemand: true}, slog.New(slog.DiscardHandler))
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var life sync.WaitGroup
	life.Go(func() { cam.Run(running) }) //nolint:errcheck // it is running's
	defer life.Wait()
	defer end()
	viewer, err := cam.Watch(media.Rendition{}, 0)
	if err != nil {
		return "", err
	}
	defer viewer.Close()
	began := time.Now()
	for {
		p, err := viewer.Next(ctx)
		if err != nil {
			if why := cam.Status().LastError; why != "" {
				return "", errors.New(why)
			}
			return "", fmt.Errorf("no picture within %v", pictureTimeout)
		}
		if p.State == media.Live {
			return fmt.Sprintf("%d×%d, %d KB, %.2f s after connecting", p.Width, p.Height, len(p.JPEG)/1024, time.Since(began).Seconds()), nil
		}
	}
}
