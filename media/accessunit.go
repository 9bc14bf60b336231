package media

import "time"

// AccessUnit is one coded picture as it came from a camera. Nobody changes it,
// or the bytes it refers to, once it has left its source: the hub, the decoder
// and any number of readers share it.
type AccessUnit struct {
	Codec Codec

	// NALUs holds the picture. H.264 and H.265: one element a NAL unit, without
	// start codes, with the parameter sets before a key frame. Other codecs: one
	// element, the whole picture.
	NALUs [][]byte

	// PTS is the source's clock, counted from its first picture. It may jump, stop
	// or run back: order of arrival is what counts.
	PTS time.Duration

	// Received is when the last byte arrived, by the gateway's clock.
	Received time.Time

	// Key is true where decoding can start: an IDR or a recovery point that begins
	// with an intra picture, and every JPEG.
	Key bool

	stream []byte // what Bytes returns, where NewAccessUnit laid it out
}

// Size is the number of coded bytes.
func (au *AccessUnit) Size() int {
	n := 0
	for _, nalu := range au.NALUs {
		n += len(nalu)
	}
	return n
}
