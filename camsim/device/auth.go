package device

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// A token is a WS-UsernameToken as it came (OASIS WSS UsernameToken Profile 1.0).
type token struct{ user, password, kind, nonce, created string }

func newToken(e *element) *token {
	if e == nil {
		return nil
	}
	return &token{e.value("Username"), e.value("Password"), e.find("Password").attr("Type"), e.value("Nonce"), e.value("Created")}
}

// tolerance is by how much Created may differ from the device's clock.
const tolerance = 5 * time.Second

// maxNonces a device remembers of each kind; beyond, it forgets the oldest.
const maxNonces = 10_000

// SetPassword changes the password that it wants.
func (d *Device) SetPassword(password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.password = password
}

// wantedPassword is the one that opens it now.
func (d *Device) wantedPassword() string {
	if d.has(QuirkEmptyPassword) {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.password
}

// wantsLogin says whether an operation does.
func (d *Device) wantsLogin(a access) bool {
	switch {
	case d.options.User == "" || d.has(QuirkCredentialsRefused):
		return false
	case a == preAuth:
		return d.has(QuirkServicesNeedLogin)
	case a == clockClass:
		return d.has(QuirkClockNeedsLogin)
	case a == open:
		return !d.has(QuirkInformationIsPublic)
	}
	return true
}

// admit lets a call pass, or answers it and returns false.
func (c *call) admit(a access) bool {
	d := c.d
	given := c.r.Header.Get("Authorization") != "" || c.token != nil
	switch {
	case d.has(QuirkCredentialsRefused):
		if given {
			c.refuse("Sender not authorized: no user has been set up")
		}
		return !given
	case d.options.User == "":
		return true
	case !d.wantsLogin(a) && (c.token == nil || !d.has(QuirkWrongTokenFailsAll)):
		return true
	case d.lockedFor() > 0:
		d.count("locked")
		c.refuse(d.lockReason())
		return false
	}
	switch d.login(c) {
	case loginRight:
		d.forgive()
		return true
	case loginWrong:
		d.fail()
	case loginStale:
		c.challenge(true)
		c.fail(notAuthorized(401, "The nonce is stale"))
		return false
	}
	if !given {
		c.refuse("The action requested requires authorization and the sender is not authorized")
		return false
	}
	c.refuse(d.failReason())
	return false
}

// A login is what came of the credentials of a request.
type login int

const (
	loginNone login = iota // there were none that the device takes
	loginRight
	loginWrong
	loginStale // right, but for a nonce that was used or is unknown
)

func (d *Device) login(c *call) login {
	result := loginNone
	if !d.has(QuirkWSSEOnly) && !d.has(QuirkPasswordTextOnly) {
		if result = d.checkDigest(c.r); result == loginRight {
			return result
		}
	}
	if c.token == nil || d.has(QuirkDigestOnly) {
		return result
	}
	if d.checkToken(c.token) {
		return loginRight
	}
	return loginWrong
}

// checkToken is the profile's section 4, with the password's kind as the quirks say.
func (d *Device) checkToken(t *token) bool {
	created, ok := d.created(t.created)
	nonce, err := base64.StdEncoding.DecodeString(t.nonce)
	password := d.wantedPassword()
	if t.user != d.options.User {
		return false
	}
	if d.has(QuirkPasswordTextOnly) {
		return strings.HasSuffix(t.kind, "#PasswordText") && same(t.password, password)
	}
	if !strings.HasSuffix(t.kind, "#PasswordDigest") || !ok || err != nil || len(nonce) == 0 {
		return false
	}
	if off := d.now().Sub(created).Abs(); off > tolerance {
		return false
	}
	sum := sha1.Sum([]byte(string(nonce) + t.created + password))
	return same(t.password, base64.StdEncoding.EncodeToString(sum[:])) && d.firstUse(t.nonce+" "+t.created)
}

// created reads the time of a token; what has no zone is UTC.
func (d *Device) created(text string) (time.Time, bool) {
	_, fraction, _ := strings.Cut(text, ".")
	switch {
	case d.has(QuirkCreatedZ) && !strings.HasSuffix(text, "Z"):
		return time.Time{}, false
	case d.has(QuirkCreatedCoarse) && len(strings.TrimRight(fraction, "Z")) > 3:
		return time.Time{}, false
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// firstUse is true the first time that a token's nonce comes.
func (d *Device) firstUse(nonce string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tokens[nonce] {
		return false
	}
	if len(d.tokens) >= maxNonces {
		clear(d.tokens) // the times in them are over, but for the last few
	}
	d.tokens[nonce] = true
	return true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func notAuthorized(status int, reason string) *fault {
	return &fault{status: status, code: "Sender", subcodes: []string{"ter:NotAuthorized"}, reason: reason}
}

// refuse answers who may not. A token that is wrong gets 400 (ONVIF Core section
// 5.9.4.1); who brought none, or HTTP's credentials, a challenge.
func (c *call) refuse(reason string) {
	d := c.d
	switch {
	case d.has(QuirkDigestOnly):
		c.challenge(false)
		c.refusePage()
	case d.has(QuirkNotAuthorized400), d.has(QuirkWSSEOnly), d.has(QuirkPasswordTextOnly), c.token != nil, d.has(QuirkCredentialsRefused):
		c.fail(notAuthorized(400, reason))
	default:
		c.challenge(false)
		c.fail(notAuthorized(401, reason))
	}
}

// refusePage is what a web server in front of the services says.
func (c *call) refusePage() {
	c.w.Header().Set("Content-Type", "text/html")
	c.w.WriteHeader(401)
	_, _ = fmt.Fprint(c.w, "<html><head><title>401 Unauthorized</title></head><body><h1>401 Unauthorized</h1><p>Your client does not have permission to get this URL.</p></body></html>\n")
}
