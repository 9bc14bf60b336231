package media

// DefaultQuality is the JPEG quality where neither the viewer nor the
// configuration says another, on libjpeg's scale of 1 to 100.
const DefaultQuality = 75

// Rendition says what a viewer's pictures look like; equal renditions share one
// encode. The zero value is the camera's own size at the camera's quality.
type Rendition struct {
	// Width and Height are the largest size, in pixels. The picture keeps its aspect,
	// fits inside both and is never enlarged; 0 leaves that side free.
	Width, Height int

	// Exact makes Width and Height the size itself, whatever the aspect.
	Exact bool

	// Pad, with Exact, keeps the aspect: the picture is made as large as fits, and what
	// is left beside or above it is black.
	Pad bool

	// Quality is libjpeg's, 1 to 100; 0 means the camera's configured one.
	Quality int
}

// Size is what the rendition makes of a source whose pixels are square: the
// width and height of its JPEG in pixels, at least 1 each.
func (r Rendition) Size(width, height int) (int, int) {
	if width <= 0 || height <= 0 {
		return 0, 0
	}
	if r.Exact && r.Width > 0 && r.Height > 0 {
		return r.Width, r.Height
	}
	w, h := width, height
	if r.Width > 0 && w > r.Width {
		w, h = r.Width, scaled(height, r.Width, width)
	}
	if r.Height > 0 && h > r.Height {
		w, h = scaled(width, r.Height, height), r.Height
	}
	return w, h
}

// Inner is how much of the JPEG the source's picture takes, in pixels: all of it, unless
// there is padding. Then both sides are even, wherever there is room for that.
func (r Rendition) Inner(width, height int) (int, int) {
	if !r.Pad || !r.Exact || r.Width <= 0 || r.Height <= 0 || width <= 0 || height <= 0 {
		return r.Size(width, height)
	}
	w, h := r.Width, scaled(height, r.Width, width)
	if h > r.Height {
		w, h = scaled(width, r.Height, height), r.Height
	}
	return even(w, r.Width), even(h, r.Height)
}

// even is n, or the next even number if that is at most most.
func even(n, most int) int { return min(n+n%2, most) }

// scaled is n·num/den, rounded, and at least 1.
func scaled(n, num, den int) int {
	return max(1, (n*num+den/2)/den)
}
