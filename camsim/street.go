package camsim

import (
	"fmt"
	"image"
	"math"
	"sync/atomic"
	"time"

	"camgate/camsim/stamp"
	"camgate/caption"
)

// A street is the picture of a live camera: houses under an evening sky, and cars. What
// does not move is painted once, so that a picture costs a copy and a few rectangles.
type street struct {
	name       string
	full       bool
	back, img  *image.YCbCr
	fps        float64
	hue        int // of the sky, so that cameras differ
	road, kerb int // rows where the road and the near kerb begin
	cars       []car
	told       *atomic.Pointer[func(time.Time) string] // nil: nothing is ever told
}

type car struct {
	speed  float64 // picture widths a second; below 0 to the left
	offset float64 // place at the start, in picture widths
	lane   float64 // of the road, 0 far to 1 near
	body   paint
}

func newStreet(o Options) *street {
	v := o.Video
	s := &street{name: o.Name, full: v.FullRange, fps: v.FPS}
	for _, r := range o.Name {
		s.hue = (s.hue*31 + int(r)) % 97
	}
	s.img = image.NewYCbCr(image.Rect(0, 0, v.Width, v.Height), v.Subsampling())
	s.road, s.kerb = v.Height*60/100, v.Height*92/100
	s.paintBack()
	for i, rgb := range [][3]uint8{{0xd8, 0x43, 0x3a}, {0xf2, 0xc1, 0x4e}, {0x4c, 0x86, 0xc6}, {0xe8, 0xe6, 0xe1}} {
		c := car{speed: 0.11 + 0.037*float64(i), offset: float64((s.hue+i*29)%97) / 97, lane: float64(i) / 4,
			body: mix(rgb[0], rgb[1], rgb[2], s.full)}
		if i < 2 {
			c.speed = -c.speed
		}
		s.cars = append(s.cars, c)
	}
	return s
}

// paintBack paints all that does not move.
func (s *street) paintBack() {
	w, h := s.img.Rect.Dx(), s.img.Rect.Dy()
	horizon := h * 52 / 100
	for y := range horizon {
		t := uint8(y * 150 / horizon)
		fill(s.img, image.Rect(0, y, w, y+1), mix(40+t, 60+t/3+uint8(s.hue/2), 120-t/4+uint8(s.hue/3), s.full))
	}
	for i, x := 0, -w/20; x < w; i++ {
		wide, high := w/14+(i*37+s.hue)%5*w/60, h/8+(i*53+s.hue)%7*h/28
		wall := uint8(46 + i*17%40)
		fill(s.img, image.Rect(x, horizon-high, x+wide, s.road), mix(wall, wall, wall+18, s.full))
		s.windows(x, horizon-high, wide, high, i)
		x += wide + w/90
	}
	fill(s.img, image.Rect(0, horizon, w, s.road), mix(70, 92, 60, s.full))
	for y := s.road; y < h; y++ {
		v := uint8(58 + (y-s.road)*30/(h-s.road))
		fill(s.img, image.Rect(0, y, w, y+1), mix(v, v, v+4, s.full))
	}
	fill(s.img, image.Rect(0, s.road, w, s.road+max(1, h/120)), mix(170, 170, 160, s.full))
	fill(s.img, image.Rect(0, s.kerb, w, h), mix(120, 116, 108, s.full))
	middle := (s.road + s.kerb) / 2
	for x := 0; x < w; x += w / 12 {
		fill(s.img, image.Rect(x, middle, x+w/24, middle+max(1, h/90)), mix(230, 226, 200, s.full))
	}
	s.back = copyOf(s.img)
}

func (s *street) windows(x, y, wide, high, house int) {
	size := max(2, s.img.Rect.Dx()/110)
	for row := 0; row*size*2+size < high; row++ {
		for column := 0; column*size*2+2*size < wide; column++ {
			if (row*7+column*13+house*5+s.hue)%3 == 0 {
				at := image.Pt(x+size/2+column*size*2+size/2, y+size/2+row*size*2+size/2)
				fill(s.img, image.Rectangle{Min: at, Max: at.Add(image.Pt(size, size))}, mix(250, 214, 130, s.full))
			}
		}
	}
}

// draw paints the picture with this number, as it is at a time. The image is the scene's
// own and holds until the next call.
func (s *street) draw(number uint32, now time.Time) *image.YCbCr {
	overwrite(s.img, s.back)
	w, h := float64(s.img.Rect.Dx()), float64(s.img.Rect.Dy())
	at := float64(number) / s.fps
	for _, c := range s.cars {
		s.drive(c, at)
	}
	// A lamp that goes round the clock once a second shows a picture that stands still.
	sin, cos := math.Sincos(2 * math.Pi * float64(now.Nanosecond()) / 1e9)
	radius, lamp := h/14, h/60
	centre := image.Pt(int(w-h/7+radius*sin), int(h/5-radius*cos))
	fill(s.img, image.Rect(centre.X-int(lamp), centre.Y-int(lamp), centre.X+int(lamp), centre.Y+int(lamp)), mix(255, 240, 180, s.full))

	line := max(10, int(h)/18)
	y := stamp.Height(int(h)) + line/3
	caption.Draw(s.img, line/3, y, line, s.name)
	caption.Draw(s.img, line/3, y+line*5/4, line, now.Format("2006-01-02 15:04:05.0"))
	small := max(8, line*2/3)
	if s.told != nil {
		if text := s.told.Load(); text != nil {
			caption.Draw(s.img, line/3, y+line*5/2, small, (*text)(now))
		}
	}
	caption.Draw(s.img, line/3, int(h)-small*3/2, small, fmt.Sprintf("#%06d", number))
	stamp.Draw(s.img, number)
	return s.img
}

func (s *street) drive(c car, at float64) {
	w := float64(s.img.Rect.Dx())
	place := math.Mod(c.offset+c.speed*at, 1.3)
	if place < 0 {
		place += 1.3
	}
	lane := float64(s.kerb - s.road)
	long, high := w*(0.08+0.05*c.lane), lane*(0.2+0.12*c.lane)
	x, bottom := int((place-0.2)*w), s.road+int(lane*(0.24+0.72*c.lane))
	length, height := int(long), int(high)
	body := image.Rect(x, bottom-height*3/5, x+length, bottom)
	cabin := image.Rect(x+length/5, bottom-height, x+length*4/5, bottom-height*3/5)
	fill(s.img, cabin, mix(150, 190, 210, s.full))
	fill(s.img, body, c.body)
	wheel := max(2, height/4)
	for _, axle := range []int{x + length/6, x + length*5/6 - wheel} {
		fill(s.img, image.Rect(axle, bottom-wheel/2, axle+wheel, bottom+wheel/2), mix(20, 20, 22, s.full))
	}
}
