package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"camgate/camsim"
	"camgate/camsim/device"
	"camgate/outputs/httpd"
	"camgate/outputs/legacy"
	"camgate/outputs/webrtc"
	"camgate/testnet"
)

// agentPage is a page as cctvAgent's users have them: it knows a camera by its stream's
// address, and shows it by WebSocket from port 8001 and as multipart from its own.
const agentPage = `<!DOCTYPE html><html><head><script src="js/proxy.js"></script></head><body style="margin:0">
<img id="socket" width="320" height="192"><img id="multipart" width="320" height="192" src="/live/A-1?size=320x192">
<script>open(document.getElementById('socket'), '%s', '%s', [320, 192]);</script></body></html>`

// agentScript puts pictures together from the messages of cctvAgent's protocol.
const agentScript = `var pictures = 0, why = '';
function open(img, host, url, resolution) {
	var ws = new WebSocket('ws://' + host), total = 0, parts = [];
	ws.onopen = function () { ws.send(JSON.stringify({ act: 'open', url: url, resolution: resolution })); };
	ws.onclose = function (e) { why = e.reason; };
	ws.onmessage = function (e) {
		var head = e.data.match(/^::(\d+)::$/), piece = e.data.match(/^~(\d+)~/);
		if (head) { total = +head[1]; parts = []; return; }
		if (!piece) { throw new Error(e.data.substr(0, 20)); }
		parts[piece[1] - 1] = e.data.substr(piece[0].length);
		if (+piece[1] === total) { img.src = parts.join(''); pictures++; }
	};
	window.resize = function (w, h) { ws.send(JSON.stringify({ act: 'resize', resolution: [w, h] })); };
}`

// TestCctvAgentsPageFolderWorksUnchanged: its folder is served as it is, and its pages show
// the camera, over the WebSocket and as multipart.
func TestCctvAgentsPageFolderWorksUnchanged(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("A-1"))
	folder := t.TempDir()
	listening := make(chan net.Addr, 1)
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: folder, Legacy: legacy.Options{
		CctvAgentWS: "127.0.0.1:0", Listening: func(a net.Addr) { listening <- a },
	}}, config(t, "a-1", cam.URL()))
	at := (<-listening).String()
	if err := os.Mkdir(filepath.Join(folder, "js"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"index.html": fmt.Sprintf(agentPage, at, cam.URL()), "js/proxy.js": agentScript} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := browse(t, 800, 600, "http://"+s.host+"/")
	for _, img := range []string{"#socket", "#multipart"} {
		seen := map[uint32]bool{}
		eventually(t, img+" shows the camera, picture after picture", patient, func() bool {
			if n, ok := b.frame(img); ok {
				seen[n] = true
			}
			return len(seen) >= 5
		})
	}
	forms := map[string]bool{}
	for _, v := range s.cams[0].Viewers() {
		forms[v.Form] = true
	}
	if !forms["live"] || !forms["cctvagent"] {
		t.Errorf("the viewers are called %v", forms)
	}
	b.is("the page's other size", "(resize(160, 96), document.getElementById('socket').naturalWidth === 160)", patient)
	s.stop()
	b.is("why it has ended", "why === 'the gateway is ending'", patient)
}

// TestLiveIsOnTheScreenWhileItIsTheNewest: the framing is the original's, in which Chromium
// draws a picture when the next one comes.
func TestLiveIsOnTheScreenWhileItIsTheNewest(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video.FPS, o.Video.GOP, o.ClipFrames = 1, 1, 60
	cam := camsimStart(t, o)
	cam.Slow(0.5)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "live.html"), []byte(`<!DOCTYPE html><body style="margin:0"><img id="p" src="/live/cam1">`), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: folder}, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/live.html")
	b.is("a picture", "document.getElementById('p').naturalWidth", patient)
	sent := make(chan uint32, 100)
	cam.OnSent(func(n uint32, _ time.Time) { sent <- n })
	defer cam.OnSent(nil)
	<-sent // after two the gateway knows how often they come
	for range 3 {
		n := <-sent
		cam.Mute(true) // nothing comes behind it that would push it onto the screen
		for len(sent) > 0 {
			n = <-sent
		}
		eventually(t, "the newest picture is shown", newestStays, func() bool {
			on, ok := b.frame("#p")
			return ok && on == n
		})
		cam.Mute(false)
	}
}

// TestFFmpegReadsTheStreamsOfOthers: what those servers' clients are made of.
func TestFFmpegReadsTheStreamsOfOthers(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	cfg := config(t, "cam1", cam.URL())
	cfg.OnDemand = false // the first picture is the camera's, and no placeholder
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{URLs: true}}, cfg)
	eventually(t, "the camera is live", patient, func() bool { return s.status("cam1").State == "live" })
	size := regexp.MustCompile(`mjpeg.*, (\d+x\d+)[ ,]`)
	for path, want := range map[string]string{
		"/live/CAM1?size=160x96": "160x96", "/axis-cgi/mjpg/video.cgi?camera=1&resolution=160x96&compression=50": "160x96", "/mjpg/video.mjpg": "320x192",
		"/?action=stream": "320x192", "/stream": "320x192", "/mjpg/cam1/video.mjpg?w=160": "160x96", "/api/stream.mjpeg?src=cam1&w=80": "80x48",
		"/cgi-bin/nph-zms?mode=jpeg&monitor=1&scale=50&maxfps=10": "160x96",
	} {
		for _, demuxer := range []string{"mpjpeg", "mjpeg"} { // by the boundary, and by the JPEGs themselves
			if demuxer == "mpjpeg" && strings.HasPrefix(path, "/live/") {
				continue // whose boundary lacks two dashes
			}
			p := start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-f", demuxer, "-i", "http://"+s.host+path, "-frames:v", "10", "-f", "null", "-"))
			if status := p.exit(patient); status != 0 {
				t.Errorf("%s as %s: ffmpeg ends with %d: %s", path, demuxer, status, p.err)
				continue
			}
			// The first picture of a scaled stream may be whole: it tells the size.
			if got := size.FindStringSubmatch(p.err.String()); !strings.Contains(path, "scale") && (got == nil || got[1] != want) {
				t.Errorf("%s as %s: %q, want %s", path, demuxer, got, want)
			}
		}
	}
	for path, want := range map[string][2]int{
		"/axis-cgi/jpg/image.cgi?resolution=160x96": {160, 96}, "/?action=snapshot": {320, 192}, "/image/cam1?s=50": {160, 96}, "/cgi-bin/nph-zms?mode=single&monitor=1&scale=25": {80, 48}, "/api/frame.jpeg?src=cam1&h=96": {160, 96},
	} {
		img := decodeImage(t, []byte(s.get(path, http.StatusOK)))
		if got := [2]int{img.Bounds().Dx(), img.Bounds().Dy()}; got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// TestCctvAgentsPagesKnowONVIFCamerasByTheirStreams: which the gateway has to ask for.
func TestCctvAgentsPagesKnowONVIFCamerasByTheirStreams(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", func(o *device.Options) { o.User, o.Password = "", "" })
	listening := make(chan net.Addr, 1)
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{
		CctvAgentWS: "127.0.0.1:0", Listening: func(a net.Addr) { listening <- a },
	}}, config(t, "door", cam.URL()))
	at := (<-listening).String()
	for _, url := range []string{cam.small.URL(), cam.main.URL()} {
		ws := agentSocket(t, at)
		agentOpens(t, ws, strings.Replace(url, "rtsp://", "rtsp://somebody:else@", 1))
		if viewers := s.cams[0].Viewers(); len(viewers) != 1 || viewers[0].Form != "cctvagent" {
			t.Errorf("%s: its viewers are %+v", url, viewers)
		}
		ws.Close()
		eventually(t, "the viewer is gone", patient, func() bool { return len(s.cams[0].Viewers()) == 0 })
	}
}

// offerPage shows a camera by WebRTC as pages for MediaMTX and for go2rtc do, and ends the
// session of the first where it was told to.
const offerPage = `<!DOCTYPE html><body style="margin:0"><video id="mediamtx" muted autoplay width="320" height="192"></video><video id="go2rtc" muted autoplay width="320" height="192"></video><script>
var ended = 0;
function play(id, exchange) {
	var pc = new RTCPeerConnection();
	pc.addTransceiver('video', { direction: 'recvonly' });
	pc.ontrack = function (e) { document.getElementById(id).srcObject = e.streams[0] || new MediaStream([e.track]); };
	pc.onicegatheringstatechange = function () {
		if (pc.iceGatheringState !== 'complete') { return; }
		exchange(pc.localDescription).then(function (sdp) { pc.setRemoteDescription({ type: 'answer', sdp: sdp }); });
	};
	pc.createOffer().then(function (offer) { pc.setLocalDescription(offer); });
}
play('mediamtx', function (offer) {
	return fetch('CAM1/whep', { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer.sdp }).then(function (r) {
		var at = new URL(r.headers.get('Location'), r.url);
		if (r.status !== 201 || at.pathname.indexOf('/CAM1/whep/') !== 0) { throw new Error(r.status + ' ' + at); }
		window.leave = function () { fetch(at, { method: 'DELETE' }).then(function (r) { ended = r.status; }); };
		return r.text();
	});
});
play('go2rtc', function (offer) {
	return fetch('api/webrtc?src=cam1', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(offer) }).then(function (r) {
		return r.json();
	}).then(function (answer) { return answer.sdp; });
});
</script>`

// TestWebRTCPagesOfOthersWork in a real browser.
func TestWebRTCPagesOfOthersWork(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "offer.html"), []byte(offerPage), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: folder, Legacy: legacy.Options{URLs: true}, WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/offer.html")
	for _, video := range []string{"#mediamtx", "#go2rtc"} {
		b.is(video+" plays", "document.querySelector('"+video+"').videoWidth === 320", patient)
		seen := map[uint32]bool{}
		eventually(t, video+" shows the camera, picture after picture", patient, func() bool {
			if n, ok := b.frame(video); ok {
				seen[n] = true
			}
			return len(seen) >= 3
		})
	}
	b.is("the session ends where it was told to be", "window.leave && (leave(), window.leave = null, true) || ended === 200", patient)
	b.is("the session has ended", "ended === 200", patient)
}

func agentSocket(t *testing.T, at string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	ws.SetReadDeadline(time.Now().Add(patient))
	return ws
}

// agentOpens asks for an address and waits for a picture.
func agentOpens(t *testing.T, ws *websocket.Conn, url string) {
	t.Helper()
	if err := ws.WriteJSON(map[string]any{"act": "open", "url": url, "resolution": []int{0, 0}}); err != nil {
		t.Fatal(err)
	}
	_, data, err := ws.ReadMessage()
	if err != nil || !regexp.MustCompile(`^::\d+::$`).Match(data) {
		t.Fatalf("%.40q, %v", data, err)
	}
}

// TestProgramShowsAnyAddressWhereThatIsAllowed: and forgets it again, and its password.
func TestProgramShowsAnyAddressWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	o := small("far")
	o.Auth, o.User, o.Password = camsim.AuthDigest, "admin", "c4nary-pw"
	far := camsimStart(t, o)
	near := camsimStart(t, small("near"))
	at := testnet.Port(t)
	file := write(t, "c.toml", "[http]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"debug\"\n[legacy]\ncctvagent_ws = \""+at+"\"\nallow_any_url = true\n"+sourceOf("near", near.URL()))
	p, s := serveProgram(t, file)
	ws := agentSocket(t, at)
	agentOpens(t, ws, far.URL())
	list := s.get("/api/cameras", http.StatusOK)
	if strings.Count(list, `"name"`) != 2 {
		t.Errorf("there are %s", list)
	}
	ws.Close()
	eventually(t, "the camera is forgotten", patient, func() bool {
		return strings.Count(s.get("/api/cameras", http.StatusOK), `"name"`) == 1
	})
	if said := p.err.String(); strings.Contains(said, o.Password) || strings.Contains(list, o.Password) {
		t.Errorf("the password is shown: %s", said)
	}
}
