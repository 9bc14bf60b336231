package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a program on a pseudo-terminal of its own, with somebody at the keyboard.
type terminal struct {
	t      *testing.T
	file   *os.File
	shown  *lines
	cmd    *exec.Cmd
	ended  chan struct{}
	reader sync.WaitGroup
}

func onTerminal(t *testing.T, home string, name string, args ...string) *terminal {
	t.Helper()
	cmd := exec.Command(program(t, name), args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+home, "XDG_RUNTIME_DIR="+home, "TERM=xterm", "NO_COLOR=1")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, file: file, shown: &lines{}, cmd: cmd, ended: make(chan struct{})}
	term.reader.Go(func() {
		buf := make([]byte, 4096)
		answered := 0
		for {
			n, err := file.Read(buf)
			term.shown.Write(buf[:n]) //nolint:errcheck // it never fails
			// Where the cursor is, as a terminal answers. A question may come in two pieces.
			for asked := strings.Count(term.shown.String(), "\x1b[6n"); answered < asked; answered++ {
				fmt.Fprint(file, "\x1b[1;1R")
			}
			if err != nil {
				return
			}
		}
	})
	go func() {
		cmd.Wait() //nolint:errcheck // ProcessState tells
		close(term.ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-term.ended
		file.Close()
		term.reader.Wait()
	})
	return term
}

// types types, and waits until something is shown that was not before.
func (m *terminal) types(keys, shows string) {
	m.t.Helper()
	before := len(m.shown.String())
	if _, err := m.file.WriteString(keys); err != nil {
		m.t.Fatal(err)
	}
	m.shows(shows, before)
}

func (m *terminal) shows(what string, from int) {
	m.t.Helper()
	defer func() {
		if m.t.Failed() {
			m.t.Logf("the terminal shows %q", m.shown.String())
		}
	}()
	eventually(m.t, fmt.Sprintf("the terminal shows %q", what), patient, func() bool {
		return strings.Contains(m.shown.String()[from:], what)
	})
}

func (m *terminal) exit() int {
	m.t.Helper()
	select {
	case <-m.ended:
	case <-time.After(patient):
		m.t.Fatalf("it still runs; the terminal shows %q", m.shown.String())
	}
	return m.cmd.ProcessState.ExitCode()
}

// TestConsoleOfTheGateway is an operator at the terminal of camgate serve, then at another
// one with camgate console, and a script.
func TestConsoleOfTheGateway(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "yard", nil)
	home := t.TempDir()
	socket := filepath.Join(home, "camgate", "console.sock")
	file := write(t, "config.toml", "[http]\nlisten = \"127.0.0.1:0\"\n[discovery]\nlisten = false\ninterfaces = [\"lo\"]\n[[camera]]\nname = \"yard\"\nsource = \""+cam.URL()+"\"\n")
	m := onTerminal(t, home, "camgate", "serve", "--config", file, "--socket", socket)
	m.shows("help lists the commands", 0)
	m.types("cameras\r", "yard")
	m.types("cam\t", "camera")
	m.types("\x15", "") // Ctrl-U: the line is empty again
	m.types("probe yard\r", "MainStream")
	m.types("diagnose yard\r", "640×384")
	m.types("log debug\r", "debug")
	m.types("stats\r", "uptime")

	// The configuration changes while it runs.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, []byte("[[camera]]\nname = \"second\"\nsource = \"rtsp://127.0.0.1:9/x\"\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	m.types("reload\r", "1 camera new")
	m.types("exit\r", "exit")
	eventually(t, "the line is in the history", patient, func() bool { // what is typed is shown before it is taken
		history, err := os.ReadFile(filepath.Join(home, "camgate", "history"))
		return err == nil && strings.HasSuffix(strings.TrimSpace(string(history)), "exit")
	})

	// The gateway goes on, for others.
	run := func(command string) (int, string) {
		cmd := exec.Command(program(t, "camgate"), "console", "--socket", socket, "-c", command)
		p := start(t, cmd)
		return p.exit(patient), p.out.String() + p.err.String()
	}
	var list []struct{ Name string }
	status, out := run("cameras --json")
	if err := json.Unmarshal([]byte(out), &list); status != 0 || err != nil || len(list) != 2 || list[0].Name != "yard" || list[1].Name != "second" {
		t.Errorf("cameras --json ends with %d, %v: %s", status, err, out)
	}
	if status, out := run("camera nosuch"); status == 0 || !strings.Contains(out, "nosuch") {
		t.Errorf("an unknown camera: %d %s", status, out)
	}
	jpeg := filepath.Join(home, "yard.jpg")
	if status, out := run("snapshot yard " + jpeg); status != 0 {
		t.Errorf("snapshot: %d %s", status, out)
	}
	if data, err := os.ReadFile(jpeg); err != nil || decodeImage(t, data).Bounds().Dx() != 640 {
		t.Errorf("the snapshot: %v", err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}

	other := onTerminal(t, home, "camgate", "console", "--socket", socket)
	other.types("", ">")
	other.types("\x1b[A", "exit") // the last line of the other terminal: history survives
	other.types("\x15camera y\t", "yard")
	other.types("\r", "MainStream")
	other.types("\x04", "")
	if status := other.exit(); status != 0 {
		t.Errorf("camgate console ends with %d", status)
	}
	if strings.Contains(m.shown.String()+other.shown.String(), "wörd") {
		t.Error("the password was shown")
	}
	history, err := os.ReadFile(filepath.Join(home, "camgate", "history"))
	if err != nil || !strings.Contains(string(history), "probe yard") {
		t.Errorf("the history is %q, %v", history, err)
	}
	m.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // exit tells
	if status := m.exit(); status != 0 {
		t.Errorf("camgate serve ends with %d", status)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is still there")
	}
}

// TestCtrlCTwiceEndsTheGateway: once might have been meant for a command.
func TestCtrlCTwiceEndsTheGateway(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	file := write(t, "config.toml", "[http]\nlisten = \"127.0.0.1:0\"\n[discovery]\nlisten = false\n[[camera]]\nname = \"a\"\nsource = \"rtsp://127.0.0.1:9/x\"\n")
	m := onTerminal(t, home, "camgate", "serve", "--config", file)
	m.shows("help lists the commands", 0)
	m.types("\x03", "Ctrl-C once more")
	m.types("\x03", "")
	if status := m.exit(); status != 0 {
		t.Errorf("it ends with %d", status)
	}
}

// TestProbeAndDiagnoseSayWhatIsWrong: the sentences an installer reads.
func TestProbeAndDiagnoseSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", nil)
	cam.SetClockSkew(-(3*time.Hour + 12*time.Minute + 10*time.Second))
	status, out, _ := camgate(t, "probe", cam.URL())
	if status != 0 {
		t.Errorf("probe ends with %d", status)
	}
	for _, says := range []string{"the camera's clock is 3 h 12 min behind; the gateway signs with the camera's time, nothing to do",
		"camgate Simulated Camera", "MainStream (H264 640×384 25 fps)", "rtsp://127.0.0.1", "single pictures: ", `id = "`} {
		if !strings.Contains(out, says) {
			t.Errorf("probe does not say %q:\n%s", says, out)
		}
	}
	status, out, _ = camgate(t, "probe", strings.Replace(cam.URL(), "admin:", "nobody:", 1), "--json")
	var report struct {
		OK    bool
		Steps []struct {
			Name, Text, Mend string
			OK, Skipped      bool
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || status != 1 || report.OK {
		t.Fatalf("probe --json with a wrong user ends with %d, %v: %s", status, err, out)
	}
	var failed []string
	for _, s := range report.Steps {
		if !s.OK && !s.Skipped {
			failed = append(failed, s.Name)
			if !strings.Contains(s.Text, "password refused") || !strings.Contains(s.Mend, "user") {
				t.Errorf("the step %s says %q, and %q", s.Name, s.Text, s.Mend)
			}
		}
	}
	if len(failed) != 1 {
		t.Errorf("steps that failed: %v", failed)
	}
	if status, out, _ = camgate(t, "diagnose", cam.URL()); status != 0 || !strings.Contains(out, "ok  picture: 640×384") {
		t.Errorf("diagnose ends with %d:\n%s", status, out)
	}
	if err := cam.main.Refuse(0); err != nil {
		t.Fatal(err)
	}
	if status, out, _ = camgate(t, "diagnose", cam.URL()); status != 1 || !strings.Contains(out, "RTSP port does not answer") {
		t.Errorf("diagnose without RTSP ends with %d:\n%s", status, out)
	}
	if status, out, _ = camgate(t, "probe", "onvif://127.0.0.1:9/"); status != 1 || !strings.Contains(out, "nothing listens on port 9") {
		t.Errorf("probe of a closed port ends with %d:\n%s", status, out)
	}
	if strings.Contains(out, "wörd") {
		t.Error("the password was shown")
	}
}
