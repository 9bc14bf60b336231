package source

import (
	"bytes"
	"image"
	"image/jpeg"
	"slices"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"camgate/media"
)

// Coded pictures of test cameras: real headers, and noise for the rest.
var (
	h264SPS = []byte{0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0xf0, 0x11, 0x7e, 0xf0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x8f, 0x18, 0x31, 0x96}
	h264PPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
	h264IDR = slices.Concat([]byte{0x65, 0x88, 0x84}, bytes.Repeat([]byte{0x5a}, 5000)) // first_mb 0, slice_type 7
	h264P   = slices.Concat([]byte{0x41, 0x9a}, bytes.Repeat([]byte{0xa5}, 100))        // first_mb 0, slice_type 5
	h264AUD = []byte{0x09, 0xf0}

	h265VPS = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0x99, 0x98, 0x09}
	h265SPS = []byte{0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x10, 0xe5, 0x96, 0x66, 0x69, 0x24, 0xca, 0xe0, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0x80}
	h265PPS = []byte{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40}
	h265IDR = slices.Concat([]byte{0x26, 0x01, 0xaf}, bytes.Repeat([]byte{0x5a}, 5000))
	h265P   = slices.Concat([]byte{0x02, 0x01, 0xd0}, bytes.Repeat([]byte{0xa5}, 100))

	mpeg4Config = []byte{0, 0, 1, 0xb0, 1, 0, 0, 1, 0xb5, 0x89, 0x13, 0, 0, 1, 0, 0, 0, 1, 0x20, 0, 0xc4, 0x8d, 0x88, 0, 0xf5, 0x3c, 0x04, 0x87, 0x14, 0x63}
	mpeg4I      = slices.Concat([]byte{0, 0, 1, 0xb6, 0x10}, bytes.Repeat([]byte{0x5a}, 4000))
	mpeg4P      = slices.Concat([]byte{0, 0, 1, 0xb6, 0x50}, bytes.Repeat([]byte{0xa5}, 100))
)

func h264Track() *format.H264 {
	return &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: h264SPS, PPS: h264PPS}
}

func h265Track() *format.H265 {
	return &format.H265{PayloadTyp: 96, VPS: h265VPS, SPS: h265SPS, PPS: h265PPS}
}

// encoder packetises pictures as gortsplib does; mark sets their time.
type encoder struct {
	t      *testing.T
	encode func([][]byte) ([]*rtp.Packet, error)
	time   uint32
}

func newEncoder(t *testing.T, f format.Format) *encoder {
	t.Helper()
	e := &encoder{t: t, time: 1<<32 - 3600*2} // it wraps soon
	var err error
	switch f := f.(type) {
	case *format.H264:
		enc, err2 := f.CreateEncoder()
		err, e.encode = err2, enc.Encode
	case *format.H265:
		enc, err2 := f.CreateEncoder()
		err, e.encode = err2, enc.Encode
	case *format.MJPEG:
		enc, err2 := f.CreateEncoder()
		err, e.encode = err2, func(p [][]byte) ([]*rtp.Packet, error) { return enc.Encode(p[0]) }
	case *format.MPEG4Video:
		enc, err2 := f.CreateEncoder()
		err, e.encode = err2, func(p [][]byte) ([]*rtp.Packet, error) { return enc.Encode(p[0]) }
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// picture gives the packets of the next picture, 40 ms after the last.
func (e *encoder) picture(nalus ...[]byte) []*rtp.Packet {
	e.t.Helper()
	packets, err := e.encode(nalus)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, p := range packets {
		p.Timestamp = e.time
	}
	e.time += 3600
	return packets
}

func testJPEG(t *testing.T) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, 160, 120), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i * 7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesOfEachCodec(t *testing.T) {
	picture := testJPEG(t)
	for _, c := range []struct {
		name     string
		codec    media.Codec
		track    format.Format
		key, not [][]byte // pictures as sent
		wantKey  [][]byte // as received
	}{
		{"H.264", media.H264, h264Track(), [][]byte{h264AUD, h264IDR}, [][]byte{h264AUD, h264P}, [][]byte{h264SPS, h264PPS, h264IDR}},
		{"H.264 with its own parameter sets", media.H264, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, [][]byte{h264SPS, h264PPS, h264IDR}, [][]byte{h264P}, [][]byte{h264SPS, h264PPS, h264IDR}},
		{"H.265", media.H265, h265Track(), [][]byte{h265IDR}, [][]byte{h265P}, [][]byte{h265VPS, h265SPS, h265PPS, h265IDR}},
		{"MPEG-4", media.MPEG4, &format.MPEG4Video{PayloadTyp: 96, ProfileLevelID: 1, Config: mpeg4Config}, [][]byte{mpeg4I}, [][]byte{mpeg4P}, [][]byte{mpeg4I}},
		{"MJPEG", media.MJPEG, &format.MJPEG{}, [][]byte{picture}, nil, nil},
	} {
		for _, transport := range []string{"tcp", "udp"} {
			t.Run(c.name+" over "+transport, func(t *testing.T) {
				cam := (&camera{udp: true}).start(t, c.track)
				w := watch(t, cam.address(""), Options{Transport: transport})
				info := w.info()
				if info.Codec != c.codec || info.Transport != transport || info.Server != "gortsplib" {
					t.Errorf("playing %+v, want %v over %s from gortsplib", info, c.codec, transport)
				}
				if f, ok := c.track.(*format.MPEG4Video); ok && !bytes.Equal(info.ExtraData, f.Config) {
					t.Errorf("extra data is %x", info.ExtraData)
				}
				if got := await(t, cam.playing, "PLAY"); got != transport {
					t.Errorf("the camera plays over %s", got)
				}
				e := newEncoder(t, c.track)
				cam.send(e.picture(c.key...)...)
				au := w.unit() // no other picture follows: the last packet is enough
				if !au.Key || au.Codec != c.codec || au.PTS != 0 || au.Received.IsZero() {
					t.Errorf("the first picture is %v, key %t, at %v", au.Codec, au.Key, au.PTS)
				}
				if c.codec == media.MJPEG {
					if _, err := jpeg.Decode(bytes.NewReader(au.Bytes())); err != nil {
						t.Errorf("no JPEG came: %v", err)
					}
				} else if !slices.EqualFunc(au.NALUs, c.wantKey, bytes.Equal) {
					t.Errorf("got %s, want %s", shape(au.NALUs), shape(c.wantKey))
				}
				if c.not == nil {
					return
				}
				for i := 1; i < 5; i++ {
					cam.send(e.picture(c.not...)...)
					au := w.unit()
					if au.Key || au.PTS.Milliseconds() != int64(40*i) || !bytes.Equal(au.NALUs[0], c.not[len(c.not)-1]) {
						t.Errorf("picture %d is %s, key %t, at %v", i, shape(au.NALUs), au.Key, au.PTS)
					}
				}
			})
		}
	}
}

// shape is first bytes and lengths, for messages.
func shape(nalus [][]byte) (s string) {
	for _, n := range nalus {
		s += " " + string("0123456789abcdef"[n[0]>>4]) + string("0123456789abcdef"[n[0]&15]) + "…"
	}
	return s
}
