package decoder

// #cgo CFLAGS: -O3 -Wall -Wextra -Wno-clobbered
// #cgo LDFLAGS: -ljpeg -lm
// #cgo pkg-config: libavcodec libavutil libswscale
// #include <libavutil/avutil.h>
// #include "jpeg.h"
import "C"

import (
	"errors"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// A Frame is one decoded picture, in libav's memory. Close frees it.
type Frame struct {
	av     *astiav.Frame
	info   C.cg_frame_info
	origin origin
}

// origin is the access unit that a frame is of.
type origin struct {
	pts      time.Duration
	received time.Time
}

// newFrame takes what av refers to over, and leaves av empty.
func newFrame(av *astiav.Frame) (*Frame, error) {
	f := &Frame{av: astiav.AllocFrame()}
	if f.av == nil {
		return nil, errors.New("no memory for a frame")
	}
	f.av.MoveRef(av)
	C.cg_frame_describe(f.c(), &f.info)
	return f, nil
}

func (f *Frame) c() *C.AVFrame { return (*C.AVFrame)(f.av.UnsafePointer()) }

// Close frees the frame. Closing twice is harmless.
func (f *Frame) Close() {
	if f.av != nil {
		f.av.Free()
		f.av = nil
	}
}

// Size is the picture's size in pixels as a screen should show it: pixels that are not
// square are stretched, never shrunk.
func (f *Frame) Size() (width, height int) {
	w, h := int(f.info.width), int(f.info.height)
	num, den := int(f.info.sar_num), int(f.info.sar_den)
	if num > den {
		return (w*num + den/2) / den, h
	}
	return w, (h*den + num/2) / num
}

// Source is the PTS and the time of arrival of the access unit that the picture is of: with
// B-frames another one than was decoded last.
func (f *Frame) Source() (pts time.Duration, received time.Time) {
	return f.origin.pts, f.origin.received
}

// Coded is the picture's size in the camera's pixels.
func (f *Frame) Coded() (width, height int) { return int(f.info.width), int(f.info.height) }

// Damaged says that libav made part of the picture up, because something was missing.
func (f *Frame) Damaged() bool { return f.info.damaged != 0 }

// Key says that the picture needs no other.
func (f *Frame) Key() bool { return f.info.key != 0 }

// Versions names the libraries that do the work, for `camgate version`.
func Versions() (ffmpeg, libjpegTurbo string) {
	return C.GoString(C.av_version_info()), C.GoString(C.cg_jpeg_version())
}

func bytePointer(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
