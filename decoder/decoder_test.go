package decoder

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"camgate/media"
)

// split cuts an H.264 byte stream of one slice a picture into access units.
func split(stream []byte) []*media.AccessUnit {
	var units []*media.AccessUnit
	var nalus [][]byte
	for _, nalu := range bytes.Split(stream, []byte{0, 0, 1}) {
		if nalu = bytes.TrimRight(nalu, "\x00"); len(nalu) == 0 {
			continue
		}
		nalus = append(nalus, nalu)
		if kind := nalu[0] & 31; kind == 1 || kind == 5 {
			au := media.NewAccessUnit(media.H264, nalus)
			au.Key = kind == 5
			units = append(units, au)
			nalus = nil
		}
	}
	return units
}

// stream is a moving test picture as H.264, one slice a picture.
func stream(t testing.TB, size string, frames int, args ...string) []*media.AccessUnit {
	t.Helper()
	return split(ffmpeg(t, nil, append([]string{"-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=25", "-frames:v", strconv.Itoa(frames),
		"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25", "-threads", "1", "-f", "h264"}, append(args, "-")...)...))
}

func open(t testing.TB, codec media.Codec, o Options) *Decoder {
	t.Helper()
	d, err := New(codec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func newJPEG(t testing.TB) *JPEG {
	t.Helper()
	j, err := NewJPEG()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func TestEveryAccessUnitGivesItsFrameAtOnce(t *testing.T) {
	for _, args := range [][]string{{"-profile:v", "high"}, {"-tune", "zerolatency"}, {"-x264-params", "bitrate=500:vbv-maxrate=500:vbv-bufsize=250"}} {
		d := open(t, media.H264, Options{})
		for i, au := range stream(t, "320x240", 30, args...) {
			frame, err := d.Decode(au)
			if err != nil || frame == nil {
				t.Fatalf("%v: access unit %d gave frame %v, error %v", args, i, frame, err)
			}
			if frame.Damaged() {
				t.Errorf("%v: frame %d is said to be damaged", args, i)
			}
			frame.Close()
		}
	}
}

func TestSizeChangesInMidStream(t *testing.T) {
	d, j := open(t, media.H264, Options{}), newJPEG(t)
	for _, size := range []string{"320x240", "640x480", "176x144"} {
		for _, au := range stream(t, size, 3) {
			frame, err := d.Decode(au)
			if err != nil || frame == nil {
				t.Fatalf("%s: frame %v, error %v", size, frame, err)
			}
			width, height := frame.Size()
			if got := fmt.Sprintf("%dx%d", width, height); got != size {
				t.Errorf("frame is %s, want %s", got, size)
			}
			out, err := j.Frame(frame, width, height, 75)
			if err != nil {
				t.Fatal(err)
			}
			if got := decodeJPEG(t, out).Bounds().Dx(); got != width {
				t.Errorf("JPEG is %d wide, want %d", got, width)
			}
			frame.Close()
		}
	}
}

func TestOddSizesKeepTheirEdges(t *testing.T) {
	for _, size := range []image.Point{{X: 17, Y: 17}, {X: 319, Y: 239}, {X: 321, Y: 181}, {X: 1366, Y: 769}} {
		t.Run(size.String(), func(t *testing.T) {
			source := fmt.Sprintf("color=c=0x3080c0:size=%dx%d:rate=25", size.X, size.Y)
			coded := ffmpeg(t, nil, "-f", "lavfi", "-i", source, "-frames:v", "1", "-pix_fmt", "yuvj444p", "-c:v", "mjpeg", "-q:v", "2", "-f", "mjpeg", "-")
			for _, scale := range []int{1, 2} {
				width, height := max(1, size.X/scale), max(1, size.Y/scale)
				img := decodeJPEG(t, toJPEG(t, media.MJPEG, coded, width, height, 95))
				if got := img.Bounds().Max; got != image.Pt(width, height) {
					t.Fatalf("JPEG is %v, want %d×%d", got, width, height)
				}
				for _, at := range []image.Point{{}, {X: width - 1}, {Y: height - 1}, {X: width - 1, Y: height - 1}} {
					c := color.RGBAModel.Convert(img.At(at.X, at.Y)).(color.RGBA)
					for i, pair := range [][2]int{{int(c.R), 0x30}, {int(c.G), 0x80}, {int(c.B), 0xc0}} {
						if d := pair[0] - pair[1]; d < -6 || d > 6 {
							t.Errorf("at %v of %d×%d, channel %d is %d, want %d", at, width, height, i, pair[0], pair[1])
						}
					}
				}
			}
		})
	}
}

func TestPixelsThatAreNotSquareAreStretched(t *testing.T) {
	for _, c := range []struct {
		sar           string
		width, height int
	}{{"16/15", 768, 576}, {"1/2", 720, 1152}, {"1/1", 720, 576}, {"200/1", 720, 576}} {
		au := stream(t, "720x576", 1, "-vf", "setsar="+c.sar)[0]
		frame, err := open(t, media.H264, Options{}).Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		if w, h := frame.Size(); w != c.width || h != c.height {
			t.Errorf("720×576 of %s is shown as %d×%d, want %d×%d", c.sar, w, h, c.width, c.height)
		}
		frame.Close()
	}
}

// TestShapesMakeNoPictureLargerThanAllowed: a stream of a few bytes asks for pixels that are
// nearly eight times as wide as high, or as high as wide.
func TestShapesMakeNoPictureLargerThanAllowed(t *testing.T) {
	for _, c := range []struct {
		size, sar     string
		most          int
		width, height int
	}{
		{"704x576", "12/11", 768 * 576, 768, 576},
		{"704x576", "12/11", 768*576 - 1, 704, 528},
		{"704x576", "1/2", 704*1152 - 1, 352, 576},
		{"2048x16", "7/1", 0, 2048, 2},
		{"16x2048", "1/7", 0, 2, 2048},
		{"704x576", "1/1", 704 * 576, 704, 576},
	} {
		au := stream(t, c.size, 1, "-vf", "setsar="+c.sar)[0]
		frame, err := open(t, media.H264, Options{MaxPixels: c.most}).Decode(au)
		if err != nil {
			t.Fatalf("%s of %s: %v", c.size, c.sar, err)
		}
		w, h := frame.Size()
		if w != c.width || h != c.height {
			t.Errorf("%s of %s is shown as %d×%d, want %d×%d", c.size, c.sar, w, h, c.width, c.height)
		}
		if _, err := newJPEG(t).Frame(frame, w, h, 75); err != nil {
			t.Errorf("%s of %s: %v", c.size, c.sar, err)
		}
		frame.Close()
	}
}

// TestInterlacedPicturesShowNoComb weaves a black and a white field: a viewer sees one of
// the two, never stripes.
func TestInterlacedPicturesShowNoComb(t *testing.T) {
	coded := ffmpeg(t, nil, "-f", "lavfi", "-i", "color=c=black:size=320x240:rate=50,geq=lum='235*mod(N,2)':cb=128:cr=128,tinterlace=interleave_top",
		"-frames:v", "1", "-pix_fmt", "yuv420p", "-flags", "+ildct+ilme", "-c:v", "libx264", "-bf", "0", "-qp", "4", "-f", "h264", "-")
	img := decodeJPEG(t, toJPEG(t, media.H264, coded, 320, 240, 90))
	for y := 100; y < 140; y++ {
		a, _, _, _ := img.At(160, y).RGBA()
		b, _, _, _ := img.At(160, y+1).RGBA()
		if d := int(a>>8) - int(b>>8); d > 20 || d < -20 {
			t.Fatalf("lines %d and %d differ by %d levels", y, y+1, d)
		}
	}
}

func TestJPEGHasARestartMarkerAfterEachRow(t *testing.T) {
	frame, err := open(t, media.H264, Options{}).Decode(stream(t, "640x360", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer frame.Close()
	out, err := newJPEG(t).Frame(frame, 640, 360, 75)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(out, []byte{0xff, 0xdd, 0, 4, 0, 40}); i < 0 {
		t.Error("no restart interval of 40 MCUs, the width of 640 pixels")
	}
	markers := 0
	for i := 0; i+1 < len(out); i++ {
		if out[i] == 0xff && out[i+1] >= 0xd0 && out[i+1] <= 0xd7 {
			if int(out[i+1]-0xd0) != markers%8 {
				t.Errorf("restart marker %d is number %d", markers, out[i+1]-0xd0)
			}
			markers++
		}
	}
	if markers != 22 { // 23 rows, none after the last
		t.Errorf("%d restart markers, want 22", markers)
	}
}

func TestPictureLargerThanExpectedIsWhole(t *testing.T) {
	j := newJPEG(t)
	for _, c := range []struct {
		noise   string
		quality int
	}{{"0", 10}, {"100", 100}, {"100", 1}, {"100", 100}} {
		coded := ffmpeg(t, nil, "-f", "lavfi", "-i", "color=c=gray:size=640x480:rate=25,noise=alls="+c.noise+":allf=t", "-frames:v", "1", "-c:v", "libx264", "-bf", "0", "-qp", "4", "-f", "h264", "-")
		frame, err := open(t, media.H264, Options{}).Decode(&media.AccessUnit{Codec: media.MJPEG, NALUs: [][]byte{coded}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := j.Frame(frame, 640, 480, c.quality)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(out, []byte{0xff, 0xd9}) {
			t.Errorf("noise %s, quality %d: the JPEG of %d bytes has no end", c.noise, c.quality, len(out))
		}
		decodeJPEG(t, out)
		frame.Close()
	}
}

func TestPlanesAndImageGiveTheSamePicture(t *testing.T) {
	frame, err := open(t, media.H264, Options{}).Decode(stream(t, "1280x720", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer frame.Close()
	j := newJPEG(t)
	img, err := j.Planes(frame, 641, 361)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := j.Image(img, 80)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := j.Frame(frame, 641, 361, 80)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(drawn, direct) {
		t.Error("drawing nothing on a picture changes it")
	}
}

func TestPaddedPictureLiesInTheMiddleOfBlack(t *testing.T) {
	frame, err := open(t, media.H264, Options{}).Decode(stream(t, "640x480", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer frame.Close()
	j := newJPEG(t)
	for _, c := range []struct{ inner, whole image.Point }{
		{image.Pt(256, 192), image.Pt(320, 192)}, // bars beside
		{image.Pt(320, 240), image.Pt(320, 272)}, // above and below
		{image.Pt(242, 182), image.Pt(320, 184)},
		{image.Pt(15, 13), image.Pt(33, 17)},
		{image.Pt(1, 1), image.Pt(16, 16)},
	} {
		padded, err := j.Padded(frame, c.inner, c.whole.X, c.whole.Y, 100)
		if err != nil {
			t.Fatal(err)
		}
		planes, err := j.PaddedPlanes(frame, c.inner, c.whole.X, c.whole.Y)
		if err != nil {
			t.Fatal(err)
		}
		if drawn, err := j.Image(planes, 100); err != nil || !bytes.Equal(drawn, padded) {
			t.Errorf("%v in %v: the picture to draw on is another one, %v", c.inner, c.whole, err)
		}
		alone, err := j.Planes(frame, c.inner.X, c.inner.Y)
		if err != nil {
			t.Fatal(err)
		}
		corner := image.Pt((c.whole.X-c.inner.X)/2&^1, (c.whole.Y-c.inner.Y)/2&^1)
		area := image.Rectangle{Min: corner, Max: corner.Add(c.inner)}
		for y := range c.whole.Y {
			for x := range c.whole.X {
				got, want := planes.YCbCrAt(x, y), color.YCbCr{Y: 0, Cb: 128, Cr: 128}
				inside := image.Pt(x, y).In(area)
				if inside {
					want = alone.YCbCrAt(x-corner.X, y-corner.Y)
				}
				if got.Y != want.Y || (got != want && inside) {
					t.Fatalf("%v in %v at %d, %d: %v, want %v", c.inner, c.whole, x, y, got, want)
				}
			}
		}
		decoded := decodeJPEG(t, padded).(*image.YCbCr)
		for y := range c.whole.Y {
			for x := range c.whole.X {
				got, want := int(decoded.YCbCrAt(x, y).Y), int(planes.YCbCrAt(x, y).Y)
				if got-want > 4 || want-got > 4 {
					t.Fatalf("%v in %v at %d, %d: luma %d, want %d", c.inner, c.whole, x, y, got, want)
				}
			}
		}
	}
}

func TestHugePicturesAreRefusedBeforeMemoryIsTaken(t *testing.T) {
	au := stream(t, "640x480", 1)[0]
	_, err := open(t, media.H264, Options{MaxPixels: 640*480 - 1}).Decode(au)
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "640 × 480") {
		t.Errorf("error is %v, want one that names the size", err)
	}
	au.Key = false // nobody looks at its parameter sets but libav
	if frame, err := open(t, media.H264, Options{MaxPixels: 640*480 - 1}).Decode(au); err == nil {
		t.Errorf("libav decoded it all the same: %v", frame)
	}
	frame, err := open(t, media.H264, Options{MaxPixels: 640 * 480}).Decode(au)
	if err != nil {
		t.Errorf("a picture of just the allowed size: %v", err)
	} else {
		frame.Close()
	}
}

// TestBrokenPicturesAreFoundOut breaks each access unit of a stream in turn: what is
// shown is either whole or said to be damaged, and the next key frame mends it.
func TestBrokenPicturesAreFoundOut(t *testing.T) {
	units := stream(t, "320x240", 50)
	for _, cut := range []int{2, 3} { // one part in so many is left of the broken picture
		d := open(t, media.H264, Options{})
		found := false
		for i, au := range units {
			if i == 7 {
				slice := au.NALUs[len(au.NALUs)-1]
				au = media.NewAccessUnit(media.H264, [][]byte{slice[:len(slice)/cut]})
			}
			frame, err := d.Decode(au)
			if i == 7 && (err != nil || frame == nil || frame.Damaged()) {
				found = true
			}
			if i >= 25 && (err != nil || frame.Damaged()) {
				t.Fatalf("frame %d after the key frame: error %v", i, err)
			}
			if frame != nil {
				frame.Close()
			}
		}
		if !found {
			t.Errorf("a picture of which %d %% are missing passes for whole", 100-100/cut)
		}
	}
}

// TestNothingOfAnotherPictureFollowsOne: libav reads a little past the end of what it is
// given, and that must be zero, not what lay there before.
func TestNothingOfAnotherPictureFollowsOne(t *testing.T) {
	d := open(t, media.H264, Options{})
	for _, codec := range []media.Codec{media.H264, media.MJPEG} {
		filled := func(b byte, size int) *media.AccessUnit {
			picture := bytes.Repeat([]byte{b}, size+media.Padding)[:size] // whose buffer goes on
			return media.NewAccessUnit(codec, [][]byte{picture})
		}
		for _, size := range []int{100, 4000, 70_000} {
			for range 8 { // more than one block of memory holds what was there before
				if err := d.load(filled(0xff, size+100)); err != nil {
					t.Fatal(err)
				}
				d.packet.Unref()
			}
			au := filled(0x55, size)
			if err := d.load(au); err != nil {
				t.Fatal(err)
			}
			size := d.packet.Size()
			d.packet.SetSize(size + media.Padding)
			data := d.packet.Data()
			d.packet.SetSize(size)
			d.packet.Unref()
			if want := append(slices.Clone(au.Bytes()), make([]byte, media.Padding)...); !bytes.Equal(data, want) {
				t.Errorf("%s: behind %d bytes lie %x", codec, size, data[size:])
			}
		}
	}
}

func TestGarbageIsAnError(t *testing.T) {
	for _, codec := range []media.Codec{media.H264, media.H265, media.MJPEG, media.MPEG4} {
		d := open(t, codec, Options{})
		for _, garbage := range [][]byte{{}, {0}, []byte("not a picture at all"), bytes.Repeat([]byte{0xff}, 5000), bytes.Repeat([]byte{0, 0, 1, 0x65}, 900)} {
			frame, err := d.Decode(&media.AccessUnit{Codec: codec, NALUs: [][]byte{garbage}, Key: true})
			if frame != nil {
				t.Errorf("%v: a picture of %.10x, error %v", codec, garbage, err)
				frame.Close()
			}
		}
	}
	if _, err := New(media.UnknownCodec, Options{}); err == nil {
		t.Error("a decoder for an unknown codec")
	}
}

// residentMB is the process's resident memory.
func residentMB(t testing.TB) int {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}

func TestMemoryIsGivenBack(t *testing.T) {
	units := stream(t, "1280x720", 2)
	round := func() {
		d, err := New(media.H264, Options{})
		if err != nil {
			t.Fatal(err)
		}
		j, err := NewJPEG()
		if err != nil {
			t.Fatal(err)
		}
		for _, au := range units {
			frame, err := d.Decode(au)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Frame(frame, 640, 360, 50); err != nil {
				t.Fatal(err)
			}
			frame.Close()
		}
		j.Close()
		d.Close()
	}
	for range 20 {
		round()
	}
	before := residentMB(t)
	for range 100 {
		round() // a frame lost each time would be 138 MB
	}
	if grown := residentMB(t) - before; grown > 50 {
		t.Errorf("100 decoders later the process is %d MB larger", grown)
	}
}

func FuzzDecode(f *testing.F) {
	for _, au := range stream(f, "64x48", 2) {
		f.Add(uint8(media.H264), au.Bytes())
	}
	f.Add(uint8(media.MJPEG), []byte{0xff, 0xd8, 0xff, 0xd9})
	f.Add(uint8(media.H265), []byte{0, 0, 0, 1, 0x40, 1, 0, 0, 0, 1, 0x42, 1})
	f.Add(uint8(media.MPEG4), []byte{0, 0, 1, 0xb6, 0x10})
	f.Fuzz(func(t *testing.T, codec uint8, data []byte) {
		d, err := New(media.Codec(codec%5), Options{MaxPixels: 1 << 20})
		if err != nil {
			return
		}
		defer d.Close()
		j := newJPEG(t)
		au := media.NewAccessUnit(media.MJPEG, [][]byte{data})
		for range 2 {
			frame, err := d.Decode(au)
			if err != nil || frame == nil {
				continue
			}
			if _, err := j.Frame(frame, 33, 17, 50); err != nil {
				t.Log(err)
			}
			frame.Close()
		}
	})
}

func FuzzClaimedSize(f *testing.F) {
	for _, nalu := range stream(f, "64x48", 1)[0].NALUs {
		f.Add(nalu)
	}
	f.Fuzz(func(t *testing.T, nalu []byte) {
		claimedSize(media.H264, nalu)
		claimedSize(media.H265, nalu)
	})
}
