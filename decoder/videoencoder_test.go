package decoder

import (
	"fmt"
	"image"
	"os/exec"
	"strings"
	"testing"

	"camgate/media"
)

// ramp is a picture whose planes hold something different everywhere.
func ramp(o VideoEncoderOptions, n int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, o.Width, o.Height), o.Subsampling())
	for i := range img.Y {
		img.Y[i] = byte(40 + (i%img.YStride+i/img.YStride+3*n)%160)
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = byte(90+i%img.CStride%70), byte(90+i/img.CStride%70)
	}
	return img
}

func encodeAll(t testing.TB, o VideoEncoderOptions, frames int, key func(int) bool) []*media.AccessUnit {
	t.Helper()
	e, err := NewVideoEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var all []*media.AccessUnit
	for n := range frames {
		units, err := e.Encode(ramp(o, n), key != nil && key(n))
		if err != nil {
			t.Fatal(err)
		}
		if o.BFrames == 0 && len(units) != 1 {
			t.Fatalf("picture %d gave %d access units, want one at once", n, len(units))
		}
		all = append(all, units...)
	}
	units, err := e.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return append(all, units...)
}

func bytesOf(units []*media.AccessUnit) []byte {
	var b []byte
	for _, au := range units {
		b = append(b, au.Bytes()...)
	}
	return b
}

// probe is what ffprobe says of the first video stream: key=value a line.
func probe(t testing.TB, codec media.Codec, stream []byte, entries string) string {
	t.Helper()
	demuxer := map[media.Codec]string{media.H264: "h264", media.H265: "hevc", media.MJPEG: "mjpeg", media.MPEG4: "m4v"}[codec]
	cmd := exec.Command("ffprobe", "-v", "error", "-f", demuxer, "-i", "-", "-count_frames", "-show_entries", "stream="+entries+",nb_read_frames", "-of", "default=nw=1")
	cmd.Stdin = strings.NewReader(string(stream))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, out)
	}
	return string(out)
}

func TestVideoEncoderMakesWhatOthersRead(t *testing.T) {
	for _, c := range []struct {
		name string
		o    VideoEncoderOptions
		want string // words of ffprobe's answer
	}{
		{"H.264", VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 240}, "codec_name=h264 width=320 height=240 pix_fmt=yuv420p"},
		{"H.264 High", VideoEncoderOptions{Codec: media.H264, Width: 322, Height: 242, Preset: "veryfast", Bitrate: 200000}, "profile=High width=322 height=242"},
		{"H.264 with B-frames", VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 240, BFrames: 2}, "has_b_frames=2"},
		{"H.264 4:2:2, full range, BT.709", VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 240, PixelFormat: "yuv422p", FullRange: true, Matrix: "bt709"}, "pix_fmt=yuvj422p color_range=pc color_space=bt709"},
		{"H.264 4:4:4, odd, BT.601", VideoEncoderOptions{Codec: media.H264, Width: 321, Height: 241, PixelFormat: "yuv444p", Matrix: "bt601"}, "width=321 height=241 pix_fmt=yuv444p color_space=smpte170m"},
		{"H.264 10 bit", VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 240, PixelFormat: "yuv420p10le", Quantizer: 4}, "pix_fmt=yuv420p10le"},
		{"H.264 wide pixels", VideoEncoderOptions{Codec: media.H264, Width: 352, Height: 288, SampleAspect: [2]int{12, 11}}, "sample_aspect_ratio=12:11"},
		{"H.264 interlaced", VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 256, Interlaced: true}, "field_order=tt"},
		{"H.265", VideoEncoderOptions{Codec: media.H265, Width: 320, Height: 240}, "codec_name=hevc width=320 height=240"},
		{"H.265 10 bit, full range, wide pixels", VideoEncoderOptions{Codec: media.H265, Width: 320, Height: 240, PixelFormat: "yuv420p10le", FullRange: true, Matrix: "bt709", SampleAspect: [2]int{4, 3}, Quantizer: 4}, "pix_fmt=yuv420p10le color_range=pc color_space=bt709 sample_aspect_ratio=4:3"},
		{"H.265 with B-frames", VideoEncoderOptions{Codec: media.H265, Width: 320, Height: 240, BFrames: 2}, "codec_name=hevc"},
		{"MJPEG", VideoEncoderOptions{Codec: media.MJPEG, Width: 320, Height: 240}, "codec_name=mjpeg pix_fmt=yuvj420p"},
		{"MJPEG 4:2:2, odd", VideoEncoderOptions{Codec: media.MJPEG, Width: 321, Height: 241, PixelFormat: "yuv422p", Quantizer: 1}, "width=321 height=241 pix_fmt=yuvj422p"},
		{"MPEG-4", VideoEncoderOptions{Codec: media.MPEG4, Width: 320, Height: 240}, "codec_name=mpeg4 width=320"},
		{"MPEG-4 with a bit rate", VideoEncoderOptions{Codec: media.MPEG4, Width: 320, Height: 240, Bitrate: 500000}, "codec_name=mpeg4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			units := encodeAll(t, c.o, 10, nil)
			if len(units) != 10 || !units[0].Key {
				t.Fatalf("%d access units, the first a key: %v; want 10, true", len(units), len(units) > 0 && units[0].Key)
			}
			said := probe(t, c.o.Codec, bytesOf(units), "codec_name,profile,width,height,pix_fmt,color_range,color_space,sample_aspect_ratio,has_b_frames,field_order")
			for _, want := range strings.Fields(c.want + " nb_read_frames=10") {
				if !strings.Contains(said, want+"\n") {
					t.Errorf("ffprobe does not say %s:\n%s", want, said)
				}
			}
		})
	}
}

func TestVideoEncoderPicturesAreExactAtTheFinestQuantizer(t *testing.T) {
	for _, o := range []VideoEncoderOptions{
		{Codec: media.H264, PixelFormat: "yuv444p"}, {Codec: media.H264}, {Codec: media.H264, PixelFormat: "yuv422p10le"},
		{Codec: media.H265}, {Codec: media.MJPEG}, {Codec: media.MPEG4},
	} {
		t.Run(fmt.Sprint(o.Codec, " ", o.PixelFormat), func(t *testing.T) {
			o.Width, o.Height, o.Quantizer = 128, 96, 1
			stream := bytesOf(encodeAll(t, o, 1, nil))
			demuxer := map[media.Codec]string{media.H264: "h264", media.H265: "hevc", media.MJPEG: "mjpeg", media.MPEG4: "m4v"}[o.Codec]
			got := ffmpeg(t, stream, "-f", demuxer, "-i", "-", "-f", "rawvideo", "-")
			want := ramp(o, 0)
			step := len(got) / (len(want.Y) + 2*len(want.Cb)) // bytes a sample
			for i, v := range append(append(want.Y[:len(want.Y):len(want.Y)], want.Cb...), want.Cr...) {
				have := int(got[i*step])
				if step == 2 {
					have = (have | int(got[i*step+1])<<8) / 4
				}
				if d := have - int(v); d > 4 || d < -4 {
					t.Fatalf("sample %d is %d, want %d", i, have, v)
				}
			}
		})
	}
}

func TestVideoEncoderKeyFramesComeWhenAsked(t *testing.T) {
	for _, codec := range []media.Codec{media.H264, media.H265, media.MPEG4} {
		o := VideoEncoderOptions{Codec: codec, Width: 160, Height: 96, GOP: 10}
		for n, au := range encodeAll(t, o, 20, func(n int) bool { return n == 4 }) {
			if want := n == 0 || n == 4 || n == 14; au.Key != want {
				t.Errorf("%v: picture %d is a key frame: %v, want %v", codec, n, au.Key, want)
			}
		}
	}
}

func TestVideoEncoderPutsParameterSetsBeforeEachKeyFrame(t *testing.T) {
	for codec, want := range map[media.Codec][]byte{media.H264: {7, 8, 5}, media.H265: {32, 33, 34, 19}} {
		for n, au := range encodeAll(t, VideoEncoderOptions{Codec: codec, Width: 160, Height: 96, GOP: 3}, 7, nil) {
			var kinds []byte
			for _, nalu := range au.NALUs {
				if kind := nalu[0] & 31; codec == media.H264 {
					kinds = append(kinds, kind)
				} else {
					kinds = append(kinds, nalu[0]>>1&63)
				}
			}
			if n%3 == 0 && (string(kinds) != string(want) && string(kinds[:len(kinds)-1]) != string(want[:len(want)-1])) {
				t.Errorf("%v: key frame %d has NAL units of types %v, want %v", codec, n, kinds, want)
			}
			if n%3 != 0 && len(kinds) != 1 {
				t.Errorf("%v: picture %d has NAL units of types %v, want one", codec, n, kinds)
			}
		}
	}
}

func TestVideoEncoderCutsPicturesIntoSlices(t *testing.T) {
	o := VideoEncoderOptions{Codec: media.H264, Width: 640, Height: 480, Slices: 30}
	for n, au := range encodeAll(t, o, 3, nil) {
		if want := 30; len(au.NALUs) < want {
			t.Errorf("picture %d has %d NAL units, want %d slices", n, len(au.NALUs), want)
		}
	}
}

func TestVideoEncoderRefusesNonsenseInASentence(t *testing.T) {
	for _, o := range []VideoEncoderOptions{
		{},
		{Codec: media.H264},
		{Codec: media.H264, Width: 321, Height: 240},
		{Codec: media.H264, Width: 320, Height: 240, PixelFormat: "rgb24"},
		{Codec: media.H264, Width: 320, Height: 240, FPS: 1e9},
		{Codec: media.H264, Width: 320, Height: 240, Matrix: "bt2020"},
		{Codec: media.H264, Width: 320, Height: 240, Preset: "hasty"},
		{Codec: media.H265, Width: 320, Height: 240, Interlaced: true},
		{Codec: media.MJPEG, Width: 320, Height: 240, PixelFormat: "yuv420p10le"},
	} {
		e, err := NewVideoEncoder(o)
		if err == nil {
			e.Close()
			t.Errorf("%+v was accepted", o)
			continue
		}
		if len(err.Error()) < 15 {
			t.Errorf("%+v: %q is no sentence", o, err)
		}
	}
	e, err := NewVideoEncoder(VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 240})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Encode(image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio422), false); err == nil {
		t.Error("a 4:2:2 picture was taken for 4:2:0")
	}
}
