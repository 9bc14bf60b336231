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

	// isKey says whether decoding can start at these NAL units.
	isKey func(nalus [][]byte) bool
}

// H.264: ITU-T H.264 table 7-1.
var h264Kinds = nalKinds{
	kind: h264Kind,
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

// maxSEI is how much of an SEI NAL unit is looked at. Recovery points come early; what is
// long is some vendor's data.
const maxSEI = 1024

// h264RecoversAtOnce finds a recovery point with recovery_frame_cnt 0 among the messages
// of an SEI NAL unit (H.264 7.3.2.3, D.1.8).
func h264RecoversAtOnce(nalu []byte) bool {
	data := h264.EmulationPreventionRemove(nalu[1:min(len(nalu), maxSEI)])
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

// H.265: ITU-T H.265 table 7-1.
var h265Kinds = nalKinds{
	kind: h265Kind,
	isKey: func(nalus [][]byte) bool {
		for _, nalu := range nalus {
			if h265Kind(nalu) == nalKeySlice {
				return true
			}
		}
		return false
	},
}

// h264Begins is true for an RTP payload (RFC 6184 section 5.2) that is surely the first of
// a picture, or of what goes before one: no slice, or one with first_mb_in_slice 0, which
// is coded as a single 1 bit.
func h264Begins(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	kind, after := h264.NALUType(payload[0]&0x1f), payload[1:]
	switch kind {
	case h264.NALUTypeSTAPA: // 2 bytes of size, then the first NAL unit
		if len(payload) < 5 {
			return false
		}
		kind, after = h264.NALUType(payload[3]&0x1f), payload[4:]
	case h264.NALUTypeFUA:
		if len(payload) < 3 || payload[1]&0x80 == 0 {
			return false
		}
		kind, after = h264.NALUType(payload[1]&0x1f), payload[2:]
	}
	switch kind {
	case h264.NALUTypeNonIDR, h264.NALUTypeIDR, h264.NALUTypeDataPartitionA:
		return after[0]&0x80 != 0
	case h264.NALUTypeSEI, h264.NALUTypeSPS, h264.NALUTypePPS, h264.NALUTypeAccessUnitDelimiter:
		return true
	}
	return false
}

// h265Begins is h264Begins for H.265 (RFC 7798 section 4.4), whose slices have
// first_slice_segment_in_pic_flag.
func h265Begins(payload []byte) bool {
	if len(payload) < 3 {
		return false
	}
	kind, after := h265.NALUType(payload[0]>>1&0x3f), payload[2:]
	switch kind {
	case h265.NALUType_AggregationUnit: // 2 bytes of size, then the first NAL unit
		if len(payload) < 7 {
			return false
		}
		kind, after = h265.NALUType(payload[4]>>1&0x3f), payload[6:]
	case h265.NALUType_FragmentationUnit:
		if len(payload) < 4 || payload[2]&0x80 == 0 {
			return false
		}
		kind, after = h265.NALUType(payload[2]&0x3f), payload[3:]
	}
	if kind < 32 {
		return after[0]&0x80 != 0
	}
	return kind >= h265.NALUType_VPS_NUT && kind <= h265.NALUType_AUD_NUT || kind == h265.NALUType_PREFIX_SEI_NUT
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

// ppsID is pic_parameter_set_id, with which a PPS begins behind its header (H.264 7.3.2.2,
// H.265 7.3.2.3.1), of one byte or two.
func ppsID(nalu []byte) uint32 {
	header := 1
	if len(nalu) > 0 && nalu[0]>>1&0x3f == byte(h265.NALUType_PPS_NUT) {
		header = 2
	}
	bits := bitReader{data: nalu[min(header, len(nalu)):]}
	id, _ := bits.unsigned()
	return id
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
