package source

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// selfSigned is a certificate as cameras make them, and its fingerprint.
func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(-time.Hour)} // expired, too
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
}

// encrypted is a camera that speaks TLS, and its certificate's fingerprint.
func encrypted(t *testing.T) (*camera, string) {
	certificate, fingerprint := selfSigned(t)
	cam := &camera{user: "u", password: "canary", tls: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	return cam.start(t, h264Track()), fingerprint
}

func TestCertificateThatNobodySignedIsRefusedAndNamed(t *testing.T) {
	cam, fingerprint := encrypted(t)
	err := watch(t, cam.address("u:canary@"), Options{}).err()
	says(t, err, `camera "door": 127.0.0.1:`, "tls_fingerprint", fingerprint)
	if cam.count("OPTIONS") != 0 || strings.Contains(err.Error(), "canary") {
		t.Errorf("it was asked all the same: %v", err)
	}
}

func TestCertificateWithItsFingerprint(t *testing.T) {
	cam, fingerprint := encrypted(t)
	pairs := make([]string, 0, 32) // as openssl prints it
	for i := 0; i < len(fingerprint); i += 2 {
		pairs = append(pairs, strings.ToUpper(fingerprint[i:i+2]))
	}
	e := newEncoder(t, h264Track()) // SRTP, which gortsplib's server adds, wants one row of sequence numbers
	for _, o := range []Options{
		{TLSFingerprint: fingerprint},
		{TLSFingerprint: strings.Join(pairs, ":")},
		{TLSInsecure: true},
		{TLSFingerprint: fingerprint, Transport: "tcp"},
	} {
		w := watch(t, cam.address("u:canary@"), o)
		if info := w.info(); info.Transport != "tcp" {
			t.Errorf("playing over %s", info.Transport)
		}
		await(t, cam.playing, "PLAY")
		cam.send(e.picture(h264IDR)...)
		w.unit()
		w.cancel()
		w.err()
	}
}

func TestAnotherCertificateThanThePinnedOne(t *testing.T) {
	cam, fingerprint := encrypted(t)
	err := watch(t, cam.address("u:canary@"), Options{TLSFingerprint: strings.Repeat("00", 32)}).err()
	says(t, err, "another than tls_fingerprint", fingerprint)
	if cam.count("OPTIONS") != 0 {
		t.Error("it was asked all the same")
	}
}

func TestEncryptionIsNotGivenUpByARedirect(t *testing.T) {
	plain := (&camera{}).start(t, h264Track())
	certificate, _ := selfSigned(t)
	server := raw(t, func(c net.Conn) {
		conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
		r := bufio.NewReader(conn)
		for _, answer := range []string{okay(1), fmt.Sprintf("RTSP/1.0 302 Found\r\nCSeq: 2\r\nLocation: %s\r\n\r\n", plain.address(""))} {
			for line := ""; line != "\r\n"; {
				var err error
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
			}
			io.WriteString(conn, answer)
		}
		io.Copy(io.Discard, r)
	})
	a := server.at("u:canary@")
	a.scheme = "rtsps"
	says(t, watch(t, a, Options{TLSInsecure: true}).err(), `camera "door"`, "without encryption")
	if plain.count("OPTIONS") != 0 {
		t.Error("it was followed")
	}
}
