package webrtc

import (
	"sync"

	"camgate/media"
)

// maxPayload is how many bytes of a picture one RTP packet holds at most. With the RTP
// header, two header extensions (24 together) and the longest authentication tag (16) the
// datagram has 1,228 bytes: with those of UDP and IPv6 less than 1,280, which every link
// of IPv6 carries (RFC 8200, 5), and every tunnel that people use.
const maxPayload = 1188

// packed is an access unit as RTP payloads, which all sessions share and nobody changes.
type packed struct {
	payloads [][]byte
	bytes    int
}

// pack lays an access unit out as RTP payloads: H.264 by RFC 6184 in packetization mode 1,
// H.265 by RFC 7798, VP8 by RFC 7741. What is small enough stays where it lies; the rest
// is copied once, behind the headers of its pieces.
func pack(au *media.AccessUnit) *packed {
	p := &packed{}
	switch au.Codec {
	case media.H264:
		p.nalus(au.NALUs, h264)
	case media.H265:
		p.nalus(au.NALUs, h265)
	case media.VP8:
		for _, frame := range au.NALUs {
			p.vp8(frame)
		}
	}
	for _, b := range p.payloads {
		p.bytes += len(b)
	}
	return p
}

// nalForm is what differs between the payload formats of H.264 and H.265.
type nalForm struct {
	header  int                    // bytes of a NAL unit's header
	useless func(nalu []byte) bool // a receiver has no use for it
	// piece writes the headers of a piece into b and returns how many bytes they are.
	piece func(b, nalu []byte) int
}

var h264 = nalForm{
	header: 1,
	useless: func(nalu []byte) bool {
		kind := nalu[0] & 0x1f
		return kind == 0 || kind >= 9 && kind <= 12 || kind > 23 // delimiters, ends, filler, and what is none
	},
	piece: func(b, nalu []byte) int { // FU-A (RFC 6184, 5.8)
		b[0] = nalu[0]&0xe0 | 28
		b[1] = nalu[0] & 0x1f
		return 2
	},
}

var h265 = nalForm{
	header: 2,
	useless: func(nalu []byte) bool {
		kind := nalu[0] >> 1 & 0x3f
		return kind >= 35 && kind <= 38 || kind > 47
	},
	piece: func(b, nalu []byte) int { // FU (RFC 7798, 4.4.3)
		b[0] = nalu[0]&0x81 | 49<<1
		b[1] = nalu[1]
		b[2] = nalu[0] >> 1 & 0x3f
		return 3
	},
}

// Bits of the last byte of a piece's headers, the same in both formats.
const (
	pieceStart = 0x80
	pieceEnd   = 0x40
)

func (p *packed) nalus(nalus [][]byte, form nalForm) {
	for _, nalu := range nalus {
		if len(nalu) <= form.header || form.useless(nalu) {
			continue
		}
		if len(nalu) <= maxPayload {
			p.payloads = append(p.payloads, nalu)
			continue
		}
		p.pieces(nalu, form)
	}
}

func (p *packed) pieces(nalu []byte, form nalForm) {
	rest := nalu[form.header:]
	headers := form.header + 1
	each := maxPayload - headers
	count := (len(rest) + each - 1) / each
	buf := make([]byte, len(rest)+count*headers)
	for i := range count {
		n := form.piece(buf, nalu)
		if i == 0 {
			buf[n-1] |= pieceStart
		}
		if i == count-1 {
			buf[n-1] |= pieceEnd
		}
		taken := copy(buf[n:min(n+each, len(buf))], rest)
		p.payloads = append(p.payloads, buf[:n+taken:n+taken])
		buf, rest = buf[n+taken:], rest[taken:]
	}
}

// vp8 cuts a frame. The descriptor is the shortest there is (RFC 7741, 4.2): without
// picture numbers, so that receivers go by sequence numbers, which stay without gaps
// where pictures are left out.
func (p *packed) vp8(frame []byte) {
	const start, each = 0x10, maxPayload - 1
	if len(frame) == 0 {
		return
	}
	count := (len(frame) + each - 1) / each
	buf := make([]byte, len(frame)+count)
	for i := range count {
		if i == 0 {
			buf[0] = start
		}
		n := 1 + copy(buf[1:min(1+each, len(buf))], frame)
		p.payloads = append(p.payloads, buf[:n:n])
		buf, frame = buf[n:], frame[n-1:]
	}
}

// A packer packs each access unit of one stream once, for all sessions that send it.
type packer struct {
	mu     sync.Mutex
	recent [32]struct {
		au *media.AccessUnit
		p  *packed
	}
	next int

	sessions int // that use it; the server's mutex guards it
}

func (k *packer) pack(au *media.AccessUnit) *packed {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.recent {
		// The newest first: that is what nearly everybody wants.
		if r := &k.recent[(k.next-1-i+2*len(k.recent))%len(k.recent)]; r.au == au {
			return r.p
		}
	}
	p := pack(au)
	k.recent[k.next].au, k.recent[k.next].p = au, p
	k.next = (k.next + 1) % len(k.recent)
	return p
}
