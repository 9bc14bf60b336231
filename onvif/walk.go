package onvif

import (
	"context"
	"net/http"
	"regexp"

	"github.com/icholy/digest"
)

// A walk is the one search for the way to log in: what the camera offered, what was tried.
// Each kind is tried once, WS-UsernameToken once for each idea of the camera's clock.
type walk struct {
	digestOnly bool
	clocks     []Clock // ideas of the camera's clock, best first, at most two
	offered    *digest.Challenge
	basic      bool // HTTP Basic was offered
	passed     bool // HTTP Digest was taken, but SOAP wants more
	asksText   bool // the camera says that it wants PasswordText

	tried   []attempt
	count   map[kind]int
	stopped bool
}

// fewTries: when the camera says that no more than these are left, nothing more is tried.
const fewTries = 2

// learn takes in an answer that says "not authorized".
func (w *walk) learn(way kind, a *answer, f *Fault) {
	if a.status == http.StatusUnauthorized {
		all := challenges(a.header)
		if best := strongestDigest(all); best != nil {
			w.offered = best
		}
		w.basic = w.basic || offers(all, "basic")
	} else if way == httpDigest {
		w.passed = true
	}
	w.asksText = w.asksText || asksForText(f)
	if left, told := f.attemptsLeft(); f.locked() || told && left <= fewTries {
		w.stopped = true
	}
}

var textWords = regexp.MustCompile(`(?i)password\s*text|plain\s*text password`)

// asksForText tells whether a fault is one that cameras answer to a PasswordDigest when they
// only take PasswordText (WS-Security 1.1, section 12: wsse:UnsupportedSecurityToken).
func asksForText(f *Fault) bool {
	return f.subcodeIn("UnsupportedSecurityToken", "UnsupportedAlgorithm", "InvalidSecurityToken") ||
		textWords.MatchString(f.Reason+" "+f.Detail)
}

// next is what to try next, and with which clock.
func (w *walk) next() (way kind, clock Clock, ok bool) {
	switch {
	case w.stopped:
		return
	case w.offered != nil && w.count[httpDigest] == 0:
		return httpDigest, Clock{}, true
	case w.passed && w.count[both] < len(w.clocks):
		return both, w.clocks[w.count[both]], true
	case w.passed:
		return
	case w.count[wsse] < len(w.clocks) && w.worthWSSE():
		return wsse, w.clocks[w.count[wsse]], true
	case w.basic && w.offered == nil && !w.digestOnly && w.count[basic] == 0:
		return basic, Clock{}, true
	case w.textLeft() && !w.digestOnly && w.count[plain] == 0:
		return plain, w.clocks[0], true
	}
	return
}

// worthWSSE: a second clock is of use only where the first was refused by SOAP. Behind an
// HTTP challenge WS-UsernameToken gets one chance.
func (w *walk) worthWSSE() bool {
	return w.count[wsse] == 0 || w.tried[len(w.tried)-1].status != http.StatusUnauthorized
}

// textLeft: the camera asks for PasswordText, or has refused the one digest that it could
// check and offers no other way.
func (w *walk) textLeft() bool {
	return w.count[wsse] > 0 && (w.asksText || w.offered == nil && !w.basic)
}

// forbidden says what DigestOnly keeps from being tried.
func (w *walk) forbidden() string {
	switch {
	case !w.digestOnly || w.stopped || w.passed:
		return ""
	case w.basic && w.offered == nil:
		return "; it offers HTTP Basic, which digest_only forbids"
	case w.textLeft():
		return "; it may want WS-UsernameToken with PasswordText, which digest_only forbids"
	}
	return ""
}

// logIn finds out how to log in. first is the answer to the anonymous request. When all was
// refused before, one thing is tried at a time, so that no camera counts more than one wrong
// password a minute. The caller holds the login's turn.
func (c *Client) logIn(ctx context.Context, r *request, first *answer) (*answer, error) {
	w := &walk{digestOnly: c.options.DigestOnly, clocks: c.clocks(ctx), count: map[kind]int{}}
	w.learn(anonymous, first, c.refusal(r, first))
	way, nth, once := c.login.turnOf(w.offered != nil)
	clock := w.clocks[min(nth, len(w.clocks)-1)]
	for ok := true; ok; {
		if !once {
			if way, clock, ok = w.next(); !ok {
				break
			}
		}
		a, err := c.try(ctx, r, w, way, clock)
		if a != nil || err != nil {
			return a, err
		}
		if once {
			break
		}
	}
	if len(w.tried) == 0 {
		f := c.refusal(r, first)
		w.tried = append(w.tried, attempt{anonymous, "nothing was tried, since the camera said at once", first.status, f})
	} else if !once && !w.stopped {
		c.login.exhausted(w.tried)
	}
	refused := refusedError(w.tried, w.forbidden())
	wait := patienceAfter(w.tried[len(w.tried)-1].fault)
	c.login.refuse(r.operation, refused, wait)
	return nil, waits(refused, wait)
}

// try sends the request in one way. Without an answer and an error it was refused.
func (c *Client) try(ctx context.Context, r *request, w *walk, way kind, clock Clock) (*answer, error) {
	algorithm := ""
	if way == httpDigest || way == both {
		c.login.offer(w.offered)
		algorithm = digestName(w.offered)
	}
	a, err := c.send(ctx, r, way, clock)
	if err != nil {
		return nil, err
	}
	w.count[way]++
	f := c.refusal(r, a)
	if f == nil {
		c.accepted(r, a, way, clock)
		return a, nil
	}
	w.tried = append(w.tried, attempt{way, way.name(algorithm), a.status, f})
	w.learn(way, a, f)
	return nil, nil
}

// accepted remembers the way that worked. An answer that is a fault of another kind proves
// nothing: some cameras look at the operation first and at the password later.
func (c *Client) accepted(r *request, a *answer, way kind, clock Clock) {
	if c.fault(r, a) != nil {
		return
	}
	c.login.accept(way)
	if way.soap() {
		c.chooseClock(clock)
	}
	if way == plain || way == basic {
		c.note("it takes the password in readable form only (" + way.name("") + "): whoever listens on the network learns it")
	}
}
