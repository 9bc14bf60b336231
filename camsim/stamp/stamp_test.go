package stamp

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"testing"
)

func picture(width, height int, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), ratio)
	for i := range img.Y {
		img.Y[i] = byte(i * 7)
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = byte(i*3), byte(i*5)
	}
	return img
}

func TestNumberSurvivesJPEGAtEverySize(t *testing.T) {
	for _, size := range []image.Point{{X: 1920, Y: 1080}, {X: 640, Y: 360}, {X: 321, Y: 241}, {X: 320, Y: 180}, {X: 160, Y: 120}} {
		for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444} {
			t.Run(fmt.Sprint(size, ratio), func(t *testing.T) {
				numbers := []uint32{0, 1, 0x5555, 0xaaaaaa, 0xffffff, Numbers + 7}
				if size.X > 1000 {
					numbers = numbers[3:4] // a JPEG of that size takes its time
				}
				for _, n := range numbers {
					img := picture(size.X, size.Y, ratio)
					Draw(img, n)
					var b bytes.Buffer
					if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
						t.Fatal(err)
					}
					seen, err := jpeg.Decode(&b)
					if err != nil {
						t.Fatal(err)
					}
					if got, ok := Read(seen); !ok || got != n%Numbers {
						t.Errorf("read %d, %v; want %d", got, ok, n%Numbers)
					}
				}
			})
		}
	}
}

func TestPictureWithoutStampIsNotRead(t *testing.T) {
	for _, v := range []byte{0, 16, 100, 235} {
		img := image.NewGray(image.Rect(0, 0, 640, 360))
		for i := range img.Pix {
			img.Pix[i] = v
		}
		if n, ok := Read(img); ok {
			t.Errorf("read %d from an even picture of %d", n, v)
		}
	}
	if n, ok := Read(picture(640, 360, image.YCbCrSubsampleRatio420)); ok {
		t.Errorf("read %d from a picture without a stamp", n)
	}
	if _, ok := Read(image.NewGray(image.Rect(0, 0, 10, 10))); ok {
		t.Error("read a number from 10×10 pixels")
	}
}

func TestStripLeavesTheRestAlone(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio444} {
		before, after := picture(640, 372, ratio), picture(640, 372, ratio)
		Draw(after, 12345)
		for y := Height(372); y < 372; y++ {
			for x := range 640 {
				if before.YCbCrAt(x, y) != after.YCbCrAt(x, y) {
					t.Fatalf("pixel %d,%d changed from %v to %v", x, y, before.YCbCrAt(x, y), after.YCbCrAt(x, y))
				}
			}
		}
	}
}

func TestStampOfPartOfAPicture(t *testing.T) {
	whole := picture(800, 600, image.YCbCrSubsampleRatio420)
	part := whole.SubImage(image.Rect(40, 100, 680, 460)).(*image.YCbCr)
	Draw(part, 4711)
	if n, ok := Read(part); !ok || n != 4711 {
		t.Errorf("read %d, %v; want 4711", n, ok)
	}
	if whole.Y[whole.YOffset(39, 105)] != picture(800, 600, image.YCbCrSubsampleRatio420).Y[whole.YOffset(39, 105)] {
		t.Error("the strip reaches beyond its part")
	}
}
