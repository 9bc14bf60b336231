package decoder

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os/exec"
	"testing"

	"camgate/media"
)

// block is the side of one patch of colour: a multiple of an MCU, so that neither
// subsampling nor the JPEG's transform mixes patches.
const block = 16

// patches is a picture of even colours inside the cube, as RGB.
func patches(columns, rows int) (width, height int, rgb []byte) {
	width, height = columns*block, rows*block
	rgb = make([]byte, 0, width*height*3)
	for y := range height {
		for x := range width {
			n := y/block*columns + x/block
			rgb = append(rgb, byte(20+n*73%216), byte(20+n*131%216), byte(20+n*29%216))
		}
	}
	return width, height, rgb
}

// ffmpeg runs the command-line program on input.
func ffmpeg(t testing.TB, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin"}, args...)...)
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s", args, err, complaints.String())
	}
	return out.Bytes()
}

// TestColoursAreRight holds what a viewer sees against what libswscale makes of the same
// coded picture.
func TestColoursAreRight(t *testing.T) {
	const columns, rows = 16, 9
	width, height, rgb := patches(columns, rows)
	size := fmt.Sprintf("%dx%d", width, height)
	for _, codec := range []struct {
		codec   media.Codec
		format  string // of the command-line program
		encoder []string
	}{
		{media.H264, "h264", []string{"libx264", "-qp", "1", "-preset", "ultrafast"}},
		{media.H265, "hevc", []string{"libx265", "-x265-params", "qp=1:bframes=0:log-level=none", "-preset", "ultrafast"}},
		{media.MJPEG, "mjpeg", []string{"mjpeg", "-q:v", "1", "-qmin", "1", "-strict", "-1"}},
		{media.MPEG4, "m4v", []string{"mpeg4", "-q:v", "1"}},
	} {
		for _, pixels := range []string{"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"} {
			for _, from := range []struct{ name, ffmpeg string }{{"bt601", "smpte170m"}, {"bt709", "bt709"}} {
				for _, span := range []string{"tv", "pc"} {
					switch {
					case codec.codec == media.MPEG4 && (pixels != "yuv420p" || from.name != "bt601" || span != "tv"),
						codec.codec == media.MJPEG && (len(pixels) > 7 || from.name != "bt601" || span != "pc"):
						continue // the codec cannot say it
					}
					t.Run(fmt.Sprintf("%v %s %s %s", codec.codec, pixels, from.name, span), func(t *testing.T) {
						t.Parallel()
						toYUV := fmt.Sprintf("scale=in_range=pc:out_range=%s:out_color_matrix=%s:flags=accurate_rnd+full_chroma_inp+full_chroma_int,format=%s", span, from.name, pixels)
						coded := ffmpeg(t, rgb, append([]string{"-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-i", "-",
							"-vf", toYUV, "-color_range", span, "-colorspace", from.ffmpeg, "-f", codec.format, "-c:v"},
							append(codec.encoder, "-")...)...)
						toRGB := fmt.Sprintf("scale=in_range=%s:out_range=pc:in_color_matrix=%s:flags=accurate_rnd+full_chroma_int,format=rgb24", span, from.name)
						want := ffmpeg(t, coded, "-f", codec.format, "-i", "-", "-vf", toRGB, "-f", "rawvideo", "-")
						compare(t, decodeJPEG(t, toJPEG(t, codec.codec, coded, 0, 0, 100)), want[:len(rgb)], width, 3)
					})
				}
			}
		}
	}
}

// toJPEG decodes one access unit and encodes it, at its own size where width is 0.
func toJPEG(t testing.TB, codec media.Codec, coded []byte, width, height, quality int) []byte {
	t.Helper()
	d, err := New(codec, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	frame, err := d.Decode(&media.AccessUnit{Codec: media.MJPEG, NALUs: [][]byte{coded}, Key: true})
	if err != nil {
		t.Fatal(err)
	}
	if frame == nil {
		t.Fatal("the decoder holds the picture back")
	}
	defer frame.Close()
	j, err := NewJPEG()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if width == 0 {
		width, height = frame.Size()
	}
	out, err := j.Frame(frame, width, height, quality)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decodeJPEG(t testing.TB, data []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("not a JPEG that Go reads: %v", err)
	}
	return img
}

// compare holds the middle of each patch against want, RGB of the same size. It compares
// means: single pixels also carry the codec's noise and the grain of the chroma.
func compare(t *testing.T, got image.Image, want []byte, width, tolerance int) {
	t.Helper()
	const side = block / 2
	worst := 0
	bounds := got.Bounds()
	for y := block / 4; y < bounds.Dy(); y += block {
		for x := block / 4; x < bounds.Dx(); x += block {
			var difference [3]int
			for dy := range side {
				for dx := range side {
					r, g, b, _ := got.At(x+dx, y+dy).RGBA()
					at := ((y+dy)*width + x + dx) * 3
					for i, v := range []uint32{r, g, b} {
						difference[i] += int(v>>8) - int(want[at+i])
					}
				}
			}
			for _, d := range difference {
				worst = max(worst, (max(d, -d)+side*side/2)/(side*side))
			}
		}
	}
	if worst > tolerance {
		t.Errorf("colours are off by up to %d levels, at most %d are allowed", worst, tolerance)
	}
}

// TestScaledPicturesAreMeans holds pictures scaled down against the mean of what each of
// their pixels covers: fine patterns turn grey, and do not shimmer.
func TestScaledPicturesAreMeans(t *testing.T) {
	coded := ffmpeg(t, nil, "-f", "lavfi", "-i", "color=c=gray:size=960x720:rate=25,noise=alls=60:all_seed=7", "-frames:v", "1",
		"-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "1", "-qmin", "1", "-f", "mjpeg", "-")
	for _, size := range []image.Point{{X: 480, Y: 360}, {X: 320, Y: 240}, {X: 240, Y: 180}, {X: 192, Y: 144}, {X: 160, Y: 120}, {X: 120, Y: 90}} {
		got := decodeJPEG(t, toJPEG(t, media.MJPEG, coded, size.X, size.Y, 100)).(*image.YCbCr)
		want := ffmpeg(t, coded, "-f", "mjpeg", "-i", "-", "-vf", fmt.Sprintf("scale=%d:%d:flags=area+accurate_rnd", size.X, size.Y),
			"-pix_fmt", "yuvj420p", "-f", "rawvideo", "-")
		sum := 0
		for y := range size.Y {
			for x := range size.X {
				d := int(got.Y[got.YOffset(x, y)]) - int(want[y*size.X+x])
				sum += max(d, -d)
			}
		}
		if mean := float64(sum) / float64(size.X*size.Y); mean > 1.5 {
			t.Errorf("%v: pixels are off by %.1f levels on average", size, mean)
		}
	}
}

// TestGreyPicturesKeepTheirLevels: JPEGs without colour, as cameras make them at night and
// those for heat always, are full range like all others.
func TestGreyPicturesKeepTheirLevels(t *testing.T) {
	d, j := open(t, media.MJPEG, Options{}), newJPEG(t)
	for _, level := range []uint8{0, 40, 100, 200, 255} {
		grey := image.NewGray(image.Rect(0, 0, 64, 64))
		for i := range grey.Pix {
			grey.Pix[i] = level
		}
		var coded bytes.Buffer
		if err := jpeg.Encode(&coded, grey, &jpeg.Options{Quality: 95}); err != nil {
			t.Fatal(err)
		}
		au := media.NewAccessUnit(media.MJPEG, [][]byte{coded.Bytes()})
		au.Key = true
		frame, err := d.Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{64, 32} {
			data, err := j.Frame(frame, size, size, 95)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			c := color.YCbCrModel.Convert(shown.At(size/2, size/2)).(color.YCbCr)
			if difference(c.Y, level) > 3 || difference(c.Cb, 128) > 3 || difference(c.Cr, 128) > 3 {
				t.Errorf("grey of %d, %d wide, becomes %v", level, size, c)
			}
		}
		frame.Close()
	}
}

func difference(a, b uint8) int { return int(max(a, b) - min(a, b)) }
