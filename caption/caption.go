// Package caption writes text into pictures: what a placeholder says, and the time that a
// simulated camera shows.
package caption

import (
	"image"
	"image/draw"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Draw writes text in white on a darkened box into img, its box's top left corner at x, y
// and its lines height pixels high. Only luma is written: where the picture is coloured,
// the text is tinted. What lies outside the picture is left out. It is safe for use by
// several goroutines, each on its own picture.
func Draw(img *image.YCbCr, x, y, height int, text string) {
	if height < 1 || text == "" {
		return
	}
	f := faceOf(height)
	pad := height / 5
	pen := x + pad
	width := 2*pad + f.advance*len([]rune(text))
	darken(img, image.Rect(x, y, x+width, y+height))
	for _, r := range text {
		f.glyph(r).blend(img, pen, y)
		pen += f.advance
	}
}

// Width is how many pixels wide Draw makes text's box.
func Width(height int, text string) int {
	if height < 1 {
		return 0
	}
	return 2*(height/5) + faceOf(height).advance*len([]rune(text))
}

func darken(img *image.YCbCr, box image.Rectangle) {
	box = box.Intersect(img.Rect)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := img.Y[img.YOffset(box.Min.X, y):][:box.Dx()]
		for i, v := range row {
			row[i] = v / 3
		}
	}
}

// face draws the glyphs of one height, each once.
type face struct {
	mu       sync.Mutex
	face     font.Face
	advance  int
	baseline int
	glyphs   map[rune]*glyph
}

// glyph is the coverage of one character's cell, 0 to 255.
type glyph struct{ *image.Alpha }

var (
	facesMu sync.Mutex
	faces   = map[int]*face{}

	mono = sync.OnceValue(func() *opentype.Font {
		f, err := opentype.Parse(gomono.TTF)
		if err != nil {
			panic("caption: the built-in font cannot be read: " + err.Error())
		}
		return f
	})
)

// maxFaces bounds the cache: heights come from viewers.
const maxFaces = 64

func faceOf(height int) *face {
	facesMu.Lock()
	defer facesMu.Unlock()
	if f := faces[height]; f != nil {
		return f
	}
	if len(faces) >= maxFaces {
		clear(faces)
	}
	// A pixel size of 4/5 of the line leaves room for what hangs below it.
	drawn, err := opentype.NewFace(mono(), &opentype.FaceOptions{Size: float64(height) * 0.8, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("caption: " + err.Error()) // only for options that make no sense
	}
	advance, _ := drawn.GlyphAdvance('0')
	metrics := drawn.Metrics()
	f := &face{
		face:     drawn,
		advance:  max(1, advance.Ceil()),
		baseline: (height + metrics.Ascent.Ceil() - metrics.Descent.Ceil()) / 2,
		glyphs:   make(map[rune]*glyph),
	}
	faces[height] = f
	return f
}

// maxGlyphs bounds the cache: a camera's name may hold any character.
const maxGlyphs = 512

func (f *face) glyph(r rune) *glyph {
	f.mu.Lock()
	defer f.mu.Unlock()
	if g := f.glyphs[r]; g != nil {
		return g
	}
	if len(f.glyphs) >= maxGlyphs {
		clear(f.glyphs)
	}
	box, mask, at, _, ok := f.face.Glyph(fixed.P(0, f.baseline), r)
	if !ok {
		return &glyph{image.NewAlpha(image.Rectangle{})}
	}
	g := &glyph{image.NewAlpha(box)}
	draw.DrawMask(g.Alpha, box, image.Opaque, image.Point{}, mask, at, draw.Src)
	f.glyphs[r] = g
	return g
}

// blend draws the glyph with its cell's top left corner at x, y.
func (g *glyph) blend(img *image.YCbCr, x, y int) {
	at := image.Pt(x, y)
	box := g.Rect.Add(at).Intersect(img.Rect)
	if box.Empty() {
		return
	}
	for row := box.Min.Y; row < box.Max.Y; row++ {
		luma := img.Y[img.YOffset(box.Min.X, row):][:box.Dx()]
		cover := g.Pix[g.PixOffset(box.Min.X-x, row-y):][:box.Dx()]
		for i, a := range cover {
			luma[i] = uint8((int(luma[i])*(255-int(a)) + 235*int(a)) / 255)
		}
	}
}
