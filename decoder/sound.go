package decoder

// #cgo pkg-config: libswresample
// #include "sound.h"
import "C"

import (
	"errors"
	"fmt"
	"time"

	"github.com/asticode/go-astiav"

	"camgate/media"
)

// Opus as it is made here (RFC 6716): 48 kHz, 20 ms a packet.
const (
	opusRate    = 48000
	opusSamples = 960
	opusPacket  = opusSamples * time.Second / opusRate
)

// maxAACFrame is the longest frame decoded, in bytes: 6144 bits a channel (ISO/IEC 14496-3
// section 4.5.3), for the 8 channels that we take.
const maxAACFrame = 6144

// MakesOpus says whether this FFmpeg can make Opus of AAC.
func MakesOpus() bool {
	return astiav.FindDecoder(astiav.CodecIDAac) != nil && astiav.FindEncoderByName("libopus") != nil
}

// An AudioTranscoder makes Opus of AAC: 48 kHz, mono or stereo, packets of 20 ms. It is for
// one goroutine. Close frees libav's memory.
type AudioTranscoder struct {
	c      *C.cg_sound
	began  bool
	pts    time.Duration // of the next packet
	packet [4000]byte    // the most that libopus makes; reused
}

// NewAudioTranscoder makes one for a track with this AudioSpecificConfig (ISO/IEC 14496-3
// section 1.6.2.1).
func NewAudioTranscoder(config []byte) (*AudioTranscoder, error) {
	quietLibav()
	if len(config) == 0 || len(config) > 1024 {
		return nil, fmt.Errorf("an AAC configuration of %d bytes is none", len(config))
	}
	c := C.cg_sound_new(bytePointer(config), C.int(len(config)))
	if c == nil {
		return nil, errors.New("libav cannot make Opus of this AAC")
	}
	return &AudioTranscoder{c: c}, nil
}

// Close frees what libav holds. Closing twice is harmless.
func (t *AudioTranscoder) Close() {
	C.cg_sound_free(t.c)
	t.c = nil
}

// Transcode takes one frame of AAC, and returns the packets of Opus that are complete with
// it: none, or several. Their PTS goes on evenly, and follows the frames' where these jump;
// Received is the frame's. An error concerns this frame alone.
func (t *AudioTranscoder) Transcode(f *media.AudioFrame) ([]*media.AudioFrame, error) {
	if len(f.Data) == 0 || len(f.Data) > maxAACFrame {
		return nil, fmt.Errorf("a frame of %d bytes is no AAC", len(f.Data))
	}
	const drift = 200 * time.Millisecond
	if gap := f.PTS - t.pts; !t.began || gap > drift || gap < -drift {
		t.pts, t.began = f.PTS, true
	}
	if C.cg_sound_put(t.c, bytePointer(f.Data), C.int(len(f.Data))) < 0 {
		return nil, fmt.Errorf("libav could not decode a frame of %d bytes of AAC", len(f.Data))
	}
	var made []*media.AudioFrame
	for {
		n := C.cg_sound_take(t.c, bytePointer(t.packet[:]), C.int(len(t.packet)))
		if n < 0 {
			return made, errors.New("libav's Opus encoder failed")
		}
		if n == 0 {
			return made, nil
		}
		made = append(made, &media.AudioFrame{Codec: media.Opus, Data: append([]byte(nil), t.packet[:n]...), PTS: t.pts,
			Received: f.Received, Duration: opusPacket, Rate: opusRate, Channels: int(C.cg_sound_channels(t.c))})
		t.pts += opusPacket
	}
}
