package wall

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// A JPEG whose restart interval is one row of minimum coded units is a list of segments,
// one a row, that depend on nothing but the tables. Pictures of equal width and equal
// tables are put side by side by writing their segments in turn: the restart interval of
// the whole is the width of one, the markers between are numbered anew, and the size in
// the frame header is that of the whole (ITU-T T.81, B.2.1, E.1.4, F.1.1.5.2).

// Markers of T.81, table B.1.
const (
	markerSOF0 = 0xc0 // baseline
	markerDHT  = 0xc4
	markerRST0 = 0xd0
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerAPP0 = 0xe0
	markerCOM  = 0xfe
)

// tables are what segments are read by: quantisation and Huffman tables of luma (0) and
// chroma (1).
type tables struct {
	quantisation [2][64]byte
	huffman      [2][2]huffman // DC and AC, of luma and chroma
}

// huffman is a table as DHT has it: how many codes there are of each length, and their
// values.
type huffman struct {
	counts [16]byte
	values [162]byte // no table of 8-bit baseline has more
}

// segments are the rows of one picture: from the parsed JPEG's own bytes, without the
// markers.
type segments struct {
	width, height int
	tables        tables
	rows          [][]byte

	// The header of the picture before, which is nearly always this one's too.
	header   []byte
	interval int // MCUs between restart markers; 0: none
}

// errNotStitchable: what these JPEGs are cannot be told from whoever made them being
// broken, so the sentence is for a bug report.
var errNotStitchable = errors.New("the tile is no JPEG that can be put into a wall")

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errNotStitchable, fmt.Sprintf(format, args...))
}

// parse finds the rows of a JPEG: baseline, 4:2:0, one scan, one restart interval a row of
// minimum coded units. It keeps references to data, and allocates nothing where the
// picture before was of the same kind. After an error s is empty.
func (s *segments) parse(data []byte) error {
	s.rows = s.rows[:0]
	if len(s.header) == 0 || !bytes.HasPrefix(data, s.header) {
		*s = segments{rows: s.rows}
		n, err := s.parseHeader(data)
		if err != nil {
			*s = segments{rows: s.rows[:0]}
			return err
		}
		s.header = bytes.Clone(data[:n])
	}
	if err := s.parseScan(data[len(s.header):]); err != nil {
		*s = segments{rows: s.rows[:0]}
		return err
	}
	return nil
}

// parseHeader reads everything up to the entropy-coded data, and returns where that
// begins.
func (s *segments) parseHeader(data []byte) (int, error) {
	if len(data) < 2 || data[0] != 0xff || data[1] != markerSOI {
		return 0, unfit("it does not begin like one")
	}
	var have struct {
		quantisation [2]bool
		huffman      [2][2]bool
	}
	for at := 2; ; {
		if len(data)-at < 4 || data[at] != 0xff {
			return 0, unfit("its header is cut short at byte %d", at)
		}
		marker, length := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if length < 2 || length > len(data)-at-2 {
			return 0, unfit("marker %#x at byte %d claims %d bytes", marker, at, length)
		}
		body := data[at+4 : at+2+length]
		at += 2 + length
		var err error
		switch {
		case marker == markerDQT:
			err = s.tables.parseQuantisation(body, &have.quantisation)
		case marker == markerDHT:
			err = s.tables.parseHuffman(body, &have.huffman)
		case marker == markerSOF0:
			err = s.parseFrame(body)
		case marker == markerDRI:
			if len(body) != 2 {
				return 0, unfit("its restart interval has %d bytes", len(body))
			}
			s.interval = int(binary.BigEndian.Uint16(body))
		case marker == markerSOS:
			if err := checkScan(body); err != nil {
				return 0, err
			}
			if s.width == 0 || have.quantisation != [2]bool{true, true} || have.huffman != [2][2]bool{{true, true}, {true, true}} {
				return 0, unfit("its scan begins before its size and tables are told")
			}
			return at, nil
		case marker >= markerAPP0 && marker <= markerAPP0+15, marker == markerCOM:
		default:
			return 0, unfit("marker %#x is not baseline", marker)
		}
		if err != nil {
			return 0, err
		}
	}
}

// parseQuantisation reads a DQT (T.81, B.2.4.1).
func (t *tables) parseQuantisation(body []byte, have *[2]bool) error {
	for len(body) > 0 {
		if len(body) < 65 || body[0] > 1 {
			return unfit("a quantisation table is not one of two with 8 bits")
		}
		copy(t.quantisation[body[0]][:], body[1:65])
		have[body[0]] = true
		body = body[65:]
	}
	return nil
}

// parseHuffman reads a DHT (T.81, B.2.4.2).
func (t *tables) parseHuffman(body []byte, have *[2][2]bool) error {
	for len(body) > 0 {
		if len(body) < 17 || body[0]&0xee != 0 {
			return unfit("a Huffman table is not one of baseline's four")
		}
		var table huffman
		copy(table.counts[:], body[1:17])
		total := 0
		for _, n := range table.counts {
			total += int(n)
		}
		if total > len(table.values) || total > len(body)-17 {
			return unfit("a Huffman table claims %d codes", total)
		}
		copy(table.values[:], body[17:17+total])
		class, id := body[0]>>4, body[0]&1
		t.huffman[id][class] = table
		have[id][class] = true
		body = body[17+total:]
	}
	return nil
}

// parseFrame reads SOF0 (T.81, B.2.2): three components, 4:2:0, luma by the first table
// and chroma by the second.
func (s *segments) parseFrame(body []byte) error {
	if len(body) != 15 || body[0] != 8 || body[5] != 3 {
		return unfit("its frame is not of 8 bits and three components")
	}
	if s.width != 0 {
		return unfit("it has two frames")
	}
	if !bytes.Equal(body[6:], []byte{1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1}) {
		return unfit("its components are %x", body[6:])
	}
	s.height, s.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	if s.width == 0 || s.height == 0 {
		return unfit("it is %d × %d", s.width, s.height)
	}
	return nil
}

// scanComponents is the body of SOS (T.81, B.2.3) of all components in one sequential
// scan.
var scanComponents = []byte{3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0}

func checkScan(body []byte) error {
	if !bytes.Equal(body, scanComponents) {
		return unfit("its scan is %x", body)
	}
	return nil
}

// parseScan cuts the entropy-coded data at its restart markers.
func (s *segments) parseScan(data []byte) error {
	count := (s.height + mcu - 1) / mcu
	across := (s.width + mcu - 1) / mcu
	if s.interval != across && !(s.interval == 0 && count == 1) {
		return unfit("its restart interval is %d, and a row has %d", s.interval, across)
	}
	begin := 0
	for at := 0; ; {
		n := bytes.IndexByte(data[at:], 0xff)
		if n < 0 || at+n+1 >= len(data) {
			return unfit("it is cut short in row %d of %d", len(s.rows)+1, count)
		}
		at += n
		marker := data[at+1]
		if marker == 0 { // a stuffed byte (T.81, F.1.2.3)
			at += 2
			continue
		}
		if at == begin {
			return unfit("row %d is empty", len(s.rows)+1)
		}
		s.rows = append(s.rows, data[begin:at:at])
		switch {
		case len(s.rows) == count && marker == markerEOI:
			return nil
		case len(s.rows) < count && marker == markerRST0+byte((len(s.rows)-1)%8):
		default:
			return unfit("marker %#x stands behind row %d of %d", marker, len(s.rows), count)
		}
		at += 2
		begin = at
	}
}

// A stitcher writes walls of one size and one set of tables.
type stitcher struct {
	header []byte
}

// newStitcher makes the header of walls of width × height pixels, whose tiles are
// tileWidth, a multiple of 16, wide.
func newStitcher(t *tables, width, height, tileWidth int) *stitcher {
	b := []byte{0xff, markerSOI}
	b = appendMarker(b, markerAPP0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))
	for id := range t.quantisation {
		b = appendMarker(b, markerDQT, append([]byte{byte(id)}, t.quantisation[id][:]...))
	}
	frame := []byte{8}
	frame = binary.BigEndian.AppendUint16(frame, uint16(height))
	frame = binary.BigEndian.AppendUint16(frame, uint16(width))
	b = appendMarker(b, markerSOF0, append(frame, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1))
	for id := range t.huffman {
		for class, table := range t.huffman[id] {
			total := 0
			for _, n := range table.counts {
				total += int(n)
			}
			body := append([]byte{byte(class<<4 | id)}, table.counts[:]...)
			b = appendMarker(b, markerDHT, append(body, table.values[:total]...))
		}
	}
	b = appendMarker(b, markerDRI, binary.BigEndian.AppendUint16(nil, uint16(tileWidth/mcu)))
	return &stitcher{header: appendMarker(b, markerSOS, scanComponents)}
}

func appendMarker(b []byte, marker byte, body []byte) []byte {
	b = append(b, 0xff, marker)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)+2))
	return append(b, body...)
}

// stitch returns the JPEG of the segments, given row by row and from left to right, as
// many as the header's size has. The bytes are the caller's.
func (s *stitcher) stitch(all [][]byte) []byte {
	size := len(s.header) + 2*len(all)
	for _, one := range all {
		size += len(one)
	}
	out := append(make([]byte, 0, size), s.header...)
	for i, one := range all {
		out = append(out, one...)
		out = append(out, 0xff, markerRST0+byte(i&7))
	}
	out[len(out)-1] = markerEOI // in place of the last restart marker
	return out
}
