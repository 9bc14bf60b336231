package source

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// nalKind is what a NAL unit is to us.
type nalKind uint8

const (
	nalOther    nalKind = iota
	nalUnwanted         // delimiters and filler: nothing that a decoder needs
	nalVPS
	nalSPS
	nalPPS
	nalSlice
	nalKeySlice
)

// nalKinds reads the NAL units of one codec. The zero value is that of a codec that has
// none.
type nalKinds struct {
	kind func(nalu []byte) nalKind

	// begins says whether an RTP payload is surely the first of a picture.
	begins func(payload []byte) bool

	// isKey says whether decoding can start at these NAL units.
	isKey func(nalus [][]byte) bool
}

// H.264: ITU-T H.264 table 7-1; RTP: RFC 6184 section 5.2.
var h264Kinds = nalKinds{
	kind: h264Kind,
	begins: func(payload []byte) bool {
		if len(payload) < 4 {
			return false
		}
		if kind := h264.NALUType(payload[0] & 0x1f); kind != h264.NALUTypeSTAPA {
			return kind == h264.NALUTypeSPS || kind == h264.NALUTypeAccessUnitDelimiter
		}
		kind := h264.NALUType(payload[3] & 0x1f)
		return kind == h264.NALUTypeSPS || kind == h264.NALUTypeAccessUnitDelimiter
	},
	isKey: func(nalus [][]byte) bool {
		recovery, parameters, intra := false, false, true
		for _, nalu := range nalus {
			switch h264Kind(nalu) {
			case nalKeySlice:
				return true
			case nalSPS:
				parameters = true
			case nalSlice:
				intra = intra && h264SliceIsIntra(nalu)
			case nalOther:
				recovery = recovery || h264.NALUType(nalu[0]&0x1f) == h264.NALUTypeSEI && h264RecoversAtOnce(nalu)
			}
		}
		// Cameras with open GOPs, or that never send an IDR, begin again with an intra
		// picture behind a recovery point (H.264 D.2.8), or just behind an SPS.
		return intra && (recovery || parameters)
	},
}

func h264Kind(nalu []byte) nalKind {
	switch h264.NALUType(nalu[0] & 0x1f) {
	case h264.NALUTypeSPS:
		return nalSPS
	case h264.NALUTypePPS:
		return nalPPS
	case h264.NALUTypeIDR:
		return nalKeySlice
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC:
		return nalSlice
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeEndOfSequence, h264.NALUTypeEndOfStream, h264.NALUTypeFillerData:
		return nalUnwanted
	}
	return nalOther
}

// h264SliceIsIntra reads slice_type (H.264 7.3.3): 2 and 7 are I, 4 and 9 SI.
func h264SliceIsIntra(nalu []byte) bool {
	bits := bitReader{data: nalu[1:]}
	bits.unsigned() // first_mb_in_slice
	kind, ok := bits.unsigned()
	return ok && (kind == 2 || kind == 7 || kind == 4 || kind == 9)
}

// h264RecoversAtOnce finds a recovery point with recovery_frame_cnt 0 among the messages
// of an SEI NAL unit (H.264 7.3.2.3, D.1.8).
func h264RecoversAtOnce(nalu []byte) bool {
	data := nalu[1:]
	number := func() (n int, ok bool) {
		for len(data) > 0 {
			b := data[0]
			data = data[1:]
			n += int(b)
			if b != 0xff {
				return n, true
			}
		}
		return 0, false
	}
	for len(data) > 2 {
		kind, ok := number()
		size, ok2 := number()
		if !ok || !ok2 || size > len(data) {
			return false
		}
		if kind == 6 {
			bits := bitReader{data: data[:size]}
			count, ok := bits.unsigned()
			return ok && count == 0
		}
		data = data[size:]
	}
	return false
}

// H.265: ITU-T H.265 table 7-1; RTP: RFC 7798 section 4.4.
var h265Kinds = nalKinds{
	kind: h265Kind,
	begins: func(payload []byte) bool {
		if len(payload) < 6 {
			return false
		}
		kind := h265.NALUType(payload[0] >> 1 & 0x3f)
		if kind == h265.NALUType_AggregationUnit {
			kind = h265.NALUType(payload[4] >> 1 & 0x3f)
		}
		return kind == h265.NALUType_VPS_NUT || kind == h265.NALUType_AUD_NUT
	},
	isKey: func(nalus [][]byte) bool {
		for _, nalu := range nalus {
			if h265Kind(nalu) == nalKeySlice {
				return true
			}
		}
		return false
	},
}

func h265Kind(nalu []byte) nalKind {
	switch kind := h265.NALUType(nalu[0] >> 1 & 0x3f); {
	case kind == h265.NALUType_VPS_NUT:
		return nalVPS
	case kind == h265.NALUType_SPS_NUT:
		return nalSPS
	case kind == h265.NALUType_PPS_NUT:
		return nalPPS
	case kind >= 16 && kind <= 23: // IRAP
		return nalKeySlice
	case kind < 32:
		return nalSlice
	case kind >= h265.NALUType_AUD_NUT && kind <= h265.NALUType_FD_NUT:
		return nalUnwanted
	}
	return nalOther
}

// isIntraVOP reads vop_coding_type behind the first VOP start code (ISO/IEC 14496-2
// 6.2.5).
func isIntraVOP(picture []byte) bool {
	_, vop, found := bytes.Cut(picture, []byte{0, 0, 1, 0xb6})
	return found && len(vop) > 0 && vop[0]>>6 == 0
}

// bitReader reads Exp-Golomb codes (H.264 9.1).
type bitReader struct {
	data []byte
	at   int // in bits
}

func (b *bitReader) bit() (byte, bool) {
	if b.at>>3 >= len(b.data) {
		return 0, false
	}
	v := b.data[b.at>>3] >> (7 - b.at&7) & 1
	b.at++
	return v, true
}

func (b *bitReader) unsigned() (uint32, bool) {
	zeros := 0
	for {
		v, ok := b.bit()
		if !ok || zeros > 31 {
			return 0, false
		}
		if v == 1 {
			break
		}
		zeros++
	}
	n := uint32(1)
	for range zeros {
		v, ok := b.bit()
		if !ok {
			return 0, false
		}
		n = n<<1 | uint32(v)
	}
	return n - 1, true
}
