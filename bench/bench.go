package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"camgate/bench/rig"
	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
)

const (
	fps     = 25
	quality = 75
	rounds  = 3 // of floor and gateway in turn: the machine's speed drifts
)

// bench holds what all measurements share.
type bench struct {
	camgate, go2rtc string
	last            time.Duration
	only            []string // parts of names; an empty one is in all
	table           table
	folder          string
	sent            rig.Sent
}

// fullHD is the camera of the main measurements: 4 Mbit/s, GOP 2 s, no B-frames.
func fullHD(name string) camsim.Options {
	return camsim.Options{Name: name, Video: decoder.VideoEncoderOptions{Width: 1920, Height: 1080, FPS: fps, GOP: 2 * fps, Bitrate: 4_000_000, Preset: "veryfast"}}
}

// step is what -only chooses by its name.
type step struct {
	name string
	do   func(context.Context, *camsim.Camera) error
}

func (b *bench) steps(peers bool) []step {
	steps := []step{
		{"cost 1080p", b.cost("1080p", 1920, 1080, 1.10)},
		{"cost 640", b.cost("640×360", 640, 360, 1.15)},
		{"viewers", b.viewers},
		{"one fps", b.oneFPS},
		{"first picture", b.firstPicture},
		{"memory", b.memory},
		{"MJPEG", b.passthrough},
		{"WebRTC", b.webrtc},
		{"bytes", b.wireBytes},
		{"wall of 4", b.wall(4)},
		{"wall of 16", b.wall(16)},
		{"terminal", b.terminal},
		{"capacity 1080p", b.capacity(8, "", "100 % on 2 cores")},
		{"capacity 1080p", b.capacity(6, "", "")},
		{"capacity 640", b.capacity(12, "?width=640", "100 % on 2 cores")},
		{"capacity 640", b.capacity(9, "?width=640", "")},
	}
	if peers {
		steps = append(steps, step{"peers", b.peers}, step{"peers WebRTC", b.go2rtcWebRTC})
	}
	return steps
}

// chosen says whether a step is to be measured.
func (b *bench) chosen(s step) bool {
	return slices.ContainsFunc(b.only, func(part string) bool {
		return strings.Contains(strings.ToLower(s.name), strings.TrimSpace(part))
	})
}

func (b *bench) run(ctx context.Context, steps []step) error {
	folder, err := os.MkdirTemp("", "camgate-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b.folder = folder
	if err := os.Mkdir(b.www(), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.www(), "terminal.html"), []byte(terminalPage), 0o600); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "encoding the camera's clip…")
	cam, err := camsim.Start(ctx, fullHD("cam1"))
	if err != nil {
		return err
	}
	defer cam.Close()
	cam.OnSent(b.sent.Add)
	var failed []error // the others are worth their minutes all the same
	for _, s := range steps {
		if !b.chosen(s) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring:", s.name)
		if err := s.do(ctx, cam); err != nil {
			b.table.add(s.name, "not measured: "+err.Error(), "")
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// www is the folder of the pages that the gateway serves.
func (b *bench) www() string { return filepath.Join(b.folder, "www") }

// gateway is a camgate that serves cameras.
type gateway struct {
	*rig.Process
	url string
}

// start runs the gateway on cameras, with more lines for each camera's table.
func (b *bench) start(ctx context.Context, more string, cams ...*camsim.Camera) (*gateway, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	var config strings.Builder
	fmt.Fprintf(&config, "[http]\nlisten = %q\nwww = %q\n[webrtc]\nlisten = \"127.0.0.1:0\"\n", address, b.www())
	for _, c := range cams {
		fmt.Fprintf(&config, "[[camera]]\nname = %q\nsource = %q\ntransport = \"tcp\"\n%s\n", c.Name(), c.URL(), more)
	}
	file := filepath.Join(b.folder, "config.toml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return nil, err
	}
	p, err := rig.Start(b.camgate, "serve", "--config", file)
	if err != nil {
		return nil, err
	}
	g := &gateway{Process: p, url: "http://" + address}
	if err := answers(ctx, g.url+"/healthz"); err != nil {
		p.Stop()
		return nil, fmt.Errorf("%w: %s", err, p.Output())
	}
	return g, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// answers waits until a URL does.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			answer.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// result is what one run with some viewers showed.
type result struct {
	cpu       time.Duration // a camera frame
	delivered time.Duration // a delivered frame
	latency   []time.Duration
	jpeg      int // bytes, mean
	frames    int // delivered
	rss       int
	elapsed   time.Duration
}

// load has n viewers of a URL watch a system for b.last and measures it.
func (b *bench) load(ctx context.Context, p *rig.Process, url string, n, keep int, sent *rig.Sent) (result, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var ready sync.WaitGroup
	viewers := make([]*rig.Viewer, n)
	waits := make([]func() error, n)
	for i := range n {
		ready.Add(1)
		k := 0
		if i == 0 {
			k = keep + 2*fps
		}
		viewers[i], waits[i] = rig.View(ctx, url, k, isStamped, ready.Done)
	}
	all := make(chan struct{})
	go func() { ready.Wait(); close(all) }()
	failed := make(chan error, n)
	for _, wait := range waits {
		go func() { failed <- wait() }()
	}
	select {
	case <-all:
	case err := <-failed:
		return result{}, fmt.Errorf("a viewer of %s: %w", url, err)
	case <-time.After(30 * time.Second):
		return result{}, fmt.Errorf("%s brings no picture", url)
	}
	time.Sleep(2 * time.Second) // caches, buffers, the collector
	frames, bytes := sum(viewers)
	began := time.Now()
	used, err := p.Measure(ctx, b.last)
	if err != nil {
		return result{}, err
	}
	elapsed := time.Since(began)
	frames2, bytes2 := sum(viewers)
	end()
	for range waits {
		<-failed
	}
	r := result{frames: frames2 - frames, rss: used.RSS, elapsed: elapsed}
	if r.frames == 0 {
		return r, fmt.Errorf("%s: no pictures", url)
	}
	r.cpu = time.Duration(float64(used.CPU) / (elapsed.Seconds() * fps))
	r.delivered = used.CPU / time.Duration(r.frames)
	r.jpeg = (bytes2 - bytes) / r.frames
	if keep > 0 {
		r.latency, err = viewers[0].Latencies(sent.Before)
	}
	return r, err
}

func sum(viewers []*rig.Viewer) (frames, bytes int) {
	for _, v := range viewers {
		frames += int(v.Frames.Load())
		bytes += int(v.Bytes.Load())
	}
	return frames, bytes
}

// floor runs the floor in a process of its own.
func (b *bench) floor(ctx context.Context, cam *camsim.Camera, width, height int) (least rig.Least, err error) {
	file := filepath.Join(b.folder, "clip")
	if _, err := os.Stat(file); err != nil {
		if err := rig.Record(ctx, cam.URL(), 2*2*fps, file); err != nil {
			return least, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return least, err
	}
	frames := int(b.last.Seconds()) * fps
	out, err := exec.CommandContext(ctx, self, "-floor", file, strconv.Itoa(width), strconv.Itoa(height), strconv.Itoa(quality), strconv.Itoa(fps), strconv.Itoa(frames)).Output()
	if err != nil {
		return least, err
	}
	return least, json.Unmarshal(out, &least)
}

// cost measures one viewer of one size against the floor, in turn.
func (b *bench) cost(name string, width, height int, goal float64) func(context.Context, *camsim.Camera) error {
	return func(ctx context.Context, cam *camsim.Camera) error {
		g, err := b.start(ctx, "", cam)
		if err != nil {
			return err
		}
		defer g.Stop()
		var floors, slowest, costs []time.Duration
		var ratios []float64
		var latency []time.Duration
		var last result
		for range rounds {
			floor, err := b.floor(ctx, cam, width, height)
			if err != nil {
				return err
			}
			r, err := b.load(ctx, g.Process, fmt.Sprintf("%s/mjpeg/cam1?width=%d", g.url, width), 1, 10*fps, &b.sent)
			if err != nil {
				return err
			}
			floors, slowest, costs = append(floors, floor.CPU), append(slowest, floor.P99), append(costs, r.cpu)
			ratios = append(ratios, float64(r.cpu)/float64(floor.CPU))
			latency = append(latency, r.latency...)
			last = r
		}
		slices.Sort(floors)
		slices.Sort(slowest)
		slices.Sort(costs)
		slices.Sort(ratios)
		slices.Sort(latency)
		floor := floors[len(floors)/2]
		b.table.add(name+", floor (decode, colour, scale, JPEG; one thread, paced)", ms(floor), "")
		b.table.add(name+", CPU a frame, 1 viewer", ms(costs[len(costs)/2]), "")
		b.table.add(name+", ratio to the floor: median of "+strconv.Itoa(rounds)+" pairs, least to most",
			fmt.Sprintf("%.3f (%.3f–%.3f)", ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1]), fmt.Sprintf("≤ %.2f", goal))
		p50, p99 := rig.Quantile(latency, 0.5), rig.Quantile(latency, 0.99)
		b.table.add(name+", latency p50", ms(p50), "≤ "+ms(floor+3*time.Millisecond)+" (floor + 3 ms)")
		b.table.add(name+", latency p99", fmt.Sprintf("%s; the floor's own, decode and JPEG of key frames: %s", ms(p99), ms(slowest[len(slowest)/2])), "≤ "+ms(2*p50)+" (2 × p50)")
		b.table.add(name+", JPEG; frames delivered of those sent", fmt.Sprintf("%d KB; %.1f %%", last.jpeg/1000,
			100*float64(last.frames)/(last.elapsed.Seconds()*fps)), "")
		return nil
	}
}

// isStamped says whether a picture shows the camera, and no notice.
func isStamped(jpeg []byte) bool { return rig.Stamped(jpeg) }

func (b *bench) viewers(ctx context.Context, cam *camsim.Camera) error {
	g, err := b.start(ctx, "", cam)
	if err != nil {
		return err
	}
	defer g.Stop()
	var one result
	for _, n := range []int{1, 50, 200} {
		r, err := b.load(ctx, g.Process, g.url+"/mjpeg/cam1?width=960", n, 0, nil)
		if err != nil {
			return err
		}
		if n == 1 {
			one = r
		}
		value := fmt.Sprintf("%s a camera frame, JPEG %d KB, %.1f %% delivered", ms(r.cpu), r.jpeg/1000, 100*float64(r.frames)/(r.elapsed.Seconds()*fps*float64(n)))
		goal := ""
		if n > 1 {
			further := time.Duration(float64(r.cpu-one.cpu) / float64(n-1))
			value += fmt.Sprintf("; each further viewer %.4f ms a frame", float64(further.Nanoseconds())/1e6)
			goal = "half of go2rtc's"
		}
		b.table.add(fmt.Sprintf("%d viewers of one rendition (960 wide)", n), value, goal)
	}
	return nil
}

func (b *bench) oneFPS(ctx context.Context, cam *camsim.Camera) error {
	g, err := b.start(ctx, "", cam)
	if err != nil {
		return err
	}
	defer g.Stop()
	full, err := b.load(ctx, g.Process, g.url+"/mjpeg/cam1", 1, 0, nil)
	if err != nil {
		return err
	}
	slow, err := b.load(ctx, g.Process, g.url+"/mjpeg/cam1?fps=1", 1, 0, nil)
	if err != nil {
		return err
	}
	least, err := b.floor(ctx, cam, 1920, 1080)
	if err != nil {
		return err
	}
	b.table.add("one viewer at 1 fps, GOP 2 s, of the full cost", fmt.Sprintf("%.1f %%; decode and JPEG of the key frames alone, in one thread: %.1f %%",
		100*float64(slow.cpu)/float64(full.cpu), 100*float64(least.Key)/(2*fps)/float64(full.cpu)), "≤ 5 %")
	return nil
}

func (b *bench) memory(ctx context.Context, cam *camsim.Camera) error {
	g, err := b.start(ctx, "", cam)
	if err != nil {
		return err
	}
	defer g.Stop()
	r, err := b.load(ctx, g.Process, g.url+"/mjpeg/cam1", 10, 0, nil)
	if err != nil {
		return err
	}
	b.table.add("memory, one 1080p camera, 10 viewers", fmt.Sprintf("%d MB", r.rss>>20), "≤ 60 MB")
	return nil
}

func (b *bench) passthrough(ctx context.Context, _ *camsim.Camera) error {
	cam, err := camsim.Start(ctx, camsim.Options{Name: "cam1", Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 1920, Height: 1080, FPS: fps, GOP: fps}})
	if err != nil {
		return err
	}
	defer cam.Close()
	g, err := b.start(ctx, "", cam)
	if err != nil {
		return err
	}
	defer g.Stop()
	r, err := b.load(ctx, g.Process, g.url+"/mjpeg/cam1", 1, 0, nil)
	if err != nil {
		return err
	}
	b.table.add("MJPEG camera 1080p, size unchanged, CPU a frame", fmt.Sprintf("%s, JPEG %d KB", ms(r.cpu), r.jpeg/1000), "no decode, no encode")
	return nil
}

// capacity has n cameras watched at once.
func (b *bench) capacity(n int, query, goal string) func(context.Context, *camsim.Camera) error {
	return func(ctx context.Context, _ *camsim.Camera) error {
		var cams []*camsim.Camera
		for i := range n {
			cam, err := camsim.Start(ctx, fullHD("cam"+strconv.Itoa(i+1)))
			if err != nil {
				return err
			}
			defer cam.Close()
			cams = append(cams, cam)
		}
		g, err := b.start(ctx, "", cams...)
		if err != nil {
			return err
		}
		defer g.Stop()
		watch, end := context.WithCancel(ctx)
		var viewers []*rig.Viewer
		var waits []func() error
		var ready sync.WaitGroup
		for _, c := range cams {
			ready.Add(1)
			v, wait := rig.View(watch, g.url+"/mjpeg/"+c.Name()+query, 0, nil, ready.Done)
			viewers, waits = append(viewers, v), append(waits, wait)
		}
		ready.Wait()
		time.Sleep(3 * time.Second)
		before, _ := sum(viewers)
		began := time.Now()
		used, err := g.Measure(ctx, b.last)
		elapsed := time.Since(began)
		after, _ := sum(viewers)
		end()
		for _, wait := range waits {
			wait() //nolint:errcheck // it was ended
		}
		if err != nil {
			return err
		}
		size := "full size"
		if query != "" {
			size = "640×360"
		}
		b.table.add(fmt.Sprintf("%d cameras 1080p25 at %s", n, size), fmt.Sprintf("%.1f %% of the frames delivered, %.2f cores", 100*float64(after-before)/(elapsed.Seconds()*fps*float64(n)),
			used.CPU.Seconds()/elapsed.Seconds()), goal)
		return nil
	}
}
