package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxClients is how many consoles are served at once.
const maxClients = 16

// helloTime is how long a client may take to say what it is.
const helloTime = 5 * time.Second

// Serve offers the console on a local socket until ctx ends, when it returns nil after all
// that it started. It makes the socket for this user alone (mode 0600), and its folder
// where that is missing (0700). A socket that a gateway left behind is replaced; one that
// a living gateway has is an error.
func Serve(ctx context.Context, g Gateway, socketPath string) error {
	l, err := listen(socketPath)
	if err != nil {
		return err
	}
	defer l.remove()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel() // before waiting
	places := make(chan struct{}, maxClients)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if err = pause(ctx, err); err != nil {
				return fmt.Errorf("the console's socket %s failed: %w", socketPath, err)
			}
			continue
		}
		select {
		case places <- struct{}{}:
			clients.Go(func() {
				defer func() { <-places }()
				serveClient(ctx, g, newWire(conn))
			})
		default:
			newWire(conn).send(frame{Type: "error", Text: fmt.Sprintf("%d consoles are open already: close one", maxClients)}) //nolint:errcheck // it is closed anyway
			conn.Close()
		}
	}
}

// pause waits before the next Accept where the last one failed for want of descriptors.
func pause(ctx context.Context, err error) error {
	var temporary interface{ Temporary() bool }
	if !errors.As(err, &temporary) || !temporary.Temporary() {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
	return nil
}

// A session is one client of the socket.
type session struct {
	gateway Gateway
	wire    *wire

	running sync.WaitGroup // the command
	mu      sync.Mutex
	id      uint64             // of the command; 0: none runs
	cancel  context.CancelFunc // ends it
}

// serveClient talks with one client until it or ctx ends.
func serveClient(ctx context.Context, g Gateway, w *wire) {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{gateway: g, wire: w}
	defer w.conn.Close()
	defer s.running.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { w.conn.Close() })()
	w.conn.SetReadDeadline(time.Now().Add(helloTime)) //nolint:errcheck // receive tells
	hello, err := w.receive()
	if err == nil && (hello.Type != "hello" || hello.Version != protocolVersion) {
		err = fmt.Errorf("this gateway speaks version %d of the console's protocol: use the camgate program of the same version", protocolVersion)
	}
	if err != nil {
		w.send(frame{Type: "error", Text: err.Error()}) //nolint:errcheck // it is closed anyway
		return
	}
	w.conn.SetReadDeadline(time.Time{}) //nolint:errcheck // receive tells
	err = w.send(frame{Type: "hello", Version: protocolVersion, Text: g.Host().Version})
	for err == nil {
		var f frame
		if f, err = w.receive(); err == nil {
			err = s.handle(ctx, f)
		}
	}
	if errors.Is(err, errFrame) {
		w.send(frame{Type: "error", Text: err.Error()}) //nolint:errcheck // it is closed anyway
	}
}

// handle does what a client asks for.
func (s *session) handle(ctx context.Context, f frame) error {
	switch f.Type {
	case "run":
		return s.start(ctx, f)
	case "cancel":
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.id == f.ID && s.cancel != nil {
			s.cancel()
		}
		return nil
	case "complete":
		c := complete(s.gateway, f.Line)
		return s.wire.send(frame{Type: "completion", ID: f.ID, Completion: &c})
	}
	return fmt.Errorf("%w: a message of type %.20q", errFrame, f.Type)
}

// start runs a command.
func (s *session) start(ctx context.Context, f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.ID == 0 || s.cancel != nil {
		return fmt.Errorf("%w: a command while another one runs, or one without an id", errFrame)
	}
	ctx, cancel := context.WithCancel(ctx)
	s.id, s.cancel = f.ID, cancel
	s.running.Go(func() {
		defer cancel()
		done := execute(ctx, s.gateway, f.Line, s.sink(f, cancel))
		s.mu.Lock()
		s.id, s.cancel = 0, nil
		s.mu.Unlock()
		s.wire.send(frame{Type: "done", ID: f.ID, Status: done.status, Act: done.act}) //nolint:errcheck // receive fails too
	})
	return nil
}

// sink sends a command's output to the client. A client that is gone ends the command.
func (s *session) sink(f frame, cancel func()) sink {
	send := func(part frame) error {
		part.ID = f.ID
		err := s.wire.send(part)
		if err != nil {
			cancel()
		}
		return err
	}
	out := sink{
		out: frameWriter{1, send}, err: frameWriter{2, send}, width: f.Width, colour: f.Colour,
		file: func(name string, data []byte) error {
			if len(data) > maxFile {
				return fmt.Errorf("%d bytes are too many for the console: %d at most", len(data), maxFile)
			}
			for {
				n := min(len(data), maxData)
				if err := send(frame{Type: "file", Name: name, Data: data[:n], Last: n == len(data)}); err != nil {
					return err
				}
				if data = data[n:]; len(data) == 0 {
					return nil
				}
			}
		},
	}
	if f.Live {
		out.progress = func(text string) { send(frame{Type: "progress", Text: text}) } //nolint:errcheck // it cancels
	}
	return out
}

// A frameWriter sends what is written as frames.
type frameWriter struct {
	stream int
	send   func(frame) error
}

func (w frameWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), maxData)
		if err := w.send(frame{Type: "output", Stream: w.stream, Data: rest[:n]}); err != nil {
			return len(p) - len(rest), err
		}
		rest = rest[n:]
	}
	return len(p), nil
}
