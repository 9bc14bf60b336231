package camsim

import (
	"fmt"
	"image"
	"math/rand/v2"

	"camgate/camsim/stamp"
	"camgate/caption"
	"camgate/decoder"
)

// A texture is the picture of a clip: rough ground that passes by, pieces of it that move
// on their own, and a sensor's noise. It is as hard to encode and to decode as a street
// by day.
type texture struct {
	ground *image.YCbCr // wider than the picture by all that passes
	img    *image.YCbCr
	random *rand.Rand
	noise  []int8
}

const (
	pan      = 2 // pixels a picture
	panTurns = 64
	things   = 6
)

func newTexture(v decoder.VideoEncoderOptions, random *rand.Rand) *texture {
	t := &texture{random: random, noise: make([]int8, 1<<16)}
	for i := range t.noise {
		t.noise[i] = int8(random.NormFloat64() * 2.2)
	}
	rect := image.Rect(0, 0, v.Width, v.Height)
	t.img = image.NewYCbCr(rect, v.Subsampling())
	rect.Max.X += pan * panTurns
	t.ground = image.NewYCbCr(rect, v.Subsampling())
	t.grow(t.ground.Y, t.ground.YStride, 126, []float64{40, 22, 12, 7})
	t.grow(t.ground.Cb, t.ground.CStride, 128, []float64{22, 8})
	t.grow(t.ground.Cr, t.ground.CStride, 128, []float64{22, 8})
	return t
}

// grow fills a plane with value noise: octaves of random grids, each twice as fine as the
// one before, with bilinear interpolation between.
func (t *texture) grow(plane []byte, stride int, mean float64, amplitudes []float64) {
	sum := make([]float32, len(plane))
	for octave, amplitude := range amplitudes {
		cell := 64 >> octave
		columns := stride/cell + 2
		grid := make([]float32, columns*(len(plane)/stride/cell+2))
		for i := range grid {
			grid[i] = float32((t.random.Float64()*2 - 1) * amplitude)
		}
		for i := range sum {
			x, y := i%stride, i/stride
			at := y/cell*columns + x/cell
			fx, fy := float32(x%cell)/float32(cell), float32(y%cell)/float32(cell)
			top := grid[at] + (grid[at+1]-grid[at])*fx
			bottom := grid[at+columns] + (grid[at+columns+1]-grid[at+columns])*fx
			sum[i] += top + (bottom-top)*fy
		}
	}
	for i, v := range sum {
		plane[i] = byte(min(235, max(16, mean+float64(v))))
	}
}

// draw paints the picture with this number; the image holds until the next call.
func (t *texture) draw(number uint32) *image.YCbCr {
	turn := int(number) % (2 * panTurns)
	if turn >= panTurns {
		turn = 2*panTurns - 1 - turn // to and fro
	}
	size := t.img.Rect.Size()
	t.move(t.img.Rect, image.Pt(turn*pan, 0))
	for i := range things {
		w, h := size.X/8, size.Y/6
		x := (int(number)*(2+i)*size.X/640 + i*size.X/things) % (size.X + w)
		if i%2 == 1 {
			x = size.X - x
		}
		y := size.Y/8 + i*size.Y/8
		t.move(image.Rect(x&^1, y&^1, (x+w)&^1, (y+h)&^1), image.Pt(i*97%(pan*panTurns), 0))
	}
	for y := range size.Y {
		row := t.img.Y[y*t.img.YStride:][:size.X]
		at := t.random.IntN(len(t.noise) / 2)
		for x := range row {
			row[x] = byte(int(row[x]) + int(t.noise[(at+x)&(1<<16-1)]))
		}
	}
	line := max(10, size.Y/18)
	caption.Draw(t.img, line/3, stamp.Height(size.Y)+line/3, line, fmt.Sprintf("clip #%06d", number))
	stamp.Draw(t.img, number)
	return t.img
}

// move copies ground to r; for all but the whole picture the ground is that of elsewhere,
// so that the piece stands out and takes its texture along.
func (t *texture) move(r image.Rectangle, from image.Point) {
	whole := r == t.img.Rect
	in := r.Intersect(t.img.Rect)
	if in.Empty() {
		return
	}
	x := from.X + in.Min.X
	if !whole {
		x = from.X + in.Min.X - r.Min.X
	}
	last := -1
	for y := in.Min.Y; y < in.Max.Y; y++ {
		to := t.img.YOffset(in.Min.X, y)
		copy(t.img.Y[to:to+in.Dx()], t.ground.Y[t.ground.YOffset(x, y):])
		to = t.img.COffset(in.Min.X, y)
		if to == last {
			continue
		}
		last = to
		n := t.img.COffset(in.Max.X-1, y) + 1 - to
		at := t.ground.COffset(x, y)
		copy(t.img.Cb[to:to+n], t.ground.Cb[at:])
		copy(t.img.Cr[to:to+n], t.ground.Cr[at:])
	}
}
