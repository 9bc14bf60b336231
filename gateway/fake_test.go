package gateway

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/discovery"
	"camgate/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// fakeFinder has found what the test says.
type fakeFinder struct {
	mu        sync.Mutex
	devices   []discovery.Device
	searches  int
	forgotten bool
}

func (f *fakeFinder) Run(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (f *fakeFinder) Search(context.Context, time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.searches++
	return nil
}

func (f *fakeFinder) Devices() []discovery.Device {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]discovery.Device(nil), f.devices...)
}

func (f *fakeFinder) Stats() discovery.Stats { return discovery.Stats{} }

func (f *fakeFinder) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.devices, f.forgotten = nil, true
}

func (f *fakeFinder) find(devices ...discovery.Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.devices = devices
}

// made is a gateway of a configuration, with a network of the test's.
func made(t *testing.T, text string) (*Gateway, *fakeFinder) {
	t.Helper()
	g, err := New(parse(t, text), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeFinder{}
	g.finder = f
	return g, f
}

// run is made, and runs until the test ends.
func run(t *testing.T, text string) (*Gateway, *fakeFinder, func()) {
	t.Helper()
	g, f := made(t, text)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	end := sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(end)
	return g, f, end
}

// fakeCamera is an ONVIF camera with some video sources that lets in who has the right name,
// or everybody where that is "".
type fakeCamera struct {
	*httptest.Server
	user  string
	fault string // what it says to who has another name

	mu    sync.Mutex
	tried []string // names of those who tried, refused or not; "" is nobody
}

func newFakeCamera(t *testing.T, user string, eyes ...string) *fakeCamera {
	t.Helper()
	f := &fakeCamera{user: user, fault: "Sender not Authorized"}
	f.Server = httptest.NewServer(f.handler(eyes))
	t.Cleanup(f.Close)
	return f
}

var (
	operationInBody = regexp.MustCompile(`Body>\s*<(?:\w+:)?(\w+)`)
	userInBody      = regexp.MustCompile(`<Username[^>]*>([^<]*)</Username>`)
)

func (f *fakeCamera) handler(eyes []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		operation, user := "", ""
		if m := operationInBody.FindSubmatch(body); m != nil {
			operation = string(m[1])
		}
		if m := userInBody.FindSubmatch(body); m != nil {
			user = string(m[1])
		}
		answer := ""
		switch operation {
		case "GetSystemDateAndTime":
			now := time.Now().UTC()
			answer = fmt.Sprintf("<SystemDateAndTime><UTCDateTime><Time><Hour>%d</Hour><Minute>%d</Minute><Second>%d</Second></Time><Date><Year>%d</Year><Month>%d</Month><Day>%d</Day></Date></UTCDateTime></SystemDateAndTime>",
				now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day())
		case "GetServices":
			answer = "<Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>" + f.URL + "/media</XAddr></Service>"
		case "GetProfiles":
			for n, eye := range eyes {
				answer += fmt.Sprintf(`<Profiles token="p%d"><Name>p%[1]d</Name><VideoSourceConfiguration><SourceToken>%s</SourceToken></VideoSourceConfiguration><VideoEncoderConfiguration token="e"><Encoding>H264</Encoding></VideoEncoderConfiguration></Profiles>`, n, eye)
			}
		case "GetStreamUri":
			answer = "<MediaUri><Uri>rtsp://127.0.0.1:1/live</Uri></MediaUri>"
		}
		f.mu.Lock()
		f.tried = append(f.tried, user)
		f.mu.Unlock()
		open := operation == "GetSystemDateAndTime" || operation == "GetServices"
		inner := "<" + operation + "Response>" + answer + "</" + operation + "Response>"
		if !open && f.user != "" && user != f.user {
			w.WriteHeader(http.StatusBadRequest)
			fault := "Sender not Authorized"
			if user != "" {
				fault = f.fault
			}
			inner = `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code><s:Reason><s:Text>` + fault + `</s:Text></s:Reason></s:Fault>`
		}
		io.WriteString(w, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>`+inner+`</s:Body></s:Envelope>`)
	})
}

// who are the names of those who tried to log in, in order.
func (f *fakeCamera) who() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, name := range f.tried {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (f *fakeCamera) service() string { return f.URL + "/onvif/device_service" }

// device is the camera as it is found.
func (f *fakeCamera) device(id, model string) discovery.Device {
	return discovery.Device{ID: id, Model: model, Address: netip.MustParseAddr("127.0.0.1"), ONVIF: []string{f.service()}}
}

// at is a device elsewhere.
func at(id, address string) discovery.Device {
	host := address
	if strings.Contains(address, ":") {
		host = "[" + address + "]"
	}
	return discovery.Device{ID: id, Address: netip.MustParseAddr(address), ONVIF: []string{"http://" + host + "/onvif/device_service"}}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(40 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func names(g *Gateway) []string {
	var list []string
	for _, c := range g.Cameras() {
		list = append(list, c.Name())
	}
	return list
}
