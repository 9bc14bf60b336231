package discovery

import (
	"net"
	"regexp"
	"strings"
)

var (
	uuidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	macAtEnd    = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{12})$`)
)

// An identity is what a device calls itself, an endpoint reference (WS-Addressing) or a
// UDN (UPnP Device Architecture 1.1, section 2.3), and what can be read from it.
type identity struct {
	id   string // "urn:uuid:…" or "uuid:…" in lower case; "" where it tells devices not apart
	uuid string // the UUID in it, if any
	mac  string // the hardware address that it certainly holds, if any
	tail string // what may be a hardware address: its last twelve digits
}

const nilUUID = "00000000-0000-0000-0000-000000000000"

// endpointIdentity reads an endpoint reference. Cameras write "urn:uuid:…", "uuid:…" and
// the bare UUID for the same.
func endpointIdentity(address string) identity { return readIdentity(address, "urn:uuid:") }

// udnIdentity reads a UDN, also that in front of "::" in a USN.
func udnIdentity(udn string) identity {
	udn, _, _ = strings.Cut(udn, "::")
	return readIdentity(udn, "uuid:")
}

func readIdentity(s, prefix string) identity {
	s = strings.ToLower(printable(s, maxText))
	uuid := uuidPattern.FindString(s)
	if uuid == nilUUID {
		return identity{}
	}
	if uuid != "" {
		i := identity{id: prefix + uuid, uuid: uuid, tail: readMAC(uuid[24:])}
		if uuid[14] == '1' || axisMAC(i.tail) {
			// Version 1 ends with the hardware address (RFC 4122, section 4.1.6).
			i.mac = i.tail
		}
		return i
	}
	for p := ""; p != s; {
		p = s
		s = strings.TrimPrefix(strings.TrimPrefix(s, "urn:"), "uuid:")
	}
	if m := macAtEnd.FindStringSubmatch(s); m != nil && readMAC(m[1]) != "" {
		mac := readMAC(m[1])
		return identity{id: prefix + s, mac: mac, tail: mac}
	}
	// "Upnp-BasicDevice-1_0" is sent by every camera of its kind, "…/role/anonymous" by
	// several: what holds neither a UUID nor a hardware address tells nobody apart.
	return identity{}
}

// axisMAC says whether a hardware address is of AXIS, whose identities end with it
// whatever version the UUID claims to be.
func axisMAC(mac string) bool {
	for _, oui := range []string{"00:40:8c:", "ac:cc:8e:", "b8:a4:4f:", "e8:27:25:"} {
		if strings.HasPrefix(mac, oui) {
			return true
		}
	}
	return false
}

// readMAC reads a hardware address in any of its spellings; "" where it is none that a
// single device has.
func readMAC(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) == 12 {
		s = s[:4] + "." + s[4:8] + "." + s[8:]
	}
	mac, err := net.ParseMAC(s)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
		return ""
	}
	if mac.String() == "00:00:00:00:00:00" {
		return ""
	}
	return mac.String()
}
