package ws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/outputs/wsconn"
)

// A Source is the cameras that tiles show.
type Source interface {
	// Open registers a viewer, which must be closed. The error is a *Refusal.
	Open(Wish) (Feed, error)

	// State is what is known of a camera now: live, stale, offline or connecting, and a
	// sentence for the operator, or "". An empty state means that there is no such camera;
	// a tile that shows it is then offline.
	State(camera string) (state, problem string)
}

// A Feed is where the pictures of one tile come from. Next waits for one newer than the
// last, or until ctx or the camera ends.
type Feed interface {
	Viewer
	Close()
}

// Limits of tiles.
const (
	// MaxTiles is how many tiles a connection may have open.
	MaxTiles = 64

	// maxUnacknowledged is how many pictures of a tile may be on their way: one that
	// arrives while the other is drawn.
	maxUnacknowledged = 2

	// openBurst and openRate bound the messages that open tiles: so many at once, and so
	// many a second.
	openBurst = 256
	openRate  = 64.0

	// refreshAfter is how old a picture may become while others are sent: after that a
	// newer one takes its place, if one comes within refreshWithin.
	refreshAfter  = 100 * time.Millisecond
	refreshWithin = 60 * time.Millisecond

	// lookEvery is how often the cameras' states are looked at.
	lookEvery = 250 * time.Millisecond

	// A camera that was shown and is no longer served is tried again so often, for so
	// long: it may have been configured anew.
	reopenEvery = 250 * time.Millisecond
	reopenFor   = 5 * time.Second
)

// ServeTiles makes the request a WebSocket connection whose client opens tiles, until the
// client leaves or does something it should not (as Serve), or the request's context
// ends. first, if not nil, is opened as tile 0. Nothing that it started outlives the call.
//
// Pictures of a tile are taken when it has room for one, that is when fewer than two are
// unacknowledged, and the tiles that have one take turns. So a tile that is not
// acknowledged delays no other, and what is sent is the newest.
func ServeTiles(w http.ResponseWriter, r *http.Request, source Source, first *Wish, o Options) error {
	conn, err := wsconn.Accept(w, r, o.conn("the gateway is ending"))
	if err != nil {
		return err
	}
	t := &tiles{conn: conn, source: source, open: make(map[uint16]*tile), wake: make(chan struct{}, 1), opens: openBurst, openedAt: time.Now()}
	ctx, end := context.WithCancel(r.Context())
	t.ctx = ctx
	defer t.feeds.Wait()
	defer end()
	if first != nil {
		t.openTile(0, *first)
	}
	t.feeds.Go(func() { t.look(ctx) })
	return conn.Run(ctx, t.show, t.hear)
}

// tiles are a connection's.
type tiles struct {
	conn   *wsconn.Conn
	source Source
	ctx    context.Context // of all feeds
	feeds  sync.WaitGroup
	wake   chan struct{} // of one element: there is something to send

	mu       sync.Mutex
	open     map[uint16]*tile
	order    []*tile // of their turns
	turn     int     // whose is next
	known    [(maxTile + 1) / 64]uint64
	errors   []errorMessage // to be sent
	opens    float64        // how many more tiles may be opened now
	openedAt time.Time      // when opens was right
}

// A tile is one picture on the client's screen. The mutex of tiles guards it.
type tile struct {
	number  uint16
	wish    Wish // the last
	current *feed
	coming  *feed // takes current's place with its first picture; nil: none

	ready *media.Picture // of current, to be sent
	sent  []uint32       // sequences of what is unacknowledged, the oldest first

	state, problem string
	told           bool // the client knows them
}

// A feed brings pictures of one wish to a tile. It has a goroutine of its own.
type feed struct {
	tile  *tile
	wish  Wish
	end   context.CancelFunc
	taken chan struct{} // of one element: ready has been taken
	room  chan struct{} // of one element: something has been acknowledged
}

// hear takes a message of the client.
func (t *tiles) hear(kind int, data []byte) *websocket.CloseError {
	m, refusal, broken := readMessage(kind, data)
	if broken != nil {
		return broken
	}
	number := uint16(*m.Tile)
	if m.Type == "open" {
		if broken := t.mayOpen(number); broken != nil {
			return broken
		}
		if refusal == nil {
			t.openTile(number, m.wish())
			return nil
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refuse(number, refusal)
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.open[number]
	switch {
	case one == nil && t.known[number/64]&(1<<(number%64)) == 0:
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("tile %d has not been opened", number)}
	case one == nil: // it was closed while the message was on its way
	case m.Type == "close":
		t.closeTile(one)
	default:
		one.acknowledge(*m.Sequence)
	}
	return nil
}

// mayOpen says why a tile may not be opened, if the client opens too many.
func (t *tiles) mayOpen(number uint16) *websocket.CloseError {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.opens = min(openBurst, t.opens+now.Sub(t.openedAt).Seconds()*openRate)
	t.openedAt = now
	if t.opens < 1 {
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("tiles are opened too often: %d at once and %v a second are allowed", openBurst, openRate)}
	}
	t.opens--
	if t.open[number] == nil && len(t.open) >= MaxTiles {
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("at most %d tiles may be open on one connection", MaxTiles)}
	}
	t.known[number/64] |= 1 << (number % 64)
	return nil
}

// openTile opens a tile, or has it show something else as soon as that has a picture.
func (t *tiles) openTile(number uint16, w Wish) {
	state, problem := t.source.State(w.Camera)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[number/64] |= 1 << (number % 64)
	one := t.open[number]
	if one == nil {
		one = &tile{number: number}
		t.open[number] = one
		t.order = append(t.order, one)
	}
	one.wish, one.state, one.problem, one.told = w, state, problem, state == ""
	if one.coming != nil {
		one.coming.end()
	}
	ctx, end := context.WithCancel(t.ctx)
	f := &feed{tile: one, wish: w, end: end, taken: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	one.coming = f
	t.feeds.Go(func() {
		defer end()
		t.feed(ctx, f)
	})
	signal(t.wake)
}

// closeTile ends a tile; the caller holds mu.
func (t *tiles) closeTile(one *tile) {
	delete(t.open, one.number)
	for i, other := range t.order {
		if other == one {
			t.order = append(t.order[:i], t.order[i+1:]...)
			if t.turn > i {
				t.turn--
			}
			break
		}
	}
	for _, f := range []*feed{one.current, one.coming} {
		if f != nil {
			f.end()
		}
	}
	one.current, one.coming, one.ready = nil, nil, nil
}

// refuse closes a tile, if it is open, and tells the client why; the caller holds mu.
func (t *tiles) refuse(number uint16, r *Refusal) {
	if one := t.open[number]; one != nil {
		t.closeTile(one)
	}
	t.errors = append(t.errors, errorMessage{Type: "error", Tile: number, Error: r.Sentence, Status: r.Status})
	signal(t.wake)
}

// acknowledge notes that the client has a picture, and all that were sent before it.
func (one *tile) acknowledge(sequence uint32) {
	n := len(one.sent)
	for n > 0 && one.sent[n-1] != sequence {
		n--
	}
	if n == 0 {
		// None that was sent, but perhaps between two: sequences wrap around.
		for n < len(one.sent) && int32(sequence-one.sent[n]) > 0 {
			n++
		}
	}
	one.sent = append(one.sent[:0], one.sent[n:]...)
	for _, f := range []*feed{one.current, one.coming} {
		if f != nil {
			signal(f.room)
		}
	}
}

// feed brings pictures until ctx ends, which it does when the tile is closed or shows
// something else.
func (t *tiles) feed(ctx context.Context, f *feed) {
	var gone time.Time // when the camera was no longer served
	for {
		err := t.feedFrom(ctx, f)
		if ctx.Err() != nil {
			return
		}
		shown := t.isCurrent(f)
		refusal := new(Refusal)
		if !errors.As(err, &refusal) {
			refusal = &Refusal{Status: http.StatusServiceUnavailable, Sentence: err.Error()}
			gone = time.Now()
		}
		if !shown && gone.IsZero() || time.Since(gone) > reopenFor {
			t.refuseFeed(f, refusal)
			return
		}
		again := time.NewTimer(reopenEvery)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// refuseFeed is refuse, unless the tile has been opened anew meanwhile.
func (t *tiles) refuseFeed(f *feed, r *Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.tile.coming == f || f.tile.current == f && f.tile.coming == nil {
		t.refuse(f.tile.number, r)
	}
}

// feedFrom watches once. Its error is never nil.
func (t *tiles) feedFrom(ctx context.Context, f *feed) error {
	v, err := t.source.Open(f.wish)
	if err != nil {
		return err
	}
	defer v.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		// The first picture is what makes the feed the tile's, room or not.
		if t.isCurrent(f) {
			if err := t.awaitRoom(ctx, f); err != nil {
				return err
			}
		}
		p, err := v.Next(ctx)
		if err != nil {
			return err
		}
		got := time.Now()
		if err := t.promote(ctx, f); err != nil {
			return err
		}
		for {
			if err := t.awaitRoom(ctx, f); err != nil {
				return err
			}
			if time.Since(got) > refreshAfter {
				p, got = newer(ctx, v, p), time.Now()
			}
			if !t.offer(f, p) {
				return context.Canceled
			}
			timer.Reset(refreshAfter)
			select {
			case <-f.taken:
			case <-timer.C:
				if t.withdraw(f) {
					continue // for a newer one
				}
				<-f.taken
			case <-ctx.Done():
				return ctx.Err()
			}
			break
		}
	}
}

// newer is the viewer's next picture if it comes at once, else p.
func newer(ctx context.Context, v Viewer, p *media.Picture) *media.Picture {
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	if next, err := v.Next(ctx); err == nil {
		return next
	}
	return p
}

func (t *tiles) isCurrent(f *feed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.tile.current == f
}

// promote makes the feed that has its first picture the tile's.
func (t *tiles) promote(ctx context.Context, f *feed) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	one := f.tile
	if one.current == f {
		return nil
	}
	if before := one.current; before != nil {
		before.end()
		if before.wish.Camera != f.wish.Camera {
			one.sent = one.sent[:0] // the client may not care for those any more
		}
	}
	one.current, one.coming, one.ready = f, nil, nil
	return nil
}

// awaitRoom waits until another picture of the tile may be on its way.
func (t *tiles) awaitRoom(ctx context.Context, f *feed) error {
	for {
		t.mu.Lock()
		room := len(f.tile.sent) < maxUnacknowledged
		t.mu.Unlock()
		if room {
			return ctx.Err()
		}
		select {
		case <-f.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// offer leaves a picture to be sent; false: the feed is not the tile's any more.
func (t *tiles) offer(f *feed, p *media.Picture) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.tile.current != f {
		return false
	}
	f.tile.ready = p
	signal(t.wake)
	return true
}

// withdraw takes an offered picture back; false: it has been taken.
func (t *tiles) withdraw(f *feed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.tile.current != f || f.tile.ready == nil {
		return f.tile.current != f
	}
	f.tile.ready = nil
	return true
}

// look follows the cameras' states.
func (t *tiles) look(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var list []*tile
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		t.mu.Lock()
		list = append(list[:0], t.order...)
		t.mu.Unlock()
		for _, one := range list {
			t.mu.Lock()
			camera := one.wish.Camera
			t.mu.Unlock()
			state, problem := t.source.State(camera)
			served := state != ""
			if !served {
				state, problem = "offline", "the camera is not served any more"
			}
			t.mu.Lock()
			if (served || one.state != "") && camera == one.wish.Camera && (state != one.state || problem != one.problem) {
				one.state, one.problem, one.told = state, problem, false
				signal(t.wake)
			}
			t.mu.Unlock()
		}
	}
}

// show sends messages, and pictures of all tiles in turn. Its error is never nil.
func (t *tiles) show(ctx context.Context) error {
	var frames framer
	for {
		bufs, err := t.next(&frames)
		if err != nil {
			return err
		}
		if bufs == nil {
			select {
			case <-t.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		if err := t.conn.Send(bufs); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// next is what is to be sent now, nil for nothing: messages go before pictures.
func (t *tiles) next(frames *framer) ([][]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var message any
	if len(t.errors) > 0 {
		message = t.errors[0]
		t.errors = t.errors[1:]
	}
	for _, one := range t.order {
		if message == nil && !one.told {
			one.told = true
			message = stateMessage{Type: "state", Tile: one.number, Camera: one.wish.Camera, State: one.state, Error: one.problem}
		}
	}
	if message != nil {
		text, err := json.Marshal(message)
		if err != nil {
			return nil, err
		}
		return frames.text(text), nil
	}
	for i := range t.order {
		at := (t.turn + i) % len(t.order)
		one := t.order[at]
		p := one.ready
		if p == nil {
			continue
		}
		one.ready = nil
		one.sent = append(one.sent, uint32(p.Sequence))
		signal(one.current.taken)
		t.turn = at + 1
		return frames.tile(one.number, p), nil
	}
	return nil, nil
}

// signal wakes whoever waits on a channel of one element.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
