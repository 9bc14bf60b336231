// Package www is the page at /, every camera as a live picture and one large, and the
// player that it and other pages show them with. It is plain HTML, CSS and ECMAScript 5
// without anything from elsewhere, so that old browsers on thin clients run it, also
// where there is no internet.
package www

import (
	"bytes"
	"embed"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed index.html page.css page.js find.js words.js player.js favicon.svg
var sources embed.FS

var files = served()

// Files holds the page's files, for fs.ReadFile; index.html is the page itself. They never
// change. Scripts come without their comments and indentation: lines to thin clients are
// thin too.
func Files() fs.FS { return files }

// lean are the embedded files, of which scripts are read without what nobody needs.
type lean struct {
	embed.FS
	scripts map[string][]byte
}

// ReadFile is of fs.ReadFileFS.
func (l lean) ReadFile(name string) ([]byte, error) {
	if script, ok := l.scripts[name]; ok {
		return bytes.Clone(script), nil
	}
	return l.FS.ReadFile(name)
}

func served() fs.FS {
	names, err := fs.Glob(sources, "*.js")
	if err != nil {
		panic(err) // the pattern is right
	}
	l := lean{FS: sources, scripts: map[string][]byte{}}
	for _, name := range names {
		content, err := sources.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		l.scripts[name] = strip(content)
	}
	return l
}

// token is a part of a script: a text, a comment, a regular expression, a word or number,
// space, or a sign. In scripts of ours a division has a space behind its slash.
var token = regexp.MustCompile(`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|//[^\n]*|` +
	`/(?:[^*/\\ \n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*/[gim]*|` +
	`[\w$]+|\s+|.`)

// strip takes comments and needless space out of a script. Lines' ends stay where they may
// end a statement.
func strip(script []byte) []byte {
	var lean []byte
	space, line := false, false // since the last token
	for _, t := range token.FindAll(script, -1) {
		switch {
		case bytes.HasPrefix(t, []byte("//")):
			continue
		case len(bytes.TrimSpace(t)) == 0:
			space, line = true, line || bytes.ContainsRune(t, '\n')
			continue
		}
		if len(lean) > 0 && space {
			last, next := lean[len(lean)-1], t[0]
			switch {
			case line && !strings.ContainsRune(";{},(", rune(last)):
				lean = append(lean, '\n')
			case !line && (word(last) && word(next) || last == next && (last == '+' || last == '-')):
				lean = append(lean, ' ')
			}
		}
		lean = append(lean, t...)
		space, line = false, false
	}
	return lean
}

func word(b byte) bool {
	return b == '_' || b == '$' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
