package webrtc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
	"camgate/media"
	"camgate/testnet"
)

func TestViewerBeginsAtTheCachedKeyFrameAndCatchesUp(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 50_000)
	for range 49 { // small: all must fit into the kernel's buffer of a client that is held up, and is sent nothing twice
		cam.bring(false, 300)
	}
	g := serve(t, Options{}, cam)
	// The quickest of several: a busy machine is late now and then, a slow gateway each time.
	begins, caughtUp := time.Hour, time.Hour
	for tries := 0; tries < 5 && (begins > 150*time.Millisecond || caughtUp > time.Second); tries++ {
		c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
		c.play(g.url + "cam1")
		connected := time.Now()
		frames := 0
		var last uint32
		for n := 0; frames < 50; n++ {
			p := c.next()
			if n == 0 && p.Payload[0] != 0x67 {
				t.Fatalf("it begins with a NAL unit of type %d, not with a sequence parameter set", p.Payload[0]&0x1f)
			}
			if !p.Marker {
				continue
			}
			frames++
			if frames == 1 {
				begins = min(begins, time.Since(connected))
			}
			if frames > 1 && int32(p.Timestamp-last) <= 0 {
				t.Fatal("time does not grow")
			}
			last = p.Timestamp
		}
		caughtUp = min(caughtUp, time.Since(connected))
	}
	if begins > 150*time.Millisecond {
		t.Errorf("the key frame comes after %v", begins)
	}
	if caughtUp > time.Second {
		t.Errorf("catching up takes %v", caughtUp)
	}
}

// TestCatchingUpEnds simulates cameras of many rates, and a viewer who begins at a key
// frame of up to two seconds ago.
func TestCatchingUpEnds(t *testing.T) {
	for _, fps := range []int{5, 25, 30, 50, 60} {
		for _, cached := range []int{1, fewBehind, fps / 4, fps, 2 * fps} {
			f, now := &feed{}, time.Now()
			began := now
			came := func() int { return cached + int(now.Sub(began)*time.Duration(fps)/time.Second) }
			sent := 0
			for behind := cached; behind > 0 && sent < 1000; {
				sent++
				behind = came() - sent
				f.pace(behind, now)
				if f.catching {
					now = now.Add(f.step)
				} else {
					break
				}
			}
			if d := now.Sub(began); sent == 1000 || d > 2*catchUp {
				t.Errorf("%d pictures a second, %d cached: after %v and %d pictures it is still behind", fps, cached, d, sent)
			}
		}
	}
}

func TestPictureIsSentAgainFromTheCacheOnRequest(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 3000)
	cam.bring(false, 300)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	var ssrc uint32
	for range 6 {
		ssrc = c.next().SSRC
	}
	drain(c)
	eventually(t, "the key frame comes again", patient, func() bool {
		if err := c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
			t.Fatal(err)
		}
		select {
		case p := <-c.packets:
			return p.Payload[0] == sps[0]
		default:
			return false
		}
	})
	began := time.Now()
	cam.mu.Lock()
	restarts := cam.restarts
	cam.mu.Unlock()
	one := onlySession(g)
	for range 100 { // a storm of them
		one.heard([]rtcp.Packet{&rtcp.FullIntraRequest{MediaSSRC: ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc}}}}, true, time.Now())
	}
	cam.bring(false, 300)
	for p := c.next(); p.Payload[0] != 0x41; p = c.next() {
	}
	cam.mu.Lock()
	defer cam.mu.Unlock()
	// One may have been about to begin before, and a busy machine may take longer for them all
	// than the pause between two.
	if took := time.Since(began); cam.restarts-restarts > 2+int(took/(500*time.Millisecond)) {
		t.Errorf("100 requests made it begin anew %d times within %v", cam.restarts-restarts, took)
	}
}

func TestLostPacketIsSentAgainAsItWas(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 30_000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	var all []*rtp.Packet
	for {
		p := c.next()
		all = append(all, p)
		if p.Marker {
			break
		}
	}
	// The client's replay protection drops what it has; so the server forgets its number
	// with it: what it writes is looked at where it is written.
	one := onlySession(g)
	lost := all[5]
	var written [][]byte
	one.videoTrack.mu.Lock()
	writer := one.videoTrack.writer
	one.videoTrack.writer = recorder{func(h *rtp.Header, payload []byte) {
		b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
		if err != nil {
			t.Error(err)
		}
		written = append(written, b)
	}}
	one.videoTrack.mu.Unlock()
	nack := &rtcp.TransportLayerNack{MediaSSRC: lost.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost.SequenceNumber})}
	one.heard([]rtcp.Packet{nack, nack}, true, time.Now())
	one.videoTrack.mu.Lock()
	one.videoTrack.writer = writer
	one.videoTrack.mu.Unlock()
	if len(written) != 1 {
		t.Fatalf("it was sent %d times again", len(written))
	}
	want, err := lost.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written[0], want) {
		t.Error("it is another packet under the same number")
	}
	// And the stream goes on where it was.
	cam.bring(false, 100)
	if p := c.next(); p.SequenceNumber != all[len(all)-1].SequenceNumber+1 {
		t.Errorf("after %d comes %d", all[len(all)-1].SequenceNumber, p.SequenceNumber)
	}
}

// TestPacketIsSentAgainUnderItsOwnNumbers: a cipher must not see the same packet number with other
// contents, and packets that are too old to be kept share their place with newer ones.
func TestPacketIsSentAgainUnderItsOwnNumbers(t *testing.T) {
	var out [][]byte
	track := newTrack(pion.RTPCodecTypeVideo, "video", &link{})
	track.header = rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 65000, SSRC: 7}
	if err := track.header.SetExtension(3, track.counter[:]); err != nil {
		t.Fatal(err)
	}
	track.numbers = true
	track.writer = recorder{func(h *rtp.Header, payload []byte) {
		b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
		if err != nil {
			t.Error(err)
		}
		out = append(out, b)
	}}
	for n := range byte(10) {
		if err := track.send([][]byte{{n, 1}, {n, 2}}, uint32(n)*3000, true); err != nil {
			t.Fatal(err)
		}
	}
	sent := len(out)
	if n := track.resend(rtcp.NackPairsFromSequenceNumbers([]uint16{65004, 65013}), 0); n != 2 {
		t.Fatalf("%d packets are sent again", n)
	}
	for i, before := range []int{4, 13} {
		if !bytes.Equal(out[sent+i], out[before]) {
			t.Errorf("packet %d is another when it is sent again: %x, %x", before, out[before], out[sent+i])
		}
	}
	if n := track.resend(rtcp.NackPairsFromSequenceNumbers([]uint16{65004 - historySize, 65020}), 0); n != 0 {
		t.Errorf("%d packets are sent that were not asked for", n)
	}
	if err := track.send([][]byte{{99}}, 99, true); err != nil {
		t.Fatal(err)
	}
	var last, again rtp.Packet
	if err := last.Unmarshal(out[len(out)-1]); err != nil {
		t.Fatal(err)
	}
	if err := again.Unmarshal(out[sent-1]); err != nil || last.SequenceNumber != again.SequenceNumber+1 || last.GetExtension(3)[1] != again.GetExtension(3)[1]+1 {
		t.Errorf("after %v comes %v, %v", again.Header, last.Header, err)
	}
}

type recorder struct {
	write func(*rtp.Header, []byte)
}

func (r recorder) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	r.write(h, payload)
	return len(payload), nil
}

func (r recorder) Write([]byte) (int, error) { return 0, nil }

func onlySession(g *gate) *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.sessions {
		return one
	}
	return nil
}

// TestNarrowLinkGetsTheSmallerStream: and key frames alone where there is none, and all
// again later; and nobody else notices.
func TestNarrowLinkGetsTheSmallerStream(t *testing.T) {
	for _, smaller := range []bool{true, false} {
		t.Run(fmt.Sprintf("smaller=%v", smaller), func(t *testing.T) {
			cam := newFake("cam1", media.H264)
			if smaller {
				cam.sub = newFake("cam1", media.H264)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var filming sync.WaitGroup
			filming.Go(func() { cam.film(ctx, 20*time.Millisecond, 50, 20_000, 5000) }) // 250 KB/s and more
			if smaller {
				filming.Go(func() { cam.sub.film(ctx, 20*time.Millisecond, 50, 2000, 500) })
			}
			defer filming.Wait()
			defer cancel()
			g := serve(t, Options{}, cam)
			good := browseFully(t).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
			proxy := newRelay(t, g)
			c := browseFully(t).receive(pion.RTPCodecTypeVideo)
			c.start(g.url+"cam1", proxy)
			c.connects()
			c.next()
			var one *session
			g.mu.Lock()
			for _, s := range g.sessions {
				if strings.HasSuffix(c.location.Path, s.id) {
					one = s
				}
			}
			g.mu.Unlock()
			proxy.limit(60_000)
			said := func(text string) bool { return strings.Contains(g.log.String(), text) }
			if smaller {
				// For a while: then all is tried again, and again.
				eventually(t, "the smaller stream is sent, and the viewer told so", patient, func() bool {
					return sendsSmaller(one) && one.state().Stream == "sub"
				})
			} else {
				eventually(t, "key frames alone are sent", patient, func() bool { return said("key frames") })
			}
			drain(good)
			for n := 0; n < 100; n++ {
				good.next() // the other viewer's go on
			}
			proxy.limit(0)
			eventually(t, "all is sent again", g.patience.rest+patient, func() bool { return said("gets more pictures again") })
			if smaller {
				eventually(t, "of the camera's stream", patient, func() bool {
					one.mu.Lock()
					defer one.mu.Unlock()
					return !one.substream
				})
			}
		})
	}
}

// TestGoodLinkNeedsNoSmallerStream: asking for it makes a camera of its own of it.
func TestGoodLinkNeedsNoSmallerStream(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.sub = newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	var filming sync.WaitGroup
	filming.Go(func() { cam.film(ctx, 20*time.Millisecond, 50, 1000, 1000) })
	defer filming.Wait()
	defer cancel()
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	for range 10 {
		c.next()
	}
	cam.mu.Lock()
	defer cam.mu.Unlock()
	if cam.smaller > 0 {
		t.Errorf("it was asked for %d times", cam.smaller)
	}
}

// overload has a session find its link overloaded.
func overload(one *session) {
	one.link.mu.Lock()
	defer one.link.mu.Unlock()
	one.link.overloaded = true
}

// longRest is the patience of tests that look at what is so until all is sent again: they may be
// held up meanwhile.
func longRest() patience {
	p := defaultPatience
	p.rest = 6 * time.Second
	return p
}

// wasGoneTo says whether a session has ever gone over to a stream, which it begins anew then.
func (f *fakeCamera) wasGoneTo() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.restarts > 0
}

func sendsSmaller(one *session) bool {
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.substream
}

// TestSmallerStreamThatFallsSilentIsLeft: the camera's own stream may go on.
func TestSmallerStreamThatFallsSilentIsLeft(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.sub = newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	var filming sync.WaitGroup
	filming.Go(func() { cam.film(ctx, 20*time.Millisecond, 50, 2000, 500) })
	defer filming.Wait()
	defer cancel()
	cam.sub.bring(true, 2000) // and no other
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	c.next()
	one := onlySession(g)
	overload(one)
	eventually(t, "the smaller stream has been sent", patient, cam.sub.wasGoneTo)
	eventually(t, "the camera's stream is sent again", g.patience.rest+patient, func() bool { return !sendsSmaller(one) })
	drain(c)
	c.next()
}

// TestKeyFrameIsAskedForWhenAllPicturesAreSentAgain: they begin with one, and the camera may
// send none for a minute.
func TestKeyFrameIsAskedForWhenAllPicturesAreSentAgain(t *testing.T) {
	cam := newFake("cam1", media.H264)
	f := &feed{session: &session{camera: cam, link: &link{}, log: slog.New(slog.DiscardHandler)}}
	now := time.Now()
	f.throttle = throttle{first: time.Second, level: keysOnly, since: now, rest: time.Second}
	f.adapt(now)
	if cam.keysAsk != 0 {
		t.Error("the camera is asked for one too early")
	}
	f.adapt(now.Add(2 * time.Second))
	if f.sparing() || cam.keysAsk != 1 {
		t.Errorf("the camera was asked for %d, with %v sent", cam.keysAsk, f.throttle.level)
	}
}

// written has a track write to a test.
func written(write func(payload []byte)) *track {
	t := newTrack(pion.RTPCodecTypeVideo, "video", &link{})
	t.writer = recorder{func(_ *rtp.Header, payload []byte) { write(payload) }}
	return t
}

// TestKeyFramesAloneAreSentOverAPoorLink, and after them nothing that begins in their middle.
func TestKeyFramesAloneAreSentOverAPoorLink(t *testing.T) {
	cam := newFake("cam1", media.H264)
	sent := ""
	one := &session{camera: cam, link: &link{}, log: slog.New(slog.DiscardHandler)}
	one.videoTrack = written(func(payload []byte) {
		switch payload[0] & 0x1f {
		case 5:
			sent += "key "
		case 1:
			sent += "other "
		}
	})
	now := time.Now()
	f := &feed{session: one, packer: &packer{}, reportedAt: now.Add(time.Hour), throttle: throttle{first: time.Hour}}
	for i, key := range []bool{true, false, false, true, false, true, false, true, false} {
		switch i {
		case 2:
			f.throttle.level, f.throttle.since, f.throttle.rest = keysOnly, now, time.Hour
		case 6: // in the middle of what depends on pictures that were not sent
			f.throttle.level = everything
		}
		if err := f.take(camera.Packet{AccessUnit: cam.bring(key, 100)}); err != nil {
			t.Fatal(err)
		}
	}
	// Of the last key frame before all is sent again, the next picture is whole; those before are left out.
	if want := "key other key key other key other "; sent != want {
		t.Errorf("%q is sent, want %q", sent, want)
	}
}

// TestNothingIsSentAfterAGapBeforeTheNextKeyFrame: the decoder would smear it.
func TestNothingIsSentAfterAGapBeforeTheNextKeyFrame(t *testing.T) {
	cam := newFake("cam1", media.H264)
	sent := 0
	one := &session{camera: cam, link: &link{}, log: slog.New(slog.DiscardHandler)}
	one.videoTrack = written(func([]byte) { sent++ })
	f := &feed{session: one, packer: &packer{}, reportedAt: time.Now().Add(time.Hour)}
	for _, p := range []struct{ key, skipped, goes bool }{{true, false, true}, {false, false, true}, {false, true, false}, {false, false, false}, {true, false, true}, {false, false, true}} {
		before := sent
		if err := f.take(camera.Packet{AccessUnit: cam.bring(p.key, 100), Skipped: p.skipped}); err != nil {
			t.Fatal(err)
		}
		if (sent > before) != p.goes {
			t.Errorf("%+v: %d packets are sent", p, sent-before)
		}
	}
}

// TestViewerGoesOnWhenTheCameraChangesItsFormat, in the same session, and with the same reader's place.
func TestViewerGoesOnWhenTheCameraChangesItsFormat(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 100)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	c.next()
	cam.reformat()
	cam.bring(true, 4000)
	for n := 0; n < 3000; { // all of the new one's key frame
		n += len(c.next().Payload)
	}
	if g.Sessions() != 1 || cam.read() != 1 {
		t.Errorf("%d sessions, %d readers", g.Sessions(), cam.read())
	}
}

// TestSenderReportsCome: by them a browser plays sound and picture together.
func TestSenderReportsCome(t *testing.T) {
	cam := newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	var filming sync.WaitGroup
	filming.Go(func() { cam.film(ctx, 20*time.Millisecond, 50, 1000, 1000) })
	defer filming.Wait()
	defer cancel()
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	ssrc := c.next().SSRC
	receiver := c.pc.GetReceivers()[0]
	if err := receiver.SetReadDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	for {
		all, _, err := receiver.ReadRTCP()
		if err != nil {
			t.Fatalf("no sender report: %v", err)
		}
		for _, one := range all {
			if r, ok := one.(*rtcp.SenderReport); ok {
				off := time.Duration(r.NTPTime>>32)*time.Second - time.Duration(time.Now().Unix()+2208988800)*time.Second
				if r.SSRC != ssrc || r.PacketCount == 0 || off.Abs() > time.Minute {
					t.Errorf("%+v", r)
				}
				return
			}
		}
	}
}

// TestStreamThatOpensAsTheSessionEndsIsClosed: nobody else would.
func TestStreamThatOpensAsTheSessionEndsIsClosed(t *testing.T) {
	cam := newFake("cam1", media.H264)
	one := &session{camera: cam, opened: make(chan opened, 1), log: slog.New(slog.DiscardHandler)}
	one.ctx, one.cancel = context.WithCancelCause(t.Context())
	late := opened{sound: &fakeSound{closed: make(chan struct{})}}
	late.pictures, _ = cam.packets(camera.PacketOptions{}, "")
	one.opened <- late
	one.close(errGone)
	if cam.read() != 0 {
		t.Error("its pictures are still read")
	}
	select {
	case <-late.sound.(*fakeSound).closed:
	default:
		t.Error("its sound is still read")
	}
}

// TestSmallerStreamThatDidNotOpenIsTriedAgain: a session lasts for months.
func TestSmallerStreamThatDidNotOpenIsTriedAgain(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.sub = newFake("cam1", media.H264)
	f := &feed{session: &session{camera: cam, log: slog.New(slog.DiscardHandler)}}
	f.throttle.level = smaller
	f.change(opened{substream: true, err: context.DeadlineExceeded})
	if f.throttle.level != keysOnly || f.hasSmaller(time.Now()) {
		t.Errorf("at once it is gone to again, with %v sent", f.throttle.level)
	}
	if !f.hasSmaller(time.Now().Add(2 * mostRest)) {
		t.Error("it is never gone to again")
	}
}

// TestKeyFrameIsAskedOfTheStreamThatIsSent: the other may have no viewer at all.
func TestKeyFrameIsAskedOfTheStreamThatIsSent(t *testing.T) {
	for _, substream := range []bool{false, true} {
		cam := newFake("cam1", media.H264)
		cam.sub = newFake("cam1", media.H264)
		sent, other := cam, cam.sub
		if substream {
			sent, other = other, sent
		}
		one := &session{camera: cam, substream: substream, link: &link{}}
		one.pictures, _ = sent.packets(camera.PacketOptions{}, "")
		one.heard([]rtcp.Packet{&rtcp.PictureLossIndication{}}, true, time.Now())
		(&feed{session: one}).noteKey(time.Now(), 2*oldKey)
		if sent.keysAsk != 2 || other.keysAsk != 0 {
			t.Errorf("smaller=%v: its stream was asked %d times, the other %d times", substream, sent.keysAsk, other.keysAsk)
		}
	}
}

func TestSoundIsSentBeside(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.voice = &fakeSound{codec: media.PCMA, frames: make(chan *media.AudioFrame, 10)}
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeAudio, pion.RTPCodecTypeVideo)
	heard := make(chan *rtp.Packet, 10)
	c.pc.OnTrack(func(track *pion.TrackRemote, _ *pion.RTPReceiver) {
		for track.Kind() == pion.RTPCodecTypeAudio {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			heard <- p
		}
	})
	c.play(g.url + "cam1")
	if !strings.Contains(c.answer, "PCMA/8000") || strings.Contains(c.answer, "opus") {
		t.Errorf("the answer:\n%s", c.answer)
	}
	var before *rtp.Packet
	for i := range 5 {
		cam.voice.frames <- &media.AudioFrame{Codec: media.PCMA, Data: make([]byte, 160), Duration: 20 * time.Millisecond, Received: time.Now(), Rate: 8000, Channels: 1}
		select {
		case p := <-heard:
			if p.PayloadType != 8 || len(p.Payload) != 160 || p.Marker != (i == 0) {
				t.Errorf("packet %d: %v", i, p)
			}
			if before != nil && p.Timestamp-before.Timestamp != 160 {
				t.Errorf("from frame to frame the timestamp grows by %d", p.Timestamp-before.Timestamp)
			}
			before = p
		case <-time.After(patient):
			t.Fatal("no sound")
		}
	}
	// Who wants none gets none, and pictures all the same.
	silent := browse(t, nil).receive(pion.RTPCodecTypeAudio, pion.RTPCodecTypeVideo).play(g.url + "cam1?audio=0")
	if !strings.Contains(silent.answer, "m=audio 0 ") {
		t.Errorf("the answer:\n%s", silent.answer)
	}
	silent.next()
}

// TestSoundComesBack: a camera may change to a profile without, and back.
func TestSoundComesBack(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.voice = &fakeSound{codec: media.PCMU, frames: make(chan *media.AudioFrame)}
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	browse(t, nil).receive(pion.RTPCodecTypeAudio, pion.RTPCodecTypeVideo).play(g.url + "cam1")
	sound := &media.AudioFrame{Codec: media.PCMU, Data: make([]byte, 160), Duration: 20 * time.Millisecond, Received: time.Now(), Rate: 8000, Channels: 1}
	for i, f := range []*media.AudioFrame{sound, nil, sound, sound} {
		select {
		case cam.voice.frames <- f:
		case <-time.After(patient):
			t.Fatalf("nobody listens to frame %d", i)
		}
	}
}

// TestNoSoundGoesToWhoIsAway: as no pictures do.
func TestNoSoundGoesToWhoIsAway(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.voice = &fakeSound{codec: media.PCMU, frames: make(chan *media.AudioFrame)}
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	browse(t, nil).receive(pion.RTPCodecTypeAudio, pion.RTPCodecTypeVideo).play(g.url + "cam1")
	one := onlySession(g)
	// sent is how many of four frames were sent, or a little less: the last may be under way.
	sent := func() uint32 {
		t.Helper()
		packets := func() uint32 {
			one.audioTrack.mu.Lock()
			defer one.audioTrack.mu.Unlock()
			return one.audioTrack.packets
		}
		var before uint32
		for i := range 4 {
			select {
			case cam.voice.frames <- &media.AudioFrame{Codec: media.PCMU, Data: make([]byte, 160), Duration: 20 * time.Millisecond, Received: time.Now(), Rate: 8000, Channels: 1}:
			case <-time.After(patient):
				t.Fatal("nobody listens")
			}
			if i == 0 {
				before = packets()
			}
		}
		return packets() - before
	}
	if sent() == 0 {
		t.Error("no sound is sent")
	}
	for back := true; back; back = !one.away.Load() { // news of the connection may come late, and say that it is
		one.away.Store(true)
		sent() // what was on its way
		if n := sent(); n > 0 && one.away.Load() {
			t.Errorf("%d frames were sent to nobody", n)
		}
	}
	one.away.Store(false)
	if sent() == 0 {
		t.Error("no sound is sent to who is back")
	}
}

// TestSoundIsThatOfTheStreamThatIsSent: the camera's own is not connected for long while
// nobody watches it.
func TestSoundIsThatOfTheStreamThatIsSent(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.sub = newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	var filming sync.WaitGroup
	for _, f := range []*fakeCamera{cam, cam.sub} {
		f.voice = &fakeSound{codec: media.PCMU, frames: make(chan *media.AudioFrame)}
		filming.Go(func() { f.film(ctx, 20*time.Millisecond, 50, 2000, 500) })
	}
	defer filming.Wait()
	defer cancel()
	g := servePatiently(t, longRest(), Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeAudio, pion.RTPCodecTypeVideo).play(g.url + "cam1")
	c.next()
	one := onlySession(g)
	listened := func(f *fakeCamera) {
		t.Helper()
		for range 3 {
			select {
			case f.voice.frames <- &media.AudioFrame{Codec: media.PCMU, Data: make([]byte, 160), Duration: 20 * time.Millisecond, Received: time.Now(), Rate: 8000, Channels: 1}:
			case <-time.After(patient):
				t.Fatal("nobody listens")
			}
		}
	}
	listened(cam)
	overload(one)
	eventually(t, "the smaller stream is sent", patient, func() bool { return sendsSmaller(one) })
	listened(cam.sub)
	eventually(t, "the camera's stream is sent again", g.patience.rest+patient, func() bool { return !sendsSmaller(one) })
	listened(cam)
}

func TestViewerIsToldTheState(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	messages := make(chan told, 100)
	dc, err := c.pc.CreateDataChannel("camgate", nil)
	if err != nil {
		t.Fatal(err)
	}
	dc.OnMessage(func(m pion.DataChannelMessage) {
		var s told
		if err := json.Unmarshal(m.Data, &s); err != nil || !m.IsString {
			t.Errorf("%v: %s", err, m.Data)
		}
		messages <- s
	})
	other, err := c.pc.CreateDataChannel("chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	other.OnMessage(func(m pion.DataChannelMessage) { t.Errorf("a channel of another name is told %s", m.Data) })
	c.play(g.url + "cam1")
	want := func(state string) {
		t.Helper()
		for limit := time.After(patient); ; {
			select {
			case m := <-messages:
				if m.State == state {
					if m.Camera != "cam1" || m.Type != "state" || m.Stream != "main" || m.Codec != "H.264" {
						t.Errorf("%+v", m)
					}
					return
				}
			case <-limit:
				t.Fatalf("%q is not told", state)
			}
		}
	}
	want("live")
	want("live") // once a second
	// At once, and not with the next that is due: the quickest of several, where a machine is busy.
	quickest := time.Hour
	for tries := 0; tries < 5 && quickest > tellEvery/2; tries++ {
		state := []string{"stale", "live"}[tries%2]
		said := time.Now()
		cam.say(state)
		want(state)
		quickest = min(quickest, time.Since(said))
	}
	if quickest > tellEvery/2 {
		t.Errorf("a change is told after %v", quickest)
	}
	cam.say("idle") // as one that nobody watches: not for long
	want("connecting")
}

// TestViewerIsToldOfTheStreamThatIsSent: where that is the smaller one, the camera's own may
// not even be connected.
func TestViewerIsToldOfTheStreamThatIsSent(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.sub = newFake("cam1", media.H264)
	one := &session{camera: cam, substream: true}
	changed := one.changed()
	cam.sub.say("stale")
	select {
	case <-changed:
	default:
		t.Error("the smaller stream's state changes, and nobody is told before a second is over")
	}
	if s := one.state(); s.State != "stale" || s.Stream != "sub" {
		t.Errorf("told is %+v", s)
	}
}

func TestOverTCPWhereNoUDPPasses(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 50_000)
	g := serve(t, Options{TCP: true}, cam)
	settings := pion.SettingEngine{}
	settings.SetNetworkTypes([]pion.NetworkType{pion.NetworkTypeTCP4})
	settings.SetIncludeLoopbackCandidate(true)
	engine := &pion.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	c := browseSetting(t, engine, noInterceptors(), settings).receive(pion.RTPCodecTypeVideo)
	c.play(g.url + "cam1")
	for p := c.next(); !p.Marker; p = c.next() {
	}
	if n := len(g.socket.held); n != 0 {
		t.Errorf("packets are collected for %d UDP addresses", n)
	}
}

func TestH265IsPassedOnToWhoTakesIt(t *testing.T) {
	cam := newFake("cam1", media.H265)
	cam.bring(true, 3000)
	g := serve(t, Options{}, cam)
	engine := &pion.MediaEngine{}
	p := pion.RTPCodecParameters{PayloadType: 100}
	p.MimeType, p.ClockRate = pion.MimeTypeH265, videoRate
	if err := engine.RegisterCodec(p, pion.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	c := browse(t, engine).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	if p := c.next(); p.Payload[0]>>1&0x3f != 32 || p.PayloadType != 100 {
		t.Errorf("it begins with a NAL unit of type %d, payload type %d", p.Payload[0]>>1&0x3f, p.PayloadType)
	}
}

// TestH265ViewerOfANarrowLinkGetsTheSmallerStreamInH264: what cameras have, mostly.
func TestH265ViewerOfANarrowLinkGetsTheSmallerStreamInH264(t *testing.T) {
	cam := newFake("cam1", media.H265)
	cam.sub = newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	var filming sync.WaitGroup
	filming.Go(func() { cam.film(ctx, 20*time.Millisecond, 50, 2000, 500) })
	filming.Go(func() { cam.sub.film(ctx, 20*time.Millisecond, 50, 2000, 500) })
	defer filming.Wait()
	defer cancel()
	g := servePatiently(t, longRest(), Options{}, cam)
	engine := &pion.MediaEngine{}
	for _, one := range []struct {
		payload    pion.PayloadType
		kind, fmtp string
	}{{100, pion.MimeTypeH265, ""}, {101, pion.MimeTypeH264, "packetization-mode=1;profile-level-id=42e01f"}, {102, pion.MimeTypeH264, "packetization-mode=1;profile-level-id=64001f"}} {
		p := pion.RTPCodecParameters{PayloadType: one.payload}
		p.MimeType, p.ClockRate, p.SDPFmtpLine = one.kind, videoRate, one.fmtp
		if err := engine.RegisterCodec(p, pion.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
	}
	c := browse(t, engine).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	if p := c.next(); p.PayloadType != 100 {
		t.Errorf("it begins with payload type %d", p.PayloadType)
	}
	one := onlySession(g)
	overload(one)
	comes := func(payload uint8) {
		t.Helper()
		last := uint16(0)
		for deadline := time.Now().Add(g.patience.rest + patient); ; {
			p := c.next()
			if p.PayloadType == payload {
				if first := p.Payload[0]; payload == 102 && first != sps[0] {
					t.Errorf("the smaller stream begins with a NAL unit of type %d", first&0x1f)
				}
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("payload type %d does not come, after packet %d", payload, last)
			}
			last = p.SequenceNumber
		}
	}
	comes(102)
	if s := one.state(); s.Stream != "sub" || s.Codec != "H.264" {
		t.Errorf("the viewer is told of %s in %s", s.Stream, s.Codec)
	}
	comes(100)
}

func TestAllAddressesAreListenedOn(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", "[::1]:0", ":0"} {
		cam := newFake("cam1", media.H264)
		cam.bring(true, 30_000)
		g := serve(t, Options{Listen: listen, TCP: true}, cam)
		c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
		for p := c.next(); !p.Marker; p = c.next() {
		}
		if listen == "[::1]:0" && !strings.Contains(c.answer, " ::1 ") {
			t.Errorf("%s: IPv6 is not announced:\n%s", listen, c.answer)
		}
		g.stop()
	}
}

// TestAddressesThatComeLaterAreAnnounced: as those of a gateway that starts before its
// network is up.
func TestAddressesThatComeLaterAreAnnounced(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{Listen: "0.0.0.0:0"}, cam)
	host := testnet.New(t)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	answer, body := c.ask(g.url+"cam1", c.offer())
	if answer.StatusCode != http.StatusCreated || !strings.Contains(body, " "+host.Ours+" ") {
		t.Errorf("%s: %s is not announced:\n%s", answer.Status, host.Ours, body)
	}
}

// TestViewerThatIsBackIsNotTakenForAway where the news of its break come last.
func TestViewerThatIsBackIsNotTakenForAway(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	c.next()
	one := onlySession(g)
	eventually(t, "a break is noticed", patient, func() bool {
		one.look(func() pion.PeerConnectionState {
			if one.looking.TryLock() {
				one.looking.Unlock()
				t.Error("two of the news are taken at the same time: the older may win")
			}
			return pion.PeerConnectionStateDisconnected
		})
		return one.away.Load() // unless news of before have come right behind it
	})
	one.look(one.pc.ConnectionState) // whatever the news were, this is how it is
	if one.away.Load() {
		t.Error("it is taken for away")
	}
	cam.bring(true, 300)
	for p := c.next(); p.Payload[0] != 0x65; p = c.next() {
	}
}

// TestViewerThatIsAwayForAMoment gets nothing meanwhile, and a key frame when it is back.
func TestViewerThatIsAwayForAMoment(t *testing.T) {
	cam := newFake("cam1", media.H264)
	ctx, cancel := context.WithCancel(context.Background())
	var filming sync.WaitGroup
	filming.Go(func() { cam.film(ctx, 20*time.Millisecond, 1_000_000, 2000, 500) }) // no other key frame than the first
	defer filming.Wait()
	defer cancel()
	p := defaultPatience // the session outlives the break
	p.disconnected = time.Second
	g := servePatiently(t, p, Options{}, cam)
	proxy := newRelay(t, g)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	c.start(g.url+"cam1", proxy)
	c.connects()
	c.next()
	one := onlySession(g)
	proxy.cut()
	eventually(t, "it is noticed", patient, func() bool { return one.away.Load() })
	sent := func() uint32 {
		one.videoTrack.mu.Lock()
		defer one.videoTrack.mu.Unlock()
		return one.videoTrack.packets
	}
	before, brought := sent(), cam.brought()
	eventually(t, "the camera goes on", patient, func() bool { return cam.brought() > brought+25 })
	if n := sent() - before; n > 10 { // a picture was being sent, maybe
		t.Errorf("%d packets were sent to nobody", n)
	}
	drain(c)
	proxy.mend()
	eventually(t, "it is back", patient, func() bool { return !one.away.Load() })
	eventually(t, "a key frame comes", patient, func() bool {
		select {
		case p := <-c.packets:
			return p.Payload[0] == sps[0]
		default:
			return false
		}
	})
}
