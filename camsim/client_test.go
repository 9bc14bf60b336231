package camsim

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/rtp"
)

const patience = 30 * time.Second

// A client is a session with a camera by another's RTSP library.
type client struct {
	t       testing.TB
	rtsp    *gortsplib.Client
	packets chan *rtp.Packet
	ended   chan error
	track   *rtph264.Decoder // for units; H.264 only
}

// dial connects, and plays.
func dial(t testing.TB, address string, transport gortsplib.Transport) *client {
	t.Helper()
	c, err := tryDial(t, address, transport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryDial(t testing.TB, address string, transport gortsplib.Transport) (*client, error) {
	u, err := base.ParseURL(address)
	if err != nil {
		return nil, err
	}
	c := &client{t: t, packets: make(chan *rtp.Packet, 10000), ended: make(chan error, 1)}
	c.rtsp = &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &transport, ReadTimeout: patience, InitialUDPReadTimeout: patience,
		TLSConfig:     &tls.Config{InsecureSkipVerify: true}, // of a certificate made a moment ago
		OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {}}
	if err := c.rtsp.Start2(); err != nil {
		return nil, err
	}
	if err := c.play(u); err != nil {
		c.rtsp.Close()
		return nil, err
	}
	go func() { c.ended <- c.rtsp.Wait() }()
	t.Cleanup(c.close)
	return c, nil
}

func (c *client) play(u *base.URL) error {
	session, _, err := c.rtsp.Describe(u)
	if err != nil {
		return err
	}
	if err := c.rtsp.SetupAll(session.BaseURL, session.Medias); err != nil {
		return err
	}
	var h264 *format.H264
	if session.FindFormat(&h264) != nil {
		if c.track, err = h264.CreateDecoder(); err != nil {
			return err
		}
	}
	c.rtsp.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		select {
		case c.packets <- p:
		default: // the test has seen enough
		}
	})
	_, err = c.rtsp.Play(nil)
	return err
}

func (c *client) close() {
	c.rtsp.Close()
	select {
	case <-c.ended:
	default:
	}
}

// packet waits for the next one.
func (c *client) packet() *rtp.Packet {
	c.t.Helper()
	select {
	case p := <-c.packets:
		return p
	case err := <-c.ended:
		c.t.Fatalf("the camera ended the session: %v", err)
	case <-time.After(patience):
		c.t.Fatal("no packet from the camera")
	}
	return nil
}

// picture waits for the end of one and returns its last packet.
func (c *client) picture() *rtp.Packet {
	c.t.Helper()
	for {
		if p := c.packet(); p.Marker {
			return p
		}
	}
}

// unit waits for a whole H.264 access unit.
func (c *client) unit() [][]byte {
	c.t.Helper()
	for {
		if au, err := c.track.Decode(c.packet()); err == nil {
			return au
		}
	}
}

// silent fails the test where there never is a time of d without a packet. What was sent before
// the fault may be on its way for any time.
func (c *client) silent(d time.Duration) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		select {
		case <-c.packets:
		case <-time.After(d):
			return
		}
		if time.Now().After(deadline) {
			c.t.Error("packets go on coming where none should")
			return
		}
	}
}

// gone waits for the end of the session.
func (c *client) gone() {
	c.t.Helper()
	select {
	case err := <-c.ended:
		c.ended <- err
	case <-time.After(patience):
		c.t.Error("the session goes on")
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// refused says whether the camera's port is shut.
func refused(c *Camera) bool {
	conn, err := net.DialTimeout("tcp", c.server.Address(), patience)
	if err == nil {
		conn.Close()
		return false
	}
	var op *net.OpError
	return errors.As(err, &op) && strings.Contains(err.Error(), "refused")
}
