package console

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTypingACommandOnATerminal(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.see("camgate 1.2.3: help lists the commands")
	c.at("camgate> ")
	c.enter("cameras")
	c.see("rtsp://192.0.2.10:554/yard-2")
	c.at("camgate> ")
	c.enter("nonsense")
	c.see(`unknown command "nonsense"`)
	c.at("camgate> ")
	c.enter("exit")
	if status := c.end(); status != 0 {
		t.Errorf("status %d", status)
	}
	c.see("the console was left")
}

func TestTabCompletesCommandsCamerasAndFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "picture-1.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, "run", 24, 240)
	c.at("camgate> ")
	c.send("vie\t")
	c.at("camgate> viewers ")
	c.send("\x15snap\t")
	c.at("camgate> snapshot ")
	c.send("do\t")
	c.at("camgate> snapshot door ")
	c.send(dir + "/pic\t")
	c.at("camgate> snapshot door " + dir + "/picture-1.jpg ")
	// Names are matched without case, and all that match are shown.
	c.send("\x15camera y\t")
	c.see("yard-2")
	c.at("camgate> camera y")
	c.send("\t")
	c.at("camgate> camera Yard")
	c.send("\t")
	c.at("camgate> camera yard-2")
	c.send("\r")
	c.see("name          yard-2")
	c.at("camgate> ")
	c.send("help cctv pro\t")
	c.at("camgate> help cctv proxy ")
	c.send("\x15cameras --\t")
	c.at("camgate> cameras --json ")
}

func TestTabCompletesNamesThatAreNotASCII(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.at("camgate> ")
	c.enter("add 玄関 rtsp://192.0.2.1/")
	c.at("camgate> ")
	c.send("camera 玄\t")
	c.at("camgate> camera 玄関 ")
	c.send("\r")
	c.see("name          玄関")
}

func TestConsoleInTheBackgroundLeavesTheTerminalAlone(t *testing.T) {
	c := start(t, "background", 24, 100)
	c.see("the console was left")
	c.see("it ended with 0")
}

func TestArrowsBringBackEarlierLinesAlsoOfEarlierRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "camgate", "history")
	c := start(t, "run", 24, 100, "TEST_HISTORY="+file)
	c.at("camgate> ")
	for _, line := range []string{"version", "add cam9 rtsp://admin:canary@192.0.2.9/", "cctv get http://192.0.2.9/ root canary", "host"} {
		c.enter(line)
		c.at("camgate> ")
	}
	c.send("\x1b[A")
	c.at("camgate> host")
	c.send("\x1b[A")
	c.at("camgate> cctv get http://192.0.2.9/ root ***")
	c.send("\x1b[B")
	c.at("camgate> host")
	c.send("\x15\x04")
	c.end()

	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the history is %v %v", info.Mode(), err)
	}
	if info, err = os.Stat(filepath.Dir(file)); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("its folder is %v %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(file)
	if strings.Contains(string(text), "canary") || !strings.Contains(string(text), "rtsp://admin:***@192.0.2.9/") {
		t.Errorf("the history is %q", text)
	}

	c = start(t, "run", 24, 100, "TEST_HISTORY="+file)
	c.at("camgate> ")
	c.send("\x1b[A")
	c.at("camgate> host")
	c.send("\x1b[A\x1b[A\x1b[A")
	c.at("camgate> version")
	c.send("\r")
	c.see("camgate 1.2.3, running for")
}

func TestCtrlCGivesUpALineAndEndsACommandButNeverTheGateway(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.at("camgate> ")
	c.send("camera do")
	c.at("camgate> camera do")
	c.send("\x03")
	c.at("camgate> ")
	c.enter("discover 100")
	c.see("searching: ")
	c.see("2 found so far (Ctrl-C ends it)")
	c.send("\x03")
	c.see("interrupted")
	c.at("camgate> ")
	c.await("the progress gone", func(v *vt) bool { return !strings.Contains(v.screen(), "searching") })
	c.see("192.0.2.21") // what was found until then
	c.enter("version")
	c.see("camgate 1.2.3, running")
	c.at("camgate> ")
	c.send("\x03")
	c.see("Ctrl-C once more ends the gateway")
	c.at("camgate> ")
	c.enter("version") // a line in between: it was not meant
	c.at("camgate> ")
	c.send("\x03")
	c.at("camgate> ")
	c.send("\x03")
	c.end()
	c.see("the user wants the gateway to end")
}

func TestCtrlDLeavesTheConsole(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.at("camgate> ")
	c.send("xy\x04") // not on a line that holds something
	c.await("a line that is still there", func(v *vt) bool { return strings.HasPrefix(v.line(), "camgate> x") })
	c.send("\x15")
	c.at("camgate> ")
	c.send("\x04")
	c.end()
	c.see("the console was left")
}

func TestTerminalIsAsBeforeWhenTheConsoleEnds(t *testing.T) {
	c := start(t, "run", 24, 100)
	mode := func() string {
		out, err := (&exec.Cmd{Path: "/bin/stty", Args: []string{"stty", "-a"}, Stdin: c.pty}).Output()
		if err != nil {
			t.Skipf("stty: %v", err)
		}
		return string(out)
	}
	c.at("camgate> ")
	if m := mode(); !strings.Contains(m, "-echo ") || !strings.Contains(m, "-isig") {
		t.Errorf("while the console is open: %s", m)
	}
	c.send("\x04")
	c.see("the console was left")
	if m := mode(); strings.Contains(m, "-echo ") || strings.Contains(m, "-isig") || strings.Contains(m, "-icanon") {
		t.Errorf("afterwards: %s", m)
	}
}

func TestGatewayThatEndsEndsItsConsole(t *testing.T) {
	for name, typed := range map[string]string{"at the prompt": "", "in a line": "camera do", "in a command": "discover 100\r"} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "run", 24, 100)
			c.at("camgate> ")
			c.send(typed)
			if strings.HasSuffix(typed, "\r") {
				c.see("searching")
			} else {
				c.at("camgate> " + typed)
			}
			if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			c.end()
			c.see("the gateway ended")
		})
	}
}

func TestKeysOfVi(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.at("camgate> ")
	c.enter("vi on")
	c.at("camgate> ")
	c.send("versionn")
	c.at("camgate> versionn")
	c.send("\x1b")
	c.await("command mode", func(v *vt) bool { return v.x == len("camgate> versionn")-1 })
	c.send("x")
	c.await("a letter less", func(v *vt) bool { return v.line() == "camgate> version" })
	c.send("0")
	c.await("the cursor at the beginning", func(v *vt) bool { return v.x == len("camgate> ") })
	c.send("\r")
	c.see("camgate 1.2.3, running for")
	c.at("camgate> ")
	c.send("host\x1b")
	c.await("command mode", func(v *vt) bool { return v.x == len("camgate> host")-1 })
	c.send("k")
	c.await("the line before", func(v *vt) bool { return v.line() == "camgate> version" })
	c.send("\x03")
	c.at("camgate> ")
	c.enter("vi off")
	c.at("camgate> ")
	c.send("version\x01")
	c.await("the cursor at the beginning, as emacs has it", func(v *vt) bool { return v.x == len("camgate> ") })
}

func TestTypingAheadWhileACommandRuns(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.at("camgate> ")
	c.enter("discover 100")
	c.see("searching")
	c.send("\x03")
	c.send("version\rho") // some of it while the command is ending
	c.see("camgate 1.2.3, running for")
	c.at("camgate> ho")
	c.send("玄関")
	c.at("camgate> ho玄関")
}

func TestLogLinesAppearAboveTheLineThatIsBeingTyped(t *testing.T) {
	for name, rows := range map[string]int{"room below": 24, "at the bottom": 4} {
		t.Run(name, func(t *testing.T) {
			c := start(t, "run", rows, 100)
			c.at("camgate> ")
			c.enter("version")
			c.at("camgate> ")
			c.send("camera do")
			c.at("camgate> camera do")
			for _, n := range []string{"n=1", "n=2", "n=3"} {
				if err := c.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
					t.Fatal(err)
				}
				c.see(n)
				c.at("camgate> camera do")
			}
			c.send("or\r")
			c.see("name          door")
			c.at("camgate> ")
			c.mu.Lock()
			defer c.mu.Unlock()
			all := c.vt.all()
			if strings.Count(all, "camgate> camera do") != 1 || strings.Count(all, "msg=\"camera came\"") != 3 || strings.Count(all, "camgate> version") != 1 {
				t.Errorf("torn:\n%s", all)
			}
			if i, j := strings.Index(all, "n=3"), strings.Index(all, "camgate> camera door"); i > j {
				t.Errorf("not above the line:\n%s", all)
			}
		})
	}
}
