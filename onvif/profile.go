package onvif

import "strings"

// A Profile is one stream that the camera offers: a configuration of source and encoder.
// All values are as the camera says; the stream itself may differ, and is right.
type Profile struct {
	Token, Name   string
	Media2        bool    // from which service it came, and is asked for there
	Codec         string  // "H264", "H265", "JPEG", "MPEG4"; "": unknown
	Width, Height int     // 0: unknown
	FPS           float64 // upper limit; 0: unknown or unlimited
	Bitrate       int     // kbit/s, upper limit; 0: unknown or unlimited
	Quality       float64 // a number whose range is the camera's own
	GOP           int     // pictures from key frame to key frame; 0: unknown
	VideoSource   string  // token of its video source
	PTZ           bool    // has a PTZ configuration
}

// Bounds of what is believed.
const (
	maxProfiles = 512
	maxSide     = 32768
	maxFPS      = 1000
	maxBitrate  = 2_000_000 // kbit/s
	maxGOP      = 100_000
)

// profilesReply is GetProfilesResponse of both media services: Media1 has the configurations
// in the profile itself, Media2 in an element Configurations.
type profilesReply struct {
	Profiles []profileReply
}

type profileReply struct {
	Token                     text `xml:"token,attr"`
	Name                      text
	VideoSourceConfiguration  *sourceConfiguration
	VideoEncoderConfiguration *encoderConfiguration
	PTZConfiguration          *struct{}
	Configurations            struct {
		VideoSource  *sourceConfiguration
		VideoEncoder *encoderConfiguration
		PTZ          *struct{}
	}
}

type sourceConfiguration struct {
	SourceToken text
}

type encoderConfiguration struct {
	Token       text   `xml:"token,attr"`
	GOP         number `xml:"GovLength,attr"` // Media2
	Encoding    text
	Resolution  struct{ Width, Height number }
	Quality     number
	RateControl struct {
		FrameRateLimit, BitrateLimit number
	}
	H264, H265, MPEG4 struct{ GovLength number } // Media1
}

// profiles are those with a video encoder, and their encoders' tokens.
func (r *profilesReply) profiles(media2 bool) (profiles []Profile, encoders []string) {
	for i := range r.Profiles {
		p := &r.Profiles[i]
		source, encoder := p.VideoSourceConfiguration, p.VideoEncoderConfiguration
		if p.Configurations.VideoSource != nil {
			source = p.Configurations.VideoSource
		}
		if p.Configurations.VideoEncoder != nil {
			encoder = p.Configurations.VideoEncoder
		}
		if encoder == nil || p.Token == "" || len(profiles) == maxProfiles {
			continue
		}
		one := Profile{
			Token: string(p.Token), Name: p.Name.printable(), Media2: media2,
			PTZ: p.PTZConfiguration != nil || p.Configurations.PTZ != nil,
		}
		if source != nil {
			one.VideoSource = string(source.SourceToken)
		}
		encoder.describe(&one)
		profiles, encoders = append(profiles, one), append(encoders, string(encoder.Token))
	}
	return profiles, encoders
}

// describe puts the encoder's values into a profile.
func (e *encoderConfiguration) describe(p *Profile) {
	p.Codec = codecName(string(e.Encoding))
	p.Width, p.Height = e.Resolution.Width.within(maxSide), e.Resolution.Height.within(maxSide)
	if p.Width == 0 || p.Height == 0 {
		p.Width, p.Height = 0, 0
	}
	p.FPS = e.RateControl.FrameRateLimit.positive(maxFPS)
	p.Bitrate = e.RateControl.BitrateLimit.within(maxBitrate)
	p.Quality = float64(e.Quality)
	p.GOP = 0
	for _, g := range []number{e.GOP, e.H264.GovLength, e.H265.GovLength, e.MPEG4.GovLength} {
		if p.GOP == 0 {
			p.GOP = g.within(maxGOP)
		}
	}
}

// codecName: Media1 writes JPEG, MPEG4 and H264; Media2 the names of IANA's registry; some
// cameras their own.
func codecName(s string) string {
	switch strings.ToUpper(s) {
	case "H264", "H.264", "AVC":
		return "H264"
	case "H265", "H.265", "HEVC":
		return "H265"
	case "JPEG", "MJPEG", "MJPG":
		return "JPEG"
	case "MPEG4", "MPV4-ES", "MP4V-ES":
		return "MPEG4"
	}
	return ""
}
