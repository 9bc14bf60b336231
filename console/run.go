package console

import (
	"context"
	"io"
	"os"
)

// A Terminal is where Run talks. The zero value is the program's own, without a history.
type Terminal struct {
	In, Out *os.File  // nil: standard input and output. Lines can only be edited on those
	Err     io.Writer // what went wrong with a command; nil: Out where that is a terminal, else standard error

	History  string     // file of the lines typed before, such as DefaultHistory(); "": none is kept
	Log      *LogWriter // of the program's log, where that goes to the same terminal; may be nil
	Greeting string     // first lines; ""
	Vi       bool       // begin with the keys of vi

	// Goodbye is printed at a Ctrl-C on an empty line, for example "Ctrl-C once more ends the
	// gateway; Ctrl-D leaves the console alone". A second one then ends Run with
	// ErrInterrupted. "": Ctrl-C on an empty line does nothing.
	Goodbye string
}

// Run is the console on the program's terminal. It returns nil when the user leaves it,
// ErrInterrupted when the user wants the program to end, ctx's error, or another one when
// the terminal is gone. While it runs, keys make no signals: Ctrl-C ends the command that
// runs, and never the program. Where a shell runs the program in the background, Run
// returns nil at once: the terminal belongs to others.
func Run(ctx context.Context, g Gateway, t Terminal) error {
	c := &conversation{backend: local{g}, in: t.In, out: t.Out, err: t.Err, greeting: t.Greeting, vi: t.Vi, goodbye: t.Goodbye}
	if c.in == nil {
		c.in = os.Stdin
	}
	if c.out == nil {
		c.out = os.Stdout
	}
	if inBackground(c.in) {
		return nil
	}
	c.onTerminal()
	var err error
	if c.history, err = openHistory(t.History); err != nil {
		c.screen.notice(err.Error())
	}
	if t.Log != nil {
		t.Log.attach(c.screen)
		defer t.Log.detach()
	}
	_, err = c.run(ctx)
	return err
}

// onTerminal makes what depends on where the output goes.
func (c *conversation) onTerminal() {
	c.screen = &screen{out: c.out, terminal: isTerminal(c.out) && os.Getenv("TERM") != "dumb"}
	c.colour = wantsColour(c.out)
	if c.err == nil {
		c.err = os.Stderr
		if isTerminal(c.out) {
			c.err = c.screen
		}
	}
}

// local is the backend within the gateway's own process.
type local struct{ gateway Gateway }

func (l local) execute(ctx context.Context, line string, s sink) (result, error) {
	return execute(ctx, l.gateway, line, s), nil
}

func (l local) complete(_ context.Context, line string) completion {
	return complete(l.gateway, line)
}
