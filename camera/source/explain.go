package source

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

// sentence puts camera and address in front of a cause, and takes passwords out, which a
// camera may send back.
func (s *session) sentence(err error) error {
	text := fmt.Sprintf("camera %q: %s: %s", s.options.Camera, s.address.host, printable(err.Error(), 600))
	return &explained{scrub(text, s.address), err}
}

// explained is an error with words of our own. errors.Is sees its cause; nobody prints it.
type explained struct {
	text  string
	cause error
}

func (e *explained) Error() string { return e.text }

// Is lets errors.Is find the errors of this package; the cause's own text stays hidden.
func (e *explained) Is(target error) bool { return errors.Is(e.cause, target) }

// explain makes a sentence for the operator of the error that ended a session.
func (s *session) explain(err error) error {
	var status liberrors.ErrClientBadStatusCode
	switch {
	case s.tls.refused != nil:
		err = s.tls.refused
	case err == nil, errors.As(err, &liberrors.ErrClientTerminated{}), errors.Is(err, io.EOF) && s.played():
		err = errGoodbye
	case errors.Is(err, io.EOF):
		err = errors.New("it hung up without an answer; is this its RTSP port?")
	case errors.As(err, &liberrors.ErrClientAuthSetup{}):
		err = errors.New("it asks for a way to log in that camgate does not know (Basic and Digest are known); change it in the camera")
	case errors.As(err, &status):
		err = s.explainStatus(status)
	}
	return s.sentence(err)
}

func (s *session) explainStatus(status liberrors.ErrClientBadStatusCode) error {
	answer := fmt.Sprintf("(%d %s)", status.Code, printable(status.Message, 60))
	switch status.Code {
	case base.StatusUnauthorized, base.StatusForbidden:
		mend := "check user and password in its source, or password_file; the next try is in a minute, so that the camera does not lock the account"
		if s.address.user == nil {
			mend = "its source names no user: write rtsp://user:password@…"
		}
		return fmt.Errorf("%w %s; %s", ErrUnauthorized, answer, mend)
	case base.StatusNotFound:
		return fmt.Errorf("it has no stream %s %s; check the path in its source", redact(s.address.rest), answer)
	case base.StatusUnsupportedTransport:
		return fmt.Errorf("it does not send over %s %s; transport = \"auto\" finds what it does", s.transport, answer)
	case base.StatusServiceUnavailable, base.StatusNotEnoughBandwidth:
		return fmt.Errorf("it is too busy %s; does it allow another stream?", answer)
	}
	return fmt.Errorf("it refuses %s", answer)
}

func (s *session) played() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.playing
}

// scrub replaces the address's password in text, in each form in which it travels. One or
// two letters are no secret, and replacing them would leave no text.
func scrub(text string, a Address) string {
	password, has := a.user.Password()
	if !has || len(password) < 3 {
		return text
	}
	pair := a.user.Username() + ":" + password
	for _, secret := range []string{
		base64.StdEncoding.EncodeToString([]byte(pair)),
		base64.StdEncoding.EncodeToString([]byte(password)),
		url.UserPassword("", password).String()[1:],
		url.QueryEscape(password), url.PathEscape(password), password, printable(password, len(password)),
	} {
		if len(secret) >= 3 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// printable is s without what a terminal or a page might take amiss, at most n bytes and
// some.
func printable(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
