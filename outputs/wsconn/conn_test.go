package wsconn

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"camgate/outputs/viewerconn"
	"camgate/testleak"
)

// patient is how long a test waits for what must happen. Nobody promises that it takes less:
// it ends tests that hang.
const patient = 30 * time.Second

// A host has one connection after the other, shown and heard as the test says.
type host struct {
	options Options
	show    func(context.Context, *Conn) error // nil: nothing, until its context ends
	hear    func(int, []byte) *websocket.CloseError
	ctx     context.Context
	ended   chan error // Accept's error, or Run's

	server *httptest.Server
}

// start serves until the test ends; then nothing of it may be left.
func (h *host) start(t *testing.T) *host {
	t.Helper()
	nothingLeft := testleak.Watch(t)
	h.ended = make(chan error, 8)
	if h.ctx == nil {
		h.ctx = t.Context()
	}
	if h.options.MaxMessage == 0 {
		h.options.MaxMessage = 64
	}
	h.server = httptest.NewServer(h)
	t.Cleanup(func() {
		h.server.CloseClientConnections()
		h.server.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		nothingLeft()
	})
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := Accept(w, r, h.options)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		h.ended <- err
		return
	}
	h.ended <- c.Run(h.ctx, func(ctx context.Context) error {
		if h.show != nil {
			return h.show(ctx, c)
		}
		<-ctx.Done()
		return ctx.Err()
	}, func(kind int, data []byte) *websocket.CloseError {
		if h.hear == nil {
			return nil
		}
		return h.hear(kind, data)
	})
}

func (h *host) dial(t *testing.T, subprotocols ...string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patient}
	c, _, err := d.Dial("ws"+strings.TrimPrefix(h.server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *host) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-h.ended:
		return err
	case <-time.After(patient):
		t.Fatal("the connection does not end")
		return nil
	}
}

// farewell is the closing frame that the viewer gets.
func farewell(t *testing.T, c *websocket.Conn) *websocket.CloseError {
	t.Helper()
	for {
		_, _, err := c.ReadMessage()
		if closed := new(websocket.CloseError); errors.As(err, &closed) {
			return closed
		}
		if err != nil {
			t.Fatalf("no closing frame: %v", err)
		}
	}
}

func TestWhatIsNoWebSocketRequestIsLeftToTheCaller(t *testing.T) {
	h := (&host{}).start(t)
	upgrade := map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
	for name, change := range map[string]func(*http.Request){
		"a plain GET":     func(r *http.Request) { r.Header = http.Header{} },
		"a POST":          func(r *http.Request) { r.Method = http.MethodPost },
		"another version": func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") },
		"no key":          func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") },
		"a short key":     func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "AAAA") },
	} {
		r, err := http.NewRequest(http.MethodGet, h.server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range upgrade {
			r.Header.Set(key, value)
		}
		change(r)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusTeapot {
			t.Errorf("%s: the answer is %d, not the caller's", name, answer.StatusCode)
		}
		if err := h.end(t); !errors.Is(err, ErrNotWebSocket) {
			t.Errorf("%s: %v, want ErrNotWebSocket", name, err)
		}
	}
}

func TestTheSubprotocolIsEchoedWhereItWasOffered(t *testing.T) {
	h := (&host{options: Options{Subprotocol: "camgate"}}).start(t)
	for _, offered := range [][]string{nil, {"other"}, {"other", "camgate"}} {
		c := h.dial(t, offered...)
		want := ""
		if len(offered) == 2 {
			want = "camgate"
		}
		if got := c.Subprotocol(); got != want {
			t.Errorf("of %v it speaks %q", offered, got)
		}
		c.Close()
		if err := h.end(t); !errors.Is(err, viewerconn.ErrGone) {
			t.Errorf("who hangs up: %v, want ErrGone", err)
		}
	}
}

func TestAViewerThatAnswersNoPingsIsClosed(t *testing.T) {
	for name, o := range map[string]Options{
		"pings come often": {PingEvery: 20 * time.Millisecond, PongTimeout: 100 * time.Millisecond},
		"pings are rare":   {PingEvery: 100 * time.Millisecond, PongTimeout: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			h := (&host{options: o}).start(t)
			c := h.dial(t)
			pinged := make(chan struct{}, 1)
			c.SetPingHandler(func(string) error { // and says nothing
				select {
				case pinged <- struct{}{}:
				default:
				}
				return nil
			})
			read := make(chan struct{})
			go func() { defer close(read); c.ReadMessage() }() //nolint:errcheck // it ends with the connection
			if err := h.end(t); !errors.Is(err, ErrNoPong) {
				t.Errorf("it ended by %v, want ErrNoPong", err)
			}
			<-read // all that came, a ping too
			select {
			case <-pinged:
			default:
				t.Error("it was never pinged")
			}
		})
	}
}

func TestAViewerThatAnswersPingsStays(t *testing.T) {
	h := (&host{options: Options{PingEvery: 100 * time.Millisecond, PongTimeout: 5 * time.Second}}).start(t)
	c := h.dial(t)
	answered := make(chan struct{}, 64)
	c.SetPingHandler(func(text string) error {
		answered <- struct{}{}
		return c.WriteControl(websocket.PongMessage, []byte(text), time.Now().Add(patient))
	})
	go c.ReadMessage() //nolint:errcheck // it ends with the connection
	for range 5 {
		select {
		case <-answered:
		case err := <-h.ended:
			t.Fatalf("it ended by %v", err)
		case <-time.After(patient):
			t.Fatal("no ping comes")
		}
	}
}

func TestAPingIsAnsweredWithItsText(t *testing.T) {
	h := (&host{}).start(t)
	c := h.dial(t)
	pong := make(chan string, 1)
	c.SetPongHandler(func(text string) error {
		pong <- text
		return nil
	})
	go c.ReadMessage() //nolint:errcheck // it ends with the connection
	if err := c.WriteControl(websocket.PingMessage, []byte("here?"), time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-pong:
		if text != "here?" {
			t.Errorf("the pong says %q", text)
		}
	case <-time.After(patient):
		t.Fatal("no pong comes")
	}
}

func TestMessagesAreHeardInTurn(t *testing.T) {
	heard := make(chan string, 8)
	h := (&host{hear: func(_ int, data []byte) *websocket.CloseError {
		heard <- string(data)
		return nil
	}}).start(t)
	c := h.dial(t)
	for _, text := range []string{"one", "two", strings.Repeat("x", 64)} {
		if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-heard:
			if got != text {
				t.Errorf("heard %q, want %q", got, text)
			}
		case <-time.After(patient):
			t.Fatal("nothing is heard")
		}
	}
}

func TestAMessageThatIsTooBigIsTheEnd(t *testing.T) {
	h := (&host{hear: func(int, []byte) *websocket.CloseError {
		t.Error("it was heard")
		return nil
	}}).start(t)
	c := h.dial(t)
	if err := c.WriteMessage(websocket.TextMessage, make([]byte, 65)); err != nil {
		t.Fatal(err)
	}
	if closed := farewell(t, c); closed.Code != websocket.CloseMessageTooBig || !strings.Contains(closed.Text, "64 bytes") {
		t.Errorf("the viewer is told %v", closed)
	}
	if closed := new(websocket.CloseError); !errors.As(h.end(t), &closed) || closed.Code != websocket.CloseMessageTooBig {
		t.Errorf("Run says %v", closed)
	}
}

func TestABrokenFrameIsTheEnd(t *testing.T) {
	h := (&host{}).start(t)
	c := h.dial(t)
	if _, err := c.NetConn().Write([]byte{0x81, 0x01, 'x'}); err != nil { // not masked (RFC 6455, 5.1)
		t.Fatal(err)
	}
	if closed := farewell(t, c); closed.Code != websocket.CloseProtocolError || closed.Text == "" {
		t.Errorf("the viewer is told %v", closed)
	}
	h.end(t) //nolint:errcheck // it has been told
}

func TestAReasonThatIsTooLongIsCutBetweenCharacters(t *testing.T) {
	for _, text := range []string{strings.Repeat("é", 80), strings.Repeat("x", 122) + "→ there", "a\xff\xfeb", strings.Repeat("x", 200), "short"} {
		h := (&host{hear: func(int, []byte) *websocket.CloseError {
			return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: text}
		}}).start(t)
		c := h.dial(t)
		if err := c.WriteMessage(websocket.TextMessage, []byte("?")); err != nil {
			t.Fatal(err)
		}
		closed := farewell(t, c)
		if closed.Code != websocket.ClosePolicyViolation || !utf8.ValidString(closed.Text) || len(closed.Text) > 123 || len(closed.Text) < 120 && len(closed.Text) < len(strings.ToValidUTF8(text, "?")) {
			t.Errorf("%q becomes %d %q", text, closed.Code, closed.Text)
		}
		c.Close()
		if err := h.end(t); !errors.As(err, new(*websocket.CloseError)) {
			t.Errorf("Run says %v", err)
		}
	}
}

func TestTheGatewaysEndIsTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	h := (&host{ctx: ctx, options: Options{LastWord: "the gateway is ending"}}).start(t)
	c := h.dial(t)
	stop()
	if closed := farewell(t, c); closed.Code != websocket.CloseGoingAway || closed.Text != "the gateway is ending" {
		t.Errorf("the viewer is told %v", closed)
	}
	if err := h.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("Run says %v", err)
	}
}

func TestAGoodbyeIsAnswered(t *testing.T) {
	h := (&host{}).start(t)
	c := h.dial(t)
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "enough")
	if err := c.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	if closed := farewell(t, c); closed.Code != websocket.CloseNormalClosure {
		t.Errorf("the answer is %v", closed)
	}
	if err := h.end(t); !errors.Is(err, viewerconn.ErrGone) {
		t.Errorf("Run says %v", err)
	}
}

func TestPicturesArriveWholeBetweenPings(t *testing.T) {
	picture := make([]byte, 300_000)
	for i := range picture {
		picture[i] = byte(i)
	}
	h := (&host{options: Options{PingEvery: time.Millisecond, PongTimeout: 20 * time.Second},
		show: func(ctx context.Context, c *Conn) error {
			for range 20 {
				header := AppendFrameHeader(nil, websocket.BinaryMessage, len(picture))
				if err := c.Send([][]byte{header, picture}); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return ctx.Err()
		}}).start(t)
	c := h.dial(t)
	for n := range 20 {
		kind, data, err := c.ReadMessage()
		if err != nil || kind != websocket.BinaryMessage || string(data) != string(picture) {
			t.Fatalf("picture %d: kind %d, %d bytes, %v", n, kind, len(data), err)
		}
	}
}

func TestAViewerThatTakesNothingDoesNotHoldUpTheEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	sending := make(chan struct{})
	h := (&host{ctx: ctx, show: func(ctx context.Context, c *Conn) error {
		close(sending)
		for {
			header := AppendFrameHeader(nil, websocket.BinaryMessage, 8<<20)
			if err := c.Send([][]byte{header, make([]byte, 8<<20)}); err != nil {
				return err
			}
		}
	}}).start(t)
	c := h.dial(t)
	if err := c.NetConn().(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	<-sending
	began := time.Now()
	stop()
	if err := h.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("Run says %v", err)
	}
	if took := time.Since(began); took > 10*time.Second { // two good-byes of 2 s at most
		t.Errorf("the end took %v", took)
	}
}
