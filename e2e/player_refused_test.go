package e2e

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
)

// TestPlayerAsksAFullGatewayLessAndLess is one viewer more than the gateway takes. The page's timers
// are five times as fast, then so slow that nothing comes of them.
func TestPlayerAsksAFullGatewayLessAndLess(t *testing.T) {
	t.Parallel()
	cam := config(t, "cam1", camsimStart(t, small("cam1")).URL())
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WebRTC: &webrtc.Options{}, MaxViewers: 1}, cam)
	taken, drained := s.watch("/mjpeg/cam1?width=160"), make(chan struct{})
	taken.conn.SetReadDeadline(time.Time{})
	go func() {
		defer close(drained)
		io.Copy(io.Discard, taken.body) //nolint:errcheck // it ends with its connection
	}()
	t.Cleanup(func() { taken.conn.Close(); <-drained })
	b := browse(t, 800, 500, "http://"+s.host+"/healthz")
	ask(b, chromedp.Evaluate[bool](`(function () {
		var real = window.setTimeout, open = XMLHttpRequest.prototype.open, script = document.createElement('script');
		window.speed = 5;
		window.asked = [];
		window.setTimeout = function (f, ms) { return real(f, (ms || 0) / speed); };
		XMLHttpRequest.prototype.open = function (method, url) {
			if (/whep/.test(url)) { asked.push(performance.now()); }
			return open.apply(this, arguments);
		};
		window.longest = function () {
			return 5 * Math.max.apply(null, asked.map(function (t, i) { return i ? t - asked[i - 1] : 0; }));
		};
		script.src = '/player.js';
		script.onload = function () {
			var e = document.body.appendChild(document.createElement('div'));
			e.style.cssText = 'width:320px;height:200px';
			window.player = new Camgate.Player(e, { camera: 'cam1' });
		};
		document.body.appendChild(script);
		return true;
	})()`))
	b.is("it is refused, and says why", "window.player && player.state == 'error' && /max_viewers/.test(player.reason)", patient)
	b.is("it asks less and less often", "longest() > 10e3", patient)
	if most := b.number("longest()"); most > 60e3 {
		t.Errorf("it asked nothing for %v s", most/1000)
	}
	b.is("the next time", "(window.before = window.before || asked.length) && asked.length > before && ((speed = 0.02), true)", patient)
	waits := func() {
		t.Helper()
		b.number("window.since = 0")
		b.is("it waits", "(window.since = player.state == 'error' ? since || performance.now() : 0) && performance.now() - since > 1000", patient)
	}
	online := func(what string) {
		t.Helper()
		waits()
		ask(b, chromedp.Evaluate[bool]("window.before = asked.length, dispatchEvent(new Event('online'))"))
		b.is(what, "asked.length > before", 15*time.Second)
	}
	online("with the network it asks at once")
	waits()
	const hide = "(function (yes) { Object.defineProperty(document, 'hidden', { value: yes, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); })"
	ask(b, chromedp.Evaluate[bool](hide+"(true), window.before = asked.length, dispatchEvent(new Event('online'))"))
	b.is("some time", "(window.hidden = window.hidden || performance.now()) && performance.now() - window.hidden > 1000", patient)
	if b.number("asked.length - before") != 0 {
		t.Error("it asks while nobody sees it")
	}
	ask(b, chromedp.Evaluate[bool](hide+"(false), true"))
	b.is("seen again, it asks at once", "asked.length > before", 15*time.Second)
	waits()
	taken.conn.Close()
	<-drained
	eventually(t, "there is room", patient, func() bool { return s.status("cam1").Viewers == 0 })
	ask(b, chromedp.Evaluate[bool]("dispatchEvent(new Event('online'))"))
	b.is("it is live", "player.state == 'live'", patient)
}

// TestPlayerKeepsItsPictureWhereALargerOneIsRefused has its place made larger, where the camera has
// no room for another size.
func TestPlayerKeepsItsPictureWhereALargerOneIsRefused(t *testing.T) {
	t.Parallel()
	cam := config(t, "cam1", camsimStart(t, small("cam1")).URL())
	cam.MaxRenditions = 1
	s := servePlayer(t, cam)
	b := browse(t, 1400, 900, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws,ws"}))
	place := func(width int) {
		ask(b, chromedp.Evaluate[bool](fmt.Sprintf(`document.getElementById('p').style.width = '%dpx', document.getElementById('p').style.height = '%dpx', true`, width, width*9/16+1)))
	}
	place(300)
	ask(b, chromedp.Evaluate[bool]("player.stop(), player.start(), true")) // or the larger one may have the room
	b.is("it is live", playerPath("ws")+" && player.stats().asked == 320", patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var send = WebSocket.prototype.send;
		forget();
		window.larger = 0;
		WebSocket.prototype.send = function (s) {
			if (/"width":640/.test(s)) { larger++; }
			return send.call(this, s);
		};
		return true;
	})()`))
	place(620)
	b.is("a larger picture is asked for", "larger == 1", patient)
	before := b.number("player.frames")
	b.is("the old one goes on", fmt.Sprintf("player.frames > %v + 50", before), patient)
	if b.number("disturbed().length") != 0 {
		t.Errorf("the page was told: %s", ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
	}
	b.is("it asks again after a while", "larger >= 2", patient)
}
