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
// change. Scripts come without their comments, indentation and long names: lines to thin
// clients are thin too.
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
var token = regexp.MustCompile(`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*[^*]*\*/|` +
	`/(?:[^*/\\ \n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*/[gim]*|` +
	`[\w$]+|\s+|.`)

// strip takes comments and needless space out of a script, and gives its own names two
// letters. Lines' ends stay where they may end a statement.
func strip(script []byte) []byte {
	var lean []byte
	tokens := token.FindAll(script, -1)
	names := shorter(tokens)
	space, line := false, false // since the last token
	for _, t := range tokens {
		switch {
		case comment(t):
			continue
		case len(bytes.TrimSpace(t)) == 0:
			space, line = true, line || bytes.ContainsRune(t, '\n')
			continue
		}
		if name, ok := names[string(t)]; ok {
			t = []byte(name)
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
		if n := len(lean); t[0] == '}' && n > 0 && lean[n-1] == ';' {
			lean = lean[:n-1] // no statement of ours is empty
		}
		lean = append(lean, t...)
		space, line = false, false
	}
	return lean
}

// shorter has two letters for each long name of functions and variables of a script. A name
// that is anywhere a property's too is kept: which of them a word is, takes a parser. No
// script of ours calls a variable of its own like one of the browser's that it uses.
func shorter(tokens [][]byte) map[string]string {
	var signs []string // without what is between them
	for _, t := range tokens {
		if !comment(t) && len(bytes.TrimSpace(t)) > 0 {
			signs = append(signs, string(t))
		}
	}
	at := func(i int) string {
		if i < 0 || i >= len(signs) {
			return ""
		}
		return signs[i]
	}
	own, kept := map[string]bool{}, map[string]bool{"do": true, "if": true, "in": true}
	var order []string
	for i, s := range signs {
		if !word(s[0]) {
			continue
		}
		if at(i-1) == "." || at(i+1) == ":" {
			kept[s] = true
		}
		declared := at(i-1) == "function" || at(i-1) == "var" || at(i-1) == "," && at(i+1) == "=" && at(i+2) != "="
		if declared && len(s) > 3 && !own[s] {
			own[s] = true
			order = append(order, s)
		}
		if len(s) == 2 {
			kept[s] = true
		}
	}
	const letters = "abcdefghijklmnopqrstuvwxyz"
	names, next := map[string]string{}, 0
	for _, s := range order {
		for !kept[s] && names[s] == "" && next < len(letters)*len(letters) {
			if two := string([]byte{letters[next/len(letters)], letters[next%len(letters)]}); !kept[two] {
				names[s] = two
			}
			next++
		}
	}
	return names
}

func comment(t []byte) bool {
	return bytes.HasPrefix(t, []byte("//")) || bytes.HasPrefix(t, []byte("/*"))
}

func word(b byte) bool {
	return b == '_' || b == '$' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
