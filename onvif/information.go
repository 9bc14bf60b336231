package onvif

// Information is what the camera says it is. All texts are printable and bounded.
type Information struct {
	Maker, Model, Firmware, Serial, Hardware string
}
