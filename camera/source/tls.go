package source

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
)

// certificateCheck is the check of a camera's certificate. Cameras sign their own: those
// are taken when their fingerprint is in the configuration.
type certificateCheck struct {
	pin      string
	insecure bool
	host     string
	refused  error
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
		if strings.EqualFold(strings.ReplaceAll(c.pin, ":", ""), fingerprint) {
			return nil
		}
		c.refused = fmt.Errorf("its certificate is another than tls_fingerprint says, namely %s: was it replaced, or is somebody in between?", fingerprint)
		return c.refused
	}
	intermediates := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		intermediates.AddCert(cert)
	}
	host, _, _ := net.SplitHostPort(c.host)
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Intermediates: intermediates}); err != nil {
		c.refused = fmt.Errorf("nobody that this machine trusts has signed its certificate; if it is the camera's own, write tls_fingerprint = %q", fingerprint)
		return c.refused
	}
	return nil
}
