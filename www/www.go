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
	"testing/fstest"
)

//go:embed index.html page.css page.js find.js words.js player.js favicon.svg
var sources embed.FS

var files = served()

// Files holds the page's files; index.html is the page itself. They never change. Scripts
// come without their comments and indentation: lines to thin clients are thin too.
func Files() fs.FS { return files }

func served() fs.FS {
	list, err := fs.ReadDir(sources, ".")
	if err != nil {
		panic(err) // it is embedded
	}
	lean := fstest.MapFS{}
	for _, entry := range list {
		content, err := fs.ReadFile(sources, entry.Name())
		if err != nil {
			panic(err)
		}
		if strings.HasSuffix(entry.Name(), ".js") {
			content = strip(content)
		}
		lean[entry.Name()] = &fstest.MapFile{Data: content, Mode: 0o444}
	}
	return lean
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
