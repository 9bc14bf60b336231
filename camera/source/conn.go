package source

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errElsewhere = errors.New("it redirects to another host, where camgate does not follow; if that is right, write that host into its source")
	errTooMuch   = errors.New("its answer does not end: this is no RTSP camera, or a broken one")
)

// maxHandshakeBytes is what a camera may send before it has accepted PLAY. A long
// description has 10 KB.
const maxHandshakeBytes = 1 << 20

// maxConnections of a session: the first, the fall-back to TCP, and redirects.
const maxConnections = 4

// connections gives gortsplib its connections: the first is there already, all go to the
// one host, and before PLAY none may bring more than maxHandshakeBytes.
type connections struct {
	host string
	ctx  context.Context

	mu    sync.Mutex
	first *limitedConn
	open  []*limitedConn
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	wanted, _, _ := net.SplitHostPort(c.host)
	host, _, err := net.SplitHostPort(address)
	if err != nil || !strings.EqualFold(host, wanted) {
		return nil, errElsewhere
	}
	c.mu.Lock()
	first := c.first
	c.first = nil
	count := len(c.open)
	if first != nil {
		c.open = append(c.open, first)
	}
	c.mu.Unlock()
	if first != nil {
		return first, nil
	}
	if count >= maxConnections {
		return nil, errors.New("it redirects again and again")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	limited := limit(conn)
	c.mu.Lock()
	c.open = append(c.open, limited)
	c.mu.Unlock()
	return limited, nil
}

// lift ends the limit: from now on pictures come.
func (c *connections) lift() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.limited.Store(false)
	}
}

func (c *connections) deadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.SetWriteDeadline(t) //nolint:errcheck // a connection that is closed needs none
		conn.final.Store(true)
	}
}

// close closes what gortsplib never took.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first != nil {
		c.first.Close()
	}
}

// limitedConn counts what comes while limited.
type limitedConn struct {
	net.Conn
	limited atomic.Bool
	left    atomic.Int64
	final   atomic.Bool // the write deadline is the last one
}

func limit(conn net.Conn) *limitedConn {
	l := &limitedConn{Conn: conn}
	l.limited.Store(true)
	l.left.Store(maxHandshakeBytes)
	return l
}

func (l *limitedConn) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if l.limited.Load() && l.left.Add(int64(-n)) < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// SetWriteDeadline keeps gortsplib from putting off the last deadline.
func (l *limitedConn) SetWriteDeadline(t time.Time) error {
	if l.final.Load() {
		return nil
	}
	return l.Conn.SetWriteDeadline(t)
}

// listenPacket opens a UDP port with room for a burst.
func listenPacket(network, address string) (net.PacketConn, error) {
	conn, err := net.ListenPacket(network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		udp.SetReadBuffer(udpBuffer) //nolint:errcheck // the kernel gives what it allows
	}
	return conn, err
}

// certificateCheck is the check of a camera's certificate. Cameras sign their own: those
// are taken when their fingerprint is in the configuration.
type certificateCheck struct {
	pin      string
	insecure bool
	host     string
	refused  error
}

func (c *certificateCheck) config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS10, // cameras live long
		InsecureSkipVerify: true,             // verify does it, with a sentence and a pin
		VerifyConnection:   c.verify,
	}
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
