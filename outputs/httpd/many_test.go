package httpd

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"camgate/camera"
	"camgate/decoder"
	"camgate/media"
	"camgate/outputs/wall"
)

func (f *fakeCamera) Brief() camera.Brief {
	f.mu.Lock()
	defer f.mu.Unlock()
	return camera.Brief{State: f.state, LastError: f.trouble}
}

// tilesClient speaks the protocol camgate.
type tilesClient struct {
	t    *testing.T
	conn *websocket.Conn
}

// tilePicture is a binary message.
type tilePicture struct {
	tile     uint16
	sequence uint32
	flags    byte
	captured time.Time
	jpeg     []byte
}

// told is a text message.
type told struct {
	Type, Camera, State, Error string
	Tile, Status               int
	Partly, Open               bool
}

func (g *gateway) tiles(t *testing.T, path string, protocols ...string) *tilesClient {
	t.Helper()
	return &tilesClient{t, g.open(t, path, protocols...)}
}

func (c *tilesClient) say(format string, args ...any) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *tilesClient) openTile(tile int, camera string) {
	c.t.Helper()
	c.say(`{"type":"open","tile":%d,"camera":%q}`, tile, camera)
}

func (c *tilesClient) ack(p tilePicture) {
	c.t.Helper()
	c.say(`{"type":"ack","tile":%d,"sequence":%d}`, p.tile, p.sequence)
}

// read is the next message: a picture, or what the server tells.
func (c *tilesClient) read() (tilePicture, *told) {
	c.t.Helper()
	kind, data, err := c.conn.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	if kind == websocket.TextMessage {
		message := new(told)
		if err := json.Unmarshal(data, message); err != nil {
			c.t.Fatalf("%q: %v", data, err)
		}
		return tilePicture{}, message
	}
	return parseTile(c.t, data), nil
}

func parseTile(t *testing.T, data []byte) tilePicture {
	t.Helper()
	if len(data) < 24 || data[0] != 1 || data[1]&1 == 0 || !bytes.Equal(data[8:12], []byte{0, 0, 0, 1}) || int(binary.BigEndian.Uint32(data[12:])) != len(data)-24 {
		t.Fatalf("%d bytes, header %x", len(data), data[:min(24, len(data))])
	}
	return tilePicture{
		tile: binary.BigEndian.Uint16(data[2:]), sequence: binary.BigEndian.Uint32(data[4:]), flags: data[1],
		captured: time.UnixMicro(int64(binary.BigEndian.Uint64(data[16:]))), jpeg: data[24:],
	}
}

// picture is the next picture; messages in front of it are passed over.
func (c *tilesClient) picture() tilePicture {
	c.t.Helper()
	for {
		if p, message := c.read(); message == nil {
			return p
		}
	}
}

// message is the next that is no picture.
func (c *tilesClient) message() *told {
	c.t.Helper()
	for {
		if _, message := c.read(); message != nil {
			return message
		}
	}
}

func TestTilesOfManyCamerasComeOverOneConnection(t *testing.T) {
	cams := []*fakeCamera{newFake("cam1"), newFake("cam2"), newFake("cam3")}
	g := serve(t, Config{}, cams...)
	c := g.tiles(t, "/ws", "camgate")
	if c.conn.Subprotocol() != "camgate" {
		t.Errorf("protocol %q", c.conn.Subprotocol())
	}
	for i, cam := range cams {
		c.openTile(i+7, cam.name)
		if m := c.message(); m.Type != "state" || m.Tile != i+7 || m.Camera != cam.name || m.State != "live" || m.Error != "" {
			t.Fatalf("%+v", m)
		}
	}
	for round := range 20 {
		for i, cam := range cams {
			shown := cam.show(100+1000*i+round, media.Live)
			p := c.picture()
			if int(p.tile) != i+7 || !bytes.Equal(p.jpeg, shown.JPEG) || p.sequence != uint32(shown.Sequence) || p.flags != 1 || p.captured.UnixMicro() != shown.Received.UnixMicro() {
				t.Fatalf("tile %d, %d bytes, sequence %d, flags %d, captured %v, want %v", p.tile, len(p.jpeg), p.sequence, p.flags, p.captured, shown.Received)
			}
			c.ack(p)
		}
	}
	if n := g.viewers.Load(); n != 1 {
		t.Errorf("the connection counts as %d viewers", n)
	}
	cams[0].show(50, media.Offline)
	if p := c.picture(); p.flags != 3 {
		t.Errorf("a notice has flags %d", p.flags)
	}
	c.say(`{"type":"close","tile":7}`)
	eventually(t, "the camera has no viewer", testLimit, func() bool { return cams[0].watching() == 0 })
	c.conn.Close()
	eventually(t, "no camera has a viewer", testLimit, func() bool { return cams[1].watching()+cams[2].watching() == 0 })
}

func TestATileThatIsNotAcknowledgedWaitsAndDelaysNoOther(t *testing.T) {
	lazy, busy := newFake("lazy"), newFake("busy")
	g := serve(t, Config{}, lazy, busy)
	c := g.tiles(t, "/ws")
	c.openTile(1, "lazy")
	c.openTile(2, "busy")
	var unacknowledged []tilePicture
	began := time.Now()
	for range 2 {
		lazy.show(500, media.Live)
		unacknowledged = append(unacknowledged, c.picture())
	}
	for range 50 {
		lazy.show(500, media.Live)
		busy.show(500, media.Live)
		p := c.picture()
		if p.tile != 2 {
			t.Fatalf("a third picture of tile %d is on its way", p.tile)
		}
		c.ack(p)
	}
	newest := lazy.show(700, media.Live)
	c.ack(unacknowledged[1]) // and with it the first
	p := c.picture()
	if p.tile != 1 || p.sequence != uint32(newest.Sequence) {
		t.Errorf("tile %d goes on with picture %d, the newest is %d", p.tile, p.sequence, newest.Sequence)
	}
	if time.Since(began) > time.Second { // an acknowledgement that comes so late is of a slow link, which has one on its way
		c.ack(p)
	}
	newest = lazy.show(700, media.Live)
	if p = c.picture(); p.tile != 1 || p.sequence != uint32(newest.Sequence) {
		t.Errorf("tile %d, picture %d: there was room for a second", p.tile, p.sequence)
	}
}

func TestTileChangesItsSizeWithoutAGap(t *testing.T) {
	cam, other := newFake("cam1"), newFake("other")
	g := serve(t, Config{}, cam, other)
	c := g.tiles(t, "/ws")
	c.openTile(1, "cam1")
	cam.show(100, media.Live)
	c.ack(c.picture())
	c.say(`{"type":"open","tile":1,"camera":"cam1","width":320,"quality":50,"fps":5}`)
	want := media.Rendition{Width: 320, Quality: 50}
	eventually(t, "the new size alone is watched", testLimit, func() bool {
		cam.mu.Lock()
		defer cam.mu.Unlock()
		return cam.watched[want] == 1 && len(cam.watched) == 1
	})
	c.ack(c.picture()) // the same picture in the new size

	// Another camera's are told apart: nothing of the first follows the state that names it.
	c.openTile(1, "other")
	eventually(t, "the other alone is watched", testLimit, func() bool { return cam.watching() == 0 && other.watching() == 1 })
	cam.show(100, media.Live)
	shown := other.show(200, media.Live)
	if p := c.picture(); !bytes.Equal(p.jpeg, shown.JPEG) {
		t.Error("not the other camera's first picture")
	}
}

// Where there are too many sizes already, the old one is better than none.
func TestTileWhoseNewSizeIsRefusedGoesOn(t *testing.T) {
	cam := newFake("cam1")
	for i := range camera.DefaultMaxRenditions - 1 {
		cam.watched[media.Rendition{Width: i + 1}] = 1
	}
	g := serve(t, Config{}, cam)
	c := g.tiles(t, "/ws")
	c.openTile(1, "cam1")
	cam.show(100, media.Live)
	c.ack(c.picture())
	for n := range 3 {
		c.say(`{"type":"open","tile":1,"camera":"cam1","width":%d}`, 320+n)
		m := c.message()
		for m.Type == "state" {
			m = c.message()
		}
		if m.Type != "error" || m.Tile != 1 || m.Status != 503 || !m.Open || !strings.Contains(m.Error, "max_renditions") {
			t.Errorf("%+v", m)
		}
		shown := cam.show(200+n, media.Live)
		p := c.picture()
		if !bytes.Equal(p.jpeg, shown.JPEG) {
			t.Error("the old size does not go on")
		}
		c.ack(p)
	}
	cam.mu.Lock()
	delete(cam.watched, media.Rendition{Width: 1})
	cam.mu.Unlock()
	c.say(`{"type":"open","tile":1,"camera":"cam1","width":320}`)
	eventually(t, "once there is room, the new size alone is watched", testLimit, func() bool {
		cam.mu.Lock()
		defer cam.mu.Unlock()
		return cam.watched[media.Rendition{Width: 320}] == 1 && cam.watched[media.Rendition{}] == 0
	})
}

// A camera that is configured anew is another one of the same name.
func TestTileOutlivesItsCamerasConfiguration(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	c := g.tiles(t, "/ws")
	c.openTile(1, "cam1")
	cam.show(100, media.Live)
	c.ack(c.picture())
	cam.close()
	eventually(t, "the old one has no viewer", testLimit, func() bool { return cam.watching() == 0 })
	cam.mu.Lock()
	cam.closed, cam.picture = false, nil // and its pictures are counted from 1 again
	cam.mu.Unlock()
	for n := range 5 {
		shown := cam.show(200+n, media.Live)
		p := c.picture()
		if !bytes.Equal(p.jpeg, shown.JPEG) {
			t.Fatal("not the new one's picture")
		}
		c.ack(p)
	}
}

func TestTilesThatCannotBeOpenedSayWhy(t *testing.T) {
	cam, full := newFake("cam1"), newFake("full")
	for i := range camera.DefaultMaxRenditions {
		full.watched[media.Rendition{Width: i + 1}] = 1
	}
	g := serve(t, Config{}, cam, full)
	c := g.tiles(t, "/ws")
	for _, m := range []struct {
		message string
		status  int
		says    string
	}{
		{`{"type":"open","tile":1,"camera":"nobody"}`, 404, "nobody"},
		{`{"type":"open","tile":1,"camera":"../../etc/passwd\u0000"}`, 404, "etc"},
		{`{"type":"open","tile":1}`, 400, "camera"},
		{`{"type":"open","tile":1,"camera":5}`, 400, "camera"},
		{`{"type":"open","tile":1,"camera":"cam1","width":-1}`, 400, "width"},
		{`{"type":"open","tile":1,"camera":"cam1","width":1e9}`, 400, "width"},
		{`{"type":"open","tile":1,"camera":"cam1","width":"abc"}`, 400, "width: a JSON string is not possible"},
		{`{"type":"open","tile":1,"camera":"cam1","height":9000}`, 400, "height"},
		{`{"type":"open","tile":1,"camera":"cam1","quality":101}`, 400, "quality"},
		{`{"type":"open","tile":1,"camera":"cam1","fps":0.01}`, 400, "fps"},
		{`{"type":"open","tile":1,"camera":"cam1","fps":1e300}`, 400, "fps"},
		{`{"type":"open","tile":65535,"camera":"full"}`, 503, "different sizes"},
	} {
		c.say("%s", m.message)
		got := c.message()
		for got.Type == "state" {
			got = c.message()
		}
		if got.Type != "error" || got.Status != m.status || !strings.Contains(got.Error, m.says) || len(got.Error) > 300 {
			t.Errorf("%s: %+v", m.message, got)
		}
	}
	// A tile that was open is closed by what cannot be.
	c.openTile(1, "cam1")
	cam.show(100, media.Live)
	p := c.picture()
	c.say(`{"type":"open","tile":1,"camera":"nobody"}`)
	if m := c.message(); m.Type != "error" || m.Tile != 1 {
		t.Errorf("%+v", m)
	}
	eventually(t, "the tile is closed", testLimit, func() bool { return cam.watching() == 0 })
	c.ack(p) // was on its way
	c.say(`{"type":"close","tile":1}`)
	c.openTile(1, "cam1")
	cam.show(200, media.Live)
	c.picture()
}

func TestTilesSayWhyTheyClose(t *testing.T) {
	text := func(format string, args ...any) func(*websocket.Conn) error {
		return func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...))
		}
	}
	opens := func(number func(i int) int) func(*websocket.Conn) error {
		return func(c *websocket.Conn) error {
			for i := range 10_000 {
				if err := text(`{"type":"open","tile":%d,"camera":"cam1"}`, number(i))(c); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		send func(*websocket.Conn) error
		code int
	}{
		"100 MB":                 {hugeMessage, 1009},
		"5 KB of fragments":      {fragments, 1009},
		"not JSON":               {text("{"), 1003},
		"binary":                 {func(c *websocket.Conn) error { return c.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, 1003},
		"no object":              {text("[1,2]"), 1008},
		"4 KB of brackets":       {text("%s", strings.Repeat("[", 4000)), 1003},
		"no type":                {text("{}"), 1008},
		"unknown type":           {text(`{"type":"shut","tile":1}`), 1008},
		"no tile":                {text(`{"type":"open","camera":"cam1"}`), 1008},
		"tile of another type":   {text(`{"type":"open","tile":"1","camera":"cam1"}`), 1008},
		"tile too large":         {text(`{"type":"open","tile":65536,"camera":"cam1"}`), 1008},
		"tile below 0":           {text(`{"type":"open","tile":-1,"camera":"cam1"}`), 1008},
		"unknown tile":           {text(`{"type":"ack","tile":5,"sequence":1}`), 1008},
		"unknown tile closed":    {text(`{"type":"close","tile":5}`), 1008},
		"ack of nothing":         {text(`{"type":"ack","tile":0}`), 1008},
		"ack of a word":          {text(`{"type":"ack","tile":0,"sequence":"x"}`), 1008},
		"10,000 opens":           {opens(func(i int) int { return i }), 1008},
		"10,000 opens of a tile": {opens(func(int) int { return 3 }), 1008},
	} {
		t.Run(name, func(t *testing.T) {
			cam := newFake("cam1")
			g := serve(t, Config{}, cam)
			client := g.tiles(t, "/ws")
			client.openTile(0, "cam1")
			cam.show(50_000, media.Live)
			client.picture()
			sent := make(chan struct{})
			go func() { defer close(sent); c.send(client.conn) }() // may fail when the server has had enough
			code, reason := closed(t, client.conn)
			if code != c.code || reason == "" {
				t.Errorf("%d %q, want %d and a reason", code, reason, c.code)
			}
			client.conn.Close()
			<-sent
			eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 && g.viewers.Load() == 0 })
		})
	}
}

func TestTilesWithoutPongsAreDropped(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{PingEvery: 20 * time.Millisecond, PongTimeout: 60 * time.Millisecond}, cam)
	c := g.tiles(t, "/ws")
	c.conn.SetPingHandler(func(string) error { return nil })
	c.openTile(1, "cam1")
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			break
		}
	}
	eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
	eventually(t, "the log says why", testLimit, func() bool { return strings.Contains(g.logs.String(), "answers no pings") })
}

func TestTilesFollowTheCamerasStates(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	c := g.tiles(t, "/ws")
	c.openTile(1, "cam1")
	maybe := ""
	for _, states := range [][2]string{{"live", "live"}, {"stale", "stale"}, {"idle", "connecting"}, {"offline", "offline"}, {"connecting", ""}, {"live", "live"}} {
		cam.mu.Lock()
		cam.state = states[0]
		cam.mu.Unlock()
		if states[1] == "" {
			maybe = states[0] // too short for being told, mostly
			continue
		}
		m := c.message()
		if m.State == maybe {
			m = c.message()
		}
		if maybe = ""; m.State != states[1] || m.Tile != 1 || m.Camera != "cam1" {
			t.Errorf("%+v, want %s", m, states[1])
		}
	}
}

func TestTilesCloseInOrderAtTheEnd(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	c := g.tiles(t, "/ws")
	c.openTile(1, "cam1")
	cam.show(1000, media.Live)
	c.picture()
	ended := make(chan error, 1)
	go func() { ended <- g.stop() }()
	if code, reason := closed(t, c.conn); code != websocket.CloseGoingAway || reason == "" {
		t.Errorf("%d %q", code, reason)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOneCameraIsATileToo(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	for _, c := range []*tilesClient{g.tiles(t, "/ws/cam1?protocol=camgate&size=64x48"), g.tiles(t, "/ws/cam1?size=64x48", "camgate")} {
		shown := cam.show(100, media.Live)
		if p := c.picture(); p.tile != 0 || !bytes.Equal(p.jpeg, shown.JPEG) {
			t.Errorf("tile %d", p.tile)
		}
		cam.mu.Lock()
		if cam.watched[media.Rendition{Width: 64, Height: 48, Exact: true}] == 0 {
			t.Errorf("not the size of the address: %v", cam.watched)
		}
		cam.mu.Unlock()
	}
	for path, says := range map[string]string{"/ws?protocol=jpeg": "must be camgate", "/ws": "ws://", "/ws?width=x": "width"} {
		response, body := g.get(t, "GET", path)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, says) {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
}

// slowly reads at most so many bytes a second.
type slowly struct {
	net.Conn
	rate int
}

func (s *slowly) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b[:min(len(b), s.rate/50)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(s.rate)) // that is its slowness
	return n, err
}

// TestASlowReaderSeesThePresent has a connection that would swallow a minute of pictures,
// and a client that reads 10 KB a second. What it sees is at most two pictures' transfer
// and its own old.
func TestASlowReaderSeesThePresent(t *testing.T) {
	const rate, size = 10 << 10, 5 << 10 // bytes: two pictures a second, of 25
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	dialer := websocket.Dialer{NetDial: func(network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		if err != nil {
			return nil, err
		}
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 20); err != nil {
			return nil, err
		}
		return &slowly{conn, rate}, nil
	}}
	conn, _, err := dialer.Dial("ws://"+g.addr+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(testLimit))
	c := &tilesClient{t, conn}
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(40 * time.Millisecond)
		defer ticker.Stop()
		for {
			cam.show(size, media.Live)
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	})
	defer running.Wait()
	defer close(stop)
	c.openTile(1, "cam1")
	var ages []time.Duration
	for range 10 {
		p := c.picture()
		ages = append(ages, time.Since(p.captured))
		c.ack(p)
	}
	slices.Sort(ages)
	// Two on their way before it and its own transfer; and the time that 25 a second and a
	// busy machine take. That may hold one back; a queue holds back all, and each longer.
	if typical, most := ages[len(ages)/2], 3*size*time.Second/rate+time.Second; typical > most {
		t.Errorf("half of the pictures are older than %v: %v", most, ages)
	}
}

func TestTilesCostNoMoreBytesThanMultipart(t *testing.T) {
	const size, pictures = 8 << 10, 50
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	c := g.tiles(t, "/ws")
	c.openTile(1, "cam1")
	counted := 0
	for range pictures {
		cam.show(size, media.Live)
		p := c.picture()
		counted += 4 + 24 + len(p.jpeg) // a frame header for up to 64 KiB
		c.ack(p)
	}
	conn, r := g.dial(t, "GET /mjpeg/cam1 HTTP/1.1\r\nHost: "+g.addr+"\r\n\r\n")
	defer conn.Close()
	parts, bytesRead := 0, 0
	for parts <= pictures {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		bytesRead += len(line)
		if strings.HasPrefix(line, "Content-Length") {
			if parts++; parts == 1 {
				bytesRead = 0
			}
			if _, err := io.CopyN(io.Discard, r, size); err != nil { // the rest of the headers is in there
				t.Fatal(err)
			}
			bytesRead += size
			cam.show(size, media.Live)
		}
	}
	if limit := float64(bytesRead) * 1.01; float64(counted) > limit {
		t.Errorf("%d bytes for %d pictures, multipart takes %d", counted, pictures, bytesRead)
	}
}

// --- walls ---

// realJPEG is a picture as a camera encodes it.
func realJPEG(t testing.TB, width, height int, luma byte) []byte {
	t.Helper()
	j, err := decoder.NewJPEG()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = luma
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	data, err := j.Image(img, media.DefaultQuality)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// lumas are what a wall's tiles of 320 × 192 show in their middle.
func lumas(t testing.TB, data []byte) []int {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var list []int
	for y := 96; y < img.Bounds().Dy(); y += 192 {
		for x := 160; x < img.Bounds().Dx(); x += 320 {
			list = append(list, int(img.(*image.YCbCr).YCbCrAt(x, y).Y))
		}
	}
	return list
}

func close2(got, want []int) bool {
	return slices.EqualFunc(got, want, func(a, b int) bool { return a-b <= 3 && b-a <= 3 })
}

func wallCameras(t testing.TB) []*fakeCamera {
	cams := []*fakeCamera{newFake("cam1"), newFake("cam2"), newFake("cam3")}
	for i, cam := range cams {
		cam.shows(realJPEG(t, 320, 192, byte(60*(i+1))), media.Live)
	}
	return cams
}

// goOn has cameras bring the picture that they have anew all the time, as live ones do, until
// the test ends.
func goOn(t *testing.T, cams ...*fakeCamera) {
	t.Helper()
	quit := make(chan struct{})
	var bringing sync.WaitGroup
	bringing.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-quit:
				return
			}
			for _, cam := range cams {
				cam.shows(cam.Newest(media.Rendition{}).JPEG, media.Live)
			}
		}
	})
	t.Cleanup(func() { close(quit); bringing.Wait() })
}

func TestWallIsServedInEveryForm(t *testing.T) {
	cams := wallCameras(t)
	layout := wall.Layout{Name: "hall", Cameras: []string{"cam1", "cam2", "cam3"}, Columns: 2, Width: 650, FPS: 20, Quality: 75}
	g := serve(t, Config{Walls: []wall.Layout{layout}, Patience: testLimit}, cams...)
	goOn(t, cams...)
	want := []int{60, 120, 180, 0}

	for _, path := range []string{"/wall.jpg?cams=cam1,cam2,cam3&cols=2&width=640", "/wall.jpg?name=hall", "/snapshot/hall", "/snapshot/hall?width=640&quality=75"} {
		response, body := g.get(t, "GET", path)
		if response.StatusCode != http.StatusOK || response.Header.Get("X-Camera-State") != "live" || !close2(lumas(t, []byte(body)), want) {
			t.Errorf("%s: %s, %s, %v", path, response.Status, response.Header.Get("X-Camera-State"), lumas(t, []byte(body)))
		}
	}
	for _, path := range []string{"/wall?cams=cam1,cam2,cam3&cols=2&width=640&fps=20", "/wall?name=hall", "/mjpeg/hall", "/mjpeg/hall?fps=30"} {
		conn, r := g.dial(t, "GET "+path+" HTTP/1.1\r\nHost: "+g.addr+"\r\n\r\n")
		if got := head(t, r); !strings.Contains(got, " 200 ") {
			t.Fatalf("%s: %q", path, got)
		}
		expectIn(t, r, []byte("X-Camera-State: live\r\n")) // the first may lack a camera
		conn.Close()
	}
	conn := g.open(t, "/ws/hall")
	for shown := []int(nil); !close2(shown, want); {
		_, data, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("/ws/hall: %v; what it has shown last is %v", err, shown)
		}
		shown = lumas(t, data)
	}
	conn.Close()
	c := g.tiles(t, "/ws")
	c.say(`{"type":"open","tile":2,"camera":"hall","width":640}`)
	if m := c.message(); m.State != "live" || m.Camera != "hall" {
		t.Errorf("%+v", m)
	}
	p := c.picture()
	for p.flags != 1 {
		c.ack(p)
		p = c.picture()
	}
	if !close2(lumas(t, p.jpeg), want) {
		t.Errorf("tile of a wall: %v", lumas(t, p.jpeg))
	}
	cams[1].mu.Lock()
	cams[1].state = "offline"
	cams[1].mu.Unlock()
	if m := c.message(); m.State != "stale" || !m.Partly || !strings.Contains(m.Error, "1 of the wall's 3") {
		t.Errorf("%+v", m)
	}
	c.conn.Close()

	response, body := g.get(t, "GET", "/api/cameras/hall")
	var status camera.Status
	if err := json.Unmarshal([]byte(body), &status); err != nil || response.StatusCode != http.StatusOK || status.Name != "hall" || status.State != "stale" || !status.Partly ||
		!strings.Contains(status.LastError, "1 of the wall's 3") || !strings.Contains(body, `"last_frame_age":null`) || !strings.Contains(body, `"renditions":[]`) || strings.Contains(body, "since") {
		t.Errorf("/api/cameras/hall: %s, %v: %s", response.Status, err, body)
	}
	if _, body := g.get(t, "GET", "/api/cameras"); strings.Contains(body, "hall") {
		t.Errorf("a wall is among the cameras: %s", body)
	}
	response, body = g.get(t, "GET", "/api/walls")
	if response.StatusCode != http.StatusOK || strings.TrimSpace(body) != `[{"name":"hall","cameras":["cam1","cam2","cam3"],"columns":2,"width":650}]` {
		t.Errorf("/api/walls: %s", body)
	}
	eventually(t, "nobody watches", testLimit, func() bool { return cams[0].watching()+cams[1].watching()+cams[2].watching() == 0 })
}

func TestACameraThatIsAddedLaterTakesNoWallsPlace(t *testing.T) {
	cams := append(wallCameras(t), newFake("hall")) // added by somebody who does not know of the wall
	f := &fakeFinder{}
	g := serve(t, Config{Finder: f, Walls: []wall.Layout{{Name: "hall", Cameras: []string{"cam1", "cam2"}, Width: 640}}, Patience: testLimit}, cams...)
	goOn(t, cams[:2]...)
	if response, body := g.get(t, "GET", "/wall.jpg?name=hall"); response.StatusCode != http.StatusOK || response.Header.Get("X-Camera-State") != "live" {
		t.Errorf("%s: %.100q", response.Status, body)
	}
	status, answer := g.post(t, "/api/cameras", `{"device":"urn:uuid:2","name":"Hall"}`)
	if _, added := f.calls(); status != 400 || added != 0 || !strings.Contains(sentence(t, answer), "the name of a wall") {
		t.Errorf("%d %q, and %d were added", status, answer, added)
	}
}

func TestWallTellsHonestlyWhatItShows(t *testing.T) {
	cams := wallCameras(t)
	g := serve(t, Config{Patience: testLimit}, cams...)
	goOn(t, cams[:2]...)
	cams[2].mu.Lock()
	cams[2].state = "offline"
	cams[2].mu.Unlock()
	cams[2].shows(realJPEG(t, 320, 192, 20), media.Offline)
	response, body := g.get(t, "GET", "/wall.jpg?cams=cam1,cam2,cam3&cols=2&width=640")
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Camera-State") != "stale" || !close2(lumas(t, []byte(body)), []int{60, 120, 20, 0}) {
		t.Errorf("%s, %s", response.Status, response.Header.Get("X-Camera-State"))
	}
	response, body = g.get(t, "GET", "/wall.jpg?cams=cam3&width=320")
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "placeholder=1") {
		t.Errorf("%s: %s", response.Status, body)
	}
	response, body = g.get(t, "GET", "/wall.jpg?cams=cam3&width=320&placeholder=1")
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Camera-State") != "offline" || !close2(lumas(t, []byte(body)), []int{20}) {
		t.Errorf("%s", response.Status)
	}
}

// TestStillOfAWallMayBeAsOldAsIsAsked, and no older, and never of a camera that is away.
func TestStillOfAWallMayBeAsOldAsIsAsked(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{Patience: testLimit}, cam)
	old, young := realJPEG(t, 320, 192, 60), realJPEG(t, 320, 192, 180)
	const path = "/wall.jpg?cams=cam1&width=320&fps=20"
	_, r := g.dial(t, "GET /wall?cams=cam1&width=320&fps=20 HTTP/1.1\r\nHost: "+g.addr+"\r\n\r\n")
	go io.Copy(io.Discard, r) //nolint:errcheck // a viewer, until it is closed
	layout := wall.Layout{Cameras: []string{"cam1"}, Width: 320, FPS: 20}
	received := func(ago time.Duration) { // the wall shows a picture that came so long ago
		t.Helper()
		cam.shows(old, media.Live)
		cam.mu.Lock()
		p := *cam.picture
		p.Received, p.Sequence = time.Now().Add(-ago), p.Sequence+1
		cam.picture = &p
		close(cam.changed)
		cam.changed = make(chan struct{})
		cam.mu.Unlock()
		eventually(t, "the wall shows it", testLimit, func() bool {
			newest := g.walls.Newest(layout)
			return newest != nil && newest.Received.Equal(p.Received)
		})
	}
	for _, c := range []struct {
		query string
		ago   time.Duration
		waits bool
	}{{"&max_age=60", 10 * time.Second, false}, {"&max_age=60", 70 * time.Second, true}, {"", 10 * time.Second, true}} {
		eventually(t, "the still before is not counted any more", testLimit, func() bool { return g.viewers.Load() == 1 })
		received(c.ago)
		answered := make(chan []int, 1)
		go func() {
			_, body := g.get(t, "GET", path+c.query)
			answered <- lumas(t, []byte(body))
		}()
		want := []int{60}
		if c.waits {
			want = []int{180}
			eventually(t, "somebody waits for a still", testLimit, func() bool { return g.viewers.Load() == 2 })
			cam.shows(young, media.Live)
		}
		if got := <-answered; !close2(got, want) {
			t.Errorf("%q of a picture %v old: the still shows %v, want %v", c.query, c.ago, got, want)
		}
	}
	cam.mu.Lock()
	cam.state = "offline"
	cam.mu.Unlock()
	cam.shows(old, media.Offline)
	eventually(t, "the wall shows that it is away", testLimit, func() bool { return g.walls.Newest(layout).State == media.Offline })
	if response, _ := g.get(t, "GET", path+"&max_age=60"); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("of a camera that is away: %s", response.Status)
	}
}

// TestWallOfAMissingCameraIsNotLive: it may have been removed.
func TestWallOfAMissingCameraIsNotLive(t *testing.T) {
	cam, other := newFake("cam1"), newFake("cam2")
	g := serve(t, Config{}, cam, other)
	state := func(names ...string) camera.Brief {
		return wallCamera{g.Server, wall.Layout{Cameras: names}}.Brief()
	}
	other.state = "connecting"
	for _, c := range []struct {
		names  []string
		state  string
		partly bool
	}{{[]string{"cam1"}, "live", false}, {[]string{"cam1", "", "gone"}, "stale", true}, {[]string{"gone"}, "offline", false}, {[]string{"gone", "cam2"}, "connecting", false}, {[]string{"cam1", "cam2"}, "stale", true}} {
		if got := state(c.names...); got.State != c.state || got.Partly != c.partly || got.Partly != strings.Contains(got.LastError, "not live") {
			t.Errorf("%q: %+v", c.names, got)
		}
	}
}

// TestStillOfAWallWaitsForACameraThatIsConnecting: nobody may have watched it before.
func TestStillOfAWallWaitsForACameraThatIsConnecting(t *testing.T) {
	cam := newFake("cam1")
	cam.state = "connecting"
	cam.shows(realJPEG(t, 320, 192, 60), media.Offline)
	g := serve(t, Config{Patience: testLimit}, cam)
	answered := make(chan string, 1)
	go func() {
		response, _ := g.get(t, "GET", "/wall.jpg?cams=cam1&width=320&fps=20")
		answered <- response.Status
	}()
	eventually(t, "the wall says that it is connecting", testLimit, func() bool {
		newest := g.walls.Newest(wall.Layout{Cameras: []string{"cam1"}, Width: 320, FPS: 20})
		return newest != nil && newest.State == media.Offline
	})
	// It is live before it has brought a picture.
	cam.mu.Lock()
	cam.state = "live"
	cam.mu.Unlock()
	before := cam.shows(realJPEG(t, 320, 192, 70), media.Offline)
	eventually(t, "the wall shows what it has", testLimit, func() bool {
		newest := g.walls.Newest(wall.Layout{Cameras: []string{"cam1"}, Width: 320, FPS: 20})
		return newest == nil || !newest.Received.Before(before.Received) // nil: nobody waits any more
	})
	select {
	case got := <-answered:
		t.Fatalf("it has not waited, and answers %s", got)
	case <-time.After(100 * time.Millisecond):
	}
	cam.shows(realJPEG(t, 320, 192, 180), media.Live)
	if got := <-answered; got != "200 OK" {
		t.Errorf("it answers %s", got)
	}
}

func TestBadWallsGetASentence(t *testing.T) {
	g := serve(t, Config{}, wallCameras(t)...)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/wall":                                  {400, "cams=NAME"},
		"/wall.jpg?cams=":                        {400, "cams=NAME"},
		"/wall.jpg?cams=,,":                      {400, "cams=NAME"},
		"/wall?cams=cam1,nobody":                 {404, "nobody"},
		"/wall?name=hall":                        {404, "/api/walls"},
		"/wall?name=cam1":                        {404, "/api/walls"},
		"/wall?cams=cam1&cols=17":                {400, "1 to 16"},
		"/wall?cams=cam1&width=abc":              {400, "width"},
		"/wall?cams=cam1&width=8193":             {400, "8192"},
		"/wall?cams=cam1&width=15":               {400, "at least 16"},
		"/wall?cams=cam1&quality=0":              {400, "quality"},
		"/wall?cams=cam1&fps=0":                  {400, "fps"},
		"/wall?cams=cam1&size=100x100":           {400, "16 pixels"},
		"/wall?cams=cam1&labels=colour":          {400, "name,age"},
		"/wall?cams=cam1&cams=cam2":              {400, "once"},
		"/wall?cams=" + strings.Repeat("a,", 64): {400, "at most 64"},
		"/wall.jpg?cams=%00..%2f":                {404, "no camera"},
	} {
		response, body := g.get(t, "GET", path)
		if response.StatusCode != want.status || !strings.Contains(body, want.says) || len(body) > 400 {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
	if _, err := New(Config{Listen: "127.0.0.1:0", Walls: []wall.Layout{{Name: "hall", Cameras: []string{"a", "b"}, Columns: 16, Width: 64}}}, nil, testPages, nil); err == nil || !strings.Contains(err.Error(), `"hall"`) {
		t.Errorf("an impossible wall in the configuration: %v", err)
	}
}

func TestTooManyWallsGet503(t *testing.T) {
	// Who is counted as a viewer may not have his wall yet; who gets one in his place has it soon.
	g := serve(t, Config{Patience: 100 * time.Millisecond}, wallCameras(t)...)
	for i := range wall.MaxWalls {
		_, r := g.dial(t, fmt.Sprintf("GET /wall?cams=cam1&width=320&fps=%d HTTP/1.1\r\nHost: %s\r\n\r\n", i+1, g.addr))
		if got := head(t, r); !strings.Contains(got, " 200 ") { // now it is watched
			t.Fatalf("wall %d: %q", i, got)
		}
	}
	response, body := g.get(t, "GET", "/wall.jpg?cams=cam2&width=320")
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "too many different walls") {
		t.Errorf("one more: %s %q", response.Status, body)
	}
}
