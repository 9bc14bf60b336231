package discovery

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText    = 256  // bytes of a name and the like
	maxAddress = 1024 // bytes of a URL
)

// printable makes of any text one that may be shown: one line, no control or direction
// characters, at most limit bytes.
func printable(s string, limit int) string {
	if len(s) > 4*limit {
		s = s[:4*limit]
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.TrimSpace(s[:limit])
}
