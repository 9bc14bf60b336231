package onvif

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxRedirects = 3
	maxHeader    = 64 << 10
	maxIdle      = 2 // connections that wait for the next request
	maxOpen      = 6 // connections at once; events hold one
)

// errBadHead: net/http does not take the answer's head.
var errBadHead = errors.New("its HTTP answer cannot be read")

// A transport sends HTTP requests to one camera, and to nobody else.
type transport struct {
	host    string // the camera's, with zone, as url.URL.Hostname gives it
	client  *http.Client
	lenient *http.Client // for cameras whose HTTP headers are none
	odd     atomic.Bool  // this is one
}

func newTransport(host string, check *certificateCheck) *transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second} // the request's own limit is shorter as a rule
	strict := &http.Transport{
		Proxy:                  nil, // a camera's password is nothing for the environment's proxy
		DialContext:            dialer.DialContext,
		TLSClientConfig:        check.config(),
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		MaxConnsPerHost:        maxOpen,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
	lenient := strict.Clone()
	lenient.DisableKeepAlives = true // one head a connection
	lenient.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		return filterHead(conn), err
	}
	lenient.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&tls.Dialer{NetDialer: dialer, Config: check.config()}).DialContext(ctx, network, address)
		return filterHead(conn), err
	}
	return &transport{host: host, client: withoutRedirects(strict), lenient: withoutRedirects(lenient)}
}

func withoutRedirects(t *http.Transport) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (t *transport) close() { t.client.CloseIdleConnections() }

// An outgoing is one HTTP request, before redirects and logging in.
type outgoing struct {
	method      string
	url         *url.URL
	body        []byte
	contentType string
	limit       int64 // bytes of the answer
	timeout     time.Duration
	authorize   func(*http.Request) error // sets the Authorization header; nil: none
}

// An answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL      // that answered, after redirects
	took   time.Duration // until the header was there
	at     time.Time     // when that was
}

// send does the request. Redirects are followed to the camera's own host only, and never
// from https to http.
func (t *transport) send(ctx context.Context, o outgoing) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	target := o.url
	for range maxRedirects + 1 {
		a, err := t.once(ctx, o, target)
		if err != nil {
			return nil, err
		}
		location := a.header.Get("Location")
		if a.status < 300 || a.status > 399 || location == "" {
			return a, nil
		}
		if target, err = t.redirect(target, location); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("it redirects more than %d times, last to %s", maxRedirects, redactURL(target))
}

func (t *transport) redirect(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" {
		return nil, fmt.Errorf("%w: it redirects to %q", ErrMalformed, printable(location, 100))
	}
	to.User = nil
	if zoneless(to.Hostname()) != zoneless(t.host) {
		return nil, fmt.Errorf("it redirects to another host, %s, which is not followed: it would get the password", printable(to.Host, 100))
	}
	to.Host = withHost(t.host, to.Port())
	if from.Scheme == "https" && to.Scheme == "http" {
		return nil, errors.New("it redirects from https to http, which is not followed")
	}
	return to, nil
}

func (t *transport) once(ctx context.Context, o outgoing, target *url.URL) (*answer, error) {
	if zoneless(target.Hostname()) != zoneless(t.host) {
		return nil, fmt.Errorf("%s is not the camera's own host %s: not asked", printable(target.Host, 100), t.host)
	}
	a, err := t.do(ctx, o, target, t.odd.Load())
	if errors.Is(err, errBadHead) {
		if a, err = t.do(ctx, o, target, true); err == nil {
			t.odd.Store(true)
		}
	}
	return a, err
}

func (t *transport) do(ctx context.Context, o outgoing, target *url.URL, lenient bool) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, o.method, target.String(), bytes.NewReader(o.body))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrMalformed, printable(err.Error(), 200))
	}
	request.Header.Set("User-Agent", "camgate")
	if o.contentType != "" {
		request.Header.Set("Content-Type", o.contentType)
	}
	if o.authorize != nil {
		if err := o.authorize(request); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	client := t.client
	if lenient {
		client = t.lenient
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, t.unreachable(ctx, target, err)
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header, url: target, at: time.Now()}
	a.took = a.at.Sub(start)
	a.body, err = io.ReadAll(io.LimitReader(response.Body, o.limit+1))
	if int64(len(a.body)) > o.limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, o.limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: it ends in the middle: %s", ErrMalformed, printable(err.Error(), 100))
	}
	return a, nil
}

// unreachable says why no answer came.
func (t *transport) unreachable(ctx context.Context, target *url.URL, err error) error {
	var certificate *CertificateError
	if errors.As(err, &certificate) {
		return certificate
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which may hold a password in its query
	}
	if text := err.Error(); strings.Contains(text, "malformed") || strings.Contains(text, "invalid header") {
		return fmt.Errorf("%w: %w: %s", ErrMalformed, errBadHead, printable(text, 200))
	}
	if errors.Is(err, context.Canceled) || errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Canceled
	}
	port := target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[target.Scheme]
	}
	return &UnreachableError{Address: net.JoinHostPort(target.Hostname(), port), Cause: err}
}
