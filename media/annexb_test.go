package media

import (
	"bytes"
	"testing"
)

func TestAccessUnitHoldsItsNALUnitsInOneByteStream(t *testing.T) {
	sps, idr := []byte{0x67, 1, 2}, []byte{0x65, 3}
	au := NewAccessUnit(H264, [][]byte{sps, idr})
	want := []byte{0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x65, 3}
	if !bytes.Equal(au.Bytes(), want) {
		t.Fatalf("bytes are %x, want %x", au.Bytes(), want)
	}
	if &au.NALUs[1][0] != &au.Bytes()[11] {
		t.Error("the NAL units lie elsewhere: they were copied twice")
	}
	if _ = append(au.NALUs[0], 9); !bytes.Equal(au.Bytes(), want) {
		t.Error("appending to a NAL unit overwrites the next one")
	}
	if au.Size() != 5 {
		t.Errorf("size is %d, want 5", au.Size())
	}
}

func TestBytesOfAnAccessUnitMadeByHand(t *testing.T) {
	au := &AccessUnit{Codec: H265, NALUs: [][]byte{{1}, {2, 3}}}
	if want := []byte{0, 0, 0, 1, 1, 0, 0, 0, 1, 2, 3}; !bytes.Equal(au.Bytes(), want) {
		t.Errorf("bytes are %x, want %x", au.Bytes(), want)
	}
	picture := []byte{0xff, 0xd8}
	if got := NewAccessUnit(MJPEG, [][]byte{picture}).Bytes(); &got[0] != &picture[0] {
		t.Error("a JPEG was copied")
	}
	if (&AccessUnit{Codec: MJPEG}).Bytes() != nil {
		t.Error("an empty access unit has bytes")
	}
}
