package source

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"camgate/media"
)

// record is a sink that keeps what it gets.
type record struct {
	units   []*media.AccessUnit
	lost    uint64
	damaged int
	err     error
}

func (r *record) Playing(Info)                    {}
func (r *record) Transport(string)                {}
func (r *record) AccessUnit(au *media.AccessUnit) { r.units = append(r.units, au) }
func (r *record) Damaged(lost uint64, err error) {
	r.lost += lost
	r.damaged++
	if err != nil {
		r.err = err
	}
}

func asIs(err error) error { return err }

// begin makes an assembler for a track, and what records its pictures.
func begin(t *testing.T, f format.Format) (*assembler, *record) {
	t.Helper()
	r := &record{}
	a, err := newAssembler(f, r, asIs)
	if err != nil {
		t.Fatal(err)
	}
	return a, r
}

func feed(a *assembler, packets ...*rtp.Packet) {
	for _, p := range packets {
		a.packet(p, time.Now())
	}
}

func want(t *testing.T, got *media.AccessUnit, nalus ...[]byte) {
	t.Helper()
	if !slices.EqualFunc(got.NALUs, nalus, bytes.Equal) {
		t.Errorf("got %s, want %s", shape(got.NALUs), shape(nalus))
	}
}

func TestPictureWithAHoleIsNotShown(t *testing.T) {
	for _, c := range []struct {
		name  string
		track format.Format
		key   [][]byte
	}{
		{"H.264", h264Track(), [][]byte{h264IDR}},
		{"H.264, a whole picture", h264Track(), [][]byte{h264P}},
		{"H.265", h265Track(), [][]byte{h265IDR}},
		{"H.265, a whole picture", h265Track(), [][]byte{h265P}},
		{"MPEG-4", &format.MPEG4Video{PayloadTyp: 96}, [][]byte{mpeg4I}},
		{"MJPEG", &format.MJPEG{}, [][]byte{testJPEG(t)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEncoder(t, c.track)
			for at := range len(e.picture(c.key...)) {
				a, r := begin(t, c.track)
				e := newEncoder(t, c.track)
				feed(a, e.picture(c.key...)...)
				holed := e.picture(c.key...)
				feed(a, slices.Delete(holed, at, at+1)...)
				feed(a, e.picture(c.key...)...)
				feed(a, e.picture(c.key...)...)
				if r.lost != 1 || r.damaged != 1 || r.err != nil {
					t.Errorf("packet %d lost: reported %d lost, %v", at, r.lost, r.err)
				}
				if len(r.units) != 3 {
					t.Errorf("packet %d lost: %d of the 3 whole pictures came", at, len(r.units))
				}
				for _, au := range r.units {
					if au.Size() != r.units[0].Size() {
						t.Errorf("packet %d lost: a picture of %d bytes came, of %d", at, au.Size(), r.units[0].Size())
					}
				}
			}
		})
	}
}

// TestPacketsOfNothingHarmNoPicture: some cameras send such, between pictures or within one.
func TestPacketsOfNothingHarmNoPicture(t *testing.T) {
	for _, c := range []struct {
		name  string
		track format.Format
		key   []byte
	}{
		{"H.264", h264Track(), h264IDR},
		{"H.265", h265Track(), h265IDR},
		{"MPEG-4", &format.MPEG4Video{PayloadTyp: 96}, mpeg4I},
		{"MJPEG", &format.MJPEG{}, testJPEG(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			packets := newEncoder(t, c.track).picture(c.key)
			for at := range len(packets) + 1 {
				for _, stamp := range []uint32{packets[0].Timestamp, 0, packets[0].Timestamp + 3600} {
					a, r := begin(t, c.track)
					e := newEncoder(t, c.track)
					var all []*rtp.Packet
					for range 3 {
						picture := e.picture(c.key)
						empty := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: picture[0].PayloadType, Timestamp: stamp}}
						all = append(all, slices.Insert(picture, at, empty)...)
					}
					for i, p := range all {
						p.SequenceNumber = uint16(65530 + i)
					}
					feed(a, all...)
					if len(r.units) != 3 || r.damaged != 0 || r.lost != 0 {
						t.Errorf("before packet %d, at %d: %d of 3 pictures came, %d times damage: %v", at, stamp, len(r.units), r.damaged, r.err)
					}
				}
			}
		})
	}
}

// TestALossBeforeAPacketOfNothingIsOne: the rest of the picture is none.
func TestALossBeforeAPacketOfNothingIsOne(t *testing.T) {
	second := slices.Clone(h264IDR) // a slice that is not the picture's first
	second[1] = 0x40
	e := newEncoder(t, h264Track())
	a, r := begin(t, h264Track())
	feed(a, e.picture(h264IDR)...)
	holed := []*rtp.Packet{
		{Header: rtp.Header{Version: 2, SequenceNumber: a.sequence + 3, Timestamp: 7}},
		{Header: rtp.Header{Version: 2, SequenceNumber: a.sequence + 4, Timestamp: e.time, Marker: true}, Payload: second},
	}
	feed(a, holed...)
	if len(r.units) != 1 || r.lost != 3 || r.damaged != 1 {
		t.Errorf("%d pictures came, %d packets lost, %d times damage", len(r.units), r.lost, r.damaged)
	}
	next := e.picture(h264IDR)
	for i, p := range next {
		p.SequenceNumber = a.sequence + uint16(i)
	}
	feed(a, next...)
	if len(r.units) != 2 || r.damaged != 1 {
		t.Errorf("the next picture did not come: %d, %d times damage", len(r.units), r.damaged)
	}
}

// TestAPacketOfNothingMayEndAPicture: the mark is on it, and not on the last that holds a part.
func TestAPacketOfNothingMayEndAPicture(t *testing.T) {
	a, r := begin(t, h264Track())
	packets := newEncoder(t, h264Track()).picture(h264IDR)
	last := packets[len(packets)-1]
	last.Marker = false
	feed(a, packets...)
	if len(r.units) != 0 {
		t.Fatal("it came before its end")
	}
	feed(a, &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: last.SequenceNumber + 1, Timestamp: last.Timestamp, Marker: true}})
	if len(r.units) != 1 || r.damaged != 0 {
		t.Errorf("%d pictures came, %d times damage: %v", len(r.units), r.damaged, r.err)
	}
}

func TestComingInTheMiddleOfAKeyFrame(t *testing.T) {
	for _, c := range []struct {
		name  string
		track format.Format
		slice []byte
	}{{"H.264", h264Track(), h264IDR}, {"H.265", h265Track(), h265IDR}} {
		t.Run(c.name, func(t *testing.T) {
			e := newEncoder(t, c.track)
			second := slices.Clone(c.slice) // a slice that is not the picture's first
			if c.name == "H.264" {
				second[1] = 0x40
			} else {
				second[2] = 0x2f
			}
			whole := e.picture(c.slice, second)
			for from := 1; from < len(whole); from++ {
				a, r := begin(t, c.track)
				feed(a, whole[from:]...)
				if len(r.units) != 0 || r.damaged != 0 {
					t.Errorf("from packet %d: %d pictures, %d times damage", from, len(r.units), r.damaged)
				}
			}
			a, r := begin(t, c.track)
			feed(a, whole[2:]...)
			next := e.picture(c.slice)
			feed(a, next...)
			if len(r.units) != 1 || !r.units[0].Key {
				t.Errorf("the first whole key frame did not come: %d pictures", len(r.units))
			}
		})
	}
}

func TestPictureOfManySlices(t *testing.T) {
	for _, c := range []struct {
		track format.Format
		first []byte
		rest  []byte
	}{
		{h264Track(), h264IDR, append([]byte{0x65, 0x40}, bytes.Repeat([]byte{7}, 3000)...)},
		{h265Track(), h265IDR, append([]byte{0x26, 0x01, 0x2f}, bytes.Repeat([]byte{7}, 3000)...)},
	} {
		a, r := begin(t, c.track)
		e := newEncoder(t, c.track)
		for i := range 200 {
			// gortsplib's encoder has the limit too: packets of a slice each.
			packets := e.picture(map[bool][]byte{true: c.first, false: c.rest}[i == 0])
			for _, p := range packets {
				p.Timestamp = 1000
				p.Marker = p.Marker && i == 199
			}
			feed(a, packets...)
		}
		if len(r.units) != 1 || r.damaged != 0 {
			t.Fatalf("%s: %d pictures, damage %v", c.track.Codec(), len(r.units), r.err)
		}
		if n := len(r.units[0].NALUs); n < 200 {
			t.Errorf("%s: %d of 200 slices", c.track.Codec(), n)
		}
	}
}

func TestPictureTooLargeIsOneSentenceAndTheNextOneComes(t *testing.T) {
	a, r := begin(t, h264Track())
	huge := &rtp.Packet{Header: rtp.Header{Timestamp: 5}}
	first := append([]byte{0x65, 0x88}, make([]byte, 60000)...)
	for range 400 { // 24 MB
		huge.Payload = first
		feed(a, huge)
		huge.SequenceNumber++
	}
	if len(r.units) != 0 || r.damaged != 1 || r.err == nil || !strings.Contains(r.err.Error(), "more than 16 MB") {
		t.Fatalf("%d pictures, %d times damage, %v", len(r.units), r.damaged, r.err)
	}
	feed(a, &rtp.Packet{Header: rtp.Header{Timestamp: 6, SequenceNumber: huge.SequenceNumber, Marker: true}, Payload: h264IDR})
	if len(r.units) != 1 {
		t.Error("the next picture did not come")
	}
}

func TestEndlessEmptyFragmentsAreForgotten(t *testing.T) {
	for _, c := range []struct {
		track       format.Format
		start, more []byte
	}{
		{h264Track(), []byte{0x7c, 0x85, 0x88}, []byte{0x7c, 0x05}},
		{h265Track(), []byte{0x62, 0x01, 0x93, 0xaf}, []byte{0x62, 0x01, 0x13}},
		{&format.MPEG4Video{PayloadTyp: 96}, []byte{0, 0, 1, 0xb6}, nil},
		{&format.MJPEG{}, []byte{0, 0, 0, 0, 1, 50, 20, 15}, []byte{0, 0, 0, 0, 1, 50, 20, 15}},
	} {
		a, r := begin(t, c.track)
		p := &rtp.Packet{Header: rtp.Header{Timestamp: 5}, Payload: c.start}
		feed(a, p)
		for range maxUnitPackets + 10 {
			p.SequenceNumber++
			p.Payload = c.more
			feed(a, p)
		}
		if r.damaged != 1 || r.err == nil {
			t.Errorf("%s: damage %d times, %v", c.track.Codec(), r.damaged, r.err)
		}
	}
}

func TestCameraThatNeverSetsTheMarker(t *testing.T) {
	for _, track := range []format.Format{h264Track(), h265Track()} {
		a, r := begin(t, track)
		e := newEncoder(t, track)
		slice := map[bool][]byte{true: h264IDR, false: h265IDR}[track.Codec() == "H264"]
		times := make([]time.Time, 4)
		for i := range times {
			packets := e.picture(slice)
			packets[len(packets)-1].Marker = false
			times[i] = time.Now().Add(time.Duration(i) * time.Second)
			for _, p := range packets {
				a.packet(p, times[i])
			}
		}
		if len(r.units) != 3 || r.damaged != 0 {
			t.Fatalf("%s: %d of 3 pictures, damage %v", track.Codec(), len(r.units), r.err)
		}
		for i, au := range r.units {
			if au.PTS.Milliseconds() != int64(40*i) || !au.Received.Equal(times[i]) {
				t.Errorf("picture %d has the time of another: %v", i, au.PTS)
			}
		}
	}
}

func TestPictureWithoutItsEnd(t *testing.T) {
	a, r := begin(t, h264Track())
	e := newEncoder(t, h264Track())
	cut := e.picture(h264IDR)
	whole := e.picture(h264IDR)
	feed(a, cut[:2]...)
	for i, p := range whole { // no sequence number is missing
		p.SequenceNumber = cut[1].SequenceNumber + uint16(i) + 1
	}
	feed(a, whole...)
	if len(r.units) != 1 || !errors.Is(r.err, errNoEnd) {
		t.Errorf("%d pictures, damage %v", len(r.units), r.err)
	}
}

func TestParameterSetsChangeInMidStream(t *testing.T) {
	a, r := begin(t, h264Track())
	e := newEncoder(t, h264Track())
	sps, pps, other := slices.Clone(h264SPS), []byte{0x68, 0xcb, 0x83, 0xcb, 0x21}, []byte{0x68, 0x5b, 0x83} // id 0 and id 1
	sps[3] = 0x28
	feed(a, e.picture(h264IDR)...)
	feed(a, e.picture(sps, pps, other, h264IDR)...)
	feed(a, e.picture(h264P)...)
	feed(a, e.picture(h264IDR)...)
	if len(r.units) != 4 {
		t.Fatalf("%d of 4 pictures", len(r.units))
	}
	want(t, r.units[0], h264SPS, h264PPS, h264IDR)
	want(t, r.units[1], sps, pps, other, h264IDR)
	want(t, r.units[2], h264P)
	want(t, r.units[3], sps, pps, other, h264IDR)
}

func TestParameterSetsBeforeTheirPicture(t *testing.T) {
	a, r := begin(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1})
	for i, p := range []*rtp.Packet{ // each with a marker, or a timestamp, of its own
		{Header: rtp.Header{Timestamp: 1, Marker: true}, Payload: h264SPS},
		{Header: rtp.Header{Timestamp: 2}, Payload: h264PPS},
		{Header: rtp.Header{Timestamp: 3, Marker: true}, Payload: h264IDR},
	} {
		p.SequenceNumber = uint16(i)
		feed(a, p)
	}
	if len(r.units) != 1 || r.damaged != 0 {
		t.Fatalf("%d pictures, damage %v", len(r.units), r.err)
	}
	want(t, r.units[0], h264SPS, h264PPS, h264IDR)
}

func TestWhereDecodingCanStart(t *testing.T) {
	recovery := []byte{0x06, 0x06, 0x01, 0xc4, 0x80}                    // recovery_frame_cnt 0
	later := []byte{0x06, 0x06, 0x01, 0x44, 0x80}                       // recovery_frame_cnt 1
	behind := []byte{0x06, 0x05, 0x04, 0, 0, 3, 1, 9, 6, 1, 0xc4, 0x80} // after 4 bytes of user data with an emulation byte
	intra := []byte{0x41, 0x88, 0x80}                                   // slice_type 7
	for _, c := range []struct {
		name  string
		track format.Format
		nalus [][]byte
		key   bool
	}{
		{"IDR", h264Track(), [][]byte{h264IDR}, true},
		{"P", h264Track(), [][]byte{h264P}, false},
		{"I alone", h264Track(), [][]byte{intra}, false},
		{"recovery point and I", h264Track(), [][]byte{recovery, intra}, true},
		{"recovery point behind other SEI", h264Track(), [][]byte{behind, intra}, true},
		{"recovery point and P", h264Track(), [][]byte{recovery, h264P}, false},
		{"recovery after a while", h264Track(), [][]byte{later, intra}, false},
		{"SPS and I", h264Track(), [][]byte{h264SPS, h264PPS, intra}, true},
		{"H.265 IDR", h265Track(), [][]byte{h265IDR}, true},
		{"H.265 CRA", h265Track(), [][]byte{{0x2a, 0x01, 0xaf}}, true},
		{"H.265 BLA", h265Track(), [][]byte{{0x20, 0x01, 0xaf}}, true},
		{"H.265 P", h265Track(), [][]byte{h265P}, false},
		{"I-VOP", &format.MPEG4Video{PayloadTyp: 96}, [][]byte{mpeg4I}, true},
		{"I-VOP behind headers", &format.MPEG4Video{PayloadTyp: 96}, [][]byte{slices.Concat(mpeg4Config, mpeg4I)}, true},
		{"P-VOP", &format.MPEG4Video{PayloadTyp: 96}, [][]byte{mpeg4P}, false},
	} {
		a, r := begin(t, c.track)
		feed(a, newEncoder(t, c.track).picture(c.nalus...)...)
		if len(r.units) != 1 || r.units[0].Key != c.key {
			t.Errorf("%s: %d pictures, key %t", c.name, len(r.units), len(r.units) > 0 && r.units[0].Key)
		}
	}
}

func TestCameraClockJumps(t *testing.T) {
	a, r := begin(t, h264Track())
	for i, timestamp := range []uint32{100, 3700, 3700, 1 << 31, 5, 1<<32 - 1} {
		feed(a, &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(65533 + i), Timestamp: timestamp, Marker: true}, Payload: h264P})
	}
	if len(r.units) != 6 || r.damaged != 0 {
		t.Errorf("%d of 6 pictures, damage %v", len(r.units), r.err)
	}
}

func TestCameraCountsPacketsAnew(t *testing.T) {
	a, r := begin(t, h264Track())
	for i, sequence := range []uint16{50000, 50001, 50001, 7, 8} {
		feed(a, &rtp.Packet{Header: rtp.Header{SequenceNumber: sequence, Timestamp: uint32(i), Marker: true}, Payload: h264IDR})
	}
	if len(r.units) != 4 || r.damaged != 1 {
		t.Errorf("%d pictures, damage %d times; want 4, since one was sent twice, and 1", len(r.units), r.damaged)
	}
}

func TestJPEGWithRestartMarkers(t *testing.T) {
	a, r := begin(t, &format.MJPEG{})
	scan := []byte{1, 2, 0xff, 0xd0, 3, 4}
	feed(a, &rtp.Packet{Header: rtp.Header{Marker: true}, Payload: slices.Concat([]byte{0, 0, 0, 0, 65, 50, 20, 15, 0, 10, 0xff, 0xff}, scan)})
	if len(r.units) != 1 || r.damaged != 0 {
		t.Fatalf("%d pictures, damage %v", len(r.units), r.err)
	}
	got := r.units[0].Bytes()
	if !bytes.HasPrefix(got, []byte{0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 10}) || !bytes.Contains(got, scan) {
		t.Errorf("the restart interval is not stated: %x", got[:16])
	}
}
