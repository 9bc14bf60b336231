package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"camgate/camsim"
	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
	"camgate/testnet"
)

// firefox is a headless Firefox with one page open, driven over WebDriver BiDi
// (https://w3c.github.io/webdriver-bidi/). It ends with the test. For one goroutine.
type firefox struct {
	t       *testing.T
	conn    *websocket.Conn
	last    uint64 // command's id
	context string // of the page
	thrown  []string
}

// firefoxPrefs keep it quiet and on this machine: whatever is not for a loopback address
// or a host of testnet goes to a proxy that is not there.
const firefoxPrefs = `
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.failover_direct", false);
user_pref("network.proxy.no_proxies_on", "198.18.0.0/15");
user_pref("network.dns.disabled", true);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.prefetch-next", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.trr.mode", 5);
user_pref("app.update.disabledForTesting", true);
user_pref("app.normandy.enabled", false);
user_pref("app.shield.optoutstudies.enabled", false);
user_pref("nimbus.rollouts.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.newtabpage.activity-stream.feeds.telemetry", false);
user_pref("browser.ping-centre.telemetry", false);
user_pref("browser.region.network.url", "");
user_pref("browser.safebrowsing.blockedURIs.enabled", false);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.search.update", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("browser.translations.enable", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.server", "");
user_pref("toolkit.telemetry.unified", false);
user_pref("extensions.blocklist.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("media.gmp-manager.url", "");
user_pref("media.gmp-gmpopenh264.autoupdate", false);
user_pref("media.gmp-widevinecdm.autoupdate", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("security.remote_settings.intermediates.enabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("dom.push.enabled", false);
user_pref("geo.provider.network.url", "");
user_pref("media.autoplay.default", 0);
`

// browseFirefox starts a Firefox with an empty page, on a host of its own or, where that is
// nil, on this one.
func browseFirefox(t *testing.T, host *testnet.Host) *firefox {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPrefs), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &lines{}
	command, dial := exec.Command, net.Dial
	if host != nil {
		command = host.Command
		dial = func(network, address string) (conn net.Conn, err error) {
			host.Inside(func() { conn, err = net.Dial(network, address) })
			return conn, err
		}
	}
	cmd := command("firefox-esr", "--headless", "--no-remote", "--remote-debugging-port=0", "--width=800", "--height=600", "--profile", profile, "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile, "XDG_CACHE_HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_DISABLE_AUTO_SAFE_MODE=1")
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second // its children have its standard error too
	if err := cmd.Start(); err != nil {
		t.Fatalf("no Firefox: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() //nolint:errcheck // it is told to end
		close(ended)
	}()
	f := &firefox{t: t}
	t.Cleanup(func() {
		if f.conn != nil {
			f.call("browser.close", struct{}{}) //nolint:errcheck // then it is killed
			f.conn.Close()
		}
		select {
		case <-ended:
		case <-time.After(patient):
			t.Errorf("Firefox does not end when it is told to")
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // none may be left
		<-ended
		eventually(t, "nothing of Firefox is left", patient, func() bool { return len(group(cmd.Process.Pid)) == 0 })
		if len(f.thrown) > 0 {
			t.Errorf("the page's program failed:\n%s", strings.Join(f.thrown, "\n"))
		}
	})
	var server struct {
		Host string `json:"ws_host"`
		Port int    `json:"ws_port"`
	}
	eventually(t, "Firefox listens", patient, func() bool {
		select {
		case <-ended:
			t.Fatalf("Firefox has ended; it said:\n%s", said)
		default:
		}
		data, err := os.ReadFile(filepath.Join(profile, "WebDriverBiDiServer.json"))
		return err == nil && json.Unmarshal(data, &server) == nil
	})
	dialer := websocket.Dialer{NetDial: dial}
	conn, answer, err := dialer.Dial(fmt.Sprintf("ws://%s:%d/session", server.Host, server.Port), nil)
	if err != nil {
		t.Fatalf("Firefox's WebDriver: %v", err)
	}
	answer.Body.Close()
	f.conn = conn
	f.must("session.new", map[string]any{"capabilities": struct{}{}}, nil)
	f.must("session.subscribe", map[string]any{"events": []string{"log.entryAdded"}}, nil)
	var tree struct {
		Contexts []struct{ Context string }
	}
	f.must("browsingContext.getTree", struct{}{}, &tree)
	if len(tree.Contexts) == 0 {
		t.Fatal("Firefox has no page")
	}
	f.context = tree.Contexts[0].Context
	return f
}

// group is the processes of a group that have not ended.
func group(id int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []int
	for _, e := range entries {
		var pid, parent, of int
		var state string
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if _, err := fmt.Sscan(rest, &state, &parent, &of); err == nil && of == id && state != "Z" {
			all = append(all, pid)
		}
	}
	return all
}

// call sends a command and waits for its result.
func (f *firefox) call(method string, params any) (json.RawMessage, error) {
	f.last++
	deadline := time.Now().Add(patient)
	f.conn.SetWriteDeadline(deadline)
	if err := f.conn.WriteJSON(map[string]any{"id": f.last, "method": method, "params": params}); err != nil {
		return nil, err
	}
	f.conn.SetReadDeadline(deadline)
	for {
		var m struct {
			ID             uint64
			Type           string
			Error, Message string
			Method         string
			Result, Params json.RawMessage
		}
		if err := f.conn.ReadJSON(&m); err != nil {
			return nil, err
		}
		switch {
		case m.Type == "event":
			f.event(m.Method, m.Params)
		case m.ID != f.last:
		case m.Type == "error":
			return nil, errors.New(m.Error + ": " + m.Message)
		default:
			return m.Result, nil
		}
	}
}

// event collects what a page's program did not catch.
func (f *firefox) event(method string, params json.RawMessage) {
	var entry struct{ Type, Level, Text string }
	if method == "log.entryAdded" && json.Unmarshal(params, &entry) == nil && entry.Type == "javascript" && entry.Level == "error" {
		f.thrown = append(f.thrown, entry.Text)
	}
}

func (f *firefox) must(method string, params, result any) {
	f.t.Helper()
	answer, err := f.call(method, params)
	if err != nil {
		f.t.Fatalf("Firefox: %s: %v", method, err)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer, result); err != nil {
		f.t.Fatalf("Firefox: %s: %v in %s", method, err, answer)
	}
}

// open does not wait for the page's load event, which a page with a multipart picture
// never has.
func (f *firefox) open(url string) {
	f.t.Helper()
	f.must("browsingContext.navigate", map[string]any{"context": f.context, "url": url, "wait": "none"}, nil)
	eventually(f.t, "the page opens", patient, func() bool {
		answer, err := f.evaluate(fmt.Sprintf("location.href == %q && document.readyState != 'loading'", url))
		return err == nil && answer == true
	})
}

// evaluate returns what an expression, or the promise that it is, comes to: nil, a bool, a
// float64 or a string.
func (f *firefox) evaluate(expression string) (any, error) {
	answer, err := f.call("script.evaluate", map[string]any{
		"expression": expression, "target": map[string]any{"context": f.context}, "awaitPromise": true,
	})
	if err != nil {
		return nil, err
	}
	var done struct {
		Result           struct{ Value any }
		ExceptionDetails struct{ Text string }
	}
	if err := json.Unmarshal(answer, &done); err != nil {
		return nil, err
	}
	if text := done.ExceptionDetails.Text; text != "" {
		return nil, errors.New(text)
	}
	return done.Result.Value, nil
}

// ask is evaluate for an expression that does not fail.
func (f *firefox) ask(expression string) any {
	f.t.Helper()
	answer, err := f.evaluate(expression)
	if err != nil {
		f.t.Fatalf("Firefox: %s: %v", expression, err)
	}
	return answer
}

// is waits until an expression is true. What it looks into may not be there yet.
func (f *firefox) is(what, expression string, within time.Duration) {
	f.t.Helper()
	var failed error // the last look
	defer func() {
		if f.t.Failed() && failed != nil {
			f.t.Logf("Firefox: %s: %v", expression, failed)
		}
	}()
	eventually(f.t, what, within, func() bool {
		var answer any
		answer, failed = f.evaluate("!!(" + expression + ")")
		return answer == true && failed == nil
	})
}

// picture is what an element has on the screen.
func (f *firefox) picture(selector string) image.Image {
	f.t.Helper()
	type box struct {
		Type   string  `json:"type"`
		X      float64 `json:"x"`
		Y      float64 `json:"y"`
		Width  float64 `json:"width"`
		Height float64 `json:"height"`
	}
	clip := box{Type: "box"}
	where, _ := f.ask(fmt.Sprintf("(function (r) { return JSON.stringify({ x: r.left, y: r.top, width: r.width, height: r.height }); })(document.querySelector(%q).getBoundingClientRect())", selector)).(string)
	if err := json.Unmarshal([]byte(where), &clip); err != nil {
		f.t.Fatalf("Firefox: where %s is: %v", selector, err)
	}
	var shot struct{ Data string }
	f.must("browsingContext.captureScreenshot", map[string]any{"context": f.context, "clip": clip}, &shot)
	return decodePNG(f.t, shot.Data)
}

// frame is the number burnt into the picture that an element shows on the screen.
func (f *firefox) frame(selector string) (uint32, bool) {
	f.t.Helper()
	return stamp.Read(f.picture(selector))
}

// decodePNG takes a PNG as browsers hand it out.
func decodePNG(t testing.TB, data string) image.Image {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestFirefoxShowsTheNewestPicture looks at the screen of a camera of one picture in two
// seconds, as the test of Chromium does: a picture must appear there without another behind it.
func TestFirefoxShowsTheNewestPicture(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, camsim.Options{Video: decoder.VideoEncoderOptions{Width: 320, Height: 192, FPS: 1, GOP: 1}, ClipFrames: 60})
	cam.Slow(0.5)
	s := serveWithPages(t, config(t, "cam1", cam.URL()))
	f := browseFirefox(t, nil)
	for _, page := range []string{"multipart.html", "jpeg.html"} {
		t.Run(strings.TrimSuffix(page, ".html"), func(t *testing.T) {
			f.t = t
			f.open("http://" + s.host + "/" + page)
			f.is("a picture", "document.getElementById('p').naturalWidth", patient)
			sent := make(chan uint32, 100)
			cam.OnSent(func(n uint32, _ time.Time) { sent <- n })
			defer cam.OnSent(nil)
			<-sent // after two the gateway knows how often they come
			for range 5 {
				n := <-sent
				cam.Mute(true) // nothing comes behind it that would push it onto the screen
				for len(sent) > 0 {
					n = <-sent
				}
				shown := make(map[uint32]bool)
				for end := time.Now().Add(newestStays); time.Now().Before(end) && !shown[n]; {
					if on, ok := f.frame("#p"); ok {
						shown[on] = true
					}
				}
				cam.Mute(false)
				if !shown[n] {
					t.Errorf("picture %d was not on the screen while it was the newest, but %v", n, shown)
				}
			}
		})
	}
	f.t = t
	f.open("about:blank")
	eventually(t, "nobody watches any more", patient, func() bool { return s.status("cam1").Viewers == 0 })
}

// TestFirefoxPlaysWebRTC: Debian's takes no H.264 over WebRTC, so that the gateway has to
// encode the camera's pictures anew, as VP8. It is on a host of its own, because Firefox
// sends no WebRTC to 127.0.0.1.
func TestFirefoxPlaysWebRTC(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, long("cam1", 25))
	host := testnet.New(t)
	host.Run("ip", "route", "add", "default", "via", host.Ours) // Firefox offers the address of its default route
	s := serveWith(t, httpd.Config{Listen: host.Ours + ":0", AllowAnonymous: true, WWW: pagesFolder(t), WebRTC: &webrtc.Options{Listen: host.Ours + ":0"}},
		config(t, "cam1", cam.URL()))
	f := browseFirefox(t, host)
	f.open("http://" + s.host + "/whep.html?cam1")
	f.is("pictures go on", "failed || shown.length > 50", patient)
	if failed := f.ask("failed"); failed != "" {
		t.Fatal(failed)
	}
	if order := f.ask("shown.every(function (p, i) { var by = i ? p[0] - shown[i - 1][0] : 0; return by >= 0 || by < -750; })"); order != true {
		t.Errorf("pictures were shown out of order: %v", f.ask("JSON.stringify(shown)"))
	}
	f.is("the browser says what it plays", "window.video == 'video/VP8'", patient)
	sent := make(chan uint32, 1000)
	cam.OnSent(func(n uint32, _ time.Time) { sent <- n })
	defer cam.OnSent(nil)
	first := <-sent
	eventually(t, "a picture that was sent just now is on the screen", patient, func() bool {
		on, ok := f.frame("#p")
		return ok && ahead(on, first, 25) >= 0
	})
	f.is("the gateway says that it encodes anew", "states.some(function (s) { return s.state == 'live' && s.transcoded; })", patient)
	f.open("about:blank")
	eventually(t, "nobody watches any more", patient, func() bool { return s.status("cam1").Viewers == 0 })
}
