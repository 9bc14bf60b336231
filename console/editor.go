package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/reeflective/readline"
	"github.com/reeflective/readline/inputrc"
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
	size   func() (rows, columns int) // of the terminal
	ctx    context.Context            // of readLine
	armed  bool                       // the next prompt asked for is the one that is printed
	first  bool                       // it is printed once more when the line is drawn for the first time
	viKeys bool
	colour bool

	complete func(line string) completion
	asked    string // what complete was asked for last
	offers   completion
}

// newEditor makes an editor. Completions are asked for what is left of the cursor.
func newEditor(s *screen, h *history, colour bool, size func() (rows, columns int), complete func(line string) completion) *editor {
	e := &editor{shell: readline.NewShell(), screen: s, size: size, colour: colour, complete: complete}
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
	e.shell.Prompt.Primary(e.prompt)
	// Asked for at the end of each drawing.
	e.shell.Prompt.Right(func() string { e.armed = true; return "" })
	// Asked for in each drawing, between the prompt and its width.
	e.shell.Hint.SetProvider(func([]rune, int) []rune {
		e.armed = false
		if e.ctx.Err() != nil {
			e.shell.Keys.Feed(true, ctrlC)
		}
		return nil
	})
	e.shell.Completer = func(line []rune, cursor int) readline.Completions {
		return offered(e.offer(string(line[:min(cursor, len(line))])))
	}
	e.shell.Keymap.Register(map[string]func(){"camgate-complete": e.tab, "camgate-interrupt": e.interrupt})
	for _, binds := range e.shell.Config.Binds {
		binds["\t"] = inputrc.Bind{Action: "camgate-complete"}
		binds["\x03"] = inputrc.Bind{Action: "camgate-interrupt"}
		// Ctrl-R and Ctrl-S go through the lines that hold what is typed. The library's search
		// shows a list that needs more rows than there are, where it cannot ask for the cursor.
		binds["\x12"] = inputrc.Bind{Action: "history-substring-search-backward"}
		binds["\x13"] = inputrc.Bind{Action: "history-substring-search-forward"}
	}
	return e
}

// offer asks for completions, once for the same line.
func (e *editor) offer(line string) completion {
	if line != e.asked {
		e.asked, e.offers = line, e.complete(line)
		if e.offers.Files {
			e.offers = withFiles(e.offers)
		}
	}
	return e.offers
}

// interrupt gives the line up. The library's own command takes a key that was typed right
// behind Ctrl-C for a part of it, and then does nothing.
func (e *editor) interrupt() {
	e.shell.Iterations.Reset()
	e.shell.Selection().Reset()
	e.shell.Keymap.NonIncrementalSearchStop()
	e.shell.Keymap.ResetLocal()
	e.shell.Display.ResetHelpers()
	e.shell.Display.AcceptLine()
	e.shell.History.Accept(false, false, readline.ErrInterrupt)
}

// tab completes the word at the cursor: the one candidate, or else what all have in common,
// and shows them; a second tab begins to choose among them.
func (e *editor) tab() {
	choosing := string(e.shell.Keymap.Local()) == "menu-select"
	if choosing && !e.colour {
		return // the choice would be shown by colours alone
	}
	if !choosing {
		e.asked = "\x00" // cameras may have come or gone since
		offers := e.offer(string((*e.shell.Line())[:e.shell.Cursor().Pos()]))
		// The library counts bytes where it replaces what was typed.
		ascii := !strings.ContainsFunc(offers.Prefix, func(c rune) bool { return c >= utf8.RuneSelf })
		if n := len(offers.Candidates); n > e.rows()-6 && n > 1 || n > 0 && !ascii {
			e.hint(offers)
			return
		}
		e.shell.Config.Set("menu-complete-display-prefix", len(offers.Candidates) > 1) //nolint:errcheck // a known option
	}
	e.shell.Keymap.Commands()["menu-complete"]()
}

// prompt is what the editor prints in the first column of the line's first row. Rows end
// with NEL (ECMA-48, 8.3.86), not with a line feed: the library would print only what is
// behind the last of those.
func (e *editor) prompt() string {
	text := paint(prompt, bold, e.colour)
	if !e.armed {
		return text
	}
	e.armed, e.first = e.first, false
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
	if width := e.width(); width > 0 {
		rows += (columns(prompt) + columns(string(*e.shell.Line()))) / width
	}
	b.WriteString(strings.Repeat("\x1bD", rows))
	fmt.Fprintf(&b, "\x1b[%dA", rows)
	return b.String() + text
}

// hint puts in what all candidates have in common, and shows the first of them, where the
// window has no room for a list to choose from.
func (e *editor) hint(c completion) {
	common, all := c.Candidates[0].Value, []string{}
	for _, one := range c.Candidates {
		for !strings.HasPrefix(one.Value, common) {
			common = common[:len(common)-1]
		}
		all = append(all, one.Value)
	}
	if rest, longer := strings.CutPrefix(common, c.Prefix); longer && utf8.ValidString(rest) {
		e.shell.Cursor().InsertAt([]rune(rest)...)
	}
	if len(all) == 1 {
		e.shell.Cursor().InsertAt(' ')
		return
	}
	const rows = 2
	text := fmt.Sprintf("%d: %s", len(all), strings.Join(all, "  "))
	e.shell.Hint.SetTemporary(cut(text, max(20, rows*e.width()-1)))
}

func (e *editor) rows() int  { rows, _ := e.size(); return rows }
func (e *editor) width() int { _, columns := e.size(); return columns }

// errInterrupt is for a line that was given up with Ctrl-C.
var errInterrupt = errors.New("interrupted")

// readLine reads one line. The error is errInterrupt, with what was typed, io.EOF for
// Ctrl-D on an empty line, ctx's, or that of a terminal that is gone.
func (e *editor) readLine(ctx context.Context) (string, error) {
	e.ctx, e.armed, e.first, e.asked = ctx, true, true, "\x00"
	e.vi(e.viKeys) // a line that was entered in vi's command mode leaves that on
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
	e.viKeys = on
	mode, keymap := "emacs", "emacs"
	if on {
		mode, keymap = "vi", "vi-insert"
	}
	e.shell.Config.Set("editing-mode", mode) //nolint:errcheck // a known option
	e.shell.Keymap.SetMain(keymap)
}

// offered is a completion as the library takes it.
func offered(c completion) readline.Completions {
	var all []readline.Completion
	for _, one := range c.Candidates {
		value := one.Value
		if len(c.Candidates) == 1 && !strings.HasSuffix(value, "/") {
			value += " "
		}
		all = append(all, readline.Completion{Value: value, Display: one.Value, Description: one.About})
	}
	done := readline.CompleteRaw(all)
	done.PREFIX = c.Prefix
	return done
}
