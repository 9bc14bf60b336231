package console

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// maxText is how much of one text from a network is shown, in characters.
const maxText = 512

// clean makes a text of any origin harmless: on one line, without anything that moves the
// cursor, colours, hides or turns round what stands beside it. What is taken out leaves a
// mark, so that nobody takes the rest for the whole.
func clean(s string) string { return cleanUpTo(s, maxText) }

// cleanUpTo is clean for texts of another length.
func cleanUpTo(s string, most int) string {
	fine := func(c rune) bool { return unicode.IsPrint(c) && c != utf8.RuneError }
	if len(s) <= most && strings.IndexFunc(s, func(c rune) bool { return !fine(c) }) < 0 {
		return s
	}
	var b strings.Builder
	n := 0
	for _, c := range s {
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		switch {
		case fine(c):
			b.WriteRune(c)
		case unicode.IsSpace(c):
			b.WriteByte(' ')
		default:
			b.WriteRune(utf8.RuneError)
		}
	}
	return b.String()
}

// columns is how wide a terminal shows a clean text: a Chinese character takes two.
func columns(s string) int { return uniseg.StringWidth(s) }

// cut shortens a clean text to at most so many columns.
func cut(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	var b strings.Builder
	used := 0
	for state := -1; s != ""; {
		var cluster string
		var w int
		cluster, s, w, state = uniseg.FirstGraphemeClusterInString(s, state)
		if used+w > width-1 {
			break
		}
		used += w
		b.WriteString(cluster)
	}
	return b.String() + "…"
}

// pad fills a clean text with blanks up to a width in columns.
func pad(s string, width int, right bool) string {
	blanks := strings.Repeat(" ", max(0, width-columns(s)))
	if right {
		return blanks + s
	}
	return s + blanks
}

// A style is the number of an ANSI "select graphic rendition" sequence (ECMA-48, 8.3.117).
type style string

const (
	noStyle style = ""
	bold    style = "1"
	dim     style = "2"
	red     style = "31"
	green   style = "32"
	yellow  style = "33"
)

// paint is a clean text in a style.
func paint(s string, with style, colour bool) string {
	if !colour || with == noStyle || s == "" {
		return s
	}
	return "\x1b[" + string(with) + "m" + s + "\x1b[0m"
}
