package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/camera"
	"camgate/camsim"
	"camgate/camsim/stamp"
	"camgate/media"
	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
)

// The page of somebody who knows WebRTC and no library: whep.html?camera. It keeps the
// number in each picture and when it was shown, in ms since 1970, and what the data
// channel says.
func init() {
	pages["whep.html"] = `<body style="margin:0"><video id="p" muted autoplay playsinline width="640"></video><script>
	var v = document.getElementById('p'), c = document.createElement('canvas'), shown = [], states = [], connectedAt = 0, failed = '';
	c.width = 640; c.height = 360;
	function number() {
		var g = c.getContext('2d', {willReadFrequently: true}), bits = 0, cell, i, d, sum;
		g.drawImage(v, 0, 0, 640, 360);
		d = g.getImageData(0, 7, 640, 1).data;
		for (cell = 0; cell < 32; cell++) {
			i = (cell * 20 + 10) * 4;
			sum = d[i] + d[i + 1] + d[i + 2];
			bits = (bits * 2 + (sum > 384 ? 1 : 0)) % 4294967296;
		}
		i = Math.floor(bits / 256);
		sum = ((i >> 16) + (i >> 8 & 255) + (i & 255)) % 127;
		return bits % 256 === sum * 2 + 1 ? i : -1;
	}
	function seen() {
		var n = number();
		if (n >= 0) { shown.push([n, performance.timeOrigin + performance.now()]); }
		v.requestVideoFrameCallback(seen);
	}
	v.requestVideoFrameCallback(seen);
	var pc = new RTCPeerConnection(), kinds = {};
	pc.addTransceiver('video', {direction: 'recvonly'});
	pc.addTransceiver('audio', {direction: 'recvonly'});
	pc.createDataChannel('camgate').onmessage = function (e) { states.push(JSON.parse(e.data)); };
	pc.ontrack = function (e) { kinds[e.track.kind] = 1; v.srcObject = e.streams[0]; };
	pc.onconnectionstatechange = function () { if (pc.connectionState === 'connected') { connectedAt = performance.timeOrigin + performance.now(); } };
	var heard = 0;
	function codec(kind, then) {
		pc.getStats().then(function (s) {
			var found = '';
			s.forEach(function (r) {
				if (r.type === 'inbound-rtp' && r.kind === kind && r.codecId) {
					found = s.get(r.codecId).mimeType;
					if (kind === 'audio') { heard = r.packetsReceived - r.packetsDiscarded; }
				}
			});
			then(found);
		});
	}
	var session = '';
	pc.createOffer().then(function (o) { return pc.setLocalDescription(o); }).then(function () {
		return fetch('whep/' + location.search.slice(1), {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: pc.localDescription.sdp});
	}).then(function (r) {
		session = new URL(r.headers.get('Location'), r.url).href;
		return r.text().then(function (t) { if (r.status !== 201) { throw new Error(r.status + ' ' + t); } return pc.setRemoteDescription({type: 'answer', sdp: t}); });
	}).catch(function (e) { failed = String(e); });
	setInterval(function () { codec('video', function (c) { window.video = c; }); codec('audio', function (c) { window.audio = c; }); }, 200);
	</script>`
}

// serveWebRTC serves cameras by WebRTC too, and the pages of these tests.
func serveWebRTC(t *testing.T, configs ...camera.Config) *site {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "whep.html"), []byte("<!DOCTYPE html>"+pages["whep.html"]), 0o644); err != nil {
		t.Fatal(err)
	}
	return serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: dir, WebRTC: &webrtc.Options{}}, configs...)
}

// shownPicture is one that the page has seen on its <video>.
type shownPicture struct {
	n  uint32
	at time.Time
}

func (b *browser) shown() (list []shownPicture) {
	b.t.Helper()
	for _, s := range ask(b, chromedp.Evaluate[[][2]float64]("shown")) {
		list = append(list, shownPicture{uint32(s[0]), time.UnixMicro(int64(s[1] * 1000))})
	}
	return list
}

// inOrder holds that no picture was shown after a later one. The camera's film begins anew
// once in a while.
func inOrder(t *testing.T, list []shownPicture) {
	t.Helper()
	for i, p := range list[1:] {
		if back := int(list[i].n) - int(p.n); back > 0 && back < 25 {
			t.Errorf("picture %d was shown after %d", p.n, list[i].n)
		}
	}
}

// plays waits until the page shows pictures that go on.
func (b *browser) plays(within time.Duration) {
	b.t.Helper()
	b.is("pictures go on", "failed || shown.length > 25", within)
	if failed := ask(b, chromedp.Evaluate[string]("failed")); failed != "" {
		b.t.Fatal(failed)
	}
}

// TestBrowserPlaysWebRTCFromTheCachedKeyFrame: the camera has sent a key frame long ago;
// the browser shows it at once, and has caught up within a second.
func TestBrowserPlaysWebRTCFromTheCachedKeyFrame(t *testing.T) {
	o := small("cam1")
	o.Video.GOP = 100
	cam := camsimStart(t, o)
	s := serveWebRTC(t, config(t, "cam1", cam.URL()))
	sent := make(map[uint32]time.Time)
	var sending sync.Mutex
	newest := uint32(0)
	cam.OnSent(func(n uint32, at time.Time) {
		sending.Lock()
		defer sending.Unlock()
		sent[n], newest = at, n
	})
	defer cam.OnSent(nil)
	v := s.watch("/mjpeg/cam1") // keeps the camera connected
	first, _ := v.live(patient)
	n, _ := first.frame()
	go func() { // and takes its pictures
		for {
			if _, err := v.next(10 * time.Second); err != nil {
				return
			}
		}
	}()
	// The browser comes when there is much to catch up with.
	eventually(t, "two seconds behind a key frame", patient, func() bool {
		sending.Lock()
		defer sending.Unlock()
		return newest > n && newest%100 > 50 && newest%100 < 60
	})
	b := browse(t, 800, 600, "http://"+s.host+"/whep.html?cam1")
	b.plays(patient)
	b.is("it has played for a while", "shown.length > 100", patient)
	list := b.shown() // while each that is shown is also known to be sent
	cam.OnSent(nil)
	sending.Lock()
	defer sending.Unlock()
	connected := time.UnixMicro(int64(b.number("connectedAt") * 1000))
	if d := list[0].at.Sub(connected); d > 500*time.Millisecond {
		t.Errorf("the first picture was shown %v after the connection", d)
	} else {
		t.Logf("first picture shown %v after the connection: %d", d, list[0].n)
	}
	live := time.Duration(0)
	inOrder(t, list)
	for i, p := range list {
		if age := p.at.Sub(sent[p.n]); live == 0 && age < 150*time.Millisecond {
			live = p.at.Sub(list[0].at)
			t.Logf("live %v after the first picture, at picture %d of %d shown", live, i, len(list))
		}
	}
	if live == 0 || live > time.Second+slack {
		t.Errorf("it took %v from the first picture to the newest", live)
	}
	var ages []time.Duration
	for _, p := range list[len(list)-25:] {
		ages = append(ages, p.at.Sub(sent[p.n]))
	}
	slices.Sort(ages)
	t.Logf("of the last 25 pictures half were shown %v after they were sent, the latest %v", ages[12], ages[24])
	if ages[12] > 200*time.Millisecond { // a busy machine holds one back, but no delay stays
		t.Errorf("half of the pictures are shown %v late and more", ages[12])
	}
}

// TestBrowserPlaysEveryCameraOverWebRTC: as it is, or encoded anew where the browser does
// not take that.
func TestBrowserPlaysEveryCameraOverWebRTC(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*camsim.Options)
		transcoded bool
		sound      string
	}{
		{"H.264", func(o *camsim.Options) { o.Audio = media.PCMU }, false, "audio/PCMU"},
		{"B-frames", func(o *camsim.Options) { o.Video.BFrames, o.Audio = 2, media.PCMA }, true, "audio/PCMA"},
		{"H.265", func(o *camsim.Options) { o.Video.Codec, o.Audio = media.H265, media.AAC }, true, "audio/opus"},
		{"MJPEG", func(o *camsim.Options) { o.Video.Codec = media.MJPEG }, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := small("cam1")
			c.change(&o)
			cam := camsimStart(t, o)
			cfg := config(t, "cam1", cam.URL())
			cfg.Audio = true
			s := serveWebRTC(t, cfg)
			b := browse(t, 800, 600, "http://"+s.host+"/whep.html?cam1")
			b.plays(patient)
			b.is("the state is told", "states.length > 0 && states[states.length - 1].state == 'live'", patient)
			if got := b.number("states[states.length - 1].transcoded ? 1 : 0") == 1; got != c.transcoded {
				t.Errorf("transcoded: %v, want %v", got, c.transcoded)
			}
			b.is("its codec is known", "window.video", patient)
			t.Logf("the browser got %s", ask(b, chromedp.Evaluate[string]("video")))
			if c.sound != "" {
				b.is("sound comes as "+c.sound, fmt.Sprintf("window.audio == '%s' && heard > 20", c.sound), patient)
			}
			eventually(t, "a number is in the picture on the screen", patient, func() bool {
				n, ok := b.frame("#p")
				return ok && n < stamp.Numbers
			})
			inOrder(t, b.shown())
		})
	}
}

// TestBrowserIsToldThatAPictureIsOld: WebRTC by itself shows the last picture of a camera
// that is away as if it were live.
func TestBrowserIsToldThatAPictureIsOld(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serveWebRTC(t, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/whep.html?cam1")
	b.plays(patient)
	last := func(state string) string {
		return fmt.Sprintf("states.length && states[states.length - 1].state == '%s'", state)
	}
	b.is("live is told", last("live"), patient)
	b.number("window.from = states.length")
	cam.Mute(true)
	// It is offline a little later.
	b.is("stale is told", "states.slice(from).some(function (s) { return s.state == 'stale' && s.age > 1; })", 3*time.Second+slack)
	cam.Mute(false)
	b.is("live is told again", last("live"), patient)
	b.number("window.from = states.length")
	if err := cam.Reboot(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.is("that it is away is told, and why", "states.slice(from).some(function (s) { return s.state == 'offline' && s.error; })", patient)
	b.is("and that it is back", last("live"), patient)
	n := int(b.number("shown.length"))
	b.is("pictures go on in the same session", fmt.Sprintf("shown.length > %d && pc.connectionState == 'connected'", n+25), patient)
}
