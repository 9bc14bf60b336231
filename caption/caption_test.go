package caption

import (
	"image"
	"testing"
)

func grey(w, h int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = 120
	}
	return img
}

func TestTextIsThereAndReadable(t *testing.T) {
	img := grey(320, 60)
	Draw(img, 10, 10, 30, "08:15:42")
	bright, dark := 0, 0
	for _, v := range img.Y {
		if v > 220 {
			bright++
		}
		if v == 40 {
			dark++
		}
	}
	if bright < 300 {
		t.Errorf("only %d pixels are white", bright)
	}
	if dark < 1000 {
		t.Errorf("only %d pixels are darkened", dark)
	}
	if img.YCbCrAt(5, 5).Y != 120 || img.YCbCrAt(10+Width(30, "08:15:42")+1, 20).Y != 120 {
		t.Error("pixels outside the box were changed")
	}
}

func TestTextMayLieOutside(t *testing.T) {
	for _, at := range [][2]int{{-100, -10}, {300, 50}, {1000, 1000}, {-5, 55}} {
		Draw(grey(320, 60), at[0], at[1], 30, "wide text")
	}
	Draw(grey(1, 1), 0, 0, 400, "x")
	Draw(grey(10, 10), 0, 0, 0, "x")
	Draw(grey(64, 64), 0, 0, 20, "日本 \x00\uffff")
}

func TestManyHeightsAndCharactersStayBounded(t *testing.T) {
	img := grey(64, 64)
	for h := 1; h < 300; h++ {
		Draw(img, 0, 0, h, "a")
	}
	for r := rune(32); r < 3000; r++ {
		Draw(img, 0, 0, 12, string(r))
	}
	if len(faces) > maxFaces || len(faceOf(12).glyphs) > maxGlyphs {
		t.Errorf("%d faces, %d glyphs are kept", len(faces), len(faceOf(12).glyphs))
	}
}
