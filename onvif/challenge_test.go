package onvif

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/icholy/digest"
)

func headers(lines ...string) http.Header { return http.Header{"Www-Authenticate": lines} }

func TestChallengesAsCamerasWriteThem(t *testing.T) {
	for _, one := range []struct {
		name   string
		lines  []string
		all    string // schemes
		digest string // realm, nonce, algorithm and qop of the strongest
	}{
		{"MD5", []string{`Digest realm="a b", nonce="n1", qop="auth", algorithm=MD5`}, "digest", "a b|n1|MD5|auth"},
		{"old, without qop", []string{`Digest realm="a", nonce="n1"`}, "digest", "a|n1|MD5|"},
		{"two lines", []string{`Digest realm="a", nonce="n1", qop="auth", algorithm=MD5`, `Digest realm="a", nonce="n2", qop="auth", algorithm=SHA-256`}, "digest digest", "a|n2|SHA-256|auth"},
		{"one line", []string{`Digest realm="a", nonce="n1", qop="auth, auth-int", algorithm=SHA-256, Basic realm="x", Digest realm="b", nonce="n2"`}, "digest basic digest", "a|n1|SHA-256|auth auth-int"},
		{"only what cannot be answered is stronger", []string{`Digest realm="a", nonce="n1", algorithm=SHA-3`, `Digest realm="b", nonce="n2"`}, "digest digest", "b|n2|MD5|"},
		{"commas and escapes in quotes", []string{`Digest realm="a, \"b\" = c", nonce="n=="`}, "digest", `a, "b" = c|n==|MD5|`},
		{"no quotes, odd case, stray commas, blanks", []string{` digest REALM=a ,, NONCE = n1,algorithm="md5",`}, "digest", "a|n1|MD5|"},
		{"a tab behind the scheme", []string{"Digest\trealm=\"a\", nonce=\"n\""}, "digest", "a|n|MD5|"},
		{"Basic", []string{`Basic realm="cam"`}, "basic", ""},
		{"a scheme alone", []string{`Negotiate`, `Basic`}, "negotiate basic", ""},
		{"without nonce", []string{`Digest realm="a"`}, "digest", ""},
		{"a quote that does not end", []string{`Digest nonce="n", realm="a, Basic`}, "digest", "a, Basic|n|MD5|"},
		{"nothing", []string{``, `,`, `=`}, "", ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			all := challenges(headers(one.lines...))
			var schemes []string
			for _, c := range all {
				schemes = append(schemes, c.scheme)
			}
			if got := strings.Join(schemes, " "); got != one.all {
				t.Errorf("the schemes are %q", got)
			}
			got := ""
			if d := strongestDigest(all); d != nil {
				got = strings.Join([]string{d.Realm, d.Nonce, digestName(d), strings.Join(d.QOP, " ")}, "|")
			}
			if got != one.digest {
				t.Errorf("the strongest is %q, want %q", got, one.digest)
			}
		})
	}
}

// The examples of RFC 7616, section 3.9.1.
func TestDigestsAreThoseOfTheRFC(t *testing.T) {
	for algorithm, response := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		all := challenges(headers(`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=` + algorithm +
			`, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`))
		c, err := digest.Digest(strongestDigest(all), digest.Options{Method: "GET", URI: "/dir/index.html", Count: 1,
			Username: "Mufasa", Password: "Circle of Life", Cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"})
		if err != nil || c.Response != response {
			t.Errorf("%s: got %v, %v", algorithm, c, err)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	for _, line := range []string{
		`Digest realm="a, b", nonce="n", qop="auth,auth-int", algorithm=SHA-256, stale=TRUE, opaque="o"`, `Basic realm="cam", Digest nonce=x`,
		`Digest realm="\"", nonce="\\"`, `,,=,"`, "Digest", `Digest nonce="n", userhash=true, algorithm=SHA-512-256`, "\x00\xff Digest nonce=\x01",
	} {
		f.Add(line, line)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		all := challenges(headers(first, second))
		if len(all) > maxChallenges {
			t.Fatalf("%d challenges", len(all))
		}
		best := strongestDigest(all)
		if best == nil {
			return
		}
		request, err := http.NewRequest(http.MethodPost, "http://192.0.2.1/onvif/media?x=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		header, err := answerChallenge(best, 1, testUser, testPassword, request, []byte("body"))
		if err != nil {
			t.Fatalf("%+v cannot be answered: %v", best, err)
		}
		if bytes.ContainsAny([]byte(header), "\r\n") || strings.Contains(header, testPassword) {
			t.Errorf("the header is %q", header)
		}
	})
}
