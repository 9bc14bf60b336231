package source

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtcp"

	"camgate/media"
)

func TestUDPThatBringsNothingBecomesTCPWithin5s(t *testing.T) {
	t.Parallel()
	cam := (&camera{udp: true}).start(t, h264Track())
	began := time.Now()
	w := watch(t, cam.address(""), Options{Transport: "auto"})
	if info := w.info(); info.Transport != "udp" {
		t.Fatalf("the first try is over %s", info.Transport)
	}
	if first, second := await(t, cam.playing, "PLAY"), await(t, cam.playing, "second PLAY"); first != "udp" || second != "tcp" {
		t.Fatalf("the camera plays over %s, then %s", first, second)
	}
	if e := w.next("word of TCP"); e.transport != "tcp" {
		t.Fatalf("got %+v", e)
	}
	e := newEncoder(t, h264Track())
	big := append([]byte{0x65, 0x88}, bytes.Repeat([]byte{1}, 100_000)...)
	for i := range 30 { // more than a camera may send before it plays
		cam.send(e.picture(big)...)
		if au := w.unit(); !au.Key || au.Size() < len(big) {
			t.Fatalf("picture %d has %d bytes", i, au.Size())
		}
		if took := time.Since(began); i == 0 && took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	}
}

func TestCameraThatRefusesUDPSendsOverTCP(t *testing.T) {
	for _, c := range []struct {
		name string
		cam  *camera
	}{
		{"461", &camera{}},
		{"400", &camera{udp: true, refusal: base.StatusBadRequest}},
		{"500", &camera{udp: true, refusal: base.StatusInternalServerError}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cam := c.cam.start(t, h264Track())
			w := watch(t, cam.address(""), Options{})
			if info := w.info(); info.Transport != "tcp" {
				t.Fatalf("playing over %s", info.Transport)
			}
			cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
			w.unit()
		})
	}
}

func TestCameraThatHangsUpWhereUDPGoesNowhere(t *testing.T) {
	cam := (&camera{udp: true, overUDP: make(chan *gortsplib.ServerConn, 16)}).start(t, h264Track())
	w := watch(t, cam.address(""), Options{patience: patient})
	if info := w.info(); info.Transport != "udp" {
		t.Fatalf("the first try is over %s", info.Transport)
	}
	await(t, cam.overUDP, "PLAY").Close() // which has been answered
	if info := w.info(); info.Transport != "tcp" {
		t.Fatalf("the second try is over %s", info.Transport)
	}
	cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
	w.unit()
}

// TestWhereUDPGoesNowhereSoundIsNotToBlame: over TCP it comes beside the pictures.
func TestWhereUDPGoesNowhereSoundIsNotToBlame(t *testing.T) {
	cam := (&camera{udp: true, overUDP: make(chan *gortsplib.ServerConn, 16)}).start(t, h264Track())
	w := watch(t, cam.address(""), Options{Audio: newEars(), patience: patient})
	info := w.info()
	await(t, cam.overUDP, "PLAY").Close() // which has been answered
	for info.Transport != "tcp" {
		info = w.info()
	}
	if info.NoAudio || info.Audio.Codec != media.PCMU {
		t.Errorf("over TCP the audio track is %+v, refused for good: %v", info.Audio, info.NoAudio)
	}
}

func TestFixedTransportIsKept(t *testing.T) {
	cam := (&camera{}).start(t, h264Track())
	err := watch(t, cam.address(""), Options{Transport: "udp"}).err()
	says(t, err, `camera "door": 127.0.0.1:`, "does not send over udp", `transport = "auto"`)
}

func TestSilenceIsNotTheEnd(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			cam := (&camera{udp: true}).start(t, h264Track())
			const answer = 3 * time.Second // for what is asked before, of a busy machine too
			w := watch(t, cam.address(""), Options{Transport: transport, patience: time.Millisecond, answer: answer})
			w.info()
			w.lasts(answer + 1300*time.Millisecond) // gortsplib looks at the clock each second
			cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
			w.unit()
		})
	}
}

func TestLostPacketsAreReported(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			cam := (&camera{udp: true}).start(t, h264Track())
			w := watch(t, cam.address(""), Options{Transport: transport})
			w.info()
			await(t, cam.playing, "PLAY")
			e := newEncoder(t, h264Track())
			cam.send(e.picture(h264IDR)...)
			w.unit()
			holed := e.picture(h264IDR)
			cam.send(holed[0])
			cam.send(holed[3:]...)
			for range 70 { // gortsplib waits for 64 more, over UDP, whether the missing ones come late
				cam.send(e.picture(h264P)...)
			}
			if d := w.damage(); d.lost != 2 || d.err != nil {
				t.Errorf("%d packets lost, %v; want 2", d.lost, d.err)
			}
			if au := w.unit(); au.Key {
				t.Error("the picture with the hole came")
			}
		})
	}
}

func TestPacketsOutOfOrderOverUDP(t *testing.T) {
	cam := (&camera{udp: true}).start(t, h264Track())
	w := watch(t, cam.address(""), Options{Transport: "udp"})
	w.info()
	await(t, cam.playing, "PLAY")
	e := newEncoder(t, h264Track())
	cam.send(e.picture(h264IDR)...)
	w.unit()
	p := e.picture(h264IDR)
	p[1], p[3] = p[3], p[1]
	cam.send(p...)
	want(t, w.unit(), h264SPS, h264PPS, h264IDR)
}

func TestGoodbyeIsSaid(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		soonest := patient // of three: a busy machine may hold up one, and who waits out the goodbye's time all
		for range 3 {
			cam := (&camera{udp: true}).start(t, h264Track())
			w := watch(t, cam.address(""), Options{Transport: transport})
			w.info()
			await(t, cam.playing, "PLAY")
			cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
			w.unit()
			began := time.Now()
			w.cancel()
			if err := w.err(); err != t.Context().Err() && err.Error() != "context canceled" {
				t.Errorf("over %s: it ended by %v", transport, err)
			}
			soonest = min(soonest, time.Since(began))
			await(t, cam.ended, "end of the camera's session")
			if n := cam.count(base.Teardown); n != 1 {
				t.Errorf("over %s: TEARDOWN came %d times", transport, n)
			}
		}
		if soonest > teardownTimeout {
			t.Errorf("over %s: the end took %v", transport, soonest)
		}
	}
}

func TestOnlyTheFirstVideoTrackIsAskedFor(t *testing.T) {
	second := h264Track()
	second.PayloadTyp = 97
	cam := (&camera{}).start(t, h265Track(), second)
	w := watch(t, cam.address(""), Options{Transport: "tcp"})
	if info := w.info(); info.Codec.String() != "H.265" {
		t.Errorf("playing %v", info.Codec)
	}
	if n := cam.count(base.Setup); n != 1 {
		t.Errorf("SETUP came %d times", n)
	}
}

func TestCameraThatHangsUp(t *testing.T) {
	cam := (&camera{}).start(t, h264Track())
	w := watch(t, cam.address(""), Options{Transport: "tcp"})
	w.info()
	cam.server.Close()
	says(t, w.err(), `camera "door": 127.0.0.1:`, "ended the stream")
}

func TestCameraThatSaysGoodbye(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			cam := (&camera{udp: true}).start(t, h264Track())
			const goodbye = 3 * time.Second // a busy machine may take a while from the word to the deed
			w := watch(t, cam.address(""), Options{Transport: transport, goodbye: goodbye})
			w.info()
			await(t, cam.playing, "PLAY")
			e := newEncoder(t, h264Track())
			bye := func() {
				if err := cam.stream.WritePacketRTCP(cam.media, &rtcp.Goodbye{Sources: []uint32{1}}); err != nil {
					t.Fatal(err)
				}
			}
			cam.send(e.picture(h264IDR)...)
			w.unit()
			bye()
			for range 4 { // and goes on all the same
				cam.send(e.picture(h264P)...)
				w.unit()
				w.lasts(goodbye / 2)
			}
			bye()
			says(t, w.err(), `camera "door": 127.0.0.1:`, "ended the stream")
		})
	}
}

func TestPacketsThatNobodyCanReadDoNotEndTheSession(t *testing.T) {
	cam := (&camera{}).start(t, h264Track())
	w := watch(t, cam.address(""), Options{Transport: "tcp"})
	w.info()
	await(t, cam.playing, "PLAY")
	e := newEncoder(t, h264Track())
	cam.send(e.picture(h264IDR)...)
	w.unit()
	broken := e.picture(h264IDR)
	broken[1].Payload = []byte{0x79} // STAP-B, which nobody sends
	cam.send(broken...)
	says(t, w.damage().err, `camera "door": 127.0.0.1:`, "left out")
	cam.send(e.picture(h264IDR)...)
	want(t, w.unit(), h264SPS, h264PPS, h264IDR)
}

// gortsplib's server cannot send multicast on loopback.
func TestMulticast(t *testing.T) {
	t.Parallel()
	sender, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	control, err := sender.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = control.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInet4Addr(int(fd), syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, [4]byte{127, 0, 0, 1})
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	group := &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: sender.LocalAddr().(*net.UDPAddr).Port}

	answers := plays(h264SDP, "1")
	answers[2] = fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 1\r\nTransport: RTP/AVP;multicast;destination=%s;port=%d-%d;ttl=1\r\n\r\n",
		group.IP, group.Port, group.Port+1)
	w := watch(t, script(t, answers...).at(""), Options{Transport: "multicast"})
	if info := w.info(); info.Transport != "multicast" {
		t.Fatalf("playing over %s", info.Transport)
	}
	w.lasts(1300 * time.Millisecond)
	for _, p := range newEncoder(t, h264Track()).picture(h264IDR) {
		if _, err := sender.WriteTo(interleaved(t, p)[4:], group); err != nil {
			t.Fatal(err)
		}
	}
	want(t, w.unit(), h264IDR)
}

func TestPacketsTooLargeForUDP(t *testing.T) {
	r := &record{}
	s := &session{options: Options{Camera: "door", Log: slog.New(slog.DiscardHandler)}, address: script(t).at(""), sink: r}
	s.undecoded(liberrors.ErrClientRTPPacketUnknownPayloadType{PayloadType: 97}) // some other track's
	if r.damaged != 0 {
		t.Errorf("another track's packet is taken for damage: %v", r.err)
	}
	s.undecoded(liberrors.ErrClientRTPPacketTooBigUDP{})
	says(t, r.err, `camera "door": 127.0.0.1:`, "too large for UDP", `transport = "tcp"`)
}

func TestHostsByNameAndByIPv6(t *testing.T) {
	for host, listen := range map[string]string{"localhost": "127.0.0.1:0", "[::1]": "[::1]:0", "[::1%25lo]": "[::1]:0", "[::1%lo]": "[::1]:0"} {
		server := scriptOn(t, listen, plays(h264SDP, "1")...)
		a, err := ParseAddress(fmt.Sprintf("rtsp://u:p@%s:%d/x", host, server.port()))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		w := watch(t, a, Options{Transport: "tcp"})
		w.info()
		w.cancel()
		w.err()
		if line := <-server.asked; strings.Contains(line, "u:p") || !strings.HasPrefix(line, "OPTIONS rtsp://"+strings.Replace(host, "%lo", "%25lo", 1)+":") {
			t.Errorf("%s: asked %q", host, line)
		}
	}
}
