package diagnose

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/onvif"
	"camgate/testleak"
	"camgate/testnet"
)

func TestMain(m *testing.M) { testleak.Main(m) }

func TestSpansAreSaidAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2 * time.Second:                 "2 s",
		59 * time.Second:                "59 s",
		time.Minute:                     "1 min 0 s",
		59*time.Minute + 59*time.Second: "59 min 59 s",
		time.Hour:                       "1 h 0 min",
		3*time.Hour + 12*time.Minute:    "3 h 12 min",
		47*time.Hour + 59*time.Minute:   "47 h 59 min",
		48 * time.Hour:                  "2 days",
		20454 * 24 * time.Hour:          "20454 days",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestClocksAreExplained(t *testing.T) {
	for _, one := range []struct {
		clock onvif.Clock
		want  string
	}{
		{onvif.Clock{}, "the camera's clock is right"},
		{onvif.Clock{Skew: -1499 * time.Millisecond}, "the camera's clock is right"},
		{onvif.Clock{Skew: 2 * time.Second, Source: "GetSystemDateAndTime"}, "the camera's clock is 2 s ahead; the gateway signs with the camera's time, nothing to do"},
		{onvif.Clock{Skew: -3*time.Hour - 12*time.Minute - 400*time.Millisecond}, "the camera's clock is 3 h 12 min behind; the gateway signs with the camera's time, nothing to do"},
		{onvif.Clock{Skew: time.Hour, Source: "HTTP Date"}, "the camera's clock is 1 h 0 min ahead (by HTTP Date); the gateway signs with the camera's time, nothing to do"},
		{onvif.Clock{Source: "ours"}, "the camera's clock is right (by ours)"},
	} {
		if got := clockText(one.clock); got != one.want {
			t.Errorf("%+v: %q, want %q", one.clock, got, one.want)
		}
	}
}

func TestEachKindOfErrorHasItsMend(t *testing.T) {
	locked := errors.Join(onvif.ErrLocked, onvif.ErrNotAuthorized)
	for _, one := range []struct {
		name string
		err  error
		want string // within
	}{
		{"its own", fmt.Errorf("x: %w", mendable{onvif.ErrLocked, "press the button"}), "press the button"},
		{"a locked account", locked, "unlocks"},
		{"a refused password", onvif.ErrNotAuthorized, "onvif://user:password@"},
		{"no ONVIF", onvif.ErrNotONVIF, "8899"},
		{"nonsense", onvif.ErrMalformed, "ONVIF port"},
		{"nobody there", &onvif.UnreachableError{Address: "192.0.2.1:80", Cause: errors.New("no route")}, "switched on"},
		{"no answer in time", &onvif.UnreachableError{Address: "192.0.2.1:80", Cause: context.DeadlineExceeded}, "switched on"},
		{"too late", context.DeadlineExceeded, "overloaded"},
	} {
		if got := mend(one.err); !strings.Contains(got, one.want) {
			t.Errorf("%s: %q", one.name, got)
		}
	}
	for _, err := range []error{errors.New("something"), context.Canceled} {
		if got := mend(err); got != "" {
			t.Errorf("%v: %q", err, got)
		}
	}
}

func TestAfterAFailureTheRestIsNotTried(t *testing.T) {
	var told []string
	w := newWalk(context.Background(), Target{}, func(s Step) {
		told = append(told, fmt.Sprintf("%s %v %v %q", s.Name, s.OK, s.Skipped, s.Text))
	})
	w.step("one", func() (string, error) { return "fine", nil })
	w.extra("two", func() (string, error) { return "", errors.New("not needed") })
	w.step("three", func() (string, error) { return "", errors.New("broken") })
	w.step("four", func() (string, error) { t.Error("it is tried"); return "", nil })
	w.extra("five", func() (string, error) { t.Error("it is tried"); return "", nil })
	want := []string{`one true false "fine"`, `two false false "not needed"`, `three false false "broken"`, `four false true ""`, `five false true ""`}
	if strings.Join(told, "\n") != strings.Join(want, "\n") || len(w.report.Steps) != 5 || !w.failed {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

func TestAddressesAreShownWithoutALogin(t *testing.T) {
	for uri, want := range map[string]string{
		"http://u:s3cret@192.0.2.1/snap?user=u&password=s3cret": "http://192.0.2.1/snap?user=u&password=***",
		"https://192.0.2.1:8443/snap":                           "https://192.0.2.1:8443/snap",
		"http://192.0.2.1:80/snap":                              "http://192.0.2.1:80/snap",
		"nonsense":                                              "",
		"http://bad host/s3cret":                                "http://…",
	} {
		if got := withoutLogin(uri); got != want {
			t.Errorf("%s is shown as %q, want %q", uri, got, want)
		}
	}
}

func TestProfilesAreDescribedAsFarAsTheyAreTold(t *testing.T) {
	for want, p := range map[string]onvif.Profile{
		"H264 1920×1080 25 fps": {Codec: "H264", Width: 1920, Height: 1080, FPS: 25},
		"H265 12.5 fps":         {Codec: "H265", FPS: 12.5},
		"codec not told":        {},
	} {
		if got := describe(p); got != want {
			t.Errorf("%+v is %q, want %q", p, got, want)
		}
	}
}

// fake is an ONVIF camera whose stream is at uri, and that lets in who is called admin.
func fake(t *testing.T, uri string) Target {
	t.Helper()
	return fakeOf(t, uri, "main")
}

// fakeOf is fake with profiles of these names, each of a video source of its own.
func fakeOf(t *testing.T, uri string, names ...string) Target {
	t.Helper()
	profiles := ""
	for _, name := range names {
		profiles += `<Profiles token="of ` + name + `"><Name>` + name + `</Name><VideoSourceConfiguration><SourceToken>eye of ` + name + `</SourceToken></VideoSourceConfiguration>` +
			`<VideoEncoderConfiguration token="e"><Encoding>H264</Encoding></VideoEncoderConfiguration></Profiles>`
	}
	operation := regexp.MustCompile(`Body>\s*<(?:\w+:)?(\w+)`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		name := ""
		if m := operation.FindSubmatch(body); m != nil {
			name = string(m[1])
		}
		now := time.Now().UTC().Add(-3 * time.Hour)
		answers := map[string]string{
			"GetSystemDateAndTime": fmt.Sprintf("<SystemDateAndTime><UTCDateTime><Time><Hour>%d</Hour><Minute>%d</Minute><Second>%d</Second></Time><Date><Year>%d</Year><Month>%d</Month><Day>%d</Day></Date></UTCDateTime></SystemDateAndTime>",
				now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day()),
			"GetServices":          "<Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://" + r.Host + "/media</XAddr></Service>",
			"GetDeviceInformation": "<Manufacturer>Acme</Manufacturer><Model>One</Model>",
			"GetProfiles":          profiles,
			"GetStreamUri":         "<MediaUri><Uri>" + uri + "</Uri></MediaUri>",
		}
		answer, known := answers[name]
		inner := "<" + name + "Response>" + answer + "</" + name + "Response>"
		open := name == "GetSystemDateAndTime" || name == "GetServices"
		switch {
		case !open && !strings.Contains(string(body), ">admin<"):
			inner = fault("Sender", "NotAuthorized")
			w.WriteHeader(http.StatusBadRequest)
		case !known:
			inner = fault("Receiver", "ActionNotSupported")
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>`+inner+`</s:Body></s:Envelope>`)
	}))
	t.Cleanup(server.Close)
	return target(t, "onvif://admin:s3cret@"+strings.TrimPrefix(server.URL, "http://"))
}

func fault(code, subcode string) string {
	return `<s:Fault><s:Code><s:Value>s:` + code + `</s:Value><s:Subcode><s:Value>ter:` + subcode + `</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>`
}

func target(t *testing.T, address string) Target {
	t.Helper()
	a, err := source.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	return Target{Name: "door", Address: a}
}

// last is the step that failed, and how many were not tried.
func last(t *testing.T, r *Report) (failed Step, skipped int) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil || strings.Contains(string(data), "s3cret") {
		t.Errorf("the report is %s, %v", data, err)
	}
	for _, s := range r.Steps {
		if s.Skipped {
			skipped++
		} else if !s.OK && s.Name != "single pictures" {
			failed = s
		}
	}
	return failed, skipped
}

func TestProbeTellsWhatACameraIs(t *testing.T) {
	r := Probe(context.Background(), fake(t, "rtsp://127.0.0.1:1/user=admin_password=s3cret_channel=1"), nil)
	if s, _ := last(t, r); !r.OK || s.Name != "" {
		t.Fatalf("%q fails: %s", s.Name, s.Text)
	}
	if r.Maker != "Acme" || r.ClockSkew == nil || *r.ClockSkew > -10000 || len(r.Profiles) != 1 || !strings.Contains(r.Profiles[0].Stream, "password=***") {
		t.Errorf("the report is %+v", r)
	}
}

func TestTheFirstFailureIsNamedWithItsMend(t *testing.T) {
	nobody := testnet.Port(t)
	wrong := fake(t, "rtsp://127.0.0.1:1/x")
	service, _, _ := wrong.Address.Service()
	wrong = target(t, "onvif://other:s3cret@"+strings.TrimPrefix(service, "http://"))
	for _, one := range []struct {
		name             string
		target           Target
		step, text, mend string
	}{
		{"nothing listens", target(t, "onvif://admin:s3cret@"+nobody), "network", "does not answer on port", "nothing listens on port"},
		{"no stream's port", target(t, "rtsp://admin:s3cret@"+nobody+"/x"), "network", "does not answer on port", "another port"},
		{"no such name", target(t, "onvif://admin:s3cret@camera.invalid:80"), "name", "camera.invalid has no address", "check the name"},
		{"another user", wrong, "login", "password refused", "onvif://user:password@"},
		{"the stream's port", fake(t, "rtsp://"+nobody+"/x"), "stream of main", "does not answer", "RTSP"},
	} {
		t.Run(one.name, func(t *testing.T) {
			r := Diagnose(context.Background(), one.target, nil)
			s, skipped := last(t, r)
			if r.OK || s.Name != one.step || !strings.Contains(s.Text, one.text) || !strings.Contains(s.Mend, one.mend) || skipped == 0 {
				t.Errorf("%q fails: %s; mend: %s; %d not tried", s.Name, s.Text, s.Mend, skipped)
			}
			if end := r.Steps[len(r.Steps)-1]; end.Name != "picture" || !end.Skipped {
				t.Errorf("the last step is %+v", end)
			}
		})
	}
}

// TestOnlyStreamsThatAreShownAreTried: a recorder has other cameras too, and that one of them
// is switched off is nothing to who asks about this one.
func TestOnlyStreamsThatAreShownAreTried(t *testing.T) {
	for query, want := range map[string]string{
		"":                         "stream of left",
		"?profile=auto":            "stream of left",
		"?profile=right":           "stream of right",
		"?source=eye%20of%20right": "stream of right",
		"?profile=nosuch":          "profile",
		"?source=nosuch":           "profile",
	} {
		tg := fakeOf(t, "rtsp://"+testnet.Port(t)+"/x", "left", "right")
		service, _, _ := tg.Address.Service()
		tg = target(t, "onvif://admin:s3cret@"+strings.TrimPrefix(service, "http://")+query)
		r := Diagnose(context.Background(), tg, nil)
		tried := ""
		for _, s := range r.Steps {
			if strings.HasPrefix(s.Name, "stream of") || s.Name == "profile" {
				tried += s.Name
			}
		}
		if failed, _ := last(t, r); failed.Name != want || tried != want {
			t.Errorf("%q: %q fails of %q, want %q alone: %s", query, failed.Name, tried, want, failed.Text)
		}
		if len(r.Profiles) != 2 {
			t.Errorf("%q: %d profiles are reported", query, len(r.Profiles))
		}
	}
}

// TestWhoEndsItIsNotTheCamera: an interrupted walk blames nobody.
func TestWhoEndsItIsNotTheCamera(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := Diagnose(ctx, target(t, "rtsp://"+l.Addr().String()+"/x"), func(s Step) {
		if s.Name == "network" {
			cancel()
		}
	})
	if s, _ := last(t, r); s.Name != "stream" || !strings.HasPrefix(s.Text, "interrupted") || s.Mend != "" {
		t.Errorf("%q fails: %s; mend: %s", s.Name, s.Text, s.Mend)
	}
}

// TestUserAndPasswordAreAtHand: RTSP sends them to a camera that asks for them, also where
// its address holds them already.
func TestUserAndPasswordAreAtHand(t *testing.T) {
	for _, uri := range []string{"rtsp://127.0.0.1:1/x", "rtsp://127.0.0.1:1/x?user=a&amp;password=s3cret"} {
		tg := fake(t, uri)
		w := newWalk(context.Background(), tg, nil)
		w.ask(tg).Close()
		if len(w.found) != 1 {
			t.Fatalf("%d streams", len(w.found))
		}
		if user, password, _ := w.found[0].address.Login(); user != "admin" || password != "s3cret" {
			t.Errorf("%s is asked with user %q", uri, user)
		}
		last(t, w.report)
	}
}

// TestWhoWasOnlyFoundGetsNoReadablePassword: neither over ONVIF nor over RTSP, where a device
// that calls itself a camera may ask for it.
func TestWhoWasOnlyFoundGetsNoReadablePassword(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer l.Close()
	logins := make(chan string, 100)
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { wantBasic(conn, logins) })
		}
	})
	for _, one := range []struct{ digestOnly, basic bool }{{false, true}, {true, false}} {
		tg := fake(t, "rtsp://"+l.Addr().String()+"/x")
		tg.DigestOnly = one.digestOnly
		r := Diagnose(context.Background(), tg, nil)
		if s, _ := last(t, r); s.Name != "stream of main" {
			t.Errorf("%+v: %q fails: %s", one, s.Name, s.Text)
		}
		if basic := len(logins) > 0; basic != one.basic {
			t.Errorf("%+v: it got the password: %v", one, basic)
		}
		for len(logins) > 0 {
			<-logins
		}
	}
}

// wantBasic answers RTSP requests of a connection, all that ask for something with 401, and
// tells what logs in.
func wantBasic(conn net.Conn, logins chan<- string) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		method, cseq := "", ""
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			switch name, value, _ := strings.Cut(line, ":"); strings.ToLower(name) {
			case "cseq":
				cseq = strings.TrimSpace(value)
			case "authorization":
				logins <- value
			}
		}
		status, more := "401 Unauthorized", "WWW-Authenticate: Basic realm=\"cam\"\r\n"
		if method == "OPTIONS" {
			status, more = "200 OK", "Public: DESCRIBE, SETUP, PLAY\r\n"
		}
		if _, err := fmt.Fprintf(conn, "RTSP/1.0 %s\r\nCSeq: %s\r\n%s\r\n", status, cseq, more); err != nil {
			return
		}
	}
}
