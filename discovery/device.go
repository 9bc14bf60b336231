package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Device is one camera, or a recorder with ONVIF, however many ways and times it
// answered. All texts are printable and at most 256 bytes long, addresses 1024.
type Device struct {
	ID        string       // lower case, the same as long as the device is known: "urn:uuid:…" (its endpoint reference), else "uuid:…" (its UDN), else "mac:…", else "addr:…"; with "#2" behind it where two are called the same
	Aliases   []string     // what else it is known by, of the same forms, sorted
	Address   netip.Addr   // the address it replied from and that is to be used, with a zone where it is link-local
	Also      []netip.Addr // further addresses that it replied from or announced and that may be used
	Maker     string       // this and the following: "" where unknown
	Model     string
	Name      string
	Serial    string
	MAC       string   // "00:40:8c:12:34:56"
	ONVIF     []string // addresses of its device service, best first; the host is the one it replied from or on the same network
	Page      string   // the page it presents itself with, checked likewise
	Via       []string // how it was found, sorted; see ViaWSDiscovery and following
	Interface string   // the interface that its first answer came in on; "" where a router is between
	Warnings  []string // sentences about what it announces and what was done with it
	FirstSeen time.Time
	LastSeen  time.Time
	Expires   time.Time // zero: not by time, but when three searches went unanswered or it says goodbye
}

// How a device was found: the elements of Device.Via.
const (
	ViaWSDiscovery = "ws-discovery"         // it answered a probe
	ViaHello       = "ws-discovery (hello)" // it announced itself
	ViaSSDP        = "ssdp"                 // it answered a search
	ViaNotify      = "ssdp (notify)"        // it announced itself
	ViaUnicast     = "unicast"              // it was asked by its address
)

// sameSubstance says whether nothing differs that Options.Changed tells of.
func (d *Device) sameSubstance(e *Device) bool {
	return d.ID == e.ID && d.Address == e.Address && d.Page == e.Page &&
		d.Maker == e.Maker && d.Model == e.Model && d.Name == e.Name && d.Serial == e.Serial && d.MAC == e.MAC &&
		slices.Equal(d.ONVIF, e.ONVIF)
}

// sortKey orders devices of one address: by port, as far as they have one, then by ID.
func (d *Device) sortKey() string {
	var port string
	if len(d.ONVIF) > 0 {
		hp := hostPortOf(d.ONVIF[0])
		port = hp[lastColon(hp):]
	}
	return fmt.Sprintf("%6s %s", port, d.ID)
}
