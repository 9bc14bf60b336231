package e2e

import (
	"strings"
	"testing"
	"time"

	"camgate/camera"
	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
)

// slack is what a loaded machine may add to a promise.
const slack = 1500 * time.Millisecond

// gop is the distance of the small camera's key frames.
const gop = time.Second

func TestPictureComesAndIsNew(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	v := s.watch("/mjpeg/cam1?width=160")
	first, took := v.live(5 * time.Second)
	t.Logf("first picture after %v", took)
	n, _ := first.frame()
	if at, ok := cam.SentAt(n); !ok || first.at.Sub(at) > slack {
		t.Errorf("frame %d was sent at %v and seen at %v", n, at, first.at)
	}
	seen := 0
	v.until("the 25th", patient, func(p part) bool {
		if p.state != "live" || p.sequence <= first.sequence {
			t.Errorf("picture %d is %s, after %d", p.sequence, p.state, first.sequence)
		}
		first = p
		seen++
		return seen == 25
	})
}

// TestViewerSeesCameraAgainAfterReboot is a power cut: everything of the camera gone at
// once, and back later.
func TestViewerSeesCameraAgainAfterReboot(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	const away = 12 * time.Second
	if err := cam.Reboot(0); err != nil { // until Heal: nobody knows how long it takes to see all below
		t.Fatal(err)
	}
	cut := time.Now()
	dimmed, took := v.until("not live", 2*time.Second+slack, func(p part) bool { return p.state != "live" })
	t.Logf("%s after %v", dimmed.state, took)
	if _, readable := dimmed.frame(); readable {
		t.Error("the dimmed picture looks like a live one")
	}
	offline, took := v.state("offline", 5*time.Second+slack)
	t.Logf("offline after %v more", took)
	if !offline.received.Before(dimmed.at) {
		t.Error("a picture of a camera that is away claims to have come after it was missed")
	}
	again, err := v.next(2*time.Second + slack)
	if err != nil || again.state != "offline" {
		t.Fatalf("the next picture is %q, %v: want one a second", again.state, err)
	}
	if st := s.status("cam1"); st.State != "offline" || st.LastError == "" {
		t.Errorf("the API says %q, error %q", st.State, st.LastError)
	}
	v.until("offline for long", patient, func(p part) bool { return p.state == "offline" && time.Since(cut) >= away })
	cam.Heal()
	v.live(2*time.Second + gop + slack)
}

func TestHalfOpenConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	if err := cam.Freeze(0); err != nil {
		t.Fatal(err)
	}
	v.state("stale", 2*time.Second+slack)
	v.state("offline", 4*time.Second+slack)
	cam.Heal()
	v.live(12*time.Second + gop + slack)
}

func TestMuteCameraIsConnectedAgainAndOthersGoOn(t *testing.T) {
	t.Parallel()
	mute, other := camsimStart(t, small("mute")), camsimStart(t, small("other"))
	s := serve(t, config(t, "mute", mute.URL()), config(t, "other", other.URL()))
	v, o := s.watch("/mjpeg/mute"), s.watch("/mjpeg/other")
	v.live(patient)
	o.live(patient)
	o.drain()
	mute.Mute(true)
	before := s.status("other")
	v.state("stale", 2*time.Second+slack)
	v.state("offline", 4*time.Second+slack)
	eventually(t, "a sentence in the API", patient, func() bool {
		return strings.Contains(s.status("mute").LastError, "although the connection is up")
	})
	mute.Mute(false)
	v.live(12*time.Second + gop + slack)
	var after camera.Status
	eventually(t, "the other camera is live", patient, func() bool {
		after = s.status("other")
		return after.State == "live"
	})
	if after.Reconnects != before.Reconnects || after.Damaged != before.Damaged || after.DecodeErrors != 0 {
		t.Errorf("the other camera was disturbed: before %+v, after %+v", before, after)
	}
}

// TestRefusedPasswordIsTriedOnceAMinute counts what a camera that locks accounts counts.
func TestRefusedPasswordIsTriedOnceAMinute(t *testing.T) {
	t.Parallel()
	o := small("door")
	o.Auth, o.User, o.Password = camsim.AuthDigest, "admin", "s3cret/@:word"
	cam := camsimStart(t, o)
	s := serve(t, config(t, "door", cam.URL()))
	v := s.watch("/mjpeg/door")
	v.live(patient)
	cam.Password("another")
	refused, asked := cam.Counts().Refused, time.Now()
	cam.CloseConnections()
	v.state("offline", patient)
	eventually(t, "the reason in the API", patient, func() bool {
		return strings.Contains(s.status("door").LastError, "401")
	})
	tried := cam.Counts().Refused - refused
	// Viewers who come and go must not make the gateway try again.
	for range 3 {
		w := s.watch("/mjpeg/door")
		w.state("offline", patient)
		w.conn.Close()
	}
	v.state("offline", patient)
	now := cam.Counts().Refused - refused
	if minutes := uint64(time.Since(asked) / time.Minute); now > tried*(1+minutes) || tried > 2 { // Digest: one asks, one answers
		t.Errorf("%d requests were refused at once, %d after a while: want one try a minute", tried, now)
	}
	if st := s.status("door"); !strings.Contains(st.LastError, `camera "door"`) || strings.Contains(st.LastError, "s3cret") {
		t.Errorf("the sentence is %q", st.LastError)
	}
	if strings.Contains(s.log.String(), "s3cret") {
		t.Error("the password is in the log")
	}
}

func TestBlockedUDPFallsBackToTCPAndIsRemembered(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	cam.UDPNowhere(true)
	cfg := config(t, "cam1", cam.URL())
	cfg.Source.Transport = "auto"
	s := serve(t, cfg)
	v := s.watch("/mjpeg/cam1")
	_, took := v.live(5*time.Second + gop + slack)
	t.Logf("first picture after %v", took)
	if got := s.status("cam1").Transport; got != "tcp" {
		t.Errorf("transport is %q", got)
	}
	tried := cam.Counts().OverUDP
	if tried == 0 {
		t.Error("UDP was not tried")
	}
	cam.CloseConnections()
	v.until("not live", patient, func(p part) bool { return p.state != "live" })
	v.live(2*time.Second + gop + slack)
	if again := cam.Counts().OverUDP - tried; again > 0 {
		t.Errorf("UDP was tried again, %d times", again)
	}
}

func TestUDPIsTakenWhereItWorks(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	cfg := config(t, "cam1", cam.URL())
	cfg.Source.Transport = "auto"
	s := serve(t, cfg)
	s.watch("/mjpeg/cam1").live(patient)
	if got := s.status("cam1").Transport; got != "udp" {
		t.Errorf("transport is %q", got)
	}
}

// TestLossIsNeverShownAsLive reads every live picture's stamp: what can be read is whole.
func TestLossIsNeverShownAsLive(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*camsim.Camera)
		lossy bool
	}{
		{"1 percent", func(c *camsim.Camera) { c.Drop(1) }, true},
		{"5 percent", func(c *camsim.Camera) { c.Drop(5) }, true},
		{"20 percent", func(c *camsim.Camera) { c.Drop(20) }, true},
		{"out of order", func(c *camsim.Camera) { c.Reorder(5) }, false},
		{"late by up to 200 ms", func(c *camsim.Camera) { c.Jitter(200 * time.Millisecond) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cam := camsimStart(t, small("cam1"))
			cfg := config(t, "cam1", cam.URL())
			cfg.Source.Transport = "udp"
			s := serve(t, cfg)
			v := s.watch("/mjpeg/cam1")
			v.live(patient)
			c.fault(cam)
			before, fault := s.status("cam1"), time.Now()
			counted := func() bool {
				st := s.status("cam1")
				return st.PacketsLost > before.PacketsLost && st.Damaged > before.Damaged
			}
			live, unreadable := 0, 0
			// A camera that is held up has sent less by then, perhaps nothing that was lost.
			for time.Since(fault) < 6*time.Second || c.lossy && time.Since(fault) < patient && !counted() {
				p, err := v.next(patient)
				if err != nil {
					t.Fatalf("the viewer's connection: %v", err)
				}
				if p.state != "live" {
					continue
				}
				live++
				if _, ok := p.frame(); !ok {
					unreadable++
				}
			}
			if unreadable > 0 {
				t.Errorf("%d of %d live pictures are broken", unreadable, live)
			}
			st := s.status("cam1")
			t.Logf("%d live pictures, %d packets lost, %d access units not shown", live, st.PacketsLost, st.Damaged)
			if c.lossy && !counted() {
				t.Errorf("nothing was counted: %+v", st)
			}
			// How many come in a time is the machine's affair, which of them are shown is not.
			received, damaged := st.Received-before.Received, st.Damaged-before.Damaged
			if !c.lossy && (live == 0 || 4*damaged > received) {
				t.Errorf("%d live pictures, and %d of %d not shown, although none was lost", live, damaged, received)
			}
			cam.Heal()
			v.live(12*time.Second + 2*gop + slack)
		})
	}
}

func TestCorruptPicturesDoNoHarm(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*camsim.Camera)
	}{
		{"bits of packets", func(c *camsim.Camera) { c.Corrupt(10) }},
		{"bits of pictures", func(c *camsim.Camera) { c.Mutate(30) }},
		{"random bytes", func(c *camsim.Camera) { c.Junk(camsim.JunkRandom) }},
	} {
		for _, codec := range []media.Codec{media.H264, media.H265, media.MJPEG, media.MPEG4} {
			t.Run(c.name+" "+codec.String(), func(t *testing.T) {
				t.Parallel()
				o := small("cam1")
				o.Video.Codec = codec
				cam := camsimStart(t, o)
				s := serve(t, config(t, "cam1", cam.URL()))
				v := s.watch("/mjpeg/cam1?quality=60")
				v.live(patient)
				c.fault(cam)
				end := time.Now().Add(4 * time.Second)
				for time.Now().Before(end) {
					if _, err := v.next(patient); err != nil {
						t.Fatalf("the viewer's connection: %v", err)
					}
				}
				if n := strings.Count(s.log.String(), "level=WARN"); n > 2 { // one of what it sends, one of the connection
					t.Errorf("%d warnings in 4 s:\n%s", n, s.log.String())
				}
				cam.Heal()
				v.live(12*time.Second + 2*gop + slack)
			})
		}
	}
}

func TestCameraChangesItsPicture(t *testing.T) {
	for _, c := range []struct {
		name string
		to   decoder.VideoEncoderOptions
	}{
		{"another size", decoder.VideoEncoderOptions{Width: 448, Height: 256, FPS: 25, GOP: 25}},
		{"another codec", decoder.VideoEncoderOptions{Codec: media.H265, Width: 320, Height: 192, FPS: 25, GOP: 25}},
		{"another GOP and profile", decoder.VideoEncoderOptions{Width: 320, Height: 192, FPS: 25, GOP: 10, Preset: "ultrafast"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cam := camsimStart(t, small("cam1"))
			s := serve(t, config(t, "cam1", cam.URL()))
			v := s.watch("/mjpeg/cam1")
			v.live(patient)
			if err := cam.Change(c.to); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the API tells the new picture", 5*time.Second, func() bool {
				st := s.status("cam1")
				return st.Width == c.to.Width && (c.to.Codec == 0 || st.Codec == c.to.Codec.String())
			})
			v.live(3*time.Second + 2*gop + slack)
		})
	}
}

// TestManySlices has more slices a picture than gortsplib's decoders put together. (Debian's
// x265 crashes where it is asked for as many; camera/source tests H.265.)
func TestManySlices(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video = decoder.VideoEncoderOptions{Width: 640, Height: 720, FPS: 10, GOP: 10, Slices: 40}
	cam := camsimStart(t, o)
	s := serve(t, config(t, "cam1", cam.URL()))
	s.watch("/mjpeg/cam1?width=320").live(patient)
}

func TestTimestampsAreNotBelieved(t *testing.T) {
	for name, way := range map[string]camsim.Timestamps{
		"jump": camsim.TimestampsJump, "wrap": camsim.TimestampsWrap, "stop": camsim.TimestampsStop, "run back": camsim.TimestampsBackward,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cam := camsimStart(t, small("cam1"))
			s := serve(t, config(t, "cam1", cam.URL()))
			v := s.watch("/mjpeg/cam1")
			v.live(patient)
			cam.Timestamps(way)
			before, sent := s.status("cam1"), cam.Counts().Sent
			seen, began := 0, time.Now()
			v.until("the 75th", patient, func(p part) bool {
				if p.state == "live" && time.Since(p.received) < slack {
					seen++
				}
				return seen == 75
			})
			// Whoever waits for the camera's time falls behind what it sends.
			sent = cam.Counts().Sent - sent
			t.Logf("75 pictures of %d in %v", sent, time.Since(began))
			if sent > 2*75+25 {
				t.Errorf("75 pictures were seen of %d", sent)
			}
			if after := s.status("cam1"); after.Reconnects != before.Reconnects {
				t.Errorf("connected again %d times", after.Reconnects-before.Reconnects)
			}
		})
	}
}

// TestNightCameraStaysConnected slows a camera down to one picture in ten seconds.
func TestNightCameraStaysConnected(t *testing.T) {
	t.Parallel()
	o := small("cam1")
	o.Video.GOP = 1 // as a camera that begins each session with a key frame
	cam := camsimStart(t, o)
	s := serve(t, config(t, "cam1", cam.URL()))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	cam.Slow(0.1)
	v.state("stale", 12*time.Second)
	v.state("live", patient) // once it may be connected to again
	before := s.status("cam1").Reconnects
	var states []string
	for began := time.Now(); time.Since(began) < 25*time.Second; {
		p, err := v.next(patient)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, p.state)
	}
	if after := s.status("cam1").Reconnects; after != before {
		t.Errorf("connected again %d times: %v", after-before, states)
	}
}

func TestForgedSizeIsRefused(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	v := s.watch("/mjpeg/cam1")
	v.live(patient)
	cam.Junk(camsim.JunkHugeSPS)
	eventually(t, "a sentence that names the size", patient, func() bool {
		return strings.Contains(s.status("cam1").LastError, "16384 × 16384")
	})
	cam.Heal()
	v.live(12*time.Second + 2*gop + slack)
}
