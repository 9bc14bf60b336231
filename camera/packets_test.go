package camera

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
)

// simulated is a camera that pulls a simulated one.
func simulated(t *testing.T, o camsim.Options, change func(*Config)) (*Camera, *camsim.Camera) {
	t.Helper()
	sim, err := camsim.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	a, err := source.ParseAddress(sim.URL())
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Name: "door", Address: a, OnDemand: true, Source: source.Options{Transport: "tcp"}}
	if change != nil {
		change(&cfg)
	}
	c := New(cfg, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx) //nolint:errcheck // it is ctx's
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c, sim
}

func reading(t *testing.T, c *Camera, o PacketOptions) *PacketReader {
	t.Helper()
	r, err := c.Packets(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func next(t *testing.T, r *PacketReader) Packet {
	t.Helper()
	p, err := r.Next(within(t, 40*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReadersGetTheCamerasPicturesAsTheyCameAndNothingIsDecoded(t *testing.T) {
	// One GOP for all of it: at the next key frame who is late goes on there, and who comes begins there.
	c, _ := simulated(t, camsim.Options{Mode: camsim.Live, Video: decoder.VideoEncoderOptions{GOP: 1000}}, nil)
	first := reading(t, c, PacketOptions{Codecs: []media.Codec{media.H264}})
	first.Describe("192.0.2.7:1234", "webrtc")
	format, err := first.Format(within(t, 40*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if format.Codec != media.H264 || format.Width != 640 || format.Height != 360 || len(format.SPS) == 0 || format.Transcoded {
		t.Errorf("the format is %+v", format)
	}
	units := []*media.AccessUnit{}
	for range 10 {
		p := next(t, first)
		if p.Skipped || p.Key != (len(units) == 0) {
			t.Fatalf("packet %d: key %v, skipped %v", len(units), p.Key, p.Skipped)
		}
		units = append(units, p.AccessUnit)
	}

	second := reading(t, c, PacketOptions{})
	for n := range 5 {
		p := next(t, second)
		if p.AccessUnit != units[n] {
			t.Fatalf("packet %d is another for who came later", n)
		}
		if n == 0 && p.Behind < 8 {
			t.Errorf("it is %d behind, at least 9 are there", p.Behind)
		}
	}

	status := c.Status()
	if status.State != "live" || status.Viewers != 2 || status.Decoded != 0 || status.Encoded != 0 {
		t.Errorf("state %s, %d viewers, %d decoded, %d encoded; want live, 2, 0, 0", status.State, status.Viewers, status.Decoded, status.Encoded)
	}
	viewers := c.Viewers()
	if len(viewers) != 2 || viewers[0].Peer != "192.0.2.7:1234" || viewers[0].Form != "webrtc" || viewers[0].Width != 640 || viewers[0].Age == nil {
		t.Errorf("the viewers are %+v", viewers)
	}
	first.Close()
	second.Close()
	if _, err := second.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed reader says %v", err)
	}
	deadline := within(t, 40*time.Second)
	for changed := c.Changed(); c.Status().State != "idle"; changed = c.Changed() { // the camera is left alone, with no linger at once
		select {
		case <-changed:
		case <-deadline.Done():
			t.Fatalf("the camera is still %s", c.Status().State)
		}
	}
}

// fed is a camera whose pictures the test brings, and a reader of them.
func fed(t *testing.T, o PacketOptions) (*played, *PacketReader) {
	t.Helper()
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	return play(c, "now", false), reading(t, c, o)
}

func (p *played) bring(n int, key bool) { p.AccessUnit(unit(n, key)) }

func (r *PacketReader) wants(t *testing.T, n int, skipped bool, behind int) {
	t.Helper()
	p := next(t, r)
	if number(p.AccessUnit) != n || p.Skipped != skipped || p.Behind != behind {
		t.Fatalf("got unit %d, skipped %v, %d behind; want %d, %v, %d", number(p.AccessUnit), p.Skipped, p.Behind, n, skipped, behind)
	}
}

func (r *PacketReader) wantsNothing(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got unit %d, %v; there is none", number(p.AccessUnit), err)
	}
}

func TestAReaderThatIsALittleLateMissesNothingAtAKeyFrame(t *testing.T) {
	p, r := fed(t, PacketOptions{})
	for n := range 10 {
		p.bring(n, n == 0)
	}
	for n := range 8 {
		r.wants(t, n, false, 9-n)
	}
	p.bring(10, true)
	p.bring(11, false)
	for n := 8; n < 12; n++ {
		r.wants(t, n, false, 11-n)
	}
	r.wantsNothing(t)
}

func TestAReaderThatFallsBehindGoesOnAtTheNextKeyFrame(t *testing.T) {
	p, r := fed(t, PacketOptions{})
	for n := range 50 {
		p.bring(n, n == 0)
	}
	r.wants(t, 0, false, 49)
	p.bring(50, true)
	p.bring(51, false)
	r.wants(t, 50, true, 1)
	r.wants(t, 51, false, 0)
	if dropped := p.c.Viewers()[0].Dropped; dropped == 0 {
		t.Error("it is not told that it was too slow")
	}
}

func TestAfterALossReadersGoOnAtTheNextKeyFrame(t *testing.T) {
	p, r := fed(t, PacketOptions{})
	p.bring(0, true)
	p.bring(1, false)
	r.wants(t, 0, false, 1)
	p.Damaged(3, nil)
	p.bring(2, false)
	r.wants(t, 1, false, 0)
	r.wantsNothing(t)
	p.bring(3, true)
	r.wants(t, 3, true, 0)
}

func TestARestartedReaderGetsTheKeyFrameAgain(t *testing.T) {
	p, r := fed(t, PacketOptions{})
	for n := range 3 {
		p.bring(n, n == 0)
		r.wants(t, n, false, 0)
	}
	r.Restart()
	r.wants(t, 0, true, 2)
	r.wants(t, 1, false, 1)

	waiting := make(chan error, 1)
	r.wants(t, 2, false, 0)
	go func() {
		_, err := r.Next(t.Context())
		waiting <- err
	}()
	r.Restart()
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}

func TestAnotherProfileGoesOnAtItsKeyFrame(t *testing.T) {
	c, now, next := two(t)
	r := reading(t, c, PacketOptions{})
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.bring(7, true)
	now.bring(1, false)
	next.bring(8, false)
	r.wants(t, 7, true, 1)
	r.wants(t, 8, false, 0)
}

func TestAReaderWaitsForTheStreamWhereSinglePicturesWereFetched(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	stills := &played{session: newSession(c, choice{name: "stills", snapshot: "http://192.0.2.1/jpeg"}, false)}
	stills.stop = func() {}
	stills.Playing(source.Info{Codec: media.MJPEG, Transport: "http"})
	still := &media.AccessUnit{Codec: media.MJPEG, NALUs: [][]byte{{0xff, 0xd8}}, Key: true, Received: time.Now()}
	stills.AccessUnit(still)
	strict, any := reading(t, c, PacketOptions{Codecs: []media.Codec{media.H264}}), reading(t, c, PacketOptions{})
	other := reading(t, c, browser)
	for _, r := range []*PacketReader{strict, any, other} {
		r.wantsNothing(t)
	}
	c.mu.Lock()
	decoding := c.decoding
	c.mu.Unlock()
	if decoding != decodeNothing {
		t.Error("single pictures are transcoded")
	}
	p := play(c, "stream", true)
	for n := range settledUnits {
		p.bring(n, n == 0)
	}
	for _, r := range []*PacketReader{strict, any, other} {
		r.wants(t, 0, false, settledUnits-1)
	}
}

func TestAReaderIsToldThatTheCodecHasChanged(t *testing.T) {
	p, r := fed(t, PacketOptions{})
	p.bring(0, true)
	r.wants(t, 0, false, 0)
	only := reading(t, p.c, PacketOptions{Codecs: []media.Codec{media.H264}})

	p.Playing(source.Info{Codec: media.H265, Transport: "tcp"})
	p.AccessUnit(&media.AccessUnit{Codec: media.H265, NALUs: [][]byte{{38, 1}}, Key: true, Received: time.Now()})
	for range 2 {
		if _, err := r.Next(t.Context()); !errors.Is(err, ErrFormatChanged) {
			t.Errorf("who takes all codecs: %v, want ErrFormatChanged", err)
		}
	}
	if _, err := only.Format(t.Context()); !errors.Is(err, ErrCodec) {
		t.Errorf("who takes H.264 alone: %v, want ErrCodec", err)
	}
}

func TestAnEndlessGOPTakesBoundedMemory(t *testing.T) {
	p, r := fed(t, PacketOptions{})
	late := reading(t, p.c, PacketOptions{})
	for n := range 3 * maxCachedUnits {
		p.bring(n&0xff, n == 0)
		r.wants(t, n&0xff, false, 0)
	}
	p.c.mu.Lock()
	kept := len(p.c.packets.units)
	p.c.mu.Unlock()
	if kept > maxCachedUnits {
		t.Errorf("%d access units are kept", kept)
	}
	if state := p.c.Status().State; state != "live" {
		t.Errorf("who reads has all, and the camera is %s", state)
	}
	late.wantsNothing(t)
	p.bring(1, true)
	late.wants(t, 1, false, 0)
}

func TestWithoutReadersAKeyFrameIsTheFirstThatIsKept(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	p := play(c, "now", false)
	for n := range 20 { // as JPEGs come
		p.bring(n, true)
	}
	c.mu.Lock()
	kept := len(c.packets.units)
	c.mu.Unlock()
	if kept != 1 {
		t.Errorf("%d pictures are kept for nobody", kept)
	}
	reading(t, c, PacketOptions{}).wants(t, 19, false, 0)
}

func TestACameraThatIsNoLongerRunEndsItsReaders(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := reading(t, c, PacketOptions{})
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("its reader: %v, want ErrClosed", err)
	}
	if _, err := c.Packets(PacketOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a new reader: %v, want ErrClosed", err)
	}
}

func TestBFramesAreSeen(t *testing.T) {
	// first_mb_in_slice 0 ("1"), then slice_type: 5 is P ("00110"), 6 is B ("00111").
	p, b := []byte{0x41, 0b1_00110_00}, []byte{0x01, 0b1_00111_00}
	at := func(ms int, key bool, codec media.Codec, nalu []byte) *media.AccessUnit {
		return &media.AccessUnit{Codec: codec, NALUs: [][]byte{nalu}, Key: key, PTS: time.Duration(ms) * time.Millisecond}
	}
	for _, c := range []struct {
		name  string
		units []*media.AccessUnit
		want  bool
	}{
		{"P alone", []*media.AccessUnit{at(0, true, media.H264, p), at(40, false, media.H264, p)}, false},
		{"B slices", []*media.AccessUnit{at(0, true, media.H264, p), at(40, false, media.H264, b)}, true},
		{"no slice at all", []*media.AccessUnit{at(0, false, media.H264, []byte{6, 1}), at(0, false, media.H264, nil), at(0, false, media.H264, []byte{1})}, false},
		{"in order", []*media.AccessUnit{at(0, true, media.H265, p), at(40, false, media.H265, b), at(80, false, media.H265, b)}, false},
		{"out of order", []*media.AccessUnit{at(0, true, media.H265, p), at(120, false, media.H265, p), at(40, false, media.H265, p), at(80, false, media.H265, p)}, true},
		{"a clock that was set", []*media.AccessUnit{at(90000, true, media.H265, p), at(0, false, media.H265, p), at(40, false, media.H265, p)}, false},
		{"JPEG", []*media.AccessUnit{at(80, true, media.MJPEG, p), at(40, true, media.MJPEG, p), at(0, true, media.MJPEG, p)}, false},
	} {
		var r reordering
		for _, au := range c.units {
			r.see(au)
		}
		if r.yes != c.want {
			t.Errorf("%s: %v, want %v", c.name, r.yes, c.want)
		}
	}
}

func TestWhatIsKnownOfBFramesIsOfOneCodec(t *testing.T) {
	var r reordering
	for n, ms := range []int{0, 120, 40, 80} {
		r.see(&media.AccessUnit{Codec: media.H265, NALUs: [][]byte{{2, 1}}, Key: n == 0, PTS: time.Duration(ms) * time.Millisecond})
	}
	if !r.yes || !r.settled {
		t.Fatal("B-frames are not seen")
	}
	r.session()
	if !r.yes || !r.settled {
		t.Error("another session of the same camera begins without B-frames")
	}
	r.see(unit(0, true))
	if r.yes || r.settled {
		t.Errorf("in another codec: B-frames %v, settled %v", r.yes, r.settled)
	}
}

func TestOnePictureOutOfOrderIsAReasonToWait(t *testing.T) {
	var r reordering
	for n, ms := range []int{0, 80, 40, 160, 120} { // I P B P B
		r.see(&media.AccessUnit{Codec: media.H265, NALUs: [][]byte{{2, 1}}, Key: n == 0, PTS: time.Duration(ms) * time.Millisecond})
		if r.settled && !r.yes {
			t.Fatalf("after %d pictures there seem to be no B-frames", n+1)
		}
	}
	if !r.yes {
		t.Error("B-frames are not seen")
	}
}

func TestAReaderWaitsUntilItIsKnownWhetherThereAreBFrames(t *testing.T) {
	h264 := PacketOptions{Codecs: []media.Codec{media.H264}}
	p, _ := fed(t, PacketOptions{})
	strict, any := reading(t, p.c, h264), reading(t, p.c, PacketOptions{})
	p.bring(0, true) // its SPS says nothing
	any.wants(t, 0, false, 0)
	strict.wantsNothing(t)
	p.bring(1, false)
	p.bring(2, false)
	p.bring(3, false)
	strict.wants(t, 0, false, 3)
	reading(t, p.c, h264).wants(t, 0, false, 3)

	p, _ = fed(t, PacketOptions{})
	slow := reading(t, p.c, h264)
	p.bring(0, true)
	slow.wantsNothing(t)
	p.bring(25, false) // a second later
	slow.wants(t, 0, false, 1)

	p, _ = fed(t, PacketOptions{})
	told := reading(t, p.c, h264)
	key := unit(0, true)
	key.NALUs = [][]byte{{0x67, 66, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4}, {0x68, 0xce}, {0x65, 0x88}} // baseline
	p.AccessUnit(key)
	if got := next(t, told); got.AccessUnit != key {
		t.Error("got another")
	}
}

// FuzzPictures: nothing in a camera's pictures brings down who looks at them.
func FuzzPictures(f *testing.F) {
	f.Add(byte(media.H264), []byte{0x67, 66, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4}, []byte{0x41, 0b1_00110_00})
	f.Add(byte(media.H265), []byte{0x42, 1, 1}, []byte{2, 1, 0xd0})
	f.Add(byte(media.MJPEG), []byte{0xff, 0xd8, 0xff, 0xc0}, []byte{0xff, 0xd8})
	f.Add(byte(media.VP8), []byte{0, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0}, []byte{1})
	f.Fuzz(func(t *testing.T, codec byte, key, other []byte) {
		var r reordering
		for n, nalu := range [][]byte{key, other, other} {
			au := &media.AccessUnit{Codec: media.Codec(codec), NALUs: [][]byte{nalu}, Key: n == 0}
			r.see(au)
			if w, h := codedSize(au); w < 0 || h < 0 {
				t.Errorf("%d×%d", w, h)
			}
		}
	})
}

func TestReadersChooseAProfileThatTheyCanTake(t *testing.T) {
	main, second, sub := offer("main", "H265", 3840, 2160), offer("second", "H264", 1920, 1080), offer("sub", "H264", 640, 360)
	jpeg := offer("jpeg", "JPEG", 640, 360)
	h264 := []media.Codec{media.H264}
	for _, c := range []struct {
		name    string
		streams []stream
		wanted  demand
		want    string
	}{
		{"all there is, in any codec", []stream{main, second, sub}, demand{packets: []PacketOptions{{}}}, "main"},
		{"all that a transcode would give", []stream{main, second, sub}, demand{packets: []PacketOptions{{Codecs: h264}}}, "second"},
		{"nothing of that size", []stream{main, sub}, demand{packets: []PacketOptions{{Codecs: h264}}}, "main"},
		{"a tile", []stream{main, second, sub}, demand{packets: []PacketOptions{{Codecs: h264, Width: 600}}}, "sub"},
		{"a tile, and a codec that it takes", []stream{jpeg, sub}, demand{packets: []PacketOptions{{Codecs: []media.Codec{media.H265, media.H264}, Width: 600}}}, "sub"},
		{"rather a larger one than a transcode", []stream{main, second, offer("sub5", "H265", 640, 360)}, demand{packets: []PacketOptions{{Codecs: h264, Width: 600}}}, "second"},
		{"with pictures of full size", []stream{main, second, sub}, demand{renditions: []media.Rendition{{}}, packets: []PacketOptions{{Codecs: h264, Width: 600}}}, "main"},
	} {
		if got := cheapest(c.streams, c.wanted); got.Name != c.want {
			t.Errorf("%s: it takes %q, want %q", c.name, got.Name, c.want)
		}
	}
}
