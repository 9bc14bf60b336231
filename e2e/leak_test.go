package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"camgate/camsim"
	"camgate/decoder"
)

// The tests of this file are not parallel: they count what the whole process has.

// descriptors counts a process's open files.
func descriptors(t testing.TB, pid int) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// resident is a process's RSS in KiB.
func resident(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// comesDownTo waits until a count is no more than it was.
func comesDownTo(t testing.TB, what string, was int, count func() int) {
	t.Helper()
	deadline := time.Now().Add(patient)
	for count() > was {
		if time.Now().After(deadline) {
			all := make([]byte, 1<<20)
			t.Fatalf("%d %s, before it were %d\n%s", count(), what, was, all[:runtime.Stack(all, true)])
		}
		runtime.Gosched()
		<-time.After(50 * time.Millisecond)
	}
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestViewersAndReconnectsLeaveNothing: 200 viewers, of both kinds, some of whom vanish in
// the middle of a picture, and 50 reconnects of the camera while they watch.
func TestViewersAndReconnectsLeaveNothing(t *testing.T) {
	o := small("cam1")
	o.Video.GOP = 5
	cam := camsimStart(t, o)
	cfg := config(t, "cam1", cam.URL())
	s := serve(t, cfg)
	idle := func() bool { return s.cams[0].Status().State == "idle" }
	session := func(viewers, reconnects int) {
		var all sync.WaitGroup
		stay := make(chan struct{})
		for n := range viewers {
			path := fmt.Sprintf("cam1?width=%d", 80+16*(n%8))
			all.Go(func() {
				if n%2 == 0 {
					v := s.watch("/mjpeg/" + path)
					defer v.conn.Close()
					for !ended(stay) {
						if _, err := v.next(patient); err != nil {
							t.Error(err)
							return
						}
					}
					if n%4 == 0 {
						v.conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // then it is a common end
					}
					return
				}
				ws, answer, err := websocket.DefaultDialer.Dial("ws://"+s.host+"/ws/"+path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				defer ws.Close()
				answer.Body.Close()
				for !ended(stay) {
					if _, _, err := ws.ReadMessage(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		eventually(t, "all watch", patient, func() bool { return s.cams[0].Status().Viewers == viewers })
		for range reconnects {
			was := cam.Counts().Plays
			cam.CloseConnections()
			eventually(t, "the gateway connects again", patient, func() bool {
				return cam.Counts().Plays > was && s.cams[0].Status().State == "live"
			})
		}
		close(stay)
		all.Wait()
		eventually(t, "the camera is left in peace", patient, idle)
		http.DefaultClient.CloseIdleConnections()
	}
	session(4, 1) // what is made once is made
	goroutines, open := runtime.NumGoroutine(), descriptors(t, os.Getpid())
	session(200, 50)
	comesDownTo(t, "goroutines", goroutines, runtime.NumGoroutine)
	comesDownTo(t, "descriptors", open, func() int { return descriptors(t, os.Getpid()) })
	if n := s.cams[0].Status().Reconnects; n < 50 {
		t.Errorf("only %d reconnects", n)
	}
}

// TestHundredRebootsLeaveNothing has a camera lose its power a hundred times, with one
// gateway in this process, whose goroutines can be counted, and one in its own, whose
// memory can.
func TestHundredRebootsLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	cam := camsimStart(t, camsim.Options{Name: "cam1", Video: decoder.VideoEncoderOptions{Width: 320, Height: 192, FPS: 25, GOP: 5}})
	inside := serve(t, config(t, "cam1", cam.URL()))
	p, outside := serveProgram(t, write(t, "config.toml", fmt.Sprintf("[http]\nlisten = \"127.0.0.1:0\"\n[[camera]]\nname = \"cam1\"\nsource = %q\ntransport = \"tcp\"\n", cam.URL())),
		"GOGC=20") // collects often, so that memory is soon what it will be
	pid := p.cmd.Process.Pid

	var watching sync.WaitGroup
	for _, s := range []*site{inside, outside} {
		v := s.watch("/mjpeg/cam1?width=160")
		watching.Go(func() { // the same connection all the time
			for {
				if _, err := v.next(patient); err != nil {
					return
				}
			}
		})
		defer v.conn.Close()
	}
	live := func() bool {
		return inside.status("cam1").State == "live" && outside.status("cam1").State == "live"
	}
	eventually(t, "a picture", patient, live)
	reboot := func() {
		was := cam.Counts().Plays
		if err := cam.Reboot(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		eventually(t, "both see the camera again", patient, func() bool { return cam.Counts().Plays >= was+2 && live() })
	}
	for range 20 {
		reboot()
	}
	goroutines, open, openOutside, memory := runtime.NumGoroutine(), descriptors(t, os.Getpid()), descriptors(t, pid), resident(t, pid)
	for range 100 {
		reboot()
	}
	comesDownTo(t, "goroutines", goroutines, runtime.NumGoroutine)
	comesDownTo(t, "descriptors here", open, func() int { return descriptors(t, os.Getpid()) })
	comesDownTo(t, "descriptors there", openOutside, func() int { return descriptors(t, pid) })
	comesDownTo(t, "KiB resident", memory+memory/20, func() int { return resident(t, pid) })
	t.Logf("%d → %d KiB resident", memory, resident(t, pid))
	for _, s := range []*site{inside, outside} {
		if n := s.status("cam1").Viewers; n != 1 {
			t.Errorf("%d viewers: one was lost or counted twice", n)
		}
	}
}
