package decoder

// #include <libavutil/frame.h>
import "C"

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// AACTone makes a sine of hertz in AAC (LC, mono) at rate samples a second: frames of 1024
// samples, and the AudioSpecificConfig that goes with them (ISO/IEC 14496-3 section
// 1.6.2.1). It exists for simulated cameras and for tests.
func AACTone(rate int, hertz float64, frames int) (config []byte, tone [][]byte, err error) {
	quietLibav()
	codec := astiav.FindEncoder(astiav.CodecIDAac)
	if codec == nil {
		return nil, nil, errors.New("this FFmpeg was built without an AAC encoder")
	}
	context, frame, packet := astiav.AllocCodecContext(codec), astiav.AllocFrame(), astiav.AllocPacket()
	if context == nil || frame == nil || packet == nil {
		return nil, nil, errors.New("no memory for an AAC encoder")
	}
	defer packet.Free()
	defer frame.Free()
	defer context.Free()
	context.SetSampleRate(rate)
	context.SetSampleFormat(astiav.SampleFormatFltp)
	context.SetChannelLayout(astiav.ChannelLayoutMono)
	context.SetBitRate(int64(2 * rate))
	context.SetTimeBase(astiav.NewRational(1, rate))
	options := astiav.NewDictionary()
	defer options.Free()
	if err := options.Set("flags", "+global_header", 0); err != nil {
		return nil, nil, err
	}
	if err := context.Open(codec, options); err != nil {
		return nil, nil, fmt.Errorf("libav cannot make AAC of %s samples a second: %w", strconv.Itoa(rate), err)
	}
	size := context.FrameSize()
	frame.SetNbSamples(size)
	frame.SetSampleFormat(astiav.SampleFormatFltp)
	frame.SetSampleRate(rate)
	frame.SetChannelLayout(astiav.ChannelLayoutMono)
	if err := frame.AllocBuffer(0); err != nil {
		return nil, nil, err
	}
	raw := (*C.AVFrame)(frame.UnsafePointer())
	for n := 0; len(tone) < frames; n++ {
		if C.av_frame_make_writable(raw) < 0 {
			return nil, nil, errors.New("no memory for sound")
		}
		samples := unsafe.Slice((*float32)(unsafe.Pointer(raw.data[0])), size)
		for i := range samples {
			samples[i] = float32(0.3 * math.Sin(2*math.Pi*hertz*float64(n*size+i)/float64(rate)))
		}
		frame.SetPts(int64(n * size))
		if err := context.SendFrame(frame); err != nil {
			return nil, nil, err
		}
		for {
			err := context.ReceivePacket(packet)
			if errors.Is(err, astiav.ErrEagain) {
				break
			}
			if err != nil {
				return nil, nil, err
			}
			tone = append(tone, packet.Data())
			packet.Unref()
		}
	}
	return append([]byte(nil), context.ExtraData()...), tone[:frames], nil
}
