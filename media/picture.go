package media

import "time"

// State says what a picture is worth: whether what it shows is happening now.
type State uint8

const (
	// Offline: the camera is away; the picture is a placeholder, or the last one
	// dimmed.
	Offline State = iota
	// Stale: the connection is up, but no whole picture has come for a while; the
	// picture is the last one, dimmed.
	Stale
	// Live: the picture came from the camera just now.
	Live
)

// String is the word in X-Camera-State and in the API.
func (s State) String() string {
	switch s {
	case Live:
		return "live"
	case Stale:
		return "stale"
	}
	return "offline"
}

// Picture is one JPEG. Its bytes are shared by all viewers and never change.
type Picture struct {
	JPEG          []byte
	Width, Height int    // of the JPEG, in pixels
	Sequence      uint64 // grows from picture to picture of a camera, with gaps where none was wanted
	Received      time.Time
	State         State

	// NoCamera is true for a placeholder: nothing of the camera is in it.
	NoCamera bool
}
