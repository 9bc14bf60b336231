package onvif

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxSnapshot is how large a picture may be.
const maxSnapshot = 8 << 20

const snapshotOperation = "the snapshot"

// Snapshot fetches one picture from an address that SnapshotURI gave: a JPEG of at most
// 8 MiB, from the camera's own host only. It logs in by HTTP Digest or, unless DigestOnly,
// Basic, when the camera asks.
func (c *Client) Snapshot(ctx context.Context, uri string) ([]byte, error) {
	a, err := c.snapshot(ctx, uri)
	if err == nil {
		err = checkPicture(a)
	}
	if err != nil {
		return nil, c.explain(snapshotOperation, err)
	}
	return a.body, nil
}

func (c *Client) snapshot(ctx context.Context, uri string) (*answer, error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %q is no address", ErrMalformed, redactText(uri))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: the address of its pictures is %s://, which is no picture but a stream", ErrNotSupported, printable(u.Scheme, 20))
	}
	u.User = nil
	carried := CarriesPassword(uri)
	way := c.pictures.state()
	if carried && way != unknown {
		u, carried = withoutPassword(u), false // the header works; some dislike both
	}
	a, err := c.fetch(ctx, u, way)
	if err != nil || !wantsLogin(a) {
		return a, err
	}
	if !c.credentials() {
		return nil, c.anonymousRefused(c.pageFault(a))
	}
	if carried {
		u = withoutPassword(u)
	}
	if err := c.pictures.take(ctx); err != nil {
		return nil, err
	}
	defer c.pictures.give()
	if held := c.pictures.remembered(snapshotOperation); held != nil {
		return nil, c.notAgain(held)
	}
	return c.fetchLoggedIn(ctx, u, way, a)
}

func wantsLogin(a *answer) bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
}

func (c *Client) pageFault(a *answer) *Fault {
	f := httpFault(a.status, a.body)
	c.clean(f)
	return f
}

// fetchLoggedIn answers the challenge of an answer, once.
func (c *Client) fetchLoggedIn(ctx context.Context, u *url.URL, before kind, a *answer) (*answer, error) {
	all := challenges(a.header)
	best := strongestDigest(all)
	way, name, fresh := basic, basic.name(""), before == unknown
	switch {
	case best != nil:
		way, name = httpDigest, httpDigest.name(digestName(best))
		fresh = c.pictures.replace(best) || fresh
	case !offers(all, "basic"):
		return nil, &sentence{"it refuses without saying how to log in: " + c.pageFault(a).Error(), ErrNotAuthorized}
	case c.options.DigestOnly:
		return nil, &sentence{"it wants the password in readable form (HTTP Basic), which digest_only forbids", ErrNotAuthorized}
	case c.base.Scheme == "https" && u.Scheme == "http":
		return nil, &sentence{"it wants the password in readable form (HTTP Basic) over http, though it was reached over https: not sent", ErrNotAuthorized}
	default:
		fresh = before != basic
	}
	if fresh { // the same again would be the same password for the same nonce
		again, err := c.fetch(ctx, u, way)
		if err != nil {
			return nil, err
		}
		if a = again; !wantsLogin(a) {
			c.pictures.accept(way)
			return a, nil
		}
	}
	fault := c.pageFault(a)
	refused, wait := refusedError([]attempt{{way, name, a.status, fault}}, ""), patienceAfter(fault)
	c.pictures.refuse(snapshotOperation, refused, wait)
	return nil, waits(refused, wait)
}

// fetch gets an address in one way, once.
func (c *Client) fetch(ctx context.Context, u *url.URL, way kind) (*answer, error) {
	o := outgoing{method: http.MethodGet, url: u, limit: maxSnapshot, timeout: c.options.Timeout}
	switch way {
	case httpDigest:
		o.authorize = func(r *http.Request) error {
			header, err := c.pictures.authorization(c.options.User, c.options.Password, r, nil)
			r.Header.Set("Authorization", header)
			return err
		}
	case basic:
		o.authorize = func(r *http.Request) error {
			r.SetBasicAuth(c.options.User, c.options.Password)
			return nil
		}
	}
	return c.transport.send(ctx, o)
}

// withoutPassword is the address without the parameters of its query that log in.
func withoutPassword(u *url.URL) *url.URL {
	var kept []string
	for _, pair := range strings.Split(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		switch strings.ToLower(name) {
		case "user", "username", "usr", "loginuse", "password", "passwd", "pwd", "pass", "psw", "loginpas", "authbasic":
		default:
			kept = append(kept, pair)
		}
	}
	bare := *u
	bare.RawQuery = strings.Join(kept, "&")
	return &bare
}

func checkPicture(a *answer) error {
	if a.status != http.StatusOK {
		return httpFault(a.status, a.body)
	}
	if !bytes.HasPrefix(a.body, []byte{0xff, 0xd8, 0xff}) {
		return fmt.Errorf("%w: it sends %s, %d bytes, which is no JPEG", ErrMalformed, printable(a.header.Get("Content-Type"), 60), len(a.body))
	}
	return nil
}
