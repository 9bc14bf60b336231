package console

import (
	"regexp"
	"strings"
)

// hidden stands where a password was.
const hidden = "***"

// secret finds passwords in the query or path of an address, where some cameras want them.
var secret = regexp.MustCompile(`(?i)((?:^|[/?&;_])(?:password|passwd|passwort|pass|pwd|pw|psw|secret|token|auth|key|loginpas|authbasic)=)[^&/?;]*?(_[a-z]+=|[&/?;]|$)`)

// maskAddress is a clean address without the password in it.
func maskAddress(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	// A password may hold any character: all up to the last @ counts as user and password.
	return scheme + "://" + secret.ReplaceAllString(maskLogin(rest), "${1}"+hidden+"${2}")
}

// maskLogin is the part of an address behind its scheme without the password before its host.
func maskLogin(rest string) string {
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return rest
	}
	user, _, has := strings.Cut(rest[:at], ":")
	if !has {
		return rest
	}
	return user + ":" + hidden + rest[at:]
}

// masked is a command line without the passwords in it, for the history. ok is false
// where they cannot be told from the rest: such a line is not kept.
//
// No command takes more than a user name behind an address, but for a password: so the
// second word behind one, and all further ones, are hidden, however the command is spelt. Who
// forgets the http:// of an address meant one nevertheless: only cctv takes a password as a
// word, and with it, or with a command that there is not, anything that looks like a host
// counts as one, and the fifth word as a password.
func masked(line string) (safe string, ok bool) {
	words, err := split(line)
	if err != nil {
		return "", false
	}
	address := -1
	known := len(words) > 0 && root.find(words[0].text) != nil && !strings.EqualFold(words[0].text, "cctv")
	var b strings.Builder
	copied := 0
	for i, w := range words {
		replacement := line[w.start:w.end]
		switch {
		case address >= 0 && i > address+1, !known && i > 3:
			replacement = hidden
		case strings.Contains(w.text, "://"):
			if address < 0 {
				address = i
			}
			if m := maskAddress(w.text); m != w.text {
				replacement = quoted(m)
			}
		default:
			if address < 0 && !known && strings.ContainsAny(w.text, ".:") {
				address = i
			}
			if m := maskLogin(w.text); m != w.text {
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
