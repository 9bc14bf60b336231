package device

import (
	"net/url"
	"strings"
)

// scopes of the device (ONVIF Core section 7.3.2.2), one by one.
func (d *Device) scopes() []string {
	o := d.options
	const base = "onvif://www.onvif.org/"
	value := func(kind, v string) string { return base + kind + "/" + url.PathEscape(v) }
	name, hardware := "name", "hardware"
	if d.has(QuirkScopesCapitalised) {
		name, hardware = "Name", "Model"
	}
	list := []string{base + "Profile/Streaming", base + "Profile/T", base + "type/video_encoder", base + "type/Network_Video_Transmitter"}
	if o.PTZ {
		list = append(list, base+"type/ptz")
	}
	if d.has(QuirkScopesEncoded) {
		// é in UTF-8, as all in a URI should be; and in Latin-1, as some have it.
		list = append(list, value(name, o.Name)+"%20Caf%C3%A9%20Caf%E9")
	} else {
		list = append(list, value(name, o.Name))
	}
	list = append(list, value(hardware, o.Model), value("location", o.Location))
	if d.has(QuirkScopesTwice) {
		list = append(list, base+name+"/IPC")
	}
	if d.has(QuirkScopesMaker) {
		list = append(list, value("manufacturer", o.Maker), value("mfr", o.Maker), base+"mac/"+strings.ReplaceAll(o.MAC, ":", "-"))
	}
	return list
}
