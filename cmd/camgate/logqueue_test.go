package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stuck is a writer that takes nothing until it is let go.
type stuck struct {
	asked chan struct{} // of one element: somebody waits to write
	free  chan struct{}

	mu   sync.Mutex
	text strings.Builder
}

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.asked <- struct{}{}:
	default:
	}
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *stuck) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestLogThatIsNotTakenStopsNobody(t *testing.T) {
	to := &stuck{asked: make(chan struct{}, 1), free: make(chan struct{})}
	q := newLogQueue(to, slog.New(slog.NewTextHandler(to, nil)))
	log := slog.New(slog.NewTextHandler(q, nil))
	const all = 3 * mostQueued
	for n := range all {
		log.Info("line", "n", n)
		if n == 0 {
			<-to.asked // or it might be taken later, and make room between lines that are lost
		}
	}
	q2 := newLogQueue(to, log)
	q2.Write([]byte("never"))
	q2.close() // does not wait for it for ever
	close(to.free)
	<-q2.ended
	began := time.Now()
	q.close()
	select {
	case <-q.ended:
	default:
		if took := time.Since(began); took < flushLimit {
			t.Errorf("it waited %v for what was left, and not %v", took, flushLimit)
		}
		<-q.ended
	}
	text := to.String()
	lost := 0
	if found := regexp.MustCompile(`could not be written in time" lines=(\d+)`).FindStringSubmatch(text); found == nil {
		t.Errorf("nothing is said of lines that are lost: …%s", text[max(0, len(text)-200):])
	} else {
		fmt.Sscan(found[1], &lost)
	}
	last, count := -1, 0
	for _, found := range regexp.MustCompile(`msg=line n=(\d+)`).FindAllStringSubmatch(text, -1) {
		n := 0
		fmt.Sscan(found[1], &n)
		if n != last+1 {
			t.Fatalf("line %d follows line %d", n, last)
		}
		last = n
		count++
	}
	if count < mostQueued || count+lost != all {
		t.Errorf("%d lines are written and %d lost, of %d", count, lost, all)
	}
}

// TestGatewayWhoseLogNobodyReadsGoesOn has standard error be a pipe that is full.
func TestGatewayWhoseLogNobodyReadsGoesOn(t *testing.T) {
	const limit = 3 * time.Minute // nobody promises one: it ends a test that hangs
	file := filepath.Join(t.TempDir(), "config.toml")
	text := "[http]\nlisten = \"127.0.0.1:0\"\n[webrtc]\nenabled = false\n[discovery]\nlisten = false\n[log]\nlevel = \"debug\"\n"
	for n := range 100 { // each logs that it does not answer
		text += fmt.Sprintf("[[camera]]\nname = \"cam%d\"\nsource = \"rtsp://127.0.0.1:1/\"\non_demand = false\n", n)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), programEnv+"=serve\n--config\n"+file+"\n--socket\nnone")
	out, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(out.(*os.File).Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { program.Process.Kill(); program.Wait() }()
	defer time.AfterFunc(limit, func() { program.Process.Kill() }).Stop()
	address := ""
	lines := bufio.NewReader(out)
	for address == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal("it ends without saying where it serves")
		}
		if found := regexp.MustCompile(`page=(http://\S+/)`).FindStringSubmatch(line); found != nil {
			address = found[1]
		}
	}
	// Each of these requests logs more than a line, of which no more are read.
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for n := range 2000 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%smjpeg/cam%d?width=%d", address, n%100, 16+n%7), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		answer.Body.Close()
	}
	answer, err := http.Get(address + "api/cameras")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Error(err)
	}
	if err := program.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Error(err)
	}
	if err := program.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
