package media

import "testing"

func TestPaddingKeepsTheAspect(t *testing.T) {
	for _, c := range []struct {
		name          string
		r             Rendition
		w, h, iw, ih  int
		width, height int
	}{
		{"as wide as it can be", Rendition{Width: 640, Height: 368, Exact: true, Pad: true}, 1920, 1080, 640, 360, 640, 368},
		{"as high as it can be", Rendition{Width: 640, Height: 368, Exact: true, Pad: true}, 640, 480, 492, 368, 640, 368},
		{"upright", Rendition{Width: 320, Height: 192, Exact: true, Pad: true}, 1080, 1920, 108, 192, 320, 192},
		{"enlarged", Rendition{Width: 640, Height: 360, Exact: true, Pad: true}, 320, 180, 640, 360, 640, 360},
		{"next to nothing", Rendition{Width: 16, Height: 16, Exact: true, Pad: true}, 8000, 1, 16, 2, 16, 16},
		{"one pixel", Rendition{Width: 1, Height: 1, Exact: true, Pad: true}, 1920, 1080, 1, 1, 1, 1},
		{"not exact", Rendition{Width: 640, Height: 640, Pad: true}, 1920, 1080, 640, 360, 640, 360},
	} {
		if w, h := c.r.Inner(c.w, c.h); w != c.iw || h != c.ih {
			t.Errorf("%s: the picture is %d×%d, want %d×%d", c.name, w, h, c.iw, c.ih)
		}
		if w, h := c.r.Size(c.w, c.h); w != c.width || h != c.height {
			t.Errorf("%s: the JPEG is %d×%d, want %d×%d", c.name, w, h, c.width, c.height)
		}
	}
}

func TestRenditionSize(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Rendition
		w, h int
		ww   int
		wh   int
	}{
		{"the camera's own", Rendition{}, 1920, 1080, 1920, 1080},
		{"width keeps the aspect", Rendition{Width: 640}, 1920, 1080, 640, 360},
		{"height keeps the aspect", Rendition{Height: 540}, 1920, 1080, 960, 540},
		{"both: fits inside", Rendition{Width: 640, Height: 180}, 1920, 1080, 320, 180},
		{"both: fits inside, tall", Rendition{Width: 100, Height: 1000}, 1080, 1920, 100, 178},
		{"never enlarges", Rendition{Width: 4000, Height: 4000}, 640, 480, 640, 480},
		{"exactly", Rendition{Width: 600, Height: 340, Exact: true}, 1920, 1080, 600, 340},
		{"exactly, larger", Rendition{Width: 800, Height: 600, Exact: true}, 640, 480, 800, 600},
		{"odd", Rendition{Width: 101}, 1921, 1081, 101, 57},
		{"at least one pixel", Rendition{Width: 1}, 8000, 10, 1, 1},
		{"nothing of nothing", Rendition{Width: 1}, 0, 10, 0, 0},
	} {
		if w, h := c.r.Size(c.w, c.h); w != c.ww || h != c.wh {
			t.Errorf("%s: %+v of %d×%d is %d×%d, want %d×%d", c.name, c.r, c.w, c.h, w, h, c.ww, c.wh)
		}
	}
}
