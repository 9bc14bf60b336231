package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"camgate/bench/rig"
	"camgate/camsim"
)

// peer is another program that shows the camera as multipart JPEG.
type peer struct {
	name    string
	command []string
	url     string
	viewers []int
}

// peers measures go2rtc and Motion as camgate is measured.
func (b *bench) peers(ctx context.Context, cam *camsim.Camera) error {
	var all []peer
	if p, err := b.go2rtcPeers(cam); err != nil {
		b.table.add("go2rtc", "not measured: "+err.Error(), "")
	} else {
		all = append(all, p...)
	}
	if p, err := b.motionPeer(cam); err != nil {
		b.table.add("Motion", "not measured: "+err.Error(), "")
	} else {
		all = append(all, p)
	}
	for _, p := range all {
		if err := b.measurePeer(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (b *bench) measurePeer(ctx context.Context, p peer) error {
	process, err := rig.Start(p.command[0], p.command[1:]...)
	if err != nil {
		return err
	}
	defer process.Stop()
	if err := answers(ctx, p.url[:strings.Index(p.url[8:], "/")+8]); err != nil {
		return err
	}
	first, err := firstOf(ctx, p.url)
	if err != nil {
		return err
	}
	var one result
	for _, n := range p.viewers {
		r, err := b.load(ctx, process, p.url, n, 10*fps, &b.sent)
		if err != nil {
			return err
		}
		value := fmt.Sprintf("%s a camera frame, JPEG %d KB, latency p50 %s, p99 %s, first picture %d ms, RSS %d MB", ms(r.cpu), r.jpeg/1000,
			ms(rig.Quantile(r.latency, 0.5)), ms(rig.Quantile(r.latency, 0.99)), first.Milliseconds(), r.rss>>20)
		if n == 1 {
			one = r
		} else {
			further := time.Duration(float64(r.cpu-one.cpu) / float64(n-1))
			value += fmt.Sprintf(", each further viewer %.4f ms a frame", float64(further.Nanoseconds())/1e6)
		}
		b.table.add(fmt.Sprintf("%s, %d viewers", p.name, n), value, "")
	}
	return nil
}

func (b *bench) go2rtcPeers(cam *camsim.Camera) ([]peer, error) {
	if _, err := os.Stat(b.go2rtc); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return nil, err
	}
	var all []peer
	for _, size := range []struct {
		name, option string
		viewers      []int
	}{{"1080p", "", []int{1, 50, 200}}, {"640 wide", "#width=640", []int{1}}} {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		file := filepath.Join(b.folder, "go2rtc-"+size.name[:3]+".yaml")
		yaml := fmt.Sprintf("api:\n  listen: %q\nrtsp:\n  listen: \"127.0.0.1:0\"\nwebrtc:\n  listen: \"\"\nsrtp:\n  listen: \"\"\nlog:\n  level: error\nstreams:\n  cam1: \"ffmpeg:%s#video=mjpeg%s\"\n", address, cam.URL(), size.option)
		if rtsp, err := freeAddress(); err == nil {
			yaml = strings.Replace(yaml, "127.0.0.1:0", rtsp, 1)
		}
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			return nil, err
		}
		all = append(all, peer{name: "go2rtc + ffmpeg, MJPEG " + size.name, command: []string{b.go2rtc, "-config", file},
			url: "http://" + address + "/api/stream.mjpeg?src=cam1", viewers: size.viewers})
	}
	return all, nil
}

func (b *bench) motionPeer(cam *camsim.Camera) (peer, error) {
	if _, err := exec.LookPath("motion"); err != nil {
		return peer{}, err
	}
	address, err := freeAddress()
	if err != nil {
		return peer{}, err
	}
	port := address[strings.LastIndexByte(address, ':')+1:]
	file := filepath.Join(b.folder, "motion.conf")
	conf := fmt.Sprintf("daemon off\nlog_level 3\nnetcam_url %s\nnetcam_params keepalive=force,rtsp_transport=tcp\nwidth 1920\nheight 1080\nframerate 25\n"+
		"stream_port %s\nstream_localhost on\nstream_quality 75\nstream_maxrate 100\nstream_motion off\npicture_output off\nmovie_output off\npause on\ntext_left \ntext_right \nwebcontrol_port 0\ntarget_dir %s\n",
		cam.URL(), port, b.folder)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return peer{}, err
	}
	return peer{name: "Motion, MJPEG 1080p, quality 75", command: []string{"motion", "-n", "-c", file}, url: "http://" + address + "/", viewers: []int{1}}, nil
}
