package camsim

import (
	"bytes"
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"camgate/media"
)

// A track says how a stream is described (SDP) and cut into RTP packets.
type track struct {
	codec  media.Codec
	media  *description.Media
	packet func(*media.AccessUnit) ([]*rtp.Packet, error)
}

// payloadType is the first dynamic one (RFC 3551 section 6); cameras use it.
const payloadType = 96

// newTrack describes the stream that begins with key.
func newTrack(key *media.AccessUnit) (*track, error) {
	t := &track{codec: key.Codec}
	var of format.Format
	var err error
	switch key.Codec {
	case media.H264:
		f := &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
		f.SPS, f.PPS = nalu(key, 31, 0, 7), nalu(key, 31, 0, 8)
		of = f
		encoder, e := f.CreateEncoder()
		err = e
		t.packet = func(au *media.AccessUnit) ([]*rtp.Packet, error) { return encoder.Encode(au.NALUs) }
	case media.H265:
		f := &format.H265{PayloadTyp: payloadType}
		f.VPS, f.SPS, f.PPS = nalu(key, 63, 1, 32), nalu(key, 63, 1, 33), nalu(key, 63, 1, 34)
		of = f
		encoder, e := f.CreateEncoder()
		err = e
		t.packet = func(au *media.AccessUnit) ([]*rtp.Packet, error) { return encoder.Encode(au.NALUs) }
	case media.MJPEG:
		f := &format.MJPEG{}
		of = f
		encoder, e := f.CreateEncoder()
		err = e
		t.packet = func(au *media.AccessUnit) ([]*rtp.Packet, error) { return encoder.Encode(au.NALUs[0]) }
	case media.MPEG4:
		f := &format.MPEG4Video{PayloadTyp: payloadType, ProfileLevelID: 1, Config: mpeg4Config(key.NALUs[0])}
		of = f
		encoder, e := f.CreateEncoder()
		err = e
		t.packet = func(au *media.AccessUnit) ([]*rtp.Packet, error) { return encoder.Encode(au.NALUs[0]) }
	default:
		return nil, fmt.Errorf("no RTP payload for codec %v", key.Codec)
	}
	if err == nil {
		_, err = t.packet(key) // says now what RTP cannot carry
	}
	if err != nil {
		return nil, fmt.Errorf("RTP payload of %v: %w", key.Codec, err)
	}
	t.media = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{of}}
	return t, nil
}

// nalu is the first NAL unit of a type in an access unit.
func nalu(au *media.AccessUnit, mask byte, shift int, kind byte) []byte {
	for _, n := range au.NALUs {
		if n[0]>>shift&mask == kind {
			return n
		}
	}
	return nil
}

// mpeg4Config is what stands before the first picture (ISO/IEC 14496-2: group of VOP B3,
// VOP B6): what an SDP calls config (RFC 6416 section 7.1).
func mpeg4Config(picture []byte) []byte {
	end := len(picture)
	for _, code := range []byte{0xb3, 0xb6} {
		if at := bytes.Index(picture, []byte{0, 0, 1, code}); at >= 0 && at < end {
			end = at
		}
	}
	return picture[:end]
}

// describe tells newcomers of changed parameter sets; sessions under way meet them in the
// stream.
func (t *track) describe(key *media.AccessUnit) {
	switch f := t.media.Formats[0].(type) {
	case *format.H264:
		f.SafeSetParams(nalu(key, 31, 0, 7), nalu(key, 31, 0, 8))
	case *format.H265:
		f.SafeSetParams(nalu(key, 63, 1, 32), nalu(key, 63, 1, 33), nalu(key, 63, 1, 34))
	case *format.MPEG4Video:
		f.SafeSetParams(mpeg4Config(key.NALUs[0]))
	}
}
