// Package stamp burns a frame number into the top of a picture, such that it can be read
// back after a camera's codec, a change of size and a JPEG: tests and benchmarks learn
// from it which picture they see.
//
// The stamp is a strip over the whole width, 1/24 of the height, of 32 cells, black or
// white, most significant bit first: 24 bits of number, 7 bits of check sum (the sum of
// the three bytes modulo 127), and one that is always white.
package stamp

import "image"

// Numbers is how many different numbers there are: n and n+Numbers have the same stamp.
const Numbers = 1 << 24

const (
	cells = 32
	black = 16
	white = 235
	// split is the middle between black and white, in limited and full range alike.
	split = 128
)

// Height of the strip of a picture, in pixels.
func Height(picture int) int { return max(1, picture/24) }

// code is the cells, the first in the most significant bit.
func code(n uint32) uint32 {
	n %= Numbers
	sum := (n>>16 + n>>8&255 + n&255) % 127
	return n<<8 | sum<<1 | 1
}

// Draw burns n modulo Numbers into img, at least 32 pixels wide, in any subsampling.
func Draw(img *image.YCbCr, n uint32) {
	bits, r := code(n), img.Rect
	width, bottom := r.Dx(), r.Min.Y+Height(r.Dy())
	row := img.Y[img.YOffset(r.Min.X, r.Min.Y):][:width]
	for cell := range cells {
		v := byte(black)
		if bits>>(cells-1-cell)&1 == 1 {
			v = white
		}
		for x := cell * width / cells; x < (cell+1)*width/cells; x++ {
			row[x] = v
		}
	}
	for y := r.Min.Y + 1; y < bottom; y++ {
		copy(img.Y[img.YOffset(r.Min.X, y):], row)
	}
	// The strip is grey. Where a row of chroma belongs to both strip and picture, it
	// stays the picture's.
	first, last := img.COffset(r.Min.X, r.Min.Y), img.COffset(r.Min.X, bottom)
	samples := img.COffset(r.Max.X-1, r.Min.Y) - first + 1
	for at := first; at+img.CStride <= last; at += img.CStride {
		grey(img.Cb[at:][:samples])
		grey(img.Cr[at:][:samples])
	}
}

func grey(row []byte) {
	for i := range row {
		row[i] = 128
	}
}

// Read finds the number in a picture, of any size from 64 pixels of width on. ok is false
// where the picture has no stamp that can be read.
func Read(img image.Image) (n uint32, ok bool) {
	r := img.Bounds()
	if r.Dx() < 2*cells || r.Dy() < 2 {
		return 0, false
	}
	var bits uint32
	for cell := range cells {
		// The patch keeps clear of the cell's edges, where scaling and codec blur.
		x0, x1 := (8*cell+3)*r.Dx()/(8*cells), (8*cell+5)*r.Dx()/(8*cells)
		y0, y1 := r.Dy()*3/(24*8), r.Dy()*5/(24*8)
		v := mean(img, image.Rect(x0, y0, max(x1, x0+1), max(y1, y0+1)).Add(r.Min))
		bits <<= 1
		if v > split {
			bits |= 1
		}
	}
	n = bits >> 8
	return n, bits == code(n)
}

// mean luma of a patch.
func mean(img image.Image, r image.Rectangle) int {
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			sum += luma(img, x, y)
		}
	}
	return sum / (r.Dx() * r.Dy())
}

func luma(img image.Image, x, y int) int {
	switch img := img.(type) {
	case *image.YCbCr:
		return int(img.Y[img.YOffset(x, y)])
	case *image.Gray:
		return int(img.GrayAt(x, y).Y)
	}
	r, g, b, _ := img.At(x, y).RGBA()
	return int((299*r + 587*g + 114*b) / 1000 >> 8)
}
