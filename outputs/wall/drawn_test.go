package wall

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"
)

func TestNoticesAreExactlyAsLargeAsWanted(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {17, 33}, {1920, 1080}, {8192, 16}, {16, 2000}} {
		data, err := Notice(size.X, size.Y, "door", "not shown any more since 12:03:04")
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds().Size() != size {
			t.Fatalf("%v: %v, %v", size, img, err)
		}
		if size.X < 1000 || size.Y < 1000 {
			continue
		}
		lit := 0
		for y := range size.Y {
			for x := range size.X {
				if r, _, _, _ := img.At(x, y).RGBA(); r > 0x8000 {
					lit++
				}
			}
		}
		if lit < 1000 {
			t.Errorf("%v: %d pixels of text", size, lit)
		}
	}
}
