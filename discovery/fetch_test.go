package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const cameraDescription = `<root><device><deviceType>urn:x:device:Camera:1</deviceType><UDN>uuid:aaaaaaaa-0000-4000-8000-0000000000a1</UDN></device></root>`

// fetchFrom fetches what the handler serves, as announced from 127.0.0.1.
func fetchFrom(t *testing.T, handler http.HandlerFunc) (description, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	u, err := checkLocation(server.URL+"/d.xml", lan("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	return fetchDescription(context.Background(), &job{from: lan("127.0.0.1"), location: u})
}

func TestFetchIsBounded(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, cameraDescription) }))
	defer elsewhere.Close()
	var endless atomic.Int64
	for _, c := range []struct {
		what    string
		handler http.HandlerFunc
		want    string
	}{
		{"as it should be", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, cameraDescription) }, ""},
		{"redirected to itself", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/d.xml" {
				http.Redirect(w, r, "/e.xml", http.StatusFound)
				return
			}
			fmt.Fprint(w, cameraDescription)
		}, ""},
		{"redirected elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/d.xml", http.StatusFound)
		}, "elsewhere"},
		{"redirected to cloud keys", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, "elsewhere"},
		{"redirected in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/d.xml", http.StatusFound) }, "elsewhere"},
		{"200 MB", func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat("<a>b</a>", 8192))
			for range 3200 {
				n, err := w.Write(chunk)
				if endless.Add(int64(n)); err != nil {
					return
				}
			}
		}, errTooLarge.Error()},
		{"endless header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			fmt.Fprint(w, cameraDescription)
		}, "exceeded"},
		{"a million nested elements", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("<a>", 300_000)) }, errTooLarge.Error()},
		{"entities", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<!DOCTYPE a [<!ENTITY b "c">]>`+cameraDescription)
		}, "document type"},
		{"not there", http.NotFound, "404"},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "<root>")
		}, "EOF"},
		{"compressed, which was not asked for", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, "\x1f\x8b\x08")
		}, errMalformed.Error()},
	} {
		t.Run(c.what, func(t *testing.T) {
			d, err := fetchFrom(t, c.handler)
			if c.want == "" {
				if err != nil || !d.camera {
					t.Errorf("%+v, %v", d, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want one with %q", err, c.want)
			}
		})
	}
	if n := endless.Load(); n > 100<<20 {
		t.Errorf("%d bytes of the endless one were taken", n)
	}
}

// TestNamesAreCheckedWhenDialled: a name that stands for this computer, said from the
// network.
func TestNamesAreCheckedWhenDialled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was fetched") }))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	named, err := checkLocation("http://localhost:"+u.Port()+"/d.xml", lan("192.0.2.10"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetchDescription(context.Background(), &job{from: lan("192.0.2.10"), location: named}); err == nil || !strings.Contains(err.Error(), "this computer") {
		t.Error(err)
	}
}

// TestFetchEndsWithItsOwner: a host that never answers holds nothing up, and no more than
// four fetches.
func TestFetchEndsWithItsOwner(t *testing.T) {
	var inside, most atomic.Int64
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := inside.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		inside.Add(-1)
	}))
	defer server.Close()
	defer close(release)
	f := quiet(t)
	ctx, cancel := context.WithCancel(context.Background())
	q := newFetcher(ctx, f)
	for i := range 3 * maxWaiting {
		m, err := readSSDP(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nLOCATION: %s/%d\r\nUSN: uuid:x\r\n\r\n", server.URL, i))
		if err != nil {
			t.Fatal(err)
		}
		q.want(&job{message: m, from: lan("127.0.0.1"), via: ViaSSDP})
	}
	eventually(t, "fetches", func() bool { return inside.Load() == maxFetchesHost })
	cancel()
	q.wait()
	if most.Load() != maxFetchesHost {
		t.Errorf("%d fetches from one host at a time", most.Load())
	}
	if n := f.Stats().FetchDropped; n < maxWaiting {
		t.Errorf("%d dropped", n)
	}
	if len(f.cache.entries) != 0 {
		t.Errorf("%d are remembered as being fetched", len(f.cache.entries))
	}
}

func TestDeadLocationIsRemembered(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer server.Close()
	f := quiet(t)
	now := time.Unix(1_700_000_000, 0)
	f.now = func() time.Time { return now }
	for range 2 {
		for range 20 {
			q := newFetcher(context.Background(), f)
			q.want(&job{message: ssdpMessage{kind: ssdpAnswer, location: server.URL}, from: lan("127.0.0.1"), via: ViaSSDP})
			eventually(t, "the end of a fetch", func() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.running == 0 })
			q.wait()
		}
		now = now.Add(2 * deadFor)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("a dead LOCATION was asked %d times in two minutes, want once a minute", n)
	}
	if s := f.Stats(); s.FetchFailed != 2 || s.FetchDropped != 38 {
		t.Errorf("%+v", s)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache()
	now := time.Unix(1_700_000_000, 0)
	for i := range 10 * maxCached {
		now = now.Add(time.Millisecond)
		if _, fetch := c.begin(fmt.Sprint(i), "", false, now); fetch {
			c.end(fmt.Sprint(i), &description{}, now)
		}
	}
	if len(c.entries) > maxCached {
		t.Errorf("%d entries", len(c.entries))
	}
	if known, fetch := c.begin(fmt.Sprint(10*maxCached-1), "", false, now); fetch || known.busy {
		t.Error("the newest was forgotten")
	}
	if _, fetch := c.begin(fmt.Sprint(10*maxCached-1), "2", false, now); !fetch {
		t.Error("a device that started anew is not asked again")
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s in vain", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestErrorsOfReadingAreTold(t *testing.T) {
	_, err := fetchFrom(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html/>") })
	if !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "<html> is no device description") {
		t.Error(err)
	}
}
