package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"camgate/camera"
	"camgate/outputs/httpd"
	"camgate/outputs/wall"
	"camgate/outputs/webrtc"
)

// servePage serves cameras a, b, c … in every way, all of one simulated camera.
func servePage(t *testing.T, n int, server httpd.Config) *site {
	t.Helper()
	o := small("cam")
	o.Video.FPS, o.Video.GOP = 10, 10
	cam := camsimStart(t, o)
	var configs []camera.Config
	for i := range n {
		configs = append(configs, config(t, string(rune('a'+i)), cam.URL()))
	}
	server.Listen, server.WebRTC = "127.0.0.1:0", &webrtc.Options{}
	return serveWith(t, server, configs...)
}

// order of the tiles.
const order = "[].map.call(document.querySelectorAll('#grid li'), function (li) { return li.getAttribute('data-camera'); }).join()"

func (b *browser) mouse(kind input.DispatchMouseEventType, x, y float64) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
		_, err := cdp.Call(ctx, page, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
		return err
	}))
}

func (b *browser) scheme(name string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
		_, err := cdp.Call(ctx, page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return err
	}))
}

// TestPageIsArrangedByHand drags a tile, and moves one by the keyboard; the page keeps it.
func TestPageIsArrangedByHand(t *testing.T) {
	t.Parallel()
	s := servePage(t, 4, httpd.Config{})
	b := browse(t, 1000, 700, "http://"+s.host+"/")
	b.is("four are live", "document.body.getAttribute('data-cameras') == 4 && "+tilesLive, patient)
	middle := func(name, side string) float64 {
		return b.number(fmt.Sprintf("(function (r) { return %s; })(document.querySelector('#grid li[data-camera=%s]').getBoundingClientRect())", side, name))
	}
	const x, y = "r.left + r.width / 2", "r.top + r.height / 2"
	toX, toY := middle("d", x), middle("d", y)
	b.mouse("mousePressed", middle("a", x), middle("a", y))
	b.mouse("mouseMoved", middle("a", x)+20, middle("a", y))
	b.mouse("mouseMoved", toX, toY)
	b.is("the others make room", order+" == 'b,c,d,a'", patient)
	b.keep("page-dragged")
	b.mouse("mouseReleased", toX, toY)
	b.is("it stays, also in the address", "/[?]order=b,c,d,a/.test(location.search) && !document.querySelector('.held') && document.body.getAttribute('data-view') == 'grid'", patient)
	ask(b, chromedp.Evaluate[bool]("document.querySelector('#grid li[data-camera=a] a').focus(), true"))
	b.do(chromedp.KeyEvent("\u0302", chromedp.KeyModifiers(chromedp.ModifierAlt))) // arrow left
	b.is("the keyboard moves it too", order+" == 'b,c,a,d' && document.activeElement.parentNode.getAttribute('data-camera') == 'a'", patient)
	b.is("which is spoken", "/a: 3/.test(document.getElementById('spoken').textContent)", patient)
	b.open("http://" + s.host + "/")
	b.is("the page has kept it", order+" == 'b,c,a,d'", patient)
	b.open("http://" + s.host + "/?order=d,c")
	b.is("an address goes before, and new cameras behind", order+" == 'd,c,a,b'", patient)
	b.open("http://" + s.host + "/?cams=c,a&cols=1")
	b.is("an address chooses cameras and columns", order+" == 'c,a' && (function (l) { return l[0].offsetTop < l[1].offsetTop && l[0].offsetWidth > 900; })(document.querySelectorAll('#grid li')) && "+tilesLive, patient)
	ask(b, chromedp.Evaluate[bool]("(function (s) { s.selectedIndex = 2; s.dispatchEvent(new Event('change')); })(document.getElementById('columns')), true"))
	b.is("columns are chosen in the page too", "/cols=2/.test(location.search) && document.querySelectorAll('#grid li')[0].offsetTop == document.querySelectorAll('#grid li')[1].offsetTop", patient)
	b.do(chromedp.Click(chromedp.CSS("#grid li[data-camera=a] a")))
	b.is("a click still opens it", "location.hash == '#cam=a' && document.getElementById('view').getAttribute('data-state') == 'live'", patient)
	b.is("by the best way", "document.getElementById('view').getAttribute('data-mode') == 'webrtc'", patient)
	b.keep("page-webrtc")
}

// TestKioskSurvives is a screen in a hall: nobody is there.
func TestKioskSurvives(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam"))
	configs := []camera.Config{config(t, "a", cam.URL()), config(t, "b, c/d", cam.URL())}
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0"}, configs...)
	host := s.host
	b := browse(t, 1280, 720, "http://"+host+"/?kiosk&cams=a,b%2C%20c%2Fd,gone&cols=2")
	live := "document.querySelectorAll('#grid li[data-state=live]').length == 2"
	b.is("two are live", live+" && document.querySelectorAll('#grid li').length == 3", patient)
	b.is("the third is said to be missing", "/gone/.test(document.querySelectorAll('.camgate-said')[2].textContent) && document.querySelectorAll('#grid li')[2].getAttribute('data-state') == 'error'", patient)
	b.is("pictures fill the window", `(function (l) { var r = l[2].getBoundingClientRect(); return r.width == 640 && Math.round(r.bottom) == 720 && Math.round(l[1].getBoundingClientRect().right) == 1280; })(document.querySelectorAll('#grid li'))`, patient)
	b.is("nothing else is there", "['top', 'alarm', 'notice', 'found'].every(function (id) { return !document.getElementById(id).offsetHeight; })", patient)
	b.is("no cursor either", "getComputedStyle(document.querySelector('.tile')).cursor == 'none'", patient)
	x := 600.0
	eventually(t, "until the mouse moves", patient, func() bool { // it is gone again 3 s later
		x++
		b.mouse("mouseMoved", x, 300)
		return b.number("getComputedStyle(document.querySelector('.tile')).cursor != 'none' ? 1 : 0") == 1
	})
	b.keep("kiosk")
	s.stop()
	b.is("the gateway's end is said on each picture", "document.querySelectorAll('#grid li[data-state=live]').length == 0 && /No connection/.test(document.querySelector('.camgate-said').textContent)", 10*time.Second)
	b.keep("kiosk-gateway-gone")
	s = serveWith(t, httpd.Config{Listen: host}, configs...)
	b.is("all is well again", live, 5*time.Second+slack)
	b.resize(320, 640)
	b.is("on a small screen too", live+" && "+overflow+" == 0", patient)
	b.keep("kiosk-320")
	s.stop()

	// The page is opened while the gateway restarts: with its cameras in the address it needs nobody's word.
	serveWith(t, httpd.Config{Listen: host}, configs...)
	b.open("http://" + host + "/?kiosk&cams=a#cam=a")
	b.is("one alone, large", "document.getElementById('view').getAttribute('data-state') == 'live' && document.querySelector('#view .picture').offsetHeight == innerHeight", patient)
	b.open("http://" + host + "/?kiosk#cam=gone")
	b.is("one that is not there is said to be missing", "document.getElementById('notice').offsetHeight > 0 && /gone/.test(document.getElementById('notice-title').textContent)", patient)
	b.keep("kiosk-missing")
}

func TestPageShowsWalls(t *testing.T) {
	t.Parallel()
	s := servePage(t, 5, httpd.Config{Walls: []wall.Layout{{Name: "hall", Cameras: []string{"a", "c"}, Columns: 2, Width: 640}}})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("the wall of the configuration is there", "/hall/.test(document.getElementById('views').textContent)", patient)
	player := "document.querySelector('#wall .picture').player"
	b.do(chromedp.Click(chromedp.CSS("#to-wall")))
	b.is("all are in one picture", player+" && "+player+".state == 'live' && "+player+".path == 'mjpeg' && "+player+".frame().width > 500", patient)
	b.is("the view is told", "document.body.getAttribute('data-view') == 'wall' && document.getElementById('to-wall').getAttribute('aria-current') == 'page'", patient)
	eventually(t, "cameras are watched once each", patient, func() bool { return s.status("e").Viewers == 1 })
	b.keep("wall")
	b.do(chromedp.Click(chromedp.CSS("#views a[href='#wall=hall']")))
	b.is("the named one", player+".camera == 'hall' && "+player+".state == 'live' && "+player+".path == 'ws'", patient)
	b.keep("wall-named")
	b.resize(320, 640)
	b.fits(320)
	b.keep("wall-320")
	b.resize(1280, 800)
	b.do(chromedp.KeyEvent("\u001b"))
	b.is("Esc leads back", "document.body.getAttribute('data-view') == 'grid' && "+tilesLive, patient)
	b.open("http://" + s.host + "/?kiosk&wall=hall")
	b.is("a kiosk has walls too", player+" && "+player+".state == 'live' && document.querySelector('#wall .picture').offsetHeight == innerHeight", patient)
}

// TestPageFollowsWallsOfAnotherConfiguration stays open while the gateway begins anew with other walls.
func TestPageFollowsWallsOfAnotherConfiguration(t *testing.T) {
	t.Parallel()
	cam := config(t, "a", camsimStart(t, small("cam")).URL())
	named := func(names ...string) (walls []wall.Layout) {
		for _, n := range names {
			walls = append(walls, wall.Layout{Name: n, Cameras: []string{"a"}, Columns: 1, Width: 320})
		}
		return walls
	}
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", Walls: named("hall")}, cam)
	d := doorTo(t, s.host)
	at := "http://" + d.host()
	b := browse(t, 1280, 800, at+"/")
	for lang, says := range map[string]string{
		"": "There is no wall “N I X” here", "de": "Hier gibt es keine Wand „N I X“", "fr": "Il n’y a pas de mur « N I X » ici",
		"ja": "ウォール「N I X」はありません", "zh-Hant": "這裡沒有電視牆「N I X」",
	} {
		for _, kiosk := range []string{"", "&kiosk"} {
			b.open(at + "/?wall=N%20I%20X&lang=" + lang + kiosk)
			b.is(lang+": it says so, and which there are", fmt.Sprintf("document.readyState == 'complete' && document.getElementById('notice').offsetHeight && document.getElementById('notice-title').textContent == %q && /hall/.test(document.getElementById('notice-text').textContent) && !document.querySelector('#wall .picture').player", says), patient)
		}
	}
	b.keep("wall-missing")
	b.do(chromedp.Click(chromedp.CSS("#notice-back a")))
	b.is("a way leads to the cameras", "document.body.getAttribute('data-view') == 'grid' && "+tilesLive, patient)
	b.open(at + "/#wall=N%20I%20X")
	b.is("there is none", "document.readyState == 'complete' && /N I X/.test(document.getElementById('notice-title').textContent) && document.querySelector('#views a[href=\"#wall=hall\"]')", patient)
	b.is("nothing plays that could end", "document.querySelector('#grid .picture').player.state == 'paused'", patient)
	const asked = "performance.getEntriesByType('resource').filter(function (e) { return /api.cameras$/.test(e.name); }).length"
	b.is("it has asked for the cameras since", fmt.Sprintf("%s > %v + 2", asked, b.number(asked)), patient)
	// The gateway begins anew so quickly that no request of the page's meets nobody.
	next := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", Walls: named("N I X", "yard")}, cam)
	d.leadTo(next.host)
	s.stop()
	const player = "document.querySelector('#wall .picture').player"
	b.is("now there is", player+" && "+player+".state == 'live' && "+player+".camera == 'N I X' && !document.getElementById('notice').offsetHeight", patient)
	b.is("links follow", "document.querySelector('#views a[href=\"#wall=yard\"]') && !document.querySelector('#views a[href=\"#wall=hall\"]')", patient)
	d.leadTo(serveWith(t, httpd.Config{Listen: "127.0.0.1:0", Walls: named("hall")}, cam).host)
	next.stop()
	b.is("and now there is none", "!"+player+" && /N I X/.test(document.getElementById('notice-title').textContent) && document.getElementById('notice').offsetHeight", patient)
}

func TestPageSpeaksFiveLanguages(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{})
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	for lang, words := range map[string][]string{
		"en": {"Grid", "Columns", "2 of 2 live"}, "de": {"Raster", "Spalten", "2 von 2 live"}, "fr": {"Grille", "Colonnes", "2 sur 2 en direct"},
		"ja": {"一覧", "列数", "2 台中 2 台ライブ"}, "zh": {"格狀", "欄數", "2 台中 2 台即時"},
	} {
		b.open("http://" + s.host + "/?lang=" + lang)
		for _, w := range words {
			b.is(lang+": "+w, fmt.Sprintf("document.getElementById('top').textContent.indexOf(%q) >= 0", w), patient)
		}
		b.is(lang+": says so", fmt.Sprintf("document.documentElement.lang.indexOf(%q) == 0", lang), patient)
		b.keep("page-" + lang)
		for _, width := range []int64{320, 1280} {
			b.resize(width, 640)
			b.fits(width)
			if width == 320 {
				b.keep("page-320-" + lang)
			}
		}
		b.open("http://" + s.host + "/?lang=" + lang + "#cam=a")
		b.is(lang+": large", "document.getElementById('view').getAttribute('data-state') == 'live' && /H\\.?264/i.test(document.getElementById('facts').textContent)", patient)
		if lang == "de" {
			b.scheme("dark")
			b.keep("page-large-dark")
			b.scheme("light")
			b.keep("page-large-light")
			b.scheme("")
		}
	}
}

// TestPageWorksBelowABasePath is a gateway that is /cams of a larger site.
func TestPageWorksBelowABasePath(t *testing.T) {
	t.Parallel()
	s := servePage(t, 2, httpd.Config{BasePath: "/cams"})
	b := browse(t, 1000, 700, "http://"+s.host+"/cams/")
	b.is("two are live", "document.body.getAttribute('data-cameras') == 2 && "+tilesLive+" && "+every("li.getAttribute('data-mode') == 'ws'"), patient)
	b.do(chromedp.Click(chromedp.CSS("#grid li[data-camera=b] a")))
	b.is("one is live, large", "document.getElementById('view').getAttribute('data-state') == 'live' && document.getElementById('view').getAttribute('data-mode') == 'webrtc'", patient)
	b.is("addresses to copy are right", fmt.Sprintf("document.getElementById('link-mjpeg').value == 'http://%s/cams/mjpeg/b'", s.host), patient)
	b.open("http://" + s.host + "/cams/#wall")
	b.is("the wall is live", "document.querySelector('#wall .picture').player && document.querySelector('#wall .picture').player.state == 'live'", patient)
}

// TestExamplesWork opens each page of examples/ as its README says.
func TestExamplesWork(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: "../examples", WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()), config(t, "cam2", cam.URL()))
	readme := s.get("/README.md", http.StatusOK)
	b := browse(t, 800, 600, "http://"+s.host+"/img.html")
	for page, shown := range map[string]string{
		"img.html": "img", "websocket.html": "img", "whep.html": "video", "player.html": "camgate-player", "wall.html": "img", "kiosk.html": "camgate-player",
	} {
		if !strings.Contains(readme, "`"+page+"`") {
			t.Errorf("README.md does not tell of %s", page)
		}
		b.open("http://" + s.host + "/" + page)
		if shown == "camgate-player" {
			b.is(page+" is live", "[].every.call(document.querySelectorAll('camgate-player'), function (p) { return p.state == 'live'; })", patient)
		} else {
			b.is(page+" shows something", fmt.Sprintf("(function (e) { return e && (e.naturalWidth || e.videoWidth); })(document.querySelector('%s'))", shown), patient)
		}
		if page == "wall.html" || page == "kiosk.html" {
			b.keep("example-" + strings.TrimSuffix(page, ".html"))
			continue
		}
		// The number is burnt into the picture's upper edge.
		var first uint32
		eventually(t, page+" goes on", patient, func() bool {
			n, ok := b.frame(shown)
			if ok && first == 0 {
				first = n
			}
			return ok && n != first
		})
	}
}

// A terminal that is too slow gets the next picture before it has drawn one.
func TestTheWebSocketExampleKeepsNoPicturesThatWereNotShown(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: "../examples"}, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/websocket.html")
	b.is("it shows something", "document.getElementById('picture').naturalWidth > 0", patient)
	b.number(`(function () { // from now on the image loads nothing
		var shown = '', make = URL.createObjectURL, drop = URL.revokeObjectURL;
		window.made = 0;
		window.kept = {};
		Object.defineProperty(document.getElementById('picture'), 'src', { get: function () { return shown; }, set: function (to) { shown = to; } });
		URL.createObjectURL = function (blob) { var url = make.call(URL, blob); made++; kept[url] = 1; return url; };
		URL.revokeObjectURL = function (url) { delete kept[url]; drop.call(URL, url); };
		return 0;
	})()`)
	b.is("twenty pictures have come", "made >= 20", patient)
	if n := b.number("Object.keys(kept).length"); n > 1 {
		t.Errorf("%v pictures are kept, of which none was shown", n)
	}
}
