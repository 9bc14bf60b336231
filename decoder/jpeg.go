package decoder

// #include "jpeg.h"
import "C"

import (
	"errors"
	"fmt"
	"image"
)

// JPEG makes the JPEGs of one rendition: it keeps tables, scaler and buffers from one
// picture to the next. It is for one goroutine. Close frees its memory.
//
// Its JPEGs are baseline, 4:2:0, BT.601 full range (JFIF), with the default Huffman
// tables and a restart marker after each row of MCUs.
type JPEG struct {
	c    *C.cg_jpeg
	last int // size of the last JPEG, in bytes
}

// NewJPEG returns an encoder for any number of pictures.
func NewJPEG() (*JPEG, error) {
	c := C.cg_jpeg_new()
	if c == nil {
		return nil, errors.New("no memory for a JPEG encoder")
	}
	return &JPEG{c: c}, nil
}

// Close frees the encoder. Closing twice is harmless.
func (j *JPEG) Close() {
	C.cg_jpeg_free(j.c)
	j.c = nil
}

// Frame makes the JPEG of f, scaled to width × height (1 to 65500 pixels) at libjpeg's
// quality (1 to 100). The bytes are the caller's.
func (j *JPEG) Frame(f *Frame, width, height, quality int) ([]byte, error) {
	return j.Padded(f, image.Pt(width, height), width, height, quality)
}

// Padded is Frame with f scaled to inner, at most width × height, in the middle of a
// black picture.
func (j *JPEG) Padded(f *Frame, inner image.Point, width, height, quality int) ([]byte, error) {
	out := j.buffer(width, height)
	return j.finish(out, C.cg_jpeg_frame(j.c, f.c(), C.int(inner.X), C.int(inner.Y), C.int(width), C.int(height),
		C.int(quality), bytePointer(out), C.size_t(len(out))))
}

// Image makes the JPEG of a picture that is 4:2:0 and full range BT.601 already, as
// package image has it.
func (j *JPEG) Image(img *image.YCbCr, quality int) ([]byte, error) {
	if img.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return nil, fmt.Errorf("a picture for a JPEG must be 4:2:0, this one is %v", img.SubsampleRatio)
	}
	width, height := img.Rect.Dx(), img.Rect.Dy()
	out := j.buffer(width, height)
	return j.finish(out, C.cg_jpeg_planes(j.c, bytePointer(img.Y), bytePointer(img.Cb), bytePointer(img.Cr),
		C.int(img.YStride), C.int(img.CStride), C.int(width), C.int(height), C.int(quality),
		bytePointer(out), C.size_t(len(out))))
}

// Planes gives f scaled to width × height and converted as for a JPEG, to draw on.
func (j *JPEG) Planes(f *Frame, width, height int) (*image.YCbCr, error) {
	return j.PaddedPlanes(f, image.Pt(width, height), width, height)
}

// PaddedPlanes is Planes with f scaled to inner, at most width × height, in the middle of
// a black picture.
func (j *JPEG) PaddedPlanes(f *Frame, inner image.Point, width, height int) (*image.YCbCr, error) {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	at := img
	if inner.X < width || inner.Y < height {
		fill(img.Cb, 128) // luma is 0 already
		fill(img.Cr, 128)
		corner := image.Pt((width-inner.X)/2&^1, (height-inner.Y)/2&^1)
		at = img.SubImage(image.Rectangle{Min: corner, Max: corner.Add(inner)}).(*image.YCbCr)
	}
	if C.cg_frame_planes(j.c, f.c(), C.int(inner.X), C.int(inner.Y), bytePointer(at.Y), bytePointer(at.Cb),
		bytePointer(at.Cr), C.int(at.YStride), C.int(at.CStride)) < 0 {
		return nil, errors.New(C.GoString(C.cg_jpeg_error(j.c)))
	}
	return img, nil
}

func fill(plane []byte, value byte) {
	for i := range plane {
		plane[i] = value
	}
}

// buffer has room for a little more than the last picture took.
func (j *JPEG) buffer(width, height int) []byte {
	if j.last == 0 {
		j.last = width * height / 8
	}
	return make([]byte, j.last+j.last/8+4096)
}

func (j *JPEG) finish(out []byte, size C.long) ([]byte, error) {
	if size < 0 {
		return nil, errors.New(C.GoString(C.cg_jpeg_error(j.c)))
	}
	if int(size) > len(out) {
		out = make([]byte, size)
		C.cg_jpeg_overflow(j.c, bytePointer(out), C.size_t(size))
	}
	j.last = int(size)
	return out[:size:size], nil
}
