package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"camgate/bench/rig"
	"camgate/camsim"
)

const webrtcViewers = 20

// webrtc measures what WebRTC costs, and how soon it shows something.
func (b *bench) webrtc(ctx context.Context, cam *camsim.Camera) error {
	g, err := b.start(ctx, "on_demand = false", cam)
	if err != nil {
		return err
	}
	defer g.Stop()
	if err := b.play(ctx, "", g.Process, g.url+"/whep/cam1", "≤ 0.25 ms (MediaMTX's; go2rtc's 0.32)"); err != nil {
		return err
	}
	return b.firstDecodable(ctx, "", g.url+"/whep/cam1", "≤ 150 ms")
}

// play measures a system with WebRTC viewers of one camera, in a process of theirs.
func (b *bench) play(ctx context.Context, name string, p *rig.Process, address, goal string) error {
	players, err := rig.StartPlayers(ctx, address, webrtcViewers)
	if err != nil {
		return err
	}
	defer players.Stop()
	time.Sleep(4 * time.Second) // buffers, the collector, and what catches up with the camera
	if err := players.Keep(); err != nil {
		return err
	}
	before, err := players.Counts()
	if err != nil {
		return err
	}
	began := time.Now()
	used, err := p.Measure(ctx, b.last)
	if err != nil {
		return err
	}
	elapsed := time.Since(began)
	after, err := players.Counts()
	if err != nil {
		return err
	}
	frames := after.Frames - before.Frames
	if frames == 0 {
		return fmt.Errorf("%s: no pictures", address)
	}
	shown, err := players.Numbers()
	if err != nil {
		return err
	}
	var latency []time.Duration
	for _, s := range shown {
		at := time.Unix(0, s.At)
		if sent, ok := b.sent.Before(s.Frame, at); ok {
			latency = append(latency, at.Sub(sent))
		}
	}
	slices.Sort(latency)
	b.table.add(fmt.Sprintf("%sWebRTC, %d viewers, CPU a delivered frame", name, webrtcViewers), fmt.Sprintf("%.3f ms; %.2f ms a camera frame, %.1f %% delivered, %d lost, RSS %d MB",
		used.CPU.Seconds()*1e3/float64(frames), used.CPU.Seconds()*1e3/(elapsed.Seconds()*fps), 100*float64(frames)/(elapsed.Seconds()*fps*webrtcViewers), after.Lost-before.Lost, used.RSS>>20), goal)
	b.table.add(name+"WebRTC, latency p50, p99", ms(rig.Quantile(latency, 0.5))+", "+ms(rig.Quantile(latency, 0.99)), "")
	return nil
}

// firstDecodable measures how long after its offer a viewer has a complete key frame, at
// all phases of the GOP.
func (b *bench) firstDecodable(ctx context.Context, name, address, goal string) error {
	var times []time.Duration
	for i := range 15 {
		time.Sleep(500*time.Millisecond + time.Duration(i)*2*time.Second/15)
		d, err := firstPlayed(ctx, address)
		if err != nil {
			return err
		}
		times = append(times, d)
	}
	slices.Sort(times)
	b.table.add(name+"WebRTC, first decodable frame after the offer, camera connected (GOP 2 s), median, longest",
		fmt.Sprintf("%d ms, %d ms", times[len(times)/2].Milliseconds(), times[len(times)-1].Milliseconds()), goal)
	return nil
}

func firstPlayed(ctx context.Context, address string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	p, err := rig.Play(ctx, address, rig.PlayOptions{})
	if err != nil {
		return 0, err
	}
	defer p.Close()
	at, err := p.First(ctx)
	return at.Sub(p.Asked), err
}

// go2rtcWebRTC measures go2rtc as the gateway is measured.
func (b *bench) go2rtcWebRTC(ctx context.Context, cam *camsim.Camera) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	media, err := freeAddress()
	if err != nil {
		return err
	}
	file := filepath.Join(b.folder, "go2rtc-webrtc.yaml")
	yaml := fmt.Sprintf("api:\n  listen: %q\nrtsp:\n  listen: \"\"\nwebrtc:\n  listen: %q\n  filters:\n    loopback: true\nsrtp:\n  listen: \"\"\nlog:\n  level: error\nstreams:\n  cam1: %q\n", address, media, cam.URL())
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		return err
	}
	p, err := rig.Start(b.go2rtc, "-config", file)
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := answers(ctx, "http://"+address+"/"); err != nil {
		return err
	}
	url := "http://" + address + "/api/webrtc?src=cam1"
	if err := b.play(ctx, "go2rtc, ", p, url, ""); err != nil {
		return err
	}
	return b.firstDecodable(ctx, "go2rtc, ", url, "")
}
