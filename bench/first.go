package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"camgate/bench/rig"
	"camgate/camsim"
)

// firstPicture measures how soon a viewer sees the camera: connected already, with nobody
// else watching, and cold.
func (b *bench) firstPicture(ctx context.Context, cam *camsim.Camera) error {
	for _, c := range []struct{ name, lines, goal string }{
		{"first picture, camera connected (GOP 2 s)", "on_demand = false", "≤ 150 ms"},
		{"first picture, cold: up to 2 s of it wait for the camera's key frame", "on_demand = true\nlinger = \"0s\"", "the camera's connect time + its key frame"},
	} {
		g, err := b.start(ctx, c.lines, cam)
		if err != nil {
			return err
		}
		var times []time.Duration
		for i := range 15 {
			// At all phases of the GOP, after the last viewer is forgotten.
			pause := 2*time.Second + time.Duration(i)*2*time.Second/15
			if i == 0 {
				pause += 2 * time.Second
			}
			time.Sleep(pause)
			d, err := firstOf(ctx, g.url+"/mjpeg/cam1")
			if err != nil {
				g.Stop()
				return err
			}
			times = append(times, d)
		}
		g.Stop()
		slices.Sort(times)
		b.table.add(c.name+", median, longest", fmt.Sprintf("%d ms, %d ms", times[len(times)/2].Milliseconds(), times[len(times)-1].Milliseconds()), c.goal)
	}
	return nil
}

// firstOf is how long the first picture of the camera takes, from the dial on.
func firstOf(ctx context.Context, url string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	began := time.Now()
	v, wait := rig.View(ctx, url, 0, isStamped, cancel)
	if err := wait(); err != nil {
		return 0, err
	}
	if v.First.Load() == 0 {
		return 0, fmt.Errorf("%s brings no picture", url)
	}
	return time.Unix(0, v.First.Load()).Sub(began), nil
}
