package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/camera"
	"camgate/camsim/stamp"
	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
)

// The page of somebody who embeds the player: options come behind the question mark.
func init() {
	pages["player.html"] = `<html lang="en"><body style="margin:0"><div id="p" style="width:640px;height:360px"></div><script src="player.js"></script><script>
		var states = [], options = JSON.parse(decodeURIComponent(location.search.slice(1)));
		document.getElementById('p').addEventListener('camgate-state', function (e) { e.detail.at = Math.round(performance.now()); states.push(e.detail); });
		var player = new Camgate.Player(document.getElementById('p'), options);
		// The longest time between two pictures: of a machine that stands still, the player says so.
		var gap = 0, pictureAt = 0;
		(function (n) {
			Object.defineProperty(player, 'frames', { get: function () { return n; }, set: function (to) {
				var t = performance.now();
				n = to;
				if (pictureAt) { gap = Math.max(gap, t - pictureAt); }
				pictureAt = t;
			} });
		})(player.frames);
		// forget begins anew; disturbed is what the player has said since that no such time explains.
		function forget() { states = []; gap = 0; return true; }
		function disturbed() { return states.filter(function (s) { return s.state !== 'live' && (s.state !== 'stale' || gap < 1000); }); }
	</script>`
	pages["element.html"] = `<html lang="de"><head><script src="player.js"></script></head><body><camgate-player camera="cam1" path="ws" style="width:400px"></camgate-player></body>`
}

// playerPaths are all ways to a picture, best first.
var playerPaths = []string{"webrtc", "ws", "mjpeg", "snapshot"}

func playerPage(host string, options map[string]any) string {
	b, err := json.Marshal(options)
	if err != nil {
		panic(err)
	}
	return "http://" + host + "/player.html?" + url.PathEscape(string(b))
}

// playerFrame is the number burnt into the picture that a player shows, read from its canvas.
func (b *browser) playerFrame() (uint32, bool) {
	b.t.Helper()
	// Made small, or a loaded machine writes and reads a PNG of a large picture for seconds.
	data := ask(b, chromedp.Evaluate[string](`(function () {
		var c = player.frame(), small = document.createElement('canvas');
		small.width = 256;
		small.height = 144;
		if (c) { small.getContext('2d').drawImage(c, 0, 0, 256, 144); }
		return c ? small.toDataURL('image/png').split(',')[1] : '';
	})()`))
	if data == "" {
		return 0, false
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		b.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	return stamp.Read(img)
}

// showsNewFrames waits until the player shows pictures of which each is newer than the last.
func (b *browser) showsNewFrames(within time.Duration) {
	b.t.Helper()
	b.showsDifferent(5, within)
}

// showsDifferent waits until so many different frames were on the screen.
func (b *browser) showsDifferent(frames int, within time.Duration) {
	b.t.Helper()
	var last uint32
	seen := 0
	eventually(b.t, "the player shows new frames", within, func() bool {
		n, ok := b.playerFrame()
		if ok && n != last {
			last = n
			seen++
		}
		return seen >= frames
	})
}

// a door is a proxy in front of a gateway that lets some addresses not through.
type door struct {
	*httptest.Server
	to      atomic.Pointer[url.URL]
	mu      sync.Mutex
	blocked map[string]int // beginning of a path: how it answers; 0: not at all
	asked   map[string]int // first part of a path: how often

	open atomic.Int64 // requests under way
}

func doorTo(t *testing.T, host string) *door {
	d := &door{blocked: map[string]int{}, asked: map[string]int{}}
	d.leadTo(host)
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(d.to.Load()); r.Out.Host = r.In.Host },
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.open.Add(1)
		defer d.open.Add(-1)
		d.mu.Lock()
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		d.asked[first]++
		status, blocked := 0, false
		for path, s := range d.blocked {
			if strings.HasPrefix(r.URL.Path, path) {
				status, blocked = s, true
			}
		}
		d.mu.Unlock()
		switch {
		case blocked && status == 0:
			io.Copy(io.Discard, r.Body) // or the browser's leaving would not be noticed
			<-r.Context().Done()
		case blocked:
			w.WriteHeader(status)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { d.CloseClientConnections(); d.Close() })
	return d
}

// leadTo has who comes from now on meet another gateway.
func (d *door) leadTo(host string) { d.to.Store(&url.URL{Scheme: "http", Host: host}) }

func (d *door) block(status int, paths ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range paths {
		d.blocked[p] = status
	}
}

func (d *door) unblock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.blocked)
}

func (d *door) host() string { return d.Listener.Addr().String() }

// servePlayer serves cameras in every way, and the pages of these tests.
func servePlayer(t *testing.T, configs ...camera.Config) *site {
	t.Helper()
	return serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: pagesDir(t), WebRTC: &webrtc.Options{}}, configs...)
}

// A line is a way to a gateway that can stand still: bytes wait, connections stay.
type line struct {
	net.Listener
	mu    sync.Mutex
	moves *sync.Cond
	stuck bool
}

func freezer(t *testing.T, host string) *line {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: listener}
	l.moves = sync.NewCond(&l.mu)
	var running sync.WaitGroup
	var conns sync.Map
	pass := func(to, from net.Conn) {
		defer to.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			l.mu.Lock()
			for l.stuck {
				l.moves.Wait()
			}
			l.mu.Unlock()
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", host)
			if err != nil {
				near.Close()
				continue
			}
			conns.Store(near, nil)
			conns.Store(far, nil)
			running.Go(func() { pass(far, near) })
			running.Go(func() { pass(near, far) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.freeze(false)
		conns.Range(func(c, _ any) bool { c.(io.Closer).Close(); return true })
		running.Wait()
	})
	return l
}

func (l *line) freeze(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck = yes
	l.moves.Broadcast()
}

const playerLive = "player.state == 'live' && document.getElementById('p').getAttribute('data-state') == 'live'"

func playerPath(path string) string {
	return fmt.Sprintf("%s && player.path == '%s' && document.getElementById('p').getAttribute('data-path') == '%s'", playerLive, path, path)
}

// watchPlayer opens a page with a player of camera cam1 behind a door.
func watchPlayer(t *testing.T, d *door, options map[string]any) *browser {
	t.Helper()
	all := map[string]any{"camera": "cam1", "controls": true}
	for k, v := range options {
		all[k] = v
	}
	return browse(t, 800, 500, playerPage(d.host(), all))
}

func TestPlayerShowsTheRightFramesOnEachPath(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	d := doorTo(t, s.host)
	b := watchPlayer(t, d, map[string]any{"path": playerPaths[0]})
	for i, path := range playerPaths {
		if i > 0 {
			b.open(playerPage(d.host(), map[string]any{"camera": "cam1", "path": path, "controls": true, "stats": true}))
		}
		b.is(path+" is live", playerPath(path), patient)
		b.showsNewFrames(patient)
		if path == "ws" || path == "webrtc" {
			b.is("it tells rate, bitrate and age", "(function (s) { return s.fps > 3 && s.fps < 35 && s.bitrate > 10000 && s.age < 1000; })(player.stats())", patient)
		}
		b.keep("player-" + path)
	}
}

// TestPlayerFallsToTheNextPath blocks one path after the other, in each way that proxies
// and firewalls do it.
func TestPlayerFallsToTheNextPath(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	for _, c := range []struct {
		name    string
		status  int
		blocked []string
		path    string
		why     string
	}{
		{"WebRTC is not there", 404, []string{"/whep"}, "ws", "WebRTC: refused (404"},
		{"WebRTC does not answer", 0, []string{"/whep"}, "ws", "WebRTC: no picture in time"},
		{"WebSockets are refused", 403, []string{"/whep", "/ws"}, "mjpeg", "WebSocket: refused"},
		{"WebSockets get no answer", 0, []string{"/whep", "/ws"}, "mjpeg", "WebSocket: no picture in time"},
		{"streams are refused", 403, []string{"/whep", "/ws", "/mjpeg"}, "snapshot", "Multipart: refused"},
		{"streams get no answer", 0, []string{"/whep", "/ws", "/mjpeg"}, "snapshot", "Multipart: no picture in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := doorTo(t, s.host)
			d.block(c.status, c.blocked...)
			b := watchPlayer(t, d, nil)
			b.is("it shows the camera by "+c.path, playerPath(c.path), patient)
			b.showsNewFrames(patient)
			b.is("it says why", fmt.Sprintf("player.reason.indexOf(%q) >= 0 && document.getElementById('p').getAttribute('data-reason') == player.reason", c.why), patient)
			if c.path == "ws" { // what waits for WebRTC is given up after 12 s
				b.is("it says so afterwards too", fmt.Sprintf("performance.now() > 14000 && player.reason.indexOf(%q) >= 0", c.why), patient)
			}
			b.is("the page was told too", fmt.Sprintf("states.some(function (s) { return s.state == 'live' && s.path == '%s' && s.camera == 'cam1'; })", c.path), patient)
		})
	}
}

// TestPlayerGoesBackToTheBetterPath is a firewall that was opened meanwhile.
func TestPlayerGoesBackToTheBetterPath(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	d := doorTo(t, s.host)
	d.block(403, "/whep", "/ws")
	b := watchPlayer(t, d, map[string]any{"path": "ws"})
	b.is("it shows multipart", playerPath("mjpeg"), patient)
	d.unblock()
	ask(b, chromedp.Evaluate[bool]("forget()"))
	b.is("it shows WebSocket, after a while", playerPath("ws"), patient)
	if b.number("disturbed().length") != 0 {
		t.Errorf("the picture was not live while the path changed: %s", ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
	}
	b.is("nothing is left to explain", "player.reason == ''", patient)
}

// TestPlayerComesBackAfterTheGateway ends a gateway and starts it again at the same port.
func TestPlayerComesBackAfterTheGateway(t *testing.T) {
	for _, path := range playerPaths {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			cam := camsimStart(t, small("cam1"))
			s := servePlayer(t, config(t, "cam1", cam.URL()))
			b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": path}))
			b.is("live", playerPath(path), patient)
			s.stop()
			b.is("it does not look live", "player.state != 'live' && +getComputedStyle(document.querySelector('#p > div')).opacity < 0.5 && document.querySelector('.camgate-said').offsetHeight > 10", 8*time.Second)
			b.is("it says that the gateway is away", "player.state == 'error' && /No connection to the gateway/.test(document.querySelector('.camgate-said').textContent)", patient)
			b.keep("player-gateway-gone-" + path)
			// Away for long enough that it does not ask all the time any more.
			asked := time.Now()
			eventually(t, "some time", patient, func() bool { return time.Since(asked) > 6*time.Second })
			serveWith(t, httpd.Config{Listen: s.host, WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()))
			began := time.Now()
			b.is("it is live again", playerLive, 5*time.Second+slack)
			t.Logf("%s: live again %v after the gateway", path, time.Since(began).Round(10*time.Millisecond))
			b.showsNewFrames(patient)
			if path != "mjpeg" && path != "snapshot" {
				b.is("by the path of before", playerPath(path), patient)
			}
		})
	}
}

func TestPlayerShowsTheCameraAgainAfterItsReboot(t *testing.T) {
	for _, path := range playerPaths {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			cam := camsimStart(t, small("cam1"))
			s := servePlayer(t, config(t, "cam1", cam.URL()))
			b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": path}))
			b.is("live", playerPath(path), patient)
			if err := cam.Reboot(12 * time.Second); err != nil {
				t.Fatal(err)
			}
			b.is("it is not live", "player.state != 'live' && +getComputedStyle(document.querySelector('#p > div')).opacity < 0.5", 4*time.Second+slack)
			b.is("it says offline", "player.state == 'offline' && /Camera not available/.test(document.querySelector('.camgate-said').textContent)", 8*time.Second+slack)
			b.keep("player-offline-" + path)
			eventually(t, "the gateway has the camera again", patient, func() bool { return s.status("cam1").State == "live" })
			b.is("it is live again", playerLive, 5*time.Second+slack)
			b.showsNewFrames(patient)
		})
	}
}

// TestPlayerWaitsForCameras is one that has never been there, and one that nobody knows.
func TestPlayerWaitsForCameras(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", "rtsp://127.0.0.1:1/none"))
	for _, path := range append([]string{"auto", "ws,ws"}, playerPaths...) {
		t.Run(path, func(t *testing.T) {
			b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": path}))
			b.is("it says offline", "player.state == 'offline'", patient)
			b.open(playerPage(s.host, map[string]any{"camera": "<b>nobody</b>", "path": path}))
			b.is("it says that there is none", "player.state == 'error' && document.querySelector('.camgate-said').textContent.indexOf('<b>nobody</b>') >= 0 && !document.querySelector('#p b')", patient)
			b.keep("player-unknown-" + path)
		})
	}
}

// TestPlayerShowsAFrozenPictureAsStale stops the pictures while connections stay open.
func TestPlayerShowsAFrozenPictureAsStale(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	line := freezer(t, s.host)
	for _, path := range []string{"ws", "mjpeg", "snapshot"} {
		b := browse(t, 800, 500, playerPage(line.Addr().String(), map[string]any{"camera": "cam1", "path": path}))
		b.is(path+" is live", playerPath(path), patient)
		// Three times the longest gap is how long the player waits, on a machine that has stood still too.
		within := max(10*time.Second, time.Duration(3*b.number("gap"))*time.Millisecond+2*time.Second)
		line.freeze(true)
		b.is(path+" is not live any more", "player.state != 'live' && +getComputedStyle(document.querySelector('#p > div')).opacity < 0.5", within)
		b.keep("player-frozen-" + path)
		line.freeze(false)
		b.is(path+" is live again", playerLive, 8*time.Second+slack)
		b.showsNewFrames(patient)
		chromedp.Cancel(b.ctx)
	}
}

// TestHiddenPlayerCostsNothing hides the page, as another tab in front of it does.
func TestHiddenPlayerCostsNothing(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	for _, path := range playerPaths {
		d := doorTo(t, s.host)
		b := watchPlayer(t, d, map[string]any{"path": path})
		b.is(path+" is live", playerPath(path), patient)
		hide := func(yes bool) {
			ask(b, chromedp.Evaluate[bool](fmt.Sprintf(`Object.defineProperty(document, 'hidden', {configurable: true, get: function () { return %v; }}), document.dispatchEvent(new Event('visibilitychange')), true`, yes)))
		}
		hide(true)
		b.is("it pauses", "player.state == 'paused'", patient)
		eventually(t, path+": nobody watches", patient, func() bool { return s.status("cam1").Viewers == 0 && d.open.Load() == 0 })
		hide(false)
		b.is(path+" is live again", playerPath(path), patient)
		b.showsNewFrames(patient)

		// What is scrolled away does not cost anything either.
		ask(b, chromedp.Evaluate[bool](`document.getElementById('p').style.marginTop = '5000px', true`))
		eventually(t, path+": nobody watches what cannot be seen", patient, func() bool { return s.status("cam1").Viewers == 0 && d.open.Load() == 0 })
		ask(b, chromedp.Evaluate[bool](`document.getElementById('p').style.marginTop = '0', true`))
		b.is(path+" is live once more", playerPath(path), patient)
		b.open("http://" + d.host() + "/element.html")
		eventually(t, path+": a page that is left watches nothing", patient, func() bool { return s.status("cam1").Viewers <= 1 })
		chromedp.Cancel(b.ctx)
		eventually(t, path+": nor one that is closed", patient, func() bool { return s.status("cam1").Viewers == 0 })
	}
}

// TestPlayerWakesWithItsTerminal is a machine that was asleep for an hour: nothing of what
// was there before is taken for live.
func TestPlayerWakesWithItsTerminal(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	d := doorTo(t, s.host)
	b := watchPlayer(t, d, map[string]any{"path": "ws"})
	b.is("live", playerPath("ws"), patient)
	d.CloseClientConnections()
	ask(b, chromedp.Evaluate[bool]("states = [], Date.now = (function (now) { return function () { return now() + 3600e3; }; })(Date.now), true"))
	b.is("it begins anew", "states.some(function (s) { return s.state == 'connecting'; })", 5*time.Second)
	b.is("and is live", playerPath("ws"), 5*time.Second+slack)
	b.showsNewFrames(patient)
}

func TestPlayerAsksForTheWidthOfItsPlace(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video.Width, o.Video.Height = 1280, 720
	o.Video.FPS, o.Video.GOP = 10, 10
	cam := camsimStart(t, o)
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	for _, path := range []string{"ws", "mjpeg", "snapshot"} {
		b := browse(t, 1400, 900, playerPage(s.host, map[string]any{"camera": "cam1", "path": path}))
		for _, c := range []struct{ place, picture int }{{640, 640}, {300, 320}, {900, 960}, {1300, 1280}} {
			ask(b, chromedp.Evaluate[bool](fmt.Sprintf(`document.getElementById('p').style.width = '%dpx', document.getElementById('p').style.height = '%dpx', true`, c.place, c.place*9/16+1)))
			b.is(fmt.Sprintf("%s: a place of %d has a picture of %d", path, c.place, c.picture), fmt.Sprintf("%s && player.frame().width == %d", playerPath(path), c.picture), patient)
			b.showsDifferent(2, patient) // stills come once a second
		}
		if n := b.number("states.filter(function (s) { return s.state == 'error' || s.state == 'offline' || s.state == 'paused'; }).length"); n > 0 {
			t.Errorf("%s: the connection was lost while its size changed: %s", path, ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
		}
		chromedp.Cancel(b.ctx)
	}
}

func TestPlayerSpeaksFiveLanguages(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws", "controls": true}))
	b.is("live", playerLive, patient)
	for lang, full := range map[string]string{"en": "Full screen", "de": "Vollbild", "fr": "Plein écran", "ja": "全画面表示", "zh-Hant": "全螢幕", "xx": "Full screen"} {
		ask(b, chromedp.Evaluate[bool](fmt.Sprintf("player.set({lang: %q}), true", lang)))
		b.is(lang, fmt.Sprintf("document.querySelector('#p button[aria-label=\"%s\"]') && player.state == 'live'", full), patient)
	}
	ask(b, chromedp.Evaluate[bool]("player.set({lang: ''}), document.documentElement.lang = 'fr', player.set({lang: undefined}), true"))
	b.is("the page's language is the player's", "document.querySelector('#p button[aria-label=\"Plein écran\"]')", patient)
	s.stop()
	b.is("states too", "/Pas de connexion à la passerelle/.test(document.querySelector('.camgate-said').textContent)", 10*time.Second)
}

// seen has the page look at its buttons from now on: window.opaque is how opaque they have been,
// for they go away after three seconds.
func (b *browser) seen() {
	b.t.Helper()
	b.number(`window.opaque = 0, (function look() {
		opaque = Math.max(opaque, +getComputedStyle(document.querySelector('.camgate-controls')).opacity);
		requestAnimationFrame(look);
	})(), 0`)
}

func TestPlayerWorksByKeyboardAndForTheBlind(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws", "controls": true}))
	b.is("live", playerLive, patient)
	b.is("the picture has its camera's name", "document.querySelector('#p img').alt == 'cam1' && document.getElementById('p').getAttribute('aria-label') == 'cam1'", patient)
	b.is("all buttons have names", "[].every.call(document.querySelectorAll('#p button'), function (b) { return b.getAttribute('aria-label'); }) && document.querySelectorAll('#p button').length > 3", patient)
	b.seen()
	b.do(chromedp.KeyEvent("\t"))
	b.is("Tab leads to the player", "document.activeElement.id == 'p'", patient)
	b.is("and shows its buttons", "opaque > 0.9", patient)
	b.do(chromedp.KeyEvent("i"))
	b.is("i shows statistics", "/WebSocket/.test(document.querySelector('.camgate-stats').textContent) && document.querySelector('.camgate-stats').offsetHeight > 20", patient)
	b.keep("player-controls")
	b.do(chromedp.KeyEvent("\t"))
	b.is("Tab leads to its buttons", "document.activeElement.tagName == 'BUTTON'", patient)
	b.do(chromedp.KeyEvent("f"))
	b.is("f is full screen", "document.fullscreenElement && document.fullscreenElement.id == 'p'", patient)
	b.is("and the button leads back", "document.querySelector('#p button[aria-label=\"Leave full screen\"]')", patient)
	b.do(chromedp.KeyEvent("f"))
	b.is("f ends it", "!document.fullscreenElement", patient)
	ask(b, chromedp.Evaluate[bool]("window.saved = '', HTMLAnchorElement.prototype.click = function () { saved = this.download + ' ' + this.href.slice(0, 22); }, true"))
	b.do(chromedp.KeyEvent("s"))
	b.is("s saves the picture", `/^cam1-.*\.jpg data:image\/jpeg;base64/.test(saved)`, patient)
	if err := cam.Reboot(12 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.is("what happens is spoken", "/cam1: (No new picture|Camera not available)/.test(document.querySelector('#p [role=status]').textContent)", 10*time.Second)
}

// TestElementIsAPlayer is the page of somebody who writes no program.
func TestElementIsAPlayer(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()), config(t, "cam2", cam.URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/element.html")
	live := "document.querySelector('camgate-player').getAttribute('data-state') == 'live' && document.querySelector('camgate-player').state == 'live'"
	b.is("it is live", live, patient)
	b.is("it has a picture's shape", "(function (r) { return r.width > 300 && Math.abs(r.height - r.width * 0.6) < 2; })(document.querySelector('camgate-player').getBoundingClientRect())", patient)
	ask(b, chromedp.Evaluate[bool]("document.querySelector('camgate-player').setAttribute('camera', 'cam2'), true"))
	b.is("another camera", live+" && document.querySelector('camgate-player').player.camera == 'cam2'", patient)
	eventually(t, "one is watched", patient, func() bool { return s.status("cam1").Viewers == 0 && s.status("cam2").Viewers == 1 })
	ask(b, chromedp.Evaluate[bool]("document.body.textContent = '', true"))
	eventually(t, "none is watched", patient, func() bool { return s.status("cam2").Viewers == 0 })
}

// TestPlayersShareOneConnection has sixteen cameras in a page.
func TestPlayersShareOneConnection(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video.FPS, o.Video.GOP = 5, 5
	cam := camsimStart(t, o)
	var configs []camera.Config
	for n := range 16 {
		configs = append(configs, config(t, fmt.Sprintf("cam%d", n+1), cam.URL()))
	}
	s := servePlayer(t, configs...)
	d := doorTo(t, s.host)
	b := browse(t, 1280, 1000, "http://"+d.host()+"/?cols=4")
	b.is("sixteen are live", "document.body.getAttribute('data-cameras') == 16 && "+tilesLive, patient)
	b.is("each by WebSocket, and goes on", every("li.getAttribute('data-mode') == 'ws' && +li.getAttribute('data-frames') > 10"), patient)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked["ws"] != 1 || d.asked["mjpeg"] != 0 || d.asked["snapshot"] != 0 {
		t.Errorf("the page asked for %v", d.asked)
	}
	b.keep("page-sixteen")
}

// TestPlayerOnAnotherSite is a page of another host, which may not open WebSockets here.
func TestPlayerOnAnotherSite(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><body style="margin:0"><script src="http://%s/player.js"></script>
			<camgate-player id="p" camera="cam1" style="width:640px"></camgate-player>
			<script>var player = document.getElementById('p').player;</script>`, s.host)
	}))
	t.Cleanup(site.Close)
	b := browse(t, 800, 500, site.URL+"/")
	b.is("it shows multipart", playerPath("mjpeg"), patient)
	b.is("and says why", "/WebSocket: refused/.test(player.reason)", patient)
	var first uint32
	eventually(t, "it goes on", patient, func() bool {
		n, ok := b.frame("#p")
		if ok && first == 0 {
			first = n
		}
		return ok && n != first
	})
	s.stop()
	b.is("the gateway's end is noticed", "player.state == 'error'", 20*time.Second)
	serveWith(t, httpd.Config{Listen: s.host, WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()))
	b.is("and it is back", playerLive, 5*time.Second+slack)
}
