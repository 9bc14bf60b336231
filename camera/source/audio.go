package source

import (
	"slices"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	"github.com/pion/rtp"

	"camgate/media"
)

// AudioSink takes the sound of a source. Calls come one at a time with those of Sink, and
// none after RTSP has returned.
type AudioSink interface {
	// AudioPacket is called for each packet. False: nobody listens, and it is left alone.
	AudioPacket() (wanted bool)

	// AudioFrame takes what is in a packet. The source does not touch it again.
	AudioFrame(*media.AudioFrame)
}

// AudioTrack describes the sound beside a stream's pictures.
type AudioTrack struct {
	Codec    media.AudioCodec // UnknownAudio: there is none
	Rate     int              // samples a second, which is the RTP clock too
	Channels int              // 1 to 8
	Config   []byte           // AAC: AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1); else nil
}

// Bounds of an audio track: AAC has sampling rates from 7350 to 96000 Hz.
const (
	minAudioRate     = 7350
	maxAudioRate     = 96000
	maxAudioChannels = 8
	maxAudioTracks   = 4 // of a description that are looked at
	aacFrameSamples  = 1024
)

// audio is the audio track of a session.
type audio struct {
	track       AudioTrack
	format      format.Format
	media       *description.Media
	sink        AudioSink
	depacketise func(*rtp.Packet) ([][]byte, error)
	clock       clock
}

// newAudio is nil for a format that we do not take.
func newAudio(m *description.Media, f format.Format, sink AudioSink) *audio {
	a := &audio{format: f, media: m, sink: sink}
	switch f := f.(type) {
	case *format.G711:
		if f.SampleRate != 8000 || f.ChannelCount != 1 {
			return nil // no browser takes another
		}
		a.track = AudioTrack{Codec: media.PCMA, Rate: 8000, Channels: 1}
		if f.MULaw {
			a.track.Codec = media.PCMU
		}
		a.depacketise = wholePayload
	case *format.Opus:
		a.track = AudioTrack{Codec: media.Opus, Rate: 48000, Channels: f.ChannelCount}
		a.depacketise = wholePayload
	case *format.MPEG4Audio:
		config, err := f.Config.Marshal()
		d, err2 := f.CreateDecoder()
		if err != nil || err2 != nil {
			return nil
		}
		a.track = AudioTrack{Codec: media.AAC, Rate: f.Config.SampleRate, Channels: f.Config.ChannelCount, Config: config}
		a.depacketise = d.Decode
	default:
		return nil
	}
	if a.track.Rate < minAudioRate || a.track.Rate > maxAudioRate || a.track.Channels < 1 || a.track.Channels > maxAudioChannels {
		return nil
	}
	return a
}

func wholePayload(p *rtp.Packet) ([][]byte, error) { return [][]byte{p.Payload}, nil }

// packet takes the next packet, in order, and when it came. What cannot be read is left
// out: sound that stutters tells by itself.
func (a *audio) packet(p *rtp.Packet, now time.Time) {
	a.clock.at(p.Timestamp)
	if !a.sink.AudioPacket() {
		return
	}
	parts, err := a.depacketise(p)
	if err != nil {
		return
	}
	pts := a.duration(a.clock.ticks)
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		f := &media.AudioFrame{Codec: a.track.Codec, Data: slices.Clone(part), PTS: pts, Received: now,
			Rate: a.track.Rate, Channels: a.track.Channels}
		switch f.Codec {
		case media.AAC:
			f.Duration = a.duration(aacFrameSamples)
		case media.Opus:
			f.Duration = opusDuration(part)
		default:
			f.Duration = a.duration(int64(len(part)))
		}
		pts += f.Duration
		a.sink.AudioFrame(f)
	}
}

func (a *audio) duration(samples int64) time.Duration {
	rate := int64(a.track.Rate)
	return time.Duration(samples/rate)*time.Second + time.Duration(samples%rate)*time.Second/time.Duration(rate)
}

// opusDuration reads how much sound is in a packet (RFC 6716 section 3.1); 0 for one that
// is broken.
func opusDuration(packet []byte) time.Duration {
	const most = 120 * time.Millisecond
	kind := packet[0] >> 3
	var frame time.Duration
	switch {
	case kind < 12: // SILK
		frame = [...]time.Duration{10, 20, 40, 60}[kind&3] * time.Millisecond
	case kind < 16: // hybrid
		frame = [...]time.Duration{10, 20}[kind&1] * time.Millisecond
	default: // CELT
		frame = [...]time.Duration{2500, 5000, 10000, 20000}[kind&3] * time.Microsecond
	}
	count := time.Duration(2)
	switch packet[0] & 3 {
	case 0:
		count = 1
	case 3:
		if len(packet) < 2 {
			return 0
		}
		count = time.Duration(packet[1] & 0x3f)
	}
	if frame*count > most {
		return 0
	}
	return frame * count
}

// readableTracks is a session description (RFC 4566) with its video tracks, and with those
// audio tracks that do no harm, where audio is wanted: gortsplib refuses a description as a
// whole for one track that is described wrongly. What holds no video at all stays as it is,
// so that the error can tell what there is.
func readableTracks(text []byte, audio bool) []byte {
	sections, kinds := make([][]string, 1), []string{"session"} // lines; what they describe
	for line := range strings.Lines(string(text)) {
		if kind, ok := strings.CutPrefix(line, "m="); ok {
			kind, _, _ = strings.Cut(kind, " ")
			sections, kinds = append(sections, nil), append(kinds, kind)
		}
		if len(sections) == 1 && strings.HasPrefix(line, "a=group:") {
			continue // it names tracks that may be gone
		}
		sections[len(sections)-1] = append(sections[len(sections)-1], line)
	}
	if !slices.Contains(kinds, "video") {
		return text
	}
	kept := make([]bool, len(sections))
	for i, kind := range kinds {
		kept[i] = i == 0 || kind == "video"
	}
	join := func() []byte {
		var b strings.Builder
		for i, section := range sections {
			for _, line := range section {
				if kept[i] {
					b.WriteString(line)
				}
			}
		}
		return []byte(b.String())
	}
	tried := 0
	for i, kind := range kinds {
		if i == 0 || kind != "audio" || !audio || tried == maxAudioTracks {
			continue
		}
		tried++
		kept[i] = true
		kept[i] = isDescription(join())
	}
	return join()
}

// isDescription says whether gortsplib takes a session description.
func isDescription(text []byte) bool {
	var s sdp.SessionDescription
	var d description.Session
	return s.Unmarshal(text) == nil && d.Unmarshal(&s) == nil
}
