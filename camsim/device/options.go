package device

import (
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Options of a device. It needs at least one profile; all else has a default.
type Options struct {
	// Name is what its owner calls it. "" is camera.
	Name string
	// What GetDeviceInformation and the scopes tell. "": values that differ by name.
	Maker, Model, Serial, Firmware, Hardware, Location string

	// UUID is its endpoint reference without urn:uuid:, MAC its hardware address as
	// 02:00:…. "": derived from Name, always the same.
	UUID, MAC string

	// Listen is the HTTP address. "" is a free port of 127.0.0.1. Where it names no
	// address (":8000"), each answer names the one that the request came to.
	Listen string
	// TLS makes it https.
	TLS *tls.Config

	// User and Password are wanted where User is not "". A password may be empty.
	User, Password string

	// Profiles are its streams, best first; the first is the main stream.
	Profiles []Profile

	// PTZ lets it turn and zoom.
	PTZ bool

	// ClockSkew is its clock minus ours.
	ClockSkew time.Duration

	// Quirks are how it differs from the standards.
	Quirks []Quirk
	// Tries is how many wrong passwords lock it for 30 minutes, where a quirk says that it
	// locks. 0 is 5.
	Tries int

	// WSDiscovery and SSDP have it answer and announce itself.
	WSDiscovery, SSDP bool
	// MaxAge is how long its SSDP announcements hold; they are repeated twice as often.
	// 0 is 30 minutes. Whole seconds.
	MaxAge time.Duration

	// Network is where it is to be found. nil: one of its own, made from the three below.
	// The caller closes a Network that it made, after the device.
	Network    *Network
	Interfaces []string // empty: "lo"
	WSPort     int      // 0: 3702
	SSDPPort   int      // 0: 1900
}

func (o Options) withDefaults() Options {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&o.Name, "camera")
	sum := sha1.Sum([]byte("camgate simulated camera " + o.Name))
	id := hex.EncodeToString(sum[:])
	set(&o.Maker, "camgate")
	set(&o.Model, "Simulated Camera")
	set(&o.Serial, strings.ToUpper(id[:12]))
	set(&o.Firmware, "1.2.3")
	set(&o.Hardware, "CS-1")
	set(&o.Location, "Test Street")
	// Name-based, version 5 (RFC 9562 section 5.5), as far as its form goes.
	set(&o.UUID, fmt.Sprintf("%s-%s-5%s-8%s-%s", id[0:8], id[8:12], id[13:16], id[17:20], id[20:32]))
	o.UUID = strings.TrimPrefix(strings.ToLower(o.UUID), "urn:uuid:")
	mac := sum[10:15] // 02 says: locally administered
	set(&o.MAC, fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4]))
	set(&o.Listen, "127.0.0.1:0")
	if o.Tries == 0 {
		o.Tries = 5
	}
	if o.MaxAge == 0 {
		o.MaxAge = 30 * time.Minute
	}
	profiles := make([]Profile, len(o.Profiles))
	for i, p := range o.Profiles {
		set(&p.Token, fmt.Sprintf("profile_%d", i+1))
		switch i {
		case 0:
			set(&p.Name, "MainStream")
		case 1:
			set(&p.Name, "SubStream")
		default:
			set(&p.Name, fmt.Sprintf("Stream%d", i+1))
		}
		profiles[i] = p
	}
	o.Profiles = profiles
	return o
}

// check takes options that have their defaults.
func (o Options) check() error {
	if len(o.Profiles) == 0 {
		return errors.New("it needs a profile, with a camera")
	}
	tokens := map[string]bool{}
	for _, p := range o.Profiles {
		switch {
		case p.Camera == nil:
			return fmt.Errorf("profile %q has no camera", p.Token)
		case tokens[p.Token]:
			return fmt.Errorf("two profiles have the token %q", p.Token)
		case len(p.Token) > 64 || strings.ContainsAny(p.Token, "/?#% \r\n\t"):
			return fmt.Errorf("profile token %q: at most 64 letters, digits, - and _ (it becomes part of a URL)", p.Token)
		}
		tokens[p.Token] = true
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return fmt.Errorf("address %q: must be HOST:PORT, such as 127.0.0.1:8000", o.Listen)
	}
	if o.Password != "" && o.User == "" {
		return errors.New("a password needs a user")
	}
	if o.Tries < 0 || o.MaxAge < time.Second {
		return errors.New("tries must not be below 0, nor the announcements' age below a second")
	}
	return checkQuirks(o.Quirks)
}
