package onvif

// A Profile is one stream that the camera offers: a configuration of source and encoder.
// All values are as the camera says; the stream itself may differ.
type Profile struct {
	Token, Name   string
	Media2        bool    // from which service it came, and is asked for there
	Codec         string  // "H264", "H265", "JPEG", "MPEG4"; "": unknown
	Width, Height int     // 0: unknown
	FPS           float64 // 0: unknown or unlimited
	Bitrate       int     // kbit/s, 0: unknown or unlimited
	Quality       float64 // a number whose range is the camera's own
	GOP           int     // pictures from key frame to key frame; 0: unknown
	VideoSource   string  // token of its video source
	PTZ           bool    // has a PTZ configuration
}
