package httpd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"camgate/media"
)

// open makes a WebSocket connection.
func (g *gateway) open(t *testing.T, path string, protocols ...string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: testLimit}
	conn, _, err := dialer.Dial("ws://"+g.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(testLimit))
	return conn
}

// closed reads until the server closes, and returns the code and reason.
func closed(t *testing.T, conn *websocket.Conn) (int, string) {
	t.Helper()
	for {
		_, _, err := conn.ReadMessage()
		if err == nil {
			continue
		}
		c := new(websocket.CloseError)
		if !errors.As(err, &c) {
			t.Fatalf("the connection ended without a closing frame: %v", err)
		}
		return c.Code, c.Text
	}
}

func TestWebSocketBringsEachPictureAsAMessage(t *testing.T) {
	for _, c := range []struct {
		path      string
		protocols []string
	}{{"/ws/cam1", nil}, {"/ws/cam1?protocol=jpeg&width=320", nil}, {"/ws/cam1", []string{"jpeg"}}} {
		cam := newFake("cam1")
		g := serve(t, Config{}, cam)
		conn := g.open(t, c.path, c.protocols...)
		for _, size := range []int{100, 1000, 200_000} {
			p := cam.show(size, media.Live)
			kind, data, err := conn.ReadMessage()
			if err != nil || kind != websocket.BinaryMessage || !bytes.Equal(data, p.JPEG) {
				t.Fatalf("%v: kind %d, %d bytes, %v", c, kind, len(data), err)
			}
		}
		conn.Close()
		eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
	}
}

func TestChunkedWebSocketBringsSmallMessages(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn := g.open(t, "/ws/cam1", "nonsense", "jpeg-chunked")
	if conn.Subprotocol() != "jpeg-chunked" {
		t.Errorf("protocol %q", conn.Subprotocol())
	}
	p := cam.show(100_000, media.Live)
	var got []byte
	for i := range 4 {
		_, data, err := conn.ReadMessage()
		if err != nil || len(data) > 32<<10 || len(data) < 16 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		if data[0] != 1 || data[1] == 1 != (i == 3) || int(binary.BigEndian.Uint16(data[8:])) != i || binary.BigEndian.Uint32(data[12:]) != 100_000 {
			t.Fatalf("piece %d: header %x", i, data[:16])
		}
		got = append(got, data[16:]...)
	}
	if !bytes.Equal(got, p.JPEG) {
		t.Error("the pieces do not make the picture")
	}
}

func TestWebSocketSaysWhyItCloses(t *testing.T) {
	for name, c := range map[string]struct {
		send func(*websocket.Conn) error
		code int
	}{
		"not JSON":          {func(c *websocket.Conn) error { return c.WriteMessage(websocket.TextMessage, []byte("{")) }, 1003},
		"binary":            {func(c *websocket.Conn) error { return c.WriteMessage(websocket.BinaryMessage, []byte("{}")) }, 1003},
		"unexpected":        {func(c *websocket.Conn) error { return c.WriteJSON(map[string]any{"type": "open", "tile": 1}) }, 1008},
		"10,000 messages":   {manyMessages, 1008},
		"100 MB":            {hugeMessage, 1009},
		"broken framing":    {func(c *websocket.Conn) error { _, err := c.NetConn().Write([]byte{0x83, 0x80, 1, 2, 3, 4}); return err }, 1002},
		"unmasked":          {func(c *websocket.Conn) error { _, err := c.NetConn().Write([]byte{0x81, 2, '{', '}'}); return err }, 1002},
		"5 KB of fragments": {fragments, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			cam := newFake("cam1")
			g := serve(t, Config{}, cam)
			conn := g.open(t, "/ws/cam1")
			cam.show(50_000, media.Live)
			if _, _, err := conn.ReadMessage(); err != nil {
				t.Fatal(err)
			}
			sent := make(chan struct{})
			go func() { defer close(sent); c.send(conn) }() // may fail when the server has had enough
			code, reason := closed(t, conn)
			if code != c.code || reason == "" {
				t.Errorf("%d %q, want %d and a reason", code, reason, c.code)
			}
			conn.Close()
			<-sent
			eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
		})
	}
}

func manyMessages(c *websocket.Conn) error {
	for range 10_000 {
		if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"open","tile":1,"camera":"cam1"}`)); err != nil {
			return err
		}
	}
	return nil
}

func hugeMessage(c *websocket.Conn) error {
	return c.WriteMessage(websocket.TextMessage, make([]byte, 100<<20))
}

func fragments(c *websocket.Conn) error {
	w, err := c.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for range 5 {
		if _, err := w.Write([]byte(strings.Repeat(" ", 1024))); err != nil {
			return err
		}
	}
	return w.Close()
}

func TestWebSocketWithoutPongsIsDropped(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{PingEvery: 20 * time.Millisecond, PongTimeout: 5 * time.Second}, cam) // who answers may be held up
	silent := g.open(t, "/ws/cam1")
	silent.SetPingHandler(func(string) error { return nil })
	answering := g.open(t, "/ws/cam1")
	var pings atomic.Int64
	answering.SetPingHandler(func(s string) error {
		pings.Add(1)
		return answering.WriteControl(websocket.PongMessage, []byte(s), time.Now().Add(testLimit))
	})
	read := make(chan error, 1)
	go func() { _, _, err := answering.ReadMessage(); read <- err }()
	if _, _, err := silent.ReadMessage(); err == nil {
		t.Fatal("a picture from nowhere")
	}
	eventually(t, "only the viewer that answers is left", testLimit, func() bool { return cam.watching() == 1 })
	eventually(t, "many more pings", testLimit, func() bool { return pings.Load() > 10 })
	cam.show(1000, media.Live)
	if err := <-read; err != nil {
		t.Errorf("the one that answers: %v", err)
	}
	if !strings.Contains(g.logs.String(), "answers no pings") {
		t.Error("the log does not say why")
	}
}

func TestWebSocketPingsAreAnsweredBetweenPictures(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn := g.open(t, "/ws/cam1")
	pongs := make(chan string, 10)
	conn.SetPongHandler(func(s string) error { pongs <- s; return nil })
	if err := conn.WriteControl(websocket.PingMessage, []byte("hello"), time.Now().Add(testLimit)); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { _, _, err := conn.ReadMessage(); read <- err }()
	select {
	case s := <-pongs:
		if s != "hello" {
			t.Errorf("pong %q", s)
		}
	case err := <-read:
		t.Fatal(err)
	}
	cam.show(10, media.Live)
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestWebSocketClosesInOrderAtTheEnd(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn := g.open(t, "/ws/cam1")
	cam.show(1000, media.Live)
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.stop() }()
	if code, reason := closed(t, conn); code != websocket.CloseGoingAway || reason == "" {
		t.Errorf("%d %q", code, reason)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWebSocketGoodbyeIsAnswered(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn := g.open(t, "/ws/cam1")
	conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "bye"), time.Now().Add(testLimit))
	if code, _ := closed(t, conn); code != websocket.CloseNormalClosure {
		t.Errorf("answered with %d", code)
	}
	eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
}

func TestWebSocketThatIsNoneGetsASentence(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}
	for name, c := range map[string]struct {
		path   string
		header []string
		status int
		says   string
	}{
		"plain GET":        {"/ws/cam1", nil, 400, "/mjpeg/"},
		"old version":      {"/ws/cam1", append([]string{"Sec-WebSocket-Version: 8"}, upgrade[:2]...), 400, "WebSocket"},
		"unknown protocol": {"/ws/cam1?protocol=h264", upgrade, 400, "jpeg, jpeg-chunked or camgate, or cctvagent"},
		"unknown offered":  {"/ws/cam1", append([]string{"Sec-WebSocket-Protocol: h264"}, upgrade...), 400, "jpeg, jpeg-chunked or camgate"},
		"bad width":        {"/ws/cam1?width=abc", upgrade, 400, "from 1 to 8192"},
		"unknown camera":   {"/ws/nobody", upgrade, 404, "nobody"},
		"no camera":        {"/ws/", upgrade, 404, "no camera"},
	} {
		response, body := g.get(t, http.MethodGet, c.path, c.header...)
		if response.StatusCode != c.status || !strings.Contains(body, c.says) || strings.Count(body, "\n") != 1 {
			t.Errorf("%s: %d %q", name, response.StatusCode, body)
		}
	}
	if cam.watching() != 0 {
		t.Error("a viewer is left")
	}
}

func TestWebSocketClientThatVanishesMidHandshakeLeavesNothing(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn, _ := g.dial(t, "GET /ws/cam1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x81")
	conn.Close()
	io.Copy(io.Discard, conn)
	eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
}
