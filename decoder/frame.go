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
	max    int // pixels that it may be shown in
}

// origin is the access unit that a frame is of.
type origin struct {
	pts      time.Duration
	received time.Time
}

// newFrame takes what av refers to over, and leaves av empty. max is how many pixels it may
// be shown in.
func newFrame(av *astiav.Frame, max int) (*Frame, error) {
	f := &Frame{av: astiav.AllocFrame(), max: max}
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
// square are stretched, and shrunk only where the picture would become larger than any that
// is decoded. A parameter set says a shape in a few bytes, and every picture pays for it.
func (f *Frame) Size() (width, height int) {
	w, h := int(f.info.width), int(f.info.height)
	num, den := int(f.info.sar_num), int(f.info.sar_den)
	if num > den {
		if wide := (w*num + den/2) / den; wide <= MaxSide && wide*h <= f.max {
			return wide, h
		}
		return w, max(1, (h*den+num/2)/num)
	}
	if high := (h*den + num/2) / num; num == den || high <= MaxSide && w*high <= f.max {
		return w, high
	}
	return max(1, (w*num+den/2)/den), h
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
