package source

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"camgate/media"
)

// ears are an audio sink.
type ears struct {
	closed  atomic.Bool // they are not listening
	packets atomic.Int32
	frames  chan *media.AudioFrame
}

func newEars() *ears { return &ears{frames: make(chan *media.AudioFrame, 4096)} }

func (e *ears) AudioPacket() bool {
	e.packets.Add(1)
	return !e.closed.Load()
}

func (e *ears) AudioFrame(f *media.AudioFrame) { e.frames <- f }

// hum sends n packets of sound on the camera's audio track.
func (c *camera) hum(n int) {
	c.t.Helper()
	for i := range n {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 0, SequenceNumber: uint16(i), Timestamp: uint32(i) * 160, SSRC: 7},
			Payload: bytes.Repeat([]byte{byte(i)}, 160)}
		if err := c.stream.WritePacketRTP(c.stream.Desc.Medias[0], p); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestSoundComesBesideThePictures(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			cam := (&camera{udp: true}).start(t, h264Track())
			heard := newEars()
			w := watch(t, cam.address(""), Options{Transport: transport, Audio: heard})
			await(t, cam.playing, "PLAY")
			if track := w.info().Audio; track.Codec != media.PCMU || track.Rate != 8000 || track.Channels != 1 {
				t.Errorf("the audio track is %+v", track)
			}
			cam.hum(3)
			for n := range 3 {
				f := await(t, heard.frames, "sound")
				if want := time.Duration(n) * 20 * time.Millisecond; f.PTS != want || f.Duration != 20*time.Millisecond || len(f.Data) != 160 || f.Data[0] != byte(n) {
					t.Errorf("frame %d: %d bytes of %v at %v", n, len(f.Data), f.Duration, f.PTS)
				}
			}
			cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
			w.unit()
			if transport == "udp" {
				return
			}
			heard.closed.Store(true)
			cam.hum(2)
			cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
			for e := w.next("picture"); e.unit == nil; e = w.next("picture") {
			}
			if len(heard.frames) != 0 || heard.packets.Load() != 5 {
				t.Errorf("nobody listens: %d frames; %d packets, want 5", len(heard.frames), heard.packets.Load())
			}
		})
	}
}

func TestFailingSoundNeverCostsThePicture(t *testing.T) {
	for name, deaf := range map[string]func(*gortsplib.ServerConn) base.StatusCode{
		"400": func(*gortsplib.ServerConn) base.StatusCode { return base.StatusBadRequest },
		"401": func(*gortsplib.ServerConn) base.StatusCode { return base.StatusUnauthorized },
		"461": func(*gortsplib.ServerConn) base.StatusCode { return base.StatusUnsupportedTransport },
		"hangs up": func(c *gortsplib.ServerConn) base.StatusCode {
			c.NetConn().Close() // at once: Close would let an answer through, now and then
			return base.StatusInternalServerError
		},
	} {
		for _, transport := range []string{"tcp", "udp", "auto"} {
			t.Run(name+" "+transport, func(t *testing.T) {
				cam := (&camera{udp: true, deaf: deaf}).start(t, h264Track())
				w := watch(t, cam.address(""), Options{Transport: transport, Audio: newEars()})
				await(t, cam.playing, "PLAY")
				info := w.info()
				if info.Audio.Codec != media.UnknownAudio || info.NoAudio != (name == "hangs up") {
					t.Errorf("the audio track is %+v, refused for good: %v", info.Audio, info.NoAudio)
				}
				if transport == "auto" && info.Transport != "udp" {
					t.Errorf("it plays over %s", info.Transport)
				}
				cam.send(newEncoder(t, h264Track()).picture(h264IDR)...)
				w.unit()
			})
		}
	}
}

func TestACameraIsAskedForAKeyFrame(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			cam := (&camera{udp: true, feedback: make(chan rtcp.Packet, 64)}).start(t, h264Track())
			ask := make(chan struct{}, 1)
			w := watch(t, cam.address(""), Options{Transport: transport, KeyFrames: ask})
			await(t, cam.playing, "PLAY")
			w.info()
			packets := newEncoder(t, h264Track()).picture(h264IDR)
			cam.send(packets...)
			w.unit()
			ask <- struct{}{}
			for {
				p, is := await(t, cam.feedback, "picture loss indication").(*rtcp.PictureLossIndication)
				if !is {
					continue // a receiver report
				}
				if p.MediaSSRC == 0 || p.SenderSSRC == p.MediaSSRC {
					t.Errorf("it is about %d, from %d", p.MediaSSRC, p.SenderSSRC)
				}
				return
			}
		})
	}
}

func TestAudioTracksThatAreDescribedWronglyAreLeftOut(t *testing.T) {
	const session = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	const video = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n"
	const good = "m=audio 0 RTP/AVP 0\r\na=control:a\r\n"
	const bad = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\na=fmtp:97 config=zz\r\n"
	for name, c := range map[string]struct{ sdp, want string }{
		"good":              {session + video + good, session + video + good},
		"before the video":  {session + good + video, session + good + video},
		"bad":               {session + video + bad, session + video},
		"one bad, one good": {session + bad + video + good, session + video + good},
		"of many the first": {session + video + strings.Repeat(good, 9), session + video + strings.Repeat(good, maxAudioTracks)},
		"no video":          {session + bad, session + bad},
	} {
		if got := string(readableTracks([]byte(c.sdp), true)); got != c.want {
			t.Errorf("%s: left is\n%s", name, got)
		}
		if got := string(readableTracks([]byte(c.sdp), false)); strings.Contains(c.sdp, "m=video") && got != session+video {
			t.Errorf("%s, and none is wanted: left is\n%s", name, got)
		}
	}
}

func TestALongDescriptionCostsLittle(t *testing.T) {
	long := []byte("m=video 0 RTP/AVP 96\r\n" + strings.Repeat("a\n", 60_000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got := readableTracks(long, true); !bytes.Equal(got, long) {
		t.Errorf("%d bytes are left of %d", len(got), len(long))
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("it takes %d bytes of memory", took)
	}
}

func aacTrack() *format.MPEG4Audio {
	return &format.MPEG4Audio{PayloadTyp: 97, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
		Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 16000, ChannelCount: 1}}
}

func TestSoundIsUnpacked(t *testing.T) {
	heard := newEars()
	a := newAudio(&description.Media{}, aacTrack(), heard)
	if a == nil || a.track.Codec != media.AAC || len(a.track.Config) < 2 {
		t.Fatalf("the AAC track is %+v", a)
	}
	// Two frames of 3 and 2 bytes in a packet (RFC 3640 section 3.3.6).
	a.packet(&rtp.Packet{Header: rtp.Header{Marker: true, Timestamp: 99}, Payload: []byte{0, 32, 0, 3 << 3, 0, 2 << 3, 1, 2, 3, 4, 5}}, time.Unix(1, 0))
	a.packet(&rtp.Packet{Header: rtp.Header{Marker: true, Timestamp: 99 + 2048}, Payload: []byte{9}}, time.Unix(1, 0))
	for n, want := range [][]byte{{1, 2, 3}, {4, 5}} {
		if f := await(t, heard.frames, "frame"); !bytes.Equal(f.Data, want) || f.PTS != time.Duration(n)*64*time.Millisecond || f.Duration != 64*time.Millisecond {
			t.Errorf("frame %d is %x, %v at %v", n, f.Data, f.Duration, f.PTS)
		}
	}
	if len(heard.frames) != 0 {
		t.Error("a broken packet became a frame")
	}
	for _, f := range []format.Format{
		&format.G711{SampleRate: 16000, ChannelCount: 1}, &format.G711{SampleRate: 8000, ChannelCount: 2},
		&format.MPEG4Audio{SizeLength: 13, Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 5, ChannelCount: 1}},
		&format.G722{}, &format.LPCM{},
	} {
		if newAudio(&description.Media{}, f, heard) != nil {
			t.Errorf("%+v is taken", f)
		}
	}
}

func TestAnOpusPacketTellsHowLongItIs(t *testing.T) {
	for want, packet := range map[time.Duration][]byte{
		20 * time.Millisecond:   {0b01111_0_00},
		60 * time.Millisecond:   {0b00011_0_00},
		120 * time.Millisecond:  {0b00011_0_01},
		2500 * time.Microsecond: {0b10000_0_00},
		100 * time.Millisecond:  {0b11111_0_11, 5},
		0:                       {0b11111_0_11},
	} {
		if got := opusDuration(packet); got != want {
			t.Errorf("%08b: %v, want %v", packet, got, want)
		}
	}
	if got := opusDuration([]byte{0b00011_0_11, 63}); got != 0 {
		t.Errorf("four seconds in a packet: %v", got)
	}
}

// FuzzAudio takes a camera's sound apart: for each packet two bytes of length, a byte of
// time, and the payload.
func FuzzAudio(f *testing.F) {
	tracks := []format.Format{
		&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1},
		&format.Opus{PayloadTyp: 96, ChannelCount: 2},
		aacTrack(),
	}
	f.Add(byte(0), []byte{0, 3, 1, 1, 2, 3})
	f.Add(byte(1), []byte{0, 2, 1, 0xfb, 5, 0, 1, 2, 0xff})
	f.Add(byte(2), []byte{0, 11, 1, 0, 32, 0, 3 << 3, 0, 2 << 3, 1, 2, 3, 4, 5})
	f.Add(byte(2), []byte{0, 6, 1, 0, 16, 0xff, 0xf8, 1, 2, 0, 6, 1, 0, 16, 0xff, 0xf8, 3, 4})
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		heard := newEars()
		a := newAudio(&description.Media{}, tracks[int(codec)%len(tracks)], heard)
		var p rtp.Packet
		for len(data) >= 3 {
			size := min(int(binary.BigEndian.Uint16(data)), len(data)-3)
			p.Timestamp += uint32(data[2]) << (data[2] >> 3)
			p.SequenceNumber++
			p.Marker = data[2]&1 != 0
			p.Payload = bytes.Clone(data[3 : 3+size])
			data = data[3+size:]
			a.packet(&p, time.Unix(0, 0))
			for len(heard.frames) > 0 {
				if f := <-heard.frames; len(f.Data) == 0 || len(f.Data) > 1<<20 || f.Duration < 0 || f.Duration > 10*time.Second {
					t.Errorf("a frame of %d bytes, %v", len(f.Data), f.Duration)
				}
			}
		}
	})
}
