package webrtc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"camgate/media"
)

// Limits on offers: browsers' have 3 sections and some 50 formats.
const (
	mostSections   = 16
	mostFormats    = 256
	mostCandidates = 64
	mostFeedback   = 32 // of a format; browsers' have 6

	mostTrickled = 256 // candidates that come later, until ICE begins anew: pion keeps them all
)

// An offer is what a browser can take.
type offer struct {
	sdp   *sdp.SessionDescription
	video *sdp.MediaDescription // the first; never nil
	audio *sdp.MediaDescription // the first; nil: none

	videoFormats, audioFormats []format
}

// format is one way in which a medium can be sent.
type format struct {
	payload  uint8
	name     string // in capitals: H264
	clock    uint32
	channels uint16
	fmtp     string
	feedback []pion.RTCPFeedback
}

// parseOffer reads an offer. Its errors are sentences for whoever sent it.
func parseOffer(text string) (o *offer, err error) {
	// What comes from strangers is parsed by a library.
	defer func() {
		if cause := recover(); cause != nil {
			o, err = nil, fmt.Errorf("the offer cannot be read: %v", cause)
		}
	}()
	o = &offer{sdp: &sdp.SessionDescription{}}
	if err := o.sdp.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("the body is no SDP offer: %w", err)
	}
	if len(o.sdp.MediaDescriptions) > mostSections {
		return nil, fmt.Errorf("the offer has %d media sections; at most %d are taken", len(o.sdp.MediaDescriptions), mostSections)
	}
	candidates := 0
	for _, m := range o.sdp.MediaDescriptions {
		if len(m.MediaName.Formats) > mostFormats {
			return nil, fmt.Errorf("a media section of the offer has %d formats; at most %d are taken", len(m.MediaName.Formats), mostFormats)
		}
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			if a.Key == "candidate" {
				candidates++
			}
			return a.Key == "candidate" && candidates > mostCandidates
		})
		direction := "sendrecv"
		for _, a := range m.Attributes {
			switch a.Key {
			case "recvonly", "sendonly", "inactive":
				direction = a.Key
			}
		}
		if m.MediaName.Port.Value == 0 || direction == "sendonly" || direction == "inactive" {
			continue
		}
		switch {
		case m.MediaName.Media == "video" && o.video == nil:
			o.video, o.videoFormats = m, formats(m)
		case m.MediaName.Media == "audio" && o.audio == nil:
			o.audio, o.audioFormats = m, formats(m)
		}
	}
	if o.video == nil {
		return nil, fmt.Errorf("the offer has no video to be received: it needs a video section that is recvonly")
	}
	return o, nil
}

// formats are those of a section, in the browser's order of preference.
func formats(m *sdp.MediaDescription) (list []format) {
	at := make(map[string]int)
	for _, number := range m.MediaName.Formats {
		if n, err := strconv.ParseUint(number, 10, 7); err == nil {
			at[number] = len(list)
			list = append(list, static(uint8(n)))
		}
	}
	for _, a := range m.Attributes {
		number, rest, _ := strings.Cut(a.Value, " ")
		i, known := at[number]
		switch {
		case a.Key == "rtcp-fb" && (known || number == "*"):
			kind, parameter, _ := strings.Cut(rest, " ")
			for j := range list {
				if (number == "*" || j == i) && len(list[j].feedback) < mostFeedback {
					list[j].feedback = append(list[j].feedback, pion.RTCPFeedback{Type: kind, Parameter: parameter})
				}
			}
		case !known:
		case a.Key == "fmtp":
			list[i].fmtp = rest
		case a.Key == "rtpmap":
			parts := strings.Split(rest, "/")
			list[i].name = strings.ToUpper(parts[0])
			if len(parts) > 1 {
				clock, _ := strconv.ParseUint(parts[1], 10, 32) // 0 fits no codec
				list[i].clock = uint32(clock)
			}
			if len(parts) > 2 {
				channels, _ := strconv.ParseUint(parts[2], 10, 16)
				list[i].channels = uint16(channels)
			}
		}
	}
	return slices.DeleteFunc(list, func(f format) bool { return f.name == "" })
}

// static is a payload type that needs no rtpmap (RFC 3551, 6).
func static(payload uint8) format {
	switch payload {
	case 0:
		return format{payload: payload, name: "PCMU", clock: 8000}
	case 8:
		return format{payload: payload, name: "PCMA", clock: 8000}
	}
	return format{payload: payload}
}

// parameter is a value of an fmtp line.
func (f format) parameter(name string) (string, bool) {
	for part := range strings.SplitSeq(f.fmtp, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(key, name) {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// codec is what a video format carries, UnknownCodec if camgate does not send it. H.264
// is sent in packetization mode 1 alone.
func (f format) codec() media.Codec {
	if f.clock != videoRate {
		return media.UnknownCodec
	}
	switch f.name {
	case "H264":
		if mode, _ := f.parameter("packetization-mode"); mode == "1" {
			return media.H264
		}
	case "H265":
		return media.H265
	case "VP8":
		return media.VP8
	}
	return media.UnknownCodec
}

// codecs are those the offer can take, in its order.
func (o *offer) codecs() (list []media.Codec) {
	for _, f := range o.videoFormats {
		if c := f.codec(); c != media.UnknownCodec && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// Profiles of H.264, each of which holds those before it.
const (
	baseline = iota // constrained; what differs in plain Baseline, no camera uses
	main
	high
	high444 // Chromium offers it in place of High
	higher  // more than 8 bits, 4:2:2: no browser plays that
)

// profile is that of a profile-level-id or of a sequence parameter set, which begin with
// the same three bytes (RFC 6184, 8.1): profile_idc, flags, level_idc.
func profile(idc, flags byte) int {
	switch {
	case idc == 66, idc == 77 && flags&0x80 != 0, idc == 88 && flags&0x80 != 0:
		return baseline
	case idc == 77:
		return main
	case idc == 100:
		return high
	case idc == 244:
		return high444
	}
	return higher
}

// profile is that of a format; a format that says none is that of a program which takes
// what there is.
func (f format) profile() int {
	text, found := f.parameter("profile-level-id")
	b, err := hex.DecodeString(text)
	if !found || err != nil || len(b) != 3 {
		return high
	}
	if p := profile(b[0], b[1]); p != higher {
		return p
	}
	return high
}

// streamProfile is that of a sequence parameter set.
func streamProfile(sps []byte) int {
	if len(sps) < 4 {
		return high
	}
	return profile(sps[1], sps[2])
}

// takesH265 says whether a format of H.265 takes a stream with this sequence parameter set,
// by its profile (RFC 7798, 7.1; H.265, 7.3.3 and A.3): decoders of Main 10 take Main too.
// A format that says none is that of a program which takes what there is.
func (f format) takesH265(sps []byte) bool {
	text, found := f.parameter("profile-id")
	if !found || len(sps) < 5 {
		return true
	}
	has, _ := strconv.Atoi(text) // 0 is none
	need, compatible := int(sps[3]&0x1f), sps[4]
	switch {
	case compatible&0x40 != 0: // general_profile_compatibility_flag[1]
		need = 1
	case compatible&0x20 != 0:
		need = 2
	}
	return has == need || has == 2 && need < 2
}

// videoFormat is the format in which pictures of a codec are sent. For H.264 it is the
// least profile that holds the stream's. Levels are not compared: browsers offer one far
// below what they play, and say with level-asymmetry-allowed that it means nothing.
//
// any takes a lesser profile where the one needed is not offered.
func (o *offer) videoFormat(codec media.Codec, sps []byte, any bool) (best format, found bool) {
	need := baseline
	if codec == media.H264 && sps != nil {
		need = streamProfile(sps)
	}
	for _, f := range o.videoFormats {
		if f.codec() != codec {
			continue
		}
		if codec == media.H265 && !any && !f.takesH265(sps) {
			continue
		}
		if codec != media.H264 {
			return f, true
		}
		p := f.profile()
		switch {
		case p < need && (!any || need > high):
		case !found,
			p >= need && (best.profile() < need || p < best.profile()),
			p < need && best.profile() < p:
			best, found = f, true
		}
	}
	return best, found
}

// anyH264 is the format in which H.264 is sent that is not known yet: of High, if there is
// one, which holds nearly every camera's.
func (o *offer) anyH264() (format, bool) {
	return o.videoFormat(media.H264, []byte{0x67, 100, 0, 0}, true)
}

// audioFormat is the format in which sound of a codec is sent.
func (o *offer) audioFormat(codec media.AudioCodec) (format, bool) {
	for _, f := range o.audioFormats {
		if f.audioCodec() == codec {
			return f, true
		}
	}
	return format{}, false
}

func (f format) audioCodec() media.AudioCodec {
	switch {
	case f.name == "PCMU" && f.clock == 8000:
		return media.PCMU
	case f.name == "PCMA" && f.clock == 8000:
		return media.PCMA
	case f.name == "OPUS" && f.clock == 48000:
		return media.Opus
	}
	return media.UnknownAudio
}

// audioCodecs are those the offer can take.
func (o *offer) audioCodecs() (list []media.AudioCodec) {
	for _, f := range o.audioFormats {
		if c := f.audioCodec(); c != media.UnknownAudio && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// narrow leaves of a section the formats that were chosen. So the answer has them alone,
// with the browser's numbers.
func narrow(m *sdp.MediaDescription, chosen ...format) {
	m.MediaName.Formats = nil
	for _, f := range chosen {
		m.MediaName.Formats = append(m.MediaName.Formats, strconv.Itoa(int(f.payload)))
	}
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
		switch a.Key {
		case "rtpmap", "fmtp", "rtcp-fb":
			of, _, _ := strings.Cut(a.Value, " ")
			return of != "*" && !slices.Contains(m.MediaName.Formats, of)
		}
		return false
	})
}

// parameters are a format's, as pion takes them.
func (f format) parameters(kind string, feedback ...string) pion.RTPCodecParameters {
	p := pion.RTPCodecParameters{PayloadType: pion.PayloadType(f.payload)}
	p.MimeType, p.ClockRate, p.Channels, p.SDPFmtpLine = kind+"/"+f.name, f.clock, f.channels, f.fmtp
	for _, fb := range f.feedback {
		if slices.Contains(feedback, strings.TrimSpace(fb.Type+" "+fb.Parameter)) {
			p.RTCPFeedback = append(p.RTCPFeedback, fb)
		}
	}
	return p
}
