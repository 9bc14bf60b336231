// Package media holds the few types that flow from a camera to a viewer.
package media

// Codec names how a camera compresses its pictures.
type Codec uint8

// The video codecs that camgate can take from a camera.
const (
	UnknownCodec Codec = iota
	H264               // ITU-T H.264, RTP payload by RFC 6184
	H265               // ITU-T H.265, RTP payload by RFC 7798
	MJPEG              // one JPEG a picture, RTP payload by RFC 2435
	MPEG4              // ISO/IEC 14496-2 (MPEG-4 Part 2), RTP payload by RFC 6416
)

// String is the name that users see, in the API and in messages.
func (c Codec) String() string {
	switch c {
	case H264:
		return "H.264"
	case H265:
		return "H.265"
	case MJPEG:
		return "MJPEG"
	case MPEG4:
		return "MPEG-4"
	}
	return "unknown"
}
