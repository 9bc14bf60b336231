package source

import (
	"bytes"
	"slices"
	"testing"
)

// TestHugeParameterSetsAreNotKept: a hostile camera has one of its largest pictures for each
// of them, and no key frame is to have all before it.
func TestHugeParameterSetsAreNotKept(t *testing.T) {
	a, r := begin(t, h264Track())
	e := newEncoder(t, h264Track())
	huge := bytes.Repeat([]byte{0x5a}, 100<<10)
	for id := range 32 {
		// pic_parameter_set_id as an Exp-Golomb code of 11 bits.
		code := uint16(32+id) << 5
		feed(a, e.picture(slices.Concat([]byte{0x68, byte(code >> 8), byte(code)}, huge), h264IDR)...)
	}
	kept := 0
	for _, set := range a.parameters {
		kept += len(set.nalu)
	}
	if kept > 64<<10 {
		t.Errorf("%d bytes of parameter sets are kept", kept)
	}
	feed(a, e.picture(h264IDR)...)
	last := r.units[len(r.units)-1]
	if !last.Key || last.Size() > len(h264IDR)+1000 {
		t.Errorf("a key frame of %d bytes has %d", len(h264IDR), last.Size())
	}
	want(t, last, h264SPS, h264PPS, h264IDR)
}
