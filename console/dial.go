package console

import (
	"context"
	"io"
	"os"
	"sync"
)

// DialOptions say how the console at the other end of the socket is used.
type DialOptions struct {
	Command  string    // this one command, and no conversation; "": a conversation
	Err      io.Writer // what went wrong; nil: out where that is a terminal and there is no Command, else standard error
	NoColour bool      // no styles; none are used either where NO_COLOR is set, or on no terminal
	History  string    // as in Terminal
	Vi       bool      // begin with the keys of vi
}

// Dial is the console of a gateway that listens at a socket (see Serve): in and out are the
// user's. The exit status is that of the last command: 0 fine, 1 it did not work, 2 wrong
// usage; 1 with an error that says why where there is no gateway. Where the gateway ends,
// a conversation waits for the next one, and says so.
func Dial(ctx context.Context, socketPath string, in, out *os.File, o DialOptions) (int, error) {
	c := &conversation{in: in, out: out, err: o.Err, vi: o.Vi}
	if o.Command != "" && c.err == nil {
		c.err = os.Stderr
	}
	c.onTerminal()
	c.colour = c.colour && !o.NoColour
	// The connection outlives ctx for a moment, to tell the gateway of it.
	connected, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	gateway, err := connect(connected, socketPath, c.screen.notice)
	if err != nil {
		hangUp()
		return failed, err
	}
	defer gateway.reading.Wait()
	defer hangUp()
	c.backend = gateway
	if o.Command != "" {
		s := c.sink()
		done, err := gateway.execute(ctx, o.Command, s)
		return done.status, err
	}
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer hangUp()
	keeping.Go(func() { gateway.keep(connected) })
	if c.history, err = openHistory(o.History); err != nil {
		c.screen.notice(err.Error())
	}
	status, err := c.run(ctx)
	if ctx.Err() != nil {
		err = nil // it was told to end
	}
	return status, err
}
