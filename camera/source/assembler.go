package source

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"camgate/media"
)

// Bounds of an access unit. Real ones stay far below: 4K key frames have 2 MB, and no
// encoder makes 600 slices of a picture (H.264 level 6.2 allows them). Packets are
// counted too, because empty ones cost memory without adding bytes.
const (
	maxUnitBytes   = 16 << 20
	maxUnitNALUs   = 1024
	maxUnitPackets = 1 << 15
)

// clockRate of RTP timestamps, in Hz: the same for all video that we take (RFC 6184,
// 7798, 2435, 6416). gortsplib calls a track with any other rate unknown.
const clockRate = 90000

var (
	errNoEnd = errors.New("a picture ended in the middle, without the mark on its last packet (RTP marker); it is left out")
	errLarge = fmt.Errorf("a picture of more than %d MB, %d parts or %d packets is left out; lower resolution or bit rate in the camera",
		maxUnitBytes>>20, maxUnitNALUs, maxUnitPackets)
)

// assembler makes access units of RTP packets. gortsplib's decoders undo the payload
// formats; which NAL units make a picture is decided here, because theirs give up beyond
// 25 slices (H.264) or 21 (H.265), and because after a loss the rest of a picture must
// not pass for a whole one.
type assembler struct {
	codec    media.Codec
	sink     Sink
	format   format.Format
	sentence func(error) error // for the operator, of what is wrong with packets

	// depacketise gives the NAL units, or the picture, that a packet completes.
	depacketise depacketiser
	kinds       nalKinds
	parameters  parameterSets
	begins      func(payload []byte) bool // whether a payload is surely the first of a picture

	nalus     [][]byte
	size      int
	packets   int
	slices    bool // nalus holds a part of a picture, not only what goes before one
	unended   bool // depacketise holds the beginning of a NAL unit, or of a picture
	pending   bool // packets with this timestamp have come, and not the last one yet
	timestamp uint32
	pts       time.Duration
	received  time.Time

	started  bool
	sequence uint16 // expected
	empty    uint16 // packets without a payload so far
	skipping bool   // the picture with timestamp skipped is not whole
	skipped  uint32
	clock    clock
}

// newAssembler returns the assembler for a track's format, nil where we do not take it,
// and an error where we take the codec, but not this way of sending it.
func newAssembler(f format.Format, sink Sink, sentence func(error) error) (*assembler, error) {
	a := &assembler{sink: sink, format: f, sentence: sentence}
	switch f := f.(type) {
	case *format.H264:
		a.codec, a.kinds, a.begins = media.H264, h264Kinds, h264Begins
		sps, pps := f.SafeParams()
		a.remember(sps, pps)
	case *format.H265:
		a.codec, a.kinds, a.begins = media.H265, h265Kinds, h265Begins
		vps, sps, pps := f.SafeParams()
		a.remember(vps, sps, pps)
	case *format.MJPEG:
		a.codec, a.begins = media.MJPEG, jpegBegins
	case *format.MPEG4Video:
		a.codec, a.begins = media.MPEG4, mpeg4Begins
	default:
		return nil, nil
	}
	var err error
	if a.depacketise, err = newDepacketiser(f); err != nil {
		return nil, fmt.Errorf("its %s track cannot be read: %w", a.codec, err)
	}
	return a, nil
}

// remember keeps the parameter sets of the session description.
func (a *assembler) remember(sets ...[]byte) {
	for _, set := range sets {
		if len(set) > 0 {
			a.parameters.update(a.kinds.kind(set), set)
		}
	}
}

// packet takes the next RTP packet, in order, and when it came.
func (a *assembler) packet(p *rtp.Packet, now time.Time) {
	if len(p.Payload) == 0 {
		a.nothing(p)
		return
	}
	switch missing := p.SequenceNumber - a.sequence; {
	case !a.started:
		// The camera may be in the middle of a picture when we come.
		a.skipping, a.skipped = !a.begins(p.Payload), p.Timestamp
	case missing == 0:
	case missing == 1<<16-1:
		return // the last one, sent twice
	case missing >= 1<<15:
		a.loss(p, 0) // the camera counts from somewhere else now
	default:
		a.loss(p, uint64(missing))
	}
	a.started, a.sequence = true, p.SequenceNumber+1
	pts := a.clock.at(p.Timestamp)

	if a.skipping {
		if p.Timestamp == a.skipped {
			a.skipping = !p.Marker
			return
		}
		a.skipping = false
	}
	if a.pending && p.Timestamp != a.timestamp && !a.end() {
		a.sink.Damaged(0, a.sentence(errNoEnd))
	}
	a.timestamp, a.pts, a.received, a.pending = p.Timestamp, pts, now, true
	a.packets++
	number := p.SequenceNumber
	p.SequenceNumber -= a.empty
	parts, err := a.depacketise(p)
	p.SequenceNumber = number
	if err != nil {
		a.broken(p, fmt.Errorf("a picture is left out, because its packets make none: %w", err))
		return
	}
	a.unended = len(parts) == 0
	a.add(parts)
	if a.size > maxUnitBytes || len(a.nalus) > maxUnitNALUs || a.packets > maxUnitPackets {
		a.broken(p, errLarge)
		return
	}
	if p.Marker && !a.end() {
		a.sink.Damaged(0, a.sentence(errNoEnd))
	}
}

// nothing takes a packet without a payload, as some cameras send: padding, or a sign of life.
// Whatever its time stamp is, it is a part of no picture, but may end one.
func (a *assembler) nothing(p *rtp.Packet) {
	missing := p.SequenceNumber - a.sequence
	if !a.started || missing == 1<<16-1 {
		return
	}
	if missing != 0 {
		if missing >= 1<<15 {
			missing = 0 // the camera counts from somewhere else now
		}
		a.reset()
		a.started = false // what comes next may be in the middle of a picture
		a.sink.Damaged(uint64(missing), nil)
		return
	}
	a.sequence++
	a.empty++ // gortsplib's decoders are not to miss it
	if !a.pending || p.Timestamp != a.timestamp {
		return
	}
	a.packets++
	switch {
	case a.packets > maxUnitPackets:
		a.broken(p, errLarge)
	case p.Marker && !a.end():
		a.sink.Damaged(0, a.sentence(errNoEnd))
	}
}

// end is called where a picture ends, and gives it to the sink. It is false where the
// picture lacks its end.
func (a *assembler) end() bool {
	a.pending = false
	if a.unended {
		a.reset()
		return false
	}
	if a.slices {
		a.emit()
	}
	// Else there are parameter sets with a marker of their own: the picture follows.
	return true
}

// loss forgets the picture in progress, and skips the one that p belongs to unless p is
// surely its first packet.
func (a *assembler) loss(p *rtp.Packet, missing uint64) {
	inside := a.pending && p.Timestamp == a.timestamp && a.slices
	a.reset()
	a.skipping, a.skipped = inside || !a.begins(p.Payload), p.Timestamp
	a.sink.Damaged(missing, nil)
}

// broken forgets the picture that p belongs to.
func (a *assembler) broken(p *rtp.Packet, err error) {
	a.reset()
	a.skipping, a.skipped = !p.Marker, p.Timestamp
	if !isMiddle(err) { // else we came, or lost something, in the middle of a picture
		a.sink.Damaged(0, a.sentence(err))
	}
}

// reset forgets what has come of a picture, here and in gortsplib's decoder.
func (a *assembler) reset() {
	a.nalus, a.size, a.packets = nil, 0, 0
	a.pending, a.slices = false, false
	if a.unended {
		a.unended = false
		a.depacketise, _ = newDepacketiser(a.format) // it was made once, without error
	}
}

func (a *assembler) add(parts [][]byte) {
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		if a.kinds.kind == nil {
			a.slices = true
		} else {
			switch k := a.kinds.kind(part); k {
			case nalUnwanted:
				continue
			case nalVPS, nalSPS, nalPPS:
				a.parameters.update(k, part)
			case nalSlice, nalKeySlice:
				a.slices = true
			}
		}
		a.nalus = append(a.nalus, part)
		a.size += len(part)
	}
}

// emit gives the picture in progress to the sink. Its NAL units are copied, once, into one
// buffer: media.NewAccessUnit.
func (a *assembler) emit() {
	nalus, key := a.nalus, true
	a.reset()
	switch {
	case a.kinds.kind != nil:
		if key = a.kinds.isKey(nalus); key {
			nalus = a.parameters.complete(nalus, a.kinds.kind)
		}
	case a.codec == media.MPEG4:
		key = isIntraVOP(nalus[0])
	}
	au := media.NewAccessUnit(a.codec, nalus)
	au.PTS, au.Received, au.Key = a.pts, a.received, key
	a.sink.AccessUnit(au)
}

// clock makes a time that does not wrap of RTP timestamps, which do after 13 hours. It
// starts at 0, and follows the camera wherever it jumps: nobody may trust it.
type clock struct {
	started bool
	last    uint32
	ticks   int64
}

func (c *clock) at(timestamp uint32) time.Duration {
	if c.started {
		c.ticks += int64(int32(timestamp - c.last))
	}
	c.started, c.last = true, timestamp
	return time.Duration(c.ticks/clockRate)*time.Second + time.Duration(c.ticks%clockRate)*time.Second/clockRate
}
