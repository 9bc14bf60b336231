package gateway

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"camgate/camera/source"
	"camgate/discovery"
)

// maxBase is how long the readable part of a name may be: with what tells it from others it
// stays below the 64 characters that a configuration allows.
const maxBase = 40

// namesFor are names that nobody has, for the n cameras of a device: readable, and the same
// after each restart as long as the network is.
func (g *Gateway) namesFor(d discovery.Device, n int) []string {
	bases := namesOf(d)
	for again := 2; ; again++ {
		for _, base := range bases {
			if names := numbered(base, n); g.free(names) {
				return names
			}
		}
		bases = []string{fmt.Sprintf("%s-%d", namesOf(d)[0], again)}
	}
}

// numbered is base, base-2, base-3, …
func numbered(base string, n int) []string {
	names := []string{base}
	for i := 2; i <= n; i++ {
		names = append(names, fmt.Sprintf("%s-%d", base, i))
	}
	return names
}

func (g *Gateway) free(names []string) bool {
	s := g.served.Load()
	return !slices.ContainsFunc(names, func(name string) bool { return s.byName[strings.ToLower(name)] != nil })
}

// namesOf are names of a device, the shortest first: what it is called, and the end of what
// tells it from all others. Makers give whole series the same serial number, and so there
// are more than one.
func namesOf(d discovery.Device) []string {
	base := ""
	for _, one := range []string{d.Name, d.Model, d.Maker, "camera"} {
		if base == "" {
			base = readable(one)
		}
	}
	base = shortened(base)
	var names []string
	for _, tail := range tailsOf(d) {
		if name := base + "-" + tail; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// tailsOf are the ends of its MAC address, serial number and UUID, and its address.
func tailsOf(d discovery.Device) []string {
	var tails []string
	ids := []string{d.MAC, d.Serial}
	if !strings.HasPrefix(d.ID, "addr:") {
		ids = append(ids, bareUUID(d.ID))
	}
	for _, one := range ids {
		plain := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, strings.ToLower(one))
		if len(plain) >= 6 {
			tails = append(tails, plain[len(plain)-6:])
		}
	}
	address := readable(d.Address.WithZone("").String())
	return append(tails, address[max(0, len(address)-20):])
}

// nameFor makes a name that nobody has, of the device that was found at the address, or of
// the address itself.
func (g *Gateway) nameFor(from string) (string, error) {
	address, err := source.ParseAddress(from)
	if err != nil {
		return "", err
	}
	host := hostOf(address)
	for _, d := range g.finder.Devices() {
		if d.Address.String() == host {
			return g.namesFor(d, 1)[0], nil
		}
	}
	base := shortened(readable(host))
	if base == "" {
		base = "camera"
	}
	name := base
	for n := 2; !g.free([]string{name}); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name, nil
}

// readable is s as a camera's name may be, "" where nothing is left of it.
func readable(s string) string {
	if addr, err := netip.ParseAddr(s); err == nil {
		return strings.Trim(strings.NewReplacer(":", "-", "%", "-").Replace(addr.Unmap().String()), "-")
	}
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

func shortened(base string) string {
	if len(base) > maxBase {
		base = strings.TrimRight(base[:maxBase], "-._")
	}
	return base
}
