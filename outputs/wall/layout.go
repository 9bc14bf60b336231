// Package wall shows several cameras in one picture. The tiles are the cameras' shared
// JPEGs, put together as they are coded: nothing is decoded, and nothing but captions is
// encoded (see stitch.go). Equal walls are put together once for all who watch them.
package wall

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"camgate/media"
	"camgate/outputs/params"
)

// Defaults and limits of walls.
const (
	DefaultWidth = 1280 // pixels
	DefaultFPS   = 10.0

	MaxCameras = 64
	MaxColumns = 16
)

// mcu is the side of a minimum coded unit of 4:2:0, in pixels: tiles consist of whole ones.
const mcu = 16

// A Layout says what a wall shows, and how. Zero values mean the defaults.
type Layout struct {
	Name    string   // for walls of the configuration
	Cameras []string // by name, row by row; "" leaves a tile black
	Columns int      // 0: as many as make it nearly square
	Width   int      // in pixels, at most: tiles are a multiple of 16 wide
	Height  int      // in pixels, at most; 0: as it comes from Width
	FPS     float64  // pictures a second, at most
	Quality int      // libjpeg's, 1 to 100
	Labels  string   // under each tile: "", "name", "age" or "name,age"
}

// A shape is a layout whose numbers are settled. Walls of equal shapes are one wall.
type shape struct {
	cameras              string // joined by commas, which no name has
	columns, rows        int
	tileWidth            int // pixels, a multiple of 16
	tileHeight           int // the same, without the label
	quality              int
	fps                  float64
	labelName, labelAges bool
}

// shape settles the layout. The error is a sentence for whoever asked for it.
func (l Layout) shape() (shape, error) {
	s := shape{cameras: strings.Join(l.Cameras, ",")}
	switch n := len(l.Cameras); {
	case n == 0 || strings.Trim(s.cameras, ",") == "":
		return s, errors.New("a wall needs cameras: cams=NAME,NAME,… names them, row by row; an empty name leaves a tile black")
	case n > MaxCameras:
		return s, fmt.Errorf("a wall of %d cameras is not possible: there may be at most %d", n, MaxCameras)
	case l.Columns < 0 || l.Columns > MaxColumns:
		return s, fmt.Errorf("cols=%d is not possible: it must be a whole number from 1 to %d", l.Columns, MaxColumns)
	}
	var err error
	if s.labelName, s.labelAges, err = labels(l.Labels); err != nil {
		return s, err
	}
	s.columns = l.Columns
	if s.columns == 0 {
		s.columns = int(math.Ceil(math.Sqrt(float64(len(l.Cameras)))))
	}
	s.rows = (len(l.Cameras) + s.columns - 1) / s.columns
	s.quality = cmp.Or(l.Quality, media.DefaultQuality)
	s.fps = cmp.Or(l.FPS, DefaultFPS)
	return s, s.fit(l.Width, l.Height)
}

// fit chooses the largest tiles with which the wall is at most width × height; 0 leaves
// that side free, both give the wall DefaultWidth.
func (s *shape) fit(width, height int) error {
	widest := width
	switch {
	case width == 0 && height == 0:
		widest = DefaultWidth
	case width == 0:
		widest = params.MaxSide
	}
	most := height
	if height == 0 {
		most = params.MaxSide
	}
	for s.tileWidth = widest / s.columns / mcu * mcu; s.tileWidth > 0; s.tileWidth -= mcu {
		// 16:9, and rather a row of black above and below than narrower pictures.
		s.tileHeight = (s.tileWidth*9/16 + mcu - 1) / mcu * mcu
		if s.height() <= most && s.tileWidth*s.tileHeight <= params.MaxPixels {
			return nil
		}
	}
	if least := s.columns * mcu; widest < least {
		return fmt.Errorf("width=%d is not possible for %d columns: it must be at least %d", width, s.columns, least)
	}
	return fmt.Errorf("%d rows do not fit into a height of %d pixels: use more columns, or a larger height (at most %d)", s.rows, most, params.MaxSide)
}

func (s *shape) width() int  { return s.columns * s.tileWidth }
func (s *shape) height() int { return s.rows * s.cellHeight() }

// cellHeight is a tile's with its label.
func (s *shape) cellHeight() int {
	if s.labelled() {
		return s.tileHeight + mcu
	}
	return s.tileHeight
}

func (s *shape) labelled() bool { return s.labelName || s.labelAges }

// rendition is the tiles'. Its quality is said, so that no camera chooses its own: all
// tiles must have the same tables, and none be the camera's JPEG as it came.
func (s *shape) rendition() media.Rendition {
	return media.Rendition{Width: s.tileWidth, Height: s.tileHeight, Exact: true, Pad: true, Quality: s.quality}
}

// tileFPS is the rate at which tiles may be taken: somewhat above the wall's, which waits for
// what is not there yet and must not be held to its rate twice. It is so little above that key
// frames, which cost little, do where they did.
func (s *shape) tileFPS() float64 {
	faster := s.fps * 1.05
	if s.fps <= 1 {
		return min(faster, 1)
	}
	return faster
}

func (s *shape) tilePeriod() time.Duration {
	return time.Duration(float64(time.Second) / s.tileFPS())
}

// labels reads name, age, or both.
func labels(text string) (name, age bool, err error) {
	if text == "" {
		return false, false, nil
	}
	for _, word := range strings.Split(text, ",") {
		switch {
		case word == "name" && !name:
			name = true
		case word == "age" && !age:
			age = true
		default:
			return false, false, fmt.Errorf("labels=%s is not possible: it must be name, age, or name,age", params.Shorten(text))
		}
	}
	return name, age, nil
}

// Adapted is the layout for a viewer who asks for p: what p does not say stays. The error
// is a sentence for the viewer.
func (l Layout) Adapted(p params.Params) (Layout, error) {
	if p.Rendition.Exact {
		return l, errors.New("size is not possible for a wall, whose tiles are multiples of 16 pixels: use width, height or both, inside which it then fits")
	}
	if p.Rendition.Width != 0 || p.Rendition.Height != 0 {
		l.Width, l.Height = p.Rendition.Width, p.Rendition.Height
	}
	l.Quality = cmp.Or(p.Rendition.Quality, l.Quality)
	l.FPS = cmp.Or(p.FPS, l.FPS)
	_, err := l.shape()
	return l, err
}

// Missing is the first of the layout's cameras that there is not, "" if they are all there.
func (l Layout) Missing(there func(name string) bool) string {
	i := slices.IndexFunc(l.Cameras, func(name string) bool { return name != "" && !there(name) })
	if i < 0 {
		return ""
	}
	return l.Cameras[i]
}
