package wall

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"camgate/media"
	"camgate/outputs/params"
	"camgate/testleak"
)

// site is a set of fake cameras.
type site struct {
	mu         sync.Mutex
	cameras    map[string]*fake
	opened     int
	connecting map[string]bool
}

// fake shows what a test tells it to.
type fake struct {
	mu       sync.Mutex
	picture  *media.Picture
	changed  chan struct{}
	refuses  error // a viewer
	closed   bool
	viewers  int
	taken    int // pictures, by all viewers
	sequence uint64
}

func newSite(names ...string) *site {
	s := &site{cameras: map[string]*fake{}, connecting: map[string]bool{}}
	for _, n := range names {
		s.cameras[n] = &fake{changed: make(chan struct{})}
	}
	return s
}

func (s *site) Watch(name string, r media.Rendition, fps float64) (Tile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	f := s.cameras[name]
	if f == nil {
		return nil, ErrNoCamera
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuses != nil {
		return nil, f.refuses
	}
	f.viewers++
	return &fakeTile{f: f}, nil
}

func (s *site) Away(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.connecting[name]
}

var errGone = errors.New("the camera is gone")

type fakeTile struct {
	f    *fake
	seen uint64
}

func (t *fakeTile) Next(ctx context.Context) (*media.Picture, error) {
	for {
		t.f.mu.Lock()
		p, changed, closed := t.f.picture, t.f.changed, t.f.closed
		if p != nil && p.Sequence > t.seen && !closed {
			t.f.taken++
			t.f.mu.Unlock()
			t.seen = p.Sequence
			return p, nil
		}
		t.f.mu.Unlock()
		if closed {
			return nil, errGone
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *fakeTile) Close() {
	t.f.mu.Lock()
	defer t.f.mu.Unlock()
	t.f.viewers--
}

func (f *fake) update(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

// show is the next picture of the camera.
func (f *fake) show(data []byte, state media.State) {
	f.update(func() {
		f.sequence++
		f.picture = &media.Picture{JPEG: data, Sequence: f.sequence, Received: time.Now(), State: state}
	})
}

func (f *fake) watching() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.viewers
}

// tile is a picture for a wall whose tiles are 64 × 48.
func tile(t testing.TB, seed uint64) []byte {
	t.Helper()
	return cameraJPEG(t, scene(64, 48, seed), media.DefaultQuality)
}

// newTestSet is a set that must have ended with the test.
func newTestSet(t *testing.T, cameras Cameras) *Set {
	nothingLeft := testleak.Watch(t)
	t.Cleanup(nothingLeft)
	return NewSet(cameras, slog.New(slog.DiscardHandler))
}

func watch(t *testing.T, s *Set, l Layout) *Viewer {
	t.Helper()
	v, err := s.Watch(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// next is the next picture, which must come within 10 s.
func next(t *testing.T, v *Viewer) *media.Picture {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	p, err := v.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// until takes pictures until one is as wanted.
func until(t *testing.T, v *Viewer, what string, wanted func(*media.Picture, *image.YCbCr) bool) *media.Picture {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		p := next(t, v)
		if wanted(p, decode(t, p.JPEG)) {
			return p
		}
	}
	t.Fatal("no picture that is " + what)
	return nil
}

// shows says whether a part of the wall is a picture.
func shows(wall *image.YCbCr, data *image.YCbCr, at image.Point) bool {
	for y := range data.Rect.Dy() {
		for x := range data.Rect.Dx() {
			if wall.YCbCrAt(at.X+x, at.Y+y) != data.YCbCrAt(x, y) {
				return false
			}
		}
	}
	return true
}

// two by two, tiles of 64 × 48.
func small(names ...string) Layout { return Layout{Cameras: names, Columns: 2, Width: 130, FPS: 50} }

func TestWallFollowsItsCameras(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b", "c")
		set := newTestSet(t, s)
		v := watch(t, set, small("a", "b", "", "c"))
		tiles := [][]byte{tile(t, 0), tile(t, 1), tile(t, 2), tile(t, 3)}
		s.cameras["a"].show(tiles[0], media.Live)
		s.cameras["b"].show(tiles[1], media.Live)
		s.cameras["c"].show(tiles[2], media.Live)
		all := func(a int) func(p *media.Picture, wall *image.YCbCr) bool {
			return func(p *media.Picture, wall *image.YCbCr) bool {
				return wall.Rect.Size() == image.Pt(128, 96) && p.State == media.Live &&
					shows(wall, decode(t, tiles[a]), image.Pt(0, 0)) && shows(wall, decode(t, tiles[1]), image.Pt(64, 0)) &&
					shows(wall, decode(t, tiles[2]), image.Pt(64, 48)) && wall.YCbCrAt(20, 70).Y == 0
			}
		}
		first := until(t, v, "all three", all(0))
		time.Sleep(40 * time.Millisecond)
		s.cameras["a"].show(tiles[3], media.Live)
		second := until(t, v, "the next of a", all(3))
		if second.Sequence <= first.Sequence || !second.Received.After(first.Received) || second.Width != 128 || second.Height != 96 {
			t.Errorf("%+v after %+v", second, first)
		}
		s.cameras["b"].show(tiles[0], media.Offline)
		until(t, v, "stale where one camera is away", func(p *media.Picture, _ *image.YCbCr) bool { return p.State == media.Stale })
		s.cameras["a"].show(tiles[0], media.Stale)
		s.cameras["c"].show(tiles[0], media.Offline)
		until(t, v, "offline where no camera is live", func(p *media.Picture, _ *image.YCbCr) bool { return p.State == media.Offline })
	})
}

func TestWallIsNotMadeAnewWhereNothingHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		v := watch(t, newTestSet(t, s), Layout{Cameras: []string{"a"}, Width: 64, FPS: 50})
		s.cameras["a"].show(tile(t, 1), media.Live)
		until(t, v, "live", func(p *media.Picture, _ *image.YCbCr) bool { return p.State == media.Live })
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if p, err := v.Next(ctx); err == nil {
			t.Errorf("picture %d of nothing new", p.Sequence)
		}
		s.cameras["a"].show(tile(t, 2), media.Live)
		next(t, v)
	})
}

func TestEqualWallsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b")
		set := newTestSet(t, s)
		one, other := watch(t, set, small("a", "b")), watch(t, set, Layout{Name: "hall", Cameras: []string{"a", "b"}, Columns: 2, Width: 128, FPS: 50, Quality: 75})
		s.cameras["a"].show(tile(t, 1), media.Live)
		s.cameras["b"].show(tile(t, 2), media.Live)
		live := func(p *media.Picture, _ *image.YCbCr) bool { return p.State == media.Live }
		p, q := until(t, one, "live", live), until(t, other, "live", live)
		if p.Sequence == q.Sequence && &p.JPEG[0] != &q.JPEG[0] {
			t.Error("the same wall was made twice")
		}
		if n := s.cameras["a"].watching(); n != 1 {
			t.Errorf("camera a has %d viewers", n)
		}
		one.Close()
		s.cameras["a"].show(tile(t, 3), media.Live)
		next(t, other)
		other.Close()
		if n := s.cameras["a"].watching() + s.cameras["b"].watching(); n != 0 {
			t.Errorf("nobody watches the wall, and its cameras have %d viewers", n)
		}
		if _, err := other.Next(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed viewer gets %v", err)
		}
	})
}

func TestNothingIsFetchedForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		v := watch(t, newTestSet(t, s), Layout{Cameras: []string{"a"}, Width: 64, FPS: 60})
		a := s.cameras["a"]
		a.show(tile(t, 1), media.Live)
		until(t, v, "live", func(p *media.Picture, _ *image.YCbCr) bool { return p.State == media.Live })
		before := func() int { a.mu.Lock(); defer a.mu.Unlock(); return a.taken }()
		for i := range 20 { // the viewer is busy sending
			time.Sleep(40 * time.Millisecond)
			a.show(tile(t, uint64(i)), media.Live)
		}
		if after := func() int { a.mu.Lock(); defer a.mu.Unlock(); return a.taken }(); after > before+1 {
			t.Errorf("%d pictures were taken of the camera while nobody waited", after-before)
		}
	})
}

func TestTroubleStaysInItsTile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("good", "full", "odd", "going")
		set := newTestSet(t, s)
		s.cameras["full"].refuses = errors.New("too many different sizes and qualities of this camera are being watched: 16")
		v := watch(t, set, Layout{Cameras: []string{"good", "full", "odd", "none", "going"}, Columns: 2, Width: 640, FPS: 50})
		good := cameraJPEG(t, scene(320, 192, 1), 75)
		s.cameras["good"].show(good, media.Live)
		s.cameras["odd"].show(cameraJPEG(t, scene(320, 192, 2), 50), media.Live) // other tables
		s.cameras["going"].show(good, media.Live)
		white := func(wall *image.YCbCr, at image.Point) bool { // something is written there
			for y := range 192 {
				for x := range 320 {
					if wall.YCbCrAt(at.X+x, at.Y+y).Y > 200 {
						return true
					}
				}
			}
			return false
		}
		until(t, v, "said in each tile", func(p *media.Picture, wall *image.YCbCr) bool {
			return p.State == media.Stale && shows(wall, decode(t, good), image.Pt(0, 0)) && shows(wall, decode(t, good), image.Pt(0, 384)) &&
				white(wall, image.Pt(320, 0)) && white(wall, image.Pt(0, 192)) && white(wall, image.Pt(320, 192)) && !white(wall, image.Pt(320, 384))
		})
		s.cameras["odd"].show(good, media.Live)
		s.cameras["full"].update(func() { s.cameras["full"].refuses = nil })
		s.cameras["full"].show(good, media.Live)
		s.cameras["going"].update(func() { s.cameras["going"].closed = true })
		until(t, v, "without its trouble, and with another", func(p *media.Picture, wall *image.YCbCr) bool {
			return shows(wall, decode(t, good), image.Pt(0, 192)) && shows(wall, decode(t, good), image.Pt(320, 0)) && white(wall, image.Pt(0, 384))
		})
		s.cameras["going"].update(func() { s.cameras["going"].closed = false })
		s.cameras["going"].show(good, media.Live)
		until(t, v, "whole when the camera is served again", func(p *media.Picture, wall *image.YCbCr) bool {
			return shows(wall, decode(t, good), image.Pt(0, 384))
		})
	})
}

func TestWallGoesOnWhenACameraIsConfiguredAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b")
		set := newTestSet(t, s)
		v := watch(t, set, small("a", "b"))
		s.cameras["a"].show(tile(t, 1), media.Live)
		s.cameras["b"].show(tile(t, 2), media.Live)
		until(t, v, "whole", func(p *media.Picture, _ *image.YCbCr) bool { return p.State == media.Live })
		for n := range uint64(2) { // and some time later once more
			before, after := s.cameras["b"], &fake{changed: make(chan struct{})}
			after.show(tile(t, 3+n), media.Live)
			s.mu.Lock()
			s.cameras["b"] = after
			s.mu.Unlock()
			before.update(func() { before.closed = true })
			s.cameras["a"].show(tile(t, 1), media.Live)
			until(t, v, "of its successor", func(p *media.Picture, wall *image.YCbCr) bool {
				if p.State != media.Live {
					t.Fatalf("between the two the wall is %v", p.State)
				}
				return shows(wall, decode(t, tile(t, 3+n)), image.Pt(64, 0))
			})
			if before.watching() != 0 {
				t.Error("a viewer of the old one is left")
			}
			time.Sleep(2 * reopenEvery)
		}
	})
}

// pacedSite has tiles that take pictures at their rate, as cameras' viewers do, each of which
// comes a little later: with the camera's next frame.
type pacedSite struct {
	jpeg []byte
	late map[string]time.Duration
	away map[string]bool // the first picture is of a camera that is away
}

type pacedTile struct {
	period, late time.Duration
	away         bool
	jpeg         []byte
	due          time.Time
	sequence     uint64
}

func (s *pacedSite) Watch(name string, r media.Rendition, fps float64) (Tile, error) {
	return &pacedTile{period: time.Duration(float64(time.Second) / fps), late: s.late[name], away: s.away[name], jpeg: s.jpeg}, nil
}

func (s *pacedSite) Away(string) bool { return true }

func (p *pacedTile) Next(ctx context.Context) (*media.Picture, error) {
	now := time.Now()
	if p.due.IsZero() || now.Sub(p.due) > p.period {
		p.due = now
	}
	timer := time.NewTimer(max(0, p.due.Sub(now)) + p.late)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.due = p.due.Add(p.period)
	p.sequence++
	picture := &media.Picture{JPEG: p.jpeg, Sequence: p.sequence, Received: time.Now(), State: media.Live}
	if p.away && p.sequence == 1 {
		picture.State = media.Offline
	}
	return picture, nil
}

func (p *pacedTile) Close() {}

func TestASlowWallShowsACameraThatIsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := &pacedSite{jpeg: tile(t, 1), late: map[string]time.Duration{"b": 60 * time.Millisecond}, away: map[string]bool{"b": true}}
		v := watch(t, newTestSet(t, site), Layout{Cameras: []string{"a", "b"}, Columns: 2, Width: 130, FPS: 0.5})
		if p := next(t, v); p.State != media.Stale {
			t.Fatalf("with a camera that is away it is %v", p.State)
		}
		if p := next(t, v); p.State != media.Live {
			t.Errorf("when the camera is back it is %v", p.State)
		}
	})
}

func TestASlowWallShowsAllItsCamerasAsTheyAreNow(t *testing.T) {
	for _, fps := range []float64{0.8, 1, 1.5} {
		t.Run(fmt.Sprint(fps), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := &pacedSite{jpeg: tile(t, 1), late: map[string]time.Duration{"a": 10 * time.Millisecond, "b": 60 * time.Millisecond, "c": 110 * time.Millisecond}}
				v := watch(t, newTestSet(t, site), Layout{Cameras: []string{"a", "b", "c"}, Columns: 2, Width: 130, FPS: fps})
				began := time.Now()
				const pictures = 20
				for n := range pictures {
					next(t, v)
					v.wall.mu.Lock()
					for _, c := range v.wall.cells {
						if c.published == nil {
							t.Errorf("picture %d is without %s", n, c.name)
						} else if age := v.wall.made.Sub(c.published.Received); age > 100*time.Millisecond { // the latest comes so much behind the first
							t.Errorf("in picture %d %s is %v old", n, c.name, age)
						}
					}
					v.wall.mu.Unlock()
				}
				if took, want := time.Since(began), time.Duration(pictures/fps*float64(time.Second)); took > want*3/2 {
					t.Errorf("%d pictures take %v, not %v", pictures, took, want)
				}
			})
		})
	}
}

func TestAgesGoOnWhileNothingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		v := watch(t, newTestSet(t, s), Layout{Cameras: []string{"a"}, Width: 160, FPS: 50, Labels: "name,age"})
		picture := cameraJPEG(t, scene(160, 96, 1), 75)
		s.cameras["a"].show(picture, media.Live)
		first := until(t, v, "live", func(p *media.Picture, wall *image.YCbCr) bool {
			return wall.Rect.Size() == image.Pt(160, 112) && p.State == media.Live && shows(wall, decode(t, picture), image.Point{})
		})
		second := until(t, v, "older", func(p *media.Picture, wall *image.YCbCr) bool {
			return string(p.JPEG) != string(first.JPEG) && shows(wall, decode(t, picture), image.Point{})
		})
		if !second.Received.Equal(first.Received) {
			t.Error("nothing was received meanwhile")
		}
	})
}

func TestOnePictureOfAWallHasAllCameras(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b", "c")
		v := watch(t, newTestSet(t, s), small("a", "b", "c"))
		s.cameras["a"].show(tile(t, 1), media.Live)
		time.Sleep(40 * time.Millisecond)
		since := time.Now()
		got := make(chan *media.Picture, 1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		go func() {
			p, err := v.Settled(ctx, since)
			if err != nil {
				t.Error(err)
			}
			got <- p
		}()
		s.cameras["b"].show(tile(t, 2), media.Live)
		s.cameras["c"].show(tile(t, 4), media.Offline)
		select {
		case <-got:
			t.Fatal("a is from before")
		case <-time.After(5 * time.Second): // longer than any picture waits
		}
		s.mu.Lock()
		s.connecting["c"] = true
		s.mu.Unlock()
		s.cameras["a"].show(tile(t, 3), media.Live)
		select {
		case <-got:
			t.Fatal("c is still being connected")
		case <-time.After(5 * time.Second):
		}
		s.mu.Lock()
		s.connecting["c"] = false // and away for good
		s.mu.Unlock()
		s.cameras["c"].show(tile(t, 4), media.Offline)
		p := <-got
		if p == nil || p.State != media.Stale || !shows(decode(t, p.JPEG), decode(t, tile(t, 3)), image.Point{}) {
			t.Errorf("%+v", p)
		}
		short, cancelShort := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancelShort()
		s.cameras["b"].show(tile(t, 5), media.Live)
		if p, err := v.Settled(short, time.Now().Add(time.Hour)); err != nil || p == nil {
			t.Errorf("what there is when time is up: %v, %v", p, err)
		}
	})
}

func TestAWallThatWasNotWatchedForAWhileWaitsForItsTiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b", "away")
		set := newTestSet(t, s)
		old, later := tile(t, 1), tile(t, 2)
		s.cameras["a"].show(old, media.Live)
		s.cameras["b"].show(old, media.Live)
		s.cameras["away"].show(tile(t, 3), media.Offline)
		v := watch(t, set, small("a", "b", "away"))
		want := decode(t, tile(t, 3))
		until(t, v, "of all three", func(p *media.Picture, img *image.YCbCr) bool { return shows(img, want, image.Pt(0, 48)) })

		time.Sleep(2 * firstGrace) // nobody waits for a picture
		s.cameras["a"].show(later, media.Live)
		go func() {
			time.Sleep(firstGrace - time.Millisecond) // a busy machine
			s.cameras["b"].show(later, media.Live)
		}()
		want = decode(t, later)
		if img := decode(t, next(t, v).JPEG); !shows(img, want, image.Pt(0, 0)) || !shows(img, want, image.Pt(64, 0)) {
			t.Error("the past is shown as live")
		}

		for range 3 {
			time.Sleep(2 * firstGrace)
			s.cameras["away"].show(tile(t, 3), media.Offline) // says so once in a while, but not now
			synctest.Wait()
			s.cameras["a"].show(later, media.Live)
			s.cameras["b"].show(later, media.Live)
			began := time.Now()
			next(t, v)
			if took := time.Since(began); took > 0 {
				t.Errorf("a camera that is away holds the picture up for %v", took)
			}
		}
	})
}

func TestWhoComesLaterIsNotShownThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		set := newTestSet(t, s)
		old, later := tile(t, 1), tile(t, 2)
		s.cameras["a"].show(old, media.Live)
		layout := Layout{Cameras: []string{"a"}, Width: 64, FPS: 50}
		next(t, watch(t, set, layout)) // and then takes no more: it is slow
		time.Sleep(time.Minute)
		s.cameras["a"].show(later, media.Live)
		if p := next(t, watch(t, set, layout)); !shows(decode(t, p.JPEG), decode(t, later), image.Point{}) {
			t.Error("a picture of a minute ago is shown")
		}
		// Where nothing has moved meanwhile, it is made for who has not seen it.
		time.Sleep(time.Minute)
		if p := next(t, watch(t, set, layout)); !shows(decode(t, p.JPEG), decode(t, later), image.Point{}) {
			t.Error("the newest picture is not shown")
		}
	})
}

// TestAPictureThatIsNoCamerasIsNoNews: a placeholder was received by nobody.
func TestAPictureThatIsNoCamerasIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "never")
		v := watch(t, newTestSet(t, s), small("a", "never"))
		s.cameras["a"].show(tile(t, 1), media.Live)
		received := s.cameras["a"].picture.Received
		time.Sleep(time.Second)
		s.cameras["never"].show(tile(t, 2), media.Offline)
		s.cameras["never"].update(func() { s.cameras["never"].picture.NoCamera = true })
		if p := next(t, v); !p.Received.Equal(received) || p.State != media.Stale {
			t.Errorf("%v of %v, want %v", p.State, p.Received, received)
		}
	})
}

func TestAWallThatHasEndedBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		set := newTestSet(t, s)
		for n := range uint64(3) {
			s.cameras["a"].show(tile(t, n), media.Live)
			v := watch(t, set, small("a"))
			if p := next(t, v); p.State != media.Live || !shows(decode(t, p.JPEG), decode(t, tile(t, n)), image.Point{}) {
				t.Errorf("it is %v, or another", p.State)
			}
			v.Close()
			time.Sleep(time.Minute)
		}
	})
}

func TestTooManyWallsAreRefused(t *testing.T) {
	set := newTestSet(t, newSite("a"))
	for n := range MaxWalls {
		watch(t, set, Layout{Cameras: []string{"a"}, Width: 16 * (n + 1)})
	}
	if _, err := set.Watch(Layout{Cameras: []string{"a"}, Width: 16 * (MaxWalls + 1)}); !errors.Is(err, ErrTooManyWalls) {
		t.Errorf("one more: %v", err)
	}
	watch(t, set, Layout{Cameras: []string{"a"}, Width: 16}) // one of them
}

func TestLayoutsAreSettled(t *testing.T) {
	names := strings.Split(strings.Repeat("a,", 63)+"a", ",")
	for _, c := range []struct {
		what                       string
		l                          Layout
		columns, width, height, th int
	}{
		{"defaults", Layout{Cameras: names[:4]}, 2, 1280, 736, 368},
		{"nearly square", Layout{Cameras: names[:5]}, 3, 1248, 480, 240},
		{"black tiles", Layout{Cameras: names[:2], Columns: 4, Width: 1280}, 4, 1280, 192, 192},
		{"a label is a row more", Layout{Cameras: names[:4], Labels: "age"}, 2, 1280, 768, 368},
		{"fits into a height", Layout{Cameras: names[:4], Height: 400}, 2, 672, 384, 192},
		{"fits into both", Layout{Cameras: names[:4], Width: 2000, Height: 400}, 2, 672, 384, 192},
		{"the largest", Layout{Cameras: names, Columns: 1, Width: 8192}, 1, 224, 8192, 128},
		{"the largest tile", Layout{Cameras: names[:1], Width: 8192}, 1, 5456, 3072, 3072},
		{"the smallest", Layout{Cameras: names, Columns: 16, Width: 256}, 16, 256, 64, 16},
	} {
		s, err := c.l.shape()
		if err != nil || s.columns != c.columns || s.width() != c.width || s.height() != c.height || s.tileHeight != c.th {
			t.Errorf("%s: %d columns, %d × %d, tiles %d high, %v", c.what, s.columns, s.width(), s.height(), s.tileHeight, err)
		}
	}
	for says, l := range map[string]Layout{
		"needs cameras":          {},
		"an empty name":          {Cameras: []string{"", ""}},
		"at most 64":             {Cameras: append(names, "a")},
		"from 1 to 16":           {Cameras: names, Columns: 17},
		"at least 64":            {Cameras: names[:4], Columns: 4, Width: 63},
		"use more columns":       {Cameras: names, Columns: 1, Height: 1000},
		"name, age, or name,age": {Cameras: names[:1], Labels: "name,size"},
	} {
		if _, err := l.shape(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

func TestQueriesOfWalls(t *testing.T) {
	q, err := ParseQuery("cams=a,b,,c&cols=2&labels=age&width=5&_=1")
	if err != nil || len(q.Layout.Cameras) != 4 || q.Layout.Cameras[3] != "c" || q.Layout.Columns != 2 || q.Layout.Labels != "age" || q.Name != "" {
		t.Errorf("%+v, %v", q, err)
	}
	if q, err := ParseQuery("name=hall&fps=5"); err != nil || q.Name != "hall" {
		t.Errorf("%+v, %v", q, err)
	}
	for query, says := range map[string]string{
		"cams=a&cols=0":                            "from 1 to 16",
		"cams=a&cols=17":                           "from 1 to 16",
		"cams=a&cols=%2B2":                         "from 1 to 16",
		"cams=a&cols=":                             "from 1 to 16",
		"cams=a&cams=b":                            "once",
		"cams=a&labels=":                           "", // none
		"cams=a&labels=colour":                     "name, age",
		"name=hall&cams=a":                         "cannot be given together",
		"cams=" + strings.Repeat("a,", 64):         "at most 64",
		"cams=" + strings.Repeat("a", 1000*1000):   "at most 64",
		"%zz":                                      "with %XX for",
		"cams=%00&cols=" + strings.Repeat("9", 99): "from 1 to 16",
	} {
		_, err := ParseQuery(query)
		if says == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), says) || len(err.Error()) > 300 {
			t.Errorf("%.40s: %v", query, err)
		}
	}
	l := Layout{Cameras: []string{"a"}, Width: 640, Quality: 60, FPS: 5}
	if got, err := l.Adapted(params.Params{Rendition: media.Rendition{Height: 200, Quality: 80}}); err != nil || got.Width != 0 || got.Height != 200 || got.Quality != 80 || got.FPS != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := l.Adapted(params.Params{Rendition: media.Rendition{Width: 100, Height: 100, Exact: true}}); err == nil {
		t.Error("a size is taken")
	}
	if _, err := l.Adapted(params.Params{Rendition: media.Rendition{Width: 15}}); err == nil {
		t.Error("a width of less than a tile is taken")
	}
	if l.Missing(func(string) bool { return true }) != "" || l.Missing(func(string) bool { return false }) != "a" {
		t.Error("missing cameras")
	}
}

// BenchmarkWall is what a running wall costs this process for each picture that a viewer
// takes: asking the cameras, which have a new picture each, and putting it together.
func BenchmarkWall(b *testing.B) {
	for _, tiles := range []int{4, 16} {
		b.Run(fmt.Sprint(tiles), func(b *testing.B) {
			var names []string
			for i := range tiles {
				names = append(names, fmt.Sprint("cam", i))
			}
			l := Layout{Cameras: names, FPS: 60}
			settled, err := l.shape()
			if err != nil {
				b.Fatal(err)
			}
			s := newSite(names...)
			var data [2][]byte
			for i := range data {
				data[i] = cameraJPEG(b, scene(settled.tileWidth, settled.tileHeight, uint64(i)), settled.quality)
			}
			v, err := NewSet(s, slog.New(slog.DiscardHandler)).Watch(l)
			if err != nil {
				b.Fatal(err)
			}
			defer v.Close()
			before := cpu(b)
			for n := 0; b.Loop(); n++ {
				for _, name := range names {
					s.cameras[name].show(data[n%2], media.Live)
				}
				if _, err := v.Next(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/wall")
		})
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
