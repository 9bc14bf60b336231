package console

import (
	"regexp"
	"strings"
)

// hidden stands where a password was.
const hidden = "***"

// secret finds passwords in the query or path of an address, where some cameras want them.
var secret = regexp.MustCompile(`(?i)((?:^|[/?&;_])(?:password|passwd|passwort|pass|pwd|pw|psw|secret|token|auth|key)=)[^&/?;]*?(_[a-z]+=|[&/?;]|$)`)

// maskAddress is a clean address without the password in it.
func maskAddress(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	// A password may hold any character: all up to the last @ counts as user and password.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if user, _, has := strings.Cut(rest[:at], ":"); has {
			rest = user + ":" + hidden + rest[at:]
		}
	}
	return scheme + "://" + secret.ReplaceAllString(rest, "${1}"+hidden+"${2}")
}

// masked is a command line without the passwords in it, for the history. ok is false
// where they cannot be told from the rest: such a line is not kept.
//
// No command takes more than a user name behind an address, but for a password: so the
// second word behind one, and all further ones, are hidden, however the command is spelt.
func masked(line string) (safe string, ok bool) {
	words, err := split(line)
	if err != nil {
		return "", false
	}
	address := -1
	var b strings.Builder
	copied := 0
	for i, w := range words {
		replacement := line[w.start:w.end]
		switch {
		case address >= 0 && i > address+1:
			replacement = hidden
		case strings.Contains(w.text, "://"):
			if address < 0 {
				address = i
			}
			if m := maskAddress(w.text); m != w.text {
				replacement = quoted(m)
			}
		}
		b.WriteString(line[copied:w.start])
		b.WriteString(replacement)
		copied = w.end
	}
	b.WriteString(line[copied:])
	return b.String(), true
}

// login finds what may be the password of an address within a text: a password may hold
// blanks, and who mistypes an address may leave its beginning out. Rather too much.
var login = regexp.MustCompile(`((?:[A-Za-z]://)?[^\s:/@"]*):[^"]*@`)

// maskText is a text in which addresses may stand, without the passwords in them.
func maskText(text string) string { return login.ReplaceAllString(text, "${1}:"+hidden+"@") }
