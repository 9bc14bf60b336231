package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
)

// theirPage plays a camera with a WHEP player that is not ours, as its manual says. The
// package is made for bundlers: require finds what it needs of others, which is an event
// emitter; advertisements and another protocol are left out.
const theirPage = `<!DOCTYPE html><body style="margin:0"><video id="p" muted autoplay playsinline width="640"></video><script>
function load(text, needs) {
	var module = {exports: {}};
	new Function('module', 'exports', 'require', text)(module, module.exports, function (name) { return needs[name] || {}; });
	return module.exports;
}
var player, connection;
Promise.all(['events.js', 'main.js'].map(function (f) { return fetch(f).then(function (r) { return r.text(); }); })).then(function (texts) {
	var theirs = load(texts[1], {events: load(texts[0], {})});
	player = new theirs.WebRTCPlayer({video: document.getElementById('p'), type: 'whep', iceServers: [], debug: true});
	return player.load(new URL('/whep/cam1', location.href));
});
</script>`

// TestBrowserPlaysWithTheWHEPPlayerOfOthers: @eyevinn/webrtc-player, from npm.
func TestBrowserPlaysWithTheWHEPPlayerOfOthers(t *testing.T) {
	t.Parallel()
	modules := filepath.Join("..", "bin", "npm", "node_modules")
	dir := t.TempDir()
	for name, from := range map[string]string{"events.js": "events/events.js", "main.js": "@eyevinn/webrtc-player/dist/main.js"} {
		text, err := os.ReadFile(filepath.Join(modules, from))
		if os.IsNotExist(err) {
			t.Skip("the npm package @eyevinn/webrtc-player is missing: make peers gets it")
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "theirs.html"), []byte(theirPage), 0o644); err != nil {
		t.Fatal(err)
	}
	cam := camsimStart(t, small("cam1"))
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: dir, WebRTC: &webrtc.Options{}}, config(t, "cam1", cam.URL()))
	b := browse(t, 800, 600, "http://"+s.host+"/theirs.html")
	b.is("the picture moves", "document.getElementById('p').currentTime > 1 && document.getElementById('p').videoWidth == 320", patient)
	eventually(t, "a number is in the picture on the screen", patient, func() bool { _, ok := b.frame("#p"); return ok })
	b.keep("their-player")
	ask(b, chromedp.Evaluate[bool]("player.destroy(), true"))
	eventually(t, "its viewer is gone", patient, func() bool { return s.status("cam1").Viewers == 0 })
}
