package source

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	"github.com/pion/rtp"

	"camgate/media"
)

// FuzzDepacketise takes what a camera sends apart: for each packet two bytes of length, a
// byte that says how its header differs from the last one's, and the payload.
func FuzzDepacketise(f *testing.F) {
	tracks := []format.Format{h264Track(), h265Track(), &format.MJPEG{}, &format.MPEG4Video{PayloadTyp: 96}}
	seed := func(codec int, payloads ...[]byte) {
		var b []byte
		for i, p := range payloads {
			how := byte(1)
			if i == len(payloads)-1 {
				how |= 2
			}
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), how)
			b = append(b, p...)
		}
		f.Add(byte(codec), b)
	}
	seed(0, h264SPS, h264PPS, h264IDR[:100])
	seed(0, []byte{0x78, 0, 2, 0x09, 0xf0, 0, 3, 0x65, 0x88, 0x84}, h264P)
	seed(0, []byte{0x7c, 0x85, 0x88, 0x84}, []byte{0x7c, 0x05, 1}, []byte{0x7c, 0x45, 2})
	seed(0, []byte{0x06, 0x06, 0x01, 0xc4, 0x80}, []byte{0x41, 0x88, 0x80})
	seed(0, []byte{0x67, 0, 0, 0, 1, 0x68, 1, 0, 0, 0, 1, 0x65, 0x88})
	seed(1, h265VPS, h265SPS, h265PPS, h265IDR[:100])
	seed(1, []byte{0x60, 1, 0, 3, 0x26, 1, 0xaf, 0, 3, 0x02, 1, 0xd0})
	seed(1, []byte{0x62, 1, 0x93, 0xaf}, []byte{0x62, 1, 0x13, 1}, []byte{0x62, 1, 0x53, 2})
	seed(2, append([]byte{0, 0, 0, 0, 1, 50, 20, 15}, 1, 2, 3))
	seed(2, append([]byte{0, 0, 0, 0, 65, 255, 20, 15, 0, 9, 0xff, 0xff, 0, 0, 0, 128}, make([]byte, 140)...))
	seed(3, mpeg4Config, mpeg4I[:50], mpeg4P[:20])

	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		track := tracks[int(codec)%len(tracks)]
		r := &record{}
		a, err := newAssembler(track, r, asIs)
		if err != nil {
			t.Fatal(err)
		}
		p := rtp.Packet{}
		for len(data) >= 3 {
			size, how := int(binary.BigEndian.Uint16(data)), data[2]
			data = data[3:]
			size = min(size, len(data))
			p.SequenceNumber += uint16(how & 1)
			p.Marker = how&2 != 0
			p.Timestamp += uint32(how>>2) << (how >> 3)
			p.Payload = bytes.Clone(data[:size])
			data = data[size:]
			a.packet(&p, time.Unix(0, 0))
		}
		for _, au := range r.units {
			check(t, track, au)
		}
	})
}

// check holds what every access unit promises.
func check(t *testing.T, track format.Format, au *media.AccessUnit) {
	if len(au.NALUs) == 0 || au.Size() == 0 || au.Size() > maxUnitBytes+1<<17 {
		t.Errorf("%s: %d NAL units, %d bytes", track.Codec(), len(au.NALUs), au.Size())
	}
	switch au.Codec {
	case media.MJPEG:
		if b := au.Bytes(); !bytes.HasPrefix(b, []byte{0xff, 0xd8}) || !bytes.HasSuffix(b, []byte{0xff, 0xd9}) || !au.Key {
			t.Errorf("no JPEG: %x", b)
		}
	case media.H264, media.H265:
		kinds := h264Kinds
		if au.Codec == media.H265 {
			kinds = h265Kinds
		}
		has := map[nalKind]bool{}
		for _, nalu := range au.NALUs {
			has[kinds.kind(nalu)] = true
		}
		if has[nalUnwanted] || !has[nalSlice] && !has[nalKeySlice] || au.Key && (!has[nalSPS] || !has[nalPPS]) {
			t.Errorf("%s: an access unit of %s, key %t", track.Codec(), shape(au.NALUs), au.Key)
		}
	}
}

// FuzzDescription: what is left of a session description is never refused where the whole
// one was not, and has the same video.
func FuzzDescription(f *testing.F) {
	f.Add([]byte(h264SDP))
	f.Add([]byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:FEC 1 2\r\nm=audio 0 RTP/AVP 0\r\na=mid:1\r\nm=video 0 RTP/AVP 26\r\na=mid:2\r\n"))
	f.Add([]byte("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nm=application 0 RTP/AVP 98\nm=video 0 RTP/AVP 96 97\na=rtpmap:97 MP4V-ES/90000\na=fmtp:97 config=00\n"))
	video := func(b []byte) (ok bool, codecs []string) {
		var s sdp.SessionDescription
		var d description.Session
		if s.Unmarshal(b) != nil || d.Unmarshal(&s) != nil {
			return false, nil
		}
		for _, m := range d.Medias {
			if m.Type != description.MediaTypeVideo {
				continue
			}
			for _, f := range m.Formats {
				codecs = append(codecs, f.Codec())
			}
		}
		return true, codecs
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ok, codecs := video(b)
		if !ok {
			readableTracks(b, false)
			readableTracks(b, true)
			return
		}
		for _, audio := range []bool{false, true} {
			if ok, left := video(readableTracks(b, audio)); !ok || !slices.Equal(codecs, left) {
				t.Errorf("%q: had %v, and has %v, %t", b, codecs, left, ok)
			}
		}
	})
}
