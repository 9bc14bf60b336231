// Package diagnose walks the way from an address to a picture, step by step, and says of
// the first step that fails why it does and what to do about it.
package diagnose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"camgate/camera/source"
	"camgate/onvif"
)

// A Target is a camera as a configuration describes it.
type Target struct {
	Name    string // for messages; "" takes the host
	Address source.Address
	Source  source.Options

	// DigestOnly never sends the password in a form that can be read, over ONVIF and to the
	// streams that the camera names.
	DigestOnly bool
}

// name is what the target is called.
func (t Target) name() string {
	if t.Name != "" {
		return t.Name
	}
	return t.Address.Host()
}

// A Step is one step of the way. Texts are sentences without a full stop.
type Step struct {
	Name    string        `json:"name"`
	OK      bool          `json:"ok"`
	Skipped bool          `json:"skipped,omitempty"` // not tried: an earlier step failed
	Text    string        `json:"text,omitempty"`    // what was found, or why it failed
	Mend    string        `json:"mend,omitempty"`    // what to do about it
	Took    time.Duration `json:"took_ns"`
}

// A Report is what was learned of a camera.
type Report struct {
	OK          bool      `json:"ok"`
	Address     string    `json:"address"` // without user and password
	Maker       string    `json:"maker,omitempty"`
	Model       string    `json:"model,omitempty"`
	Firmware    string    `json:"firmware,omitempty"`
	Serial      string    `json:"serial,omitempty"`
	Hardware    string    `json:"hardware,omitempty"`
	Hostname    string    `json:"hostname,omitempty"`
	Endpoint    string    `json:"endpoint,omitempty"`   // endpoint reference: `id` of a configuration
	ClockSkew   *float64  `json:"clock_skew,omitempty"` // seconds; above 0 where the camera is ahead
	ClockSource string    `json:"clock_source,omitempty"`
	Login       string    `json:"login,omitempty"`
	Profiles    []Profile `json:"profiles,omitempty"`
	Notes       []string  `json:"notes,omitempty"` // what was odd, and mended
	Steps       []Step    `json:"steps"`
}

// A Profile is one stream that a camera offers.
type Profile struct {
	Token       string  `json:"token,omitempty"`
	Name        string  `json:"name,omitempty"`
	Codec       string  `json:"codec,omitempty"`
	Width       int     `json:"width,omitempty"`
	Height      int     `json:"height,omitempty"`
	FPS         float64 `json:"fps,omitempty"`
	Bitrate     int     `json:"bitrate,omitempty"` // kbit/s
	GOP         int     `json:"gop,omitempty"`     // pictures
	VideoSource string  `json:"video_source,omitempty"`
	PTZ         bool    `json:"ptz"`
	Stream      string  `json:"stream,omitempty"`   // without user and password
	Snapshot    string  `json:"snapshot,omitempty"` // likewise
}

// walk is a way of steps that ends at the first failure.
type walk struct {
	ctx    context.Context
	report *Report
	tell   func(Step)
	failed bool

	profiles []onvif.Profile
	found    []foundStream
}

func newWalk(ctx context.Context, t Target, tell func(Step)) *walk {
	if tell == nil {
		tell = func(Step) {}
	}
	return &walk{ctx: ctx, report: &Report{Address: t.Address.String()}, tell: tell}
}

// step tries something that nothing later can do without. What it returns is told.
func (w *walk) step(name string, try func() (string, error)) {
	w.try(name, true, try)
}

// extra tries something that the others can do without.
func (w *walk) extra(name string, try func() (string, error)) {
	w.try(name, false, try)
}

func (w *walk) try(name string, needed bool, try func() (string, error)) {
	s := Step{Name: name, Skipped: w.failed}
	if !w.failed {
		began := time.Now()
		text, err := try()
		if err != nil && errors.Is(w.ctx.Err(), context.Canceled) { // by whoever asked: the camera is not to blame
			err = fmt.Errorf("interrupted: %w", w.ctx.Err())
		}
		s.Took, s.OK, s.Text = time.Since(began), err == nil, text
		if err != nil {
			s.Text, s.Mend = err.Error(), mend(err)
			w.failed = needed
		}
	}
	w.report.Steps = append(w.report.Steps, s)
	w.tell(s)
}

// foundStream is a stream as it is dialled, with user and password: the report shows none.
type foundStream struct {
	profile onvif.Profile
	address source.Address
}

// mendable is an error that knows its mend.
type mendable struct {
	error
	mend string
}

func (m mendable) Unwrap() error { return m.error }

// mend is what to do about an error, where that is known and the error does not say it.
func mend(err error) string {
	var known mendable
	var unreachable *onvif.UnreachableError
	switch {
	case errors.As(err, &known):
		return known.mend
	case errors.Is(err, onvif.ErrLocked):
		return "wait until the camera unlocks the account (often 5 to 30 minutes), or unlock it in the camera, and give the right password"
	case errors.Is(err, onvif.ErrNotAuthorized):
		return "give the camera's user and password in its address, onvif://user:password@…; many cameras have users for ONVIF of their own, to be made in the camera's settings. Do not try often: cameras lock accounts"
	case errors.Is(err, onvif.ErrNotONVIF), errors.Is(err, onvif.ErrMalformed):
		return "ask at the camera's ONVIF port: 80, 8000, 8080, 8899 and 2020 are common; on some cameras ONVIF must be switched on first. Without it, its RTSP address does: rtsp://…"
	case errors.As(err, &unreachable):
		return "is the camera switched on, on this network, and the address right? `camgate discover` lists what answers"
	case errors.Is(err, context.DeadlineExceeded):
		return "the camera takes very long: is it overloaded, or the network?"
	}
	return ""
}

// locate looks for the ONVIF port of an address that names none. Where none is found the
// usual one is walked to, and tells why.
func (w *walk) locate(t Target) Target {
	if !t.Address.ONVIF() || t.Address.PortGiven() {
		return t
	}
	service, _, _ := t.Address.Service()
	found, err := onvif.Locate(w.ctx, onvif.Options{Address: service, TLSFingerprint: t.Source.TLSFingerprint, TLSInsecure: t.Source.TLSInsecure, Log: t.Source.Log})
	if err != nil {
		return t
	}
	u, err := url.Parse(found)
	if err != nil || u.Host == t.Address.Host() {
		return t
	}
	w.step("port", func() (string, error) {
		return "ONVIF answers on port " + u.Port() + "; the gateway finds that out too", nil
	})
	t.Address = t.Address.At(u.Host)
	w.report.Address = t.Address.String()
	return t
}

// reach looks the host up and dials it.
func (w *walk) reach(host string) {
	name, port, _ := net.SplitHostPort(host)
	if net.ParseIP(strings.Split(name, "%")[0]) == nil {
		w.step("name", func() (string, error) {
			found, err := net.DefaultResolver.LookupHost(w.ctx, name)
			if err != nil {
				return "", mendable{fmt.Errorf("%s has no address", name), "check the name, or write the camera's IP address"}
			}
			return name + " is " + strings.Join(found, ", "), nil
		})
	}
	w.step("network", func() (string, error) {
		began := time.Now()
		conn, err := source.DialHost(w.ctx, host, dialTimeout)
		if err != nil {
			return "", mendable{fmt.Errorf("%s does not answer on port %s: %w", name, port, err), refusedMend(err, port)}
		}
		conn.Close()
		return fmt.Sprintf("%s answers on port %s after %.1f ms", name, port, time.Since(began).Seconds()*1000), nil
	})
}

const dialTimeout = 4 * time.Second

func refusedMend(err error, port string) string {
	if strings.Contains(err.Error(), "refused") {
		return "something is at this address, but nothing listens on port " + port + ": is it another port, or is the service switched off in the camera?"
	}
	return "is the camera switched on, on this network, and the address right? `camgate discover` lists what answers"
}
