package device

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
)

const (
	user     = "admin"
	password = `s3"cr:e/t`
)

// A signature is how a test's WS-UsernameToken is made; zero values are right ones.
type signature struct {
	user, password, nonce, created string
	text                           bool
	at                             time.Duration  // Created minus our clock
	form                           string         // of Created
	zone                           *time.Location // of Created; nil: UTC
}

func wsse(s signature) string {
	if s.user == "" {
		s.user = user
	}
	if s.password == "" {
		s.password = password
	}
	if s.nonce == "" {
		s.nonce = randomUUID()
	}
	if s.created == "" {
		at := time.Now().Add(s.at).UTC()
		if s.zone != nil {
			at = at.In(s.zone)
		}
		if s.form == "" {
			s.form = "2006-01-02T15:04:05.000Z"
		}
		s.created = at.Format(s.form)
	}
	sum := sha1.Sum([]byte(s.nonce + s.created + s.password))
	kind, secret := "PasswordDigest", base64.StdEncoding.EncodeToString(sum[:])
	if s.text {
		kind, secret = "PasswordText", escape(s.password)
	}
	return fmt.Sprintf(`<Security xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><UsernameToken><Username>%s</Username><Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#%s">%s</Password><Nonce>%s</Nonce><Created xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">%s</Created></UsernameToken></Security>`,
		escape(s.user), kind, secret, base64.StdEncoding.EncodeToString([]byte(s.nonce)), s.created)
}

// signed asks with a WS-UsernameToken.
func signed(t testing.TB, d *Device, s signature, name string, inside ...string) reply {
	t.Helper()
	return do(t, request(t, d.XAddr(), wsse(s), op(name, inside...)))
}

// digested asks with HTTP Digest, by the algorithm given, or the first that is offered.
func digested(t testing.TB, req func() *http.Request, algorithm, password string) reply {
	t.Helper()
	first := do(t, req())
	if first.status != 401 {
		t.Fatalf("no challenge: %v", first)
	}
	for _, header := range first.header.Values("WWW-Authenticate") {
		for _, one := range strings.SplitAfter(header, "algorithm=SHA-256, ") {
			challenge, err := digest.ParseChallenge(strings.TrimSuffix(one, ", "))
			if err != nil || algorithm != "" && challenge.Algorithm != algorithm {
				continue
			}
			again := req()
			credentials, err := digest.Digest(challenge, digest.Options{Method: again.Method, URI: again.URL.RequestURI(), Username: user, Password: password, Count: 1})
			if err != nil {
				t.Fatal(err)
			}
			again.Header.Set("Authorization", credentials.String())
			return do(t, again)
		}
	}
	t.Fatalf("no challenge for %q in %q", algorithm, first.header.Values("WWW-Authenticate"))
	return reply{}
}

func asking(t testing.TB, d *Device, name string) func() *http.Request {
	return func() *http.Request { return request(t, d.XAddr(), "", op(name)) }
}

func locked(t testing.TB, o Options) *Device {
	t.Helper()
	o.User, o.Password = user, password
	return start(t, o)
}

func TestLoginByToken(t *testing.T) {
	d := locked(t, Options{})
	for name, c := range map[string]struct {
		s      signature
		status int
	}{
		"right":            {signature{}, 200},
		"2 s behind":       {signature{at: -2 * time.Second}, 200},
		"a minute behind":  {signature{at: -time.Minute}, 400},
		"a minute ahead":   {signature{at: time.Minute}, 400},
		"without a zone":   {signature{form: "2006-01-02T15:04:05"}, 200},
		"in another zone":  {signature{form: time.RFC3339, zone: localZone}, 200},
		"no time":          {signature{created: "now"}, 400},
		"wrong password":   {signature{password: "x"}, 400},
		"wrong user":       {signature{user: "root"}, 400},
		"password as text": {signature{text: true}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := signed(t, d, c.s, "tds:GetDeviceInformation")
			r.must(t, c.status)
			if c.status == 400 {
				r.must(t, 400, "<SOAP-ENV:Value>ter:NotAuthorized<")
			}
		})
	}
	if n := d.Requests(); n["NotAuthorized"] != 6 || n["GetDeviceInformation"] != 10 {
		t.Errorf("counted %v", n)
	}
}

func TestTokenIsGoodOnce(t *testing.T) {
	d := locked(t, Options{})
	header := wsse(signature{})
	do(t, request(t, d.XAddr(), header, op("tds:GetScopes"))).must(t, 200)
	do(t, request(t, d.XAddr(), header, op("tds:GetScopes"))).must(t, 400, "ter:NotAuthorized")
}

func TestLoginIsByTheDevicesClock(t *testing.T) {
	d := locked(t, Options{ClockSkew: -3 * time.Hour})
	signed(t, d, signature{}, "tds:GetScopes").must(t, 400, "ter:NotAuthorized")
	signed(t, d, signature{at: -3 * time.Hour}, "tds:GetScopes").must(t, 200)
	d.SetClockSkew(time.Hour)
	signed(t, d, signature{at: time.Hour}, "tds:GetScopes").must(t, 200)
	r := ask(t, d, "tds:GetSystemDateAndTime")
	date, err := http.ParseTime(r.header.Get("Date"))
	if off := time.Until(date) - time.Hour; err != nil || off.Abs() > time.Minute {
		t.Errorf("the Date header is off by %v, %v", off, err)
	}
}

func TestLoginByDigest(t *testing.T) {
	d := locked(t, Options{})
	digested(t, asking(t, d, "tds:GetScopes"), "MD5", password).must(t, 200)
	r := digested(t, asking(t, d, "tds:GetScopes"), "", "wrong")
	r.must(t, 401, "ter:NotAuthorized")
	if n := len(r.header.Values("WWW-Authenticate")); n != 1 {
		t.Errorf("%d challenges", n)
	}
	d.SetPassword("new")
	digested(t, asking(t, d, "tds:GetScopes"), "", password).must(t, 401)
	digested(t, asking(t, d, "tds:GetScopes"), "", "new").must(t, 200)
	if !strings.HasPrefix(d.URL(), "onvif://admin:new@127.0.0.1:") {
		t.Errorf("its URL is %s", d.URL())
	}
}

func TestDigestNonceOfOthersIsStale(t *testing.T) {
	d := locked(t, Options{})
	req := request(t, d.XAddr(), "", op("tds:GetScopes"))
	credentials, err := digest.Digest(&digest.Challenge{Realm: realm, Nonce: "made-up", Algorithm: "MD5", QOP: []string{"auth"}},
		digest.Options{Method: req.Method, URI: req.URL.RequestURI(), Username: user, Password: password, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", credentials.String())
	r := do(t, req)
	r.must(t, 401)
	if !strings.Contains(r.header.Get("WWW-Authenticate"), "stale=true") {
		t.Errorf("it says %q", r.header.Get("WWW-Authenticate"))
	}
}

func TestWhatNeedsNoLogin(t *testing.T) {
	d := locked(t, Options{PTZ: true})
	for name := range operations {
		r := ask(t, d, name, "<Category>All</Category>")
		public := operations[name].access == preAuth || operations[name].access == clockClass
		if (r.status == 200) != public || !public && (r.status != 401 || !strings.Contains(r.body, "ter:NotAuthorized")) {
			t.Errorf("%s: %v", name, r)
		}
	}
	ask(t, d, "tds:SystemReboot").must(t, 401) // whether there is such a thing is nobody's business
}
