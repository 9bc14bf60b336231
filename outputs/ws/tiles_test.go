package ws

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/testleak"
)

// board is a source whose only camera shows what the test tells it to.
type board struct {
	mu      sync.Mutex
	picture *media.Picture
	changed chan struct{}
	open    int
	gone    bool // the camera is not served any more
}

func (b *board) show(sequence uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.picture = &media.Picture{JPEG: []byte("a picture"), Sequence: sequence, Received: time.Now(), State: media.Live}
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) Open(Wish) (Feed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	return &boardFeed{b: b}, nil
}

func (b *board) State(string) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return State{}
	}
	return State{Name: "live"}
}

type boardFeed struct {
	b    *board
	seen uint64
}

func (f *boardFeed) Next(ctx context.Context) (*media.Picture, error) {
	for {
		f.b.mu.Lock()
		p, changed := f.b.picture, f.b.changed
		f.b.mu.Unlock()
		if p != nil && p.Sequence > f.seen {
			f.seen = p.Sequence
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *boardFeed) Close() {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	f.b.open--
}

// newTiles is a connection's tiles without the connection.
func newTiles(t *testing.T, source Source) *tiles {
	nothingLeft := testleak.Watch(t)
	ctx, end := context.WithCancel(context.Background())
	tl := &tiles{source: source, ctx: ctx, open: make(map[uint16]*tile), wake: make(chan struct{}, 1), opens: openBurst, openedAt: time.Now()}
	t.Cleanup(func() {
		end()
		tl.feeds.Wait()
		nothingLeft()
	})
	return tl
}

// take is the next picture's tile and sequence, as they are sent.
func take(t *testing.T, tl *tiles) (tile uint16, sequence uint32) {
	t.Helper()
	timeout := time.NewTimer(10 * time.Second)
	defer timeout.Stop()
	for {
		bufs, err := tl.next(new(framer))
		if err != nil {
			t.Fatal(err)
		}
		if bufs != nil && bufs[0][0] == 0x80|websocket.BinaryMessage {
			header := bufs[0][2:] // a message of less than 126 bytes
			return binary.BigEndian.Uint16(header[2:]), binary.BigEndian.Uint32(header[4:])
		}
		if bufs != nil {
			continue
		}
		select {
		case <-tl.wake:
		case <-timeout.C:
			t.Fatal("no picture")
		}
	}
}

func TestPictureThatWaitsForTheLinkGivesWayToNewerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{changed: make(chan struct{})}
		tl := newTiles(t, b)
		tl.openTile(1, Wish{Camera: "cam1"})
		b.show(1)
		const last, every = 60, 20 * time.Millisecond
		for n := uint64(2); n <= last; n++ { // others are being sent, for more than a second
			time.Sleep(every)
			b.show(n)
		}
		if _, n := take(t, tl); n < last-uint32((refreshAfter+refreshWithin)/every)-1 {
			t.Errorf("picture %d is sent when %d is the newest", n, last)
		}
	})
}

// On a slow link a tile changes its size while two pictures of the old one are on their way.
func TestAPictureThatWaitedForRoomIsNotSentAsThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{changed: make(chan struct{})}
		tl := newTiles(t, b)
		tl.openTile(1, Wish{Camera: "cam1"})
		for n := uint64(1); n <= maxUnacknowledged; n++ {
			b.show(n)
			take(t, tl)
		}
		tl.openTile(1, Wish{Camera: "cam1", FPS: 5})
		synctest.Wait() // picture 2 is there in the other size
		time.Sleep(20 * time.Second)
		time.AfterFunc(200*time.Millisecond, func() { b.show(3) }) // the camera's next
		if refused := tl.hear(websocket.TextMessage, []byte(`{"type":"ack","tile":1,"sequence":2}`)); refused != nil {
			t.Fatal(refused)
		}
		if _, n := take(t, tl); n != 3 {
			t.Errorf("picture %d is sent, which is 20 s old", n)
		}
		if refused := tl.hear(websocket.TextMessage, []byte(`{"type":"ack","tile":1,"sequence":3}`)); refused != nil {
			t.Fatal(refused)
		}
		// One of a camera that brings no other is better than none.
		b.show(4)
		take(t, tl)
		tl.openTile(1, Wish{Camera: "cam1"})
		synctest.Wait()
		time.Sleep(20 * time.Second)
		if refused := tl.hear(websocket.TextMessage, []byte(`{"type":"ack","tile":1,"sequence":4}`)); refused != nil {
			t.Fatal(refused)
		}
		if _, n := take(t, tl); n != 4 {
			t.Errorf("picture %d is sent in place of the only one", n)
		}
	})
}

// On a thin link a second picture waits behind the first, and arrives as much older.
func TestASlowLinkHasOnePictureOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{changed: make(chan struct{})}
		tl := newTiles(t, b)
		tl.openTile(1, Wish{Camera: "cam1"})
		sequence := uint64(0)
		send := func() {
			sequence++
			b.show(sequence)
			take(t, tl)
		}
		for _, took := range []struct {
			time     time.Duration
			onTheWay int
		}{{300 * time.Millisecond, 2}, {2 * slowAck, 1}, {2 * slowAck, 1}, {slowAck / 2, 2}} {
			send()
			time.Sleep(took.time)
			if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","tile":1,"sequence":%d}`, sequence)); refused != nil {
				t.Fatal(refused)
			}
			send()
			b.show(sequence + 1)
			synctest.Wait()
			bufs, err := tl.next(new(framer))
			if err != nil || (bufs != nil) != (took.onTheWay > 1) {
				t.Errorf("after %v for a picture, another follows the next: %v, error %v", took.time, bufs != nil, err)
			}
			sequence++
			if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","tile":1,"sequence":%d}`, sequence)); refused != nil {
				t.Fatal(refused)
			}
			if bufs == nil {
				take(t, tl) // now there is room for it
				if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","tile":1,"sequence":%d}`, sequence)); refused != nil {
					t.Fatal(refused)
				}
			}
		}
	})
}

// elsewhere has a second camera that brings no picture.
type elsewhere struct{ *board }

func (e elsewhere) Open(w Wish) (Feed, error) {
	if w.Camera == "cam2" {
		return &boardFeed{b: &board{changed: make(chan struct{})}}, nil
	}
	return e.board.Open(w)
}

// A picture of the door must not stand under the name of the yard.
func TestATileShowsNothingOfTheCameraThatItHadBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{changed: make(chan struct{})}
		tl := newTiles(t, elsewhere{b})
		tl.openTile(1, Wish{Camera: "cam1"})
		b.show(1)
		take(t, tl)
		b.show(2)
		synctest.Wait() // it is there, and waits to be sent
		tl.openTile(1, Wish{Camera: "cam2"})
		b.show(3)
		synctest.Wait()
		if got := message(t, tl); !strings.Contains(got, `"camera":"cam2"`) {
			t.Errorf("the client is told %s", got)
		}
		if bufs, err := tl.next(new(framer)); bufs != nil || err != nil {
			t.Errorf("%d pieces are sent, error %v", len(bufs), err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.open != 0 {
			t.Errorf("%d viewers watch the camera that nobody sees", b.open)
		}
	})
}

// leaving is a source whose camera is not served any more once left is closed.
type leaving struct {
	*board
	left chan struct{}
}

type leavingFeed struct {
	Feed
	left chan struct{}
}

func (l leaving) Open(w Wish) (Feed, error) {
	select {
	case <-l.left:
		return nil, &Refusal{Status: 404, Sentence: "there is no such camera"}
	default:
	}
	f, err := l.board.Open(w)
	return leavingFeed{f, l.left}, err
}

func (f leavingFeed) Next(ctx context.Context) (*media.Picture, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-f.left:
			cancel()
		case <-stop:
		}
	}()
	p, err := f.Feed.Next(ctx)
	if err != nil {
		select {
		case <-f.left:
			err = errors.New("the camera is not served any more")
		default:
		}
	}
	return p, err
}

// A camera may have been configured anew: its tile waits for it, and not for ever.
func TestATileOfACameraThatIsGoneForGoodIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := leaving{&board{changed: make(chan struct{})}, make(chan struct{})}
		tl := newTiles(t, source)
		tl.openTile(1, Wish{Camera: "cam1"})
		source.show(1)
		take(t, tl)
		close(source.left)
		open := func() int { tl.mu.Lock(); defer tl.mu.Unlock(); return len(tl.open) }
		time.Sleep(reopenFor - time.Second)
		synctest.Wait()
		if open() != 1 {
			t.Error("the tile is closed at once")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if open() != 0 {
			t.Error("the tile waits for ever")
		}
		if got := message(t, tl); !strings.Contains(got, `"status":404`) {
			t.Errorf("the client is told %s", got)
		}
	})
}

// boards is a source of several cameras.
type boards map[string]*board

func (b boards) Open(w Wish) (Feed, error) { return b[w.Camera].Open(w) }
func (b boards) State(camera string) State { return b[camera].State(camera) }

// What was sent of the camera before is not waited for: the client may not acknowledge it any more.
func TestATileThatChangesItsCameraHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := boards{"cam1": {changed: make(chan struct{})}, "cam2": {changed: make(chan struct{})}}
		tl := newTiles(t, source)
		tl.openTile(1, Wish{Camera: "cam1"})
		for n := uint64(1); n <= maxUnacknowledged; n++ {
			source["cam1"].show(n)
			take(t, tl)
		}
		tl.openTile(1, Wish{Camera: "cam2"})
		for n := uint64(7); n < 7+maxUnacknowledged; n++ {
			source["cam2"].show(n)
			if _, sequence := take(t, tl); sequence != uint32(n) {
				t.Errorf("picture %d is sent, not %d", sequence, n)
			}
		}
	})
}

// watching is how many viewers the camera has.
func (b *board) watching() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// Somebody draws a tile larger: what was asked for on the way does not come, and costs nothing.
func TestATileThatIsOpenedOverAndOverIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := boards{"cam1": {changed: make(chan struct{})}, "cam2": {changed: make(chan struct{})}, "cam3": {changed: make(chan struct{})}}
		tl := newTiles(t, source)
		for _, name := range []string{"cam1", "cam2", "cam3"} {
			tl.openTile(1, Wish{Camera: name})
			synctest.Wait()
		}
		source["cam3"].show(3)
		source["cam1"].show(1)
		source["cam2"].show(2)
		if _, n := take(t, tl); n != 3 {
			t.Errorf("picture %d is sent", n)
		}
		synctest.Wait()
		if n := source["cam1"].watching() + source["cam2"].watching(); n != 0 {
			t.Errorf("%d viewers watch what nobody sees", n)
		}
		if refused := tl.hear(websocket.TextMessage, []byte(`{"type":"close","tile":1}`)); refused != nil {
			t.Fatal(refused)
		}
		synctest.Wait()
		if n := source["cam3"].watching(); n != 0 {
			t.Errorf("%d viewers watch for a tile that is closed", n)
		}
	})
}

func TestATileThatIsClosedCostsNoOtherItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{changed: make(chan struct{})}
		tl := newTiles(t, b)
		for number := range uint16(4) {
			tl.openTile(number, Wish{Camera: "cam1"})
		}
		b.show(1)
		synctest.Wait() // all have it
		for want := range uint16(2) {
			if number, _ := take(t, tl); number != want {
				t.Fatalf("tile %d comes, not %d", number, want)
			}
		}
		if refused := tl.hear(websocket.TextMessage, []byte(`{"type":"close","tile":0}`)); refused != nil {
			t.Fatal(refused)
		}
		if number, _ := take(t, tl); number != 2 {
			t.Errorf("tile %d comes, whose turn it is not", number)
		}
	})
}

func TestATileThatAlwaysHasANewPictureDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{changed: make(chan struct{})}
		tl := newTiles(t, b)
		tl.openTile(0, Wish{Camera: "cam1"})
		tl.openTile(1, Wish{Camera: "cam1"})
		for n := range uint16(10) {
			b.show(uint64(n) + 1)
			synctest.Wait() // both have it: a picture is sent, and there is the next
			number, sequence := take(t, tl)
			if number != n%2 {
				t.Fatalf("picture %d is that of tile %d", n, number)
			}
			if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","tile":%d,"sequence":%d}`, number, sequence)); refused != nil {
				t.Fatal(refused)
			}
		}
	})
}

func TestATileThatIsOpenCanBeOpenedAnewWhereThereAreAsManyAsThereMayBe(t *testing.T) {
	tl := newTiles(t, &board{changed: make(chan struct{})})
	for number := range MaxTiles {
		if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"open","tile":%d,"camera":"cam1"}`, number)); refused != nil {
			t.Fatal(refused)
		}
	}
	if refused := tl.hear(websocket.TextMessage, []byte(`{"type":"open","tile":3,"camera":"cam1","width":320}`)); refused != nil {
		t.Errorf("another size of one that is open: %v", refused)
	}
	if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"open","tile":%d,"camera":"cam1"}`, MaxTiles)); refused == nil {
		t.Error("there may be one more")
	}
}

func TestTilesTakeTurns(t *testing.T) {
	b := &board{changed: make(chan struct{})}
	tl := newTiles(t, b)
	for number := range uint16(4) {
		tl.openTile(number, Wish{Camera: "cam1"})
	}
	for round := uint64(1); round <= 20; round++ {
		b.show(round)
		had := map[uint16]bool{}
		for range 4 {
			number, sequence := take(t, tl)
			if had[number] || sequence != uint32(round) {
				t.Fatalf("round %d: tile %d gets picture %d, after %v", round, number, sequence, had)
			}
			had[number] = true
			if refused := tl.hear(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","tile":%d,"sequence":%d}`, number, sequence)); refused != nil {
				t.Fatal(refused)
			}
		}
	}
	tl.hear(websocket.TextMessage, []byte(`{"type":"close","tile":2}`))
	b.show(100)
	for range 3 {
		if number, _ := take(t, tl); number == 2 {
			t.Error("a closed tile gets a picture")
		}
	}
}

func TestATileOfACameraThatIsNotServedAnyMoreIsOffline(t *testing.T) {
	b := &board{changed: make(chan struct{})}
	tl := newTiles(t, b)
	tl.openTile(1, Wish{Camera: "cam1"})
	tl.feeds.Go(func() { tl.look(tl.ctx) })
	for _, want := range []string{`"state":"live"`, `"state":"offline","error":"the camera is not served any more"`, `"state":"live","error":""`} {
		if got := message(t, tl); !strings.Contains(got, want) {
			t.Fatalf("the client is told %s, want %s", got, want)
		}
		b.mu.Lock()
		b.gone = !b.gone
		b.mu.Unlock()
	}
}

func TestErrorsForAClientThatDoesNotReadAreNotKeptWithoutEnd(t *testing.T) {
	tl := newTiles(t, &board{changed: make(chan struct{})})
	for range 100 * openBurst {
		tl.openedAt = tl.openedAt.Add(-time.Second) // as often as is allowed, for hours
		if broken := tl.hear(websocket.TextMessage, []byte(`{"type":"open","tile":1,"camera":"cam1","fps":-1}`)); broken != nil {
			if broken.Code != websocket.ClosePolicyViolation {
				t.Errorf("%v", broken)
			}
			return
		}
	}
	t.Errorf("%d errors wait to be sent", len(tl.errors))
}

// full is a camera with no room for another size, whose old one ends too.
type full struct {
	*board
	sizes int // that were asked for
}

func (f *full) Open(w Wish) (Feed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone && w.Rendition.Width == 0 {
		return nil, &Refusal{Status: 404, Sentence: "there is no camera"}
	}
	if w.Rendition.Width > 0 {
		f.sizes++
		return nil, &Refusal{Status: 503, Sentence: "too many sizes"}
	}
	return &endingFeed{boardFeed{b: f.board}}, nil
}

// endingFeed ends with its camera.
type endingFeed struct{ boardFeed }

func (f *endingFeed) Next(ctx context.Context) (*media.Picture, error) {
	p, err := f.boardFeed.Next(ctx)
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	if f.b.gone {
		return nil, &Refusal{Status: 503, Sentence: "the camera has ended"}
	}
	return p, err
}

// What goes on with its old size is closed all the same once that ends.
func TestATileWhoseNewSizeWasRefusedEndsWithItsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &full{board: &board{changed: make(chan struct{})}}
		tl := newTiles(t, b)
		tl.openTile(1, Wish{Camera: "cam1"})
		b.show(1)
		take(t, tl)
		tl.openTile(1, Wish{Camera: "cam1", Rendition: media.Rendition{Width: 320}})
		for got := message(t, tl); ; got = message(t, tl) {
			if strings.Contains(got, `"state"`) {
				continue
			}
			if !strings.Contains(got, `"open":true`) {
				t.Errorf("the client is told %s", got)
			}
			break
		}
		b.show(2)
		if _, n := take(t, tl); n != 2 {
			t.Errorf("picture %d follows", n)
		}
		tl.hear(websocket.TextMessage, []byte(`{"type":"ack","tile":1,"sequence":2}`))
		synctest.Wait()
		b.mu.Lock()
		b.gone = true
		b.mu.Unlock()
		b.show(3)
		time.Sleep(time.Minute)
		synctest.Wait()
		tl.mu.Lock()
		defer tl.mu.Unlock()
		if len(tl.open) > 0 {
			t.Error("the tile shows nothing, and is not closed")
		}
	})
}

// message is the next text that is sent.
func message(t *testing.T, tl *tiles) string {
	t.Helper()
	timeout := time.NewTimer(10 * time.Second)
	defer timeout.Stop()
	for {
		bufs, err := tl.next(new(framer))
		if err != nil {
			t.Fatal(err)
		}
		if bufs != nil && bufs[0][0] == 0x80|websocket.TextMessage {
			return string(bufs[1])
		}
		if bufs != nil {
			continue
		}
		select {
		case <-tl.wake:
		case <-timeout.C:
			t.Fatal("no message")
		}
	}
}

func TestAcknowledgementsGoUpToTheirSequence(t *testing.T) {
	for _, c := range []struct {
		sent []uint32
		ack  uint32
		left []uint32
	}{
		{[]uint32{5, 9}, 5, []uint32{9}},
		{[]uint32{5, 9}, 9, nil},
		{[]uint32{5, 9}, 7, []uint32{9}},
		{[]uint32{5, 9}, 4, []uint32{5, 9}},
		{[]uint32{5, 9}, 10, nil},
		{[]uint32{1<<32 - 1, 0}, 0, nil},                 // wraps around
		{[]uint32{1<<32 - 1, 0}, 1<<32 - 1, []uint32{0}}, // the same
		{[]uint32{5000, 3}, 5000, []uint32{3}},           // the camera was configured anew
		{[]uint32{5000, 3}, 3, nil},
		{[]uint32{7, 7}, 7, nil}, // the same picture in two sizes
		{nil, 7, nil},
	} {
		one := &tile{}
		for _, sequence := range c.sent {
			one.sent = append(one.sent, onItsWay{sequence: sequence})
		}
		one.acknowledge(c.ack)
		if len(one.sent) != len(c.left) || len(c.left) > 0 && one.sent[0].sequence != c.left[0] {
			t.Errorf("of %v, %d leaves %v, want %v", c.sent, c.ack, one.sent, c.left)
		}
	}
}

func TestFramingATileAllocatesAndCopiesNothing(t *testing.T) {
	picture := &media.Picture{JPEG: make([]byte, 300_000), Received: time.Now()}
	var f framer
	f.tile(1, picture)
	if n := testing.AllocsPerRun(100, func() { f.tile(1, picture) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if bufs := f.tile(1, picture); len(bufs) != 2 || &bufs[1][0] != &picture.JPEG[0] || len(bufs[0]) != 10+24 {
		t.Error("the JPEG was copied, or the header is not 34 bytes")
	}
}

func FuzzTileMessage(f *testing.F) {
	for _, message := range []string{
		`{"type":"open","tile":1,"camera":"cam1","width":640,"height":0,"quality":70,"fps":15}`,
		`{"type":"close","tile":1}`, `{"type":"ack","tile":1,"sequence":123}`, `{"type":`, `[]`, `null`, `{"tile":{}}`,
		`{"type":"open","tile":1,"camera":"cam1","fps":"x"}`, `{"type":"open","tile":1e3,"camera":""}`, strings.Repeat("[", 4096),
	} {
		f.Add(websocket.TextMessage, []byte(message))
	}
	f.Add(websocket.BinaryMessage, []byte{0, 1, 2})
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		if len(data) > maxClientMessage {
			return
		}
		m, refusal, broken := readMessage(kind, data)
		switch {
		case broken != nil:
			if broken.Code != websocket.CloseUnsupportedData && broken.Code != websocket.ClosePolicyViolation || broken.Text == "" || len(broken.Text) > 123 {
				t.Errorf("%d %q", broken.Code, broken.Text)
			}
			return
		case *m.Tile < 0 || *m.Tile > maxTile:
			t.Errorf("tile %d", *m.Tile)
		case refusal != nil:
			if m.Type != "open" || refusal.Status != 400 || refusal.Sentence == "" || len(refusal.Sentence) > 300 || bytes.ContainsAny([]byte(refusal.Sentence), "\x00\n") {
				t.Errorf("%+v %+v", m, refusal)
			}
		case m.Type == "open":
			if r := m.wish().Rendition; r.Width < 0 || r.Width > 8192 || r.Height < 0 || r.Height > 8192 || r.Quality < 0 || r.Quality > 100 || m.FPS < 0 || m.FPS > 60 || m.Camera == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}
