package decoder

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"camgate/media"
)

// MaxSide is the longest side of a picture, in pixels, that is decoded at all.
const MaxSide = 8192

// checkSize refuses a stream whose parameter sets claim too large a picture, before
// libav sees them: one that allocates first would take gigabytes for a few forged bytes.
// Parameter sets that cannot be read are libav's to refuse.
func (d *Decoder) checkSize(au *media.AccessUnit) error {
	for _, nalu := range au.NALUs {
		width, height := claimedSize(au.Codec, nalu)
		if width > MaxSide || height > MaxSide || width*height > d.max {
			return fmt.Errorf("%w: the stream claims %d × %d", ErrTooLarge, width, height)
		}
	}
	return nil
}

func claimedSize(codec media.Codec, nalu []byte) (width, height int) {
	if len(nalu) < 4 {
		return 0, 0
	}
	switch {
	case codec == media.H264 && h264.NALUType(nalu[0]&0x1f) == h264.NALUTypeSPS:
		var sps h264.SPS
		if sps.Unmarshal(nalu) == nil {
			return sps.Width(), sps.Height()
		}
	case codec == media.H265 && h265.NALUType(nalu[0]>>1&0x3f) == h265.NALUType_SPS_NUT:
		var sps h265.SPS
		if sps.Unmarshal(nalu) == nil {
			return sps.Width(), sps.Height()
		}
	}
	return 0, 0
}
