package httpd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"camgate/camera"
	"camgate/media"
	"camgate/outputs/legacy"
	"camgate/outputs/wall"
)

// agentSite serves with cctvAgent's listener, and returns the address of that.
func agentSite(t *testing.T, cfg Config, cams ...*fakeCamera) (g *gateway, at string) {
	t.Helper()
	listening := make(chan net.Addr, 1)
	cfg.Legacy.CctvAgentWS = "127.0.0.1:0"
	cfg.Legacy.Listening = func(a net.Addr) { listening <- a }
	g = serve(t, cfg, cams...)
	return g, (<-listening).String()
}

// page is one of cctvAgent's pages.
type page struct {
	t *testing.T
	*websocket.Conn
}

func openPage(t *testing.T, at, origin string) page {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	conn, response, err := websocket.DefaultDialer.Dial("ws://"+at+"/whatever", header)
	if err != nil {
		t.Fatalf("%v %v", err, response)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(testLimit))
	return page{t, conn}
}

func (p page) say(text string) {
	p.t.Helper()
	if err := p.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// picture reads one picture as the page's program does.
func (p page) picture() []byte {
	p.t.Helper()
	var pieces []string
	for {
		kind, data, err := p.ReadMessage()
		if err != nil || kind != websocket.TextMessage {
			p.t.Fatalf("message %d: %v", kind, err)
		}
		text := string(data)
		if strings.HasPrefix(text, "::") {
			n, err := strconv.Atoi(strings.Trim(text, ":"))
			if err != nil || text != fmt.Sprintf("::%d::", n) || pieces != nil {
				p.t.Fatalf("head %q after %d pieces", text, len(pieces))
			}
			pieces = make([]string, 0, n)
			continue
		}
		head, piece, ok := strings.Cut(strings.TrimPrefix(text, "~"), "~")
		if !ok || head != fmt.Sprint(len(pieces)+1) || len(piece) > 32768 || len(pieces) < cap(pieces)-1 && len(piece) != 32768 {
			p.t.Fatalf("piece %.20q of %d", text, len(piece))
		}
		if pieces = append(pieces, piece); len(pieces) < cap(pieces) {
			continue
		}
		jpeg, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.Join(pieces, ""), "data:image/jpeg;base64,"))
		if err != nil {
			p.t.Fatal(err)
		}
		return jpeg
	}
}

// closed reads until the connection is closed, and says how.
func (p page) closed() *websocket.CloseError {
	p.t.Helper()
	for {
		if _, _, err := p.ReadMessage(); err != nil {
			closed := new(websocket.CloseError)
			if !errors.As(err, &closed) {
				p.t.Fatalf("no good-bye: %v", err)
			}
			return closed
		}
	}
}

func TestCctvAgentsPagesSeeCamerasByTheirStreamsAddress(t *testing.T) {
	door, yard, lift := newFake("A-1"), newFake("yard"), newFake("lift")
	door.address = "rtsp://192.0.2.10:554/stream1?profile=2"
	yard.told, yard.configured = "rtsp://192.0.2.11:8554/media", "onvif://192.0.2.11:80/"
	g, at := agentSite(t, Config{}, lift, door, yard)
	for _, c := range []struct {
		url  string
		cam  *fakeCamera
		size string
		want media.Rendition
	}{
		{"rtsp://192.0.2.10/stream1?profile=2", door, "[640,480]", media.Rendition{Width: 640, Height: 480, Exact: true}},
		{"rtsp://admin:geheim@192.0.2.10:554/stream1?profile=2", door, "[0,0]", media.Rendition{}},
		{"a-1", door, "[320,0]", media.Rendition{Width: 320}},
		{"rtsp://192.0.2.11:8554/media", yard, "[null,null]", media.Rendition{}},
	} {
		p := openPage(t, at, "http://"+g.addr)
		before := len(c.cam.wishes())
		p.say(fmt.Sprintf(`{"act":"open","url":%q,"resolution":%s}`, c.url, c.size))
		eventually(t, c.url+" is watched", testLimit, func() bool { return len(c.cam.wishes()) == before+1 })
		if w := c.cam.wishes()[before]; w.Rendition != c.want || w.form != "cctvagent" || !strings.HasPrefix(w.peer, "127.0.0.1:") {
			t.Errorf("%s: %+v", c.url, w)
		}
		for _, n := range []int{40, 24*1024 - 17, 24 * 1024, 100_001} { // 24 KiB and the prefix: just more than a piece
			shown := c.cam.show(n, media.Live)
			for string(p.picture()) != string(shown.JPEG) { // an older one may have come first
			}
		}
		p.Close()
		eventually(t, "nobody watches", testLimit, func() bool { return c.cam.watching() == 0 })
	}
	if strings.Contains(g.logs.String(), "geheim") {
		t.Error("the log holds a password")
	}
}

func TestCctvAgentsPagesResizeAndSwitch(t *testing.T) {
	one, two := newFake("one"), newFake("two")
	_, at := agentSite(t, Config{}, one, two)
	p := openPage(t, at, "")
	p.say(`{"act":"resize","resolution":[10,10]}`) // before anything is open
	p.say(`{"act":"open"}`)
	p.say(`{"act":"dance"}`)
	p.say(`{"act":"open","url":"one","resolution":[640,360],"more":1}`)
	shown := one.show(100, media.Live)
	if got := p.picture(); string(got) != string(shown.JPEG) {
		t.Fatal("another picture")
	}
	p.say(`{"act":"resize","resolution":[320,180]}`)
	eventually(t, "the other size is watched alone", testLimit, func() bool {
		one.mu.Lock()
		defer one.mu.Unlock()
		return len(one.watched) == 1 && one.watched[media.Rendition{Width: 320, Height: 180, Exact: true}] == 1
	})
	p.say(`{"act":"open","url":"two","resolution":[0,0]}`)
	eventually(t, "the other camera is watched alone", testLimit, func() bool { return one.watching() == 0 && two.watching() == 1 })
	shown = two.show(200, media.Live)
	for string(p.picture()) != string(shown.JPEG) { // those of the first may still be on their way
	}
}

func TestManyChangesAtOnceEndWithTheLast(t *testing.T) {
	cam := newFake("cam1")
	g, at := agentSite(t, Config{}, cam)
	p := openPage(t, at, "")
	p.say(`{"act":"open","url":"cam1"}`)
	for n := 1; n <= 500; n++ {
		if p.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"act":"resize","resolution":[%d,%d]}`, n, n)) != nil {
			t.Fatal(p.closed(), g.logs.String())
		}
	}
	defer func() {
		if t.Failed() {
			t.Log(g.logs.String())
		}
	}()
	eventually(t, "the last size is watched alone", testLimit, func() bool {
		cam.mu.Lock()
		defer cam.mu.Unlock()
		return len(cam.watched) == 1 && cam.watched[media.Rendition{Width: 500, Height: 500, Exact: true}] == 1
	})
}

func TestWhatCctvAgentsPagesMayNot(t *testing.T) {
	cam := newFake("cam1")
	cam.address = "rtsp://192.0.2.10:554/stream1"
	g, at := agentSite(t, Config{}, cam)
	for name, c := range map[string]struct {
		say  string
		code int
		why  string
	}{
		"unknown address":   {`{"act":"open","url":"rtsp://admin:geheim@192.0.2.10/stream2"}`, 1008, "allow_any_url"},
		"unknown host":      {`{"act":"open","url":"rtsp://169.254.169.254/"}`, 1008, "allow_any_url"},
		"not a stream":      {`{"act":"open","url":"http://192.0.2.10/stream1"}`, 1008, "allow_any_url"},
		"a file":            {`{"act":"open","url":"file:///etc/passwd"}`, 1008, "allow_any_url"},
		"a number":          {`{"act":"open","url":"1"}`, 1008, "allow_any_url"},
		"not JSON":          {`open`, 1003, "JSON"},
		"a list":            {`[]`, 1003, "JSON"},
		"another type":      {`{"act":"open","url":7}`, 1003, "JSON"},
		"negative size":     {`{"act":"open","url":"cam1","resolution":[-1,5]}`, 1003, "resolution"},
		"enormous size":     {`{"act":"resize","resolution":[8193,1]}`, 1003, "resolution"},
		"three sides":       {`{"act":"resize","resolution":[1,2,3]}`, 1003, "resolution"},
		"too many pixels":   {`{"act":"resize","resolution":[8192,2049]}`, 1003, "resolution"},
		"too large":         {`{"act":"` + strings.Repeat("x", 10_000) + `"}`, 1009, "8192"},
		"too many messages": {"", 1008, "messages"},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPage(t, at, "")
			if c.say != "" {
				p.say(c.say)
			}
			for n := 0; c.say == "" && n < 1002; n++ {
				if p.WriteMessage(websocket.TextMessage, []byte(`{"act":"dance"}`)) != nil {
					break // it has ended
				}
			}
			if closed := p.closed(); closed.Code != c.code || !strings.Contains(closed.Text, c.why) {
				t.Errorf("%v", closed)
			}
		})
	}
	p := openPage(t, at, "")
	if err := p.WriteMessage(websocket.BinaryMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if closed := p.closed(); closed.Code != 1003 {
		t.Errorf("%v", closed)
	}
	if strings.Contains(g.logs.String(), "geheim") {
		t.Error("the log holds a password")
	}
	if cam.watching() != 0 {
		t.Error("a viewer is left")
	}
}

func TestWhoMayOpenCctvAgentsSocket(t *testing.T) {
	cam := newFake("cam1")
	g, at := agentSite(t, Config{Hosts: []string{"panel.example", "0.0.0.0"}, Origins: []string{"https://listed.example"}}, cam)
	_, httpPort, _ := net.SplitHostPort(g.addr)
	for _, c := range []struct {
		origin, host string
		status       int
	}{
		{"", "", 101},
		{"http://" + g.addr, "", 101}, // the gateway's own pages
		{"http://" + at, "", 101},
		{"https://listed.example", "", 101},
		{"http://panel.example:" + httpPort, "panel.example:8001", 101},
		{"http://127.0.0.1:" + httpPort, "localhost:8001", 101}, // as cctvAgent's own page has it
		{"http://localhost:" + httpPort, "[::1]:8001", 101},
		{"http://panel.example:" + httpPort, "192.0.2.1:8001", 101}, // the gateway's name, and its address
		{"http://localhost:" + httpPort, "192.0.2.1:8001", 403},     // a page of the viewer's own machine
		{"http://192.0.2.2:" + httpPort, "192.0.2.1:8001", 403},
		{"http://192.0.2.2:" + httpPort, "localhost:8001", 403},
		{"http://panel.example", "localhost:8001", 403},
		{"http://0.0.0.0:" + httpPort, "", 403}, // a name by which it listens, and each machine's own
		{"http://127.0.0.1:1", "localhost:8001", 403},
		{"http://127.0.0.1:1", "", 403},
		{"http://evil.example:" + httpPort, "", 403},
		{"http://evil.example:" + httpPort, "evil.example:8001", 403},
		{"https://" + g.addr, "", 403},
		{"null", "", 403},
	} {
		header := http.Header{}
		if c.origin != "" {
			header.Set("Origin", c.origin)
		}
		if c.host != "" {
			header.Set("Host", c.host)
		}
		conn, response, err := websocket.DefaultDialer.Dial("ws://"+at+"/", header)
		if response == nil || response.StatusCode != c.status {
			t.Errorf("%+v: %v %v", c, response, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	response, err := http.Get("http://" + at + "/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 400 {
		t.Errorf("no WebSocket: %d", response.StatusCode)
	}
}

func TestCctvAgentsProtocolIsOnTheSharedSocketToo(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+g.addr+"/ws?protocol=cctvagent", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(testLimit))
	p := page{t, conn}
	p.say(`{"act":"open","url":"cam1"}`)
	shown := cam.show(100, media.Live)
	if string(p.picture()) != string(shown.JPEG) {
		t.Error("another picture")
	}
}

func TestCctvAgentsProtocolIsOnACamerasSocketToo(t *testing.T) {
	cam, other := newFake("cam1"), newFake("other")
	shown, second := cam.show(100, media.Live), other.show(100_000, media.Live)
	g := serve(t, Config{Walls: []wall.Layout{{Name: "hall", Cameras: []string{"cam1"}}}}, cam, other)
	for path, offered := range map[string][]string{"/ws/cam1?protocol=cctvagent&width=320": nil, "/ws/cam1?width=320": {"cctvagent"}} {
		dialer := websocket.Dialer{Subprotocols: offered}
		conn, answer, err := dialer.Dial("ws://"+g.addr+path, nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		conn.SetReadDeadline(time.Now().Add(testLimit))
		p := page{t, conn}
		if string(p.picture()) != string(shown.JPEG) || answer.Header.Get("Sec-WebSocket-Protocol") != strings.Join(offered, "") {
			t.Errorf("%s: another picture, or protocol %q", path, answer.Header.Get("Sec-WebSocket-Protocol"))
		}
		wishes := cam.wishes()
		if w := wishes[len(wishes)-1]; w.Rendition != (media.Rendition{Width: 320}) || w.form != "cctvagent" {
			t.Errorf("%s: watched for %+v", path, w)
		}
		p.say(`{"act":"open","url":"other"}`)
		if string(p.picture()) != string(second.JPEG) {
			t.Errorf("%s: opened another, and it shows none of it", path)
		}
		conn.Close()
	}
	if one, err := (pageCameras{g.Server, "a page"}).Open(t.Context(), "hall"); err != nil {
		t.Errorf("a wall: %v", err)
	} else {
		one.Close()
	}
	eventually(t, "nobody is counted", testLimit, func() bool { return g.viewers.Load() == 0 })
}

func TestCctvAgentsViewersAreCounted(t *testing.T) {
	g, at := agentSite(t, Config{MaxViewers: 1}, newFake("cam1"))
	p := openPage(t, at, "")
	if _, response, err := websocket.DefaultDialer.Dial("ws://"+at+"/", nil); err == nil || response.StatusCode != 503 {
		t.Errorf("%v %v", response, err)
	}
	p.Close()
	eventually(t, "there is room again", testLimit, func() bool { return g.viewers.Load() == 0 })
}

func TestCctvAgentsPageThatAnswersNoPingsIsDropped(t *testing.T) {
	cam := newFake("cam1")
	_, at := agentSite(t, Config{PingEvery: 50 * time.Millisecond, PongTimeout: 3 * time.Second}, cam)
	p := openPage(t, at, "") // gorilla answers pings while it reads, which nobody does here
	p.say(`{"act":"open","url":"cam1"}`)
	eventually(t, "it has been watched", testLimit, func() bool { return len(cam.wishes()) == 1 })
	eventually(t, "it is dropped", testLimit, func() bool { return cam.watching() == 0 })
}

func TestSlowCctvAgentsPageGetsTheNewest(t *testing.T) {
	cam := newFake("cam1")
	_, at := agentSite(t, Config{}, cam)
	p := openPage(t, at, "")
	p.say(`{"act":"open","url":"cam1"}`)
	eventually(t, "it is watched", testLimit, func() bool { return cam.watching() == 1 })
	const pictures = 200
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for range pictures { // far more than the sockets hold, and nobody reads
		cam.show(400_000, media.Live)
		<-pace.C
	}
	last := cam.show(77, media.Live)
	for count := 1; ; count++ {
		if got := p.picture(); len(got) == len(last.JPEG) {
			if count > pictures/4 {
				t.Errorf("%d of %d old pictures before the newest", count, pictures)
			}
			return
		}
	}
}

func TestGatewaysEndIsToldToCctvAgentsPages(t *testing.T) {
	cam := newFake("cam1")
	g, at := agentSite(t, Config{}, cam)
	p, idle := openPage(t, at, ""), openPage(t, at, "")
	p.say(`{"act":"open","url":"cam1"}`)
	cam.show(100, media.Live)
	p.picture()
	began := time.Now()
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
	for _, one := range []page{p, idle} {
		if closed := one.closed(); closed.Code != websocket.CloseGoingAway {
			t.Errorf("%v", closed)
		}
	}
}

// addingCameras are cameras to which others can be added.
type addingCameras struct {
	mu    sync.Mutex
	list  fakeCameras
	added []string // addresses
}

func (a *addingCameras) find(name string) served {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list.find(name)
}

func (a *addingCameras) all() []served {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list.all()
}

func (a *addingCameras) Add(name, from string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name == "" {
		name = fmt.Sprintf("new-%d", len(a.added))
	}
	a.added = append(a.added, from)
	one := newFake(name)
	one.address = from
	a.list = append(a.list, one)
	return name, nil
}

func (a *addingCameras) Remove(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, c := range a.list {
		if c.name == name {
			c.close()
			a.list = append(append(fakeCameras(nil), a.list[:i]...), a.list[i+1:]...)
			return nil
		}
	}
	return camera.ErrClosed
}

func TestAnyAddressIsShownWhereThatIsAllowed(t *testing.T) {
	cams := &addingCameras{}
	s := &strangers{adder: cams, find: cams.find}
	name, release, err := s.acquire("rtsp://admin:geheim@192.0.2.10/${HOME}")
	if err != nil || cams.added[0] != "rtsp://admin:geheim@192.0.2.10/%24{HOME}" {
		t.Fatalf("%v %v", err, cams.added)
	}
	again, releaseAgain, err := s.acquire("rtsp://admin:geheim@192.0.2.10/${HOME}")
	if err != nil || again != name || len(cams.added) != 1 {
		t.Fatalf("%v %v", err, cams.added)
	}
	for _, address := range []string{"http://192.0.2.1/", "onvif://192.0.2.1", "file:///etc/passwd", "door", "rtsp://", "rtsp://a:geheim@:0/"} {
		if _, _, err := s.acquire(address); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for n := 1; n < maxStrangers; n++ {
		if _, _, err := s.acquire(fmt.Sprintf("rtsp://192.0.2.10/%d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.acquire("rtsp://192.0.2.10/one-too-many"); err == nil || !strings.Contains(err.Error(), "16 cameras") {
		t.Errorf("%v", err)
	}
	release()
	release() // does nothing
	if s.remove(unused); cams.find(name) == nil {
		t.Error("a camera was removed that somebody watches")
	}
	releaseAgain()
	if s.remove(unused); cams.find(name) != nil {
		t.Error("the camera is still there")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.run(ctx)
	if len(cams.all()) != 0 {
		t.Error("cameras are left after the end")
	}
	if _, _, err := s.acquire("rtsp://192.0.2.10/late"); err == nil {
		t.Error("a camera was made after the end")
	}
}

// unused are strangers that nobody watches, however short ago somebody did.
func unused(one *stranger) bool { return one.users == 0 }

func TestACameraOfAnyAddressStaysForPagesThatCameLater(t *testing.T) {
	cams := &addingCameras{}
	s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{AllowAnyURL: true}}, cams, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	open := func(called string) legacy.Camera {
		t.Helper()
		one, err := pageCameras{s, "a page"}.Open(t.Context(), called)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	first := open("rtsp://admin:geheim@192.0.2.10/stream")
	others := []legacy.Camera{open("rtsp://admin:geheim@192.0.2.10/stream"), open("rtsp://192.0.2.10:554/stream"), open("new-0")}
	first.Close()
	for _, one := range others {
		if s.strangers.remove(unused); len(cams.all()) != 1 {
			t.Fatalf("there are %d cameras while pages show one", len(cams.all()))
		}
		one.Close()
	}
	again := open("rtsp://192.0.2.10/stream") // after a while without anybody
	if s.strangers.remove(unused); len(cams.all()) != 1 {
		t.Error("the camera was removed from a page that had connected again")
	}
	again.Close()
	if s.strangers.remove(unused); len(cams.all()) != 0 {
		t.Error("the camera is still there")
	}
}

// A recorder may tell its cameras apart by a token, and it may only be a password.
func TestStreamsThatATokenTellsApart(t *testing.T) {
	door, yard, lift := newFake("door"), newFake("yard"), newFake("lift")
	door.address, yard.address = "rtsp://192.0.2.10:554/live?token=d00r", "rtsp://192.0.2.10:554/live?token=yard"
	lift.address = "rtsp://192.0.2.11:554/user=admin_password=geheim_channel=1"
	cams := &addingCameras{list: fakeCameras{door, yard, lift}}
	s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{AllowAnyURL: true}}, cams, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ called, want string }{
		{"rtsp://admin:x@192.0.2.10/live?token=yard", "yard"},
		{"rtsp://192.0.2.10/live?token=d00r", "door"},
		{"rtsp://192.0.2.11/user=admin_password=_channel=1", "lift"},
		{"rtsp://192.0.2.12/live?token=one", "new-0"},
		{"rtsp://192.0.2.12/live?token=two", "new-1"},
		{"rtsp://192.0.2.12/live?token=one", "new-0"},
	} {
		one, err := pageCameras{s, "a page"}.Open(t.Context(), c.called)
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		if name := one.(*pageCamera).Name(); name != c.want {
			t.Errorf("%s is shown as %s, want %s", c.called, name, c.want)
		}
	}
}

// A wrong password is tried once a minute for as long as its page is open, which may be for
// ever.
func TestACameraOfAnyAddressIsAskedWithThePasswordThatAPageTells(t *testing.T) {
	cams := &addingCameras{}
	s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{AllowAnyURL: true}}, cams, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var open []legacy.Camera
	for _, c := range []struct{ called, want string }{
		{"rtsp://192.0.2.10/stream", "new-0"},
		{"rtsp://admin:wrong@192.0.2.10/stream", "new-1"},
		{"rtsp://admin:geheim@192.0.2.10/stream", "new-2"},
		{"rtsp://admin:geheim@192.0.2.10/stream", "new-2"},
		{"rtsp://192.0.2.10:554/stream", "new-0"},
	} {
		one, err := pageCameras{s, "a page"}.Open(t.Context(), c.called)
		if err != nil {
			t.Fatal(err)
		}
		if name := one.(*pageCamera).Name(); name != c.want {
			t.Errorf("%s is shown as %s, want %s", c.called, name, c.want)
		}
		open = append(open, one)
	}
	for _, one := range open {
		one.Close()
	}
	if s.strangers.remove(unused); len(cams.all()) != 0 {
		t.Error("a camera is still there")
	}
}

// The page shows the lines that keep a camera, with the name that it has.
func TestACameraThatWasPutIntoTheConfigurationIsNotRemoved(t *testing.T) {
	cams := &addingCameras{}
	s := &strangers{adder: cams, find: cams.find}
	const address, other = "rtsp://192.0.2.10/stream", "rtsp://192.0.2.10/other"
	for _, configured := range []string{address, other} {
		name, release, err := s.acquire(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := cams.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := cams.Add(name, configured); err != nil { // as a reload does
			t.Fatal(err)
		}
		kept := cams.find(name)
		again, releaseAgain, err := s.acquire(address)
		if err != nil || again == name {
			t.Errorf("%s is shown as %s, which is the configuration's: %v", address, again, err)
		}
		release()
		releaseAgain()
		if s.remove(unused); cams.find(name) != kept {
			t.Errorf("the configuration's camera of %s was removed", configured)
		}
		if err := cams.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(cams.all()); n != 0 {
		t.Errorf("%d cameras are left", n)
	}
}

// Pages connect again at once, for ever: each time they must find a camera.
func TestACameraOfAnyAddressThatSomebodyRemovedComesBackWithItsPage(t *testing.T) {
	cams := &addingCameras{}
	s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{AllowAnyURL: true}}, cams, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const address = "rtsp://192.0.2.10/stream"
	one, err := pageCameras{s, "a page"}.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := cams.Remove("new-0"); err != nil {
		t.Fatal(err)
	}
	one.Close()
	again, err := pageCameras{s, "a page"}.Open(t.Context(), address)
	if err != nil {
		t.Fatalf("the page is told: %v", err)
	}
	again.Close()
	if s.strangers.remove(unused); len(cams.all()) != 0 {
		t.Error("the camera is still there")
	}
}

func TestACameraThatDoesNotAnswerKeepsNoOtherOfItsHostAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := newFake("deaf")
		deaf.configured, deaf.deaf = "onvif://192.0.2.10:80/", true
		s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{AllowAnyURL: true}}, &addingCameras{list: fakeCameras{deaf}}, testPages, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		pages := pageCameras{s, "a page"}
		if _, err := pages.Open(t.Context(), "rtsp://192.0.2.10/stream"); err != nil {
			t.Errorf("although any address is allowed: %v", err)
		}
		s.cfg.Legacy.AllowAnyURL = false
		if _, err := pages.Open(t.Context(), "rtsp://192.0.2.10/other"); !errors.Is(err, legacy.ErrUnknown) {
			t.Errorf("the page is told: %v", err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := pages.Open(ended, "rtsp://192.0.2.10/other"); !errors.Is(err, context.Canceled) {
			t.Errorf("after the page has left: %v", err)
		}
	})
}

func TestAnyAddressNeedsCamerasThatCanBeAdded(t *testing.T) {
	cfg := Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{AllowAnyURL: true}}
	if _, err := newServer(cfg, fakeCameras{}, testPages, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "allow_any_url") {
		t.Errorf("%v", err)
	}
	if _, err := newServer(cfg, &addingCameras{}, testPages, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("%v", err)
	}
}

func TestCctvAgentsListenerNeedsUsersOrLoopback(t *testing.T) {
	for at, want := range map[string]string{":8001": "allow_anonymous", "192.0.2.1:8001": "allow_anonymous", "nonsense": "host:port"} {
		err := (Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{CctvAgentWS: at}}).check()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cctvagent_ws") {
			t.Errorf("%q: %v", at, err)
		}
	}
	if err := (Config{Listen: "127.0.0.1:0", AllowAnonymous: true, Legacy: legacy.Options{CctvAgentWS: ":8001"}}).check(); err != nil {
		t.Error(err)
	}
}

// Whoever waits until the gateway says that it serves may open a page at once.
func TestCctvAgentsPortIsOpenWhenServingIsTold(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	told, at := false, ""
	options := legacy.Options{CctvAgentWS: "127.0.0.1:0", Listening: func(a net.Addr) { at = a.String() }}
	s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: options, Listening: func(net.Addr) {
		told = true
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Error(err)
		} else {
			conn.Close()
		}
		end()
	}}, fakeCameras{}, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(ctx); err != nil || !told {
		t.Errorf("%v, told: %v", err, told)
	}
}

func TestCctvAgentsPortThatIsTakenEndsTheServerWithASentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s, err := newServer(Config{Listen: "127.0.0.1:0", Legacy: legacy.Options{CctvAgentWS: taken.Addr().String()}}, fakeCameras{}, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "[legacy] cctvagent_ws") || !strings.Contains(err.Error(), "another program") {
		t.Errorf("%v", err)
	}
}
