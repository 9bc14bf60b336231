package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// again is how long a client waits before it tries to connect again.
const again = 250 * time.Millisecond

// cancelTime is how long a command may take to end after Ctrl-C.
const cancelTime = 5 * time.Second

// A link is one connection to a gateway.
type link struct {
	wire   *wire
	frames chan frame    // what arrives
	gone   chan struct{} // closed when nothing more will
}

// A client is a backend at the other end of the socket. keep connects it again.
type client struct {
	path   string
	notice func(string)

	id uint64 // of the last request; requests are made one at a time

	mu      sync.Mutex
	link    *link         // nil: there is none just now
	changed chan struct{} // closed when link changes
	reading sync.WaitGroup
}

// connect makes a client with a connection.
func connect(ctx context.Context, path string, notice func(string)) (*client, error) {
	c := &client{path: path, notice: notice, changed: make(chan struct{})}
	_, err := c.dial(ctx)
	return c, err
}

// dial connects, and tells the gateway's version.
func (c *client) dial(ctx context.Context) (string, error) {
	w, version, err := dial(ctx, c.path)
	if err != nil {
		return "", err
	}
	l := &link{w, make(chan frame), make(chan struct{})}
	ended, end := context.WithCancel(ctx)
	context.AfterFunc(ended, func() { w.conn.Close() })
	c.reading.Go(func() {
		defer end()
		defer close(l.gone)
		for {
			f, err := w.receive()
			if err != nil {
				return
			}
			select {
			case l.frames <- f:
			case <-ended.Done():
				return
			}
		}
	})
	c.set(l)
	return version, nil
}

// set tells all who wait that there is another connection, or none.
func (c *client) set(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = l
	close(c.changed)
	c.changed = make(chan struct{})
}

// now is the connection, and what is closed when there is another one.
func (c *client) now() (*link, chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link, c.changed
}

// keep connects again whenever the gateway has gone, until ctx ends.
func (c *client) keep(ctx context.Context) {
	for {
		l, _ := c.now()
		select {
		case <-ctx.Done():
			return
		case <-l.gone:
		}
		if ctx.Err() != nil {
			return
		}
		c.set(nil)
		c.notice("The gateway has ended; waiting for it to come back…")
		for told := ""; ; {
			version, err := c.dial(ctx)
			if err == nil {
				c.notice(fmt.Sprintf("Connected again, to camgate %s.", version))
				break
			}
			if !errors.As(err, new(noGatewayError)) && err.Error() != told && ctx.Err() == nil {
				told = err.Error() // one that is there, but will not talk
				c.notice(told)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(again):
			}
		}
	}
}

// errGone is for a gateway that ended while a command ran.
var errGone = errors.New("the gateway ended while the command ran: whether it was carried out is not known")

// connection waits for a connection.
func (c *client) connection(ctx context.Context) (*link, error) {
	for {
		l, changed := c.now()
		if l != nil {
			select {
			case <-l.gone: // keep has not seen it yet
			default:
				return l, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// execute carries out a command at the gateway.
func (c *client) execute(ctx context.Context, line string, s sink) (result, error) {
	words, err := split(line)
	if err == nil && len(words) == 0 {
		return result{}, nil
	}
	l, err := c.connection(ctx)
	if err != nil {
		return complain(s, errors.New("the gateway is not there")), nil
	}
	done, err := c.command(ctx, l, line, s, texts(words))
	if err != nil {
		return complain(s, err), nil
	}
	return done, nil
}

// command sends a command and takes what comes of it.
func (c *client) command(ctx context.Context, l *link, line string, s sink, words []string) (result, error) {
	c.id++
	id := c.id
	if err := l.wire.send(frame{Type: "run", ID: id, Line: line, Width: s.width, Colour: s.colour, Live: s.progress != nil}); err != nil {
		return result{}, errGone
	}
	if s.progress != nil {
		defer s.progress("")
	}
	interrupted := ctx.Done()
	var late <-chan time.Time
	var file []byte
	for {
		select {
		case <-interrupted:
			interrupted, late = nil, time.After(cancelTime)
			l.wire.send(frame{Type: "cancel", ID: id}) //nolint:errcheck // gone tells
		case <-late:
			l.wire.conn.Close() // the gateway ends what it runs for a client that is gone
			return result{}, errors.New("interrupted; the gateway has not ended the command yet")
		case <-l.gone:
			return result{}, errGone
		case f := <-l.frames:
			switch {
			case f.Type == "error":
				return result{}, fmt.Errorf("the gateway refuses: %s", f.Text)
			case f.ID != id:
			case f.Type == "output" && f.Stream == 2:
				s.err.Write(f.Data) //nolint:errcheck // of the user's own terminal
			case f.Type == "output":
				s.out.Write(f.Data) //nolint:errcheck // of the user's own terminal
			case f.Type == "progress" && s.progress != nil:
				s.progress(clean(f.Text))
			case f.Type == "file":
				if file = append(file, f.Data...); len(file) > maxFile {
					return result{}, fmt.Errorf("%w: a file of more than %d bytes", errFrame, maxFile)
				}
				if !f.Last {
					continue
				}
				// Only what the user has named is written, whatever the gateway says.
				if !slices.Contains(words, f.Name) {
					return result{}, fmt.Errorf("%w: a file that was not asked for", errFrame)
				}
				if err := s.file(f.Name, file); err != nil {
					return result{}, c.spoilt(ctx, l, id, err)
				}
				file = nil
			case f.Type == "done":
				return result{f.Status, f.Act}, nil
			}
		}
	}
}

// spoilt waits for the end of a command whose file could not be written, and returns why.
func (c *client) spoilt(ctx context.Context, l *link, id uint64, why error) error {
	for {
		select {
		case f := <-l.frames:
			if f.Type == "done" && f.ID == id {
				return why
			}
		case <-l.gone:
			return why
		case <-ctx.Done():
			l.wire.conn.Close()
			return why
		}
	}
}

// completeTime is how long the gateway may take to say what may stand at the cursor.
const completeTime = 2 * time.Second

// complete asks the gateway; without one, nothing is offered.
func (c *client) complete(ctx context.Context, line string) completion {
	l, _ := c.now()
	if l == nil || len(line) > maxLine {
		return completion{}
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	c.id++
	if err := l.wire.send(frame{Type: "complete", ID: c.id, Line: line}); err != nil {
		return completion{}
	}
	for {
		select {
		case f := <-l.frames:
			if f.Type == "completion" && f.ID == c.id && f.Completion != nil {
				return f.Completion.checked()
			}
		case <-l.gone:
			return completion{}
		case <-ctx.Done():
			return completion{}
		}
	}
}
