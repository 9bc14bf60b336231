package httpd

import (
	"bufio"
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"testing"

	"github.com/gorilla/websocket"

	"camgate/media"
)

// configuredAnew puts another camera of the same name in a camera's place, as a reload does.
func configuredAnew(list []*fakeCamera) (after *fakeCamera) {
	before := list[0]
	after = newFake(before.name)
	list[0] = after
	before.close()
	return after
}

func TestStreamsGoOnWhenTheirCameraIsConfiguredAnew(t *testing.T) {
	for path, want := range map[string]media.Rendition{
		"/mjpeg/cam1?width=320":                  {Width: 320},
		"/live/CAM1":                             {Quality: 70},
		"/cgi-bin/nph-zms?monitor=cam1&scale=50": {Width: 500}, // of 1000
	} {
		t.Run(path, func(t *testing.T) {
			before := newFake("cam1")
			list := []*fakeCamera{before}
			g := serve(t, Config{Legacy: allURLs}, list...)
			_, r := g.dial(t, request(path, "test"))
			head(t, r)
			before.show(100, media.Live)
			watched := func(c *fakeCamera) func() bool {
				return func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return c.watched[want] == 1 && c.viewers == 1
				}
			}
			eventually(t, "it is watched", testLimit, watched(before))
			for n := range 3 {
				after := configuredAnew(list)
				eventually(t, "its successor is watched", testLimit, watched(after))
				eventually(t, "no viewer of the old one is left", testLimit, func() bool { return before.watching() == 0 })
				expectIn(t, r, after.show(5000+n, media.Live).JPEG)
				before = after
			}
			before.close() // and nothing takes its place
			rest, err := io.ReadAll(r)
			if err != nil || !bytes.HasSuffix(rest, []byte("--\r\n")) {
				t.Fatalf("the end is %q, %v", rest[max(0, len(rest)-40):], err)
			}
			expectNotice(t, rest)
		})
	}
}

func TestSequencesGrowFromOneCameraToItsSuccessor(t *testing.T) {
	list := []*fakeCamera{newFake("cam1")}
	v, err := list[0].watch(wish{})
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{viewer: v, camera: list[0], find: func(string) served { return list[0] }, notices: new(notices)}
	defer f.Close()
	last := uint64(0)
	for range 3 {
		for n := range 3 {
			shown := list[0].show(100+n, media.Live)
			p, err := f.Next(t.Context())
			if err != nil || p.Sequence <= last || !bytes.Equal(p.JPEG, shown.JPEG) {
				t.Fatalf("after picture %d comes %+v, %v", last, p, err)
			}
			last = p.Sequence
		}
		configuredAnew(list)
	}
}

// expectNotice wants the last picture of a stream to be a drawn one, as large as those of
// the fake cameras.
func expectNotice(t *testing.T, stream []byte) {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(stream[max(0, bytes.LastIndex(stream, []byte("\xff\xd8"))):]))
	if err != nil || img.Bounds() != image.Rect(0, 0, 1000, 500) {
		t.Errorf("the last picture is none, or of another size: %v", err)
	}
}

func TestWebSocketGoesOnWhenItsCameraIsConfiguredAnew(t *testing.T) {
	before := newFake("cam1")
	list := []*fakeCamera{before}
	g := serve(t, Config{}, list...)
	conn := g.open(t, "/ws/cam1")
	eventually(t, "it is watched", testLimit, func() bool { return before.watching() == 1 })
	after := configuredAnew(list)
	shown := after.show(5000, media.Live)
	if _, got, err := conn.ReadMessage(); err != nil || !bytes.Equal(got, shown.JPEG) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	after.close() // and nothing takes its place
	_, got, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	expectNotice(t, got)
	if _, _, err = conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("after it comes %v", err)
	}
}

// expectIn reads until text has come.
func expectIn(t *testing.T, r *bufio.Reader, text []byte) {
	t.Helper()
	var got []byte
	for !bytes.HasSuffix(got, text) {
		b, err := r.ReadByte()
		if err != nil {
			t.Fatalf("%v behind %.200q", err, got)
		}
		got = append(got, b)
	}
}

func TestCctvAgentsPagesGoOnWhenTheirCameraIsConfiguredAnew(t *testing.T) {
	before := newFake("cam1")
	list := []*fakeCamera{before}
	_, at := agentSite(t, Config{}, list...)
	p := openPage(t, at, "")
	p.say(`{"act":"open","url":"cam1","resolution":[640,360]}`)
	eventually(t, "it is watched", testLimit, func() bool { return before.watching() == 1 })
	shown := before.show(100, media.Live)
	if got := p.picture(); !bytes.Equal(got, shown.JPEG) {
		t.Fatalf("another picture, of %d bytes", len(got))
	}
	after := configuredAnew(list)
	shown = after.show(5000, media.Live)
	if got := p.picture(); !bytes.Equal(got, shown.JPEG) {
		t.Fatalf("behind it comes one of %d bytes", len(got))
	}
	p.say(`{"act":"resize","resolution":[320,180]}`)
	eventually(t, "the other size is watched alone", testLimit, func() bool {
		after.mu.Lock()
		defer after.mu.Unlock()
		return len(after.watched) == 1 && after.watched[media.Rendition{Width: 320, Height: 180, Exact: true}] == 1
	})
	shown = after.show(6000, media.Live)
	for !bytes.Equal(p.picture(), shown.JPEG) { // one of the size before may have been on its way
	}
	after.close() // and nothing takes its place
	expectNotice(t, p.picture())
	if closed := p.closed(); closed.Code != websocket.CloseGoingAway {
		t.Errorf("after it comes %v", closed)
	}
}
