package decoder

// #include <libavutil/frame.h>
import "C"

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"camgate/media"
)

// VideoEncoderOptions say what a VideoEncoder makes. Two equal values make the same
// stream of the same pictures.
type VideoEncoderOptions struct {
	Codec         media.Codec
	Width, Height int     // pixels, 1 to 16384; even where the chroma is subsampled (H.264, H.265)
	FPS           float64 // pictures a second, 0.05 to 240; 0 is 25
	GOP           int     // pictures from key frame to key frame; 0 is two seconds' worth

	// Bitrate in bit/s, kept over one second; 0 is constant quality.
	Bitrate int

	// Quantizer, where Bitrate is 0: 1 (nearly exact) to 51 (worst) for H.264 and H.265,
	// 1 to 31 for MPEG-4 and MJPEG. 0 is the codec's own default.
	Quantizer int

	// PixelFormat by libav's name: yuv420p (""), yuv422p, yuv444p, the same with 10le
	// behind or yuvj in front (full range).
	PixelFormat string

	FullRange    bool   // luma 0 to 255; always so for MJPEG
	Matrix       string // "bt601", "bt709", or "" for a stream that does not say
	SampleAspect [2]int // shape of a pixel, width to height; zero does not say
	Interlaced   bool   // top field first; H.264 and MPEG-4
	Slices       int    // slices a picture; 0 is one
	BFrames      int    // B-frames between P-frames: each holds pictures back
	Preset       string // of x264 and x265; "" is ultrafast
}

// A VideoEncoder turns pictures into coded ones, with libx264, libx265 and libav's mjpeg
// and mpeg4. Without B-frames each picture comes out at once. It is for one goroutine;
// Close frees libav's memory.
//
// It exists for simulated cameras and for tests; what the gateway itself encodes is
// Transcoder's.
type VideoEncoder struct {
	options VideoEncoderOptions
	format  pixelFormat
	context *astiav.CodecContext
	frame   *astiav.Frame
	packet  *astiav.Packet
	rate    astiav.Rational
	next    int64 // number of the next picture
}

type pixelFormat struct {
	av    astiav.PixelFormat
	ratio image.YCbCrSubsampleRatio
	deep  bool // 10 bits in two bytes
	full  bool
}

var pixelFormats = map[string]pixelFormat{
	"yuv420p":     {av: astiav.PixelFormatYuv420P, ratio: image.YCbCrSubsampleRatio420},
	"yuv422p":     {av: astiav.PixelFormatYuv422P, ratio: image.YCbCrSubsampleRatio422},
	"yuv444p":     {av: astiav.PixelFormatYuv444P, ratio: image.YCbCrSubsampleRatio444},
	"yuvj420p":    {av: astiav.PixelFormatYuvj420P, ratio: image.YCbCrSubsampleRatio420, full: true},
	"yuvj422p":    {av: astiav.PixelFormatYuvj422P, ratio: image.YCbCrSubsampleRatio422, full: true},
	"yuvj444p":    {av: astiav.PixelFormatYuvj444P, ratio: image.YCbCrSubsampleRatio444, full: true},
	"yuv420p10le": {av: astiav.PixelFormatYuv420P10Le, ratio: image.YCbCrSubsampleRatio420, deep: true},
	"yuv422p10le": {av: astiav.PixelFormatYuv422P10Le, ratio: image.YCbCrSubsampleRatio422, deep: true},
	"yuv444p10le": {av: astiav.PixelFormatYuv444P10Le, ratio: image.YCbCrSubsampleRatio444, deep: true},
}

// Subsampling is the shape of the pictures that an encoder of o takes.
func (o VideoEncoderOptions) Subsampling() image.YCbCrSubsampleRatio {
	return pixelFormats[o.withDefaults().PixelFormat].ratio
}

func (o VideoEncoderOptions) withDefaults() VideoEncoderOptions {
	if o.FPS == 0 {
		o.FPS = 25
	}
	if o.GOP == 0 {
		o.GOP = max(1, int(math.Round(2*o.FPS)))
	}
	if o.PixelFormat == "" {
		o.PixelFormat = "yuv420p"
	}
	if o.Codec == media.MJPEG && !strings.HasPrefix(o.PixelFormat, "yuvj") {
		// libav's JPEGs are full range whatever the name says; it wants the name to say so.
		o.PixelFormat = "yuvj" + strings.TrimPrefix(o.PixelFormat, "yuv")
	}
	o.FullRange = o.FullRange || pixelFormats[o.PixelFormat].full
	if o.Preset == "" {
		o.Preset = "ultrafast"
	}
	return o
}

// presets of x264 and x265, from quick to thorough.
var presets = []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"}

// check says in a sentence what no encoder could make.
func (o VideoEncoderOptions) check() error {
	format, known := pixelFormats[o.PixelFormat]
	switch {
	case o.Width < 1 || o.Height < 1 || o.Width > 16384 || o.Height > 16384:
		return fmt.Errorf("size %d×%d: each side must be 1 to 16384 pixels", o.Width, o.Height)
	case !(o.FPS >= 0.05 && o.FPS <= 240):
		return fmt.Errorf("%v pictures a second: must be 0.05 to 240", o.FPS)
	case o.GOP < 1 || o.Bitrate < 0 || o.Quantizer < 0 || o.Quantizer > 51 || o.Slices < 0 || o.BFrames < 0 || o.BFrames > 16:
		return errors.New("GOP must be 1 or more, Quantizer 0 to 51, BFrames 0 to 16, Bitrate and Slices not negative")
	case !known:
		return fmt.Errorf("pixel format %q is none of yuv420p, yuv422p, yuv444p, yuvj420p, yuvj422p, yuvj444p, yuv420p10le, yuv422p10le, yuv444p10le", o.PixelFormat)
	case o.Matrix != "" && o.Matrix != "bt601" && o.Matrix != "bt709":
		return fmt.Errorf("matrix %q is neither bt601 nor bt709", o.Matrix)
	case !slices.Contains(presets, o.Preset):
		return fmt.Errorf("preset %q is none of %s", o.Preset, strings.Join(presets, ", "))
	case o.Interlaced && o.Codec != media.H264 && o.Codec != media.MPEG4:
		return fmt.Errorf("%v cannot be interlaced here, only H.264 and MPEG-4", o.Codec)
	}
	if o.Codec == media.MJPEG {
		return nil
	}
	if format.ratio != image.YCbCrSubsampleRatio444 && o.Width%2 != 0 ||
		format.ratio == image.YCbCrSubsampleRatio420 && o.Height%2 != 0 && o.Codec != media.MPEG4 {
		return fmt.Errorf("size %d×%d: %v in %s needs even sides (yuv444p or MJPEG can be odd)", o.Width, o.Height, o.Codec, o.PixelFormat)
	}
	return nil
}

// NewVideoEncoder opens an encoder. An error says in a sentence which option is wrong.
func NewVideoEncoder(o VideoEncoderOptions) (*VideoEncoder, error) {
	quietLibav()
	o = o.withDefaults()
	name, ok := map[media.Codec]string{media.H264: "libx264", media.H265: "libx265", media.MJPEG: "mjpeg", media.MPEG4: "mpeg4"}[o.Codec]
	if !ok {
		return nil, fmt.Errorf("no encoder for codec %v", o.Codec)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	codec := astiav.FindEncoderByName(name)
	if codec == nil {
		return nil, fmt.Errorf("this FFmpeg was built without %s", name)
	}
	num, den := rational(o.FPS)
	e := &VideoEncoder{options: o, format: pixelFormats[o.PixelFormat], rate: astiav.NewRational(num, den)}
	e.context, e.frame, e.packet = astiav.AllocCodecContext(codec), astiav.AllocFrame(), astiav.AllocPacket()
	if e.context == nil || e.frame == nil || e.packet == nil {
		e.Close()
		return nil, errors.New("no memory for an encoder")
	}
	if err := e.open(codec); err != nil {
		e.Close()
		return nil, fmt.Errorf("%s, %d×%d %s: %w", name, o.Width, o.Height, o.PixelFormat, err)
	}
	return e, nil
}

func (e *VideoEncoder) open(codec *astiav.Codec) error {
	o := e.options
	e.context.SetWidth(o.Width)
	e.context.SetHeight(o.Height)
	e.context.SetPixelFormat(e.format.av)
	e.context.SetFramerate(e.rate)
	e.context.SetTimeBase(astiav.NewRational(e.rate.Den(), e.rate.Num()))
	if o.SampleAspect[0] > 0 && o.SampleAspect[1] > 0 {
		e.context.SetSampleAspectRatio(astiav.NewRational(o.SampleAspect[0], o.SampleAspect[1]))
	}
	dictionary := astiav.NewDictionary()
	defer dictionary.Free()
	for _, kv := range o.libav() {
		if err := dictionary.Set(kv[0], kv[1], 0); err != nil {
			return fmt.Errorf("option %s: %w", kv[0], err)
		}
	}
	if err := e.context.Open(codec, dictionary); err != nil {
		return err
	}
	e.frame.SetWidth(o.Width)
	e.frame.SetHeight(o.Height)
	e.frame.SetPixelFormat(e.format.av)
	return e.frame.AllocBuffer(0)
}

// Encode takes one picture of the options' size and Subsampling and returns the access
// units that are ready: one, or for B-frames none or several, in the order of decoding,
// each with the PTS of its picture. forceKey makes the picture a key frame. The access
// units are the caller's.
func (e *VideoEncoder) Encode(img *image.YCbCr, forceKey bool) ([]*media.AccessUnit, error) {
	o := e.options
	if img.Rect.Dx() != o.Width || img.Rect.Dy() != o.Height || img.SubsampleRatio != e.format.ratio {
		return nil, fmt.Errorf("the picture is %v %v, the encoder's are %d×%d %v",
			img.Rect.Size(), img.SubsampleRatio, o.Width, o.Height, e.format.ratio)
	}
	frame := (*C.AVFrame)(e.frame.UnsafePointer())
	// The encoder may still refer to the last picture.
	if C.av_frame_make_writable(frame) < 0 {
		return nil, errors.New("no memory for a picture")
	}
	at, chroma := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y), img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	size := chromaSize(e.format.ratio, image.Pt(o.Width, o.Height))
	e.fill(frame, 0, img.Y[at:], img.YStride, image.Pt(o.Width, o.Height))
	e.fill(frame, 1, img.Cb[chroma:], img.CStride, size)
	e.fill(frame, 2, img.Cr[chroma:], img.CStride, size)
	if o.Interlaced {
		frame.interlaced_frame, frame.top_field_first = 1, 1
	}
	e.frame.SetPts(e.next)
	e.next++
	e.frame.SetPictureType(astiav.PictureTypeNone)
	if forceKey {
		e.frame.SetPictureType(astiav.PictureTypeI)
	}
	return e.send(e.frame)
}

// Flush returns what the encoder holds back. Nothing can be encoded afterwards.
func (e *VideoEncoder) Flush() ([]*media.AccessUnit, error) { return e.send(nil) }

// Close frees what libav holds. Closing twice is harmless.
func (e *VideoEncoder) Close() {
	if e.packet != nil {
		e.packet.Free()
	}
	if e.frame != nil {
		e.frame.Free()
	}
	if e.context != nil {
		e.context.Free()
	}
	e.packet, e.frame, e.context = nil, nil, nil
}

func chromaSize(ratio image.YCbCrSubsampleRatio, size image.Point) image.Point {
	if ratio != image.YCbCrSubsampleRatio444 {
		size.X = (size.X + 1) / 2
	}
	if ratio == image.YCbCrSubsampleRatio420 {
		size.Y = (size.Y + 1) / 2
	}
	return size
}

// fill copies one plane into libav's memory, widened to 10 bits where it must be.
func (e *VideoEncoder) fill(frame *C.AVFrame, plane int, from []byte, stride int, size image.Point) {
	line := int(frame.linesize[plane])
	to := unsafe.Slice((*byte)(unsafe.Pointer(frame.data[plane])), line*size.Y)
	for y := range size.Y {
		row := from[y*stride : y*stride+size.X]
		if !e.format.deep {
			copy(to[y*line:], row)
			continue
		}
		for x, v := range row {
			to[y*line+2*x], to[y*line+2*x+1] = v<<2, v>>6
		}
	}
}

func (e *VideoEncoder) send(frame *astiav.Frame) ([]*media.AccessUnit, error) {
	if err := e.context.SendFrame(frame); err != nil {
		return nil, fmt.Errorf("libav's encoder refused a picture: %w", err)
	}
	var units []*media.AccessUnit
	for {
		err := e.context.ReceivePacket(e.packet)
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return units, nil
		}
		if err != nil {
			return nil, fmt.Errorf("libav's encoder: %w", err)
		}
		units = append(units, e.accessUnit())
		e.packet.Unref()
	}
}

// accessUnit is what the packet holds; go-astiav copies its bytes.
func (e *VideoEncoder) accessUnit() *media.AccessUnit {
	data := e.packet.Data()
	nalus := [][]byte{data}
	if e.options.Codec == media.H264 || e.options.Codec == media.H265 {
		nalus = splitAnnexB(e.options.Codec, data)
	}
	au := media.NewAccessUnit(e.options.Codec, nalus)
	au.Key = e.packet.Flags().Has(astiav.PacketFlagKey)
	au.PTS = time.Duration(math.Round(float64(e.packet.Pts()) * float64(e.rate.Den()) / float64(e.rate.Num()) * 1e9))
	return au
}

// rational is a rate as the smallest fraction of thousandths.
func rational(fps float64) (num, den int) {
	num, den = int(math.Round(fps*1000)), 1000
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return num / a, den / a
}

// libav is the options in its words.
func (o VideoEncoderOptions) libav() [][2]string {
	list := [][2]string{
		{"threads", "1"}, // frame threads would hold pictures back
		{"g", strconv.Itoa(o.GOP)},
		{"bf", strconv.Itoa(o.BFrames)},
		{"color_range", map[bool]string{false: "tv", true: "pc"}[o.FullRange]},
	}
	add := func(key, value string) { list = append(list, [2]string{key, value}) }
	switch o.Matrix {
	case "bt601":
		add("colorspace", "smpte170m")
		add("color_primaries", "smpte170m")
		add("color_trc", "smpte170m")
	case "bt709":
		add("colorspace", "bt709")
		add("color_primaries", "bt709")
		add("color_trc", "bt709")
	}
	if o.Bitrate > 0 {
		rate := strconv.Itoa(o.Bitrate)
		add("b", rate)
		add("maxrate", rate)
		add("bufsize", rate)
	}
	if o.Interlaced {
		add("flags", "+ildct+ilme")
	}
	return append(list, o.codecOptions()...)
}

// codecOptions are those that each codec names differently.
func (o VideoEncoderOptions) codecOptions() [][2]string {
	count := strconv.Itoa(max(1, o.Slices))
	switch o.Codec {
	case media.H264:
		list := [][2]string{{"preset", o.Preset}, {"forced-idr", "1"}, {"slices", count},
			{"x264-params", "log=-1:force-cfr=1:scenecut=0:sync-lookahead=0:rc-lookahead=0:mbtree=0:sliced-threads=0:b-adapt=0:open-gop=0"}}
		if o.Bitrate == 0 && o.Quantizer > 0 {
			list = append(list, [2]string{"qp", strconv.Itoa(o.Quantizer)})
		}
		return list
	case media.H265:
		params := fmt.Sprintf("log-level=none:info=0:scenecut=0:rc-lookahead=%d:lookahead-slices=0:b-adapt=0:open-gop=0:"+
			"cutree=0:frame-threads=1:pools=none:repeat-headers=1:bframes=%d:slices=%s", o.BFrames+min(o.BFrames, 1), o.BFrames, count)
		if o.Bitrate == 0 && o.Quantizer > 0 {
			params += fmt.Sprintf(":qp=%d:ipratio=1:pbratio=1", o.Quantizer)
		}
		return [][2]string{{"preset", o.Preset}, {"forced-idr", "1"}, {"x265-params", params}}
	}
	var list [][2]string
	if o.Codec == media.MJPEG {
		// RFC 2435 sends no Huffman tables: receivers put the standard's default ones in.
		list = append(list, [2]string{"huffman", "default"})
	}
	if o.Slices > 1 {
		list = append(list, [2]string{"slices", count})
	}
	if o.Bitrate == 0 {
		q := o.Quantizer
		if q == 0 {
			q = 4
		}
		list = append(list, [2]string{"flags", map[bool]string{false: "+qscale", true: "+qscale+ildct+ilme"}[o.Interlaced]},
			[2]string{"global_quality", strconv.Itoa(q * 118)}, // FF_QP2LAMBDA
			[2]string{"qmin", "1"}, [2]string{"qmax", "31"})
	}
	return list
}
