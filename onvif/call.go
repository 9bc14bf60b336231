package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A request is one SOAP operation.
type request struct {
	operation string // local name, "GetProfiles"
	action    string // of the Content-Type header (SOAP 1.2, RFC 3902)
	url       *url.URL
	body      any     // a structure of use-go/onvif, or one like them
	headers   []any   // SOAP headers besides wsse:Security
	reply     any     // pointer; nil where nothing in the answer matters
	raw       *[]byte // gets the answer's bytes; may be nil
	timeout   time.Duration
	// open operations are asked anonymously first, always: class PRE_AUTH (ONVIF Core, section
	// 5.9.4.3). Some cameras refuse even these when a wrong token comes with them.
	open bool
}

// call does an operation, logging in as needed, and fills its reply. Errors are sentences.
func (c *Client) call(ctx context.Context, r *request) error {
	if r.timeout == 0 {
		r.timeout = c.options.Timeout
	}
	start := time.Now()
	a, err := c.exchange(ctx, r)
	if err == nil {
		err = c.read(r, a)
	}
	err = c.explain(r.operation, err)
	c.log.Debug("onvif", "camera", c.base.Host, "operation", r.operation, "login", c.login.name(), "took", time.Since(start), "error", err)
	return err
}

// exchange sends the request until it is answered by something else than "not authorized",
// in the ways that are left to try.
func (c *Client) exchange(ctx context.Context, r *request) (*answer, error) {
	way := c.login.state()
	var first *answer
	if r.open || way == unknown || way == anonymous || !c.credentials() {
		a, err := c.send(ctx, r, anonymous, Clock{})
		if err != nil || c.refusal(r, a) == nil {
			return a, err
		}
		first = a
		if !c.credentials() {
			return nil, c.anonymousRefused(c.refusal(r, a))
		}
	}
	if held := c.login.remembered(r.operation); held != nil {
		return nil, c.notAgain(held)
	}
	if way = c.login.state(); way != unknown && way != anonymous {
		return c.sendKnown(ctx, r, way)
	}
	if err := c.login.take(ctx); err != nil {
		return nil, err
	}
	defer c.login.give()
	if held := c.login.remembered(r.operation); held != nil { // while waiting for the turn
		return nil, c.notAgain(held)
	}
	if way = c.login.state(); way != unknown && way != anonymous {
		return c.sendKnown(ctx, r, way)
	}
	if first == nil {
		a, err := c.send(ctx, r, anonymous, Clock{})
		if err != nil || c.refusal(r, a) == nil {
			return a, err
		}
		first = a
	}
	return c.logIn(ctx, r, first)
}

// send sends the request in one way, once.
func (c *Client) send(ctx context.Context, r *request, way kind, clock Clock) (*answer, error) {
	headers := r.headers
	now := time.Now().Add(clock.Skew)
	switch way {
	case wsse, both:
		headers = append([]any{wsseDigest(c.options.User, c.options.Password, now)}, headers...)
	case plain:
		headers = append([]any{wsseText(c.options.User, c.options.Password, now)}, headers...)
	}
	body, err := envelope(r.body, headers...)
	if err != nil {
		return nil, err
	}
	o := outgoing{
		method: http.MethodPost, url: r.url, body: body, limit: maxReply, timeout: r.timeout,
		contentType: fmt.Sprintf("application/soap+xml; charset=utf-8; action=%q", r.action),
	}
	switch way {
	case httpDigest, both:
		o.authorize = func(q *http.Request) error {
			header, err := c.login.authorization(c.options.User, c.options.Password, q, body)
			q.Header.Set("Authorization", header)
			return err
		}
	case basic:
		o.authorize = func(q *http.Request) error {
			q.SetBasicAuth(c.options.User, c.options.Password)
			return nil
		}
	}
	return c.transport.send(ctx, o)
}

// sendKnown sends in the way that worked before. What may have gone stale, a nonce or the
// clock, is fetched anew once.
func (c *Client) sendKnown(ctx context.Context, r *request, way kind) (*answer, error) {
	clock, err := c.clockFor(ctx, way)
	if err != nil {
		return nil, err
	}
	name := c.login.name()
	a, err := c.send(ctx, r, way, clock)
	if err != nil {
		return nil, err
	}
	fault := c.refusal(r, a)
	if fault == nil {
		c.login.accept(way)
		return a, nil
	}
	again := !c.login.struck()
	for n := 0; n < maxStale && !fault.locked() && (again || stale(a)); n++ {
		if again = false; !c.renew(ctx, a, way, &clock) {
			break
		}
		if a, err = c.send(ctx, r, way, clock); err != nil {
			return nil, err
		}
		if fault = c.refusal(r, a); fault == nil {
			c.login.accept(way)
			return a, nil
		}
	}
	// A camera may have lost its users meanwhile, and refuse all that is signed.
	if open, err := c.send(ctx, r, anonymous, Clock{}); err == nil && c.refusal(r, open) == nil {
		return open, nil
	}
	refused := refusedError([]attempt{{way, name, a.status, fault}}, "")
	wait := patienceAfter(fault)
	c.login.refuse(r.operation, refused, wait)
	return nil, waits(refused, wait)
}

// maxStale is how often a request is sent again because its nonce was stale.
const maxStale = 4

// stale tells whether an answer says that the password is right and the nonce old (RFC 7616,
// section 3.3). With requests at once that may happen to each of them.
func stale(a *answer) bool {
	best := strongestDigest(challenges(a.header))
	return a.status == http.StatusUnauthorized && best != nil && best.Stale
}

// renew makes what the way needs anew, and tells whether that changed anything: only then
// is it worth to send the password again.
func (c *Client) renew(ctx context.Context, a *answer, way kind, clock *Clock) bool {
	changed := false
	if way == httpDigest || way == both {
		// Nonces expire; most cameras just send another one, without saying stale=true.
		if offered := strongestDigest(challenges(a.header)); a.status == http.StatusUnauthorized && offered != nil {
			changed = c.login.replace(offered)
		}
	}
	if way.soap() && a.status != http.StatusUnauthorized {
		if renewed, ok := c.renewClock(ctx); ok {
			*clock, changed = renewed, true
		}
	}
	return changed
}

// refusal is the fault when the answer says "not authorized", else nil.
func (c *Client) refusal(r *request, a *answer) *Fault {
	var f *Fault
	if err := c.fault(r, a); errors.As(err, &f) && f.notAuthorized() {
		return f
	}
	return nil
}

// fault is the SOAP fault in an answer, or the HTTP error; nil where there is none.
func (c *Client) fault(r *request, a *answer) error {
	if a.status == http.StatusOK && !strings.Contains(string(a.body), "Fault") {
		return nil
	}
	err := readReply(a.body, a.status, r.operation, nil)
	var f *Fault
	switch {
	case errors.As(err, &f):
		c.clean(f)
		return f
	case a.status >= 300 && err != nil: // no SOAP at all
		f = httpFault(a.status, a.body)
		c.clean(f)
		return f
	}
	return nil
}

// read fills the request's reply.
func (c *Client) read(r *request, a *answer) error {
	if err := c.fault(r, a); err != nil {
		var f *Fault
		if errors.As(err, &f) && f.Code == "" && f.Status == http.StatusNotFound {
			return errors.Join(err, ErrNotONVIF)
		}
		return err
	}
	if r.raw != nil {
		*r.raw = a.body
	}
	return readReply(a.body, a.status, r.operation, r.reply)
}

// clean takes the password out of what a camera may have sent back.
func (c *Client) clean(f *Fault) {
	for _, s := range []*string{&f.Code, &f.Subcode, &f.Reason, &f.Detail} {
		*s = c.scrub(*s)
	}
}

func (c *Client) anonymousRefused(f *Fault) error {
	return &sentence{"it wants a user and a password, and none is given: " + f.Error(), errors.Join(ErrNotAuthorized, f)}
}

// notAgain is a remembered refusal.
func (c *Client) notAgain(r *refusal) error {
	left := r.until.Sub(c.login.now()).Round(time.Second)
	return &sentence{fmt.Sprintf("%s; not sent again for %s, so that the camera does not lock the account", r.err, left), r.err}
}

// waits is a fresh refusal.
func waits(err error, wait time.Duration) error {
	next := "a minute"
	if wait != patience {
		next = fmt.Sprintf("%.0f minutes", wait.Minutes())
	}
	return &sentence{fmt.Sprintf("%s; check user and password; the next try is in %s, so that the camera does not lock the account", err, next), err}
}
