package console

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is the longest command line, in bytes.
const maxLine = 4096

// A word is one word of a command line.
type word struct {
	text       string // without quotes and escapes
	start, end int    // where it stands in the line, in bytes, with them
}

// errOpenQuote is for a line that ends within quotes or behind a backslash.
var errOpenQuote = errors.New("a quote is not closed")

// split cuts a line into words, as a POSIX shell does without its expansions (XCU 2.2):
// blanks end a word; '…' holds all as it is; "…" does but for \" and \\; a \ elsewhere
// takes the next character as it is. On errOpenQuote the words are there nevertheless,
// the last one as far as it goes.
func split(line string) ([]word, error) {
	if len(line) > maxLine {
		return nil, fmt.Errorf("the command is longer than %d bytes", maxLine)
	}
	if !utf8.ValidString(line) {
		return nil, errors.New("the command is not UTF-8")
	}
	var words []word
	var text strings.Builder
	start := -1      // of the word that is being read
	quote := rune(0) // within which the next character stands; \ for after a backslash
	outer := rune(0) // within which the backslash stands
	for i, c := range line {
		switch {
		case unicode.IsControl(c) && c != '\t':
			return nil, errors.New("the command holds a control character")
		case quote == '\\':
			if outer == '"' && c != '"' && c != '\\' {
				text.WriteByte('\\')
			}
			text.WriteRune(c)
			quote = outer
		case c == '\\' && quote != '\'':
			outer, quote = quote, '\\'
			if start < 0 {
				start = i
			}
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			text.WriteRune(c)
		case unicode.IsSpace(c):
			if start >= 0 {
				words = append(words, word{text.String(), start, i})
				text.Reset()
				start = -1
			}
		default:
			if start < 0 {
				start = i
			}
			if c == '\'' || c == '"' {
				quote = c
				continue
			}
			text.WriteRune(c)
		}
	}
	if start >= 0 {
		words = append(words, word{text.String(), start, len(line)})
	}
	if quote != 0 {
		return words, errOpenQuote
	}
	return words, nil
}

// quoted is text as one word that split reads back.
func quoted(text string) string {
	plain := text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return unicode.IsSpace(c) || c == '\'' || c == '"' || c == '\\'
	})
	if plain {
		return text
	}
	if !strings.Contains(text, "'") {
		return "'" + text + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// texts are the words alone.
func texts(words []word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.text
	}
	return all
}
