package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrInterrupted: the user typed Ctrl-C twice on an empty line, and means the program.
var ErrInterrupted = errors.New("interrupted at the console")

// A backend carries out commands: the gateway itself, or a connection to it.
type backend interface {
	// execute carries out one line. The error is for a backend that is gone.
	execute(ctx context.Context, line string, s sink) (result, error)
	complete(ctx context.Context, line string) completion
}

// A conversation is one console from its first prompt to its last.
type conversation struct {
	backend  backend
	in, out  *os.File
	err      io.Writer
	screen   *screen
	history  *history
	colour   bool
	greeting string
	vi       bool
	// goodbye is said when Ctrl-C comes on an empty line, and makes a second one end the
	// conversation with ErrInterrupted; "": it does nothing.
	goodbye string
}

// canEdit says whether lines can be edited on a terminal, with TERM as it is.
func canEdit(in, out *os.File) bool {
	return in == os.Stdin && out == os.Stdout && isTerminal(in) && isTerminal(out) && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""
}

// wantsColour says whether output may have styles (no-color.org).
func wantsColour(out *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
}

// run talks until exit, the end of the input or of ctx. The status is the last command's.
func (c *conversation) run(ctx context.Context) (int, error) {
	if c.greeting != "" {
		c.screen.notice(c.greeting)
	}
	if canEdit(c.in, c.out) {
		return c.edited(ctx)
	}
	return c.plain(ctx)
}

// plain takes lines as they come, from a file, a pipe, or a terminal that can do no more.
func (c *conversation) plain(ctx context.Context) (int, error) {
	r, err := newReader(c.in)
	if err != nil {
		return failed, err
	}
	defer r.close()
	defer context.AfterFunc(ctx, r.stop)()
	show := ""
	if isTerminal(c.in) && isTerminal(c.out) {
		show = prompt
	}
	status := fine
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 2*maxLine)
	for {
		io.WriteString(c.screen, show) //nolint:errcheck // the next line tells
		if !lines.Scan() {
			break
		}
		s := c.sink()
		s.progress = nil
		done, err := c.backend.execute(ctx, strings.TrimSpace(lines.Text()), s)
		if err != nil {
			return failed, err
		}
		status = done.status
		if done.act == actExit {
			return status, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return status, ctx.Err()
	case lines.Err() != nil:
		return failed, fmt.Errorf("the commands cannot be read: %w", lines.Err())
	}
	return status, nil
}

// edited takes lines from a terminal.
func (c *conversation) edited(ctx context.Context) (int, error) {
	keys, err := takeKeyboard(c.in)
	if err != nil {
		return failed, err
	}
	defer keys.release()
	defer sizeFromTerminal(c.out)()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := newEditor(c.screen, c.history, c.colour, func() (int, int) { return sizeOf(c.out) },
		func(line string) completion { return c.backend.complete(ctx, line) })
	e.vi(c.vi)
	status, warned := fine, false
	for {
		line, err := e.readLine(ctx)
		switch {
		case errors.Is(err, errInterrupt):
			if line == "" && c.goodbye != "" {
				if warned {
					return failed, ErrInterrupted
				}
				warned = true
				c.screen.notice(c.goodbye)
			}
			continue
		case errors.Is(err, io.EOF):
			return status, nil
		case err != nil:
			return status, err
		}
		warned = false
		if err := c.history.add(line); err != nil {
			c.screen.notice(err.Error())
		}
		done, err := c.command(ctx, e, keys, line)
		if err != nil {
			return failed, err
		}
		status = done.status
		switch done.act {
		case actExit:
			return status, nil
		case actClear:
			io.WriteString(c.screen, "\x1b[H\x1b[2J") //nolint:errcheck // the next line tells
			c.screen.fresh()
		case actViOn, actViOff:
			e.vi(done.act == actViOn)
		}
	}
}

// command carries out a line that was typed, until it ends or Ctrl-C ends it.
func (c *conversation) command(ctx context.Context, e *editor, keys *keyboard, line string) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop, err := keys.watch(cancel, cancel)
	if err != nil {
		return result{}, err
	}
	done, err := c.backend.execute(ctx, line, c.sink())
	e.ahead(stop())
	return done, err
}

// sink is where commands write.
func (c *conversation) sink() sink {
	s := sink{out: c.screen, err: c.err, colour: c.colour, width: widthOf(c.out), file: WriteFile}
	if c.screen.terminal {
		s.progress = func(text string) { c.screen.progress(text, widthOf(c.out)) }
	}
	return s
}
