package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A command is one word that users type, or a word with words below it.
type command struct {
	word   string
	args   string // as help shows them
	short  string // one line
	long   string // further lines, for help WORD
	json   bool   // takes --json
	least  int    // arguments, without --json
	most   int    // -1: any number
	values func(g Gateway, args []string) []candidate
	run    func(ctx context.Context, r *request) error
	below  []*command

	commands bool // its arguments are commands
}

// Status is how a command ended, as a process would: 0 fine, 1 it did not work, 2 wrong
// usage.
const (
	fine   = 0
	failed = 1
	misuse = 2
)

// What a command asks of the console that it was typed into.
const (
	actExit  = "exit"
	actClear = "clear"
	actViOn  = "vi on"
	actViOff = "vi off"
)

// A result is what is left of a command when it has ended.
type result struct {
	status int
	act    string // one of the above, or ""
}

// A sink is where a command's output goes.
type sink struct {
	out, err io.Writer
	width    int  // of the terminal in columns; 0: none
	colour   bool // styles are wanted
	// progress shows how far long work is, in place of what it showed before; "" ends it.
	// It may be nil: nobody looks.
	progress func(text string)
	// file takes a file for the user, at the place and with the rights of the one who typed.
	file func(name string, data []byte) error
}

// A request is one command as it was typed.
type request struct {
	sink
	gateway Gateway
	root    *command // holds all commands
	command *command
	name    string   // of the command, with the words above it
	args    []string // without --json
	json    bool
	act     string // for the result
}

// errSaid is for a command that did not work and has said why.
var errSaid = errors.New("said")

// A usageError is for who typed the command.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// printf writes results. Texts among args are made harmless first: they may come from a
// network.
func (r *request) printf(format string, args ...any) {
	fmt.Fprintf(r.out, format, cleaned(args)...) //nolint:errcheck // a reader that is gone ends the context
}

// cleaned are args for a Printf, harmless. What a method of theirs would print is printed
// here and cleaned.
func cleaned(args []any) []any {
	safe := slices.Clone(args)
	for i, a := range safe {
		switch v := a.(type) {
		case painted:
			safe[i] = paint(clean(v.text), v.style, v.colour)
		case string:
			safe[i] = clean(v)
		case error:
			safe[i] = clean(v.Error())
		case fmt.Stringer:
			safe[i] = clean(v.String())
		}
	}
	return safe
}

// painted is a text of any origin for printf, in a style.
type painted struct {
	text   string
	style  style
	colour bool
}

// in is a text in a style, for printf.
func (r *request) in(with style, text string) painted { return painted{text, with, r.colour} }

// show writes a table.
func (r *request) show(t *table) error { return t.write(r.out, r.width, r.colour) }

// working shows how far long work is, to one who looks.
func (r *request) working(format string, args ...any) {
	if r.progress != nil {
		r.progress(clean(fmt.Sprintf(format, cleaned(args)...)))
	}
}

// execute carries out one command line.
func execute(ctx context.Context, g Gateway, line string, s sink) (done result) {
	defer func() {
		// A mistake of ours must not take the pictures down.
		if p := recover(); p != nil {
			done = complain(s, fmt.Errorf("the command failed within the gateway, which goes on: %v; please report it", p))
		}
	}()
	words, err := split(line)
	if err != nil {
		return complain(s, usageError{err.Error()})
	}
	if len(words) == 0 {
		return result{status: fine}
	}
	r := &request{sink: s, gateway: g, root: root}
	if err := r.parse(texts(words)); err != nil {
		return complain(s, err)
	}
	err = r.command.run(ctx, r)
	if r.progress != nil {
		r.progress("")
	}
	switch {
	case err == nil:
		return result{fine, r.act}
	case errors.Is(err, errSaid):
		return result{failed, r.act}
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		err = errors.New("interrupted")
	}
	return complain(s, err)
}

// complain tells the user why nothing came of it.
func complain(s sink, err error) result {
	fmt.Fprintln(s.err, paint(clean(maskText(err.Error())), red, s.colour)) //nolint:errcheck // a reader that is gone ends the context
	if errors.As(err, new(usageError)) {
		return result{status: misuse}
	}
	return result{status: failed}
}

// parse finds the command and checks its arguments.
func (r *request) parse(words []string) error {
	r.command = r.root
	for len(r.command.below) > 0 {
		if len(words) == 0 {
			return usagef("%s: one word more is needed: %s", r.name, strings.Join(below(r.command), ", "))
		}
		next := r.command.find(words[0])
		if next == nil {
			return unknown(r.command, r.name, words[0])
		}
		r.command, r.name = next, strings.TrimSpace(r.name+" "+next.word)
		words = words[1:]
	}
	for _, w := range words {
		switch {
		case r.command.json && w == "--json":
			r.json = true
		case strings.HasPrefix(w, "--"):
			return usagef("%s has no option %s; %s", r.name, w, r.usage())
		default:
			r.args = append(r.args, w)
		}
	}
	if len(r.args) < r.command.least || r.command.most >= 0 && len(r.args) > r.command.most {
		return usageError{r.usage()}
	}
	return nil
}

// usage is how the command is typed.
func (r *request) usage() string {
	return "usage: " + strings.TrimSpace(r.name+" "+r.command.args)
}

// find is the command of a word, matched without case, nil if there is none.
func (c *command) find(word string) *command {
	for _, b := range c.below {
		if strings.EqualFold(b.word, word) {
			return b
		}
	}
	return nil
}

// below are the words below a command.
func below(c *command) []string {
	var words []string
	for _, b := range c.below {
		words = append(words, b.word)
	}
	return words
}

// unknown says what may have been meant.
func unknown(c *command, name, word string) error {
	if near := nearest(word, below(c)); near != "" {
		return usagef("unknown command %q; did you mean %q?", shown(name, word), shown(name, near))
	}
	if name != "" {
		return usagef("unknown command %q; there are: %s", shown(name, word), strings.Join(below(c), ", "))
	}
	return usagef("unknown command %q; help lists all", word)
}

func shown(name, word string) string { return strings.TrimSpace(name + " " + word) }

// nearest is the word that takes the fewest changes to become one of those given, "" where
// none is near.
func nearest(word string, words []string) string {
	word = strings.ToLower(word)
	if len(word) > 32 {
		return ""
	}
	best, least := "", min(3, len(word)/2+1)
	for _, w := range words {
		if d := distance(word, strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters must be changed, put in, left out or swapped with their
// neighbour to make b of a (Damerau and Levenshtein's, of adjacent letters).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		last := before
		before, row = row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], last[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
