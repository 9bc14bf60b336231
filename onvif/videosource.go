package onvif

// A VideoSource is one lens or input of the camera.
type VideoSource struct {
	Token         string
	Width, Height int     // 0: unknown
	FPS           float64 // 0: unknown
}
