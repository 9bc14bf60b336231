package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/outputs/httpd"
	"camgate/outputs/wall"
	"camgate/outputs/webrtc"
)

// Pages of people who make pages: what they do with the player, and what their browsers lack.
func init() {
	pages["early.html"] = `<html lang="en"><body style="margin:0"><script>delete IntersectionObserverEntry.prototype.isIntersecting;</script>
	<script src="player.js"></script><div id="p" style="width:640px;height:360px"></div>
	<script>var player = new Camgate.Player(document.getElementById('p'), { camera: 'cam1', path: 'ws' });</script>`
	pages["2012.html"] = `<html lang="en"><body style="margin:0"><script>
		['Promise', 'WebSocket', 'fetch', 'Blob', 'RTCPeerConnection', 'IntersectionObserver', 'customElements', 'Reflect', 'CustomEvent', 'btoa'].forEach(function (k) { window[k] = undefined; });
	</script><script src="player.js"></script><div id="p" style="width:640px;height:360px"></div>
	<script>var player = new Camgate.Player(document.getElementById('p'), { camera: 'cam1', path: location.search.slice(1), controls: true, stats: true });</script>`
	pages["strict.html"] = `<html lang="en"><head><meta http-equiv="Content-Security-Policy" content="img-src 'self'"></head><body style="margin:0"><script src="player.js"></script>
	<div id="p" style="width:640px;height:360px"></div><script>var player = new Camgate.Player(document.getElementById('p'), { camera: 'cam1', path: 'ws' });</script>`
	pages["template.html"] = `<html lang="en"><head><script src="player.js"></script></head><body style="margin:0">
	<template id="one"><figure><camgate-player style="width:400px;height:300px"></camgate-player></figure></template><script>
		function one(camera) {
			var all = document.importNode(document.getElementById('one').content, true);
			all.querySelector('camgate-player').setAttribute('camera', camera);
			return all;
		}
		var unused = one('cam2');
		document.body.appendChild(one('cam1'));
		var p = document.querySelector('camgate-player');
	</script>`
}

// TestPlayerInChromium51 is a browser that tells how much of an element is seen, and not whether.
func TestPlayerInChromium51(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/early.html")
	b.is("it is live", playerLive, patient)
	ask(b, chromedp.Evaluate[bool](`document.getElementById('p').style.marginTop = '5000px', true`))
	b.is("what is scrolled away rests", "player.state == 'paused'", patient)
	ask(b, chromedp.Evaluate[bool](`document.getElementById('p').style.marginTop = '0', true`))
	b.is("it is live again", playerLive, patient)
}

// TestPageThatForbidsImagesOfScripts has the pictures over HTTP.
func TestPageThatForbidsImagesOfScripts(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/strict.html")
	b.is("it is live", playerPath("mjpeg"), patient)
}

// TestElementFromATemplate gets its camera before it is in the page.
func TestElementFromATemplate(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()), config(t, "cam2", cam.URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/template.html")
	b.is("it is live", "p.state == 'live'", patient)
	b.is("it is in its place", `(function (own, picture) {
		return own.width == 400 && own.height == 300 && picture.left == own.left && picture.top == own.top && picture.width == 400 && picture.height == 300;
	})(p.getBoundingClientRect(), p.firstChild.getBoundingClientRect())`, patient)
	b.is("what is not in the page is no player", "!unused.querySelector('camgate-player').player", patient)
}

// TestPageChangesThePlayerWhenItIsTold shows another camera once the player says that there is none.
func TestPageChangesThePlayerWhenItIsTold(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "nobody", "path": "snapshot"}))
	b.is("there is none", "player.state == 'error'", patient)
	ask(b, chromedp.Evaluate[bool](`document.getElementById('p').addEventListener('camgate-state', function (e) {
		if (e.detail.state == 'error') { player.set({ camera: 'cam1' }); }
	}), player.set({ path: 'ws' }), true`))
	b.is("the other is live", "player.camera == 'cam1' && "+playerLive, patient)
	b.is("and goes on", "player.frames > 50", patient)
	eventually(t, "one player watches once", patient, func() bool { return s.status("cam1").Viewers == 1 })
}

// TestDestroyedPlayerAsksNothing ends it once it says that the gateway is away.
func TestDestroyedPlayerAsksNothing(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	b := watchPlayer(t, d, map[string]any{"path": "snapshot"})
	b.is("it is live", playerPath("snapshot"), patient)
	ask(b, chromedp.Evaluate[bool](`document.getElementById('p').addEventListener('camgate-state', function (e) {
		if (e.detail.state == 'error') { player.destroy(); window.ended = performance.now(); }
	}), true`))
	d.block(0, "/snapshot", "/favicon.svg", "/ws")
	b.is("it is destroyed", "window.ended", patient)
	asked := func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.asked["favicon.svg"] + d.asked["ws"] }
	before := asked()
	b.is("some time", "performance.now() - ended > 12000", patient)
	if n := asked() - before; n > 1 { // one was under way
		t.Errorf("the gateway was asked %d times after that", n)
	}
}

// TestStillsFromAnotherPort has a page whose address is the beginning of the gateway's.
func TestStillsFromAnotherPort(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	var near, far net.Listener
	for port := 2000; port < 6000 && far == nil; port++ {
		var err error
		if near, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err != nil {
			continue
		}
		if far, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)+"7"); err != nil {
			near.Close()
		}
	}
	if far == nil {
		t.Fatal("no two ports are free")
	}
	far.Close()
	s := serveWith(t, httpd.Config{Listen: far.Addr().String(), WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()))
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><body style="margin:0"><script src="http://%s/player.js"></script>
			<camgate-player id="p" camera="cam1" path="snapshot" style="width:640px"></camgate-player>
			<script>var player = document.getElementById('p').player;</script>`, s.host)
	}))
	site.Listener.Close()
	site.Listener = near
	site.Start()
	t.Cleanup(site.Close)
	b := browse(t, 800, 500, site.URL+"/")
	b.is("it shows stills", playerPath("snapshot")+" && player.frames > 2", patient)
}

// slowDoor is a gateway whose API takes long to answer, or whose streams take long to begin.
func slowDoor(t *testing.T, host string, after time.Duration, path string) (*httptest.Server, func(path, width string) int) {
	t.Helper()
	d := doorTo(t, host)
	count := map[string]int{}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		count[r.URL.Path+" "+r.URL.Query().Get("width")]++
		d.mu.Unlock()
		if strings.HasPrefix(r.URL.Path, path) {
			wait := time.NewTimer(after)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-r.Context().Done():
				return
			}
		}
		d.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { slow.CloseClientConnections(); slow.Close() })
	return slow, func(path, width string) int { d.mu.Lock(); defer d.mu.Unlock(); return count[path+" "+width] }
}

// TestEachMultipartPictureIsAskedFor has two of them, where the API takes more than a second.
func TestEachMultipartPictureIsAskedFor(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam2"))
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()), config(t, "cam2", cam.URL()))
	slow, _ := slowDoor(t, s.host, 1200*time.Millisecond, "/api/cameras/")
	b := browse(t, 800, 500, playerPage(slow.Listener.Addr().String(), map[string]any{"camera": "cam1", "path": "mjpeg"}))
	b.is("the one is live", playerPath("mjpeg"), patient)
	ask(b, chromedp.Evaluate[bool](`(function (e) {
		e.style.cssText = 'width:320px;height:200px';
		window.other = new Camgate.Player(e, { camera: 'cam2', path: 'mjpeg' });
	})(document.body.appendChild(document.createElement('div'))), true`))
	b.is("so is the other", "other.state == 'live' && other.path == 'mjpeg'", patient)
	if err := cam.Reboot(15 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.is("whose camera is away", "other.state == 'offline'", 12*time.Second+slack)
	b.is("the one is live all the while", playerPath("mjpeg")+" && !states.some(function (s) { return s.state == 'offline'; })", patient)
}

// TestMultipartOnAnotherSiteDoesNotLookLive has two pictures, which that page may not look at, stand still.
func TestMultipartOnAnotherSiteDoesNotLookLive(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	line := freezer(t, s.host)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><body style="margin:0"><script src="http://%s/player.js"></script>
			<camgate-player camera="cam1" path="mjpeg,mjpeg" style="width:320px"></camgate-player>
			<camgate-player camera="cam1" path="mjpeg,mjpeg" style="width:320px"></camgate-player>
			<script>var all = [].slice.call(document.querySelectorAll('camgate-player'));</script>`, line.Addr())
	}))
	t.Cleanup(site.Close)
	b := browse(t, 800, 500, site.URL+"/")
	b.is("both are live", "all.every(function (p) { return p.state == 'live'; })", patient)
	line.freeze(true)
	b.is("none looks live", "all.every(function (p) { return p.state != 'live'; })", 5*time.Second+slack)
	line.freeze(false)
	b.is("both are live again", "all.every(function (p) { return p.state == 'live'; })", 10*time.Second+slack)
}

// TestPlayerIsResizedTwice makes its place larger while the smaller picture is still on its way.
func TestPlayerIsResizedTwice(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video.Width, o.Video.Height = 1280, 720
	o.Video.FPS, o.Video.GOP = 10, 10
	s := servePlayer(t, config(t, "cam1", camsimStart(t, o).URL()))
	slow, asked := slowDoor(t, s.host, 3*time.Second, "/mjpeg/")
	b := browse(t, 1400, 900, playerPage(slow.Listener.Addr().String(), map[string]any{"camera": "cam1", "path": "mjpeg"}))
	b.is("it is live", playerPath("mjpeg"), patient)
	place := func(width int) {
		ask(b, chromedp.Evaluate[bool](fmt.Sprintf(`document.getElementById('p').style.width = '%dpx', document.getElementById('p').style.height = '%dpx', true`, width, width*9/16+1)))
	}
	place(300)
	eventually(t, "the small picture is asked for", patient, func() bool { return asked("/mjpeg/cam1", "320") > 0 })
	place(900)
	b.is("the large one is shown", "player.frame().width == 960", patient)
}

// TestSilentGatewayIsAskedByHTTPToo is a network where WebSockets never get an answer, and a gateway
// that is away for long. The page's clock runs twenty times as fast.
func TestSilentGatewayIsAskedByHTTPToo(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	b := browse(t, 800, 500, "http://"+d.host()+"/healthz")
	d.block(0, "/snapshot", "/favicon.svg", "/ws")
	ask(b, chromedp.Evaluate[bool](`(function () {
		var real = window.setTimeout, now = performance.now.bind(performance), script = document.createElement('script');
		window.setTimeout = function (f, ms) { return real(f, (ms || 0) / 20); };
		performance.now = function () { return 20 * now(); };
		window.asked = [];
		window.WebSocket = function () { this.close = function () {}; };
		window.Image = function () {
			this.removeAttribute = function () {};
			Object.defineProperty(this, 'src', { set: function () { asked.push(performance.now()); } });
		};
		script.src = '/player.js';
		script.onload = function () {
			var e = document.body.appendChild(document.createElement('div'));
			e.style.cssText = 'width:320px;height:200px';
			window.player = new Camgate.Player(e, { camera: 'cam1', path: 'snapshot' });
		};
		document.body.appendChild(script);
		return true;
	})()`))
	b.is("ten minutes", "window.asked && asked.length && performance.now() - asked[0] > 600e3", patient)
	if longest := b.number("Math.max.apply(null, asked.concat(performance.now()).map(function (t, i) { return i ? t - asked[i - 1] : 0; }))"); longest > 180e3 {
		t.Errorf("the gateway was not asked for %v s", longest/1000)
	}
}

// TestSoundIsSwitchedTwice does so before the first change has come.
func TestSoundIsSwitchedTwice(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "webrtc", "controls": true}))
	b.is("it is live", playerPath("webrtc"), patient)
	const button = "document.querySelector('#p button')"
	const silent = "[].every.call(document.querySelectorAll('#p video'), function (v) { return v.muted; }) && document.querySelectorAll('#p video').length == 1"
	b.do(chromedp.Click(chromedp.CSS("#p button"))) // by a hand: without, browsers let no page sound
	ask(b, chromedp.Evaluate[bool](button+".click(), window.clicked = performance.now(), true"))
	b.is("the button is that for sound", button+".getAttribute('aria-label') == 'Sound on'", patient)
	b.is("it is live without sound", "performance.now() - clicked > 3000 && "+playerPath("webrtc")+" && "+silent, patient)
	ask(b, chromedp.Evaluate[bool](button+".click(), true"))
	b.is("there is sound", "![].every.call(document.querySelectorAll('#p video'), function (v) { return v.muted; }) && document.querySelectorAll('#p video').length == 1", patient)
	ask(b, chromedp.Evaluate[bool]("player.set({ muted: true }), true"))
	b.is("no sound at all", silent, patient)
}

// TestSoundIsWhatItsButtonSays switches it where the gateway has no further session.
func TestSoundIsWhatItsButtonSays(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	b := watchPlayer(t, d, map[string]any{"path": "webrtc"})
	b.is("it is live", playerPath("webrtc"), patient)
	const button = "document.querySelector('#p button')"
	const silent = "[].every.call(document.querySelectorAll('#p video'), function (v) { return v.muted; }) && document.querySelectorAll('#p video').length == 1"
	sessions := func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.asked["whep"] }
	before := sessions()
	d.block(503, "/whep/")
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	eventually(t, "a session with sound is asked for", patient, func() bool { return sessions() > before })
	b.is("there is none, and the button offers it", silent+" && "+button+".getAttribute('aria-label') == 'Sound on' && "+playerPath("webrtc"), patient)
	d.unblock()
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	b.is("there is sound", "!("+silent+") && document.querySelectorAll('#p video').length == 1 && "+button+".getAttribute('aria-label') == 'Sound off'", patient)
	d.block(503, "/whep/")
	before = sessions()
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	b.is("none any more", silent, patient)
	eventually(t, "a session without sound is asked for", patient, func() bool { return sessions() > before })
	b.is("all the same", silent+" && "+button+".getAttribute('aria-label') == 'Sound on' && "+playerPath("webrtc"), patient)
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	b.is("and back", "!("+silent+") && "+button+".getAttribute('aria-label') == 'Sound off' && "+playerPath("webrtc"), patient)
}

// TestSavingIsNoClickOnThePlayer has a page whose player is clicked on to be opened.
func TestSavingIsNoClickOnThePlayer(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws", "controls": true}))
	b.is("it is live", playerLive, patient)
	ask(b, chromedp.Evaluate[bool](`window.clicks = 0, document.getElementById('p').addEventListener('click', function (e) { clicks++; e.preventDefault(); }), player.snapshot(), true`))
	if n := b.number("clicks"); n != 0 {
		t.Errorf("%v clicks", n)
	}
}

// TestWallOnAnotherSite shows stills of a wall on a page that the configuration names.
func TestWallOnAnotherSite(t *testing.T) {
	t.Parallel()
	var host string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><body style="margin:0"><script src="http://%s/player.js"></script>
			<camgate-player id="p" camera="hall" path="snapshot" style="width:640px"></camgate-player>
			<script>var player = document.getElementById('p').player;</script>`, host)
	}))
	t.Cleanup(site.Close)
	server := httpd.Config{Listen: "127.0.0.1:0", Origins: []string{site.URL}, Walls: []wall.Layout{{Name: "hall", Cameras: []string{"cam1", "gone"}, Columns: 2, Width: 640}}}
	host = serveWith(t, server, config(t, "cam1", camsimStart(t, small("cam1")).URL()), config(t, "gone", "rtsp://127.0.0.1:1/none")).host
	b := browse(t, 800, 500, site.URL+"/")
	b.is("one camera is away, the other is not dimmed", "player.state == 'stale' && player.frames > 3 && +getComputedStyle(document.querySelector('#p > div')).opacity == 1", patient)
}

// TestSettingsAreNoPause changes what a player is asked for.
func TestSettingsAreNoPause(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws"}))
	b.is("it is live", playerLive, patient)
	ask(b, chromedp.Evaluate[bool]("states = [], player.set({ width: 160 }), true"))
	b.is("it is live again", playerLive+" && player.frame().width == 160 && states.length", patient)
	if n := b.number("states.filter(function (s) { return s.state == 'paused'; }).length"); n != 0 {
		t.Errorf("the page was told: %s", ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
	}
}

// TestFrozenPictureAfterAnOutageIsNotLive has the line stand still right after the camera was away.
func TestFrozenPictureAfterAnOutageIsNotLive(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	line := freezer(t, s.host)
	b := browse(t, 800, 500, playerPage(line.Addr().String(), map[string]any{"camera": "cam1", "path": "ws,ws", "fps": 1}))
	b.is("it is live", playerPath("ws"), patient)
	if err := cam.Reboot(40 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.is("it is offline", "player.state == 'offline'", patient)
	frames := b.number("player.frames")
	b.is("it is live again", fmt.Sprintf("%s && player.frames > %v", playerPath("ws"), frames), patient)
	line.freeze(true)
	b.is("it is not live any more", "player.state != 'live'", 60*time.Second) // three of the longest gaps that count, 10 s each
}

// TestStillThatNeverComesIsGivenUp destroys a player of another site that waits for one.
func TestStillThatNeverComesIsGivenUp(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><body style="margin:0"><script src="http://%s/player.js"></script>
			<camgate-player id="p" camera="cam1" path="snapshot" style="width:640px"></camgate-player>
			<script>var player = document.getElementById('p').player;</script>`, d.host())
	}))
	t.Cleanup(site.Close)
	b := browse(t, 800, 500, site.URL+"/")
	b.is("it shows stills", playerPath("snapshot")+" && player.frames > 2", patient)
	d.block(0, "/snapshot")
	eventually(t, "one does not come", patient, func() bool { return d.open.Load() == 1 })
	b.is("it does not look live", "player.state != 'live' && +getComputedStyle(document.querySelector('#p > div')).opacity < 0.5", patient)
	ask(b, chromedp.Evaluate[bool]("player.stop(), true"))
	eventually(t, "nobody waits for it", patient, func() bool { return d.open.Load() == 0 })
	b.is("the last stays on the screen", "player.frame().width > 100", patient)
	d.unblock()
	ask(b, chromedp.Evaluate[bool]("player.start(), true"))
	b.is("it is live again", playerPath("snapshot"), patient)
}

// TestPlayerInABrowserOf2012 takes away what such a browser lacks.
func TestPlayerInABrowserOf2012(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/2012.html?snapshot")
	for _, path := range []string{"snapshot", "mjpeg"} {
		if path != "snapshot" {
			b.open("http://" + s.host + "/2012.html?" + path)
		}
		b.is(path+" is live", playerPath(path)+" && player.frames > 2", patient)
	}
	s.stop()
	b.is("the gateway's end is noticed", "player.state == 'error'", 20*time.Second)
	serveWith(t, httpd.Config{Listen: s.host}, config(t, "cam1", cam.URL()))
	b.is("and it is back", playerLive, 5*time.Second+slack)
}

// TestWallOfCamerasSaysWhatItShows is of cameras that the page names, not the configuration.
func TestWallOfCamerasSaysWhatItShows(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()), config(t, "cam 2", cam.URL()), config(t, "gone", "rtsp://127.0.0.1:1/none"))
	const dimmed = "+getComputedStyle(document.querySelector('#p > div')).opacity < 0.5"
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"cams": "cam1,cam 2", "path": "mjpeg,mjpeg"}))
	b.is("all are live", playerPath("mjpeg"), patient)
	before := b.number("player.frames")
	b.is("and go on", fmt.Sprintf("player.frames > %v + 8 && %s", before, playerPath("mjpeg")), patient)
	b.open(playerPage(s.host, map[string]any{"cams": "cam1, gone", "path": "mjpeg,mjpeg"}))
	b.is("some are", "player.state == 'stale' && player.path == 'mjpeg' && /Not all cameras/.test(document.querySelector('.camgate-said').textContent) && !("+dimmed+")", patient)
	b.open(playerPage(s.host, map[string]any{"cams": "gone", "path": "mjpeg,mjpeg"}))
	b.is("none is", "player.state == 'offline' && "+dimmed, patient)
	b.open(playerPage(s.host, map[string]any{"cams": "gone", "path": "snapshot"}))
	b.is("nor as stills", "player.state == 'offline' && player.path == 'snapshot' && player.frame() && "+dimmed, patient)
}
