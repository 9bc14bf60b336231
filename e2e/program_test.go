package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"camgate/camsim"
)

// built is the folder of the built programs; "": no test has asked for them.
var built string

// programs is that folder, made when the first test asks for it.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "camgate-e2e-")
	if err != nil {
		return "", err
	}
	built = dir
	if out, err := exec.Command("make", "-C", "..", "build", "BIN="+dir).CombinedOutput(); err != nil {
		return dir, fmt.Errorf("make build: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// program is where one of the built programs is.
func program(t testing.TB, name string) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// process is a program that runs, at the latest until the test ends.
type process struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, err *lines
	ended    chan struct{}
}

// start starts a command and collects what it says.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, out: &lines{}, err: &lines{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.err
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait() //nolint:errcheck // ProcessState tells
		close(p.ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.ended
	})
	return p
}

// exit waits for the program's end and returns its exit status.
func (p *process) exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("%v still runs after %v; it said:\n%s%s", p.cmd.Args, within, p.out, p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// says waits until the program has said something, on either output.
func (p *process) says(what string, within time.Duration) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%v says %q", p.cmd.Args, what), within, func() bool {
		return strings.Contains(p.out.String()+p.err.String(), what)
	})
}

// camgate runs the program to its end.
func camgate(t testing.TB, args ...string) (status int, out, err string) {
	t.Helper()
	p := start(t, exec.Command(program(t, "camgate"), args...))
	status = p.exit(patient)
	return status, p.out.String(), p.err.String()
}

// write makes a file of the test's own.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serveProgram runs camgate serve with a configuration whose listen is "127.0.0.1:0".
func serveProgram(t testing.TB, file string, env ...string) (*process, *site) {
	t.Helper()
	cmd := exec.Command(program(t, "camgate"), "serve", "--config", file)
	cmd.Env = append(os.Environ(), env...)
	p := start(t, cmd)
	p.says("serving", patient)
	_, after, _ := strings.Cut(p.err.String(), "page=http://")
	host, _, _ := strings.Cut(after, "/")
	return p, &site{t: t, host: host, log: p.err}
}

func TestProgramTellsEveryMistakeOfAConfiguration(t *testing.T) {
	t.Parallel()
	file := write(t, "config.toml", `[http]
lisen = "127.0.0.1:8000"
[[camera]]
name = "../etc"
source = "rtsp://127.0.0.1/a"
[[camera]]
name = "door"
source = "http//127.0.0.1"
transport = "tpc"
`)
	for _, command := range []string{"check", "serve"} {
		status, out, errors := camgate(t, command, "--config", file)
		if status != 1 || out != "" {
			t.Errorf("%s: exit status %d, output %q", command, status, out)
		}
		for _, part := range []string{":2: unknown key \"lisen\"", "did you mean \"listen\"", ":4: ", ":8: ", "rtsp://", ":9: ", "auto, tcp, udp, multicast"} {
			if !strings.Contains(errors, part) {
				t.Errorf("%s does not say %q, but:\n%s", command, part, errors)
			}
		}
	}
	if status, _, errors := camgate(t, "check", "--config", "nowhere.toml"); status != 1 || !strings.Contains(errors, "nowhere.toml") {
		t.Errorf("a file that is not there: exit status %d, %q", status, errors)
	}
	example, err := filepath.Abs("../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	if status, _, errors := camgate(t, "check", "--config", example); status != 0 {
		t.Errorf("config.example.toml: exit status %d, %s", status, errors)
	}
}

func TestProgramUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"fly"}, {"serve", "--fly"}, {"snapshot"}} {
		status, _, errors := camgate(t, args...)
		if status != 2 || !strings.Contains(errors, "--help") {
			t.Errorf("camgate %v: exit status %d, %q", args, status, errors)
		}
	}
	status, out, _ := camgate(t, "--help")
	for _, word := range []string{"serve", "demo", "check", "snapshot", "version"} {
		if status != 0 || !strings.Contains(out, word) {
			t.Errorf("--help: exit status %d, no %s in %q", status, word, out)
		}
	}
	status, out, _ = camgate(t, "version")
	for _, word := range []string{"camgate ", "FFmpeg ", "libjpeg-turbo "} {
		if status != 0 || !strings.Contains(out, word) {
			t.Errorf("version: exit status %d, no %s in %q", status, word, out)
		}
	}
}

func TestProgramSaysThatItsPortIsTaken(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := serve(t, config(t, "cam1", cam.URL()))
	file := write(t, "config.toml", fmt.Sprintf("[http]\nlisten = %q\n[[camera]]\nname = \"cam1\"\nsource = %q\n", s.host, cam.URL()))
	status, _, errors := camgate(t, "serve", "--config", file)
	if status != 1 || !strings.Contains(errors, s.host) || !strings.Contains(errors, "another port") {
		t.Errorf("exit status %d, %q", status, errors)
	}
	open := write(t, "open.toml", "[http]\nlisten = \"0.0.0.0:0\"\n[[camera]]\nname = \"cam1\"\nsource = \"rtsp://127.0.0.1/x\"\n")
	status, _, errors = camgate(t, "serve", "--config", open)
	if status != 1 || !strings.Contains(errors, "allow_anonymous") {
		t.Errorf("open to all: exit status %d, %q", status, errors)
	}
}

func TestProgramServesAndEndsWhenTold(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	file := write(t, "config.toml", fmt.Sprintf("[http]\nlisten = \"127.0.0.1:0\"\n[[camera]]\nname = \"cam1\"\nsource = %q\n", cam.URL()))
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p, gateway := serveProgram(t, file)
		v := gateway.watch("/mjpeg/cam1")
		v.live(patient)
		p.signal(s)
		if status := p.exit(patient); status != 0 {
			t.Errorf("%v: exit status %d, said:\n%s", s, status, p.err)
		}
		// What the viewer got is whole, and then its connection was ended.
		for {
			if _, err := v.next(5 * time.Second); err != nil {
				break
			}
		}
		if strings.Contains(p.err.String(), "panic") {
			t.Error(p.err)
		}
	}
}

func TestProgramTakesASnapshot(t *testing.T) {
	t.Parallel()
	o := small("door")
	o.Auth, o.User, o.Password = camsim.AuthDigest, "admin", "right"
	cam := camsimStart(t, o)
	to := filepath.Join(t.TempDir(), "door.jpg")
	if status, _, errors := camgate(t, "snapshot", cam.URL(), "-o", to); status != 0 {
		t.Fatalf("exit status %d, %s", status, errors)
	}
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if size := decodeImage(t, data).Bounds().Size(); size.X != 320 || size.Y != 192 {
		t.Errorf("the picture is %v", size)
	}
	if status, out, _ := camgate(t, "snapshot", cam.URL(), "-o", "-"); status != 0 || !bytes.HasPrefix([]byte(out), []byte{0xff, 0xd8}) {
		t.Errorf("to standard output: exit status %d, %d bytes", status, len(out))
	}

	wrong := strings.Replace(cam.URL(), "right", "wr0ng", 1)
	status, _, errors := camgate(t, "snapshot", wrong, "-o", to, "--timeout", "10s")
	if status != 1 || !strings.Contains(errors, "password") || strings.Contains(errors, "wr0ng") {
		t.Errorf("wrong password: exit status %d, %q", status, errors)
	}
	status, _, errors = camgate(t, "snapshot", "rtsp://127.0.0.1:1/x", "-o", to, "--timeout", "10s")
	if status != 1 || !strings.Contains(errors, "does not answer") {
		t.Errorf("unreachable: exit status %d, %q", status, errors)
	}
	if again, err := os.ReadFile(to); err != nil || !bytes.Equal(again, data) {
		t.Error("a snapshot that failed has spoilt the last one")
	}
	file := write(t, "config.toml", fmt.Sprintf("[[camera]]\nname = \"door\"\nsource = %q\n", cam.URL()))
	if status, _, errors := camgate(t, "snapshot", "dor", "-o", to, "--config", file); status != 1 || !strings.Contains(errors, "door") {
		t.Errorf("unknown name: exit status %d, %q", status, errors)
	}
}

func TestProgramShowsADemo(t *testing.T) {
	t.Parallel()
	p := start(t, exec.Command(program(t, "camgate"), "demo", "--listen", "127.0.0.1:18000", "--control", "127.0.0.1:18555"))
	p.says("Ctrl-C ends it", patient)
	var host, control string
	for word := range strings.FieldsSeq(p.out.String()) {
		if rest, found := strings.CutPrefix(word, "http://"); found {
			before, path, _ := strings.Cut(rest, "/")
			if strings.HasPrefix(path, "reboot/") {
				control = before
			} else {
				host = before
			}
		}
	}
	s := &site{t: t, host: host}
	for _, path := range []string{"/snapshot/street?width=640", "/snapshot/door", "/snapshot/lift", "/snapshot/yard"} {
		decodeImage(t, []byte(s.get(path, http.StatusOK)))
	}
	if page := s.get("/", http.StatusOK); !strings.Contains(page, "<title>camgate</title>") {
		t.Error("no page")
	}
	v := s.watch("/mjpeg/door")
	v.state("live", patient)
	order := func(what string) {
		t.Helper()
		answer, err := http.Post("http://"+control+"/"+what+"/door", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("POST /%s/door: %s", what, answer.Status)
		}
	}
	order("reboot") // until it is healed: it must be seen to be away
	v.until("not live", 2*time.Second+slack, func(p part) bool { return p.state != "live" })
	order("heal")
	v.state("live", patient)
	p.signal(syscall.SIGINT)
	if status := p.exit(patient); status != 0 {
		t.Errorf("exit status %d: %s", status, p.err)
	}
}
