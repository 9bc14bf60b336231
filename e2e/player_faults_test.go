package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"camgate/outputs/httpd"
)

func init() {
	pages["later.html"] = `<html lang="en"><head><script src="player.js"></script><style>.corner { position: absolute; top: 20px; right: 30px; width: 160px; height: 90px; }</style></head>
	<body style="margin:0"><div style="height:100px"></div><camgate-player id="p" camera="cam1" path="ws" hidden></camgate-player><script>
		function later(cls) {
			var e = document.createElement('div');
			e.className = cls;
			if (!cls) { e.style.width = '400px'; e.style.height = '300px'; }
			new Camgate.Player(e, { camera: 'cam1', path: 'ws' });
			setTimeout(function () { document.body.appendChild(e); }, 300);
			return e;
		}
		var corner = later('corner'), plain = later(''), p = document.getElementById('p');
		function within(e) {
			var own = e.getBoundingClientRect(), picture = e.firstChild.getBoundingClientRect();
			return e.player.state == 'live' && own.width == picture.width && own.height == picture.height && own.left == picture.left && own.top == picture.top;
		}
	</script></body>`
}

// TestPlayerOfAnElementThatIsShownLater begins before its element is in the page, or while it is hidden.
func TestPlayerOfAnElementThatIsShownLater(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 700, "http://"+s.host+"/later.html")
	b.is("it is in its place", "within(plain) && plain.offsetHeight == 300", patient)
	b.is("a style sheet says where", "within(corner) && corner.offsetTop == 20 && corner.offsetLeft == 610", patient)
	b.is("what is hidden has no place", "p.player && p.offsetHeight == 0", patient)
	ask(b, chromedp.Evaluate[bool]("p.hidden = false, true"))
	b.is("shown, it has a picture's", "within(p) && p.offsetWidth == 800 && Math.abs(p.offsetHeight - 480) < 2", patient)
	ask(b, chromedp.Evaluate[bool]("p.hidden = true, true"))
	b.is("hidden again, it rests", "p.offsetHeight == 0 && p.player.state == 'paused'", patient)
}

// TestPlayerOfAnOddRateTellsAFrozenPicture has an attribute that is no rate: 0 is "all there are" elsewhere.
func TestPlayerOfAnOddRateTellsAFrozenPicture(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	line := freezer(t, s.host)
	for _, fps := range []string{"0", "15 fps"} {
		b := browse(t, 800, 500, playerPage(line.Addr().String(), map[string]any{"camera": "cam1", "path": "ws,ws", "fps": fps}))
		b.is("it is live", playerPath("ws"), patient)
		ask(b, chromedp.Evaluate[bool]("forget()"))
		b.is("its pace is known", fmt.Sprintf("%s && player.frames > %v + 9", playerLive, b.number("player.frames")), patient)
		ask(b, chromedp.Evaluate[bool]("states = [], true"))
		line.freeze(true)
		b.is("it is not live any more", "states.length", patient)
		// A machine that held pictures back for so long has the player wait for the next until it asks for a new connection.
		if got := ask(b, chromedp.Evaluate[string]("states[0].state")); got != "stale" && b.number("gap") < 1500 {
			t.Errorf("fps=%q: the picture became %s only when its connection was given up", fps, got)
		}
		line.freeze(false)
		chromedp.Cancel(b.ctx)
		d := doorTo(t, s.host)
		b = watchPlayer(t, d, map[string]any{"path": "snapshot", "fps": fps})
		b.is("it shows stills", playerPath("snapshot"), patient)
		asked := func() int { d.mu.Lock(); defer d.mu.Unlock(); return d.asked["snapshot"] }
		before := asked()
		b.number("window.begun = performance.now()")
		b.is("some time", "performance.now() - begun > 3000", patient)
		if n, took := asked()-before, b.number("performance.now() - begun"); float64(n) > took/200 {
			t.Errorf("fps=%q: %d stills were asked for in %v ms", fps, n, took)
		}
		chromedp.Cancel(b.ctx)
	}
}

// TestPlayerComesBackWithoutCanvases is a browser that has no memory left for them, as those of phones say it.
func TestPlayerComesBackWithoutCanvases(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	b := watchPlayer(t, d, map[string]any{"path": "mjpeg,mjpeg"})
	b.is("it is live", playerPath("mjpeg"), patient)
	ask(b, chromedp.Evaluate[bool]("HTMLCanvasElement.prototype.getContext = function () { return null; }, player.stop(), true"))
	b.is("it pauses", "player.state == 'paused'", patient)
	eventually(t, "nobody watches", patient, func() bool { return s.status("cam1").Viewers == 0 && d.open.Load() == 0 })
	ask(b, chromedp.Evaluate[bool]("player.start(), true"))
	b.is("it is live again", playerPath("mjpeg"), patient)
	d.block(0, "/api", "/mjpeg", "/favicon.svg")
	b.is("the gateway is away", "player.state == 'error'", patient)
	d.unblock()
	b.is("it is live once more", playerPath("mjpeg"), patient)
}

// TestPlayerOfNoPathTakesAny has a list of paths of which none is one, or none shows walls.
func TestPlayerOfNoPathTakesAny(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "hls,flash"}))
	b.is("a camera is live", playerLive, patient)
	b.open(playerPage(s.host, map[string]any{"cams": "cam1", "path": "webrtc,ws"}))
	b.is("a wall is", playerPath("mjpeg"), patient)
}

// TestTouchPressesNoButtonThatIsNotSeen taps where the buttons are, as somebody who wants to see the picture does.
func TestTouchPressesNoButtonThatIsNotSeen(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws", "controls": true}))
	b.is("it is live", playerLive, patient)
	send := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		t.Helper()
		b.do(chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
			_, err := cdp.Call(ctx, page, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			return err
		}))
	}
	b.do(chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
		_, err := cdp.Call(ctx, page, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true})
		return err
	}))
	const button = "document.querySelectorAll('#p button')[2]"
	middle := func(side string) float64 {
		return b.number("(function (r) { return " + side + "; })(" + button + ".getBoundingClientRect())")
	}
	x, y := middle("r.left + r.width / 2"), middle("r.top + r.height / 2")
	tap := func() {
		t.Helper()
		before := b.number("window.touches = window.touches || (document.addEventListener('touchend', function () { touches++; }), 1)")
		send(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: x, Y: y})
		send(input.DispatchTouchEventTypeTouchEnd)
		b.is("it was touched", fmt.Sprintf("touches > %v", before), patient)
	}
	b.seen()
	tap()
	b.is("the buttons are seen", "opaque > 0.9", patient)
	if b.number(button+".getAttribute('aria-pressed') == 'true' ? 1 : 0") != 0 {
		t.Error("a button was pressed that was not seen")
	}
	b.number("window.pressed = 0, " + button + ".addEventListener('click', function () { pressed++; }), 0")
	eventually(t, "what is seen can be pressed", patient, func() bool { tap(); return b.number("pressed") > 0 })
}

// TestStandingMultipartIsNoPace goes from a multipart picture that nobody may look at to a connection which freezes.
func TestStandingMultipartIsNoPace(t *testing.T) {
	t.Parallel()
	var gate string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><body style="margin:0"><script src="http://%s/player.js"></script>
			<camgate-player id="p" camera="cam1" path="ws,mjpeg" fps="1" style="width:640px"></camgate-player>
			<script>var player = document.getElementById('p').player;</script>`, gate)
	}))
	t.Cleanup(site.Close)
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", Origins: []string{site.URL}}, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	d.block(403, "/ws")
	line := freezer(t, d.host())
	gate = line.Addr().String()
	b := browse(t, 800, 500, site.URL+"/")
	b.is("it is a multipart picture, asked for twice", playerPath("mjpeg")+" && player.frames > 1", patient)
	d.unblock()
	b.is("it is live by the better path", playerPath("ws"), patient)
	line.freeze(true)
	b.number("window.frozen = performance.now()")
	b.is("it is not live any more", "player.state != 'live'", patient)
	if took := b.number("performance.now() - frozen"); took > 20000 { // of a picture a second; of one in ten seconds it would be 30 s
		t.Errorf("a frozen picture was live for %v ms", took)
	}
}

// TestPlayerTellsTheDayOfThePictureBefore is of a camera that has been away over the weekend.
func TestPlayerTellsTheDayOfThePictureBefore(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	const later = `(function (hours) {
		var Real = Date;
		window.Date = function (a) { return arguments.length ? new Real(a) : new Real(Real.now() + hours * 3600e3); };
		Date.prototype = Real.prototype;
		Date.now = Real.now;
		Date.parse = Real.parse;
		window.day = new Real().toLocaleDateString();
		return true;
	})(%d)`
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws"}))
	b.is("it is live", playerLive, patient)
	page := browse(t, 800, 500, "http://"+s.host+"/")
	page.is("it is live in the page", tilesLive, patient)
	s.stop()
	for _, one := range []*browser{b, page} {
		const said = "(document.getElementById('alarm') || {textContent: ''}).textContent + document.querySelector('.camgate-said').textContent"
		one.is("it tells the time", "/No connection to the gateway.*\\d\\d:\\d\\d:\\d\\d/.test("+said+")", patient)
		if ask(one, chromedp.Evaluate[bool](said+".indexOf(new Date().toLocaleDateString()) >= 0")) {
			t.Error("it tells the day too, which nobody needs")
		}
		ask(one, chromedp.Evaluate[bool](fmt.Sprintf(later, 3*24)))
		one.is("and the day", "(document.getElementById('alarm') || document.querySelector('.camgate-said')).textContent.indexOf(day) >= 0 && document.querySelector('.camgate-said').textContent.indexOf(day) >= 0", patient)
	}
}

// TestSoundThatTheBrowserRefusesIsNotSaidToBeOn is Safari, where each sound needs a hand of its own.
func TestSoundThatTheBrowserRefusesIsNotSaidToBeOn(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "webrtc", "controls": true}))
	b.is("it is live", playerPath("webrtc"), patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var play = HTMLMediaElement.prototype.play;
		window.refused = 0;
		HTMLMediaElement.prototype.play = function () {
			if (this.muted) { return play.call(this); }
			refused++;
			return Promise.reject(new DOMException('not by a hand', 'NotAllowedError'));
		};
		return true;
	})()`))
	const button = "document.querySelector('#p button')"
	const silent = "[].every.call(document.querySelectorAll('#p video'), function (v) { return v.muted; })"
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	b.is("it is refused", "refused && document.querySelectorAll('#p video').length == 1 && "+silent, patient)
	b.is("the button is that for sound", button+".getAttribute('aria-label') == 'Sound on'", patient)
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	b.is("pressed again, there is sound", "!"+silent+" && "+button+".getAttribute('aria-label') == 'Sound off' && "+playerPath("webrtc"), patient)
	b.do(chromedp.Click(chromedp.CSS("#p button")))
	b.is("and none any more", "document.querySelectorAll('#p video').length == 1 && "+silent+" && "+button+".getAttribute('aria-label') == 'Sound on' && "+playerPath("webrtc"), patient)
}
