package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/outputs/httpd"
	"camgate/outputs/wall"
)

// TestPageTellsTheBlindWhatTilesAre reads what a screen reader does.
func TestPageTellsTheBlindWhatTilesAre(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("door"))
	s := serve(t, config(t, "door", cam.URL()))
	b := browse(t, 1000, 600, "http://"+s.host+"/")
	const label = "document.querySelector('#grid a').getAttribute('aria-label')"
	b.is("it is live", tilesLive, patient)
	b.is("and called so", label+" == 'door, live'", patient)
	if err := cam.Reboot(0); err != nil { // for good
		t.Fatal(err)
	}
	b.is("it is offline", "document.querySelector('#grid li').getAttribute('data-state') == 'offline'", 8*time.Second+slack)
	b.is("and called so", label+" == 'door, offline'", patient)
	b.is("which is spoken", "/door: offline/.test(document.getElementById('spoken').textContent)", patient)
}

// TestPageChangesItsWall chooses columns while the wall is shown, and leaves a wall for the grid.
func TestPageChangesItsWall(t *testing.T) {
	t.Parallel()
	s := servePage(t, 4, httpd.Config{Walls: []wall.Layout{{Name: "hall", Cameras: []string{"a", "c"}, Columns: 2, Width: 640}}})
	b := browse(t, 1280, 800, "http://"+s.host+"/#wall")
	const frame = "(function (p) { return p && p.state == 'live' && p.frame(); })(document.querySelector('#wall .picture').player)"
	b.is("four in two columns", "(function (f) { return f && f.width < 2.5 * f.height; })("+frame+")", patient)
	ask(b, chromedp.Evaluate[bool]("(function (s) { s.selectedIndex = 4; s.dispatchEvent(new Event('change')); })(document.getElementById('columns')), true"))
	b.is("four in one row", "(function (f) { return f && f.width > 5 * f.height; })("+frame+")", patient)
	b.open("http://" + s.host + "/?lang=en&wall=hall")
	b.is("a wall by its address", "document.body.getAttribute('data-view') == 'wall' && "+frame, patient)
	b.do(chromedp.Click(chromedp.CSS("#to-grid")))
	b.is("the grid is one click away", "document.body && document.body.getAttribute('data-view') == 'grid' && location.search.indexOf('lang=en') > 0", patient)
}

// TestPageKeepsCamerasApart goes from a camera that moves to another while the first has not answered yet.
func TestPageKeepsCamerasApart(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("two are live", "document.body.getAttribute('data-cameras') == 2 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var Real = window.XMLHttpRequest;
		window.XMLHttpRequest = function () {
			var r = new Real(), open = r.open;
			r.open = function (method, url) {
				var m = /api\/cameras\/(\w)(\/presets|\/ptz)?$/.exec(url), answer;
				if (!m) { return open.apply(r, arguments); }
				answer = !m[2] ? { onvif: { ptz: true } } : m[2] == '/ptz' ? { error: 'the motor of ' + m[1] } : [{ token: m[1] + '1', name: 'gate of ' + m[1] }];
				r.setRequestHeader = function () {};
				r.send = function () {
					function tell() {
						Object.defineProperty(r, 'status', { value: m[2] == '/ptz' ? 502 : 200 });
						Object.defineProperty(r, 'statusText', { value: '' });
						Object.defineProperty(r, 'responseText', { value: JSON.stringify(answer) });
						r.onload();
						window.answered = (window.answered || '') + m[0] + ' ';
					}
					if (m[1] == 'a' && m[2] == '/presets') { window.late = tell; } else { setTimeout(tell, 10); }
				};
			};
			return r;
		};
		location.hash = '#cam=a';
		return true;
	})()`))
	b.is("a can be moved", "window.late && !document.getElementById('ptz').hidden", patient)
	ask(b, chromedp.Evaluate[bool](`document.querySelector('[data-move=left]').click(), true`))
	b.is("or not", "/motor of a/.test(document.getElementById('ptz-said').textContent)", patient)
	ask(b, chromedp.Evaluate[bool](`location.hash = '#cam=b', true`))
	b.is("it has told its positions", "/b.presets/.test(answered)", patient)
	ask(b, chromedp.Evaluate[bool]("late(), true"))
	if got := ask(b, chromedp.Evaluate[string]("[].map.call(document.getElementById('preset').options, function (o) { return o.value; }).join()")); got != ",b1" {
		t.Errorf("the positions of b are %q", got)
	}
	if got := ask(b, chromedp.Evaluate[string]("document.getElementById('ptz-said').textContent")); got != "" {
		t.Errorf("what a has said is said of b: %q", got)
	}
	for _, key := range []int{37, 39, 70} {
		ask(b, chromedp.Evaluate[bool](fmt.Sprintf(`(function (e) { Object.defineProperty(e, 'keyCode', { value: %d }); document.getElementById('preset').dispatchEvent(e); })(new KeyboardEvent('keydown', { bubbles: true, cancelable: true })), true`, key)))
	}
	b.is("keys in a list choose in it", "location.hash == '#cam=b' && !document.fullscreenElement", time.Second)
}

// TestPageEndsItsSearchWhileSomebodyTypes asks for a password while the search goes on.
func TestPageEndsItsSearchWhileSomebodyTypes(t *testing.T) {
	t.Parallel()
	s := servePage(t, 1, httpd.Config{})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("one is live", "document.body.getAttribute('data-cameras') == 1 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var Real = window.XMLHttpRequest, device = { id: 'x', name: 'yard', address: '192.0.2.1', via: [], cameras: [], onvif: ['http://192.0.2.1/'] };
		window.XMLHttpRequest = function () {
			var r = new Real(), open = r.open;
			r.open = function (method, url) {
				if (url != 'api/discovery') { return open.apply(r, arguments); }
				r.send = function () {
					function answer() {
						Object.defineProperty(r, 'status', { value: 200 });
						Object.defineProperty(r, 'responseText', { value: JSON.stringify({ devices: [device] }) });
						r.onload();
					}
					if (method == 'POST') { window.finish = answer; } else { setTimeout(answer, 10); }
				};
			};
			return r;
		};
		document.getElementById('find').hidden = false;
		document.getElementById('find').click();
		return true;
	})()`))
	b.is("the camera is listed", "window.finish && document.querySelector('#found-list li button')", patient)
	ask(b, chromedp.Evaluate[bool]("document.querySelector('#found-list li button').click(), document.querySelector('#found-list input').value = 'admin', true"))
	b.is("it searches", "/Searching/.test(document.getElementById('found-text').textContent)", time.Second)
	ask(b, chromedp.Evaluate[bool]("finish(), true"))
	b.is("the search is over", "document.getElementById('found').getAttribute('data-state') == 'done'", time.Second)
	b.is("and is not said to go on", "!document.getElementById('found-text').textContent && document.querySelector('#found-list input').value == 'admin'", time.Second)
}

// TestExampleForgetsPictures has two pictures come at once.
func TestExampleForgetsPictures(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: "../examples"}, config(t, "cam1", camsimStart(t, o).URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/websocket.html")
	b.is("it shows something", "picture.naturalWidth", patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var make = URL.createObjectURL, end = URL.revokeObjectURL, add = WebSocket.prototype;
		window.kept = {}, window.made = 0;
		URL.createObjectURL = function (b) { var u = make.call(URL, b); kept[u] = 1; made++; return u; };
		URL.revokeObjectURL = function (u) { delete kept[u]; end.call(URL, u); };
		// The page stands still now and then, and what came meanwhile comes at once.
		window.still = setInterval(function () { for (var end = performance.now() + 300; performance.now() < end;) { /* busy */ } }, 700);
		return true;
	})()`))
	b.is("many pictures", "made > 100", patient)
	if n := b.number("clearInterval(still), Object.keys(kept).length"); n > 3 {
		t.Errorf("%v of %v pictures are kept", n, b.number("made"))
	}
}

// TestPageGoesOnFindingWhileACameraIsShown looks for cameras from the page of one that is not asked over ONVIF.
func TestPageGoesOnFindingWhileACameraIsShown(t *testing.T) {
	t.Parallel()
	s, _ := serveConfig(t, sourceOf("door", camsimStart(t, small("door")).URL()))
	b := browse(t, 1280, 800, "http://"+s.host+"/#cam=door")
	b.is("it is shown large", "document.getElementById('view').getAttribute('data-state') == 'live'", patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var open = XMLHttpRequest.prototype.open;
		window.asked = 0;
		XMLHttpRequest.prototype.open = function (method, url) {
			if (url == 'api/cameras/door') { this.addEventListener('load', function () { setTimeout(function () { asked++; }, 0); }); }
			return open.apply(this, arguments);
		};
		document.getElementById('find').click();
		return !document.getElementById('found').hidden;
	})()`))
	b.is("the camera has been asked for twice more", "asked > 1", patient)
	b.is("the list is still there", "!document.getElementById('found').hidden", time.Second)
	ask(b, chromedp.Evaluate[bool]("location.hash = '#cam=other', true"))
	b.is("who goes to another camera leaves it", "document.getElementById('found').hidden", patient)
}

// TestPageOfChosenCamerasShowsAnother is reloaded where a camera is large that is not among those chosen.
func TestPageOfChosenCamerasShowsAnother(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/?cams=a#cam=b")
	b.is("it is shown", "document.getElementById('view').getAttribute('data-camera') == 'b' && document.getElementById('view').getAttribute('data-state') == 'live'", patient)
	for _, kiosk := range []string{"", "kiosk&"} {
		b.open("http://" + s.host + "/?" + kiosk + "cams=a#cam=gone")
		b.is("one that is not there is said to be missing", "document.getElementById('notice').offsetHeight > 0 && /gone/.test(document.getElementById('notice-title').textContent)", patient)
	}
	ask(b, chromedp.Evaluate[bool](`(function () {
		var parse = JSON.parse;
		JSON.parse = function (s) {
			var all = parse(s), one;
			if (all instanceof Array && all[0] && all[0].state) { one = parse(JSON.stringify(all[0])); one.name = 'gone'; all.push(one); }
			return all;
		};
		return true;
	})()`))
	b.is("until it is there", "!document.getElementById('view').hidden && document.getElementById('view').getAttribute('data-camera') == 'gone' && !document.getElementById('notice').offsetHeight", patient)
}

// TestTileThatIsDraggedMayVanish has a camera removed while its tile is on the way.
func TestTileThatIsDraggedMayVanish(t *testing.T) {
	t.Parallel()
	s := servePage(t, 3, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/")
	b.is("three are live", "document.body.getAttribute('data-cameras') == 3 && "+tilesLive, patient)
	at := func(name, side string) float64 {
		return b.number(fmt.Sprintf("(function (r) { return r.left + r.%s; })(document.querySelector('#grid li[data-camera=%s]').getBoundingClientRect())", side, name))
	}
	y := b.number("document.querySelector('#grid li').getBoundingClientRect().top + 30")
	x := at("a", "width / 2")
	b.mouse("mousePressed", x, y)
	b.mouse("mouseMoved", x+20, y)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var parse = JSON.parse;
		JSON.parse = function (s) {
			var all = parse(s);
			return all instanceof Array && all[0] && all[0].state ? all.filter(function (c) { return window.returned || c.name != 'a'; }) : all;
		};
		return true;
	})()`))
	b.is("it is gone", order+" == 'b,c'", patient)
	b.mouse("mouseMoved", at("c", "width / 2"), y)
	b.mouse("mouseMoved", x, y)
	b.mouse("mouseReleased", x, y)
	b.is("the others are there", order+".split(',').sort().join() == 'b,c'", 5*time.Second)
	ask(b, chromedp.Evaluate[bool]("window.returned = true"))
	b.is("it comes back", order+".split(',').sort().join() == 'a,b,c' && "+tilesLive, patient)
}

// TestPageDoesNotSpeakOfRest opens one camera: that nobody watches the others any more is no news.
func TestPageDoesNotSpeakOfRest(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/")
	b.is("two are live", "document.body.getAttribute('data-cameras') == 2 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		window.said = '', window.trouble = false;
		// On a machine that stands still a picture does become stale, which is news.
		new MutationObserver(function (all) {
			all.forEach(function (m) { trouble = trouble || /stale|offline|error|unknown|lost/.test(m.target.getAttribute('data-state')); });
		}).observe(document.getElementById('grid'), { attributes: true, attributeFilter: ['data-state'], subtree: true });
		new MutationObserver(function () { said += document.getElementById('spoken').textContent + '; '; }).observe(document.getElementById('spoken'), { childList: true, characterData: true, subtree: true });
		setTimeout(function () { said = ''; location.hash = '#cam=a'; }, 1500); // after what is still to be said
		return true;
	})()`))
	b.is("the other rests", "document.querySelector('#grid li[data-camera=b]').getAttribute('data-state') == 'idle'", patient)
	ask(b, chromedp.Evaluate[bool]("location.hash = '', true"))
	b.is("it is live again", tilesLive, patient)
	// What changes is noticed in a quarter of a second, and said a second later.
	ask(b, chromedp.Evaluate[bool]("setTimeout(function () { window.over = true; }, 1500), true"))
	b.is("for long enough to be said", "window.over", patient)
	if said := ask(b, chromedp.Evaluate[string]("trouble ? (/: (idle|connecting)/.exec(said) || [''])[0] : said")); said != "" {
		t.Errorf("the page said %q", said)
	}
}

// TestPageReachesEveryWall has more walls than fit into a line.
func TestPageReachesEveryWall(t *testing.T) {
	t.Parallel()
	var walls []wall.Layout
	for n := range 14 {
		walls = append(walls, wall.Layout{Name: fmt.Sprintf("wall-of-floor-%d", n+1), Cameras: []string{"a"}, Columns: 1, Width: 320})
	}
	s := servePage(t, 1, httpd.Config{Walls: walls})
	slow, _ := slowDoor(t, s.host, 2*time.Second, "/api/walls") // the camera is there before they are
	b := browse(t, 1280, 800, "http://"+slow.Listener.Addr().String()+"/?lang=de")
	b.is("all have a link", "document.querySelectorAll('#views a').length == 16", patient)
	b.is("the camera fits below them", "document.querySelectorAll('#grid li').length == 1 && document.documentElement.scrollHeight <= innerHeight", patient)
	for _, width := range []int64{1280, 320} {
		b.resize(width, 640)
		b.is(fmt.Sprintf("all are in the window of %d px", width), fmt.Sprintf(`innerWidth == %d && [].every.call(document.querySelectorAll('#views a'), function (a) {
			var r = a.getBoundingClientRect(), over = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
			return !r.width || (r.left >= 0 && r.right <= innerWidth && (over === a || r.top > innerHeight));
		})`, width), patient)
		b.keep(fmt.Sprintf("page-walls-%d", width))
		b.fits(width)
	}
}

// TestWallOfChosenCamerasOutlivesOne has a camera in the address that is not served any more.
func TestWallOfChosenCamerasOutlivesOne(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/?kiosk&wall&cams=a,gone,b&cols=2")
	const player = "document.querySelector('#wall .picture').player"
	b.is("the others are shown", player+" && "+player+".state == 'live' && "+player+".frame()", patient)
	if got := ask(b, chromedp.Evaluate[string](player+".camera")); got != "a,b" {
		t.Errorf("the wall is of %q", got)
	}
}

// TestPageGivesNoOrdersInAdvance holds a button of a camera that takes long for each order: they would go on after the hand.
func TestPageGivesNoOrdersInAdvance(t *testing.T) {
	t.Parallel()
	s := servePage(t, 1, httpd.Config{})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("one is live", "document.body.getAttribute('data-cameras') == 1 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var Real = window.XMLHttpRequest, every = window.setInterval;
		window.orders = [];
		window.turns = 0;
		window.setInterval = function (f, ms) { return every(function () { f(); turns += ms === 1000; }, ms); };
		window.answer = function (order) {
			Object.defineProperty(order.r, 'status', { configurable: true, value: 204 });
			Object.defineProperty(order.r, 'responseText', { configurable: true, value: '' });
			order.r.onload();
		};
		window.XMLHttpRequest = function () {
			var r = new Real(), open = r.open;
			r.open = function (method, url) {
				var m = /api\/cameras\/a(\/presets|\/ptz)?$/.exec(url);
				if (!m) { return open.apply(r, arguments); }
				r.setRequestHeader = function () {};
				r.send = function (body) {
					if (m[1] == '/ptz') { orders.push({ r: r, stop: JSON.parse(body).stop }); return; }
					setTimeout(function () {
						Object.defineProperty(r, 'status', { value: 200 });
						Object.defineProperty(r, 'responseText', { value: m[1] ? '[]' : '{"onvif":{"ptz":true}}' });
						r.onload();
					}, 10);
				};
			};
			return r;
		};
		location.hash = '#cam=a';
		return true;
	})()`))
	b.is("it can be moved", "!document.getElementById('ptz').hidden", patient)
	hand := func(kind string) {
		t.Helper()
		ask(b, chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector('[data-move=left]').dispatchEvent(new MouseEvent('%s', { bubbles: true, cancelable: true })), true", kind)))
	}
	hand("mousedown")
	b.is("it is held for long", "turns > 2", patient)
	if n := b.number("orders.length"); n != 1 {
		t.Errorf("%v orders were given before the first was taken", n)
	}
	ask(b, chromedp.Evaluate[bool]("answer(orders[0]), true"))
	b.is("the next follows", "orders.length == 2 && !orders[1].stop", patient)
	hand("mouseup")
	b.is("let go, it is told to stop", "orders.length == 3 && orders[2].stop", 5*time.Second)
	ask(b, chromedp.Evaluate[bool]("answer(orders[1]), answer(orders[2]), true"))
	hand("mousedown")
	b.is("it moves again", "orders.length == 4 && !orders[3].stop", 5*time.Second)
	hand("mouseup")
	b.is("and stops", "orders.length == 5 && orders[4].stop", 5*time.Second)
	ask(b, chromedp.Evaluate[bool]("answer(orders[3]), answer(orders[4]), true"))
	// Enter that is held down presses the button again and again.
	ask(b, chromedp.Evaluate[bool]("(function (left) { for (var i = 0; i < 30; i++) { left.click(); } })(document.querySelector('[data-move=left]')), true"))
	if n := b.number("orders.length"); n != 6 {
		t.Errorf("%v orders by the keyboard before the first was taken", n-5)
	}
	for range 2 { // one step has waited
		ask(b, chromedp.Evaluate[bool]("answer(orders[orders.length-1]), true"))
		if n := b.number("orders.length"); n != 7 {
			t.Errorf("%v orders by the keyboard after that", n-6)
		}
	}
	ask(b, chromedp.Evaluate[bool]("document.querySelector('[data-move=left]').click(), true"))
	if n := b.number("orders.length"); n != 8 {
		t.Errorf("%v orders by the keyboard after all were taken", n-7)
	}
}

// TestKioskSaysThatItKnowsNoCameras is opened while the gateway, or what is before it, tells none.
func TestKioskSaysThatItKnowsNoCameras(t *testing.T) {
	t.Parallel()
	d := doorTo(t, servePage(t, 1, httpd.Config{}).host)
	d.block(503, "/api/cameras")
	b := browse(t, 1000, 700, "http://"+d.host()+"/?kiosk")
	b.is("it does not stay black", "document.getElementById('notice').offsetHeight > 0 && /does not answer/.test(document.getElementById('notice').textContent) && /503/.test(document.getElementById('notice').textContent)", patient)
	d.unblock()
	b.is("the camera is live, and nothing else there", tilesLive+" && !document.getElementById('notice').offsetHeight", patient)
}

// TestSearchTellsWhatIsNoAnswer has a proxy that wants a login again, and says so with a page.
func TestSearchTellsWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := servePage(t, 1, httpd.Config{})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("one is live", "document.body.getAttribute('data-cameras') == 1 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var open = XMLHttpRequest.prototype.open;
		XMLHttpRequest.prototype.open = function (method, url) { return open.call(this, 'GET', url == 'api/discovery' ? './' : url, true); };
		document.getElementById('find').hidden = false;
		document.getElementById('find').click();
		return true;
	})()`))
	b.is("it is said", "document.getElementById('found').getAttribute('data-state') == 'done' && /it answers 200/.test(document.getElementById('found-text').textContent)", patient)
	b.is("and can be searched again", "!document.getElementById('search').disabled", time.Second)
}

// TestSearchLeavesWhatIsStillNeeded adds a camera, and goes through the list by the keyboard, while the search goes on.
func TestSearchLeavesWhatIsStillNeeded(t *testing.T) {
	t.Parallel()
	s := servePage(t, 1, httpd.Config{})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("one is live", "document.body.getAttribute('data-cameras') == 1 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var Real = window.XMLHttpRequest;
		function device(name) { return { id: name, name: name, address: '192.0.2.1', via: [], cameras: [], onvif: ['http://192.0.2.1/'], last_seen: String(Math.random()) }; }
		window.devices = [device('gate'), device('yard'), device('roof')];
		window.found = function () { // the search is over
			var r = searches.shift();
			devices.forEach(function (d) { d.last_seen = String(Math.random()); });
			answer(r, { devices: devices });
		};
		window.searches = [];
		function answer(r, what) {
			Object.defineProperty(r, 'status', { value: 200 });
			Object.defineProperty(r, 'responseText', { value: JSON.stringify(what) });
			r.onload();
		}
		window.XMLHttpRequest = function () {
			var r = new Real(), open = r.open;
			r.open = function (method, url) {
				if (url != 'api/discovery' && !(url == 'api/cameras' && method == 'POST')) { return open.apply(r, arguments); }
				r.setRequestHeader = function () {};
				r.send = function () {
					if (url == 'api/cameras') { return setTimeout(function () { devices[1].cameras = ['yard']; answer(r, { camera: 'yard' }); }, 10); }
					if (method == 'POST') { searches.push(r); } else { setTimeout(function () { answer(r, { devices: devices }); }, 10); }
				};
			};
			return r;
		};
		window.item = function (name) { return document.querySelector('#found-list li[data-device=' + name + ']'); };
		document.getElementById('find').hidden = false;
		document.getElementById('find').click();
		return true;
	})()`))
	b.is("the search goes on", "item('yard') && searches.length == 1", patient)
	ask(b, chromedp.Evaluate[bool]("item('yard').querySelector('button').click(), item('yard').querySelector('form button').click(), true"))
	b.is("it is added", "item('yard').getAttribute('data-camera') == 'yard'", patient)
	ask(b, chromedp.Evaluate[bool]("item('roof').querySelector('button').focus(), devices.shift(), devices.unshift({ id: 'new', name: 'new', address: '192.0.2.9', via: [], cameras: [], onvif: [] }), found(), true"))
	b.is("the search is over", "document.getElementById('found').getAttribute('data-state') == 'done' && item('new') && !item('gate')", 5*time.Second)
	b.is("what keeps the camera can still be copied", `item('yard').querySelector('pre') && /name = "yard"/.test(item('yard').querySelector('pre').textContent)`, time.Second)
	b.is("the keyboard is where it was", "item('roof').contains(document.activeElement)", time.Second)
	if got := ask(b, chromedp.Evaluate[string]("[].map.call(document.querySelectorAll('#found-list li'), function (li) { return li.getAttribute('data-device'); }).join()")); got != "new,yard,roof" {
		t.Errorf("the list is %q", got)
	}
	ask(b, chromedp.Evaluate[bool]("document.getElementById('search').click(), document.getElementById('found-close').click(), document.getElementById('find').click(), true"))
	b.is("a list that is opened again while a search goes on says so", "document.querySelectorAll('#found-list li').length == 3 && /Searching/.test(document.getElementById('found-text').textContent)", patient)
}

// TestChangesThatDoNotEndAreSpoken has a camera that is live and stale in turn, all the time.
func TestChangesThatDoNotEndAreSpoken(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/")
	b.is("two are live", "document.body.getAttribute('data-cameras') == 2 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		window.turns = 0;
		var was, player = document.querySelector('#grid li[data-camera=a] .picture').player;
		Object.defineProperty(player, 'state', { set: function () {}, get: function () {
			var state = performance.now() % 1200 < 600 ? 'stale' : 'live';
			turns += state !== was;
			was = state;
			return state;
		} });
		return true;
	})()`))
	b.is("it has changed ten times", "turns > 10", patient)
	b.is("which is spoken meanwhile", "/a: stale/.test(document.getElementById('spoken').textContent)", patient)
}

// TestTileThatIsMadeUnseenFitsItsPicture has a camera come while another is shown large.
func TestTileThatIsMadeUnseenFitsItsPicture(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/")
	b.is("two are live", "document.body.getAttribute('data-cameras') == 2 && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function () {
		var parse = JSON.parse;
		JSON.parse = function (s) {
			var all = parse(s);
			return all instanceof Array && all[0] && all[0].state ? all.filter(function (c) { return window.returned || c.name != 'b'; }) : all;
		};
		return true;
	})()`))
	b.is("one is left", order+" == 'a'", patient)
	ask(b, chromedp.Evaluate[bool]("location.hash = '#cam=a', true"))
	b.is("it is shown large", "document.getElementById('view').getAttribute('data-state') == 'live'", patient)
	ask(b, chromedp.Evaluate[bool]("window.returned = true"))
	b.is("the other is back", order+" == 'a,b'", patient)
	ask(b, chromedp.Evaluate[bool]("location.hash = '', true"))
	b.is("both are live", tilesLive, patient)
	b.is("both are as high", "(function (p) { return p[0].offsetHeight > 100 && p[0].offsetHeight == p[1].offsetHeight; })(document.querySelectorAll('#grid .picture'))", patient)
}
