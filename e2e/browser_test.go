package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"camgate/camera"
	"camgate/camsim"
	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/outputs/httpd"
)

// browser is a Chromium with one page open, which ends with the test.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	thrown []string
}

// browse starts a Chromium of a window's size and opens an address in it.
func browse(t *testing.T, width, height int64, url string) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WindowSize(int(width), int(height)),
		chromedp.WSURLReadTimeout(patient),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			what := e.ExceptionDetails.Text
			if e.ExceptionDetails.Exception != nil {
				what += " " + e.ExceptionDetails.Exception.Description
			}
			b.mu.Lock()
			b.thrown = append(b.thrown, what)
			b.mu.Unlock()
		}
	}); err != nil {
		t.Fatalf("no Chromium: %v", err)
	}
	b.resize(width, height)
	b.open(url)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.thrown) > 0 {
			t.Errorf("the page's program failed:\n%s", strings.Join(b.thrown, "\n"))
		}
	})
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
}

// ask runs an action that has a result.
func ask[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
	return answer
}

func (b *browser) resize(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// open does not wait for the page's load event, which a page with a multipart picture
// never has.
func (b *browser) open(url string) {
	b.t.Helper()
	// The document of before may have an address that begins like this one, and goes on until
	// the other comes, unless only what is behind the # changes.
	ask(b, chromedp.Evaluate[bool](fmt.Sprintf(`(function (to) {
		window.isLeft = to.indexOf('#') < 0 || to.split('#')[0] != location.href.split('#')[0];
		location.href = to;
		return true;
	})(%q)`, url)))
	opened := chromedp.Evaluate[bool](fmt.Sprintf("!window.isLeft && location.href.indexOf(%q)==0 && document.readyState!='loading'", url))
	eventually(b.t, "the page opens", patient, func() bool {
		ready, err := chromedp.Run(b.ctx, opened)
		return err == nil && ready
	})
}

// is waits until a JavaScript expression is true. What it looks into may not be there yet: a
// document that is being loaded has no body.
func (b *browser) is(what, expression string, within time.Duration) {
	b.t.Helper()
	var failed error // the last look
	defer func() {
		if b.t.Failed() {
			if failed != nil {
				b.t.Logf("in the browser: %s: %v", expression, failed)
			}
			seen, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.hash + [].map.call(document.querySelectorAll('body, #grid, #grid li, #view'), function (e) {
				var d = JSON.stringify(e.dataset), r = e.getBoundingClientRect();
				return '\n' + e.tagName + (e.hidden ? ' hidden ' : ' ') + d + ' ' + [r.left, r.top, r.width, r.height];
			}).join('') + (window.player ? '\nplayer: ' + JSON.stringify(player.stats()) + ' frames: ' + player.frames + ' error: ' + player.error +
				' states: ' + JSON.stringify((window.states || []).slice(-20)) : '')`))
			b.t.Logf("the page: %s %v", seen, err)
		}
	}()
	eventually(b.t, what, within, func() bool {
		var holds bool
		holds, failed = chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return holds && failed == nil
	})
}

func (b *browser) number(expression string) float64 {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[float64](expression))
}

// frame is the number burnt into the picture that an element shows on the screen.
func (b *browser) frame(selector string) (uint32, bool) {
	b.t.Helper()
	img, err := png.Decode(bytes.NewReader(ask(b, chromedp.Screenshot(chromedp.CSS(selector)))))
	if err != nil {
		b.t.Fatal(err)
	}
	return stamp.Read(img)
}

// keep saves what the window shows, for people, where CAMGATE_SCREENSHOTS names a folder.
func (b *browser) keep(name string) {
	b.t.Helper()
	dir := os.Getenv("CAMGATE_SCREENSHOTS")
	if dir == "" {
		return
	}
	shot := ask(b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// pages are those of people who know <img> and little of video.
var pages = map[string]string{
	"multipart.html": `<body style="margin:0"><img id="p" src="/mjpeg/cam1" onerror="window.failed=1">`,
	"behind.html":    `<body style="margin:0"><img id="p" src="/mjpeg/cam1?advance=0">`,
	"jpeg.html": `<body style="margin:0"><img id="p"><script>
		var ws = new WebSocket('ws://' + location.host + '/ws/cam1', 'jpeg'), p = document.getElementById('p');
		ws.onmessage = function (e) { URL.revokeObjectURL(p.src); p.src = URL.createObjectURL(e.data); };
	</script>`,
	"chunked.html": `<body style="margin:0"><img id="p"><script>
		var ws = new WebSocket('ws://' + location.host + '/ws/cam1?protocol=jpeg-chunked'), pieces = [], most = 0;
		ws.binaryType = 'arraybuffer';
		ws.onmessage = function (e) {
			var h = new DataView(e.data, 0, 16), last = h.getUint8(1) & 1, p = document.getElementById('p'), blob;
			if (e.data.byteLength > 32768) { throw new Error('a message of ' + e.data.byteLength + ' bytes'); }
			if (h.getUint8(0) !== 1) { throw new Error('version ' + h.getUint8(0)); }
			if (h.getUint16(8) !== pieces.length) { throw new Error('piece ' + h.getUint16(8) + ' after ' + pieces.length); }
			pieces.push(new Uint8Array(e.data, 16));
			if (!last) { return; }
			if (h.getUint16(10) !== pieces.length) { throw new Error(pieces.length + ' pieces of ' + h.getUint16(10)); }
			most = Math.max(most, pieces.length);
			blob = new Blob(pieces, { type: 'image/jpeg' });
			if (blob.size !== h.getUint32(12)) { throw new Error(blob.size + ' bytes of ' + h.getUint32(12)); }
			pieces = [];
			p.src = URL.createObjectURL(blob);
		};
	</script>`,
}

// serveWithPages serves cameras and the pages of this file.
func serveWithPages(t *testing.T, configs ...camera.Config) *site {
	t.Helper()
	return serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: pagesDir(t)}, configs...)
}

// pagesDir is a folder with them.
func pagesDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("<!DOCTYPE html>"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newestStays is how long after the newest picture of a camera of one in two seconds nothing
// else comes: after three periods without a picture there would be a notice.
const newestStays = 5 * time.Second

// TestBrowserShowsTheNewestPicture looks at the screen of a camera of one picture in two
// seconds: a picture must appear there without another behind it.
func TestBrowserShowsTheNewestPicture(t *testing.T) {
	for _, c := range []struct {
		page string
		late bool // the screen shows the picture before
		big  bool
	}{
		{page: "multipart.html"},
		{page: "jpeg.html"},
		{page: "chunked.html", big: true},
		// What a browser does by itself; if this fails, browsers have changed, and what
		// outputs/mjpeg does for them may not be needed any more.
		{page: "behind.html", late: true},
	} {
		t.Run(strings.TrimSuffix(c.page, ".html"), func(t *testing.T) {
			t.Parallel()
			o := camsim.Options{Video: decoder.VideoEncoderOptions{Width: 320, Height: 192, FPS: 1, GOP: 1}, ClipFrames: 60}
			cfg := camera.Config{}
			if c.big { // several messages a picture
				o.Video.Width, o.Video.Height, o.Video.Bitrate = 448, 256, 4e6
				cfg.Quality = 95
			}
			cam := camsimStart(t, o)
			cam.Slow(0.5)
			quality := cfg.Quality
			cfg = config(t, "cam1", cam.URL())
			cfg.Quality = quality
			s := serveWithPages(t, cfg)
			b := browse(t, 800, 600, "http://"+s.host+"/"+c.page)
			b.is("a picture", "document.getElementById('p').naturalWidth", patient)

			sent := make(chan uint32, 100)
			cam.OnSent(func(n uint32, _ time.Time) { sent <- n })
			defer cam.OnSent(nil)
			for range 5 {
				before, n := <-sent, <-sent // no notice comes between these two
				cam.Mute(true)              // nothing comes behind it that would push it onto the screen
				for len(sent) > 0 {
					before, n = n, <-sent
				}
				shown := make(map[uint32]bool)
				began := time.Now()
				looks := func() bool {
					if c.late && shown[before] && time.Since(began) > time.Second {
						return false
					}
					return time.Since(began) < newestStays && !shown[n]
				}
				for looks() {
					if on, ok := b.frame("#p"); ok {
						shown[on] = true
					}
				}
				cam.Mute(false)
				if !c.late && !shown[n] {
					t.Errorf("picture %d was not on the screen while it was the newest, but %v", n, shown)
				}
				if c.late && (shown[n] || !shown[before]) {
					t.Errorf("while picture %d was the newest after %d, the screen showed %v", n, before, shown)
				}
			}
			if c.big && b.number("most") < 2 {
				t.Error("no picture was in several pieces")
			}
		})
	}
}

// TestBrowserImageSurvivesReboot has one <img> and no program: it is never loaded anew.
func TestBrowserImageSurvivesReboot(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serveWithPages(t, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/multipart.html")
	readable := func() bool { _, ok := b.frame("#p"); return ok }
	b.is("a picture", "document.getElementById('p').naturalWidth", patient)
	eventually(t, "a live picture", patient, readable)
	if err := cam.Reboot(0); err != nil { // until it is healed
		t.Fatal(err)
	}
	eventually(t, "a picture that is not live does not look so", 3*time.Second+slack, func() bool { return !readable() })
	eventually(t, "the API says offline", 6*time.Second+slack, func() bool { return s.status("cam1").State == "offline" })
	b.keep("img-offline")
	cam.Heal()
	eventually(t, "the picture is back", 20*time.Second, readable)
	if b.number("window.failed ? 1 : 0") != 0 || b.number("performance.getEntriesByType('resource').filter(function(e){return /mjpeg/.test(e.name)}).length") > 1 {
		t.Error("the browser had to load the picture anew")
	}
	if n := s.status("cam1").Viewers; n != 1 {
		t.Errorf("%d viewers", n)
	}
}

// TestBrowserImageShowsPlaceholder is a camera that was never there.
func TestBrowserImageShowsPlaceholder(t *testing.T) {
	t.Parallel()
	s := serveWithPages(t, config(t, "cam1", "rtsp://127.0.0.1:1/none"))
	b := browse(t, 800, 600, "http://"+s.host+"/multipart.html")
	b.is("a picture all the same", "document.getElementById('p').naturalWidth > 100", patient)
	b.keep("img-placeholder")
	if b.number("window.failed ? 1 : 0") != 0 {
		t.Error("the <img> broke")
	}
}

const (
	tilesLive = "document.querySelectorAll('#grid li[data-state=live]').length == document.body.getAttribute('data-cameras') && document.querySelectorAll('#grid li').length > 0"
	overflow  = "document.documentElement.scrollWidth > document.documentElement.clientWidth ? 1 : 0"
)

// fits waits until the page has come to a window's width and is not wider: it is told of a new
// size later than the browser is.
func (b *browser) fits(width int64) {
	b.t.Helper()
	b.is(fmt.Sprintf("the page fits a window of %d px", width), fmt.Sprintf("innerWidth == %d && (%s) == 0", width, overflow), patient)
}

// every has a condition hold for each tile of the page.
func every(condition string) string {
	return "[].every.call(document.querySelectorAll('#grid li'), function (li) { return " + condition + "; })"
}

func TestBrowserPageShowsEightCameras(t *testing.T) {
	t.Parallel()
	var configs []camera.Config
	for n := range 8 {
		name := fmt.Sprintf("cam%d", n+1)
		o := small(name)
		o.Video.FPS, o.Video.GOP = 10, 10
		configs = append(configs, config(t, name, camsimStart(t, o).URL()))
	}
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0"}, configs...)
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("eight tiles are live", "document.body.getAttribute('data-cameras') == 8 && "+tilesLive, patient)
	b.is("each goes on", every("+li.getAttribute('data-frames') > 10"), patient)
	b.is("each tells its age", every("+li.getAttribute('data-age-ms') < 2000"), patient)
	b.is("eight cameras at 1280×800 need no scrolling", "document.documentElement.scrollHeight <= innerHeight", patient)
	for _, scheme := range []string{"dark", "light"} {
		b.do(chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
			_, err := cdp.Call(ctx, page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return err
		}))
		b.is("the page is "+scheme, fmt.Sprintf("(+/\\d+/.exec(getComputedStyle(document.body).backgroundColor)[0] < 128) == %v", scheme == "dark"), patient)
		b.keep("page-" + scheme)
	}
	for _, width := range []int64{320, 360, 768, 1920} {
		b.resize(width, 640)
		b.fits(width)
		if width == 320 {
			b.is("tiles are live at 320 px too", "document.querySelectorAll('#grid li[data-state=live]').length > 1", patient)
			b.keep("page-320")
		}
	}

	b.resize(1280, 800)
	b.is("the tiles stand still", `innerWidth == 1280 && (function () {
		var now = JSON.stringify([].map.call(document.querySelectorAll('#grid li'), function (li) { return li.getBoundingClientRect(); }));
		still = now == window.seen ? window.still + 1 : 0;
		seen = now;
		return still > 20;
	})()`, patient)
	b.do(chromedp.Click(chromedp.CSS(`#grid li[data-camera="cam3"] a`)))
	large := "!document.getElementById('view').hidden && document.getElementById('view').getAttribute('data-camera') == 'cam3' && document.getElementById('view').getAttribute('data-state') == 'live'"
	b.is("the camera is shown large", large+" && +document.getElementById('view').getAttribute('data-frames') > 5", patient)
	b.is("its facts are told", "/H\\.?264/i.test(document.getElementById('facts').textContent)", patient)
	b.keep("page-large")
	eventually(t, "the others rest", patient, func() bool { return s.status("cam1").Viewers == 0 })
	b.resize(320, 640)
	b.fits(320)
	b.keep("page-large-320")
	b.resize(1280, 800)
	b.do(chromedp.KeyEvent("\u001b"))
	b.is("Esc leads back", "document.getElementById('view').hidden && !document.getElementById('grid').hidden", patient)
	b.is("and all are live again", tilesLive, patient)
}

func TestBrowserPageSaysWhatIsNotLive(t *testing.T) {
	t.Parallel()
	cam, other := camsimStart(t, small("door")), camsimStart(t, small("yard"))
	s := serve(t, config(t, "door", cam.URL()), config(t, "yard", other.URL()), config(t, "gone", "rtsp://127.0.0.1:1/none"))
	b := browse(t, 1000, 600, "http://"+s.host+"/")
	tile := func(name, state string) string {
		return fmt.Sprintf("document.querySelector('#grid li[data-camera=%s]').getAttribute('data-state') == '%s'", name, state)
	}
	b.is("who can be live is", "document.querySelector('#grid li') && "+tile("door", "live")+" && "+tile("yard", "live")+" && "+tile("gone", "offline"), patient)
	b.is("the reason is told", "/does not answer/.test(document.querySelector('#grid li[data-camera=gone] .camgate-said').textContent)", patient)
	if err := cam.Reboot(0); err != nil { // until it is healed
		t.Fatal(err)
	}
	b.is("offline is said", tile("door", "offline"), 8*time.Second+slack)
	b.is("its age grows", "+document.querySelector('#grid li[data-camera=door]').getAttribute('data-age-ms') > 4000", patient)
	b.is("the other goes on", tile("yard", "live")+" && "+tile("door", "offline"), patient)
	b.keep("page-offline")
	cam.Heal()
	b.is("and back it is", tile("door", "live"), patient)
}

func TestBrowserPageOutlivesTheGateway(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	b := browse(t, 1000, 600, "http://"+s.host+"/")
	b.is("the camera is live", tilesLive, patient)
	s.stop()
	b.is("the page says that the gateway is gone", "document.body.getAttribute('data-gateway') == 'silent' && !document.getElementById('alarm').hidden", patient)
	b.is("and calls nothing live", "document.querySelectorAll('#grid li[data-state=live]').length == 0", 10*time.Second)
	b.keep("page-gateway-gone")
	serveWith(t, httpd.Config{Listen: s.host}, config(t, "cam1", cam.URL()))
	b.is("all is well again", "document.body.getAttribute('data-gateway') == 'ok' && document.getElementById('alarm').hidden && "+tilesLive, patient)
}
