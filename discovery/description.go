package discovery

import (
	"fmt"
	"net/url"
)

const maxDescription = 1 << 20

// A description is what a UPnP device says about itself (UPnP Device Architecture 1.1,
// section 2.3).
type description struct {
	camera                          bool
	udn                             identity
	maker, model, name, serial, mac string
	page                            string // absolute, unchecked; "" where none is told
}

// readDescription reads a device description that was fetched from location.
func readDescription(data []byte, location *url.URL) (description, error) {
	if len(data) > maxDescription {
		return description{}, fmt.Errorf("%w: a device description of more than %d bytes", errTooLarge, maxDescription)
	}
	root, err := readXML(data)
	if err != nil {
		return description{}, err
	}
	device := root.child("device")
	if device == nil {
		return description{}, fmt.Errorf("%w: <%s> is no device description", errMalformed, printable(root.local, 40))
	}
	text := func(name string) string { return printable(device.value(name), maxText) }
	d := description{
		camera: looksLikeCamera(device),
		udn:    udnIdentity(device.value("UDN")),
		maker:  text("manufacturer"),
		model:  text("modelName"),
		name:   text("friendlyName"),
		serial: text("serialNumber"),
	}
	if d.model == "" {
		d.model = text("modelNumber")
	}
	if d.mac = readMAC(d.serial); d.mac == "" {
		d.mac = d.udn.mac
	}
	d.page = resolvePage(location, root.value("URLBase"), device.value("presentationURL"))
	return d, nil
}

// resolvePage makes the presentation URL absolute: against URLBase where there is one, be
// it behind the device element as AXIS has it, else against where the description lies.
func resolvePage(location *url.URL, base, page string) string {
	if page == "" || len(page) > maxAddress || len(base) > maxAddress {
		return ""
	}
	from := location
	if b, err := url.Parse(base); err == nil && b.Host != "" {
		from = b
	}
	p, err := from.Parse(page)
	if err != nil {
		return ""
	}
	return p.String()
}
