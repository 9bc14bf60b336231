package webrtc

import (
	"errors"
	"io"
	"slices"

	"github.com/pion/transport/v4/packetio"
)

const (
	// mostStrangers is how many sources that are not ours a browser may send of, or tell of,
	// in one session. Browsers have one or two of their own.
	mostStrangers = 64

	mostUnheard = 64 << 10 // bytes of RTCP about a track that wait to be heard
)

var errStrangers = errors.New("its browser sent of, or told of, too many sources that are not ours")

// buffer is where pion puts what comes from a source, or tells of one. It asks for one with
// each source that a packet names, and keeps it as long as the session lasts. Only what tells
// of our tracks is ever read.
func (one *session) buffer(kind packetio.BufferPacketType, source uint32) io.ReadWriteCloser {
	if kind == packetio.RTCPBufferPacket && slices.Contains(one.sources, source) {
		b := packetio.NewBuffer()
		b.SetLimitSize(mostUnheard)
		return b
	}
	if one.strangers.Add(1) > mostStrangers {
		one.cancel(errStrangers)
	}
	return unread{}
}

// unread takes what nobody reads, and keeps nothing.
type unread struct{}

func (unread) Read([]byte) (int, error)    { return 0, io.EOF }
func (unread) Write(p []byte) (int, error) { return len(p), nil }
func (unread) Close() error                { return nil }
