package webrtc

import (
	"errors"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/webrtc/v4"
)

// Header extensions that are of use here, where the browser offers them.
const (
	// transportCC numbers the packets of all tracks together; the browser tells when each
	// has arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01).
	transportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	// playoutDelay with 0 makes the browser show each picture at once, rather than build
	// a delay of its own that evens them out.
	playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
)

// mostOneByte is the largest number of an extension whose header has one byte (RFC 8285,
// 4.2).
const mostOneByte = 14

// historySize is how many packets can be sent again: two seconds of 5 Mbit/s.
const historySize = 1024

// errNoCodec: pion has negotiated none for a track, which cannot be: each session offers
// the one that it has chosen itself.
var errNoCodec = errors.New("no codec was negotiated for a track")

// A track sends the packets of one medium to one browser, and keeps the newest to send
// again. pion binds it.
type track struct {
	kind pion.RTPCodecType
	id   string

	mu      sync.Mutex
	writer  pion.TrackLocalWriter // nil: not bound
	header  rtp.Header
	counter [2]byte // transportCC's number, inside header; written before each packet
	numbers bool    // the browser wants transportCC
	link    *link   // what is known of the way to the browser
	history []sent  // by sequence number; nil: nothing is sent again
	packets uint32
	octets  uint32
}

// sent is a packet that can be sent again: exactly as it was, because a cipher must not
// see the same packet number with other contents (RFC 3711, 9.1; RFC 7714, 8.3).
type sent struct {
	there     bool
	sequence  uint16
	number    [2]byte
	kind      uint8 // payload type
	marker    bool
	timestamp uint32
	payload   []byte
	again     time.Time // when it was sent again
}

func newTrack(kind pion.RTPCodecType, id string, l *link) *track {
	t := &track{kind: kind, id: id, link: l}
	if kind == pion.RTPCodecTypeVideo {
		t.history = make([]sent, historySize)
	}
	return t
}

// Bind is called by pion when the track has been negotiated.
func (t *track) Bind(c pion.TrackLocalContext) (pion.RTPCodecParameters, error) {
	codecs := c.CodecParameters()
	if len(codecs) == 0 {
		return pion.RTPCodecParameters{}, errNoCodec
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	codec := codecs[0]
	for _, one := range codecs {
		if uint8(one.PayloadType) == t.header.PayloadType {
			codec = one
		}
	}
	if t.writer != nil { // bound anew after renegotiation: the stream goes on
		t.writer = c.WriteStream()
		return codec, nil
	}
	t.writer = c.WriteStream()
	t.header = rtp.Header{
		Version:        2,
		PayloadType:    uint8(codec.PayloadType),
		SequenceNumber: uint16(randomNumber()) & 0x7fff, // RFC 3711, 3.3.1: room before the first wrap
		SSRC:           uint32(c.SSRC()),
	}
	for _, e := range c.HeaderExtensions() {
		if e.ID > mostOneByte { // all of a packet have the same form (RFC 8285, 4.1.2)
			t.header.Extension, t.header.ExtensionProfile = true, rtp.ExtensionProfileTwoByte
		}
	}
	for _, e := range c.HeaderExtensions() {
		var err error
		switch e.URI {
		case transportCC:
			t.numbers = true
			err = t.header.SetExtension(uint8(e.ID), t.counter[:])
		case playoutDelay:
			if t.kind == pion.RTPCodecTypeVideo {
				err = t.header.SetExtension(uint8(e.ID), make([]byte, 3))
			}
		}
		if err != nil {
			return pion.RTPCodecParameters{}, err
		}
	}
	return codec, nil
}

// Unbind is called by pion when the track has ended.
func (t *track) Unbind(pion.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer = nil
	return nil
}

// ID, RID, StreamID and Kind describe the track in the answer. Both tracks are of one
// stream: players put the stream of the first into their <video>.
func (t *track) ID() string              { return t.id }
func (t *track) RID() string             { return "" }
func (t *track) StreamID() string        { return "camgate" }
func (t *track) Kind() pion.RTPCodecType { return t.kind }

// send sends the payloads of one picture, or of one frame of sound. mark is the marker of
// the last packet; the payloads are kept. The error is pion's: the session has ended.
func (t *track) send(payloads [][]byte, timestamp uint32, mark bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil {
		return nil
	}
	t.header.Timestamp = timestamp
	now := time.Now()
	for i, payload := range payloads {
		t.header.Marker = mark && i == len(payloads)-1
		if t.numbers {
			t.counter = t.link.number(now)
		}
		if t.history != nil {
			t.history[t.header.SequenceNumber%historySize] = sent{
				there: true, sequence: t.header.SequenceNumber, number: t.counter,
				kind: t.header.PayloadType, marker: t.header.Marker, timestamp: timestamp, payload: payload,
			}
		}
		_, err := t.writer.WriteRTP(&t.header, payload)
		t.header.SequenceNumber++
		t.packets++
		t.octets += uint32(len(payload))
		if err != nil {
			return err
		}
	}
	return nil
}

// carry sends with another payload type from now on.
func (t *track) carry(payload uint8) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header.PayloadType = payload
}

// forget has nothing of before be sent again.
func (t *track) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.history)
}

// resend sends packets again that were asked for, each at most once in a while, and no more
// than the link takes.
func (t *track) resend(nacks []rtcp.NackPair, while time.Duration) (again int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil || t.history == nil {
		return 0
	}
	now := time.Now()
	newest := t.header
	defer func() {
		t.header.SequenceNumber, t.header.Timestamp, t.header.Marker, t.header.PayloadType = newest.SequenceNumber, newest.Timestamp, newest.Marker, newest.PayloadType
	}()
	for _, pair := range nacks {
		pair.Range(func(sequence uint16) bool {
			p := &t.history[sequence%historySize]
			if !p.there || p.sequence != sequence || now.Sub(p.again) < while {
				return true
			}
			if t.numbers && !t.link.mayAgain() {
				return false
			}
			p.again = now
			t.header.SequenceNumber, t.header.Timestamp, t.header.Marker, t.counter = p.sequence, p.timestamp, p.marker, p.number
			t.header.PayloadType = p.kind
			if _, err := t.writer.WriteRTP(&t.header, p.payload); err != nil {
				return false
			}
			again++
			return again < historySize
		})
	}
	return again
}

// report is a sender report: which timestamp belongs to now.
func (t *track) report(now time.Time, timestamp uint32) *rtcp.SenderReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.packets == 0 {
		return nil
	}
	return &rtcp.SenderReport{SSRC: t.header.SSRC, NTPTime: ntp(now), RTPTime: timestamp, PacketCount: t.packets, OctetCount: t.octets}
}

// ntp is a time as in sender reports: seconds since 1900, and their 2⁻³² parts (RFC 3550,
// 4).
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// numbered says that the browser tells of arrivals.
func (t *track) numbered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.numbers
}

// is says that packets of this source are the track's.
func (t *track) is(ssrc uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header.SSRC == ssrc
}
