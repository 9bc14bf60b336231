package media

import "time"

// AudioCodec names how sound is compressed.
type AudioCodec uint8

// The audio codecs that camgate can take from a camera.
const (
	UnknownAudio AudioCodec = iota
	PCMU                    // G.711 µ-law, 8 kHz, mono; RTP payload by RFC 3551
	PCMA                    // G.711 A-law, likewise
	AAC                     // ISO/IEC 14496-3, RTP payload by RFC 3640; of 1024 samples a frame
	Opus                    // RFC 6716, RTP payload by RFC 7587
)

// String is the name that users see.
func (c AudioCodec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	case AAC:
		return "AAC"
	case Opus:
		return "Opus"
	}
	return "unknown"
}

// AudioFrame is a piece of sound that can be decoded by itself. Nobody changes it once it
// has left its source.
type AudioFrame struct {
	Codec AudioCodec
	Data  []byte // G.711: samples; AAC: a raw frame, without ADTS header; Opus: a packet

	// PTS is the audio track's clock, counted from its first packet. It says nothing about
	// the pictures' PTS; Received is the clock that both have.
	PTS      time.Duration
	Received time.Time     // when its last byte arrived, by the gateway's clock
	Duration time.Duration // of the sound in it

	Rate, Channels int // samples a second, and at once
}
