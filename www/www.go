// Package www is the page at /, every camera as a live picture and one large, and the
// player that it and other pages show them with. It is plain HTML, CSS and ECMAScript 5
// without anything from elsewhere, so that old browsers on thin clients run it, also
// where there is no internet.
package www

import (
	"bytes"
	"embed"
	"io/fs"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/js"
)

//go:embed index.html page.css page.js find.js words.js player.js favicon.svg
var sources embed.FS

var files = served()

// Files holds the page's files, for fs.ReadFile; index.html is the page itself. They never
// change. Scripts come without their comments, indentation and long names: lines to thin
// clients are thin too.
func Files() fs.FS { return files }

// script makes scripts short, and leaves them in the language that old browsers know.
var script = js.Minifier{Version: 2009}

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
		var short bytes.Buffer
		if err := script.Minify(minify.New(), &short, bytes.NewReader(content), nil); err != nil {
			panic(err) // a test reads every script
		}
		l.scripts[name] = short.Bytes()
	}
	return l
}
