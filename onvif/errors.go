package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// The errors of this package, for errors.Is. What is returned wraps them in a sentence.
var (
	// ErrNotAuthorized: the camera wants a password, or another one.
	ErrNotAuthorized = errors.New("not authorized")
	// ErrLocked: the camera has locked the account for a while. It is ErrNotAuthorized, too.
	ErrLocked = errors.New("account locked")
	// ErrNotSupported: the camera does not know the operation, or has no such service.
	ErrNotSupported = errors.New("not supported by the camera")
	// ErrTooLarge: the answer has more than 1 MiB (a snapshot: 8 MiB), or is nested too deeply.
	ErrTooLarge = errors.New("answer too large")
	// ErrMalformed: the answer is no readable XML, or not the one to the question.
	ErrMalformed = errors.New("answer malformed")
	// ErrNotONVIF: something answers, but not ONVIF: a web page, another program.
	ErrNotONVIF = errors.New("not an ONVIF service")
	// ErrNoPreset: the camera has stored no position of that name.
	ErrNoPreset = errors.New("it has no preset")
)

// An UnreachableError says that no answer came: no connection, or none in time.
type UnreachableError struct {
	Address string // host and port
	Cause   error
}

// Error says where and why.
func (e *UnreachableError) Error() string {
	if errors.Is(e.Cause, context.DeadlineExceeded) || e.timeout() {
		return e.Address + " gives no answer in time"
	}
	return fmt.Sprintf("%s does not answer: %s", e.Address, printable(e.Cause.Error(), 200))
}

// Unwrap lets errors.Is find the cause.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// timeout tells whether a connection was there and no answer came over it in time.
func (e *UnreachableError) timeout() bool {
	var n net.Error
	return errors.As(e.Cause, &n) && n.Timeout()
}

// A CertificateError says that the camera's certificate was refused. Fingerprint is its
// SHA-256, to be written into tls_fingerprint where the camera is the right one.
type CertificateError struct {
	Fingerprint string
	Pinned      bool // there is a tls_fingerprint, and it is another
}

// Error tells the fingerprint and what to do with it.
func (e *CertificateError) Error() string {
	if e.Pinned {
		return fmt.Sprintf("its certificate is another than tls_fingerprint says, namely %s: was it replaced, or is somebody in between?", e.Fingerprint)
	}
	return fmt.Sprintf("nobody that this machine trusts has signed its certificate; if it is the camera's own, write tls_fingerprint = %q", e.Fingerprint)
}

// A sentence is an error in words for the operator. errors.Is and errors.As see its cause,
// whose own text is not printed.
type sentence struct {
	text  string
	cause error
}

func (s *sentence) Error() string { return s.text }
func (s *sentence) Unwrap() error { return s.cause }
