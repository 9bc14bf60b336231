package camsim

import (
	"bytes"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"camgate/decoder"
	"camgate/media"
)

const tcp, udp = gortsplib.TransportTCP, gortsplib.TransportUDP

func TestMuteStopsPicturesAndNothingElse(t *testing.T) {
	camera := start(t, small())
	c := dial(t, camera.URL(), tcp)
	c.picture()
	camera.Mute(true)
	c.silent(300 * time.Millisecond)
	if _, err := tryDial(t, camera.URL(), tcp); err != nil {
		t.Errorf("RTSP does not answer: %v", err)
	}
	camera.Mute(false)
	c.picture()
}

func TestUDPNowhereTakesTheSessionAndSendsNothing(t *testing.T) {
	camera := start(t, small())
	camera.UDPNowhere(true)
	over := dial(t, camera.URL(), udp)
	dial(t, camera.URL(), tcp).picture()
	over.silent(200 * time.Millisecond)
	camera.UDPNowhere(false)
	dial(t, camera.URL(), udp).picture()
}

func TestCloseConnectionsEndsSessionsAndTakesNewOnes(t *testing.T) {
	camera := start(t, small())
	for _, transport := range []gortsplib.Transport{tcp, udp} {
		c := dial(t, camera.URL(), transport)
		c.picture()
		camera.CloseConnections()
		c.gone()
		eventually(t, "nobody plays", func() bool { return camera.Counts().Playing == 0 })
	}
	dial(t, camera.URL(), tcp).picture()
}

func TestRefuseShutsThePortForAWhile(t *testing.T) {
	camera := start(t, small())
	c := dial(t, camera.URL(), tcp)
	c.picture()
	const while = 300 * time.Millisecond
	began := time.Now()
	if err := camera.Refuse(while); err != nil {
		t.Fatal(err)
	}
	if open := !refused(camera); open && time.Since(began) < while { // a later look may be too late
		t.Error("the port is open")
	}
	c.picture() // who is connected stays
	eventually(t, "the port opens again", func() bool { return !refused(camera) })
	dial(t, camera.URL(), tcp).picture()
	if err := camera.Refuse(0); err != nil {
		t.Fatal(err)
	}
	if !refused(camera) {
		t.Error("the port is open")
	}
	camera.Heal()
	dial(t, camera.URL(), tcp).picture()
}

func TestRebootComesBackOnTheSamePort(t *testing.T) {
	camera := start(t, small())
	for range 10 {
		c := dial(t, camera.URL(), tcp)
		c.picture()
		if err := camera.Reboot(20 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		c.gone()
		eventually(t, "the camera is back", func() bool { return camera.current.Load() == nil })
		dial(t, camera.URL(), tcp).picture()
	}
}

func TestFreezeLeavesSocketsOpenAndAnswersNothing(t *testing.T) {
	camera := start(t, small())
	c := dial(t, camera.URL(), tcp)
	c.picture()
	if err := camera.Freeze(0); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := tryDial(t, camera.URL(), tcp) // connects, as the system takes it, and waits
		answered <- err
	}()
	c.silent(300 * time.Millisecond)
	select {
	case err := <-c.ended:
		t.Errorf("the session ended: %v", err)
	case err := <-answered:
		t.Errorf("a new client got an answer: %v", err)
	default:
	}
	camera.Heal()
	c.picture()
	if err := <-answered; err != nil {
		t.Errorf("after the freeze: %v", err)
	}
}

func TestCameraClosesWhileAnOutageLasts(t *testing.T) {
	for _, fault := range []func(*Camera) error{
		func(c *Camera) error { return c.Freeze(0) }, func(c *Camera) error { return c.Refuse(0) }, func(c *Camera) error { return c.Reboot(0) },
	} {
		camera := start(t, small())
		c := dial(t, camera.URL(), tcp)
		c.picture()
		if err := fault(camera); err != nil {
			t.Fatal(err)
		}
		camera.Close()
		c.gone()
		if err := fault(camera); err == nil {
			t.Error("an outage of a closed camera")
		}
	}
}

func TestWrongPasswordIsRefusedAndCounted(t *testing.T) {
	for _, auth := range []Auth{AuthBasic, AuthDigest, AuthBoth} {
		o := small()
		o.Auth, o.User, o.Password = auth, "admin", "first"
		camera := start(t, o)
		before := camera.URL()
		dial(t, before, tcp).picture()
		if camera.Counts().Refused != 0 {
			t.Error("the right password counts as refused")
		}
		camera.Password("second")
		if _, err := tryDial(t, before, tcp); err == nil {
			t.Error("the old password is good")
		}
		if n := camera.Counts().Refused; n != 1 {
			t.Errorf("%d requests were refused, want 1", n)
		}
		dial(t, camera.URL(), tcp).picture()
	}
}

func TestDropLosesItsShareOfPackets(t *testing.T) {
	camera := start(t, Options{Video: decoder.VideoEncoderOptions{Width: 640, Height: 360, FPS: 100, GOP: 10, Bitrate: 8e6}, ClipFrames: 10, Seed: 7})
	camera.Drop(20)
	c := dial(t, camera.URL(), tcp)
	first := c.packet()
	got, last := 1, first
	for last.SequenceNumber-first.SequenceNumber < 400 {
		last = c.packet()
		got++
	}
	if sent := int(last.SequenceNumber-first.SequenceNumber) + 1; got < sent*70/100 || got > sent*90/100 {
		t.Errorf("%d of %d packets came, want about 80 %%", got, sent)
	}
}

func TestReorderSwapsPackets(t *testing.T) {
	camera := start(t, small())
	camera.Reorder(30)
	c := dial(t, camera.URL(), tcp)
	swapped := 0
	for last, n := c.packet(), 0; n < 100; n++ {
		next := c.packet()
		if int16(next.SequenceNumber-last.SequenceNumber) < 0 {
			swapped++
		}
		last = next
	}
	if swapped < 5 {
		t.Errorf("%d of 100 packets came behind their successors, want about 20", swapped)
	}
}

func TestCorruptFlipsBitsOfThePayloadOnTheWireOnly(t *testing.T) {
	camera := start(t, small())
	clean := camera.film.(*clip)
	var before [][]byte
	for _, s := range clean.shots {
		before = append(before, append([]byte(nil), s.au.Bytes()...))
	}
	intact := func(au [][]byte) bool {
		for _, b := range before {
			stream, _ := media.AnnexB(au)
			if bytes.Equal(stream, b) {
				return true
			}
		}
		return false
	}
	c := dial(t, camera.URL(), tcp)
	if !intact(c.unit()) {
		t.Error("the first picture is damaged before the fault")
	}
	for name, fault := range map[string]func(float64){"Corrupt": camera.Corrupt, "Mutate": camera.Mutate} {
		fault(100)
		eventually(t, name+" damages a picture", func() bool { return !intact(c.unit()) })
		fault(0)
		eventually(t, "pictures are whole again after "+name, func() bool { return intact(c.unit()) })
	}
	for i, s := range clean.shots {
		if !bytes.Equal(s.au.Bytes(), before[i]) {
			t.Errorf("picture %d of the clip itself is damaged", i)
		}
	}
}

func TestJunk(t *testing.T) {
	camera := start(t, small())
	c := dial(t, camera.URL(), tcp)
	c.unit()
	camera.Junk(JunkHugeSPS)
	eventually(t, "an SPS of 16384×16384", func() bool {
		for _, nalu := range c.unit() {
			var sps h264.SPS
			if nalu[0]&31 == 7 && sps.Unmarshal(nalu) == nil && sps.Width() == 16384 && sps.Height() == 16384 {
				return true
			}
		}
		return false
	})
	if bytes.Contains(hugeSPS(), []byte{0, 0, 0}) || bytes.Contains(hugeSPS(), []byte{0, 0, 1}) {
		t.Error("the SPS holds a start code")
	}
	camera.Junk(JunkRandom)
	kinds := map[byte]bool{}
	eventually(t, "20 kinds of payload in packets of random bytes", func() bool { // behind those on their way
		if p := c.packet(); len(p.Payload) > 0 {
			kinds[p.Payload[0]] = true
		}
		return len(kinds) >= 20
	})
}

func TestSlowAndBack(t *testing.T) {
	camera := start(t, small())
	c := dial(t, camera.URL(), tcp)
	c.picture()
	camera.Slow(0.1)
	c.silent(500 * time.Millisecond)
	camera.Slow(0)
	first := c.picture()
	for range 4 {
		c.picture()
	}
	if gap := c.picture().Timestamp - first.Timestamp; gap < clockRate/25*4 || gap > 10*clockRate { // ten seconds are between two of the slow ones
		t.Errorf("five pictures took %d ticks, want %d", gap, clockRate/25*5)
	}
}

func TestJitterHoldsPicturesBackInOrder(t *testing.T) {
	camera := start(t, small())
	camera.Jitter(100 * time.Millisecond)
	c := dial(t, camera.URL(), tcp)
	last, longest := time.Now(), time.Duration(0)
	sequence := c.packet().SequenceNumber
	for range 30 {
		p := c.picture()
		if int16(p.SequenceNumber-sequence) < 0 {
			t.Fatal("pictures changed places")
		}
		sequence = p.SequenceNumber
		longest, last = max(longest, time.Since(last)), time.Now()
	}
	if longest < 60*time.Millisecond {
		t.Errorf("the longest pause was %v, want up to 100 ms more than 40 ms", longest)
	}
}

func TestTimestamps(t *testing.T) {
	camera := start(t, small())
	c := dial(t, camera.URL(), tcp)
	after := func(way Timestamps, what string, ok func(gap int32, last, next *rtp.Packet) bool) {
		t.Helper()
		last := c.picture()
		camera.Timestamps(way)
		eventually(t, what, func() bool {
			next := c.picture()
			defer func() { last = next }()
			return ok(int32(next.Timestamp-last.Timestamp), last, next)
		})
	}
	after(TimestampsJump, "a jump of an hour", func(gap int32, _, _ *rtp.Packet) bool { return gap > 3590*clockRate && gap < 3610*clockRate })
	after(TimestampsStop, "the same again", func(gap int32, _, _ *rtp.Packet) bool { return gap == 0 })
	after(TimestampsBackward, "an earlier one", func(gap int32, _, _ *rtp.Packet) bool { return gap < 0 && gap > -clockRate })
	after(TimestampsRight, "right again", func(gap int32, _, _ *rtp.Packet) bool { return gap == clockRate/25 })
	after(TimestampsWrap, "a wrap", func(gap int32, last, next *rtp.Packet) bool { // which comes once, also to a camera that is late
		return gap > 0 && last.Timestamp > 1<<31 && next.Timestamp < 1<<20
	})
}

func TestSizeChangesInMidStream(t *testing.T) {
	for _, mode := range []Mode{Clip, Live} {
		o := small()
		o.Mode = mode
		camera := start(t, o)
		c := dial(t, camera.URL(), tcp)
		c.picture()
		video := camera.Video()
		video.Width, video.Height, video.Bitrate = 480, 272, 0
		if err := camera.Change(video); err != nil {
			t.Fatal(err)
		}
		eventually(t, "an SPS of the new size on the same connection", func() bool {
			for _, nalu := range c.unit() {
				var sps h264.SPS
				if nalu[0]&31 == 7 && sps.Unmarshal(nalu) == nil && sps.Width() == 480 && sps.Height() == 272 {
					return true
				}
			}
			return false
		})
		video.Codec = media.MPEG4
		if err := camera.Change(video); err != nil {
			t.Fatal(err)
		}
		c.gone() // another codec needs another description
		frames(t, camera.URL(), "tcp", 12, 480, 272)
		video.Width = 3
		if err := camera.Change(video); err == nil {
			t.Error("a width of 3 was accepted")
		}
	}
}

func TestManySlicesAPicture(t *testing.T) {
	o := small()
	o.Video.Width, o.Video.Height, o.Video.Slices = 640, 480, 30
	camera := start(t, o)
	frames(t, camera.URL(), "tcp", 3, 640, 480)
	for _, s := range camera.film.(*clip).shots {
		if len(s.au.NALUs) < 30 {
			t.Fatalf("a picture of %d NAL units, want 30", len(s.au.NALUs))
		}
	}
}

func TestLiveCameraRestsWhileNobodyWatches(t *testing.T) {
	o := small()
	o.Mode = Live
	camera := start(t, o)
	asleep := func() bool {
		camera.mu.Lock()
		defer camera.mu.Unlock()
		return camera.film.(*live).asleep
	}
	for range 5 {
		eventually(t, "nothing is drawn for nobody", asleep)
		c := dial(t, camera.URL(), tcp)
		if au := c.unit(); len(au) < 3 || au[0][0]&31 != 7 {
			t.Errorf("the first picture after a rest is no key frame: %d NAL units", len(au))
		}
		c.close()
	}
}

func TestOnSentTellsEachPicture(t *testing.T) {
	camera := start(t, small())
	sent := make(chan uint32, 1000)
	camera.OnSent(func(n uint32, at time.Time) {
		if known, ok := camera.SentAt(n); !ok || !known.Equal(at) {
			t.Errorf("picture %d was sent at %v, but SentAt says %v, %v", n, at, known, ok)
		}
		select {
		case sent <- n:
		default:
		}
	})
	c := dial(t, camera.URL(), tcp)
	for range 25 {
		c.picture()
	}
	camera.OnSent(nil)
	for first := <-sent; len(sent) > 0; {
		next := <-sent
		if next != (first+1)%20 {
			t.Errorf("picture %d was sent after %d", next, first)
		}
		first = next
	}
}
