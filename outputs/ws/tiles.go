package ws

import (
	"context"
	"encoding/json"
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

	// State is what is known of a camera now.
	State(camera string) State
}

// A State is what a client is told of a tile's camera. One without a name means that there
// is no such camera; a tile that shows it is then offline.
type State struct {
	Name   string // live, stale, offline or connecting
	Error  string // a sentence for the operator; "": nothing to say
	Partly bool   // stale, because some cameras of a wall are not live
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

	// slowAck is from when on a picture's acknowledgement is late: then one is on its way at
	// a time. The second would wait behind it, and be as much older when it arrives.
	slowAck = time.Second

	// openBurst and openRate bound the messages that open tiles: so many at once, and so
	// many a second.
	openBurst = 256
	openRate  = 64.0

	// refreshAfter is how old a picture may become while others are sent: after that a
	// newer one takes its place, if one comes within refreshWithin.
	refreshAfter  = 100 * time.Millisecond
	refreshWithin = 60 * time.Millisecond

	// refreshLong is refreshWithin for a picture that had to wait for room, which may have
	// taken as long as the link wants. A camera that is away brings one a second.
	refreshLong = 1200 * time.Millisecond

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
	sent  []onItsWay     // what is unacknowledged, the oldest first
	slow  bool           // the last that was acknowledged took long

	state State
	told  bool // the client knows it
}

// onItsWay is a picture that the client has not acknowledged.
type onItsWay struct {
	sequence uint32
	since    time.Time
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
	// A client may also read so little that the errors of what it opens pile up.
	if t.opens < 1 || len(t.errors) >= openBurst {
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("tiles are opened too often: %d at once and %v a second are allowed", openBurst, openRate)}
	}
	t.opens--
	if t.open[number] == nil && len(t.open) >= MaxTiles {
		return &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: fmt.Sprintf("at most %d tiles may be open on one connection", MaxTiles)}
	}
	t.known[number/64] |= 1 << (number % 64)
	return nil
}

// openTile opens a tile, or has it show its camera otherwise as soon as there is a picture.
// Of another camera that it showed before nothing follows: the client could not tell.
func (t *tiles) openTile(number uint16, w Wish) {
	state := t.source.State(w.Camera)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[number/64] |= 1 << (number % 64)
	one := t.open[number]
	if one == nil {
		one = &tile{number: number}
		t.open[number] = one
		t.order = append(t.order, one)
	}
	if old := one.current; old != nil && old.wish.Camera != w.Camera {
		old.end()
		one.current, one.ready, one.sent = nil, nil, one.sent[:0] // the client may not care for those any more
	}
	one.wish, one.state, one.told = w, state, state.Name == ""
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
	for n > 0 && one.sent[n-1].sequence != sequence {
		n--
	}
	if n == 0 {
		// None that was sent, but perhaps between two: sequences wrap around.
		for n < len(one.sent) && int32(sequence-one.sent[n].sequence) > 0 {
			n++
		}
	}
	if n > 0 {
		one.slow = time.Since(one.sent[n-1].since) > slowAck
	}
	one.sent = append(one.sent[:0], one.sent[n:]...)
	for _, f := range []*feed{one.current, one.coming} {
		if f != nil {
			signal(f.room)
		}
	}
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
			state := t.source.State(camera)
			served := state.Name != ""
			if !served {
				state = State{Name: "offline", Error: "the camera is not served any more"}
			}
			t.mu.Lock()
			if (served || one.state.Name != "") && camera == one.wish.Camera && state != one.state {
				one.state, one.told = state, false
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
			message = stateMessage{Type: "state", Tile: one.number, Camera: one.wish.Camera, State: one.state.Name, Error: one.state.Error, Partly: one.state.Partly}
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
		one.sent = append(one.sent, onItsWay{uint32(p.Sequence), time.Now()})
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
