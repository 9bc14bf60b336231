package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg4video"
	"github.com/pion/rtp"

	"camgate/media"
)

// Bounds of an access unit. Real ones stay far below: 4K key frames have 2 MB, and no
// encoder makes 600 slices of a picture (H.264 level 6.2 allows them).
const (
	maxUnitBytes = 16 << 20
	maxUnitNALUs = 1024
)

// assembler makes access units of RTP packets. gortsplib's decoders undo the payload
// formats; which NAL units make a picture is decided here, because theirs give up beyond
// 25 slices (H.264) or 21 (H.265), and because after a loss the rest of a picture must
// not pass for a whole one.
type assembler struct {
	codec media.Codec
	sink  Sink

	// depacketise gives the NAL units, or the pictures, that a packet completes.
	depacketise func(*rtp.Packet) ([][]byte, error)
	kinds       nalKinds
	parameters  [3][]byte // VPS, SPS, PPS as last seen

	nalus     [][]byte
	size      int
	slices    bool // nalus holds a part of a picture, not only what goes before one
	timestamp uint32
	pending   bool

	started  bool
	sequence uint16 // expected
	skipping bool   // the picture with timestamp skipped is not whole
	skipped  uint32
}

// newAssembler returns the assembler for a track's format, nil where we do not take it.
func newAssembler(f format.Format, sink Sink) (*assembler, error) {
	a := &assembler{sink: sink}
	var err error
	switch f := f.(type) {
	case *format.H264:
		var d *rtph264.Decoder
		d, err = f.CreateDecoder()
		a.codec, a.kinds = media.H264, h264Kinds
		a.parameters[1], a.parameters[2] = f.SafeParams()
		a.depacketise = func(p *rtp.Packet) ([][]byte, error) { return ignore(d.Decode(p))(rtph264.ErrMorePacketsNeeded) }
	case *format.H265:
		var d *rtph265.Decoder
		d, err = f.CreateDecoder()
		a.codec, a.kinds = media.H265, h265Kinds
		a.parameters[0], a.parameters[1], a.parameters[2] = f.SafeParams()
		a.depacketise = func(p *rtp.Packet) ([][]byte, error) { return ignore(d.Decode(p))(rtph265.ErrMorePacketsNeeded) }
	case *format.MJPEG:
		var d *rtpmjpeg.Decoder
		d, err = f.CreateDecoder()
		a.codec = media.MJPEG
		a.depacketise = func(p *rtp.Packet) ([][]byte, error) {
			return ignore(one(d.Decode(p)))(rtpmjpeg.ErrMorePacketsNeeded)
		}
	case *format.MPEG4Video:
		var d *rtpmpeg4video.Decoder
		d, err = f.CreateDecoder()
		a.codec = media.MPEG4
		a.depacketise = func(p *rtp.Packet) ([][]byte, error) {
			return ignore(one(d.Decode(p)))(rtpmpeg4video.ErrMorePacketsNeeded)
		}
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("its %s track cannot be read: %w", f.Codec(), err)
	}
	return a, nil
}

// ignore makes nothing of the error that says that more packets are needed.
func ignore(parts [][]byte, err error) func(error) ([][]byte, error) {
	return func(normal error) ([][]byte, error) {
		if errors.Is(err, normal) {
			return nil, nil
		}
		return parts, err
	}
}

func one(picture []byte, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return [][]byte{picture}, nil
}

// packet takes the next RTP packet, in order. pts is its time on the camera's clock.
func (a *assembler) packet(p *rtp.Packet, pts time.Duration, now time.Time) {
	if a.started && p.SequenceNumber != a.sequence {
		missing := p.SequenceNumber - a.sequence
		if missing >= 1<<15 {
			if missing == 1<<16-1 {
				return // the last one, sent twice
			}
			missing = 0 // the camera counts from somewhere else now
		}
		a.loss(p, uint64(missing))
	}
	a.started, a.sequence = true, p.SequenceNumber+1

	if a.skipping {
		if p.Timestamp == a.skipped {
			a.skipping = !p.Marker
			return
		}
		a.skipping = false
	}
	if a.pending && p.Timestamp != a.timestamp {
		a.emit(pts, now) // a camera that does not mark the last packet of a picture
	}
	whole := *p
	if a.kinds.kind != nil {
		whole.Marker = true // each packet's NAL units at once: pictures are put together here
	}
	parts, err := a.depacketise(&whole)
	if err != nil {
		a.broken(p, err)
		return
	}
	a.add(parts)
	a.timestamp, a.pending = p.Timestamp, true
	if a.size > maxUnitBytes || len(a.nalus) > maxUnitNALUs {
		a.broken(p, fmt.Errorf("a picture of more than %d bytes or %d parts", maxUnitBytes, maxUnitNALUs))
		return
	}
	if p.Marker {
		a.emit(pts, now)
	}
}

// loss forgets the picture in progress, and skips the one that p belongs to unless p is
// surely its first packet.
func (a *assembler) loss(p *rtp.Packet, missing uint64) {
	sameAsBefore := a.pending && p.Timestamp == a.timestamp
	a.reset()
	a.sink.Damaged(missing, nil)
	if sameAsBefore || a.kinds.kind == nil || !a.kinds.begins(p.Payload) {
		a.skipping, a.skipped = true, p.Timestamp
	}
}

func (a *assembler) broken(p *rtp.Packet, err error) {
	a.reset()
	if errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious) || errors.Is(err, rtph265.ErrNonStartingPacketAndNoPrevious) ||
		errors.Is(err, rtpmjpeg.ErrNonStartingPacketAndNoPrevious) {
		return // we came in the middle of a picture
	}
	if !p.Marker {
		a.skipping, a.skipped = true, p.Timestamp
	}
	a.sink.Damaged(0, err)
}

func (a *assembler) reset() {
	a.nalus, a.size, a.pending, a.slices = nil, 0, false, false
}

func (a *assembler) add(parts [][]byte) {
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		if a.kinds.kind != nil {
			switch k := a.kinds.kind(part); k {
			case nalUnwanted:
				continue
			case nalVPS, nalSPS, nalPPS:
				a.parameters[k-nalVPS] = keep(a.parameters[k-nalVPS], part)
			case nalSlice, nalKeySlice:
				a.slices = true
			}
		} else {
			a.slices = true
		}
		a.nalus = append(a.nalus, part)
		a.size += len(part)
	}
}

// keep is new in memory of its own, or old where both are the same.
func keep(old, new []byte) []byte {
	if bytes.Equal(old, new) {
		return old
	}
	return slices.Clone(new)
}

// emit gives the picture in progress to the sink.
func (a *assembler) emit(pts time.Duration, now time.Time) {
	a.pending = false
	if !a.slices {
		return // parameter sets with a marker of their own: the picture follows
	}
	nalus := a.nalus
	key := a.isKey(nalus)
	if key && a.kinds.kind != nil {
		nalus = a.withParameters(nalus)
	}
	a.reset()
	if a.kinds.kind == nil && len(nalus) > 1 {
		nalus = nalus[len(nalus)-1:]
	}
	au := media.NewAccessUnit(a.codec, nalus)
	au.PTS, au.Received, au.Key = pts, now, key
	a.sink.AccessUnit(au)
}

// withParameters puts the parameter sets in front of a key frame that came without.
func (a *assembler) withParameters(nalus [][]byte) [][]byte {
	var have [3]bool
	for _, nalu := range nalus {
		if k := a.kinds.kind(nalu); k >= nalVPS && k <= nalPPS {
			have[k-nalVPS] = true
		}
	}
	var missing [][]byte
	for i, p := range a.parameters {
		if !have[i] && len(p) > 0 {
			missing = append(missing, p)
		}
	}
	return append(missing, nalus...)
}

func (a *assembler) isKey(parts [][]byte) bool {
	switch a.codec {
	case media.MJPEG:
		return true
	case media.MPEG4:
		return isIntraVOP(parts[len(parts)-1])
	}
	return a.kinds.isKey(parts)
}
