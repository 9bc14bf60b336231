package device

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
)

// algorithms of HTTP Digest (RFC 7616 section 3.2).
var algorithms = map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New}

const realm = "Simulated camera"

// challenge asks for HTTP Digest, in the header of an answer that is still to be sent.
func (c *call) challenge(stale bool) { c.d.challenge(c.w, stale) }

func (d *Device) challenge(w http.ResponseWriter, stale bool) {
	header := w.Header()
	one := func(algorithm string) string {
		challenge := fmt.Sprintf(`Digest realm="%s", qop="auth", nonce="%s", opaque="%s", algorithm=%s`, realm, d.nonce(algorithm), "5ccc069c403ebaf9f0171e9517f40e41", algorithm)
		if stale {
			challenge += ", stale=true"
		}
		return challenge
	}
	switch {
	case d.has(QuirkTwoChallenges):
		header.Add("WWW-Authenticate", one("MD5"))
		header.Add("WWW-Authenticate", one("SHA-256"))
	case d.has(QuirkTwoChallengesInOne):
		header.Set("WWW-Authenticate", one("SHA-256")+", "+one("MD5"))
	case d.has(QuirkDigestSHA256):
		header.Set("WWW-Authenticate", one("SHA-256"))
	default:
		header.Set("WWW-Authenticate", one("MD5"))
	}
}

// A nonce of HTTP Digest that the device gave out.
type nonce struct {
	algorithm string
	used      map[string]bool // counts that came with it
}

func (d *Device) nonce(algorithm string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.nonces) >= maxNonces {
		clear(d.nonces)
	}
	name := rand.Text()
	d.nonces[name] = &nonce{algorithm: algorithm, used: map[string]bool{}}
	return name
}

// useNonce is true where it was given for the algorithm, and the count is new. d.mu must
// not be locked.
func (d *Device) useNonce(name, algorithm, count string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.nonces[name]
	if n == nil || n.algorithm != algorithm || n.used[count] || len(n.used) >= maxNonces {
		return false
	}
	n.used[count] = true
	return true
}

// checkDigest is RFC 7616 section 3.4, with qop auth, and without one as RFC 2069 has it.
func (d *Device) checkDigest(r *http.Request) login {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return loginNone
	}
	p := parameters(rest)
	algorithm := "MD5"
	if p["algorithm"] != "" {
		algorithm = strings.ToUpper(p["algorithm"])
	}
	newHash := algorithms[algorithm]
	if newHash == nil || p["username"] != d.options.User || p["realm"] != realm || p["uri"] != r.RequestURI {
		return loginWrong
	}
	h := func(parts ...string) string {
		sum := newHash()
		sum.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum.Sum(nil))
	}
	ha1, ha2 := h(p["username"], realm, d.wantedPassword()), h(r.Method, p["uri"])
	var want string
	switch p["qop"] {
	case "auth":
		want = h(ha1, p["nonce"], p["nc"], p["cnonce"], "auth", ha2)
	case "":
		want = h(ha1, p["nonce"], ha2)
	default:
		return loginWrong
	}
	if !same(strings.ToLower(p["response"]), want) {
		return loginWrong
	}
	if !d.useNonce(p["nonce"], algorithm, p["nc"]) {
		return loginStale
	}
	return loginRight
}

// parameters of a header of authentication (RFC 9110 section 11.2): names in lower case,
// values without their quotes.
func parameters(text string) map[string]string {
	p := map[string]string{}
	for len(text) > 0 && len(p) < 32 {
		name, rest, found := strings.Cut(text, "=")
		if !found {
			break
		}
		var value string
		value, text = parameterValue(strings.TrimSpace(rest))
		p[strings.ToLower(strings.Trim(name, ", \t"))] = value
	}
	return p
}

// parameterValue is a token or a quoted string, and what comes behind it.
func parameterValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
		case text[i] == '"':
			return b.String(), text[i+1:]
		}
		b.WriteByte(text[i])
	}
	return b.String(), ""
}
