package source

import (
	"errors"
	"slices"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpfragmented"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"
)

// A depacketiser gives the NAL units, or the picture, that a packet completes, and
// nothing where it needs more packets. What it gives may lie in the packet's memory.
type depacketiser func(*rtp.Packet) ([][]byte, error)

// newDepacketiser wraps gortsplib's decoder of a format; nil for formats that we do not
// take.
func newDepacketiser(f format.Format) (depacketiser, error) {
	switch f := f.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return eachPacket(d.Decode, rtph264.ErrMorePacketsNeeded), nil
	case *format.H265:
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return eachPacket(d.Decode, rtph265.ErrMorePacketsNeeded), nil
	case *format.MJPEG:
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return wholePicture(withRestarts(d.Decode), rtpmjpeg.ErrMorePacketsNeeded), nil
	case *format.MPEG4Video:
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return wholePicture(d.Decode, rtpfragmented.ErrMorePacketsNeeded), nil
	}
	return nil, nil
}

// eachPacket asks for the NAL units of each packet at once, by a marker on every one:
// gortsplib's decoders of H.264 and H.265 count only what they keep until the marker.
func eachPacket(decode func(*rtp.Packet) ([][]byte, error), more error) depacketiser {
	return func(p *rtp.Packet) ([][]byte, error) {
		marked := *p
		marked.Marker = true
		nalus, err := decode(&marked)
		if errors.Is(err, more) {
			return nil, nil
		}
		return nalus, err
	}
}

func wholePicture(decode func(*rtp.Packet) ([]byte, error), more error) depacketiser {
	return func(p *rtp.Packet) ([][]byte, error) {
		picture, err := decode(p)
		if errors.Is(err, more) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return [][]byte{picture}, nil
	}
}

// isMiddle is true for what gortsplib's decoders say of a packet from the middle of
// something whose beginning they have not seen.
func isMiddle(err error) bool {
	return errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious) ||
		errors.Is(err, rtph265.ErrNonStartingPacketAndNoPrevious) ||
		errors.Is(err, rtpmjpeg.ErrNonStartingPacketAndNoPrevious)
}

// withRestarts adds what gortsplib does not read: JPEGs with restart markers. Their
// types are 64 higher, and a header of 4 bytes gives the interval (RFC 2435 sections
// 3.1.3 and 3.1.7), which a JPEG states in a DRI segment.
func withRestarts(decode func(*rtp.Packet) ([]byte, error)) func(*rtp.Packet) ([]byte, error) {
	return func(p *rtp.Packet) ([]byte, error) {
		if len(p.Payload) < 12 || p.Payload[4] < 64 || p.Payload[4] > 127 {
			return decode(p)
		}
		plain := *p
		plain.Payload = slices.Concat(p.Payload[:8], p.Payload[12:])
		plain.Payload[4] -= 64
		picture, err := decode(&plain)
		if err != nil {
			return nil, err
		}
		const afterSOI = 2
		return slices.Insert(picture, afterSOI, 0xff, 0xdd, 0, 4, p.Payload[8], p.Payload[9]), nil
	}
}

// jpegBegins: the fragment offset is 0 (RFC 2435 section 3.1.2).
func jpegBegins(payload []byte) bool {
	return len(payload) >= 8 && payload[1] == 0 && payload[2] == 0 && payload[3] == 0
}

// mpeg4Begins: a picture begins with a start code, of a VOP or of what goes before one;
// video packets inside a VOP begin with a resync marker, which is none (RFC 6416 section
// 5.2).
func mpeg4Begins(payload []byte) bool {
	return len(payload) >= 4 && payload[0] == 0 && payload[1] == 0 && payload[2] == 1
}
