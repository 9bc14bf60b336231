package device

import "camgate/camsim"

// A Profile is one stream that a device offers.
type Profile struct {
	Token string // what requests name it by; "": profile_1, profile_2, …
	Name  string // for people; "": MainStream, SubStream, Stream3, …
	// Camera is what streams. Its RTSP address, size, codec and rate are told as they are
	// at the time of the request. The caller closes it, after the device.
	Camera *camsim.Camera
}
