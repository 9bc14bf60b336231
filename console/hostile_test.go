package console

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestClientThatGoesEndsItsCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	ended := make(chan struct{})
	g := &endsWithContext{newFake(), ended}
	serving(t, g, path)
	w, _, err := dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.send(frame{Type: "run", ID: 1, Line: "probe rtsp://slow/"}); err != nil {
		t.Fatal(err)
	}
	if f, err := w.receive(); err != nil || f.Type != "output" {
		t.Fatalf("%+v %v", f, err)
	}
	w.conn.Close()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the command goes on for nobody")
	}
}

// endsWithContext tells when a probe has ended.
type endsWithContext struct {
	*fake
	ended chan struct{}
}

func (g *endsWithContext) Probe(ctx context.Context, url string, step func(Step)) error {
	defer close(g.ended)
	return g.fake.Probe(ctx, url, step)
}

func TestHostilePeersOfTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	serving(t, newFake(), path)
	hello := `{"type":"hello","version":1}` + "\n"
	for name, bytes := range map[string]string{
		"nothing like it":    "GET / HTTP/1.1\r\n\r\n",
		"another version":    `{"type":"hello","version":2}` + "\n",
		"no hello":           `{"type":"run","id":1,"line":"cameras"}` + "\n",
		"too long":           hello + strings.Repeat("x", maxFrame+1),
		"an unknown type":    hello + `{"type":"dance"}` + "\n",
		"a long line":        hello + `{"type":"run","id":1,"line":"` + strings.Repeat("x", maxLine+1) + `"}` + "\n",
		"no id":              hello + `{"type":"run","line":"cameras"}` + "\n",
		"two at once":        hello + strings.Repeat(`{"type":"run","id":1,"line":"discover 100"}`+"\n", 2),
		"not closed objects": hello + strings.Repeat("{", 20000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			conn.Write([]byte(bytes)) //nolint:errcheck // it may be hung up on
			w := newWire(conn)
			refused := false
			for {
				f, err := w.receive()
				if err != nil {
					if ne, ok := err.(net.Error); ok && ne.Timeout() {
						t.Fatal("still connected")
					}
					break
				}
				refused = refused || f.Type == "error"
			}
			if !refused && name != "too long" {
				t.Error("hung up on without a word")
			}
		})
	}
	if _, _, status := script(t, path, "version", ""); status != 0 {
		t.Error("the gateway serves nobody any more")
	}
}

func TestTooManyConsoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	serving(t, newFake(), path)
	var open []*wire
	defer func() {
		for _, w := range open {
			w.conn.Close()
		}
	}()
	for {
		w, _, err := dial(t.Context(), path)
		if err != nil {
			if !strings.Contains(err.Error(), "consoles are open already") || len(open) < maxClients-1 {
				t.Errorf("after %d: %v", len(open), err)
			}
			return
		}
		if open = append(open, w); len(open) > maxClients {
			t.Fatal("there is no limit")
		}
	}
}

// TestClientWritesOnlyWhatItWasAskedFor has a gateway that sends another file.
func TestClientWritesOnlyWhatItWasAskedFor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "console.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	evil := filepath.Join(dir, "authorized_keys")
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		w := newWire(conn)
		w.receive()
		w.send(frame{Type: "hello", Version: protocolVersion})
		run, _ := w.receive()
		w.send(frame{Type: "file", ID: run.ID, Name: evil, Data: []byte("x"), Last: true})
		w.send(frame{Type: "done", ID: run.ID})
		w.receive()
	})
	_, errs, status := script(t, path, "snapshot door x.jpg", "")
	if status != 1 || !strings.Contains(errs, "not asked for") {
		t.Errorf("%d %q", status, errs)
	}
	if _, err := os.Stat(evil); err == nil {
		t.Error("the file was written")
	}
}
