package console

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// serving is a gateway that listens at a socket until the test ends, or stop.
func serving(t *testing.T, g Gateway, path string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, g, path) }()
	deadline := time.Now().Add(patience)
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the socket: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("no socket")
		}
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the socket: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// script is camgate console -c, or one that reads lines from a file.
func script(t *testing.T, path, command, input string, env ...string) (out, errs string, status int) {
	t.Helper()
	cmd := child(t, "dial", append(env, "TEST_SOCKET="+path, "TEST_COMMAND="+command)...)
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &o, &e
	cmd.Run() //nolint:errcheck // the status tells
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func TestOneCommandForAScript(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run", "console.sock")
	g := newFake()
	serving(t, g, path)
	for _, c := range []struct {
		command, out, errs string
		status             int
	}{
		{"cameras --json", `"name": "door"`, "", 0},
		{"cameras", "door", "", 0},
		{"remove nobody", "", "there is no camera", 1},
		{"diagnose door", "mend: type another one", "", 1},
		{"camers", "", "did you mean", 2},
		{"ptz door", "", "usage: ptz", 2},
		{`camera "door`, "", "a quote is not closed", 2},
		{"discover 0.1", "192.0.2.20", "", 0},
	} {
		out, errs, status := script(t, path, c.command, "")
		if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || c.errs == "" && errs != "" {
			t.Errorf("%s: %d %q %q; want %d %q %q", c.command, status, out, errs, c.status, c.out, c.errs)
		}
		if strings.Contains(out+errs, "\x1b") || strings.Contains(out+errs, "searching") {
			t.Errorf("%s: what only a terminal understands: %q %q", c.command, out, errs)
		}
	}
	picture := filepath.Join(dir, "p.jpg")
	if _, errs, status := script(t, path, "snapshot door "+picture, ""); status != 0 {
		t.Fatalf("%d %q", status, errs)
	}
	if data, err := os.ReadFile(picture); err != nil || !bytes.Equal(data, pictureBytes) {
		t.Errorf("the picture has %d bytes: %v", len(data), err)
	}
	if _, errs, status := script(t, path, "snapshot door "+dir+"/missing/p.jpg", ""); status != 1 || !strings.Contains(errs, "cannot be written") {
		t.Errorf("%d %q", status, errs)
	}
}

func TestCommandsFromAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	serving(t, newFake(), path)
	out, errs, status := script(t, path, "", "version\n\nnonsense\ncamera door\nexit\nhost\n")
	if status != 0 || !strings.Contains(out, "camgate 1.2.3") || !strings.Contains(out, "name          door") || strings.Contains(out, "http://") || !strings.Contains(errs, "nonsense") {
		t.Errorf("%d %q %q", status, out, errs)
	}
	if strings.Contains(out, "camgate>") || strings.Contains(out, "\x1b") {
		t.Errorf("a prompt where nobody reads it: %q", out)
	}
	if _, _, status := script(t, path, "", "version\nnonsense\n"); status != misuse {
		t.Errorf("the last command's status is %d", status)
	}
}

func TestNoGatewayIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	_, errs, status := script(t, path, "cameras", "")
	if status != 1 || !strings.Contains(errs, "no gateway listens at "+path) || !strings.Contains(errs, "camgate serve") {
		t.Errorf("%d %q", status, errs)
	}
}

func TestSocketIsForThisUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "console.sock")
	stop := serving(t, newFake(), path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("the socket is %v: %v", info.Mode(), err)
	}
	if info, err = os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder is %v: %v", info.Mode(), err)
	}
	if err := Serve(t.Context(), newFake(), path); err == nil || !strings.Contains(err.Error(), "another gateway is running") {
		t.Errorf("a second gateway: %v", err)
	}
	stop()
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSocketThatAGatewayLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	serving(t, newFake(), path)
	if out, _, status := script(t, path, "version", ""); status != 0 {
		t.Errorf("%d %q", status, out)
	}
}

func TestSocketDoesNotReplaceAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), newFake(), path); err == nil || !strings.Contains(err.Error(), "something else of that name") {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "mine" {
		t.Error("the file is gone")
	}
}

func TestSocketOfAnotherGatewayIsNotRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	stop := serving(t, newFake(), path)
	if err := os.Remove(path); err != nil { // as somebody tidies up
		t.Fatal(err)
	}
	serving(t, newFake(), path)
	stop()
	if _, _, status := script(t, path, "version", ""); status != 0 {
		t.Error("the second gateway's socket is gone")
	}
}

func TestFolderThatEverybodyMayWriteTo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), newFake(), filepath.Join(dir, "s")); err == nil || !strings.Contains(err.Error(), "everybody may write") {
		t.Errorf("%v", err)
	}
}

func TestConsoleOverTheSocketOnATerminal(t *testing.T) {
	dir := t.TempDir()
	path, history := filepath.Join(dir, "console.sock"), filepath.Join(dir, "history")
	g := newFake()
	stop := serving(t, g, path)
	c := start(t, "dial", 24, 240, "TEST_SOCKET="+path, "TEST_HISTORY="+history)
	c.at("camgate> ")
	c.send("camera yard-\t")
	c.at("camgate> camera yard-2 ")
	c.send("\r")
	c.see("name          yard-2")
	c.at("camgate> ")
	c.enter("discover 100")
	c.see("searching: ")
	<-g.searched
	c.send("\x03")
	c.see("interrupted")
	c.at("camgate> ")
	picture := filepath.Join(dir, "a b.jpg")
	c.enter("snapshot door '" + picture + "'")
	c.see("640 x 360")
	c.at("camgate> ")
	if _, err := os.Stat(picture); err != nil {
		t.Error(err)
	}
	c.send("\x03") // does nothing
	c.at("camgate> ")
	c.enter("camera door") // on its way while the gateway ends
	c.see("name          door")
	c.at("camgate> ")
	c.send("camera do")
	c.at("camgate> camera do")
	stop()
	c.see("The gateway has ended; waiting for it to come back…")
	c.at("camgate> camera do")
	g.version = "1.2.4"
	serving(t, g, path)
	c.see("Connected again, to camgate 1.2.4.")
	c.at("camgate> camera do")
	c.send("or\r")
	c.await("the camera", func(v *vt) bool { return strings.Count(v.all(), "name          door") == 2 })
	c.at("camgate> ")
	c.enter("exit")
	if status := c.end(); status != 0 {
		t.Errorf("status %d", status)
	}
	text, err := os.ReadFile(history)
	if err != nil || !strings.Contains(string(text), "camera door\n") {
		t.Errorf("the history is %q: %v", text, err)
	}
}

func TestGatewayThatComesBackAnotherIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	stop := serving(t, newFake(), path)
	c := start(t, "dial", 24, 240, "TEST_SOCKET="+path)
	c.at("camgate> ")
	stop()
	c.see("has ended")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var newer sync.WaitGroup
	newer.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			newWire(conn).send(frame{Type: "error", Text: "this gateway speaks version 2"}) //nolint:errcheck // it is closed anyway
			conn.Close()
		}
	})
	c.see("refuses: this gateway speaks version 2")
	c.at("camgate> ")
	l.Close()
	newer.Wait()
}

func TestGatewayThatEndsWhileACommandRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	g := newFake()
	stop := serving(t, g, path)
	c := start(t, "dial", 24, 100, "TEST_SOCKET="+path)
	c.at("camgate> ")
	c.enter("discover 100")
	<-g.searched
	stop()
	c.see("has ended")
	c.at("camgate> ")
	c.send("version\r") // waits for a gateway
	c.await("a command that waits", func(v *vt) bool { return v.x == 0 })
	c.send("\x03")
	c.see("the gateway is not there")
	c.at("camgate> ")
}
