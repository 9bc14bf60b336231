package camsim

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"camgate/decoder"
	"camgate/media"
)

const (
	toneHertz  = 400 // whole periods in a packet of G.711
	g711Rate   = 8000
	g711Packet = 160 // samples: 20 ms
	aacRate    = 16000
	aacSamples = 1024
	aacFrames  = 50 // 3.2 s: whole periods too

	audioPayloadType = 97
)

// sound is a camera's second track: a tone, made once and repeated.
type sound struct {
	media   *description.Media
	packets [][]byte // payloads
	samples uint32   // in each
	rate    int
	payload uint8
	marker  bool // on each packet (RFC 3640 section 3.1)
}

// newSound makes the tone; nil for UnknownAudio.
func newSound(codec media.AudioCodec) (*sound, error) {
	var of format.Format
	s := &sound{samples: g711Packet, rate: g711Rate}
	switch codec {
	case media.UnknownAudio:
		return nil, nil
	case media.PCMU:
		of = &format.G711{PayloadTyp: 0, MULaw: true, SampleRate: g711Rate, ChannelCount: 1}
		s.packets = [][]byte{g711Tone(muLaw)}
	case media.PCMA:
		of = &format.G711{PayloadTyp: 8, SampleRate: g711Rate, ChannelCount: 1}
		s.packets = [][]byte{g711Tone(aLaw)}
	case media.AAC:
		config, frames, err := decoder.AACTone(aacRate, toneHertz, aacFrames)
		if err != nil {
			return nil, err
		}
		f := &format.MPEG4Audio{PayloadTyp: audioPayloadType, ProfileLevelID: 1, Config: &mpeg4audio.AudioSpecificConfig{},
			SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
		if err := f.Config.Unmarshal(config); err != nil {
			return nil, fmt.Errorf("AAC: %w", err)
		}
		of = f
		s.samples, s.rate, s.marker = aacSamples, aacRate, true
		for _, frame := range frames {
			// One AU-header of 16 bits: 13 of size, 3 of index (RFC 3640 section 3.3.6).
			s.packets = append(s.packets, append([]byte{0, 16, byte(len(frame) >> 5), byte(len(frame) << 3)}, frame...))
		}
	default:
		return nil, fmt.Errorf("no simulated sound in %v: PCMU, PCMA and AAC", codec)
	}
	s.payload = of.PayloadType()
	s.media = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{of}}
	return s, nil
}

func g711Tone(law func(int) byte) []byte {
	tone := make([]byte, g711Packet)
	for i := range tone {
		tone[i] = law(int(8000 * math.Sin(2*math.Pi*toneHertz*float64(i)/g711Rate)))
	}
	return tone
}

// muLaw codes a 16-bit sample (ITU-T G.711 table 2).
func muLaw(v int) byte {
	sign := byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + 132
	exponent := 7
	for ; exponent > 0 && v < 1<<(exponent+7); exponent-- {
	}
	return ^(sign | byte(exponent)<<4 | byte(v>>(exponent+3))&15)
}

// aLaw codes a 16-bit sample (ITU-T G.711 table 1).
func aLaw(v int) byte {
	sign := byte(0x80)
	if v < 0 {
		v, sign = -v-1, 0
	}
	exponent := 7
	for ; exponent > 0 && v < 1<<(exponent+7); exponent-- {
	}
	mantissa := v >> (max(exponent, 1) + 3) & 15
	return (sign | byte(exponent)<<4 | byte(mantissa)) ^ 0x55
}

// hum sends the tone while somebody watches, until ctx ends.
func (c *Camera) hum(ctx context.Context, s *sound) {
	period := time.Duration(s.samples) * time.Second / time.Duration(s.rate)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: s.payload, SSRC: 0x746f6e65, Marker: s.marker}}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p.Payload = s.packets[n%len(s.packets)]
		p.SequenceNumber++
		p.Timestamp += s.samples
		c.mu.Lock()
		if c.stream != nil && !c.away && !c.faults.mute && c.watched() {
			_ = c.stream.WritePacketRTP(s.media, &p) // as for pictures: the server deals with it
		}
		c.mu.Unlock()
	}
}
