package camsim

import (
	"errors"
	"fmt"
	"image"
	"math"
	"strings"

	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/media"
)

// Mode says where a camera's pictures come from.
type Mode int

const (
	// Clip pictures are drawn and encoded once, at start, and repeated: as detailed and
	// noisy as a street, and sending them costs next to nothing. The picture's number
	// starts again at 0 with each repetition.
	Clip Mode = iota
	// Live pictures are drawn and encoded as they are sent, while somebody watches, and
	// show the time of day.
	Live
)

// Auth says how a camera asks for its password.
type Auth int

const (
	AuthNone   Auth = iota // asks for none
	AuthBasic              // RFC 7617
	AuthDigest             // RFC 7616 with MD5, as RFC 2326 cameras do
	AuthBoth               // offers Basic and Digest
)

// Options of a camera. The zero value is good: a clip of 640×360 in H.264 at 25 pictures a
// second, without a password, on a free port of the loopback interface.
type Options struct {
	// Name is the path of the camera's URL, and stands in its picture. "" is cam1.
	Name string

	// Server of its own, where the camera is made by Start; Server.Add ignores it.
	Server ServerOptions

	Mode Mode

	// Video is what the pictures are like. Where it says neither Bitrate nor Quantizer,
	// the bit rate is a camera's: 4 Mbit/s at 1080p25, less where there are fewer pixels.
	Video decoder.VideoEncoderOptions

	// Audio is the codec of a tone that comes beside the pictures: PCMU, PCMA or AAC.
	// UnknownAudio: there is none.
	Audio media.AudioCodec

	// ClipFrames is how many pictures a clip has before it repeats; it is rounded up to
	// whole GOPs. 0 is two GOPs.
	ClipFrames int

	// User and Password are wanted as Auth says.
	Auth           Auth
	User, Password string

	// Seed decides all that is random: textures, and which packets a fault hits.
	Seed uint64
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "cam1"
	}
	o.Video = videoDefaults(o.Video, o.Mode)
	if o.ClipFrames < 1 {
		o.ClipFrames = 2 * o.Video.GOP
	}
	o.ClipFrames = (o.ClipFrames + o.Video.GOP - 1) / o.Video.GOP * o.Video.GOP
	return o
}

func videoDefaults(v decoder.VideoEncoderOptions, mode Mode) decoder.VideoEncoderOptions {
	if v.Codec == media.UnknownCodec {
		v.Codec = media.H264
	}
	if v.Width == 0 && v.Height == 0 {
		v.Width, v.Height = 640, 360
	}
	if v.FPS == 0 {
		v.FPS = 25
	}
	if v.GOP == 0 {
		v.GOP = max(1, int(math.Round(2*v.FPS)))
	}
	if v.Preset == "" && mode == Clip {
		v.Preset = "veryfast" // High profile and CABAC, as cameras have
		if v.Codec == media.H265 {
			v.Preset = "ultrafast" // x265 is slow
		}
	}
	if v.Bitrate == 0 && v.Quantizer == 0 && v.Codec != media.MJPEG {
		pixels := float64(v.Width*v.Height) * v.FPS / (1920 * 1080 * 25)
		v.Bitrate = max(100_000, int(4e6*math.Pow(pixels, 0.75)))
	}
	return v
}

// check takes options that have their defaults.
func (o Options) check() error {
	switch {
	case strings.Trim(o.Name, "/") != o.Name || strings.ContainsAny(o.Name, " ?#%\r\n\t") || strings.Contains(o.Name, ".."):
		return fmt.Errorf("camera name %q: it becomes the path of a URL, and may hold letters, digits, - _ and /", o.Name)
	case o.Auth != AuthNone && o.User == "":
		return errors.New("a camera that asks for a password needs a user")
	case o.ClipFrames > 100_000 && o.Mode == Clip:
		return fmt.Errorf("a clip of %d pictures: at most 100000, they are all kept in memory", o.ClipFrames)
	}
	return checkVideo(o.Video)
}

func checkVideo(v decoder.VideoEncoderOptions) error {
	if v.Width < 2*32 || v.Height < 32 {
		return fmt.Errorf("size %d×%d: the stamp needs 64×32 pixels", v.Width, v.Height)
	}
	if !(v.FPS >= 0.05 && v.FPS <= 240) {
		return fmt.Errorf("%v pictures a second: must be 0.05 to 240", v.FPS)
	}
	if v.Codec == media.MJPEG && (v.Width%8 != 0 || v.Height%8 != 0 || v.Width > 2040 || v.Height > 2040) {
		return fmt.Errorf("size %d×%d: RTP carries JPEGs (RFC 2435) whose sides are multiples of 8, up to 2040", v.Width, v.Height)
	}
	if v.Codec == media.MJPEG && v.Subsampling() != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("MJPEG in %s: libav lays 4:2:2 out in a way that RTP (RFC 2435) does not know; use yuv420p", v.PixelFormat)
	}
	if v.GOP >= stamp.Numbers {
		return fmt.Errorf("a GOP of %d pictures is longer than the stamp can count", v.GOP)
	}
	return nil
}
