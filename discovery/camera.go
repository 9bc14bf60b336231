package discovery

import (
	"strings"
	"unicode"
)

// Which UPnP devices are cameras. UPnP has a device type for them that nearly none uses;
// most are "Basic" or a type of the maker's own.

// otherTypes are parts of device types that are something else, whoever made it: a disk
// of a maker of recorders is a MediaServer and no camera.
var otherTypes = []string{
	"mediaserver", "mediarenderer", "internetgateway", "wandevice", "wanconnection", "landevice", "wlanaccesspoint",
	"wfadevice", "printer", "scanner", "light", "hvac", "remoteui", "dial-multiscreen", "zoneplayer", "tvdevice", "storage",
}

// cameraTypes are parts of device and service types that only cameras have.
var cameraTypes = []string{
	"camera", "networkvideo", "ipcam", "axis-com:service:basicservice", "onvif", "videoserver",
}

// cameraWords are words of a model's or device's name that say what it is.
var cameraWords = map[string]bool{
	"camera": true, "cam": true, "ipcam": true, "ipcamera": true, "webcam": true, "netcam": true, "dome": true, "bullet": true,
	"ptz": true, "cctv": true, "nvr": true, "dvr": true, "onvif": true, "surveillance": true, "ipc": true,
}

// looksLikeCamera says whether a description's root device is a camera, or has one in it.
func looksLikeCamera(root *element) bool {
	camera := false
	for _, name := range []string{"deviceType", "serviceType"} {
		root.each(name, func(e *element) { camera = camera || containsAny(e.text, cameraTypes) })
	}
	if camera {
		return true
	}
	if containsAny(root.value("deviceType"), otherTypes) {
		return false
	}
	if makerOf(root.value("manufacturer")) != "" || strings.HasPrefix(strings.ToLower(root.value("manufacturer")), "bosch security") {
		return true
	}
	for _, name := range []string{"modelName", "modelDescription", "friendlyName"} {
		for _, word := range wordsOf(root.value(name)) {
			if cameraWords[word] {
				return true
			}
		}
	}
	return false
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func containsAny(s string, parts []string) bool {
	s = strings.ToLower(s)
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
