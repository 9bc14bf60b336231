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

// comment is one behind code: what stands before it cannot be inside of a string.
var comment = regexp.MustCompile(`([;{},)]) // [^'"]*$`)

// strip takes comments and indentation out of a script of ours, none of whose strings
// goes over a line's end.
func strip(script []byte) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		b.WriteString(comment.ReplaceAllString(line, "$1"))
		b.WriteByte('\n')
	}
	return b.Bytes()
}
