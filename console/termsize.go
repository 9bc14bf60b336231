package console

import (
	"os"
	_ "unsafe" // for go:linkname
)

// sizeTerminal is the file whose size the line editor takes for the terminal's. It is
// standard error, and the editor takes 80 columns where that is redirected, as with
// camgate serve 2>log; v1.3.0 has no way to tell it otherwise.
//
//go:linkname sizeTerminal github.com/reeflective/readline/internal/term.termFile
var sizeTerminal *os.File

// sizeFromTerminal makes out the file to ask, until undo is called.
func sizeFromTerminal(out *os.File) (undo func()) {
	if isTerminal(sizeTerminal) {
		return func() {}
	}
	before := sizeTerminal
	sizeTerminal = out
	return func() { sizeTerminal = before }
}
