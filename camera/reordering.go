package camera

import (
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"camgate/media"
)

// By then a camera that sends B-frames has sent one: so many pictures have come, or for so
// long.
const (
	settledUnits = 4
	settledAfter = 300 * time.Millisecond
)

// reordering finds out whether a camera's pictures are sent in another order than they are
// shown in, as those around B-frames are. WebRTC, and browsers, show them as they come.
type reordering struct {
	codec   media.Codec // what follows is of pictures in it
	yes     bool
	settled bool // yes is more than a first guess
	units   int
	began   time.Time
	fresh   bool // a session has begun: a GOP without any says that there are none any more
	keys    int  // since then
	highest time.Duration
	back    int // of this GOP, pictures shown before one that came earlier
}

// session is called where another session begins.
func (r *reordering) session() {
	*r = reordering{codec: r.codec, yes: r.yes, settled: r.settled, units: r.units, began: r.began, fresh: true}
}

// see looks at a picture that arrived.
func (r *reordering) see(au *media.AccessUnit) {
	if au.Codec != r.codec {
		*r = reordering{codec: au.Codec}
	}
	r.look(au)
	if r.settled {
		return
	}
	if r.units++; r.units == 1 {
		r.began = au.Received
	}
	// One picture shown before an earlier one may be chance, and is a reason to wait.
	r.settled = r.yes || r.units >= settledUnits && r.back == 0 || au.Received.Sub(r.began) >= settledAfter || au.Key && neverReordered(au)
}

func (r *reordering) look(au *media.AccessUnit) {
	const far = time.Second // a clock that was set is no B-frame
	if au.Key {
		if r.fresh && r.keys > 0 {
			r.yes, r.fresh = r.yes && r.back > 0, false
		}
		r.keys++
		r.back, r.highest = 0, au.PTS
		return
	}
	if au.Codec == media.H264 {
		if hasBSlice(au.NALUs) {
			r.back, r.yes = r.back+1, true
		}
		return
	}
	if au.Codec == media.MJPEG {
		return
	}
	if behind := r.highest - au.PTS; behind > 0 && behind < far {
		if r.back++; r.back > 1 { // once may be chance
			r.yes = true
		}
	}
	r.highest = max(r.highest, au.PTS)
}

// neverReordered says whether a key frame's SPS rules another order out (H.264 A.2.1, 7.4.2.1.1,
// E.2.1; H.265 7.4.3.2.1).
func neverReordered(key *media.AccessUnit) bool {
	switch key.Codec {
	case media.H264:
		const baseline = 66
		var sps h264.SPS
		if sps.Unmarshal(spsOf(key)) != nil {
			return false
		}
		return sps.ProfileIdc == baseline || sps.PicOrderCntType == 2 ||
			sps.VUI != nil && sps.VUI.BitstreamRestriction != nil && sps.VUI.BitstreamRestriction.MaxNumReorderFrames == 0
	case media.H265:
		var sps h265.SPS
		if sps.Unmarshal(spsOf(key)) != nil {
			return false
		}
		return len(sps.MaxNumReorderPics) > 0 && slices.Max(sps.MaxNumReorderPics) == 0
	}
	return true
}

// hasBSlice reads slice_type of a picture's first slice (H.264 7.3.3): 1 and 6 are B.
func hasBSlice(nalus [][]byte) bool {
	at := slices.IndexFunc(nalus, func(nalu []byte) bool { return len(nalu) > 1 && nalu[0]&0x1f >= 1 && nalu[0]&0x1f <= 5 })
	if at < 0 {
		return false
	}
	bits := nalus[at][1:]
	_, bit, ok := expGolomb(bits, 0) // first_mb_in_slice
	if !ok {
		return false
	}
	kind, _, ok := expGolomb(bits, bit)
	return ok && (kind == 1 || kind == 6)
}

// expGolomb reads an unsigned Exp-Golomb code (H.264 9.1) at a bit of data, and says where
// the next one begins. Codes of more than 31 bits are none.
func expGolomb(data []byte, at int) (value uint32, next int, ok bool) {
	bit := func(n int) (uint32, bool) {
		if n>>3 >= len(data) {
			return 0, false
		}
		return uint32(data[n>>3]>>(7-n&7)) & 1, true
	}
	zeros := 0
	for {
		b, there := bit(at)
		at++
		if !there || zeros > 15 {
			return 0, at, false
		}
		if b == 1 {
			break
		}
		zeros++
	}
	value = 1
	for range zeros {
		b, there := bit(at)
		at++
		if !there {
			return 0, at, false
		}
		value = value<<1 | b
	}
	return value - 1, at, true
}
