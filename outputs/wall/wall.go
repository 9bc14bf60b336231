package wall

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"camgate/media"
)

const (
	// firstGrace is how long a picture waits for the tiles where the wall has none yet, or
	// has not been watched for as long: as long as a connected camera takes to decode from
	// its key frame on.
	firstGrace = 500 * time.Millisecond

	// grace is how long a picture waits for the other tiles when one is there: a frame of
	// a camera of 25 a second. A tile that comes later is in the next picture, so slow walls
	// wait a quarter of their period, up to longGrace: it would be old then.
	grace     = 40 * time.Millisecond
	longGrace = time.Second

	// reopenEvery is how often a camera that cannot be watched is tried again: it may have
	// been configured anew, or have a rendition free.
	reopenEvery = 2 * time.Second
)

// A wall is put together while somebody watches it: a goroutine a camera, which fetches
// its newest picture when the wall is about to be put together, and one that does that.
type wall struct {
	set     *Set
	shape   shape
	viewers int // guarded by the set's mutex

	artist   *artist
	stitcher *stitcher
	cells    []*cell
	row      [][]byte // segments of the picture that is being made; reused
	period   time.Duration

	stop    context.CancelFunc
	running sync.WaitGroup
	demand  chan struct{} // of one element: somebody waits
	news    chan struct{} // of one element: a cell has something new

	mu      sync.Mutex
	waiting int // viewers, since the last picture
	behind  int // of them, those who have not had that picture, but not seen it in time
	picture *media.Picture
	made    time.Time     // when picture was
	changed chan struct{} // closed when picture is replaced

	// Of the picture that is being made.
	awaited int  // cells that are
	overdue bool // it has waited long enough: the next answer will do
}

// A cell is one tile's place.
type cell struct {
	name string
	ask  chan struct{} // of one element: the newest picture is wanted

	// Guarded by the wall's mutex.
	asked   bool // and not answered so far
	awaited bool // the picture that is being made waits for the answer
	fresh   bool // what is below has changed
	picture *media.Picture
	problem string // why there is no picture; "": none

	// What of them is in the wall's picture; guarded, too.
	published        *media.Picture
	publishedProblem string

	// Of the goroutine that puts the wall together.
	taken       *media.Picture // the cell's picture, when it was looked at last
	takenWith   string         // the cell's problem then
	shown       *media.Picture // the same, if it can be shown
	tile        segments       // of taken
	unfit       string         // why taken cannot be shown; "": it can
	notice      [][]byte       // in the place of a picture
	noticeText  string
	label       []byte
	left, right string // of label
}

// begin starts a wall.
func begin(set *Set, s shape, cameras []string) (*wall, error) {
	a, err := newArtist(s.tileWidth, s.quality)
	if err != nil {
		return nil, err
	}
	w := &wall{
		set: set, shape: s, artist: a,
		stitcher: newStitcher(&a.tables, s.width(), s.height(), s.tileWidth),
		period:   time.Duration(float64(time.Second) / s.fps),
		demand:   make(chan struct{}, 1), news: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	for _, name := range cameras {
		c := &cell{name: name, ask: make(chan struct{}, 1)}
		w.cells = append(w.cells, c)
		if name != "" {
			w.running.Go(func() { w.fetch(ctx, c) })
		}
	}
	w.running.Go(func() { w.run(ctx) })
	return w, nil
}

// end stops the wall and waits for what it started.
func (w *wall) end() {
	w.stop()
	w.running.Wait()
}

// fetch answers the wall's wish for the camera's newest picture, until ctx ends.
func (w *wall) fetch(ctx context.Context, c *cell) {
	var reopened time.Time
	for {
		shown, err := w.fetchFrom(ctx, c)
		if ctx.Err() != nil {
			return
		}
		if shown && time.Since(reopened) >= reopenEvery {
			// It may have been configured anew: its successor is there before it ends.
			reopened = time.Now()
			signal(c.ask) // nobody has answered
			continue
		}
		w.answer(c, nil, problem(err))
		again := time.NewTimer(reopenEvery)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// fetchFrom watches the camera once. shown says that it has brought pictures before the
// error, which is never nil.
func (w *wall) fetchFrom(ctx context.Context, c *cell) (shown bool, err error) {
	viewer, err := w.set.cameras.Watch(c.name, w.shape.rendition(), w.shape.tileFPS())
	if err != nil {
		return false, err
	}
	defer viewer.Close()
	for {
		select {
		case <-c.ask:
		case <-ctx.Done():
			return shown, ctx.Err()
		}
		p, err := viewer.Next(ctx)
		if err != nil {
			return shown, err
		}
		shown = true
		w.answer(c, p, "")
	}
}

// problem is what a tile says of an error.
func problem(err error) string {
	if errors.Is(err, ErrNoCamera) {
		return "there is no such camera"
	}
	return err.Error()
}

func (w *wall) answer(c *cell, p *media.Picture, problem string) {
	w.mu.Lock()
	c.asked = false
	if c.awaited {
		c.awaited = false
		w.awaited--
	}
	if problem != c.problem || p != nil {
		c.fresh = true
		c.problem, c.picture = problem, p
	}
	wake := w.awaited == 0 || w.overdue
	w.mu.Unlock()
	if wake {
		signal(w.news)
	}
}

// run puts the wall together whenever somebody waits for it, at most at its rate.
func (w *wall) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var due time.Time
	for {
		if !w.awaitDemand(ctx) {
			return
		}
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		patience := min(max(grace, w.period/4), w.period, longGrace)
		if time.Since(due) > firstGrace {
			patience = max(patience, firstGrace)
		}
		asked := time.Now()
		if !w.collect(ctx, timer, patience) {
			return
		}
		picture, err := w.compose(time.Now())
		if err != nil {
			w.set.log.Error("a wall cannot be put together", "wall", w.shape.cameras, "error", err)
		} else {
			w.publish(picture)
		}
		// The rate holds on average; a picture that was late makes the next one later. Tiles
		// that were asked sooner than they may be taken again would be late each time.
		due = due.Add(w.period)
		for _, least := range []time.Time{time.Now().Add(w.period / 2), asked.Add(w.shape.tilePeriod())} {
			if due.Before(least) {
				due = least
			}
		}
	}
}

// awaitDemand waits until a viewer waits; false: ctx has ended.
func (w *wall) awaitDemand(ctx context.Context) bool {
	for {
		w.mu.Lock()
		waiting := w.waiting > 0
		w.mu.Unlock()
		if waiting {
			return true
		}
		select {
		case <-w.demand:
		case <-ctx.Done():
			return false
		}
	}
}

// collect asks all cameras for their newest picture, and waits until there is something
// to show and all have answered, or patience is over. What there is to show may be ages,
// in labels, or a wall on which nothing has moved, for a viewer who has not seen it.
// false: ctx has ended.
func (w *wall) collect(ctx context.Context, timer *time.Timer, patience time.Duration) bool {
	w.mu.Lock()
	w.awaited, w.overdue = 0, false
	for _, c := range w.cells {
		c.awaited = false // who was asked for the picture before is not waited for again
		if c.name != "" && !c.asked {
			c.asked = true
			signal(c.ask)
			// A camera that is away says so once a second: that is not waited for, unless the
			// next picture is far.
			if c.problem == "" && (c.picture == nil || c.picture.State == media.Live || w.period > longGrace) {
				c.awaited = true
				w.awaited++
			}
		}
	}
	w.mu.Unlock()
	timer.Reset(patience)
	for waited := false; ; {
		if w.ready(waited) {
			return true
		}
		select {
		case <-w.news:
		case <-w.demand: // somebody may be behind
		case <-timer.C:
			if waited { // a second in which nothing has changed but the ages
				return true
			}
			waited = true
			if w.shape.labelAges {
				timer.Reset(time.Second)
			}
		case <-ctx.Done():
			return false
		}
	}
}

// ready says whether there is anything to show that was not shown, and nothing to wait
// for, or no time.
func (w *wall) ready(overdue bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.overdue = overdue
	if w.awaited > 0 && !overdue {
		return false
	}
	fresh := w.picture == nil || w.behind > 0
	for _, c := range w.cells {
		fresh = fresh || c.fresh
	}
	return fresh
}

// compose makes the picture of what the cells have.
func (w *wall) compose(now time.Time) (*media.Picture, error) {
	p := &media.Picture{Width: w.shape.width(), Height: w.shape.height()}
	live, away := 0, 0
	for _, c := range w.cells {
		if c.name == "" {
			continue
		}
		if err := w.prepare(c, now); err != nil {
			return nil, err
		}
		if c.shown != nil && c.shown.State == media.Live {
			live++
		} else {
			away++
		}
		if c.shown != nil && !c.shown.NoCamera && c.shown.Received.After(p.Received) {
			p.Received = c.shown.Received
		}
	}
	if p.Received.IsZero() {
		p.Received = now
	}
	switch {
	case away == 0:
		p.State = media.Live
	case live > 0:
		p.State = media.Stale
	}
	p.JPEG = w.stitcher.stitch(w.segments())
	return p, nil
}

// prepare makes what a cell shows of what it has.
func (w *wall) prepare(c *cell, now time.Time) error {
	w.mu.Lock()
	picture, problem := c.picture, c.problem
	c.fresh = false
	w.mu.Unlock()
	if picture != nil && picture != c.taken {
		c.unfit = w.cut(c, picture)
	}
	c.taken, c.shown, c.takenWith = picture, picture, problem
	if picture != nil && c.unfit != "" {
		c.shown, problem = nil, c.unfit
	}
	if c.shown != nil {
		c.notice, c.noticeText = nil, ""
		return w.prepareLabel(c, now)
	}
	if problem == "" {
		problem = "connecting"
	}
	if problem != c.noticeText {
		rows, err := w.artist.notice(w.shape.tileHeight, c.name, problem)
		if err != nil {
			return err
		}
		c.notice, c.noticeText = rows, problem
	}
	return w.prepareLabel(c, now)
}

// cut finds the rows of a cell's picture. It returns why they do not go into the wall,
// "" if they do.
func (w *wall) cut(c *cell, p *media.Picture) string {
	err := c.tile.parse(p.JPEG)
	if err == nil && (c.tile.width != w.shape.tileWidth || c.tile.height != w.shape.tileHeight || c.tile.tables != w.artist.tables) {
		err = unfit("it is %d × %d, and the wall's tiles are %d × %d, or its tables are others", c.tile.width, c.tile.height, w.shape.tileWidth, w.shape.tileHeight)
	}
	if err == nil {
		return ""
	}
	if c.unfit == "" {
		w.set.log.Warn("a camera's picture does not fit into a wall", "camera", c.name, "error", err)
	}
	return err.Error()
}

// segments are the wall's, row by row, until the next call.
func (w *wall) segments() [][]byte {
	w.row = w.row[:0]
	for row := range w.shape.rows {
		cells := w.cells[row*w.shape.columns : min(len(w.cells), (row+1)*w.shape.columns)]
		for y := range w.shape.cellHeight() / mcu {
			for column := range w.shape.columns {
				segment := w.artist.black
				if column < len(cells) {
					segment = w.segment(cells[column], y)
				}
				w.row = append(w.row, segment)
			}
		}
	}
	return w.row
}

func (w *wall) prepareLabel(c *cell, now time.Time) error {
	if !w.shape.labelled() {
		return nil
	}
	var left, right string
	if w.shape.labelName {
		left = c.name
	}
	if w.shape.labelAges && c.shown != nil && !c.shown.NoCamera {
		right = age(now.Sub(c.shown.Received))
	}
	if c.label != nil && left == c.left && right == c.right {
		return nil
	}
	label, err := w.artist.label(left, right)
	if err != nil {
		return err
	}
	c.label, c.left, c.right = label, left, right
	return nil
}

// age is how a label says it: in whole numbers, so that it changes seldom.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// segment is a cell's row y of minimum coded units.
func (w *wall) segment(c *cell, y int) []byte {
	switch {
	case c.name == "":
		return w.artist.black
	case y == w.shape.tileHeight/mcu:
		return c.label
	case c.notice != nil:
		return c.notice[y]
	}
	return c.tile.rows[y]
}

func (w *wall) publish(p *media.Picture) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.Sequence = w.set.sequence.Add(1)
	w.picture, w.made = p, time.Now()
	for _, c := range w.cells {
		c.published, c.publishedProblem = c.taken, c.takenWith
	}
	w.waiting, w.behind = 0, 0
	close(w.changed)
	w.changed = make(chan struct{})
}

// settled says that p is the newest picture, and that no cell of it would say more if one
// waited a moment.
func (w *wall) settled(p *media.Picture, since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.picture != p {
		return false
	}
	for _, c := range w.cells {
		switch {
		case c.name == "", c.publishedProblem != "":
		case c.published == nil:
			return false
		case c.published.State == media.Live:
			if c.published.Received.Before(since) {
				return false
			}
		case !w.set.cameras.Away(c.name): // a camera is live before its first picture is here
			return false
		}
	}
	return true
}

// signal wakes whoever waits on a channel of one element.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
