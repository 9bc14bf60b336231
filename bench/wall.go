package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"camgate/bench/rig"
	"camgate/camsim"
	"camgate/decoder"
)

const (
	wallFPS      = 10
	furtherWalls = 8 // whose cost together stands out from the noise
)

// wall measures what a wall costs in a gateway that has its tiles already: further walls
// of the same tiles, in other places, with a viewer each.
func (b *bench) wall(n int) func(context.Context, *camsim.Camera) error {
	return func(ctx context.Context, _ *camsim.Camera) error {
		var cams []*camsim.Camera
		var names []string
		for i := range n {
			name := "cam" + strconv.Itoa(i+1)
			cam, err := camsim.Start(ctx, camsim.Options{Name: name, Video: decoder.VideoEncoderOptions{Width: 640, Height: 360, FPS: wallFPS, GOP: 2 * wallFPS}})
			if err != nil {
				return err
			}
			defer cam.Close()
			cams, names = append(cams, cam), append(names, name)
		}
		g, err := b.start(ctx, "", cams...)
		if err != nil {
			return err
		}
		defer g.Stop()
		one, err := b.walls(ctx, g, orders(names, 1))
		if err != nil {
			return err
		}
		all, err := b.walls(ctx, g, orders(names, 1+furtherWalls))
		if err != nil {
			return err
		}
		further := (all.cpu.Seconds()/all.elapsed.Seconds() - one.cpu.Seconds()/one.elapsed.Seconds()) /
			(float64(all.frames)/all.elapsed.Seconds() - float64(one.frames)/one.elapsed.Seconds())
		b.table.add(fmt.Sprintf("wall of %d cameras, 1280 wide, whose tiles are there: put together and sent, a wall frame of %d KB", n, all.jpeg/1000),
			fmt.Sprintf("%.2f ms; %.1f wall frames a second of %d", further*1e3, float64(all.frames)/all.elapsed.Seconds()/(1+furtherWalls), wallFPS), "≤ 0.2 ms")
		return nil
	}
}

// orders are walls of the same cameras in different places.
func orders(names []string, n int) []string {
	var all []string
	for i := range n {
		order := append(append([]string(nil), names[i%len(names):]...), names[:i%len(names)]...)
		if swap := i / len(names); swap > 0 { // more than there are rotations
			order[0], order[swap] = order[swap], order[0]
		}
		all = append(all, strings.Join(order, ","))
	}
	return all
}

// walls has one viewer for each wall, and measures the gateway. cpu is of the whole time.
func (b *bench) walls(ctx context.Context, g *gateway, orders []string) (result, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var ready sync.WaitGroup
	var viewers []*rig.Viewer
	var waits []func() error
	for _, order := range orders {
		ready.Add(1)
		v, wait := rig.View(ctx, fmt.Sprintf("%s/wall?cams=%s&width=1280&fps=%d", g.url, order, wallFPS), 0, nil, ready.Done)
		viewers, waits = append(viewers, v), append(waits, wait)
	}
	all := make(chan struct{})
	go func() { ready.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		return result{}, fmt.Errorf("a wall brings no picture")
	}
	time.Sleep(3 * time.Second)
	frames, bytes := sum(viewers)
	began := time.Now()
	used, err := g.Measure(ctx, b.last/2)
	if err != nil {
		return result{}, err
	}
	r := result{elapsed: time.Since(began), cpu: used.CPU}
	frames2, bytes2 := sum(viewers)
	end()
	for _, wait := range waits {
		wait() //nolint:errcheck // it was ended
	}
	r.frames = frames2 - frames
	if rate := float64(r.frames) / r.elapsed.Seconds() / float64(len(orders)); rate < 0.95*wallFPS {
		return r, fmt.Errorf("only %.1f wall frames a second of %d come: the machine has no time for what is to be measured", rate, wallFPS)
	}
	r.jpeg = (bytes2 - bytes) / r.frames
	return r, nil
}

// wireBytes compares what multipart and WebSocket put around the same pictures.
func (b *bench) wireBytes(ctx context.Context, cam *camsim.Camera) error {
	g, err := b.start(ctx, "", cam)
	if err != nil {
		return err
	}
	defer g.Stop()
	around := func(view func(context.Context, func()) (*rig.Viewer, func() error)) (per, jpeg float64, err error) {
		ctx, end := context.WithTimeout(ctx, 30*time.Second)
		defer end()
		ready := make(chan struct{})
		v, wait := view(ctx, func() { close(ready) })
		select {
		case <-ready:
		case <-ctx.Done():
			return 0, 0, fmt.Errorf("no picture: %w", wait())
		}
		frames, bytes, wire := v.Frames.Load(), v.Bytes.Load(), v.Wire.Load()
		select {
		case <-time.After(b.last / 2):
		case <-ctx.Done():
		}
		frames, bytes, wire = v.Frames.Load()-frames, v.Bytes.Load()-bytes, v.Wire.Load()-wire
		end()
		if err := wait(); err != nil || frames == 0 {
			return 0, 0, fmt.Errorf("%d pictures: %w", frames, err)
		}
		return float64(wire) / float64(frames), float64(bytes) / float64(frames), nil
	}
	multipart, picture, err := around(func(ctx context.Context, ready func()) (*rig.Viewer, func() error) {
		return rig.View(ctx, g.url+"/mjpeg/cam1?width=600", 0, isStamped, ready)
	})
	if err != nil {
		return err
	}
	ws, picture2, err := around(func(ctx context.Context, ready func()) (*rig.Viewer, func() error) {
		return rig.ViewTile(ctx, "ws"+strings.TrimPrefix(g.url, "http")+"/ws", "cam1", 600, ready)
	})
	if err != nil {
		return err
	}
	b.table.add("WebSocket's bytes, of multipart's, at equal pictures (600 wide)", fmt.Sprintf("%.4f; around a picture of %.1f KB: %.0f bytes, multipart %.0f",
		(picture+ws-picture2)/multipart, picture/1e3, ws-picture2, multipart-picture), "≤ 1.01")
	return nil
}
