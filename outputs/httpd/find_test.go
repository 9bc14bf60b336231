package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camera"
	"camgate/discovery"
	"camgate/media"
	"camgate/onvif"
)

// fakeFinder has found two devices, and adds what it is told to with the error of the test.
type fakeFinder struct {
	mu       sync.Mutex
	searched []time.Duration
	added    [][4]string // id, name, user, password
	err      error
}

func (f *fakeFinder) Devices() []discovery.Device {
	return []discovery.Device{
		{ID: "urn:uuid:1", Address: netip.MustParseAddr("192.0.2.1"), Maker: "Acme", Model: "One", ONVIF: []string{"http://192.0.2.1/onvif/device_service"}, Via: []string{"ssdp"}},
		{ID: "urn:uuid:2", Address: netip.MustParseAddr("192.0.2.2"), ONVIF: []string{}, Warnings: []string{"it announces <b>"}},
	}
}

func (f *fakeFinder) FinderStats() discovery.Stats { return discovery.Stats{Datagrams: 7} }

func (f *fakeFinder) Search(_ context.Context, wait time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.searched = append(f.searched, wait)
	return f.err
}

func (f *fakeFinder) ServedAs(d discovery.Device) []string {
	if d.ID == "urn:uuid:1" {
		return []string{"door"}
	}
	return []string{}
}

func (f *fakeFinder) AddDevice(_ context.Context, id, name, user, password string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added = append(f.added, [4]string{id, name, user, password})
	return "made-1", f.err
}

func (f *fakeFinder) fails(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeFinder) calls() (searches, added int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.searched), len(f.added)
}

// post sends a body and returns the status and the answer.
func (g *gateway) post(t testing.TB, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+g.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// sentence is the error in an answer of the API.
func sentence(t testing.TB, answer string) string {
	t.Helper()
	var one struct{ Error string }
	if err := json.Unmarshal([]byte(answer), &one); err != nil || one.Error == "" {
		t.Errorf("the answer is %q, %v", answer, err)
	}
	return one.Error
}

func TestWhatWasFoundIsListed(t *testing.T) {
	f := &fakeFinder{}
	g := serve(t, Config{Finder: f})
	_, listed := g.get(t, http.MethodGet, "/api/discovery")
	status, searched := g.post(t, "/api/discovery?wait=100ms", "")
	if status != http.StatusOK || listed != searched {
		t.Errorf("the search answers %d %q, the list is %q", status, searched, listed)
	}
	var answer found
	if err := json.Unmarshal([]byte(listed), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Devices) != 2 || answer.Devices[0].Cameras[0] != "door" || answer.Stats.Datagrams != 7 {
		t.Errorf("the answer is %+v", answer)
	}
	for _, want := range []string{`"onvif":[]`, `"cameras":[]`, `"address":"192.0.2.2"`} { // lists are lists, also empty ones
		if !strings.Contains(listed, want) {
			t.Errorf("%s is missing in %s", want, listed)
		}
	}
}

func TestASearchTakesAsLongAsIsSaid(t *testing.T) {
	f := &fakeFinder{}
	g := serve(t, Config{Finder: f})
	for _, one := range []struct {
		query  string
		status int
		wait   time.Duration
	}{
		{"", 200, 5 * time.Second}, {"?wait=100ms", 200, 100 * time.Millisecond}, {"?wait=20s", 200, 20 * time.Second},
		{"?wait=99ms", 400, 0}, {"?wait=21s", 400, 0}, {"?wait=-5s", 400, 0}, {"?wait=5", 400, 0}, {"?wait=x", 400, 0}, {"?wait=100000h", 400, 0},
	} {
		before, _ := f.calls()
		status, answer := g.post(t, "/api/discovery"+one.query, "")
		if status != one.status {
			t.Errorf("%s: %d %q", one.query, status, answer)
		}
		if after, _ := f.calls(); after-before != map[int]int{200: 1}[one.status] {
			t.Errorf("%s: %d searches", one.query, after-before)
			continue
		}
		if one.status == 200 && f.searched[len(f.searched)-1] != one.wait {
			t.Errorf("%s: it waits for %v", one.query, f.searched[len(f.searched)-1])
		}
		if one.status == 400 && !strings.Contains(sentence(t, answer), "100ms to 20s") {
			t.Errorf("%s: %q", one.query, answer)
		}
	}
	f.fails(errors.New("no interface is up"))
	if status, answer := g.post(t, "/api/discovery", ""); status != 503 || !strings.Contains(sentence(t, answer), "no interface is up") {
		t.Errorf("without a network: %d %q", status, answer)
	}
}

// slowFinder searches until it is told to end.
type slowFinder struct {
	fakeFinder
	end chan struct{}
}

func (f *slowFinder) Search(ctx context.Context, wait time.Duration) error {
	<-f.end
	return f.fakeFinder.Search(ctx, wait)
}

func TestASearchIsAnsweredHoweverLongTheOneBeforeItTook(t *testing.T) {
	f := &slowFinder{end: make(chan struct{})}
	s, err := newServer(Config{Listen: "127.0.0.1:0", Finder: f}, fakeCameras{}, testPages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s.handler())
	server.Config.WriteTimeout = time.Millisecond // of answers that are there at once
	server.Start()
	defer server.Close()
	time.AfterFunc(100*server.Config.WriteTimeout, func() { close(f.end) })
	answer, err := http.Post(server.URL+"/api/discovery?wait=20s", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%d", answer.StatusCode)
	}
}

func TestADeviceIsAddedByItsIDAlone(t *testing.T) {
	f := &fakeFinder{}
	g := serve(t, Config{Finder: f})
	status, answer := g.post(t, "/api/cameras", `{"device":"urn:uuid:2","name":"door","user":"admin","password":"s3cret"}`, "Content-Type: Application/JSON; charset=utf-8")
	if status != http.StatusCreated || strings.TrimSpace(answer) != `{"camera":"made-1"}` {
		t.Errorf("%d %q", status, answer)
	}
	if got := f.added[0]; got != [4]string{"urn:uuid:2", "door", "admin", "s3cret"} {
		t.Errorf("it is told %q", got)
	}
	if strings.Contains(g.logs.String(), "s3cret") {
		t.Error("the password is in the log")
	}
}

func TestWrongRequestsAddNothing(t *testing.T) {
	f := &fakeFinder{}
	g := serve(t, Config{Finder: f})
	const json = "Content-Type: application/json"
	for _, one := range []struct {
		name, body, header string
		status             int
		says               string
	}{
		{"a form", "device=urn:uuid:2", "Content-Type: application/x-www-form-urlencoded", 415, "application/json"},
		{"plain text, as a page elsewhere may send it", `{"device":"urn:uuid:2"}`, "Content-Type: text/plain", 415, "application/json"},
		{"no type", `{"device":"urn:uuid:2"}`, "Content-Type: ", 415, "application/json"},
		{"nothing", "", json, 400, "not the JSON"},
		{"no JSON", "{", json, 400, "not the JSON"},
		{"a list", "[]", json, 400, "not the JSON"},
		{"an address", `{"url":"rtsp://192.0.2.9/"}`, json, 400, `unknown field "url"`},
		{"another type", `{"device":7}`, json, 400, "device cannot be of the type number"},
		{"two of it", `{"device":"urn:uuid:2"} {"device":"urn:uuid:2"}`, json, 400, "more behind it"},
		{"no device", `{"user":"admin","password":"s3cret"}`, json, 400, "id of a device"},
		{"too much", `{"device":"` + strings.Repeat("x", maxBodyBytes) + `"}`, json, 413, "at most"},
		{"a page elsewhere", `{"device":"urn:uuid:2"}`, "Origin: https://evil.example", 403, "[http] origins"},
		{"a page of nobody", `{"device":"urn:uuid:2"}`, "Origin: null", 403, "[http] origins"},
	} {
		status, answer := g.post(t, "/api/cameras", one.body, one.header)
		if said := sentence(t, answer); status != one.status || !strings.Contains(said, one.says) || strings.Contains(said, "s3cret") || len(said) > 300 {
			t.Errorf("%s: %d %q", one.name, status, answer)
		}
	}
	if _, added := f.calls(); added != 0 {
		t.Errorf("%d devices were added", added)
	}
	if status, _ := g.post(t, "/api/discovery", "", "Origin: https://evil.example"); status != 403 {
		t.Errorf("a page elsewhere may search: %d", status)
	}
	if status, answer := g.post(t, "/api/cameras", `{"device":"urn:uuid:2"}`, "Origin: http://"+g.addr); status != 201 {
		t.Errorf("our own page may not: %d %q", status, answer)
	}
}

func TestWhyADeviceIsNotAddedIsToldApart(t *testing.T) {
	f := &fakeFinder{}
	g := serve(t, Config{Finder: f})
	for _, one := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("password refused: %w", onvif.ErrNotAuthorized), 422},
		{fmt.Errorf("locked: %w", errors.Join(onvif.ErrLocked, onvif.ErrNotAuthorized)), 422},
		{&onvif.UnreachableError{Address: "192.0.2.1:80", Cause: errors.New("no route")}, 502},
		{fmt.Errorf("too late: %w", context.DeadlineExceeded), 502},
		{fmt.Errorf("a web page: %w", onvif.ErrNotONVIF), 502},
		{fmt.Errorf("nonsense: %w", onvif.ErrMalformed), 502},
		{&onvif.Fault{Status: 500, Reason: "out of memory"}, 502},
		{&onvif.CertificateError{Fingerprint: "ab"}, 502},
		{errors.New("there is a camera of that name already"), 400},
	} {
		f.fails(one.err)
		status, answer := g.post(t, "/api/cameras", `{"device":"urn:uuid:2"}`)
		if status != one.status || sentence(t, answer) != one.err.Error() {
			t.Errorf("%v: %d %q", one.err, status, answer)
		}
	}
}

func TestWithoutAFinderThereIsNothingToFind(t *testing.T) {
	g := serve(t, Config{}, newFake("cam1"))
	if response, body := g.get(t, http.MethodGet, "/api/discovery"); response.StatusCode != http.StatusNotFound {
		t.Errorf("the list: %d %q", response.StatusCode, body)
	}
	for _, path := range []string{"/api/discovery", "/api/cameras"} {
		if status, answer := g.post(t, path, `{"device":"urn:uuid:2"}`); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %q", path, status, answer)
		}
	}
}

func TestOrdersArriveAsTheyAreGiven(t *testing.T) {
	dome, fixed := newFake("dome"), newFake("fixed")
	dome.orders = []camera.Order{}
	g := serve(t, Config{}, dome, fixed)
	for _, one := range []struct {
		camera, body string
		status       int
		want         camera.Order
	}{
		{"dome", `{"pan":-0.5,"tilt":0.25,"zoom":1,"seconds":1.5}`, 204, camera.Order{Pan: -0.5, Tilt: 0.25, Zoom: 1, For: 1500 * time.Millisecond}},
		{"dome", `{"stop":true}`, 204, camera.Order{Stop: true}},
		{"dome", `{"preset":"door"}`, 204, camera.Order{Preset: "door"}},
		{"dome", `{"pan":1,"seconds":11}`, 400, camera.Order{}},
		{"dome", `{"pan":1,"seconds":-1}`, 400, camera.Order{}},
		{"dome", `{"pan":1,"seconds":1e300}`, 400, camera.Order{}},
		{"dome", `{"pan":"left"}`, 400, camera.Order{}},
		{"dome", `{"spin":1}`, 400, camera.Order{}},
		{"fixed", `{"pan":1}`, 409, camera.Order{}},
		{"none", `{"pan":1}`, 404, camera.Order{}},
	} {
		before := len(dome.orders)
		status, answer := g.post(t, "/api/cameras/"+one.camera+"/ptz", one.body)
		if status != one.status {
			t.Errorf("%s %s: %d %q", one.camera, one.body, status, answer)
		}
		if given := dome.orders[before:]; one.status == 204 && (len(given) != 1 || given[0] != one.want) || one.status != 204 && len(given) != 0 {
			t.Errorf("%s %s: the orders are %+v", one.camera, one.body, given)
		}
	}
	if status, _ := g.post(t, "/api/cameras/dome/ptz", `{"pan":1}`, "Origin: https://evil.example"); status != 403 {
		t.Errorf("a page elsewhere may move it: %d", status)
	}
	if response, body := g.get(t, http.MethodGet, "/api/cameras/dome/presets"); response.StatusCode != 200 || strings.TrimSpace(body) != `[{"name":"door","token":"1"}]` {
		t.Errorf("presets: %d %q", response.StatusCode, body)
	}
	if response, body := g.get(t, http.MethodGet, "/api/cameras/dome/ptz"); response.StatusCode != 405 || !strings.Contains(body, "use OPTIONS, POST") || response.Header.Get("Allow") == "" {
		t.Errorf("an order that is asked for: %d %q", response.StatusCode, body)
	}
	if response, _ := g.get(t, http.MethodGet, "/api/cameras/none/presets"); response.StatusCode != 404 {
		t.Errorf("presets of nobody: %d", response.StatusCode)
	}
}

func TestWhyACameraDoesNotMoveIsToldApart(t *testing.T) {
	for _, one := range []struct {
		err    error
		status int
	}{
		{camera.ErrNotONVIF, 409}, {fmt.Errorf("camera \"x\": %w", camera.ErrFixed), 409}, {camera.ErrOrder, 400}, {fmt.Errorf("camera \"x\": %w \"roof\"", onvif.ErrNoPreset), 400}, {camera.ErrClosed, 503},
		{onvif.ErrNotAuthorized, 502}, {context.DeadlineExceeded, 502},
	} {
		f := new(failure)
		if err := moveFailure(one.err); !errors.As(err, &f) || f.status != one.status || f.sentence != one.err.Error() {
			t.Errorf("%v: %d %q", one.err, f.status, f.sentence)
		}
	}
}

// TestABodyThatIsNotWantedDoesNoHarm: reading it costs no more than its bound.
func TestABodyThatIsNotWantedDoesNoHarm(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{}, cam)
	conn, r := g.dial(t, "")
	for range 3 { // over one connection: what was sent is out of the way
		fmt.Fprintf(conn, "GET /api/cameras HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\n\r\nhello", g.addr)
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != 200 {
			t.Errorf("%d, %v", response.StatusCode, err)
		}
	}
}
