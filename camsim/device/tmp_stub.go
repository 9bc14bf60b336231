package device

import "net/http"

func (d *Device) Hello()         {}
func (d *Device) Bye()           {}
func (d *Device) Motion(on bool) {}

type PTZState struct {
	Pan, Tilt, Zoom float64 // −1 to 1, −1 to 1, 0 to 1
	Moving          bool
	Preset          string // token of the last preset gone to; "" after any other order
}

func (d *Device) PTZ() PTZState { return PTZState{} }

const descriptionPath = "/description.xml"
const maxPullPoints = 10

func (d *Device) hostile(w http.ResponseWriter, r *http.Request) bool { return false }
func (d *Device) snapshot(w http.ResponseWriter, r *http.Request)     {}
func (d *Device) description(w http.ResponseWriter, r *http.Request)  {}
