// Package www is the page at /: every camera as a live picture, and one large. It is
// plain HTML, CSS and ECMAScript 5 without anything from elsewhere, so that old browsers
// on thin clients run it, also where there is no internet.
package www

import (
	"embed"
	"io/fs"
)

//go:embed index.html page.css page.js find.js favicon.svg
var files embed.FS

// Files holds the page's files; index.html is the page itself. They never change.
func Files() fs.FS { return files }
