// Package source pulls a camera's stream: from an address in the configuration to access
// units. One call of RTSP is one session; when it ends, and why, is its caller's to
// judge.
package source

import (
	"errors"

	"camgate/media"
)

var (
	// ErrUnauthorized: the camera refused the user or the password.
	ErrUnauthorized = errors.New("the camera refuses the user name or the password")

	// ErrNoVideo: the camera offers no video that camgate can take.
	ErrNoVideo = errors.New("the camera offers no video that camgate can take")
)

// Sink takes what a source brings. Calls come one at a time, and none after RTSP has
// returned.
type Sink interface {
	// Playing is called once, when the camera has agreed to send.
	Playing(Info)

	// Transport is called when the way that packets take changes: "udp", "tcp" or
	// "multicast".
	Transport(name string)

	// AccessUnit takes one whole coded picture. The source does not touch it again.
	AccessUnit(*media.AccessUnit)

	// Damaged says that something is missing before the next access unit, so that
	// pictures up to the next key frame may be wrong. lost is the number of RTP packets
	// that never came, 0 where that is not why; err is why else, or nil.
	Damaged(lost uint64, err error)
}

// Info describes a stream.
type Info struct {
	Codec     media.Codec
	Transport string // "udp", "tcp" or "multicast"
	ExtraData []byte // MPEG-4 Part 2: its configuration (RFC 6416 section 7.1); else nil
	Server    string // what the camera calls its RTSP server, if anything

	// Audio is the sound that comes beside; Options.Audio is why there is some. NoAudio says
	// that asking for it cost the connection, and it is better not asked for again.
	Audio   AudioTrack
	NoAudio bool
}
