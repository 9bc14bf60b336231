package onvif

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"strings"
)

// certificateCheck is the check of a camera's certificate. Cameras sign their own: those
// are taken when their fingerprint is in the configuration.
type certificateCheck struct {
	pin      string
	insecure bool
	host     string // without zone
}

func (c *certificateCheck) config() *tls.Config {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // verify does it, with a sentence and a pin
		VerifyConnection:   c.verify,
	}
	if c.insecure {
		config.MinVersion = tls.VersionTLS10 // old cameras; safe it is not anyway
	}
	return config
}

func (c *certificateCheck) verify(state tls.ConnectionState) error {
	if c.insecure {
		return nil
	}
	leaf := state.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	fingerprint := hex.EncodeToString(sum[:])
	if c.pin != "" {
		if strings.EqualFold(c.pin, fingerprint) {
			return nil
		}
		return &CertificateError{Fingerprint: fingerprint, Pinned: true}
	}
	intermediates := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		intermediates.AddCert(cert)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: c.host, Intermediates: intermediates}); err != nil {
		return &CertificateError{Fingerprint: fingerprint}
	}
	return nil
}
