package device

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	descriptionPath = "/description.xml"
	rootDevice      = "upnp:rootdevice"
	basicDevice     = "urn:schemas-upnp-org:device:Basic:1"
	ssdpServer      = "Linux/4.9, UPnP/1.0, Portable SDK for UPnP devices/1.6.18"
)

// A search is an M-SEARCH (UPnP Device Architecture 1.0 section 1.2.2).
type search struct {
	target string
	within time.Duration // answers are to come
}

// parseSearch reads a datagram; nil is none for us.
func parseSearch(data []byte) *search {
	lines := strings.Split(string(data), "\n")
	if !strings.HasPrefix(lines[0], "M-SEARCH * HTTP/1.") || len(lines) > 100 {
		return nil
	}
	headers := map[string]string{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		headers[strings.ToUpper(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if strings.Trim(headers["MAN"], `"`) != "ssdp:discover" || headers["ST"] == "" {
		return nil
	}
	s := &search{target: headers["ST"], within: answerWithin}
	if mx, err := strconv.Atoi(headers["MX"]); err == nil && mx > 0 {
		s.within = min(time.Duration(mx)*time.Second, 2*answerWithin)
	}
	return s
}

func (n *Network) hearSSDP(q question) {
	s := parseSearch(q.data)
	if s == nil {
		return
	}
	n.remember(q.from, ssdp, "")
	for d, from := range n.answerers(q) {
		for _, target := range d.targets(s.target) {
			n.queue.add(soon(s.within), func() {
				if !d.isClosed() {
					from.send(d.ssdpAnswer(target, from.address), q.from)
				}
			})
		}
	}
}

// targets that the device answers a search for, each with an answer of its own.
func (d *Device) targets(wanted string) []string {
	own := []string{rootDevice, "uuid:" + d.options.UUID, basicDevice}
	if wanted == "ssdp:all" {
		if d.has(QuirkSSDPSixTimes) {
			own = append(own, own...)
		}
		return own
	}
	for _, target := range own {
		if wanted == target {
			return []string{target}
		}
	}
	return nil
}

// usn is the unique service name of a target.
func (d *Device) usn(target string) string {
	if own := "uuid:" + d.options.UUID; target != own {
		return own + "::" + target
	}
	return target
}

func (d *Device) ssdpAnswer(target string, local netip.Addr) []byte {
	text := fmt.Sprintf("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=%d\r\nDATE: %s\r\nEXT:\r\nLOCATION: %s\r\nSERVER: %s\r\nST: %s\r\nUSN: %s\r\n\r\n",
		int(d.options.MaxAge.Seconds()), d.now().Format(http.TimeFormat), d.location(local), ssdpServer, target, d.usn(target))
	if d.has(QuirkSSDPOneCRLF) {
		text = strings.TrimSuffix(text, "\r\n")
	}
	return d.lineEnds(text)
}

func (d *Device) ssdpAlive(target string, group netip.AddrPort, local netip.Addr) []byte {
	return d.lineEnds(fmt.Sprintf("NOTIFY * HTTP/1.1\r\nHOST: %s\r\nCACHE-CONTROL: max-age=%d\r\nLOCATION: %s\r\nNT: %s\r\nNTS: ssdp:alive\r\nSERVER: %s\r\nUSN: %s\r\n\r\n",
		group, int(d.options.MaxAge.Seconds()), d.location(local), target, ssdpServer, d.usn(target)))
}

func (d *Device) ssdpByebye(target string, group netip.AddrPort) []byte {
	return d.lineEnds(fmt.Sprintf("NOTIFY * HTTP/1.1\r\nHOST: %s\r\nNT: %s\r\nNTS: ssdp:byebye\r\nUSN: %s\r\n\r\n", group, target, d.usn(target)))
}

func (d *Device) lineEnds(text string) []byte {
	if d.has(QuirkSSDPLinefeeds) {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return []byte(text)
}
