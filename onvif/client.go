package onvif

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Client asks one camera. It is safe for concurrent use. It connects when first asked,
// and remembers clock, services and the way to log in for its life: after a change of the
// camera's address or password make a new one.
//
// Errors are sentences with the camera's address, and wrap the errors of this package.
type Client struct {
	options   Options
	base      *url.URL // of the device service, as reached
	transport *transport
	login     *login // to the services
	pictures  *login // to snapshots, which may ask otherwise
	clock     clockState
	services  serviceState
	log       *slog.Logger

	pull  time.Duration // how long one PullMessages waits
	lease time.Duration // how long a subscription lives without being renewed

	mu    sync.Mutex
	notes []string
}

// New checks the options. It does not touch the network.
func New(o Options) (*Client, error) {
	base, err := parseAddress(o.Address)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	check := &certificateCheck{
		pin:      strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(o.TLSFingerprint)),
		insecure: o.TLSInsecure,
		host:     zoneless(base.Hostname()),
	}
	if n := len(check.pin); n != 0 && n != 64 {
		return nil, fmt.Errorf("tls_fingerprint has %d digits; the SHA-256 of a certificate has 64", n)
	}
	c := &Client{
		options: o, base: base, login: newLogin(), pictures: newLogin(), log: o.Log, pull: pullTime, lease: lifeTime,
		transport: newTransport(base.Hostname(), check),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Close ends idle connections. Calls that are under way end by their contexts.
func (c *Client) Close() { c.transport.close() }

// Auth says how the client logs in now: "anonymous", "WS-UsernameToken", "HTTP Digest
// (SHA-256)", …
func (c *Client) Auth() string { return c.login.name() }

// Notes are sentences about what was odd and mended, oldest first, each once.
func (c *Client) Notes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.notes)
}

const maxNotes = 32

func (c *Client) note(text string) {
	text = c.scrub(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) < maxNotes && !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
		c.log.Info("onvif: "+text, "camera", c.base.Host)
	}
}

func (c *Client) credentials() bool { return c.options.User != "" || c.options.Password != "" }

// explain puts the camera and what was asked in front of an error.
func (c *Client) explain(operation string, err error) error {
	var unreachable *UnreachableError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unreachable):
		return &sentence{"camera " + c.scrub(err.Error()), err}
	}
	text := err.Error()
	var fault *Fault
	switch {
	case errors.Is(err, ErrNotONVIF):
		text += "; is this its ONVIF port?"
	case errors.As(err, &fault) && !errors.Is(err, ErrNotAuthorized):
		text = "it refuses: " + text
	}
	return &sentence{c.scrub(fmt.Sprintf("camera %s: %s: %s", c.base.Host, operation, text)), err}
}

// scrub takes the password out of a text, in each form in which it travels. One or two
// letters are no secret, and replacing them would leave no text.
func (c *Client) scrub(text string) string {
	password := c.options.Password
	if len(password) < 3 {
		return text
	}
	for _, secret := range []string{
		base64.StdEncoding.EncodeToString([]byte(c.options.User + ":" + password)),
		base64.StdEncoding.EncodeToString([]byte(password)),
		url.UserPassword("", password).String()[1:],
		url.QueryEscape(password), url.PathEscape(password), html.EscapeString(password), strings.ReplaceAll(html.EscapeString(password), "&#34;", "&quot;"), password, printable(password, len(password)),
	} {
		if len(secret) >= 3 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}
