package onvif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"
)

// A kind is a way to log in.
type kind int

const (
	unknown   kind = iota // not found out yet: ask anonymously, then see what is wanted
	anonymous             // without
	wsse                  // WS-UsernameToken, PasswordDigest
	httpDigest
	both  // WS-UsernameToken inside HTTP Digest
	plain // WS-UsernameToken, PasswordText
	basic // HTTP Basic
)

func (k kind) name(algorithm string) string {
	if algorithm == "" {
		algorithm = "MD5"
	}
	switch k {
	case wsse:
		return "WS-UsernameToken"
	case httpDigest:
		return "HTTP Digest (" + algorithm + ")"
	case both:
		return "HTTP Digest (" + algorithm + ") with WS-UsernameToken"
	case plain:
		return "WS-UsernameToken (PasswordText)"
	case basic:
		return "HTTP Basic"
	}
	return "anonymous"
}

func (k kind) soap() bool { return k == wsse || k == both || k == plain }

// patience is how long a refused password is not sent again: cameras lock accounts after a
// few failures, some for half an hour.
const patience = time.Minute

// longPatience is for cameras that say that few tries are left, or that the account is
// locked already: each further try might begin the lock anew.
const longPatience = 30 * time.Minute

// patienceAfter is how long the password is not sent again after a refusal.
func patienceAfter(f *Fault) time.Duration {
	if left, told := f.attemptsLeft(); f.locked() || told && left <= fewTries {
		return longPatience
	}
	return patience
}

// A login is what a client knows about logging in to its camera.
type login struct {
	turn chan struct{}    // held while the way to log in is being found out, so that it is tried once
	now  func() time.Time // time.Now, but in tests

	mu        sync.Mutex
	kind      kind
	challenge *digest.Challenge // of the last HTTP Digest; nil: none yet
	count     int               // requests with its nonce
	refused   map[string]*refusal
	strikes   int    // operations refused in a row, though the password was right before
	worked    bool   // credentials were taken once
	tried     []kind // what was refused when last all was tried
	rounds    int    // single tries since then
}

// A refusal is remembered for a while. That of "" is for all operations.
type refusal struct {
	err   error
	until time.Time
}

func newLogin() *login {
	return &login{turn: make(chan struct{}, 1), now: time.Now, refused: map[string]*refusal{}}
}

// state returns the way to log in.
func (l *login) state() kind {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kind
}

func (l *login) name() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kind.name(l.algorithm())
}

func (l *login) algorithm() string {
	if l.challenge == nil {
		return ""
	}
	return digestName(l.challenge)
}

// remembered returns the refusal that still holds for an operation, if any.
func (l *login) remembered(operation string) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, key := range []string{"", operation} {
		if r := l.refused[key]; r != nil {
			if now.Before(r.until) {
				return r
			}
			delete(l.refused, key)
		}
	}
	return nil
}

// accept remembers what worked.
func (l *login) accept(k kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kind, l.strikes = k, 0
	if k != anonymous {
		l.worked, l.tried, l.rounds = true, nil, 0
		clear(l.refused)
	}
}

// refuse remembers that a password was refused. Where it had worked before, the first time
// only that operation is blocked: the user may lack a right.
func (l *login) refuse(operation string, err error, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := ""
	if l.worked && l.strikes == 0 && !errors.Is(err, ErrLocked) {
		key = operation
	}
	l.strikes++
	if key == "" {
		if l.kind != unknown {
			l.tried = []kind{l.kind}
		}
		l.kind, l.worked, l.strikes = unknown, false, 0
	}
	l.refused[key] = &refusal{err, l.now().Add(wait)}
}

// exhausted remembers that all that could be tried was refused.
func (l *login) exhausted(tried []attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range tried {
		l.tried = append(l.tried, a.kind)
	}
}

// turnOf is the one kind to try this time, after all were refused once: each in turn, and
// those that the camera offers since. ok is false when not all was tried yet.
func (l *login) turnOf(offersDigest bool) (way kind, nth int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tried) == 0 {
		return unknown, 0, false
	}
	var list []kind
	for _, k := range l.tried {
		if offersDigest || k != httpDigest && k != both {
			list = append(list, k)
		}
	}
	for _, k := range []kind{httpDigest, wsse} {
		if !slices.Contains(list, k) && (k == wsse || offersDigest) {
			list = append(list, k)
		}
	}
	at := l.rounds % len(list)
	l.rounds++
	for _, k := range list[:at] {
		if k == list[at] {
			nth++
		}
	}
	return list[at], nth, true
}

// struck tells whether the last request with credentials was refused, though others were
// taken before.
func (l *login) struck() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.strikes > 0
}

// offer keeps a new challenge.
func (l *login) offer(c *digest.Challenge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.challenge, l.count = c, 0
}

// replace keeps a new challenge and tells whether it is another than the last.
func (l *login) replace(c *digest.Challenge) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.challenge != nil && l.challenge.Nonce == c.Nonce && l.challenge.Realm == c.Realm && !c.Stale {
		return false
	}
	l.challenge, l.count = c, 0
	return true
}

// authorization is the header for one request with the present nonce.
func (l *login) authorization(user, password string, r *http.Request, body []byte) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.challenge == nil {
		return "", errors.New("there is no challenge to answer")
	}
	l.count++
	return answerChallenge(l.challenge, l.count, user, password, r, body)
}

func answerChallenge(c *digest.Challenge, count int, user, password string, r *http.Request, body []byte) (string, error) {
	credentials, err := digest.Digest(c, digest.Options{
		Method: r.Method, URI: r.URL.RequestURI(), Count: count, Username: user, Password: password,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	})
	if err != nil {
		return "", fmt.Errorf("answering its HTTP Digest: %w", err)
	}
	return credentials.String(), nil
}

// take waits for the turn to find out how to log in.
func (l *login) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *login) give() { <-l.turn }

// An attempt is one kind that was tried, and what came of it.
type attempt struct {
	kind   kind
	name   string
	status int
	fault  *Fault
}

func (a attempt) String() string {
	said := a.fault.Reason
	if said == "" {
		said = a.fault.Subcode
	}
	if _, told := a.fault.attemptsLeft(); a.fault.page && !told && !a.fault.locked() {
		said = "" // a web page that says no more than its status
	}
	text := a.name
	if a.status != http.StatusOK {
		text += fmt.Sprintf(" %d", a.status)
	}
	if said != "" {
		text += fmt.Sprintf(" (%s)", printable(said, 160))
	}
	return text
}

// refusedError is the sentence about all attempts.
func refusedError(tried []attempt, left string) error {
	texts := make([]string, 0, len(tried))
	cause := ErrNotAuthorized
	word := "password refused: "
	for _, a := range tried {
		texts = append(texts, a.String())
		if a.fault.locked() {
			cause, word = ErrLocked, "the camera has locked the account: "
		}
	}
	text := word + strings.Join(texts, "; ")
	if n, told := tried[len(tried)-1].fault.attemptsLeft(); told {
		text += fmt.Sprintf("; the camera says that %d more tries may lock the account", n)
	}
	return &sentence{text + left, errors.Join(cause, ErrNotAuthorized, tried[len(tried)-1].fault)}
}
