package onvif

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"camgate/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

const (
	testUser     = "admin"
	testPassword = `Kan/ar?i 7"ü` // odd on purpose
)

// A fake is a camera of a test's making: what it answers to whom is up to the test.
type fake struct {
	*httptest.Server
	password string
	// login decides about a request: nil lets it in.
	login func(seen) *refused
	// answers are bodies of the Response elements by operation, or whole answers beginning
	// with "<?xml" or "HTTP ".
	answers map[string]string

	mu    sync.Mutex
	seen  []seen
	nonce int
}

// A seen is a request as the camera sees it.
type seen struct {
	operation, body string
	header          http.Header
	url             string
	wsse            string // "", "digest", "text"
	wsseRight       bool
	http            string // "", "Digest MD5", "Digest SHA-256", "Basic"
	httpRight       bool
	created         string
}

func (s seen) credentials() bool { return s.wsse != "" || s.http != "" }

// A refused is how the camera says no.
type refused struct {
	status int
	header []string // WWW-Authenticate
	body   string
}

const faultNotAuthorized = `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>` +
	`<s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>`

func soapFault(status int, fault string) *refused {
	return &refused{status: status, body: inEnvelope(fault)}
}

func inEnvelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>` +
		body + `</s:Body></s:Envelope>`
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{password: testPassword, answers: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	f.answers["GetSystemDateAndTime"] = clockAnswer(time.Now())
	f.answers["GetDeviceInformation"] = "<Manufacturer>Acme</Manufacturer><Model>One</Model>"
	f.answers["GetHostname"] = "<HostnameInformation><Name>acme</Name></HostnameInformation>"
	f.answers["GetServices"] = f.services(nsMedia, nsEvents, nsPTZ)
	f.answers["GetProfiles"] = oneProfile
	return f
}

const oneProfile = `<Profiles token="p"><Name>main</Name><VideoEncoderConfiguration token="e"><Encoding>H264</Encoding>` +
	`<Resolution><Width>640</Width><Height>480</Height></Resolution></VideoEncoderConfiguration></Profiles>`

func clockAnswer(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("<SystemDateAndTime><UTCDateTime><Time><Hour>%d</Hour><Minute>%d</Minute><Second>%d</Second></Time><Date><Year>%d</Year><Month>%d</Month><Day>%d</Day></Date></UTCDateTime></SystemDateAndTime>",
		t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day())
}

// services names one address for all namespaces.
func (f *fake) services(namespaces ...string) string {
	var b strings.Builder
	for _, n := range namespaces {
		fmt.Fprintf(&b, "<Service><Namespace>%s</Namespace><XAddr>%s/onvif/service</XAddr></Service>", n, f.URL)
	}
	return b.String()
}

var (
	operationInBody = regexp.MustCompile(`<soap-env:Body><(?:\w+:)?(\w+)`)
	passwordInBody  = regexp.MustCompile(`<Password Type="[^"]*#(\w+)">([^<]*)</Password>`)
	nonceInBody     = regexp.MustCompile(`<Nonce [^>]*>([^<]*)</Nonce>`)
	createdInBody   = regexp.MustCompile(`<Created [^>]*>([^<]*)</Created>`)
)

func (f *fake) look(r *http.Request) seen {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	s := seen{body: string(body), header: r.Header, url: r.URL.String()}
	if m := operationInBody.FindStringSubmatch(s.body); m != nil {
		s.operation = m[1]
	} else {
		s.operation = r.Method + " " + r.URL.Path
	}
	if m := createdInBody.FindStringSubmatch(s.body); m != nil {
		s.created = m[1]
	}
	if m := passwordInBody.FindStringSubmatch(s.body); m != nil {
		if m[1] == "PasswordText" {
			s.wsse, s.wsseRight = "text", unescapeXML(m[2]) == f.password
		} else {
			nonce, _ := base64.StdEncoding.DecodeString(nonceInBody.FindStringSubmatch(s.body)[1])
			sum := sha1.Sum([]byte(string(nonce) + s.created + f.password))
			s.wsse, s.wsseRight = "digest", m[2] == base64.StdEncoding.EncodeToString(sum[:])
		}
	}
	f.lookHTTP(r, &s)
	return s
}

func unescapeXML(s string) string {
	return strings.NewReplacer("&#34;", `"`, "&quot;", `"`, "&apos;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

func (f *fake) lookHTTP(r *http.Request, s *seen) {
	header := r.Header.Get("Authorization")
	if user, password, ok := r.BasicAuth(); ok {
		s.http, s.httpRight = "Basic", user == testUser && password == f.password
		return
	}
	if header == "" {
		return
	}
	c, err := digest.ParseCredentials(header)
	if err != nil {
		s.http = "unreadable " + header
		return
	}
	s.http = "Digest " + c.Algorithm
	challenge := &digest.Challenge{Realm: "cam", Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{"auth"}}
	right, err := digest.Digest(challenge, digest.Options{Method: r.Method, URI: r.URL.RequestURI(), Count: c.Nc, Username: testUser, Password: f.password, Cnonce: c.Cnonce})
	s.httpRight = err == nil && right.Response == c.Response && c.URI == r.URL.RequestURI() && c.Nonce == f.currentNonce()
}

func (f *fake) currentNonce() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("nonce%d", f.nonce)
}

func (f *fake) newNonce() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nonce++
}

// challenge is a 401 with these schemes: "Digest MD5", "Digest SHA-256", "Basic".
func (f *fake) challenge(schemes ...string) *refused {
	r := &refused{status: 401, body: "<html><body><h1>401 Unauthorized</h1></body></html>"}
	for _, s := range schemes {
		kind, algorithm, _ := strings.Cut(s, " ")
		if kind == "Basic" {
			r.header = append(r.header, `Basic realm="cam"`)
			continue
		}
		r.header = append(r.header, fmt.Sprintf(`Digest realm="cam", nonce="%s", qop="auth", algorithm=%s`, f.currentNonce(), algorithm))
	}
	return r
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := f.look(r)
	f.mu.Lock()
	f.seen = append(f.seen, s)
	login := f.login
	answer, known := f.answers[s.operation]
	f.mu.Unlock()
	if login != nil {
		if no := login(s); no != nil {
			for _, h := range no.header {
				w.Header().Add("WWW-Authenticate", h)
			}
			w.WriteHeader(no.status)
			io.WriteString(w, no.body)
			return
		}
	}
	switch {
	case !known:
		w.WriteHeader(500)
		io.WriteString(w, inEnvelope(`<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>ter:ActionNotSupported</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>`))
	case strings.HasPrefix(answer, "<?xml"), r.Method == http.MethodGet:
		io.WriteString(w, answer)
	default:
		io.WriteString(w, inEnvelope("<x:"+s.operation+`Response xmlns:x="urn:any">`+answer+"</x:"+s.operation+"Response>"))
	}
}

// set changes an answer.
func (f *fake) set(operation, answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[operation] = answer
}

// requests are those seen so far, that pass the filter.
func (f *fake) requests(which func(seen) bool) []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []seen
	for _, s := range f.seen {
		if which(s) {
			found = append(found, s)
		}
	}
	return found
}

// ways are how the requests with credentials logged in, in order.
func (f *fake) ways() []string {
	var ways []string
	for _, s := range f.requests(seen.credentials) {
		way := s.http
		if s.wsse != "" {
			way = strings.TrimPrefix(way+"+wsse "+s.wsse, "+")
		}
		ways = append(ways, way)
	}
	return ways
}

func (f *fake) wantWays(t *testing.T, want ...string) {
	t.Helper()
	if got := f.ways(); !slices.Equal(got, want) {
		t.Errorf("it logged in by %q, want %q", got, want)
	}
}

func (f *fake) client(t *testing.T, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{Address: f.URL, User: testUser, Password: testPassword}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func withPassword(p string) func(*Options) { return func(o *Options) { o.Password = p } }
func digestOnly(o *Options)                { o.DigestOnly = true }
func anonymously(o *Options)               { o.User, o.Password = "", "" }

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// wsseLogin lets in who signs; all else gets the fault.
func wsseLogin(s seen) *refused {
	if s.operation == "GetSystemDateAndTime" || s.operation == "GetServices" || s.wsse == "digest" && s.wsseRight {
		return nil
	}
	return soapFault(400, faultNotAuthorized)
}

// digestLogin wants HTTP Digest from everybody but the clock.
func (f *fake) digestLogin(schemes ...string) func(seen) *refused {
	return func(s seen) *refused {
		if s.operation == "GetSystemDateAndTime" || s.operation == "GetServices" || s.httpRight {
			return nil
		}
		return f.challenge(schemes...)
	}
}
