package discovery

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The protocols that records are of.
type protocol string

const (
	protocolWS   protocol = "ws"
	protocolSSDP protocol = "ssdp"
)

// Bounds of what is kept of one device.
const (
	maxReplied  = 8
	maxURLs     = 8
	maxWarnings = 8
)

// A sighting is one answer or announcement of one device, read but unchecked.
type sighting struct {
	protocol protocol
	via      string
	from     sender
	at       time.Time
	identity identity
	known    bool     // it only renews what is known: it says too little to be a camera's
	facts    facts    // what it says about itself
	xaddrs   []string // WS-Discovery
	location string   // SSDP: of its description
	page     string   // SSDP
	expires  time.Time
}

// facts are what a device tells about itself; printable.
type facts struct{ maker, model, name, serial, mac string }

// complete takes from g what f lacks.
func (f *facts) complete(g facts) {
	f.maker, f.model, f.name = cmp.Or(f.maker, g.maker), cmp.Or(f.model, g.model), cmp.Or(f.name, g.name)
	f.serial, f.mac = cmp.Or(f.serial, g.serial), cmp.Or(f.mac, g.mac)
}

// key is the same for each sighting of one device over one protocol.
func (s *sighting) key() string {
	if s.identity.id != "" {
		return string(s.protocol) + " " + s.identity.id
	}
	where := s.location
	if len(s.xaddrs) > 0 {
		where = s.xaddrs[0]
	}
	return string(s.protocol) + " " + s.from.addr.String() + " " + printable(where, maxText)
}

// A record is what one device says over one protocol.
type record struct {
	key      string
	protocol protocol
	identity identity
	facts    facts
	location string
	replied  []replied
	via      []string
	first    time.Time
	last     time.Time
	expires  time.Time // SSDP
	missed   int       // WS-Discovery: searches since it last answered
	device   *device
}

// A replied is an address that a device answered from, and what it announced from there.
type replied struct {
	addr     netip.Addr
	link     string
	seen     time.Time
	asked    bool         // it answered a question, not only said hello
	urls     []string     // of its device service, checked
	hosts    []netip.Addr // in them
	page     string       // checked
	warnings []string
}

// renew takes a sighting into the record. It reports whether anything but times is new,
// and how many announced addresses were refused.
func (r *record) renew(s *sighting) (changed bool, refused int) {
	before := r.facts
	after := s.facts
	after.mac = cmp.Or(after.mac, s.identity.mac)
	after.complete(r.facts)
	r.facts = after
	r.last, r.missed = s.at, 0
	r.expires = s.expires
	if s.location != "" {
		r.location = s.location
	}
	changed = before != after
	for _, via := range viaOf(s) {
		if !slices.Contains(r.via, via) {
			r.via, changed = append(r.via, via), true
		}
	}
	now, refused := s.replied()
	return r.renewAddress(s, now) || changed, refused
}

func viaOf(s *sighting) []string {
	if s.from.unicast {
		return []string{s.via, ViaUnicast}
	}
	return []string{s.via}
}

// renewAddress puts what was announced from one address in the place of what was before.
func (r *record) renewAddress(s *sighting, now replied) (changed bool) {
	i := slices.IndexFunc(r.replied, func(o replied) bool { return o.addr == now.addr })
	if i >= 0 {
		old := &r.replied[i]
		now.asked = now.asked || old.asked
		if s.known || s.via == ViaHello && len(s.xaddrs) == 0 {
			old.seen = s.at
			return false
		}
		changed = !slices.Equal(old.urls, now.urls) || old.page != now.page || !slices.Equal(old.warnings, now.warnings)
		*old = now
		return changed
	}
	if len(r.replied) == maxReplied {
		oldest := 0
		for i := range r.replied {
			if r.replied[i].seen.Before(r.replied[oldest].seen) {
				oldest = i
			}
		}
		r.replied = slices.Delete(r.replied, oldest, oldest+1)
	}
	r.replied = append(r.replied, now)
	return true
}

// defaultService is where a device service lies that announces no address (ONVIF Core
// Specification, section 5.1.1).
const defaultService = "/onvif/device_service"

// replied checks what was announced.
func (s *sighting) replied() (now replied, refused int) {
	now = replied{addr: s.from.addr, seen: s.at, asked: s.via == ViaWSDiscovery || s.via == ViaSSDP}
	if s.from.link != nil {
		now.link = s.from.link.name
	}
	if !s.from.near() {
		now.warnings = append(now.warnings, "it answered from "+s.from.addr.String()+", which is on no network of this computer")
	}
	if s.known {
		return now, 0
	}
	if s.protocol == protocolSSDP {
		if s.page == "" {
			return now, 0
		}
		m := s.from.mend(s.page)
		now.page = m.url
		if m.refused {
			now.warnings = append(now.warnings, m.why)
			refused++
		}
		return now, refused
	}
	return s.services(now)
}

// services checks the announced addresses of the device service.
func (s *sighting) services(now replied) (replied, int) {
	refused, used := 0, 0
	var quiet []string
	for _, announced := range s.xaddrs {
		m := s.from.mend(announced)
		switch {
		case !m.refused:
			used++
		case m.quiet:
			refused++
			quiet = append(quiet, m.why)
		default:
			refused++
			now.warnings = appendNew(now.warnings, maxWarnings, m.why)
		}
		if m.url == "" {
			continue
		}
		if now.urls = appendNew(now.urls, maxURLs, m.url); !m.refused && !slices.Contains(now.hosts, m.host) {
			now.hosts = append(now.hosts, m.host)
		}
	}
	if used == 0 {
		now.warnings = appendNew(now.warnings, maxWarnings, quiet...)
	}
	if len(now.urls) == 0 {
		now.urls = []string{"http://" + inURL(s.from.addr) + defaultService}
		now.warnings = append(now.warnings, "it announces no address of its service that can be used: "+now.urls[0]+" is a guess")
	}
	own := inURL(s.from.addr)
	slices.SortStableFunc(now.urls, func(a, b string) int { return cmp.Compare(preference(a, own), preference(b, own)) })
	return now, refused
}

// inURL is how an address stands in a URL, its zone escaped.
func inURL(a netip.Addr) string {
	return (&url.URL{Scheme: "http", Host: hostPort(a, "")}).String()[len("http://"):]
}

// preference is lower for better URLs: of the address that answered, and without TLS,
// whose certificates cameras sign themselves.
func preference(raw, own string) int {
	p := 0
	scheme, rest, _ := strings.Cut(raw, "://")
	if !strings.HasPrefix(rest, own+"/") && !strings.HasPrefix(rest, own+":") && rest != own {
		p += 2
	}
	if scheme == "https" {
		p++
	}
	return p
}

// appendNew appends what is not in the list, up to the limit.
func appendNew(list []string, limit int, more ...string) []string {
	for _, s := range more {
		if len(list) < limit && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
