package device

import (
	"net/netip"
	"strings"
	"time"
)

// now is the device's clock.
func (d *Device) now() time.Time {
	skew := time.Duration(d.skew.Load())
	if d.has(QuirkClockOff) {
		skew -= 3*time.Hour + 12*time.Minute
	}
	return time.Now().Add(skew).UTC()
}

// localZone is the one of QuirkClockLocalTime.
var localZone = time.FixedZone("CST", 8*60*60)

func (c *call) systemDateAndTime() (any, *fault) {
	utc := c.d.now()
	data := struct {
		TZ          string
		Time, Local *time.Time // nil: not told
	}{"UTC0", &utc, &utc}
	switch {
	case c.d.has(QuirkTimezoneUTC50):
		data.TZ, data.Local = "UTC5:0", nil
	case c.d.has(QuirkTimezoneCST8):
		data.TZ = "CST+8:00:00"
	}
	switch {
	case c.d.has(QuirkClockEmpty):
		data.Time, data.Local = nil, nil
	case c.d.has(QuirkClockLocalTime):
		local := utc.In(localZone)
		data.TZ, data.Time, data.Local = "CST-8", &local, &local
	}
	return data, nil
}

// hostname is the name as a host may have one (RFC 1123 section 2.1).
func (d *Device) hostname() string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, d.options.Name)
	if name = strings.Trim(name, "-"); name == "" {
		return "camera"
	}
	return name[:min(len(name), 63)]
}

func (c *call) networkInterfaces() (any, *fault) {
	data := struct{ MAC, IPv4, IPv6 string }{MAC: c.d.options.MAC}
	address, err := netip.ParseAddr(c.host())
	switch {
	case err != nil:
	case address.Is4():
		data.IPv4 = address.String()
	default:
		data.IPv6 = address.WithZone("").String()
	}
	return data, nil
}
