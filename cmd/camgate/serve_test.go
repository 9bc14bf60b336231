package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programEnv makes the test binary the program, with these arguments.
const programEnv = "CAMGATE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if args := os.Getenv(programEnv); args != "" {
		os.Exit(run(strings.Split(args, "\n"), console{out: os.Stdout, log: os.Stderr}))
	}
	os.Exit(m.Run())
}

// TestHangupWhileTheGatewayStartsEndsNothing has the configuration come through a pipe: until
// it has come, the gateway is starting.
func TestHangupWhileTheGatewayStartsEndsNothing(t *testing.T) {
	const limit = 2 * time.Minute
	pipe := filepath.Join(t.TempDir(), "config.toml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), programEnv+"=serve\n--config\n"+pipe+"\n--socket\nnone")
	out, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { program.Process.Kill(); program.Wait() }()
	defer time.AfterFunc(limit, func() { program.Process.Kill() }).Stop()

	// reading waits until the program reads its configuration.
	reading := func() *os.File {
		t.Helper()
		for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
			f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err == nil {
				return f
			}
			if time.Now().After(deadline) {
				t.Fatalf("nobody reads the configuration: %v", err)
			}
		}
	}
	write := func(f *os.File) {
		t.Helper()
		_, err := f.WriteString(`
[http]
listen = "127.0.0.1:0"
[webrtc]
enabled = false
[discovery]
listen = false
[[camera]]
name = "cam1"
source = "rtsp://127.0.0.1:1/"
`)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	lines := bufio.NewScanner(out)
	says := func(what string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("it ends without saying %q", what)
	}
	f := reading()
	if err := program.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	write(f)
	says("msg=serving")
	write(reading())
	says("the configuration was read again")
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // to the end, or it could not write
	}
	if err := program.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
