package onvif

import (
	"log/slog"
	"time"
)

// Options say how to reach one camera.
type Options struct {
	// Address is http(s)://host[:port][/path]. An empty path means /onvif/device_service.
	Address string
	// User and Password, both empty: anonymous. A user with an empty password is sent as such.
	User, Password string
	// TLSFingerprint is the SHA-256 of the camera's certificate, in hexadecimal, colons
	// allowed. A certificate with this fingerprint is taken and no other.
	TLSFingerprint string
	// TLSInsecure takes any certificate.
	TLSInsecure bool
	// DigestOnly never sends the password in a form that can be read (PasswordText, Basic).
	DigestOnly bool
	// Timeout is that of one request; 0: 5 s. Waiting for events takes longer by design.
	Timeout time.Duration
	// Log may be nil.
	Log *slog.Logger
}
