package device

import "net/http"

func (d *Device) Hello() {}
func (d *Device) Bye()   {}

const descriptionPath = "/description.xml"

func (d *Device) description(w http.ResponseWriter, r *http.Request) {}
