package decoder

import (
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"camgate/media"
)

// film makes n access units of a picture that moves, 40 ms apart.
func film(t *testing.T, o VideoEncoderOptions, n int) []*media.AccessUnit {
	t.Helper()
	e, err := NewVideoEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var units []*media.AccessUnit
	for i := range n {
		img := image.NewYCbCr(image.Rect(0, 0, o.Width, o.Height), o.Subsampling())
		for j := range img.Y {
			img.Y[j] = uint8(20 + (j%o.Width+i*8)%200)
		}
		for j := range img.Cb {
			img.Cb[j], img.Cr[j] = 90, 160
		}
		some, err := e.Encode(img, i == 0)
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, some...)
	}
	rest, err := e.Flush()
	if err != nil {
		t.Fatal(err)
	}
	units = append(units, rest...)
	for _, au := range units {
		au.Received = time.Unix(1_800_000_000, 0).Add(au.PTS)
	}
	return units
}

func newTranscoder(t *testing.T, to media.Codec) *Transcoder {
	t.Helper()
	tr, err := NewTranscoder(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func newDecoder(t *testing.T, codec media.Codec) *Decoder {
	t.Helper()
	d, err := New(codec, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestEveryCodecBecomesOneThatBrowsersTake(t *testing.T) {
	for _, from := range []VideoEncoderOptions{
		{Codec: media.H265, Width: 320, Height: 180, Matrix: "bt709"},
		{Codec: media.MJPEG, Width: 320, Height: 184},
		{Codec: media.MPEG4, Width: 320, Height: 180},
		{Codec: media.H264, Width: 320, Height: 180, PixelFormat: "yuv422p10le", FullRange: true},
	} {
		units := film(t, from, 12)
		for _, to := range []media.Codec{media.H264, media.VP8} {
			t.Run(from.Codec.String()+" to "+to.String(), func(t *testing.T) {
				in, out, tr := newDecoder(t, from.Codec), newDecoder(t, to), newTranscoder(t, to)
				for n, au := range units {
					was, err := in.Decode(au)
					if err != nil {
						t.Fatal(err)
					}
					defer was.Close()
					made, err := tr.Encode(was, 25, n == 7)
					if err != nil {
						t.Fatal(err)
					}
					if made.Codec != to || made.Key != (n == 0 || n == 7) || made.PTS != au.PTS || !made.Received.Equal(au.Received) {
						t.Fatalf("picture %d: %v, key %v, PTS %v, received %v", n, made.Codec, made.Key, made.PTS, made.Received)
					}
					is, err := out.Decode(made)
					if err != nil || is == nil {
						t.Fatalf("picture %d: %v", n, err)
					}
					defer is.Close()
					same(t, was, is)
				}
			})
		}
	}
}

// same compares two frames as they are shown.
func same(t *testing.T, a, b *Frame) {
	t.Helper()
	j, err := NewJPEG()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	width, height := b.Size()
	one, err := j.Planes(a, width, height)
	if err != nil {
		t.Fatal(err)
	}
	two, err := j.Planes(b, width, height)
	if err != nil {
		t.Fatal(err)
	}
	for name, planes := range map[string][2][]byte{"Y": {one.Y, two.Y}, "Cb": {one.Cb, two.Cb}, "Cr": {one.Cr, two.Cr}} {
		sum := 0
		for i, v := range planes[0] {
			sum += max(int(v), int(planes[1][i])) - min(int(v), int(planes[1][i]))
		}
		if mean := float64(sum) / float64(len(planes[0])); mean > 6 {
			t.Fatalf("%s differs by %.1f levels in the mean", name, mean)
		}
	}
}

func TestTranscodedH264IsConstrainedBaseline(t *testing.T) {
	au := film(t, VideoEncoderOptions{Codec: media.H265, Width: 320, Height: 180}, 1)[0]
	f, err := newDecoder(t, media.H265).Decode(au)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	made, err := newTranscoder(t, media.H264).Encode(f, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []byte
	for _, nalu := range made.NALUs {
		kinds = append(kinds, nalu[0]&0x1f)
	}
	if string(kinds) != string([]byte{7, 8, 5}) {
		t.Fatalf("the key frame has NAL units of types %d, want SPS, PPS, IDR", kinds)
	}
	if sps := made.NALUs[0]; sps[1] != 66 || sps[2]&0x40 == 0 {
		t.Errorf("profile_idc %d, constraints %08b, want 66 with constraint_set1", sps[1], sps[2])
	}
	var sps h264.SPS
	if err := sps.Unmarshal(made.NALUs[0]); err != nil || sps.Width() != 320 || sps.Height() != 180 {
		t.Errorf("%v, %d×%d", err, sps.Width(), sps.Height())
	}
}

func TestPicturesWithBFramesComeOutInTheirOrder(t *testing.T) {
	units := film(t, VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 180, BFrames: 2, Preset: "veryfast"}, 30)
	in, tr := newDecoder(t, media.H264), newTranscoder(t, media.H264)
	last, got := time.Duration(-1), 0
	for _, au := range units {
		f, err := in.Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		if f == nil {
			continue
		}
		made, err := tr.Encode(f, 25, false)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if made.PTS <= last || !made.Received.Equal(time.Unix(1_800_000_000, 0).Add(made.PTS)) {
			t.Errorf("PTS %v after %v, received %v", made.PTS, last, made.Received)
		}
		last = made.PTS
		got++
	}
	if got < 20 {
		t.Errorf("%d pictures of 30 came out", got)
	}
}

func TestLargePicturesAreTranscodedSmaller(t *testing.T) {
	for _, c := range []struct {
		codec           media.Codec
		from, h264, vp8 [2]int
	}{
		{media.H264, [2]int{2560, 1440}, [2]int{1920, 1080}, [2]int{1280, 720}},
		{media.H264, [2]int{1080, 2400}, [2]int{864, 1920}, [2]int{576, 1280}},
		{media.MJPEG, [2]int{101, 75}, [2]int{100, 74}, [2]int{100, 74}},
	} {
		au := film(t, VideoEncoderOptions{Codec: c.codec, Width: c.from[0], Height: c.from[1]}, 1)[0]
		f, err := newDecoder(t, c.codec).Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		for to, want := range map[media.Codec][2]int{media.H264: c.h264, media.VP8: c.vp8} {
			made, err := newTranscoder(t, to).Encode(f, 25, false)
			if err != nil {
				t.Fatal(err)
			}
			is, err := newDecoder(t, to).Decode(made)
			if err != nil {
				t.Fatal(err)
			}
			if w, h := is.Size(); w != want[0] || h != want[1] {
				t.Errorf("%v of %v is %d×%d, want %v", to, c.from, w, h, want)
			}
			is.Close()
		}
		f.Close()
	}
}

func TestPicturesOfAnyShapeAreTranscoded(t *testing.T) {
	tested := 0
	for _, size := range [][2]int{{1, 1}, {3, 2}, {17, 33}, {31, 15}, {333, 251}, {2, 4000}, {4000, 2}, {4096, 17}} {
		for _, of := range []media.Codec{media.MJPEG, media.H264} {
			o := VideoEncoderOptions{Codec: of, Width: size[0], Height: size[1]}
			if of == media.H264 {
				o.PixelFormat = "yuv444p" // the only one with odd sides
			}
			e, err := NewVideoEncoder(o)
			if err != nil {
				continue // that codec has no such pictures
			}
			e.Close()
			tested++
			in := newDecoder(t, of)
			for _, to := range []media.Codec{media.H264, media.VP8} {
				tr, out := newTranscoder(t, to), newDecoder(t, to)
				for n, au := range film(t, o, 3) {
					f, err := in.Decode(au)
					if err != nil {
						t.Fatal(err)
					}
					made, err := tr.Encode(f, 25, false)
					f.Close()
					if err != nil {
						t.Fatalf("%v of %v to %v: %v", of, size, to, err)
					}
					is, err := out.Decode(made)
					if err != nil || made.Key != (n == 0) {
						t.Fatalf("%v of %v to %v, picture %d: key %v, %v", of, size, to, n, made.Key, err)
					}
					if w, h := is.Size(); w%2 != 0 || h%2 != 0 || w < 16 || h < 16 || w > 1920 || h > 1920 {
						t.Errorf("%v of %v to %v is %d×%d", of, size, to, w, h)
					}
					is.Close()
				}
			}
		}
	}
	if tested < 12 {
		t.Errorf("only %d kinds of pictures could be made", tested)
	}
}

func TestAKeyFrameComesEveryTwoSecondsAndTheRateIsLearned(t *testing.T) {
	units := film(t, VideoEncoderOptions{Codec: media.H264, Width: 64, Height: 64, FPS: 5}, 40)
	in, tr := newDecoder(t, media.H264), newTranscoder(t, media.H264)
	var keys []int
	for n, au := range units {
		f, err := in.Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		made, err := tr.Encode(f, 0, false)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if made.Key {
			keys = append(keys, n)
		}
	}
	if len(keys) != 4 || keys[1] != 10 || keys[3] != 30 {
		t.Errorf("key frames are %v, want each tenth", keys)
	}
	if tr.fps > 6 {
		t.Errorf("it reckons with %.3g pictures a second, there are 5", tr.fps)
	}
}

// TestARestIsNoRate has nobody watch for some seconds, between two who do.
func TestARestIsNoRate(t *testing.T) {
	units := film(t, VideoEncoderOptions{Codec: media.H264, Width: 64, Height: 64, FPS: 25}, 50)
	in, tr := newDecoder(t, media.H264), newTranscoder(t, media.H264)
	for n, au := range units {
		if n >= 30 {
			au.Received = au.Received.Add(4 * time.Second)
		}
		f, err := in.Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		made, err := tr.Encode(f, 25, n == 30)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if n == 30 && !made.Key {
			t.Error("who comes gets no key frame")
		}
		if tr.fps != 25 {
			t.Fatalf("at picture %d it reckons with %.3g pictures a second, there are 25", n, tr.fps)
		}
	}
}

func TestPicturesOfAnotherSizeBeginAnew(t *testing.T) {
	tr := newTranscoder(t, media.H264)
	for n, width := range []int{320, 320, 640} {
		au := film(t, VideoEncoderOptions{Codec: media.MJPEG, Width: width, Height: 184}, 1)[0]
		f, err := newDecoder(t, media.MJPEG).Decode(au)
		if err != nil {
			t.Fatal(err)
		}
		made, err := tr.Encode(f, 25, false)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if made.Key != (n != 1) {
			t.Errorf("picture %d: key %v", n, made.Key)
		}
	}
}

func TestWhatIsNoTargetIsRefused(t *testing.T) {
	for _, codec := range []media.Codec{media.UnknownCodec, media.H265, media.MJPEG, media.MPEG4} {
		if _, err := NewTranscoder(codec); err == nil {
			t.Errorf("a transcoder to %v", codec)
		}
	}
}

// BenchmarkTranscoder is what a picture costs beside its decoding.
func BenchmarkTranscoder(b *testing.B) {
	for _, size := range [][2]int{{1920, 1080}, {640, 360}} {
		e, err := NewVideoEncoder(VideoEncoderOptions{Codec: media.H265, Width: size[0], Height: size[1]})
		if err != nil {
			b.Fatal(err)
		}
		d, err := New(media.H265, Options{})
		if err != nil {
			b.Fatal(err)
		}
		var frames []*Frame
		for n := range 10 {
			img := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), image.YCbCrSubsampleRatio420)
			for i := range img.Y {
				x, y := i%size[0]+n*3, i/size[0]
				img.Y[i] = uint8((x*x/64 + y*3) ^ (y >> 2))
			}
			units, err := e.Encode(img, false)
			if err != nil {
				b.Fatal(err)
			}
			for _, au := range units {
				f, err := d.Decode(au)
				if err != nil {
					b.Fatal(err)
				}
				frames = append(frames, f)
			}
		}
		e.Close()
		d.Close()
		for _, to := range []media.Codec{media.H264, media.VP8} {
			b.Run(fmt.Sprintf("%v/%dx%d", to, size[0], size[1]), func(b *testing.B) {
				t, err := NewTranscoder(to)
				if err != nil {
					b.Fatal(err)
				}
				defer t.Close()
				for n := range b.N {
					f := frames[n%len(frames)]
					f.origin.received = time.Unix(0, int64(n)*40e6)
					if _, err := t.Encode(f, 25, false); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		for _, f := range frames {
			f.Close()
		}
	}
}
