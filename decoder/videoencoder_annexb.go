package decoder

import (
	"bytes"

	"camgate/media"
)

// splitAnnexB cuts a byte stream at its start codes (H.264 and H.265, Annex B). It leaves
// out the note about itself that x264 writes (SEI, user data unregistered): cameras have
// none, and decoders change their ways when they see it.
func splitAnnexB(codec media.Codec, stream []byte) [][]byte {
	var nalus [][]byte
	startCode := []byte{0, 0, 1}
	at := bytes.Index(stream, startCode)
	for at >= 0 {
		rest := stream[at+len(startCode):]
		at = bytes.Index(rest, startCode)
		nalu := rest
		if at >= 0 {
			nalu, stream = rest[:at], rest
		}
		nalu = bytes.TrimRight(nalu, "\x00")
		if len(nalu) > 0 && !userData(codec, nalu) {
			nalus = append(nalus, nalu)
		}
	}
	return nalus
}

func userData(codec media.Codec, nalu []byte) bool {
	const unregistered = 5
	if codec == media.H264 {
		return len(nalu) > 1 && nalu[0]&31 == 6 && nalu[1] == unregistered
	}
	return len(nalu) > 2 && nalu[0]>>1&63 == 39 && nalu[2] == unregistered
}
