package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"camgate/bench/rig"
	"camgate/camsim"
)

// Four panels of a terminal, two in a row, as large as those of NUMBERS.md's measurement.
const (
	panels      = 4
	panelWidth  = 600
	panelHeight = 340
)

// terminalPage shows four cameras, in the way that its address tells behind the question
// mark. shown tells how many pictures a second are on the screen, of the slowest panel;
// looking costs time: it is for afterwards.
const terminalPage = `<!DOCTYPE html><body style="margin:0;background:#000;overflow:hidden"><script src="player.js"></script><script>
var how = location.search.slice(1), players = [], width = 600, height = 340, fps = 25;
if (how == 'wall10') { how = 'wall'; fps = 10; }
function place(tag, w, h) {
	var e = document.body.appendChild(document.createElement(tag));
	e.style.cssText = 'float:left;width:' + w + 'px;height:' + h + 'px';
	return e;
}
if (how == 'wall') {
	place('img', 2 * width, 2 * height).src = '/wall?cams=cam1,cam2,cam3,cam4&cols=2&fps=' + fps + '&width=' + 2 * width;
}
for (var i = 1; i <= 4 && how != 'wall'; i++) {
	if (how == 'full') { place('img', width, height).src = '/mjpeg/cam' + i; }
	else if (how == 'wide') { place('img', width, height).src = '/mjpeg/cam' + i + '?width=' + width; }
	else { players.push(new Camgate.Player(place('div', width, height), { camera: 'cam' + i, path: how + ',' + how, width: width, fit: 'fill' })); }
}
function pictures() {
	return [].filter.call(document.querySelectorAll('img, video'), function (e) { return e.offsetWidth > 100 && getComputedStyle(e).visibility == 'visible'; });
}
function ready() {
	return pictures().length == (how == 'wall' ? 1 : 4) && pictures().every(function (e) { return e.naturalWidth || e.videoWidth; }) &&
		players.every(function (p) { return p.state == 'live' && p.path == how; });
}
function shown(seconds) {
	var canvas = document.createElement('canvas'), pen = canvas.getContext('2d', { willReadFrequently: true }), last = [], counts = [], began = performance.now();
	canvas.width = 64;
	canvas.height = 8;
	return new Promise(function (done) {
		(function look() {
			pictures().forEach(function (e, i) {
				// The frame number is burnt into the first rows: a 24th of the picture, or of the wall's tiles.
				pen.drawImage(e, 0, 0, e.naturalWidth || e.videoWidth, (e.naturalHeight || e.videoHeight) / (how == 'wall' ? 48 : 24), 0, 0, 64, 8);
				var now = [].map.call(pen.getImageData(0, 3, 64, 1).data, function (v) { return v > 128 ? 1 : 0; }).join('');
				if (now !== last[i]) { last[i] = now; counts[i] = (counts[i] || 0) + 1; }
			});
			if (performance.now() - began < seconds * 1000) { return requestAnimationFrame(look); }
			done(Math.min.apply(null, counts) / seconds);
		})();
	});
}
</script>`

// terminal measures Chromium's CPU for four cameras, by each way there is.
func (b *bench) terminal(ctx context.Context, cam *camsim.Camera) error {
	cams, end, err := further(ctx, cam, panels)
	defer end()
	if err != nil {
		return err
	}
	g, err := b.start(ctx, "", cams...)
	if err != nil {
		return err
	}
	defer g.Stop()
	full := 0.0
	for _, way := range []struct{ how, name string }{
		{"full", "multipart, full size"},
		{"wide", "multipart, 600 wide"},
		{"ws", "WebSocket (the player), 600 wide"},
		{"webrtc", "WebRTC (the player)"},
		{"wall", "one wall of 1200 × 680 at 25 fps"},
		{"wall10", "one wall of 1200 × 680 at 10 fps, as walls are"},
	} {
		share, gateways, shown, err := b.panel(ctx, g, way.how)
		if err != nil {
			b.table.add("terminal, "+way.name, "not measured: "+err.Error(), "")
			continue
		}
		value := fmt.Sprintf("%.0f %% of a core; %.1f pictures a second on the screen; the gateway %.0f %%", 100*share, shown, 100*gateways)
		goal := ""
		if way.how == "full" {
			full = share
		} else if full > 0 {
			value += fmt.Sprintf("; %.2f of full size", share/full)
			goal = "one of these ≤ 20 % where full size takes 57 % (≤ 0.35 of it)"
		}
		b.table.add("terminal, four cameras 1080p25 at 600×340, "+way.name, value, goal)
	}
	return nil
}

// panel measures one way, in a Chromium of its own.
// share and gateways are the cores that it and the gateway take.
func (b *bench) panel(ctx context.Context, g *gateway, how string) (share, gateways, shown float64, err error) {
	browser, err := rig.Browse(ctx, filepath.Join(b.folder, "chromium-"+how), g.url+"/terminal.html?"+how, 2*panelWidth, 2*panelHeight)
	if err != nil {
		return 0, 0, 0, err
	}
	defer browser.Stop()
	if err := browser.Until(ctx, "ready()"); err != nil {
		return 0, 0, 0, err
	}
	time.Sleep(5 * time.Second) // what a browser does after its start
	before, err := g.Usage()
	if err != nil {
		return 0, 0, 0, err
	}
	began := time.Now()
	used, err := browser.Measure(ctx, b.last*3/4)
	if err != nil {
		return 0, 0, 0, err
	}
	elapsed := time.Since(began).Seconds()
	after, err := g.Usage()
	if err != nil {
		return 0, 0, 0, err
	}
	stamped, err := browser.Stamped(2, 2, panelWidth, panelHeight)
	if err != nil {
		return 0, 0, 0, err
	}
	if stamped != panels {
		return 0, 0, 0, fmt.Errorf("of %d panels, %d show their camera", panels, stamped)
	}
	err = browser.Evaluate("shown(4)", &shown)
	return used.CPU.Seconds() / elapsed, (after.CPU - before.CPU).Seconds() / elapsed, shown, err
}

// further is cam and enough more like it to be n. end ends the others.
func further(ctx context.Context, cam *camsim.Camera, n int) (cams []*camsim.Camera, end func(), err error) {
	cams = []*camsim.Camera{cam}
	end = func() {
		for _, c := range cams[1:] {
			c.Close()
		}
	}
	for len(cams) < n {
		c, err := camsim.Start(ctx, fullHD("cam"+strconv.Itoa(len(cams)+1)))
		if err != nil {
			return cams, end, err
		}
		cams = append(cams, c)
	}
	return cams, end, nil
}
