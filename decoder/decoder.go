package decoder

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/asticode/go-astiav"

	"camgate/media"
)

// ErrTooLarge: the pictures have more pixels than Options.MaxPixels, or a side longer
// than MaxSide.
var ErrTooLarge = errors.New("the camera's pictures are larger than [limits] max_pixels allows")

// DefaultMaxPixels is the largest picture decoded where Options does not say: 8192².
const DefaultMaxPixels = 8192 * 8192

// Options of a Decoder. The zero value is good.
type Options struct {
	// Threads that libavcodec may use. 0 is one: threads add delay, and one decodes
	// 1080p in 4 ms.
	Threads int

	// MaxPixels is the largest width × height decoded. 0 is DefaultMaxPixels.
	MaxPixels int

	// ExtraData is what the stream's description says beside its pictures: the
	// configuration of MPEG-4 Part 2 (RFC 6416 section 7.1); nil for other codecs.
	ExtraData []byte
}

// A Decoder turns the access units of one stream into frames: one in, at most one out,
// with no delay between. It is for one goroutine. Close frees libav's memory.
type Decoder struct {
	context *astiav.CodecContext
	packet  *astiav.Packet
	frame   *astiav.Frame
	max     int
	padded  []byte     // the last access unit that came without padding
	origins [32]origin // of the last access units: libav holds back 16 pictures at most
	count   int64      // of access units so far
}

var quietLibav = sync.OnceFunc(func() {
	// libav prints URLs and stream contents on its own. What matters comes back as an
	// error code, which we count and report with the camera's name.
	astiav.SetLogLevel(astiav.LogLevelQuiet)
})

// New opens a decoder.
func New(codec media.Codec, o Options) (*Decoder, error) {
	quietLibav()
	id, ok := map[media.Codec]astiav.CodecID{
		media.H264:  astiav.CodecIDH264,
		media.H265:  astiav.CodecIDHevc,
		media.MJPEG: astiav.CodecIDMjpeg,
		media.MPEG4: astiav.CodecIDMpeg4,
		media.VP8:   astiav.CodecIDVp8,
	}[codec]
	if !ok {
		return nil, fmt.Errorf("no decoder for codec %v", codec)
	}
	found := astiav.FindDecoder(id)
	if found == nil {
		return nil, fmt.Errorf("this FFmpeg was built without a decoder for %v", codec)
	}
	threads, maxPixels := max(o.Threads, 1), o.MaxPixels
	if maxPixels <= 0 {
		maxPixels = DefaultMaxPixels
	}
	options := astiav.NewDictionary()
	defer options.Free()
	for _, kv := range [][2]string{
		{"flags", "low_delay"},
		{"max_pixels", strconv.Itoa(maxPixels)}, // libavcodec checks it before it allocates
		{"threads", strconv.Itoa(threads)},
		{"thread_type", "slice"}, // frame threads would each add a picture of delay
	} {
		if err := options.Set(kv[0], kv[1], 0); err != nil {
			return nil, fmt.Errorf("libav option %s: %w", kv[0], err)
		}
	}
	d := &Decoder{context: astiav.AllocCodecContext(found), max: maxPixels}
	if d.context == nil {
		return nil, errors.New("no memory for a decoder")
	}
	d.packet, d.frame = astiav.AllocPacket(), astiav.AllocFrame()
	if d.packet == nil || d.frame == nil {
		d.Close()
		return nil, errors.New("no memory for a decoder")
	}
	if len(o.ExtraData) > 0 {
		if err := d.context.SetExtraData(o.ExtraData); err != nil {
			d.Close()
			return nil, fmt.Errorf("decoder configuration: %w", err)
		}
	}
	if err := d.context.Open(found, options); err != nil {
		d.Close()
		return nil, fmt.Errorf("libav cannot open its decoder for %v: %w", codec, err)
	}
	return d, nil
}

// Close frees what libav holds. Frames that Decode gave live on.
func (d *Decoder) Close() {
	if d.packet != nil {
		d.packet.Free()
	}
	if d.frame != nil {
		d.frame.Free()
	}
	d.context.Free()
	*d = Decoder{}
}

// load puts an access unit into the packet, with the padding that go-astiav does not make.
func (d *Decoder) load(au *media.AccessUnit) error {
	coded, padded := au.Bytes(), au.Padded()
	if padded == nil {
		d.padded = append(append(d.padded[:0], coded...), make([]byte, media.Padding)...)
		padded = d.padded
	}
	if err := d.packet.FromData(padded); err != nil {
		return err
	}
	d.packet.SetSize(len(coded))
	return nil
}

// Decode takes one access unit and returns its frame, for the caller to Close. The
// frame is nil without an error where the access unit holds no picture of its own, as
// the first field of two does. An error concerns this access unit alone; whoever goes
// on should go on at the next key frame.
func (d *Decoder) Decode(au *media.AccessUnit) (*Frame, error) {
	if au.Key {
		if err := d.checkSize(au); err != nil {
			return nil, err
		}
	}
	if err := d.load(au); err != nil {
		return nil, fmt.Errorf("no memory for an access unit of %d bytes: %w", au.Size(), err)
	}
	d.packet.SetPts(d.count)
	newest := &d.origins[d.count%int64(len(d.origins))]
	*newest = origin{au.PTS, au.Received}
	d.count++
	err := d.context.SendPacket(d.packet)
	d.packet.Unref()
	if err != nil {
		return nil, fmt.Errorf("libav refused an access unit of %d bytes: %w", au.Size(), err)
	}
	var got *Frame
	for {
		err = d.context.ReceiveFrame(d.frame)
		if errors.Is(err, astiav.ErrEagain) {
			return got, nil
		}
		if err == nil && (d.frame.Width()*d.frame.Height() > d.max || max(d.frame.Width(), d.frame.Height()) > MaxSide) {
			d.frame.Unref()
			err = ErrTooLarge
		}
		if err != nil {
			if got != nil {
				got.Close()
			}
			return nil, fmt.Errorf("libav could not decode an access unit of %d bytes: %w", au.Size(), err)
		}
		if got != nil {
			got.Close() // two pictures in one access unit: the newer counts
		}
		if au.Codec == media.MJPEG && d.frame.PixelFormat() == astiav.PixelFormatGray8 {
			d.frame.SetColorRange(astiav.ColorRangeJpeg) // as of every JPEG; of a grey one libav does not say it
		}
		number := d.frame.Pts()
		if got, err = newFrame(d.frame, d.max); err != nil {
			return nil, err
		}
		got.origin = *newest
		if number >= 0 && number < d.count && d.count-number < int64(len(d.origins)) {
			got.origin = d.origins[number%int64(len(d.origins))]
		}
	}
}
