package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camgate/outputs/httpd"
	"camgate/outputs/wall"
	"camgate/outputs/webrtc"
)

// A page of more players than a connection may have tiles.
func init() {
	pages["seventy.html"] = `<html lang="en"><body style="margin:0"><script src="player.js"></script><script>
		var players = [];
		for (var i = 0, e; i < 70; i++) {
			e = document.body.appendChild(document.createElement('div'));
			e.style.cssText = 'float:left;width:100px;height:60px';
			players.push(new Camgate.Player(e, { camera: 'cam1', path: 'ws', width: 320, fps: 2 }));
		}
	</script>`
	// A browser that draws nothing of WebRTC.
	pages["undrawn.html"] = `<html lang="en"><body style="margin:0"><div id="p" style="width:320px;height:180px"></div><script src="player.js"></script><script>
		HTMLVideoElement.prototype.requestVideoFrameCallback = function () {};
		var ended = 0, close = RTCPeerConnection.prototype.close;
		RTCPeerConnection.prototype.close = function () { ended++; return close.apply(this, arguments); };
		document.getElementById('p').addEventListener('camgate-state', function (e) {
			if (e.detail.path === 'mjpeg' && window.before === undefined) { window.before = ended; }
		});
		var player = new Camgate.Player(document.getElementById('p'), { camera: 'cam1' });
	</script>`
	pages["three.html"] = `<html lang="en"><body style="margin:0"><script>
		var under = 0, most = 0, open = XMLHttpRequest.prototype.open; // offers at the same time
		XMLHttpRequest.prototype.open = function (method, url) {
			if (/whep/.test(url)) {
				most = Math.max(most, ++under);
				this.addEventListener('loadend', function () { under--; });
			}
			return open.apply(this, arguments);
		};
	</script><script src="player.js"></script><script>
		var players = [];
		for (var i = 0, e; i < 3; i++) {
			e = document.body.appendChild(document.createElement('div'));
			e.style.cssText = 'float:left;width:320px;height:192px';
			players.push(new Camgate.Player(e, { camera: 'cam1' }));
		}
	</script>`
	// A gateway that the test plays: show(captured, arrives) brings a picture at a time of a clock of its own,
	// which stands still until the next: nothing is late because the machine is.
	pages["late.html"] = `<html lang="en"><body style="margin:0"><div id="p" style="width:320px;height:180px"></div><script>
		var clock = 100e3, socket, tile, sequence = 0, states = [];
		performance.now = function () { return clock; };
		document.getElementById('p').addEventListener('camgate-state', function (e) { states.push(e.detail.state); });
		window.WebSocket = function () {
			var s = socket = this;
			s.close = function () {};
			s.send = function (m) {
				m = JSON.parse(m);
				if (m.type === 'open') { tile = m.tile; s.onmessage({ data: JSON.stringify({ type: 'state', tile: tile, camera: 'cam1', state: 'live', error: '' }) }); }
			};
			setTimeout(function () { s.onopen(); }, 0);
		};
		function show(captured, arrives) {
			var canvas = document.createElement('canvas'), jpeg, b, v, i;
			canvas.width = canvas.height = 16;
			jpeg = atob(canvas.toDataURL('image/jpeg').split(',')[1]);
			b = new Uint8Array(24 + jpeg.length);
			v = new DataView(b.buffer);
			v.setUint8(0, 1);
			v.setUint16(2, tile);
			v.setUint32(4, ++sequence);
			v.setUint32(20, captured * 1000);
			for (i = 0; i < jpeg.length; i++) { b[24 + i] = jpeg.charCodeAt(i); }
			clock = arrives;
			socket.onmessage({ data: b.buffer });
			return true;
		}
	</script><script src="player.js"></script><script>
		var player = new Camgate.Player(document.getElementById('p'), { camera: 'cam1', path: 'ws,ws' });
	</script>`
}

// Pictures that come later and later were taken at the same pace all the time: what comes 8 s
// after the quickest is not live.
func TestLatePicturesAreNoPace(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", "rtsp://127.0.0.1:1/none"))
	b := browse(t, 400, 300, "http://"+s.host+"/late.html")
	b.is("it asks for a tile", "tile", patient)
	const begin, second = 100_000, 1000 // ms of the test's clock, where no wait of a real machine matters
	for n := range 14 {
		captured := begin + n*second
		ask(b, chromedp.Evaluate[bool](fmt.Sprintf("show(%d, %d)", captured, captured+min(n, 4)*2*second)))
		b.is("a picture is shown", fmt.Sprintf("player.frames == %d", n+1), patient)
		if n == 0 {
			b.is("the quickest is live", "states.indexOf('live') >= 0", patient)
		}
	}
	b.is("one that is late is not", "player.state == 'stale'", patient)
}

// One player of a page tries a better path at a time: all of them would fill a thin line, each
// with its own.
func TestPlayersOfAPageTryInTurn(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	d.block(http.StatusServiceUnavailable, "/whep")
	b := browse(t, 1000, 400, "http://"+d.host()+"/three.html")
	b.is("all are live", "players.every(function (p) { return p.path == 'ws' && p.frames > 5; })", patient)
	d.block(0, "/whep")
	b.number("most = 0")
	b.is("one tries", "most", patient)
	b.is("the others go on", fmt.Sprintf("players.every(function (p) { return p.frames > %v; })", b.number("players[0].frames")+100), patient)
	if n := b.number("most"); n != 1 { // one after the other, on a busy machine
		t.Errorf("%v players try at the same time", n)
	}
}

// A connection without a picture is given up before another path has to share the line with it.
func TestPlayerEndsWhatFillsTheLine(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	d.block(0, "/ws")
	b := browse(t, 400, 300, "http://"+d.host()+"/undrawn.html")
	b.is("another path shows it", playerPath("mjpeg"), patient)
	if n := b.number("before"); n != 1 {
		t.Errorf("%v connections were given up before that", n)
	}
	eventually(t, "the gateway is told", patient, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.asked["whep"] > 1 // the session's end is the second
	})
}

func TestSeventyPlayersNeedTwoConnections(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	d := doorTo(t, s.host)
	b := browse(t, 1280, 800, "http://"+d.host()+"/seventy.html")
	b.is("all are live, and go on", "players.every(function (p) { return p.state == 'live' && p.path == 'ws' && p.frames > 5; })", patient)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked["ws"] != 2 || d.asked["mjpeg"] != 0 {
		t.Errorf("the page asked for %v", d.asked)
	}
}

// A wall of which one camera is away shows the others, and says so.
func TestPlayerShowsWhatIsLeftOfAWall(t *testing.T) {
	t.Parallel()
	server := httpd.Config{Listen: "127.0.0.1:0", WWW: pagesDir(t), WebRTC: &webrtc.Options{}, Walls: []wall.Layout{{Name: "hall", Cameras: []string{"cam1", "gone"}, Columns: 2, Width: 640}}}
	s := serveWith(t, server, config(t, "cam1", camsimStart(t, small("cam1")).URL()), config(t, "gone", "rtsp://127.0.0.1:1/none"))
	for _, path := range []string{"ws", "mjpeg", "snapshot"} {
		b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "hall", "path": path}))
		b.is(path+": it says that one is away", "player.state == 'stale' && /Not all cameras are live/.test(document.querySelector('.camgate-said').textContent)", patient)
		before := b.number("player.frames")
		b.is("the others go on, and are not dimmed", fmt.Sprintf("player.frames > %v + 4 && +getComputedStyle(document.querySelector('#p > div')).opacity == 1 && player.age() < 3000", before), patient)
		b.keep("player-wall-part-" + path)
		if path == "snapshot" {
			s.stop()
			b.is("what does not go on is dimmed", "player.state == 'error' && +getComputedStyle(document.querySelector('#p > div')).opacity < 0.5", 15*time.Second)
		}
		chromedp.Cancel(b.ctx)
	}
}

// Clocks are set: the terminal's, and the gateway's. What is shown is as old as it is.
func TestPlayerDoesNotMindClocks(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws"}))
	b.is("live", playerPath("ws"), patient)
	for what, set := range map[string]string{
		"the terminal's, back":  "Date.now = (function (now) { return function () { return now() - 3600e3; }; })(Date.now)",
		"the gateway's, back":   "DataView.prototype.getUint32 = (function (get) { return function (at) { return get.call(this, at) - (at == 16); }; })(DataView.prototype.getUint32)",
		"the gateway's, onward": "DataView.prototype.getUint32 = (function (get) { return function (at) { return get.call(this, at) + 2 * (at == 16); }; })(DataView.prototype.getUint32)",
	} {
		before := b.number("forget(), player.frames")
		ask(b, chromedp.Evaluate[bool](set+", true"))
		b.is("it goes on after a clock was set: "+what, fmt.Sprintf("player.frames > %v + 50", before), patient)
		b.is("its picture is new: "+what, "player.state == 'live' && player.age() < 1500", patient)
		if b.number("disturbed().length") != 0 {
			t.Errorf("%s: the player was not live: %s", what, ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
		}
	}
}

// A camera of a picture in seven seconds is no dead connection.
func TestPlayerWaitsForSlowCameras(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()))
	d := doorTo(t, s.host)
	first := watchPlayer(t, d, map[string]any{"path": "ws"})
	for _, fps := range []float64{25, 0.4, 0.14} { // by and by, so that the gateway knows its pace
		cam.Slow(fps)
		first.is("it goes on", fmt.Sprintf("player.frames > %v + 2", first.number("player.frames")), patient)
	}
	b := watchPlayer(t, d, map[string]any{"path": "ws"})
	b.is("who comes later sees several pictures", "player.path == 'ws' && player.frames > 4 && player.state == 'live'", patient)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked["ws"] != 2 || d.asked["mjpeg"] != 0 {
		t.Errorf("the pages asked for %v: %s", d.asked, ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
	}
}

func TestDestroyedPlayerLeavesNothing(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, playerPage(s.host, map[string]any{"camera": "cam1", "path": "ws", "controls": true}))
	b.is("live", playerLive, patient)
	ask(b, chromedp.Evaluate[bool](`(function (e) {
		var add = e.addEventListener, remove = e.removeEventListener, old;
		window.listeners = 0;
		e.addEventListener = function (n) { listeners++; add.apply(e, arguments); };
		e.removeEventListener = function (n) { listeners--; remove.apply(e, arguments); };
		for (var i = 0; i < 20; i++) { old = player = new Camgate.Player(e, { camera: 'cam1', path: 'ws', controls: true }); }
		player = new Camgate.Player(e, { camera: 'cam1', path: 'ws' });
		old.destroy(); // once more: it is no other's end
		old.start();
		return true;
	})(document.getElementById('p'))`))
	b.is("the last is live", playerPath("ws")+" && player.frames > 5", patient)
	if n := b.number("listeners"); n > 10 {
		t.Errorf("%v listeners of 21 players", n)
	}
	if n := b.number("document.querySelectorAll('#p *').length"); n > 40 {
		t.Errorf("%v elements", n)
	}
	eventually(t, "one watches", patient, func() bool { return s.status("cam1").Viewers == 1 })
	ask(b, chromedp.Evaluate[bool]("player.destroy(), true"))
	eventually(t, "none watches", patient, func() bool { return s.status("cam1").Viewers == 0 })
	if n := b.number("document.querySelectorAll('#p *').length + Math.max(0, listeners)"); n != 0 {
		t.Errorf("%v elements and listeners are left", n)
	}
}

// thinLine is a way to a gateway on which only so many bytes a second come from there.
func thinLine(t *testing.T, host string, rate int) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var conns sync.Map
	var mu sync.Mutex
	var free time.Time // when the line has carried what was given to it
	done := make(chan struct{})
	carry := func(n int) {
		mu.Lock()
		if now := time.Now(); free.Before(now) {
			free = now
		}
		free = free.Add(time.Duration(n) * time.Second / time.Duration(rate))
		wait := time.NewTimer(time.Until(free))
		mu.Unlock()
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-done:
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
			far.(*net.TCPConn).SetReadBuffer(16 << 10) // or the line would end in a large store
			near.(*net.TCPConn).SetWriteBuffer(16 << 10)
			conns.Store(near, nil)
			conns.Store(far, nil)
			running.Go(func() { defer far.Close(); io.Copy(far, near) })
			running.Go(func() {
				defer near.Close()
				buf := make([]byte, 4<<10)
				for {
					n, err := far.Read(buf)
					carry(n)
					if _, broken := near.Write(buf[:n]); err != nil || broken != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		close(done)
		conns.Range(func(c, _ any) bool { c.(io.Closer).Close(); return true })
		running.Wait()
	})
	return listener.Addr().String()
}

// A line on which a picture takes longer than a path has until its first one.
func TestPlayerGoesOnOverAThinLine(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video.Width, o.Video.Height = 1280, 720 // pictures of 65 KB
	o.Video.FPS, o.Video.GOP = 10, 10
	s := servePlayer(t, config(t, "cam1", camsimStart(t, o).URL()))
	d := doorTo(t, s.host)
	b := browse(t, 1400, 900, playerPage(thinLine(t, d.host(), 12_000), map[string]any{"camera": "cam1", "path": "ws", "width": 1280}))
	b.is("it goes on", "player.path == 'ws' && player.frames > 5", patient)
	d.mu.Lock()
	defer d.mu.Unlock()
	// The answer to a player that asks whether the connection is dead comes behind a picture.
	if d.asked["ws"] > 3 {
		t.Errorf("the page asked for %v: %s", d.asked, ask(b, chromedp.Evaluate[string]("JSON.stringify(states)")))
	}
}
