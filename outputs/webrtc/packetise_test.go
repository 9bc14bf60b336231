package webrtc

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/pion/rtp"

	"camgate/media"
)

// unpack takes payloads apart with decoders that are not ours.
func unpack(t *testing.T, codec media.Codec, payloads [][]byte) (nalus [][]byte) {
	t.Helper()
	var decode func(*rtp.Packet) error
	switch codec {
	case media.H264:
		d := &rtph264.Decoder{PacketizationMode: 1}
		if err := d.Init(); err != nil {
			t.Fatal(err)
		}
		decode = func(p *rtp.Packet) (err error) { nalus, err = d.Decode(p); return err }
	case media.H265:
		d := &rtph265.Decoder{}
		if err := d.Init(); err != nil {
			t.Fatal(err)
		}
		decode = func(p *rtp.Packet) (err error) { nalus, err = d.Decode(p); return err }
	case media.VP8:
		d := &rtpvp8.Decoder{}
		if err := d.Init(); err != nil {
			t.Fatal(err)
		}
		decode = func(p *rtp.Packet) error {
			frame, err := d.Decode(p)
			nalus = [][]byte{frame}
			return err
		}
	}
	for i, payload := range payloads {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: 1, Marker: i == len(payloads)-1}, Payload: payload}
		if err := decode(p); err != nil && i == len(payloads)-1 {
			t.Fatal(err)
		}
	}
	return nalus
}

func TestPayloadsHoldThePicture(t *testing.T) {
	for _, codec := range []media.Codec{media.H264, media.H265, media.VP8} {
		for _, n := range []int{4, 100, maxPayload - 1, maxPayload, maxPayload + 1, 2*maxPayload - 4, 2*maxPayload - 3, 2*maxPayload - 2, 50_000} {
			au := picture(codec, n%2 == 0, n)
			p := pack(au)
			sum := 0
			for i, payload := range p.payloads {
				sum += len(payload)
				if len(payload) > maxPayload || len(payload) == 0 {
					t.Errorf("%v of %d bytes: payload %d has %d", codec, n, i, len(payload))
				}
			}
			if sum != p.bytes {
				t.Errorf("%v of %d bytes: %d are counted, not %d", codec, n, p.bytes, sum)
			}
			got := unpack(t, codec, p.payloads)
			if len(got) != len(au.NALUs) {
				t.Errorf("%v of %d bytes: %d units come out of %d", codec, n, len(got), len(au.NALUs))
				continue
			}
			for i := range got {
				if !bytes.Equal(got[i], au.NALUs[i]) {
					t.Errorf("%v of %d bytes: unit %d is another", codec, n, i)
				}
			}
		}
	}
}

func TestPayloadsLeaveOutWhatNobodyNeeds(t *testing.T) {
	au := media.NewAccessUnit(media.H264, [][]byte{{9, 0xf0}, {0x67, 1, 2, 3}, {0x68, 1}, {12, 0xff, 0xff}, {0x65, 1}, {10}, {0x7c, 0x85, 1}, {}})
	if p := pack(au); len(p.payloads) != 3 {
		t.Errorf("%d payloads: %x", len(p.payloads), p.payloads)
	}
	au = media.NewAccessUnit(media.H265, [][]byte{{35 << 1, 1, 0x50}, {32 << 1, 1, 0}, {38 << 1, 1, 0xff}, {1 << 1, 1, 2}})
	if p := pack(au); len(p.payloads) != 2 {
		t.Errorf("%d payloads: %x", len(p.payloads), p.payloads)
	}
	if p := pack(media.NewAccessUnit(media.MJPEG, [][]byte{{1}})); len(p.payloads) != 0 {
		t.Error("a JPEG has payloads")
	}
}

func TestPictureIsPackedOnceForAll(t *testing.T) {
	k := &packer{}
	au := picture(media.H264, false, 5000)
	first := k.pack(au)
	for range 20 {
		k.pack(picture(media.H264, false, 100))
		if k.pack(au) != first {
			t.Fatal("it was packed once more")
		}
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte{0x65, 1, 2}, uint8(1), uint16(3000))
	f.Add([]byte{2, 1}, uint8(2), uint16(0))
	f.Fuzz(func(t *testing.T, head []byte, codec uint8, size uint16) {
		nalu := append(head, make([]byte, size)...)
		random := rand.New(rand.NewPCG(1, uint64(size)))
		for i := len(head); i < len(nalu); i++ {
			nalu[i] = byte(random.Uint32())
		}
		p := pack(media.NewAccessUnit(media.Codec(codec), [][]byte{nalu, head}))
		for _, payload := range p.payloads {
			if len(payload) == 0 || len(payload) > maxPayload {
				t.Fatalf("a payload of %d bytes", len(payload))
			}
		}
	})
}
