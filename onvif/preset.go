package onvif

// A Preset is a stored position of a camera that can move.
type Preset struct {
	Token, Name string
}
