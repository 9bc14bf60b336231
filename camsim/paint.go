package camsim

import (
	"image"
	"image/color"
)

// A paint is a colour as the planes hold it.
type paint struct{ y, cb, cr byte }

// mix is the paint for a colour, in the range of the camera's pictures.
func mix(r, g, b uint8, full bool) paint {
	y, cb, cr := color.RGBToYCbCr(r, g, b)
	if full {
		return paint{y, cb, cr}
	}
	narrow := func(c uint8) byte { return byte(128 + (int(c)-128)*224/255) }
	return paint{byte(16 + int(y)*219/255), narrow(cb), narrow(cr)}
}

// fill paints the part of r that lies in img.
func fill(img *image.YCbCr, r image.Rectangle, p paint) {
	r = r.Intersect(img.Rect)
	if r.Empty() {
		return
	}
	chroma := -1
	for y := r.Min.Y; y < r.Max.Y; y++ {
		set(img.Y[img.YOffset(r.Min.X, y):img.YOffset(r.Max.X-1, y)+1], p.y)
		from := img.COffset(r.Min.X, y)
		if from == chroma {
			continue // this row of chroma belongs to two of luma
		}
		chroma = from
		to := img.COffset(r.Max.X-1, y) + 1
		set(img.Cb[from:to], p.cb)
		set(img.Cr[from:to], p.cr)
	}
}

func set(row []byte, v byte) {
	for i := range row {
		row[i] = v
	}
}

// copyOf makes an image of the same shape and pixels.
func copyOf(img *image.YCbCr) *image.YCbCr {
	c := image.NewYCbCr(img.Rect, img.SubsampleRatio)
	overwrite(c, img)
	return c
}

// overwrite copies the pixels of an image of the same shape.
func overwrite(to, from *image.YCbCr) {
	copy(to.Y, from.Y)
	copy(to.Cb, from.Cb)
	copy(to.Cr, from.Cr)
}
