package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Device is one camera, or a recorder with ONVIF, however many ways and times it
// answered. All texts are printable and at most 256 bytes long, addresses 1024. As JSON it is
// what the API and `discover --json` show.
type Device struct {
	// ID is lower case, and the same as long as the device is known: "urn:uuid:…" (its endpoint
	// reference), else "uuid:…" (its UDN), else "mac:…", else "addr:…"; with "#2" behind it
	// where two are called the same.
	ID      string   `json:"id"`
	Aliases []string `json:"-"` // what else it is known by, of the same forms, sorted

	Address netip.Addr   `json:"address"`        // that it replied from and that is to be used, with a zone where it is link-local
	Also    []netip.Addr `json:"also,omitempty"` // further ones that it replied from or announced and that may be used

	// "" where unknown.
	Maker  string `json:"maker"`
	Model  string `json:"model"`
	Name   string `json:"name"`
	Serial string `json:"serial,omitempty"`
	MAC    string `json:"mac,omitempty"` // "00:40:8c:12:34:56"

	// ONVIF are addresses of its device service, best first; the host is the one it replied
	// from or on the same network. Never nil.
	ONVIF []string `json:"onvif"`
	Page  string   `json:"page,omitempty"` // the page it presents itself with, checked likewise

	Via       []string  `json:"via"`                 // how it was found, sorted; see ViaWSDiscovery and following
	Interface string    `json:"interface,omitempty"` // that its first answer came in on; "" where a router is between
	Warnings  []string  `json:"warnings,omitempty"`  // sentences about what it announces and what was done with it
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Expires   time.Time `json:"-"` // zero: not by time, but when three searches went unanswered or it says goodbye
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
