package onvif

import (
	"net/http"
	"strings"

	"github.com/icholy/digest"
)

// A challenge is one way to log in that an HTTP 401 offers (RFC 9110, section 11.6.1).
type challenge struct {
	scheme string            // in lower case
	params map[string]string // names in lower case
}

const (
	maxChallenges = 16
	maxChallenge  = 8192 // bytes of one header line that are read
)

// challenges reads the WWW-Authenticate headers: several lines, several challenges in a
// line, with the stray commas and missing quotes that cameras write.
// github.com/icholy/digest reads one challenge a line, in exact form; it is used for the
// answer only.
func challenges(h http.Header) []challenge {
	var all []challenge
	for _, line := range h.Values("WWW-Authenticate") {
		for _, item := range splitOutsideQuotes(bounded(line, maxChallenge)) {
			name, value, isParam := strings.Cut(item, "=")
			scheme, first, two := strings.Cut(strings.ReplaceAll(strings.TrimSpace(name), "\t", " "), " ")
			switch {
			case !isParam, two: // "Basic", or "Digest realm" of "Digest realm=…"
				if len(all) == maxChallenges {
					return all
				}
				all = append(all, challenge{strings.ToLower(scheme), map[string]string{}})
				name = first
			case len(all) == 0:
				continue
			}
			if !isParam {
				continue
			}
			last := all[len(all)-1].params
			key := strings.ToLower(strings.TrimSpace(name))
			if _, twice := last[key]; !twice {
				last[key] = unquote(strings.TrimSpace(value))
			}
		}
	}
	return all
}

func splitOutsideQuotes(line string) []string {
	var items []string
	quoted, escaped, start := false, false, 0
	add := func(item string) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	for i := 0; i < len(line); i++ {
		switch {
		case escaped:
			escaped = false
		case quoted && line[i] == '\\':
			escaped = true
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ',' && !quoted:
			add(line[start:i])
			start = i + 1
		}
	}
	add(line[start:])
	return items
}

func unquote(s string) string {
	if len(s) == 0 || s[0] != '"' {
		return s
	}
	s = strings.TrimSuffix(s[1:], `"`)
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// strongestDigest is the best Digest challenge among all that can be answered: SHA-256 and
// its relatives before MD5 (RFC 7616, section 3.7: the client takes the strongest it knows,
// whatever the order).
func strongestDigest(all []challenge) *digest.Challenge {
	var best *digest.Challenge
	for _, c := range all {
		if c.scheme != "digest" || c.params["nonce"] == "" {
			continue
		}
		d := &digest.Challenge{
			Realm: c.params["realm"], Nonce: c.params["nonce"], Opaque: c.params["opaque"],
			Algorithm: c.params["algorithm"],
			Stale:     strings.EqualFold(c.params["stale"], "true"),
			Userhash:  strings.EqualFold(c.params["userhash"], "true"),
		}
		for _, qop := range strings.Split(c.params["qop"], ",") {
			if qop = strings.ToLower(strings.TrimSpace(qop)); qop != "" {
				d.QOP = append(d.QOP, qop)
			}
		}
		if digest.CanDigest(d) && (best == nil || strength(d) > strength(best)) {
			best = d
		}
	}
	return best
}

func strength(c *digest.Challenge) int {
	switch strings.ToUpper(c.Algorithm) {
	case "SHA-512", "SHA-512-256":
		return 3
	case "SHA-256":
		return 2
	}
	return 1
}

// digestName is the challenge's algorithm for people.
func digestName(c *digest.Challenge) string {
	if c.Algorithm == "" {
		return "MD5"
	}
	return printable(strings.ToUpper(c.Algorithm), 20)
}

// offers tells whether a scheme is among the challenges.
func offers(all []challenge, scheme string) bool {
	for _, c := range all {
		if c.scheme == scheme {
			return true
		}
	}
	return false
}
