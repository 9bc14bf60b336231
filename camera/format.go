package camera

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"camgate/media"
)

// A Format describes the coded pictures that a reader gets.
type Format struct {
	Codec         media.Codec
	SPS           []byte  // H.264 and H.265: the sequence parameter set; shared, not to be changed
	Width, Height int     // in pixels; 0: the stream does not say
	Transcoded    bool    // camgate makes them of what the camera sends
	FPS           float64 // access units a second, over the last seconds; 0: not known yet
}

// format of a reader whose newest key frame is key; the caller holds the mutex.
func (r *PacketReader) format(key *media.AccessUnit) Format {
	f := Format{Codec: key.Codec, SPS: spsOf(key), Transcoded: r.transcode != nil}
	f.Width, f.Height = codedSize(key)
	f.FPS, _ = r.camera.rate.rate(time.Now())
	return f
}

// spsOf is the sequence parameter set in front of a key frame, nil where there is none.
func spsOf(key *media.AccessUnit) []byte {
	for _, nalu := range key.NALUs {
		switch {
		case len(nalu) == 0:
		case key.Codec == media.H264 && h264.NALUType(nalu[0]&0x1f) == h264.NALUTypeSPS,
			key.Codec == media.H265 && h265.NALUType(nalu[0]>>1&0x3f) == h265.NALUType_SPS_NUT:
			return nalu
		}
	}
	return nil
}

// codedSize is the size that a key frame states, in pixels; 0 where it does not.
func codedSize(key *media.AccessUnit) (width, height int) {
	switch key.Codec {
	case media.H264:
		var sps h264.SPS
		if sps.Unmarshal(spsOf(key)) == nil {
			return sps.Width(), sps.Height()
		}
	case media.H265:
		var sps h265.SPS
		if sps.Unmarshal(spsOf(key)) == nil {
			return sps.Width(), sps.Height()
		}
	case media.MJPEG:
		if width, height, err := jpegSize(key.NALUs[0]); err == nil {
			return width, height
		}
	case media.VP8:
		// RFC 6386 section 9.1: a tag of 3 bytes, a start code, and 14 bits each.
		if data := key.NALUs[0]; len(data) >= 10 && data[3] == 0x9d && data[4] == 1 && data[5] == 0x2a {
			return (int(data[6]) | int(data[7])<<8) & 0x3fff, (int(data[8]) | int(data[9])<<8) & 0x3fff
		}
	}
	return 0, 0
}
