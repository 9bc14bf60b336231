// Package media holds the few types that flow from a camera to a viewer.
package media

// Codec names how a camera compresses its pictures.
type Codec uint8

// The video codecs that camgate takes from cameras, and VP8.
const (
	UnknownCodec Codec = iota
	H264               // ITU-T H.264, RTP payload by RFC 6184
	H265               // ITU-T H.265, RTP payload by RFC 7798
	MJPEG              // one JPEG a picture, RTP payload by RFC 2435
	MPEG4              // ISO/IEC 14496-2 (MPEG-4 Part 2), RTP payload by RFC 6416
	VP8                // RFC 6386: what camgate makes for browsers, never a camera's
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
	case VP8:
		return "VP8"
	}
	return "unknown"
}
