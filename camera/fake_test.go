package camera

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// fakeONVIF is a camera of a test's making: it answers each operation with the elements
// that the test sets, and refuses those that it does not know.
type fakeONVIF struct {
	*httptest.Server

	mu        sync.Mutex
	answers   map[string]string // by operation; "drop": the connection is closed without one
	basic     bool              // it wants the password in readable form
	calls     []string
	logins    []string // Authorization headers that came
	asked     string   // the operation that meanwhile is called for, before the answer
	meanwhile func()
}

func newFakeONVIF(t *testing.T) *fakeONVIF {
	t.Helper()
	f := &fakeONVIF{answers: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	var services strings.Builder
	for _, ns := range []string{"http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver10/media/wsdl", "http://www.onvif.org/ver20/ptz/wsdl"} {
		fmt.Fprintf(&services, "<Service><Namespace>%s</Namespace><XAddr>%s/onvif</XAddr></Service>", ns, f.URL)
	}
	now := time.Now().UTC()
	f.answers["GetSystemDateAndTime"] = fmt.Sprintf("<SystemDateAndTime><UTCDateTime><Time><Hour>%d</Hour><Minute>%d</Minute><Second>%d</Second></Time><Date><Year>%d</Year><Month>%d</Month><Day>%d</Day></Date></UTCDateTime></SystemDateAndTime>",
		now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day())
	f.answers["GetServices"] = services.String()
	f.answers["GetDeviceInformation"] = "<Manufacturer>Acme</Manufacturer><Model>One</Model><SerialNumber>4711</SerialNumber>"
	f.answers["GetEndpointReference"] = "<GUID>urn:uuid:11111111-2222-3333-4444-555555555555</GUID>"
	f.answers["GetProfiles"] = `<Profiles token="p"><Name>main</Name><VideoSourceConfiguration><SourceToken>v</SourceToken></VideoSourceConfiguration>` +
		`<VideoEncoderConfiguration token="e"><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>480</Height></Resolution></VideoEncoderConfiguration><PTZConfiguration/></Profiles>`
	f.answers["GetStreamUri"] = "<MediaUri><Uri>rtsp://192.0.2.1:554/live</Uri></MediaUri>"
	f.answers["ContinuousMove"], f.answers["Stop"] = " ", " "
	return f
}

// address is the one to configure.
func (f *fakeONVIF) address() string {
	return "onvif://admin:s3cret@" + strings.TrimPrefix(f.URL, "http://") + "/onvif"
}

func (f *fakeONVIF) set(operation, answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[operation] = answer
}

// when has something happen whenever the camera is asked for an operation, before it answers.
func (f *fakeONVIF) when(operation string, meanwhile func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.meanwhile = operation, meanwhile
}

// called counts the requests for an operation.
func (f *fakeONVIF) called(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(operation)
}

// count is called, for who holds the mutex.
func (f *fakeONVIF) count(operation string) int {
	n := 0
	for _, one := range f.calls {
		if one == operation {
			n++
		}
	}
	return n
}

var operationInBody = regexp.MustCompile(`Body>\s*<(?:\w+:)?(\w+)`)

func (f *fakeONVIF) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	operation := r.Method
	if m := operationInBody.FindSubmatch(body); m != nil {
		operation = string(m[1])
	}
	f.mu.Lock()
	f.calls = append(f.calls, operation)
	login := r.Header.Get("Authorization")
	if strings.Contains(string(body), "PasswordText") {
		login += " PasswordText"
	}
	if login != "" {
		f.logins = append(f.logins, login)
	}
	answer, known := f.answers[operation]
	basic := f.basic && login == ""
	meanwhile := f.meanwhile
	if operation != f.asked {
		meanwhile = nil
	}
	f.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	switch {
	case basic && operation != "GetSystemDateAndTime":
		w.Header().Set("WWW-Authenticate", `Basic realm="cam"`)
		w.WriteHeader(http.StatusUnauthorized)
	case answer == "drop":
		panic(http.ErrAbortHandler)
	case !known:
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>ter:ActionNotSupported</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`)
	default:
		fmt.Fprintf(w, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><%[1]sResponse>%[2]s</%[1]sResponse></s:Body></s:Envelope>`, operation, answer)
	}
}
