package media

// startCode stands before each NAL unit in the byte stream format (H.264 and H.265,
// Annex B).
var startCode = [4]byte{0, 0, 0, 1}

// Padding is how many bytes libav wants behind coded ones, all zero
// (AV_INPUT_BUFFER_PADDING_SIZE): what reads them looks some bytes ahead, and where a picture
// is cut short, goes on there.
const Padding = 64

// AnnexB copies NAL units, once, into one buffer in the byte stream format. It returns
// the buffer, whose capacity holds Padding zero bytes more, and the NAL units as parts of it.
func AnnexB(nalus [][]byte) (stream []byte, inside [][]byte) {
	size := 0
	for _, nalu := range nalus {
		size += len(startCode) + len(nalu)
	}
	stream = make([]byte, 0, size+Padding)
	inside = make([][]byte, len(nalus))
	for i, nalu := range nalus {
		stream = append(stream, startCode[:]...)
		stream = append(stream, nalu...)
		inside[i] = stream[len(stream)-len(nalu) : len(stream) : len(stream)]
	}
	return stream, inside
}

// NewAccessUnit makes an access unit of NAL units (H.264, H.265) or of one picture
// (other codecs). NAL units are copied, into the one buffer that Bytes returns; a
// picture becomes the access unit's own.
func NewAccessUnit(codec Codec, nalus [][]byte) *AccessUnit {
	au := &AccessUnit{Codec: codec}
	if codec == H264 || codec == H265 {
		au.stream, au.NALUs = AnnexB(nalus)
	} else {
		au.NALUs = nalus
	}
	return au
}

// Bytes is the access unit as a decoder takes it: NAL units with start codes, or the
// picture as it is. The bytes are shared and must not be changed.
func (au *AccessUnit) Bytes() []byte {
	if au.stream != nil {
		return au.stream
	}
	if au.Codec == H264 || au.Codec == H265 {
		stream, _ := AnnexB(au.NALUs)
		return stream
	}
	if len(au.NALUs) == 0 {
		return nil
	}
	return au.NALUs[0]
}

// Padded is Bytes with Padding zero bytes behind them, shared too. It is nil where they were
// not laid out so: NewAccessUnit does it for H.264 and H.265.
func (au *AccessUnit) Padded() []byte {
	if au.stream == nil {
		return nil
	}
	return au.stream[:len(au.stream)+Padding]
}
