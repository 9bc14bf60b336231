package decoder

// #include "transcode.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"camgate/media"
)

const (
	// keyEvery is the longest distance of key frames in what is transcoded.
	keyEvery = 2 * time.Second

	// The rate that an encoder is told, in pictures a second, where the camera's is not known
	// or absurd. It decides the bits a picture gets.
	usualFPS, minFPS, maxFPS = 25, 1, 120
)

// encoderName is what libav calls the encoder of a codec that can be transcoded to.
var encoderName = map[media.Codec]string{media.H264: "libx264", media.VP8: "libvpx"}

// Transcodes says whether this FFmpeg can make pictures of a codec for readers: H.264 or
// VP8.
func Transcodes(to media.Codec) bool {
	name := encoderName[to]
	return name != "" && astiav.FindEncoderByName(name) != nil
}

// A Transcoder makes coded pictures of decoded ones, for readers who cannot take the
// camera's: H.264 (constrained baseline, at most 1920×1080) or VP8 (at most 1280×720), each
// frame at once and without B-frames, BT.601 in limited range, a key frame every 2 s. The bit
// rate is bounded by the size. It is for one goroutine. Close frees libav's memory.
type Transcoder struct {
	codec   media.Codec
	scaler  *JPEG
	context *astiav.CodecContext // nil: not open
	frame   *astiav.Frame
	packet  *astiav.Packet

	width, height int
	fps           float64
	next          int64     // number of the next picture
	keyed         time.Time // Received of the last key frame
	since         int       // pictures since then
}

// NewTranscoder makes a transcoder to H.264 or VP8.
func NewTranscoder(to media.Codec) (*Transcoder, error) {
	quietLibav()
	if !Transcodes(to) {
		return nil, fmt.Errorf("this FFmpeg was built without an encoder for %v", to)
	}
	scaler, err := NewJPEG()
	if err != nil {
		return nil, err
	}
	return &Transcoder{codec: to, scaler: scaler}, nil
}

// Close frees what libav holds. Closing twice is harmless.
func (t *Transcoder) Close() {
	t.shut()
	t.scaler.Close()
}

// shut ends the encoder: the next picture begins anew.
func (t *Transcoder) shut() {
	if t.packet != nil {
		t.packet.Free()
	}
	if t.frame != nil {
		t.frame.Free()
	}
	if t.context != nil {
		t.context.Free()
	}
	t.packet, t.frame, t.context = nil, nil, nil
}

// Encode makes the access unit of a frame. Its PTS and Received are those of the frame's
// access unit. fps is the camera's rate, in pictures a second, as far as it is known (0: not
// at all); key makes it a key frame. Pictures of another size than before begin anew.
func (t *Transcoder) Encode(f *Frame, fps float64, key bool) (*media.AccessUnit, error) {
	pts, received := f.Source()
	width, height := transcodedSize(t.codec, f)
	span := received.Sub(t.keyed)
	if t.context != nil && span >= keyEvery {
		rested := key // perhaps: whoever comes first after a while wants a key frame, and what lies before it was not encoded
		key = true
		if measured := float64(t.since) / span.Seconds(); !rested && span < 4*keyEvery && (measured > 1.5*t.fps || measured < t.fps/2) {
			t.shut() // its idea of the rate is wrong, and so is its bit rate
			fps = measured
		}
	}
	if t.context == nil || t.width != width || t.height != height {
		t.shut()
		if err := t.open(width, height, fps); err != nil {
			t.shut()
			return nil, fmt.Errorf("libav cannot open %s for %d×%d: %w", encoderName[t.codec], width, height, err)
		}
		key = true
	}
	frame := (*C.AVFrame)(t.frame.UnsafePointer())
	// The encoder may still refer to the last picture.
	if C.av_frame_make_writable(frame) < 0 {
		return nil, errors.New("no memory for a picture")
	}
	if C.cg_transcode_fill(t.scaler.c, f.c(), frame) < 0 {
		return nil, errors.New(C.GoString(C.cg_jpeg_error(t.scaler.c)))
	}
	t.frame.SetPts(t.next)
	t.next++
	t.frame.SetPictureType(astiav.PictureTypeNone)
	if key {
		t.frame.SetPictureType(astiav.PictureTypeI)
	}
	if err := t.context.SendFrame(t.frame); err != nil {
		return nil, fmt.Errorf("%s refused a picture: %w", encoderName[t.codec], err)
	}
	if err := t.context.ReceivePacket(t.packet); err != nil {
		return nil, fmt.Errorf("%s gave no picture: %w", encoderName[t.codec], err)
	}
	defer t.packet.Unref()
	au := t.accessUnit()
	au.PTS, au.Received = pts, received
	t.since++
	if au.Key {
		t.keyed, t.since = received, 0
	}
	return au, nil
}

// accessUnit is what the packet holds; go-astiav copies its bytes.
func (t *Transcoder) accessUnit() *media.AccessUnit {
	data := t.packet.Data()
	nalus := [][]byte{data}
	if t.codec == media.H264 {
		nalus = splitAnnexB(t.codec, data)
	}
	au := media.NewAccessUnit(t.codec, nalus)
	au.Key = t.packet.Flags().Has(astiav.PacketFlagKey)
	return au
}

func (t *Transcoder) open(width, height int, fps float64) error {
	codec := astiav.FindEncoderByName(encoderName[t.codec])
	t.context, t.frame, t.packet = astiav.AllocCodecContext(codec), astiav.AllocFrame(), astiav.AllocPacket()
	if t.context == nil || t.frame == nil || t.packet == nil {
		return errors.New("no memory for an encoder")
	}
	if fps <= 0 {
		fps = usualFPS
	}
	t.width, t.height, t.fps = width, height, min(max(fps, minFPS), maxFPS)
	num, den := rational(t.fps)
	t.context.SetWidth(width)
	t.context.SetHeight(height)
	t.context.SetPixelFormat(astiav.PixelFormatYuv420P)
	t.context.SetFramerate(astiav.NewRational(num, den))
	t.context.SetTimeBase(astiav.NewRational(den, num))
	options := astiav.NewDictionary()
	defer options.Free()
	for _, kv := range t.options() {
		if err := options.Set(kv[0], kv[1], 0); err != nil {
			return fmt.Errorf("option %s: %w", kv[0], err)
		}
	}
	if err := t.context.Open(codec, options); err != nil {
		return err
	}
	t.frame.SetWidth(width)
	t.frame.SetHeight(height)
	t.frame.SetPixelFormat(astiav.PixelFormatYuv420P)
	return t.frame.AllocBuffer(0)
}

// options of the encoder, in libav's words.
func (t *Transcoder) options() [][2]string {
	rate := transcodedBitrate(t.width, t.height, t.fps)
	bits := strconv.Itoa(rate)
	list := [][2]string{{"threads", "1"}, {"bf", "0"}, {"g", "9999"}, // key frames come by the clock
		{"color_range", "tv"}, {"colorspace", "smpte170m"}, {"color_primaries", "smpte170m"}, {"color_trc", "smpte170m"},
		{"maxrate", bits}, {"bufsize", strconv.Itoa(rate / 2)}}
	if t.codec == media.H264 {
		return append(list, [][2]string{{"preset", "ultrafast"}, {"tune", "zerolatency"}, {"profile", "baseline"}, {"crf", "25"},
			{"forced-idr", "1"}, {"x264-params", "log=-1:scenecut=0:sliced-threads=0"}}...)
	}
	return append(list, [][2]string{{"b", bits}, {"minrate", bits}, {"deadline", "realtime"}, {"cpu-used", "12"}, {"lag-in-frames", "0"},
		{"auto-alt-ref", "0"}, {"error-resilient", "default"}, {"static-thresh", "1"}, {"max-intra-rate", "900"},
		{"qmin", "4"}, {"qmax", "56"}, {"undershoot-pct", "95"}}...)
}

// transcodedBitrate is the most that is spent, in bit/s: a camera's, 4 Mbit/s for 1080p25.
func transcodedBitrate(width, height int, fps float64) int {
	pixels := float64(width*height) * fps / (1920 * 1080 * 25)
	return min(max(int(4e6*math.Pow(pixels, 0.75)), 150_000), 8_000_000)
}

// transcodedSize is a frame's size as it is shown, with even sides, and no larger than the
// codec is given: VP8 costs more than H.264.
func transcodedSize(codec media.Codec, f *Frame) (width, height int) {
	long, short := 1920, 1080
	if codec == media.VP8 {
		long, short = 1280, 720
	}
	width, height = f.Size()
	if width < height {
		long, short = short, long
	}
	width, height = media.Rendition{Width: long, Height: short}.Size(width, height)
	return max(16, width&^1), max(16, height&^1)
}
