package onvif

import (
	"errors"
	"fmt"
)

// The errors of this package, for errors.Is. What is returned wraps them in a sentence.
var (
	// ErrNotAuthorized: the camera wants a password, or another one.
	ErrNotAuthorized = errors.New("not authorized")
	// ErrLocked: the camera has locked the account for a while.
	ErrLocked = errors.New("account locked")
	// ErrNotSupported: the camera does not know the operation.
	ErrNotSupported = errors.New("not supported by the camera")
	// ErrTooLarge: the answer has more than 1 MiB (a snapshot: 8 MiB), or is nested too deeply.
	ErrTooLarge = errors.New("answer too large")
	// ErrMalformed: the answer is no readable XML, or not of the kind that was asked for.
	ErrMalformed = errors.New("answer malformed")
	// ErrNotONVIF: something answers, but not ONVIF: a web page, another program.
	ErrNotONVIF = errors.New("not an ONVIF service")
)

// A Fault is a SOAP fault, or an HTTP error without one.
type Fault struct {
	Status                        int    // HTTP
	Code, Subcode, Reason, Detail string // local names; printable and bounded
}

func (f *Fault) Error() string {
	return fmt.Sprintf("the camera refuses: %s", f.Reason)
}

// An UnreachableError says that no answer came at all.
type UnreachableError struct {
	Address string // host and port
	Cause   error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s: no answer: %v", e.Address, e.Cause)
}

// Unwrap lets errors.Is find the cause.
func (e *UnreachableError) Unwrap() error { return e.Cause }
