package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// The line editor works on the program's own terminal. So the tests run the console in a
// process of its own, this test program under another name, with a pseudo-terminal.

// childVariable says in the environment what such a process does.
const childVariable = "CAMGATE_CONSOLE_TEST"

// runChild is the main of such a process.
func runChild(what string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch what {
	case "run":
		return runServing(ctx)
	case "dial":
		status, err := Dial(ctx, os.Getenv("TEST_SOCKET"), os.Stdin, os.Stdout, DialOptions{
			Command: os.Getenv("TEST_COMMAND"), History: os.Getenv("TEST_HISTORY"), NoColour: os.Getenv("TEST_NO_COLOUR") != ""})
		if err != nil {
			fmt.Fprintln(os.Stderr, "camgate:", err)
		}
		return status
	}
	return 99
}

// runServing is a gateway with a console. It logs a line for each SIGUSR1.
func runServing(ctx context.Context) int {
	w := NewLogWriter(os.Stderr)
	log := slog.New(slog.NewTextHandler(w, nil))
	logging := make(chan os.Signal, 100)
	signal.Notify(logging, syscall.SIGUSR1)
	go func() {
		for n := 1; ; n++ {
			<-logging
			log.Info("camera came", "n", n)
		}
	}()
	err := Run(ctx, newFake(), Terminal{History: os.Getenv("TEST_HISTORY"), Log: w, Greeting: "camgate 1.2.3: help lists the commands",
		Goodbye: "Ctrl-C once more ends the gateway; Ctrl-D leaves the console alone"})
	switch {
	case errors.Is(err, ErrInterrupted):
		fmt.Println("the user wants the gateway to end")
	case ctx.Err() != nil:
		fmt.Println("the gateway ended")
	case err != nil:
		fmt.Println("error:", err)
	default:
		fmt.Println("the console was left")
	}
	return 0
}

// A terminal is a process on a pseudo-terminal.
type terminal struct {
	t   *testing.T
	cmd *exec.Cmd
	pty *os.File

	mu      sync.Mutex
	changed chan struct{}
	vt      *vt
	raw     bytes.Buffer
	ended   bool
}

// start runs a child on a terminal of 24 by 80, unless the environment says otherwise.
func start(t *testing.T, what string, rows, cols int, env ...string) *terminal {
	t.Helper()
	cmd := child(t, what, env...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)})
	if err != nil {
		t.Fatal(err)
	}
	c := &terminal{t: t, cmd: cmd, pty: f, changed: make(chan struct{}), vt: newVT(rows, cols)}
	var reading sync.WaitGroup
	reading.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			c.mu.Lock()
			c.vt.Write(buf[:n])
			c.raw.Write(buf[:n])
			c.ended = err != nil
			close(c.changed)
			c.changed = make(chan struct{})
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		f.Close()
		reading.Wait()
		if len(c.vt.strange) > 0 {
			t.Errorf("sequences that not every terminal knows: %q", c.vt.strange)
		}
	})
	return c
}

// child is a process of this program with another main.
func child(t *testing.T, what string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	switch what {
	case "sh": // standard error goes elsewhere
		cmd, what = exec.Command("sh", "-c", `exec "$0" 2>/dev/null`, self), "run"
	case "background":
		cmd, what = exec.Command("sh", "-c", `set -m; "$0" & wait $!; echo "it ended with $?"`, self), "run"
	}
	dir := t.TempDir()
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "NO_COLOR=") && !strings.HasPrefix(e, "INPUTRC=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, childVariable+"="+what, "TERM=xterm-256color", "HOME="+dir)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// patience is how long anything may take on a machine under load.
const patience = 30 * time.Second

// await waits until the terminal is as wanted.
func (c *terminal) await(what string, wanted func(v *vt) bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		done, changed, ended := wanted(c.vt), c.changed, c.ended
		c.mu.Unlock()
		if done {
			return
		}
		if ended {
			c.t.Fatalf("the console ended; waited for %s; the screen is\n%s", what, c.vt.all())
		}
		select {
		case <-changed:
		case <-deadline:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("no %s; the cursor is at %d,%d; the screen is\n%s\n%q", what, c.vt.y, c.vt.x, c.vt.screen(), tail(c.raw.String()))
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-600):] }

// see waits for a text on the screen, or above it.
func (c *terminal) see(text string) {
	c.t.Helper()
	c.await(fmt.Sprintf("%q", text), func(v *vt) bool { return strings.Contains(v.all(), text) })
}

// at waits until the line of the cursor is this one, and the cursor at its end.
func (c *terminal) at(line string) {
	c.t.Helper()
	c.await(fmt.Sprintf("line %q", line), func(v *vt) bool {
		return v.line() == strings.TrimRight(line, " ") && (v.wrap || v.x == columns(line)%v.cols)
	})
}

// send types keys.
func (c *terminal) send(keys string) {
	c.t.Helper()
	if _, err := c.pty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// enter types a line and waits for the next prompt below it.
func (c *terminal) enter(line string) {
	c.t.Helper()
	c.send(line)
	c.at("camgate> " + line)
	c.send("\r")
}

// end waits for the process and returns its status.
func (c *terminal) end() int {
	c.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		c.t.Fatalf("the console does not end; the screen is\n%s", c.vt.screen())
	}
	return c.cmd.ProcessState.ExitCode()
}
