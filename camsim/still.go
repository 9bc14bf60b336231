package camsim

import (
	"fmt"
	"image"
	"math/rand/v2"
	"time"

	"camgate/decoder"
)

// Still is a JPEG of what the camera shows now, stamp included: the picture whose turn was
// last, whether or not somebody watches. quality is libjpeg's, 1 to 100. It draws the
// picture anew, without the codec's losses; the noise of a clip differs.
func (c *Camera) Still(quality int) ([]byte, error) {
	img, err := c.picture()
	if err != nil {
		return nil, err
	}
	encoder, err := decoder.NewJPEG()
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	return encoder.Image(img, quality)
}

// picture that is shown now, in full range and 4:2:0. It is the caller's.
func (c *Camera) picture() (*image.YCbCr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.film == nil {
		return nil, fmt.Errorf("simulated camera %q is closed", c.name)
	}
	img := copyOf(c.film.still(time.Now()))
	if !c.options.Video.FullRange {
		widen(img)
	}
	return halveChroma(img), nil
}

// still draws the picture before the next.
func (l *live) still(now time.Time) *image.YCbCr {
	number := l.number
	if number > 0 {
		number--
	}
	return l.scene.draw(number, now)
}

func (c *clip) still(time.Time) *image.YCbCr {
	if c.scene == nil {
		c.scene = newTexture(c.key.video, rand.New(rand.NewPCG(c.key.seed, 1)))
	}
	return c.scene.draw(c.shots[(c.at+len(c.shots)-1)%len(c.shots)].number)
}

// widen stretches limited range to full range, in place.
func widen(img *image.YCbCr) {
	var luma, chroma [256]byte
	for v := range 256 {
		luma[v] = byte(min(255, max(0, (v-16)*255/219)))
		chroma[v] = byte(min(255, max(0, 128+(v-128)*255/224)))
	}
	for i, v := range img.Y {
		img.Y[i] = luma[v]
	}
	for i, v := range img.Cb {
		img.Cb[i], img.Cr[i] = chroma[v], chroma[img.Cr[i]]
	}
}

// halveChroma makes a picture 4:2:0, by leaving out what is too much of the chroma.
func halveChroma(img *image.YCbCr) *image.YCbCr {
	if img.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		return img
	}
	half := image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio420)
	copy(half.Y, img.Y)
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y += 2 {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x += 2 {
			to, from := half.COffset(x, y), img.COffset(x, y)
			half.Cb[to], half.Cr[to] = img.Cb[from], img.Cr[from]
		}
	}
	return half
}
