package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/reeflective/readline"
)

// prompt stands before the line.
const prompt = "camgate> "

// An editor reads lines from the terminal that is standard input, output and error.
//
// What must run on the line editor's own goroutine hangs on its prompt, which it asks for
// whenever it draws: printing what is waiting above the line, and ending when the context
// does. It asks several times a drawing, only once for printing: see armed.
type editor struct {
	shell  *readline.Shell
	screen *screen
	out    interface{ columns() int }
	ctx    context.Context // of readLine
	armed  bool            // the next prompt asked for is the one that is printed
}

// newEditor makes an editor. Completions are asked for what is left of the cursor.
func newEditor(s *screen, h *history, colour bool, width func() int, complete func(line string) completion) *editor {
	e := &editor{shell: readline.NewShell(), screen: s, out: columnsFunc(width)}
	for option, value := range map[string]any{
		// The library would ask the terminal for the cursor's position with each key, take
		// keys that come with the answer for a part of it, and wait for ever for a terminal
		// that does not answer. What it needs that for, prompt does: a free row below.
		"cursor-position-probe":  false,
		"completion-ignore-case": true,
		"bell-style":             "none",
	} {
		e.shell.Config.Set(option, value) //nolint:errcheck // known options
	}
	e.shell.History.Add("lines typed before", h)
	e.shell.Prompt.Primary(func() string { return e.prompt(colour) })
	// Asked for at the end of each drawing.
	e.shell.Prompt.Right(func() string { e.armed = true; return "" })
	// Asked for before the prompt's width is.
	e.shell.Hint.SetProvider(func([]rune, int) []rune { e.armed = false; return nil })
	e.shell.Completer = func(line []rune, cursor int) readline.Completions {
		return offered(complete(string(line[:min(cursor, len(line))])))
	}
	return e
}

type columnsFunc func() int

func (f columnsFunc) columns() int { return f() }

// prompt is what the editor prints in the first column of the line's first row. Rows end
// with NEL (ECMA-48, 8.3.86), not with a line feed: the library would print only what is
// behind the last of those.
func (e *editor) prompt(colour bool) string {
	text := paint(prompt, bold, colour)
	if !e.armed {
		return text
	}
	e.armed = false
	if e.ctx.Err() != nil {
		e.shell.Keys.Feed(true, ctrlC)
	}
	var b strings.Builder
	if above := e.screen.take(); len(above) > 0 {
		b.WriteString("\x1b[0J")
		for _, line := range above {
			b.WriteString(line + "\x1bE")
		}
	}
	// The library clears what is below the line's last row, and would clear the line itself
	// where there is nothing below it. IND (ECMA-48:1986, 7.2.32) scrolls where it must.
	rows := 1
	if width := e.out.columns(); width > 0 {
		rows += (columns(prompt) + columns(string(*e.shell.Line()))) / width
	}
	b.WriteString(strings.Repeat("\x1bD", rows))
	fmt.Fprintf(&b, "\x1b[%dA", rows)
	return b.String() + text
}

// errInterrupt is for a line that was given up with Ctrl-C.
var errInterrupt = errors.New("interrupted")

// readLine reads one line. The error is errInterrupt, with what was typed, io.EOF for
// Ctrl-D on an empty line, ctx's, or that of a terminal that is gone.
func (e *editor) readLine(ctx context.Context) (string, error) {
	e.ctx, e.armed = ctx, true
	e.screen.edit(e.shell.Keys.RequestRefresh)
	defer context.AfterFunc(ctx, e.shell.Keys.RequestRefresh)()
	line, err := e.shell.Readline()
	// The library watches for new sizes of the window with each line anew, and never ends it.
	signal.Reset(syscall.SIGWINCH)
	e.screen.edited()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, readline.ErrInterrupt):
		return line, errInterrupt
	case errors.Is(err, io.EOF):
		return "", io.EOF
	case err != nil:
		return "", fmt.Errorf("the terminal is gone: %w", err)
	}
	return line, nil
}

// ahead gives the editor what was typed while nobody read.
func (e *editor) ahead(keys []byte) { e.shell.Keys.Feed(false, []rune(string(keys))...) }

// vi chooses the keys of vi, or of emacs.
func (e *editor) vi(on bool) {
	mode, keymap := "emacs", "emacs"
	if on {
		mode, keymap = "vi", "vi-insert"
	}
	e.shell.Config.Set("editing-mode", mode) //nolint:errcheck // a known option
	e.shell.Keymap.SetMain(keymap)
}

// offered is a completion as the library takes it.
func offered(c completion) readline.Completions {
	if c.Files {
		return offeredFiles(c.Prefix)
	}
	var all []readline.Completion
	for _, one := range c.Candidates {
		all = append(all, readline.Completion{Value: one.Value, Display: one.Value, Description: one.About})
	}
	done := readline.CompleteRaw(all)
	done.PREFIX = c.Prefix
	return done
}
