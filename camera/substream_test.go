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

func TestTheConfiguredSubstreamIsACameraOfItsOwn(t *testing.T) {
	small, err := camsim.Start(t.Context(), camsim.Options{Video: decoder.VideoEncoderOptions{Width: 320, Height: 180}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(small.Close)
	c, large := simulated(t, camsim.Options{}, func(cfg *Config) {
		if cfg.Substream, err = source.ParseAddress(small.URL()); err != nil {
			t.Fatal(err)
		}
	})
	sub := c.Substream()
	if sub == nil || sub != c.Substream() {
		t.Fatalf("the substream is %v, then %v", sub, c.Substream())
	}
	if sub.Substream() != nil {
		t.Error("the substream has one of its own")
	}
	r := reading(t, sub, PacketOptions{})
	if format, err := r.Format(within(t, 40*time.Second)); err != nil || format.Width != 320 {
		t.Errorf("its format is %+v, %v", format, err)
	}
	if large.Counts().Connections != 0 {
		t.Error("the large stream was connected for it")
	}
	r.Describe("192.0.2.9:1234", "webrtc")
	if n, list := c.Status().Viewers, c.Viewers(); n != 1 || len(list) != 1 || list[0].Peer != "192.0.2.9:1234" || list[0].Camera != sub.Name() {
		t.Errorf("the camera says it has %d viewers: %+v", n, list)
	}
	r.Close()
	if n, list := c.Status().Viewers, c.Viewers(); n != 0 || len(list) != 0 {
		t.Errorf("nobody watches, and the camera says it has %d viewers: %+v", n, list)
	}
	for deadline := within(t, 40*time.Second); sub.Brief().State != "idle"; {
		select {
		case <-sub.Changed():
		case <-time.After(100 * time.Millisecond): // it changed between the two
		case <-deadline.Done():
			t.Fatalf("nobody watches, and the substream is %s", sub.Brief().State)
		}
	}
}

// TestTheSubstreamConnectsAnewWithItsCamera, where somebody asks for that because it hangs.
func TestTheSubstreamConnectsAnewWithItsCamera(t *testing.T) {
	small, err := camsim.Start(t.Context(), camsim.Options{Video: decoder.VideoEncoderOptions{Width: 320, Height: 180}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(small.Close)
	c, _ := simulated(t, camsim.Options{}, func(cfg *Config) {
		if cfg.Substream, err = source.ParseAddress(small.URL()); err != nil {
			t.Fatal(err)
		}
	})
	r := reading(t, c.Substream(), PacketOptions{})
	next(t, r)
	c.Reconnect()
	for deadline := within(t, 40*time.Second); small.Counts().Plays < 2; {
		if _, err := r.Next(deadline); err != nil {
			t.Fatalf("it is as it was: %v", err)
		}
	}
}

func TestTheSubstreamEndsWithItsCamera(t *testing.T) {
	address, err := source.ParseAddress("rtsp://127.0.0.1:1/small")
	if err != nil {
		t.Fatal(err)
	}
	c := onvifCamera(t, "rtsp://127.0.0.1:1/large", func(cfg *Config) { cfg.Substream = address })
	sub := c.Substream() // before Run
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	r := reading(t, sub, PacketOptions{})
	for deadline := within(t, 40*time.Second); sub.Brief().State == "idle"; {
		select {
		case <-sub.Changed():
		case <-time.After(100 * time.Millisecond):
		case <-deadline.Done():
			t.Fatal("the substream is not run")
		}
	}
	cancel()
	<-ended
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("its reader: %v, want ErrClosed", err)
	}
}

func TestTheSubstreamOfAnONVIFCameraIsItsSmallestOfUse(t *testing.T) {
	main, sub, tiny, jpeg := offer("main", "H264", 1920, 1080), offer("sub", "H264", 640, 360), offer("tiny", "H264", 160, 90), offer("jpeg", "JPEG", 320, 180)
	h265 := offer("h265", "H265", 3840, 2160)
	for _, c := range []struct {
		name    string
		streams []stream
		want    string
	}{
		{"the small one", []stream{main, sub}, "sub"},
		{"one that is worth looking at", []stream{main, tiny, sub}, "sub"},
		{"or what there is", []stream{main, tiny}, "tiny"},
		{"of H.264", []stream{main, jpeg}, ""},
		{"beside a larger one of H.265", []stream{h265, main}, "main"},
		{"of two the smaller", []stream{h265, main, sub}, "sub"},
		{"none", []stream{main}, ""},
		{"no size told", []stream{offer("a", "H264", 0, 0), offer("b", "H264", 0, 0)}, ""},
	} {
		got, found := smallest(c.streams)
		if got.Name != c.want || found != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.name, got.Name, found, c.want)
		}
	}
}

const twoProfiles = `<Profiles token="m"><Name>main</Name><VideoSourceConfiguration><SourceToken>v</SourceToken></VideoSourceConfiguration>` +
	`<VideoEncoderConfiguration token="e"><Encoding>H264</Encoding><Resolution><Width>1280</Width><Height>720</Height></Resolution></VideoEncoderConfiguration></Profiles>` +
	`<Profiles token="s"><Name>sub</Name><VideoSourceConfiguration><SourceToken>v</SourceToken></VideoSourceConfiguration>` +
	`<VideoEncoderConfiguration token="f"><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>360</Height></Resolution></VideoEncoderConfiguration></Profiles>`

func TestTheSubstreamOfAnONVIFCameraIsKnownOnceItWasAsked(t *testing.T) {
	f := newFakeONVIF(t)
	f.set("GetProfiles", twoProfiles)
	c := onvifCamera(t, f.address(), nil)
	defer c.device.close()
	if c.Substream() != nil {
		t.Error("a camera that nobody has asked has a substream")
	}
	if _, _, err := c.ONVIF(t.Context()); err != nil {
		t.Fatal(err)
	}
	sub := c.Substream()
	if sub == nil {
		t.Fatal("it has none")
	}
	chosen, err := sub.choose(t.Context())
	if err != nil || chosen.token != "s" {
		t.Errorf("its profile is %q, %v", chosen.token, err)
	}
	if again, better := sub.better(chosen); better {
		t.Errorf("it would change to %q", again.token)
	}
}

func TestAnONVIFCameraIsAskedForAKeyFrameOnceASecond(t *testing.T) {
	f := newFakeONVIF(t)
	f.set("GetProfiles", twoProfiles)
	f.set("SetSynchronizationPoint", " ")
	c := onvifCamera(t, f.address(), nil)
	defer c.device.close()
	c.RequestKeyFrame() // it is not connected: nothing to ask
	if _, _, err := c.ONVIF(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.keyAsked = time.Time{}
	p := play(c, "s", false)
	began := time.Now()
	for range 5 {
		c.RequestKeyFrame()
	}
	seconds := int(time.Since(began) / time.Second) // the machine may stand still between two of them
	c.tasks.Wait()
	if n := f.called("SetSynchronizationPoint"); n < 1 || n > 1+seconds {
		t.Errorf("it was asked %d times over ONVIF, in %d s and a part of one", n, seconds)
	}
	if len(p.keyframes) != 1 {
		t.Error("its session was not asked")
	}
}

func TestBriefTellsWhatViewersAreToldWhileTheyWatch(t *testing.T) {
	c := onvifCamera(t, "rtsp://127.0.0.1:1/", nil)
	if b := c.Brief(); b != (Brief{State: "idle"}) {
		t.Errorf("before anything: %+v", b)
	}
	changed := c.Changed()
	c.enter(stateOffline, errors.New("it is gone"))
	select {
	case <-changed:
	default:
		t.Error("a change was not told")
	}
	if b := c.Brief(); b.State != "offline" || b.LastError != "it is gone" || b.Age != 0 {
		t.Errorf("offline: %+v", b)
	}
	play(c, "now", false).AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: true, Received: time.Now()})
	if b := c.Brief(); b.State != "live" || b.LastError != "" || b.Age > time.Minute {
		t.Errorf("live: %+v", b)
	}
}

// BenchmarkReaders is what one access unit costs that 20 read: from its arrival until all
// have it.
func BenchmarkReaders(b *testing.B) {
	const readers = 20
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	p := play(c, "now", false)
	got := make(chan struct{}, readers)
	for range readers {
		r, err := c.Packets(PacketOptions{})
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := r.Next(context.Background()); err != nil {
					return
				}
				got <- struct{}{}
			}
		}()
		b.Cleanup(func() {
			r.Close()
			<-done
		})
	}
	unit := make([]byte, 20_000)
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		p.AccessUnit(&media.AccessUnit{Codec: media.H264, NALUs: [][]byte{unit}, Key: n%50 == 0, Received: time.Now()})
		for range readers {
			<-got
		}
	}
}

func TestACameraThatIsAskedForAKeyFrameSendsOne(t *testing.T) {
	c, sim := simulated(t, camsim.Options{Mode: camsim.Live, Video: decoder.VideoEncoderOptions{Width: 320, Height: 180, GOP: 1000}}, nil)
	r := reading(t, c, PacketOptions{})
	for n := range 3 {
		if p := next(t, r); p.Key != (n == 0) {
			t.Fatalf("packet %d: key %v", n, p.Key)
		}
	}
	began := time.Now()
	c.RequestKeyFrame()
	c.RequestKeyFrame()
	seconds := uint64(time.Since(began) / time.Second) // the machine may stand still between the two
	for !next(t, r).Key {
	}
	if n := sim.Counts().KeysAsked; n < 1 || n > 1+seconds {
		t.Errorf("it was asked %d times, in %d s and a part of one", n, seconds)
	}
}

func TestTheSubstreamHasTheLoginOfItsCameraOnTheSameHostAlone(t *testing.T) {
	for small, want := range map[string]string{
		"rtsp://127.0.0.1:8554/small":       "admin",
		"rtsp://other@127.0.0.1:8554/small": "other",
		"rtsp://127.0.0.2:8554/small":       "",
	} {
		c := onvifCamera(t, "rtsp://admin:s3cret@127.0.0.1/large", func(cfg *Config) {
			var err error
			if cfg.Substream, err = source.ParseAddress(small); err != nil {
				t.Fatal(err)
			}
		})
		if user, _, _ := c.Substream().cfg.Address.Login(); user != want {
			t.Errorf("%s: it logs in as %q, want %q", small, user, want)
		}
	}
}

// TestTheSubstreamGoesWhereItsCameraHasGone: it is looked for too where nobody watches the
// large stream, and leaves an address that the camera itself has left.
func TestTheSubstreamGoesWhereItsCameraHasGone(t *testing.T) {
	const before, after = "127.0.0.1:1", "127.0.0.1:2"
	c := onvifCamera(t, "onvif://"+before, func(cfg *Config) {
		cfg.Find = func(context.Context, Identity) (string, bool) { return after, true }
	})
	at := func(s stream) stream {
		s.address = s.address.At(before)
		return s
	}
	c.device.streams = []stream{at(offer("main", "H264", 1920, 1080)), at(offer("sub", "H264", 640, 360))}
	sub := c.Substream()
	if sub == nil {
		t.Fatal("it has none")
	}
	if _, err := sub.dial(within(t, 40*time.Second), before); !errors.Is(err, errMoved) {
		t.Errorf("nobody watches the large stream: %v", err)
	}
	if host := c.device.serviceHost(); host != after {
		t.Errorf("the camera is looked for at %s", host)
	}
	if _, err := sub.dial(within(t, 40*time.Second), before); !errors.Is(err, errMoved) {
		t.Errorf("the camera has gone: %v", err)
	}
}
