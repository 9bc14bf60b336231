package discovery

import (
	"cmp"
	"strings"
)

// What the scopes of a camera tell (ONVIF Core Specification, section 7.3.2.2).
type scopeFacts struct {
	onvif                           bool // one of them is of ONVIF
	name, model, maker, serial, mac string
	pathMaker                       string // whose own scopes are among them
}

const onvifScope = "onvif://www.onvif.org/"

// readScopes takes what is told about a camera from its scopes. Where one thing is told
// twice, the first stands.
func readScopes(scopes []string) scopeFacts {
	var facts scopeFacts
	for _, s := range scopes {
		if len(s) < len(onvifScope) || !strings.EqualFold(s[:len(onvifScope)], onvifScope) {
			continue
		}
		facts.onvif = true
		facts.take(strings.Split(strings.Trim(s[len(onvifScope):], "/"), "/"))
	}
	facts.maker = cmp.Or(facts.maker, makerOf(facts.name), makerOf(facts.model), facts.pathMaker)
	return facts
}

// take takes one scope's path: "name/Door", "Model/631GA", "name/acc/Door", or with the
// maker's own first element "acc/mac/00-1b-d8-00-00-01".
func (f *scopeFacts) take(path []string) {
	if maker := makers[strings.ToLower(path[0])]; maker != "" && f.pathMaker == "" {
		f.pathMaker = maker
	}
	for i := 0; i < 2 && i+1 < len(path); i++ {
		rest := path[i+1:]
		if len(rest) > 1 && strings.EqualFold(rest[0], "acc") {
			rest = rest[1:]
		}
		value := printable(unescape(strings.Join(rest, "/")), maxText)
		if f.set(strings.ToLower(path[i]), value, i == 0) {
			return
		}
	}
}

// set keeps the value of one key, if nothing was told before it.
func (f *scopeFacts) set(key, value string, first bool) bool {
	var to *string
	switch {
	case first && key == "name":
		to = &f.name
	case first && (key == "hardware" || key == "model"):
		to = &f.model
	case key == "manufacturer" || key == "mfr":
		to = &f.maker
	case key == "serial" || key == "serialnumber" || key == "sn":
		to = &f.serial
	case key == "mac" || key == "macaddress":
		to, value = &f.mac, readMAC(value)
	default:
		return false
	}
	if *to == "" {
		*to = value
	}
	return true
}

// unescape decodes percent-encoding and lets stand what is none. The bytes need not be
// UTF-8: cameras encode what their page was set to.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
			if high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// hexDigit is the value of a hexadecimal digit, -1 where it is none.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
