package wall

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"strings"
	"unicode/utf8"

	"camgate/caption"
	"camgate/media"
)

// Notice is a JPEG, width × height, that says a text of a camera in the place of its picture.
func Notice(width, height int, name, text string) ([]byte, error) {
	across, down := (width+mcu-1)/mcu*mcu, (height+mcu-1)/mcu*mcu
	a, err := newArtist(across, media.DefaultQuality)
	if err != nil {
		return nil, err
	}
	rows, err := a.notice(down, name, text)
	if err != nil {
		return nil, err
	}
	return newStitcher(&a.tables, width, height, across).stitch(rows), nil
}

// An artist draws what no camera brings: labels, and what stands in a tile that has no
// picture. Its JPEGs are Go's, which have the tables of T.81's annex K, scaled as libjpeg
// does: those of the cameras' tiles (a test holds that).
type artist struct {
	width, quality int
	coded          bytes.Buffer
	black          []byte // a row of nothing
	tables         tables
}

func newArtist(width, quality int) (*artist, error) {
	a := &artist{width: width, quality: quality}
	s, err := a.row(plain(width, mcu, 0))
	if err != nil {
		return nil, err
	}
	a.black, a.tables = s.rows[0], s.tables
	return a, nil
}

// row encodes one row of minimum coded units. Its bytes stay as they are.
func (a *artist) row(img *image.YCbCr) (*segments, error) {
	a.coded.Reset()
	if err := jpeg.Encode(&a.coded, img, &jpeg.Options{Quality: a.quality}); err != nil {
		return nil, fmt.Errorf("a caption of a wall: %w", err)
	}
	s := new(segments)
	return s, s.parse(bytes.Clone(a.coded.Bytes()))
}

// rows encodes a picture, whose sides are multiples of 16, row by row.
func (a *artist) rows(img *image.YCbCr) ([][]byte, error) {
	var rows [][]byte
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y += mcu {
		s, err := a.row(img.SubImage(image.Rect(img.Rect.Min.X, y, img.Rect.Max.X, y+mcu)).(*image.YCbCr))
		if err != nil {
			return nil, err
		}
		rows = append(rows, s.rows[0])
	}
	return rows, nil
}

// notice is a tile that says why it shows nothing.
func (a *artist) notice(height int, name, text string) ([][]byte, error) {
	img := plain(a.width, height, 40)
	margin := max(2, a.width/24)
	line := max(8, min(height/10, 40))
	lines := append([]string{name}, wrap(text, max(1, (a.width-2*margin)/max(1, caption.Width(line, "0")-2*(line/5))))...)
	top := max(0, (height-len(lines)*line*5/4)/2)
	for i, one := range lines {
		caption.Draw(img, margin, top+i*line*5/4, line, one)
	}
	return a.rows(img)
}

// wrap breaks text between words, so that no line is longer than most, where words allow.
func wrap(text string, most int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && utf8.RuneCountInString(lines[n-1])+1+utf8.RuneCountInString(word) <= most {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// label is the strip under a tile: left begins at its left side, right ends at its right,
// and goes before where there is no room for both.
func (a *artist) label(left, right string) ([]byte, error) {
	img := plain(a.width, mcu, 40)
	edge := a.width
	caption.Draw(img, 0, 0, mcu, left)
	if right != "" {
		edge -= caption.Width(mcu, right)
		blank(img, max(0, edge))
		caption.Draw(img, max(0, edge), 0, mcu, right)
	}
	s, err := a.row(img)
	if err != nil {
		return nil, err
	}
	return s.rows[0], nil
}

// plain is a grey picture.
func plain(width, height int, luma byte) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = luma
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	return img
}

// blank empties a strip from x on.
func blank(img *image.YCbCr, x int) {
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		row := img.Y[img.YOffset(x, y) : img.YOffset(img.Rect.Max.X-1, y)+1]
		for i := range row {
			row[i] = 40
		}
	}
}
