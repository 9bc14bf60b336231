package wall

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"camgate/decoder"
	"camgate/media"
)

// scene is a picture with edges, slopes and grain, another for each seed.
func scene(width, height int, seed uint64) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	random := rand.New(rand.NewPCG(seed, 1))
	for y := range height {
		for x := range width {
			slope := 128 + 80*math.Sin(float64(x*int(seed+1))/37)*math.Cos(float64(y)/23)
			img.Y[img.YOffset(x, y)] = uint8(slope) + uint8(random.IntN(12))
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = uint8(128+60*math.Sin(float64(i)/91)), uint8(100+int(seed)*9%100)
	}
	return img
}

// cameraJPEG is a tile as cameras make it.
func cameraJPEG(t testing.TB, img *image.YCbCr, quality int) []byte {
	t.Helper()
	j, err := decoder.NewJPEG()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	data, err := j.Image(img, quality)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t testing.TB, data []byte) *image.YCbCr {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%d bytes are no JPEG: %v", len(data), err)
	}
	return img.(*image.YCbCr)
}

// samePixels holds a part of the wall against a picture: luma and chroma, as coded.
func samePixels(t *testing.T, what string, wall, tile *image.YCbCr, at image.Point) {
	t.Helper()
	for y := range tile.Rect.Dy() {
		for x := range tile.Rect.Dx() {
			got, want := wall.YCbCrAt(at.X+x, at.Y+y), tile.YCbCrAt(x, y)
			if got != want {
				t.Fatalf("%s: pixel %d, %d is %v, in the tile alone it is %v", what, x, y, got, want)
			}
		}
	}
}

func TestWallShowsItsTilesPixelByPixel(t *testing.T) {
	for _, c := range []struct{ columns, rows, width, height, quality int }{
		{2, 2, 320, 192, 75}, {1, 1, 64, 48, 75}, {3, 5, 16, 16, 75}, {4, 4, 48, 32, 30}, {2, 1, 640, 368, 95}, {16, 2, 32, 16, 1}, {1, 9, 16, 48, 100},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			var tiles []*segments
			var alone []*image.YCbCr
			for i := range c.columns * c.rows {
				data := cameraJPEG(t, scene(c.width, c.height, uint64(i)), c.quality)
				s := new(segments)
				if err := s.parse(data); err != nil {
					t.Fatal(err)
				}
				tiles, alone = append(tiles, s), append(alone, decode(t, data))
			}
			var all [][]byte
			for row := range c.rows {
				for y := range c.height / mcu {
					for column := range c.columns {
						all = append(all, tiles[row*c.columns+column].rows[y])
					}
				}
			}
			wall := decode(t, newStitcher(&tiles[0].tables, c.columns*c.width, c.rows*c.height, c.width).stitch(all))
			if wall.Rect.Size() != image.Pt(c.columns*c.width, c.rows*c.height) {
				t.Fatalf("the wall is %v", wall.Rect)
			}
			for i, tile := range alone {
				samePixels(t, fmt.Sprintf("tile %d", i), wall, tile, image.Pt(i%c.columns*c.width, i/c.columns*c.height))
			}
		})
	}
}

func TestDrawnTilesHaveTheTablesOfCameras(t *testing.T) {
	small := scene(32, 32, 1)
	for quality := 1; quality <= 100; quality++ {
		a, err := newArtist(32, quality)
		if err != nil {
			t.Fatal(err)
		}
		var s segments
		if err := s.parse(cameraJPEG(t, small, quality)); err != nil {
			t.Fatal(err)
		}
		if s.tables != a.tables {
			t.Errorf("quality %d: libjpeg's and Go's tables differ", quality)
		}
	}
}

func TestParsingTheNextPictureAllocatesNothing(t *testing.T) {
	first, second := cameraJPEG(t, scene(320, 192, 1), 75), cameraJPEG(t, scene(320, 192, 2), 75)
	var s segments
	if err := s.parse(first); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { s.parse(second) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(s.rows) != 12 {
		t.Errorf("%d rows", len(s.rows))
	}
}

// broken are JPEGs that no wall may take, by what is wrong.
func broken(t testing.TB) map[string][]byte {
	good := cameraJPEG(t, scene(64, 48, 1), 75)
	change := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	frame := bytes.Index(good, []byte{0xff, markerSOF0})
	scan := bytes.Index(good, []byte{0xff, markerSOS})
	restart := bytes.Index(good, []byte{0xff, markerRST0})
	interval := bytes.Index(good, []byte{0xff, markerDRI})
	var plain, grey bytes.Buffer
	if err := jpeg.Encode(&plain, scene(64, 48, 1), nil); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&grey, image.NewGray(image.Rect(0, 0, 64, 16)), nil); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"nothing":               {},
		"no JPEG":               []byte("GIF89a, and so on and on"),
		"cut in the header":     good[:scan-5],
		"cut behind the header": good[:scan+14],
		"cut in a row":          good[:restart+20],
		"no end":                good[:len(good)-2],
		"half an end":           good[:len(good)-1],
		"progressive":           change(func(b []byte) []byte { b[frame+1] = 0xc2; return b }),
		"12 bits":               change(func(b []byte) []byte { b[frame+4] = 12; return b }),
		"4:2:2":                 change(func(b []byte) []byte { b[frame+11] = 0x21; return b }),
		"no height":             change(func(b []byte) []byte { b[frame+5], b[frame+6] = 0, 0; return b }),
		"larger than it is":     change(func(b []byte) []byte { b[frame+5] = 0xff; return b }),
		"wider than its rows":   change(func(b []byte) []byte { b[frame+7] = 0xff; return b }),
		"another interval":      change(func(b []byte) []byte { b[interval+5]++; return b }),
		"restart out of turn":   change(func(b []byte) []byte { b[restart+1]++; return b }),
		"restart too many":      change(func(b []byte) []byte { return append(b[:len(b)-1], markerRST0+2, 1, 0xff, markerEOI) }),
		"segment of no length":  change(func(b []byte) []byte { b[4], b[5] = 0, 0; return b }),
		"segment too long":      change(func(b []byte) []byte { b[4], b[5] = 0xff, 0xff; return b }),
		"two frames":            change(func(b []byte) []byte { return append(bytes.Clone(b[:frame+19]), b[frame:]...) }),
		"no restart markers":    plain.Bytes(),
		"grey":                  grey.Bytes(),
	}
}

func TestBrokenTilesAreRefused(t *testing.T) {
	for what, data := range broken(t) {
		var s segments
		if err := s.parse(data); err == nil {
			t.Errorf("%s: taken", what)
		}
		if len(s.rows) != 0 {
			t.Errorf("%s: %d rows are left", what, len(s.rows))
		}
		if err := s.parse(cameraJPEG(t, scene(32, 32, 3), 75)); err != nil || len(s.rows) != 2 {
			t.Errorf("%s: then a good one: %d rows, %v", what, len(s.rows), err)
		}
	}
}

func FuzzTile(f *testing.F) {
	for _, data := range broken(f) {
		f.Add(data)
	}
	for _, quality := range []int{10, 75, 100} {
		f.Add(cameraJPEG(f, scene(48, 64, 5), quality))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s segments
		if s.parse(data) != nil {
			return
		}
		rows := len(s.rows)
		if want := (s.height + mcu - 1) / mcu; rows != want {
			t.Fatalf("%d rows, want %d", rows, want)
		}
		if err := s.parse(data); err != nil || len(s.rows) != rows {
			t.Fatalf("the same once more: %d rows, %v", len(s.rows), err)
		}
		// What is put together of it is as well-formed.
		across := (s.width + mcu - 1) / mcu * mcu
		if across > 0xffff {
			return
		}
		out := newStitcher(&s.tables, across, rows*mcu, across).stitch(s.rows)
		var again segments
		if err := again.parse(out); err != nil || len(again.rows) != rows || again.tables != s.tables {
			t.Fatalf("put together it is %d rows, %v", len(again.rows), err)
		}
	})
}

func TestLabelsSayNameAndAge(t *testing.T) {
	a, err := newArtist(320, 75)
	if err != nil {
		t.Fatal(err)
	}
	bright := func(row []byte, area image.Rectangle) bool {
		img := decode(t, newStitcher(&a.tables, 320, mcu, 320).stitch([][]byte{row}))
		for y := area.Min.Y; y < area.Max.Y; y++ {
			for x := area.Min.X; x < area.Max.X; x++ {
				if img.YCbCrAt(x, y).Y > 150 {
					return true
				}
			}
		}
		return false
	}
	left, right := image.Rect(0, 0, 100, 16), image.Rect(220, 0, 320, 16)
	for _, c := range []struct {
		left, right     string
		atLeft, atRight bool
	}{{"cam1", "", true, false}, {"", "3 s", false, true}, {"cam1", "3 s", true, true}, {"a camera whose name is far too long for its tile", "12 min", true, true}, {"", "", false, false}} {
		row, err := a.label(c.left, c.right)
		if err != nil {
			t.Fatal(err)
		}
		if bright(row, left) != c.atLeft || bright(row, right) != c.atRight {
			t.Errorf("%q, %q: text on the left %v, on the right %v", c.left, c.right, bright(row, left), bright(row, right))
		}
	}
	rows, err := a.notice(192, "door", "too many different sizes and qualities of this camera are being watched: 16")
	if err != nil || len(rows) != 12 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	img := decode(t, newStitcher(&a.tables, 320, 192, 320).stitch(rows))
	if c := img.At(319, 191).(color.YCbCr); c.Y < 35 || c.Y > 45 {
		t.Errorf("the corner of a notice is %v", c)
	}
}

// BenchmarkStitch is what a wall costs for each picture, all its tiles being new: finding
// their rows, and putting them together. Tiles are those of a wall 1280 pixels wide.
func BenchmarkStitch(b *testing.B) {
	for _, tiles := range []int{4, 9, 16} {
		b.Run(fmt.Sprint(tiles), func(b *testing.B) {
			l := Layout{Cameras: make([]string, tiles)}
			for i := range l.Cameras {
				l.Cameras[i] = fmt.Sprint("cam", i)
			}
			s, err := l.shape()
			if err != nil {
				b.Fatal(err)
			}
			a, err := newArtist(s.tileWidth, s.quality)
			if err != nil {
				b.Fatal(err)
			}
			w := &wall{shape: s, artist: a, stitcher: newStitcher(&a.tables, s.width(), s.height(), s.tileWidth)}
			var pictures [2][]*media.Picture
			for i, name := range l.Cameras {
				w.cells = append(w.cells, &cell{name: name})
				for n := range pictures {
					data := cameraJPEG(b, scene(s.tileWidth, s.tileHeight, uint64(2*i+n)), s.quality)
					pictures[n] = append(pictures[n], &media.Picture{JPEG: data, State: media.Live})
				}
			}
			size := 0
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				for i, c := range w.cells {
					c.picture = pictures[n%2][i]
				}
				p, err := w.compose(time.Time{})
				if err != nil {
					b.Fatal(err)
				}
				size = len(p.JPEG)
			}
			b.ReportMetric(float64(size)/1024, "KB/wall")
		})
	}
}
