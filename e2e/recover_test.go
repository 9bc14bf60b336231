package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/bench/rig"
	"camgate/camsim/stamp"
	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
	"camgate/testnet"
)

// How soon players show the camera again once they could.
const backAgain = 5 * time.Second

// everyPath is the paths that the page below shows one camera by, side by side.
var everyPath = []string{"webrtc", "ws", "mjpeg", "snapshot"}

func init() {
	pages["paths.html"] = `<html lang="en"><body style="margin:0"><script src="player.js"></script><script>
		var players = {};
		location.search.slice(1).split(',').forEach(function (path) {
			var div = document.body.appendChild(document.createElement('div'));
			div.style.cssText = 'float:left;width:320px;height:192px';
			players[path] = new Camgate.Player(div, { camera: 'cam1', path: path === 'auto' ? path : path + ',' + path }); // no other
		});
		// Of each player, when its last nine pictures were shown: three times the longest gap between
		// two is how long it waits for the next before it calls the last one old.
		var shown = {};
		setInterval(function () {
			for (var path in players) {
				var s = shown[path] = shown[path] || [], n = players[path].frames;
				if (!s.length || s[s.length - 1].n !== n) { s.push({ n: n, at: performance.now() }); }
				if (s.length > 9) { s.shift(); }
			}
		}, 20);
		function longestGap() {
			var longest = 0;
			for (var path in shown) { shown[path].forEach(function (s, i, all) { if (i) { longest = Math.max(longest, s.at - all[i - 1].at); } }); }
			return longest;
		}
		// look tells of each player its state, and the picture that it shows.
		function look() {
			var all = {}, path, canvas;
			for (path in players) {
				canvas = players[path].frame();
				all[path] = { state: players[path].element.getAttribute('data-state'), path: players[path].element.getAttribute('data-path'), picture: canvas ? canvas.toDataURL('image/png').split(',')[1] : '' };
			}
			return JSON.stringify(all);
		}
	</script>`
}

// watchEveryPath opens the page with a player for each path.
func watchEveryPath(t *testing.T, host string, paths []string) *browser {
	t.Helper()
	return browse(t, 1000, 500, "http://"+host+"/paths.html?"+strings.Join(paths, ","))
}

// onPath is what one player shows.
type onPath struct {
	State, Path, Picture string
	frame                uint32
	stamped              bool
}

func (b *browser) look() map[string]onPath {
	b.t.Helper()
	all := map[string]onPath{}
	if err := json.Unmarshal([]byte(ask(b, chromedp.Evaluate[string]("look()"))), &all); err != nil {
		b.t.Fatal(err)
	}
	for path, p := range all {
		if p.Picture != "" {
			p.frame, p.stamped = stamp.Read(decodePNG(b.t, p.Picture))
		}
		p.Picture = ""
		all[path] = p
	}
	return all
}

// allShow waits until each player is live and shows pictures that follow each other, and
// returns how long the last of them took.
func (b *browser) allShow(what string, within time.Duration) time.Duration {
	b.t.Helper()
	began := time.Now()
	first := map[string]uint32{}
	took := map[string]time.Duration{}
	var last map[string]onPath
	defer func() {
		if b.t.Failed() {
			b.t.Logf("back after %v; the players: %+v", took, last)
			b.keep("recover-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		}
	}()
	eventually(b.t, what, within, func() bool {
		last = b.look()
		for path, p := range last {
			if _, done := took[path]; done || p.State != "live" || !p.stamped {
				continue
			}
			if n, seen := first[path]; !seen {
				first[path] = p.frame
			} else if n != p.frame {
				took[path] = time.Since(began)
			}
		}
		return len(took) == len(last)
	})
	b.t.Logf("%s: %v", what, took)
	var longest time.Duration
	for _, d := range took {
		longest = max(longest, d)
	}
	return longest
}

// untilOld is how long a picture may be called live after the last: 5 s, or three times the
// longest gap between the pictures of late, which on a busy machine is more.
func (b *browser) untilOld() time.Duration {
	b.t.Helper()
	return max(5*time.Second, time.Duration(3*b.number("longestGap()"))*time.Millisecond+2*time.Second) + slack
}

// noneLooksLive waits until no player calls its picture live.
func (b *browser) noneLooksLive(within time.Duration) {
	b.t.Helper()
	var last map[string]onPath
	defer func() {
		if b.t.Failed() {
			b.t.Logf("the players: %+v", last)
		}
	}()
	eventually(b.t, "no player calls its picture live", within, func() bool {
		last = b.look()
		for _, p := range last {
			if p.State == "live" {
				return false
			}
		}
		return true
	})
}

// pagesFolder is a folder of this suite's pages, for [http] www.
func pagesFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("<!DOCTYPE html>"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// gatewayElsewhere is a gateway and its camera on a host of their own.
func gatewayElsewhere(t *testing.T, more string) (*testnet.Host, *site) {
	t.Helper()
	host := testnet.New(t)
	camera := start(t, host.Command(program(t, "camsim"), "--size", "320x192", "--gop", "25", "--clip", "--listen", "127.0.0.1:8554"))
	camera.says("rtsp://", patient)
	file := write(t, "config.toml", fmt.Sprintf("[http]\nlisten = \"%s:8000\"\nallow_anonymous = true\nwww = %q\n%s[[camera]]\nname = \"cam1\"\nsource = \"rtsp://127.0.0.1:8554/cam1\"\ntransport = \"tcp\"\n",
		host.Theirs, pagesFolder(t), more))
	gateway := start(t, host.Command(program(t, "camgate"), "serve", "--config", file))
	gateway.says("serving", patient)
	return host, &site{t: t, host: host.Theirs + ":8000", log: gateway.err}
}

// TestPlayersComeBackAfterTheNetworkWasCut has a page show one camera by each path, and the
// network between it and the gateway cut for half a minute, and for so long that the browser's
// system hardly tries its connections any more.
func TestPlayersComeBackAfterTheNetworkWasCut(t *testing.T) {
	for _, c := range []struct {
		name      string
		cut, mend func(*testnet.Host)
		lasts     time.Duration
	}{
		{"the link is down", (*testnet.Host).Down, (*testnet.Host).Up, 30 * time.Second},
		{"packets are dropped", (*testnet.Host).Drop, (*testnet.Host).Pass, 30 * time.Second},
		{"packets are dropped for long", (*testnet.Host).Drop, (*testnet.Host).Pass, 80 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			host, s := gatewayElsewhere(t, "")
			b := watchEveryPath(t, s.host, everyPath)
			b.allShow("each path shows the camera", patient)
			old := b.untilOld()
			c.cut(host)
			over := time.After(c.lasts)
			b.noneLooksLive(old)
			for done := false; !done; {
				select {
				case <-over:
					done = true
				case <-time.After(200 * time.Millisecond):
					b.noneLooksLive(0)
				}
			}
			c.mend(host)
			b.allShow("each path shows the camera again", backAgain+slack)
		})
	}
}

// TestPlayerWithoutANetworkDoesNotLookLive has a page with one player alone, so that no
// other finds out for it that nothing comes any more.
func TestPlayerWithoutANetworkDoesNotLookLive(t *testing.T) {
	host, s := gatewayElsewhere(t, "")
	b := watchEveryPath(t, s.host, everyPath[:1])
	for i, path := range everyPath {
		if i > 0 {
			b.open("http://" + s.host + "/paths.html?" + path)
		}
		b.allShow(path+" shows the camera", patient)
		old := b.untilOld()
		host.Drop()
		cut := time.Now()
		b.noneLooksLive(old)
		t.Logf("%s: not live %v after the cut", path, time.Since(cut).Round(10*time.Millisecond))
		host.Pass()
		b.allShow(path+" shows the camera again", backAgain+slack)
	}
}

// serves is how long after its start a gateway answers.
func serves(t *testing.T, cmd *exec.Cmd, url string) (*process, time.Duration) {
	t.Helper()
	began := time.Now()
	p := start(t, cmd)
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(t, "the gateway answers", 10*time.Second, func() bool {
		answer, err := client.Get(url)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return p, time.Since(began)
}

// TestPlayersComeBackAfterTheGatewayWasKilled kills the program in the middle of its work,
// several times, and starts it again.
func TestPlayersComeBackAfterTheGatewayWasKilled(t *testing.T) {
	cam := camsimStart(t, small("cam1"))
	file := write(t, "config.toml", fmt.Sprintf("[http]\nlisten = %q\nwww = %q\n[webrtc]\nlisten = \"127.0.0.1:0\"\n[[camera]]\nname = \"cam1\"\nsource = %q\ntransport = \"tcp\"\n", testnet.Port(t), pagesFolder(t), cam.URL()))
	p, s := serveProgram(t, file)
	b := watchEveryPath(t, s.host, everyPath)
	b.allShow("each path shows the camera", patient)
	for range 4 {
		p.signal(syscall.SIGKILL)
		p.exit(patient)
		b.noneLooksLive(5*time.Second + slack)
		var took time.Duration
		p, took = serves(t, exec.Command(program(t, "camgate"), "serve", "--config", file), "http://"+s.host+"/healthz")
		if took > time.Second+slack {
			t.Errorf("the gateway served %v after its start", took)
		}
		t.Logf("the gateway served %v after its start", took.Round(time.Millisecond))
		b.allShow("each path shows the camera again", backAgain+slack)
	}
	if strings.Contains(p.err.String(), "panic") {
		t.Error(p.err)
	}
}

// TestPlayerComesBackAfterICEWasLost has UDP, and with it WebRTC, fail while all else works.
func TestPlayerComesBackAfterICEWasLost(t *testing.T) {
	host, s := gatewayElsewhere(t, "[webrtc]\ntcp = false\n")
	viewers := func() int { return s.status("cam1").Viewers }
	udp := func(change string) {
		host.Run("iptables", change, "INPUT", "-p", "udp", "-j", "DROP")
		host.Run("iptables", change, "OUTPUT", "-p", "udp", "-j", "DROP")
	}
	// One that only takes WebRTC, and one that takes what there is.
	b := watchEveryPath(t, s.host, []string{"webrtc", "auto"})
	b.allShow("both show the camera", patient)
	b.is("both by WebRTC", "players.webrtc.path == 'webrtc' && players.auto.path == 'webrtc'", patient)
	eventually(t, "the gateway knows both", patient, func() bool { return viewers() == 2 })
	// A viewer that takes no other path, tells nobody that it is gone, and is not heard of.
	gone, err := rig.Play(t.Context(), "http://"+s.host+"/whep/cam1", rig.PlayOptions{Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gone.Vanish() }) //nolint:errcheck // it has lost its connection
	if _, err := gone.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the gateway knows all three", patient, func() bool { return viewers() == 3 })

	udp("-A")
	lost := time.Now()
	b.is("the one that may takes another path", "players.auto.state == 'live' && players.auto.path == 'ws'", backAgain+slack)
	t.Logf("another path %v after UDP was lost", time.Since(lost).Round(10*time.Millisecond))
	b.is("the other does not look live", "players.webrtc.state != 'live'", backAgain+slack)
	// Its session, and no other: the player that takes WebRTC alone begins new ones all the while.
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(t, "the gateway forgets who is not heard of", 30*time.Second-time.Since(lost)+slack, func() bool {
		r, err := http.NewRequest(http.MethodOptions, gone.Session(), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusNotFound
	})
	t.Logf("the session is gone %v after UDP was lost", time.Since(lost).Round(10*time.Millisecond))
	udp("-D")
	b.is("the other shows the camera again", "players.webrtc.state == 'live' && players.webrtc.path == 'webrtc'", backAgain+slack)
}

// TestEveryViewerSeesTheCameraAfterItsReboot holds connections, on each path, while a
// camera loses its power: none is lost, and each has pictures again.
func TestEveryViewerSeesTheCameraAfterItsReboot(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, long("cam1", 25))
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()))
	ctx, end := context.WithCancel(t.Context())
	begun := make(chan struct{})
	tile, tileEnds := rig.ViewTile(ctx, "ws://"+s.host+"/ws", "cam1", 320, func() { close(begun) })
	t.Cleanup(func() {
		end()
		if err := tileEnds(); err != nil {
			t.Errorf("/ws was closed: %v", err)
		}
	})
	<-begun
	player, err := rig.Play(t.Context(), "http://"+s.host+"/whep/cam1", rig.PlayOptions{Channel: "camgate"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { player.Close() }) //nolint:errcheck // the gateway may have ended
	if _, err := player.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The last to begin: who does not read for long is closed.
	multipart, wall := s.watch("/mjpeg/cam1"), s.watch("/wall?cams=cam1&width=320")
	multipart.live(patient)
	wall.live(patient)
	if err := cam.Reboot(0); err != nil { // until it is healed
		t.Fatal(err)
	}
	eventually(t, "the camera is offline", 8*time.Second+slack, func() bool { return s.status("cam1").State == "offline" })
	eventually(t, "the WebRTC viewer is told so", 2*time.Second+slack, func() bool {
		all := player.Messages()
		return len(all) > 0 && strings.Contains(all[len(all)-1], `"state":"offline"`)
	})
	for _, v := range []*stream{multipart, wall} { // what came before is read
		v.until("not live", patient, func(p part) bool { return p.state != "live" })
	}
	cam.Heal()
	eventually(t, "the camera is live", patient, func() bool { return s.status("cam1").State == "live" })
	frames, tiles := player.Frames.Load(), tile.Frames.Load()
	multipart.live(backAgain)
	wall.live(backAgain)
	eventually(t, "WebRTC goes on", backAgain+slack, func() bool { return player.Frames.Load() > frames })
	eventually(t, "the tile goes on", backAgain+slack, func() bool { return tile.Frames.Load() > tiles })
	eventually(t, "both for long", patient, func() bool { return player.Frames.Load() > frames+25 && tile.Frames.Load() > tiles+25 })
	eventually(t, "the WebRTC viewer is told so", 2*time.Second+slack, func() bool {
		all := player.Messages()
		return strings.Contains(all[len(all)-1], `"state":"live"`)
	})
}

// TestPlayersThatBeginWhileTheCameraIsAway are told so at once, and show it once it is back.
func TestPlayersThatBeginWhileTheCameraIsAway(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, long("cam1", 25))
	wanted := config(t, "cam1", cam.URL())
	wanted.OnDemand = false
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: pagesFolder(t), WebRTC: &webrtc.Options{}}, wanted)
	eventually(t, "the camera is live", patient, func() bool { return s.status("cam1").State == "live" })
	if err := cam.Reboot(0); err != nil { // until it is healed: a browser may take long to begin
		t.Fatal(err)
	}
	eventually(t, "the camera is offline", 8*time.Second+slack, func() bool { return s.status("cam1").State == "offline" })
	b := watchEveryPath(t, s.host, []string{"webrtc", "auto"})
	b.is("WebRTC is refused, and why", "/has no picture/.test(players.webrtc.reason)", patient)
	b.is("another path says that it is away", "players.auto.state == 'offline' && players.auto.path == 'ws'", patient)
	cam.Heal()
	eventually(t, "the camera is live again", patient, func() bool { return s.status("cam1").State == "live" })
	b.allShow("each path shows the camera", backAgain+slack)
	b.is("by the best way", "players.auto.path == 'webrtc'", patient)
}
