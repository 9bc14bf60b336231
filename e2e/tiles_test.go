package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"camgate/camera"
	"camgate/outputs/httpd"
)

// tilesPage has 16 tiles on one connection. window.tiles tells of each: the frame number
// that its canvas shows (0: a notice), the newest number, how many pictures it has had, how
// often a number went on and back (but for a clip of 300 that begins again), how wide the
// picture is, its state, and the longest time between two pictures.
const tilesPage = `<!DOCTYPE html><body style="margin:0"><script>
var tiles = [], quiet = -1, ws = new WebSocket('ws://' + location.host + '/ws', 'camgate'), sockets = 1;
for (var i = 0; i < 16; i++) {
	var canvas = document.createElement('canvas');
	canvas.id = 't' + i;
	canvas.style.cssText = 'width:25%;float:left';
	document.body.appendChild(canvas);
	tiles.push({canvas: canvas, frame: 0, newest: 0, pictures: 0, on: 0, back: 0, width: 0, state: '', last: 0, gap: 0});
}
function number(context, width, height) { // as camsim burns it into the first rows
	var bits = [];
	for (var cell = 0; cell < 32; cell++)
		bits.push(context.getImageData(Math.floor((cell + 0.5) * width / 32), Math.floor(height / 48), 1, 1).data[1] > 128 ? 1 : 0);
	var n = parseInt(bits.slice(0, 24).join(''), 2), sum = parseInt(bits.slice(24, 31).join(''), 2);
	return bits[31] && ((n >> 16) + (n >> 8 & 255) + (n & 255)) % 127 == sum ? n : 0;
}
function open(i, width) { ws.send(JSON.stringify({type: 'open', tile: i, camera: 'cam' + (i + 1), width: width})); }
ws.binaryType = 'arraybuffer';
ws.onopen = function () { for (var i = 0; i < 16; i++) open(i, 0); };
ws.onclose = function (e) { window.closed = e.code + ' ' + e.reason; };
ws.onmessage = function (e) {
	if (typeof e.data == 'string') {
		var m = JSON.parse(e.data);
		tiles[m.tile].state = m.type == 'state' ? m.state : m.error;
		return;
	}
	var view = new DataView(e.data), i = view.getUint16(2), t = tiles[i];
	var url = URL.createObjectURL(new Blob([new Uint8Array(e.data, 24)], {type: 'image/jpeg'})), img = new Image();
	img.onload = function () {
		t.canvas.width = img.naturalWidth;
		t.canvas.height = img.naturalHeight;
		var context = t.canvas.getContext('2d', {willReadFrequently: true});
		context.drawImage(img, 0, 0);
		URL.revokeObjectURL(url);
		var n = number(context, img.naturalWidth, img.naturalHeight), now = Date.now();
		if (n && n < t.newest && t.newest - n < 150) t.back++;
		else if (n && n != t.newest) t.on++;
		t.newest = n || t.newest;
		if (t.last) t.gap = Math.max(t.gap, now - t.last);
		t.frame = n, t.last = now, t.pictures++, t.width = img.naturalWidth;
		if (i != quiet) ws.send(JSON.stringify({type: 'ack', tile: i, sequence: view.getUint32(4)}));
	};
	img.src = url;
};
</script>`

func TestBrowserShowsSixteenTilesOnOneConnection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiles.html"), []byte(tilesPage), 0o644); err != nil {
		t.Fatal(err)
	}
	var configs []camera.Config
	for n := range 16 {
		name := fmt.Sprintf("cam%d", n+1)
		configs = append(configs, config(t, name, camsimStart(t, long(name, 5)).URL()))
	}
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: dir}, configs...)
	b := browse(t, 1280, 800, "http://"+s.host+"/tiles.html")
	all := func(condition string) string {
		return "tiles.every(function (t, i) { return " + condition + "; })"
	}
	b.is("sixteen tiles are live and show frame numbers", all("t.state == 'live' && t.frame > 0"), patient)
	b.number("window.first = tiles.map(function (t) { return {on: t.on, number: t.newest}; }), 0")
	b.is("each goes on", all("t.on > first[i].on + 10 && t.back == 0"), patient)
	first := int(b.number("first[5].number"))
	eventually(t, "the screen shows it", patient, func() bool {
		onScreen, ok := b.frame("#t5")
		return ok && (int(onScreen)+300-first)%300 < 150
	})
	b.keep("tiles")
	if n := s.status("cam1").Viewers; n != 1 {
		t.Errorf("%d viewers of a camera", n)
	}

	// One that is not acknowledged gets two more pictures, and delays no other.
	b.number("quiet = 3, window.had = tiles.map(function (t) { return t.pictures; }), 0")
	b.is("the others go on", all("i == 3 || t.pictures > had[i] + 10"), patient)
	if n := b.number("tiles[3].pictures - had[3]"); n > 3 { // one may have been on its way already
		t.Errorf("a tile that acknowledges nothing got %v pictures", n)
	}

	// Another size, while the pictures go on.
	b.number("window.before = tiles[0].on, tiles.forEach(function (t) { t.gap = 0; }), open(0, 160), 0")
	b.is("the tile is smaller and has gone on", "tiles[0].width == 160 && tiles[0].on > before + 5 && tiles[0].back == 0", patient)
	// A busy machine holds up those whose size stays, too.
	if gap, others := b.number("tiles[0].gap"), b.number("Math.max.apply(null, tiles.map(function (t, i) { return i == 0 || i == 3 ? 0 : t.gap; }))"); gap > 1500+others {
		t.Errorf("%v ms without a picture while the size changed, of the others %v ms", gap, others)
	}
	if closed := b.number("window.closed ? 1 : 0"); closed != 0 {
		t.Error("the connection was closed")
	}
}

func TestTileOfACameraThatIsAwaySaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiles.html"), []byte(tilesPage), 0o644); err != nil {
		t.Fatal(err)
	}
	sim := camsimStart(t, small("cam1"))
	s := serveWith(t, httpd.Config{Listen: "127.0.0.1:0", WWW: dir},
		config(t, "cam1", sim.URL()), config(t, "cam2", "rtsp://127.0.0.1:1/none"))
	b := browse(t, 800, 600, "http://"+s.host+"/tiles.html")
	b.is("one is live, one is away with a placeholder, one is not there", "tiles[0].frame > 0 && tiles[0].state == 'live' && (tiles[1].state == 'offline' || tiles[1].state == 'connecting') && tiles[1].pictures > 0 && tiles[1].frame == 0 && /no camera/.test(tiles[2].state)", patient)
	if err := sim.Reboot(8 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.is("the first does not look live any more, and says so", "tiles[0].frame == 0 && tiles[0].state != 'live'", 3*time.Second+slack)
	b.is("it is back", "tiles[0].frame > 0 && tiles[0].state == 'live'", patient)
}
