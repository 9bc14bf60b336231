package discovery

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The messages of SSDP (UPnP Device Architecture 1.1, section 1).
type ssdpKind int

const (
	ssdpOther ssdpKind = iota // a search of somebody else
	ssdpAnswer
	ssdpAlive
	ssdpBye
)

// Bounds of how long a device's word is good for.
const (
	defaultMaxAge = 30 * time.Minute
	minMaxAge     = 5 * time.Second
	maxMaxAge     = 24 * time.Hour
)

const maxHeaderLines = 100

// An ssdpMessage is an answer to a search or an announcement.
type ssdpMessage struct {
	kind     ssdpKind
	usn      identity      // of the device, without the "::…" of its service
	location string        // of its description, unchecked
	maxAge   time.Duration // between minMaxAge and maxMaxAge
	boot     string        // changes when the device starts anew or its description changes
}

// readSSDP reads a message line by line. Devices end lines with LF, end the message after
// one line end or without any, and put lines into it that are no header: what is not
// understood is left out, where net/http refuses the whole.
func readSSDP(data []byte) (ssdpMessage, error) {
	if len(data) > maxDatagram {
		return ssdpMessage{}, fmt.Errorf("%w: a datagram of %d bytes", errTooLarge, len(data))
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	words := strings.Fields(printable(string(first), maxText))
	if len(words) < 2 {
		return ssdpMessage{}, fmt.Errorf("%w: no HTTP message", errMalformed)
	}
	h := ssdpHeader(rest)
	m := ssdpMessage{
		usn:      udnIdentity(h["usn"]),
		location: h["location"],
		maxAge:   readMaxAge(h["cache-control"]),
		boot:     bootOf(func(name string) string { return h[strings.ToLower(name)] }),
	}
	switch method := strings.ToUpper(words[0]); {
	case strings.HasPrefix(method, "HTTP/1."):
		if words[1] != "200" {
			return m, fmt.Errorf("%w: an SSDP answer with status %s", errMalformed, words[1])
		}
		m.kind = ssdpAnswer
	case method == "M-SEARCH":
	case method == "NOTIFY":
		switch strings.ToLower(h["nts"]) {
		case "ssdp:alive", "ssdp:update":
			m.kind = ssdpAlive
		case "ssdp:byebye":
			m.kind = ssdpBye
		}
	default:
		return m, fmt.Errorf("%w: no HTTP message", errMalformed)
	}
	if (m.kind == ssdpAnswer || m.kind == ssdpAlive) && m.location == "" {
		return m, fmt.Errorf("%w: an SSDP message without LOCATION", errMalformed)
	}
	return m, nil
}

// ssdpHeader reads header lines up to the first empty one. Names are in lower case; the
// first of several with one name stands.
func ssdpHeader(data []byte) map[string]string {
	h := map[string]string{}
	for range maxHeaderLines {
		line, rest, more := bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return h
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		key := strings.ToLower(string(bytes.TrimSpace(name)))
		if _, known := h[key]; ok && !known && len(key) <= 64 && len(value) <= maxAddress {
			h[key] = strings.TrimSpace(string(value))
		}
		if !more {
			return h
		}
		data = rest
	}
	return h
}

// bootOf is what changes when a device starts anew or its description changes: the headers
// of UPnP 1.1, and that of the portable SDK before it.
func bootOf(header func(string) string) string {
	return printable(header("Bootid.upnp.org")+"/"+header("Configid.upnp.org")+"/"+header("01-Nls"), maxText)
}

// readMaxAge reads "max-age=1800", also with white space and quotes around.
func readMaxAge(cacheControl string) time.Duration {
	_, value, ok := strings.Cut(strings.ToLower(cacheControl), "max-age")
	if !ok {
		return defaultMaxAge
	}
	value = strings.TrimLeft(value, " \t=\"")
	end := strings.IndexFunc(value, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		value = value[:end]
	}
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return defaultMaxAge
	}
	return min(max(time.Duration(seconds)*time.Second, minMaxAge), maxMaxAge)
}

// mSearch is an SSDP search for the target, to be answered within mx seconds. The host is
// that it is sent to.
func mSearch(host, target string, mx int) []byte {
	return fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: %s\r\nMAN: \"ssdp:discover\"\r\nMX: %d\r\nST: %s\r\n\r\n", host, mx, target)
}
