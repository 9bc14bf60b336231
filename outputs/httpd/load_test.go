package httpd

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// descriptors counts this process's open files.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestThousandViewersComeAndGoAndLeaveNothing(t *testing.T) {
	const limit, viewers = 100, 1000
	cam := newFake("cam1")
	g := serve(t, Config{MaxViewers: limit}, cam)
	before := descriptors(t)
	defer shooting(cam, 10_000, 10*time.Millisecond)()

	var served, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, limit+50)
	for i := range viewers {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			conn, r := g.dial(t, request([]string{"/mjpeg/cam1", "/mjpeg/cam1?advance=1"}[i%2], "test"))
			defer conn.Close()
			response, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			switch response.StatusCode {
			case 200:
				served++
				part := make([]byte, 5000)
				if n, err := response.Body.Read(part); err != nil || !strings.HasPrefix(string(part[:n]), "--camgate") {
					t.Errorf("%q %v", part[:n], err)
				}
			case 503:
				refused++
			default:
				t.Errorf("status %d", response.StatusCode)
			}
		})
	}
	all.Wait()
	t.Logf("%d served, %d told to come back", served, refused)
	if served < limit {
		t.Errorf("only %d were served", served)
	}
	eventually(t, "all are gone, and their descriptors", testLimit, func() bool {
		return cam.watching() == 0 && g.viewers.Load() == 0 && descriptors(t) <= before+2
	})
}
