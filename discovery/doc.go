// Package discovery finds cameras on the networks of this machine, by WS-Discovery as
// ONVIF uses it and by SSDP.
//
// A Finder searches when it is asked to and, while Run runs, hears what cameras announce.
// What arrives is hostile: every datagram, document and address in it is bounded, checked
// where it enters, and counted where it is refused. An address that a camera announces is
// used only when it is the one the camera replied from or on the same network.
//
// A datagram becomes a sighting (wsmessage.go, ssdpmessage.go, description.go), a sighting
// becomes or renews a record of what one protocol says (record.go), and the records of one
// camera are one Device (registry.go).
package discovery
