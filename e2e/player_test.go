package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
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

	"camgate/camsim/stamp"
)

// The page of somebody who embeds the player: options come behind the question mark.
func init() {
	pages["player.html"] = `<html lang="en"><body style="margin:0"><div id="p" style="width:640px;height:360px"></div><script src="player.js"></script><script>
		var states = [], options = JSON.parse(decodeURIComponent(location.search.slice(1)));
		document.getElementById('p').addEventListener('camgate-state', function (e) { states.push(e.detail); });
		var player = new Camgate.Player(document.getElementById('p'), options);
	</script>`
}

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
	data := ask(b, chromedp.Evaluate[string](`(function () { var c = player.frame(); return c ? c.toDataURL('image/png').split(',')[1] : ''; })()`))
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
	var last uint32
	seen := 0
	eventually(b.t, "the player shows new frames", within, func() bool {
		n, ok := b.playerFrame()
		if ok && n != last {
			last = n
			seen++
		}
		return seen > 4
	})
}

// a door is a proxy in front of a gateway that lets some addresses not through.
type door struct {
	*httptest.Server
	mu      sync.Mutex
	blocked map[string]int // beginning of a path: how it answers; 0: not at all
	asked   map[string]int // first part of a path: how often

	open atomic.Int64 // requests under way
}

func doorTo(t *testing.T, host string) *door {
	d := &door{blocked: map[string]int{}, asked: map[string]int{}}
	to := &url.URL{Scheme: "http", Host: host}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
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

const playerLive = "player.state == 'live' && document.getElementById('p').getAttribute('data-state') == 'live'"

func playerPath(path string) string {
	return fmt.Sprintf("%s && player.path == '%s' && document.getElementById('p').getAttribute('data-path') == '%s'", playerLive, path, path)
}

func TestPlayerShowsTheRightFramesOnEachPath(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serveWithPages(t, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "mjpeg", "controls": true, "stats": true}))
	for _, path := range []string{"mjpeg", "snapshot"} {
		if path != "mjpeg" {
			b.open(playerPage(s.host, map[string]any{"camera": "cam1", "path": path, "controls": true, "stats": true}))
		}
		b.is(path+" is live", playerPath(path), 20*time.Second)
		b.showsNewFrames(15 * time.Second)
		b.keep("player-" + path)
	}
}
