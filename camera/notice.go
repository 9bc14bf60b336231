package camera

import (
	"image"
	"time"

	"camgate/caption"
	"camgate/media"
)

// resendEvery is how often a viewer gets the dimmed picture of a camera that is away.
const resendEvery = time.Second

// patience is how long a camera that is being connected may take before its viewers get
// a placeholder.
const patience = time.Second

// notice is a dimmed picture or placeholder, kept as long as it says the same.
type notice struct {
	text     string
	sequence uint64 // of the frame below it
	jpeg     []byte
	noCamera bool
	used     time.Time
}

// notify gives those who wait a dimmed picture with a sentence, while the camera is not
// live. It returns when it wants to be called again.
func (r *renderer) notify(now time.Time) time.Duration {
	c := r.c
	next := encoderLinger
	c.mu.Lock()
	if c.life.state == stateLive {
		c.mu.Unlock()
		clear(r.notices)
		return next
	}
	state, text := c.life.pictureState(), c.life.sentence()
	var due []*rendition
	for _, shared := range c.renditions {
		wait, awaited := shared.noticeDue(now, c.life.state == stateConnecting, state)
		if !awaited {
			continue
		}
		if wait <= 0 {
			due = append(due, shared)
			wait = resendEvery
		}
		next = min(next, wait)
	}
	c.mu.Unlock()
	for _, shared := range due {
		picture, err := r.noticePicture(shared.wanted, text)
		if err != nil {
			c.log.Warn("the placeholder cannot be drawn", "error", err)
			continue
		}
		picture.State = state
		c.mu.Lock()
		if c.life.pictureState() == state {
			c.life.sequence++
			picture.Sequence = c.life.sequence
			shared.resent = now
			shared.publish(picture, shared.frame)
		}
		c.mu.Unlock()
	}
	return max(next, time.Millisecond)
}

// noticeDue is how long until the rendition's viewers are to get a notice; awaited is
// false where nobody waits.
func (r *rendition) noticeDue(now time.Time, connecting bool, state media.State) (wait time.Duration, awaited bool) {
	longest := time.Duration(-1)
	for v := range r.viewers {
		if v.waiting {
			longest = max(longest, now.Sub(v.since))
		}
	}
	if longest < 0 {
		return 0, false
	}
	if connecting {
		wait = patience - longest
	}
	if r.picture != nil && r.picture.State == state {
		wait = max(wait, resendEvery-now.Sub(r.resent))
	}
	return wait, true
}

// sentence is what a picture says of a camera that is not live.
func (l *life) sentence() string {
	if l.lastWhole.IsZero() {
		if l.state == stateConnecting || l.reason == "" {
			return "connecting"
		}
		return "no picture: " + l.reason
	}
	now := time.Now()
	last := wallClock(l.lastWhole, now).Local()
	at := last.Format("15:04:05")
	if now.Sub(l.lastWhole) > 20*time.Hour {
		at = last.Format("2006-01-02 15:04")
	}
	switch l.state {
	case stateStale:
		return "no picture since " + at
	case stateConnecting, stateIdle:
		return "connecting, last picture " + at
	}
	return "offline since " + at
}

// noticePicture is the last picture dimmed under text, or a placeholder of the camera's
// name where there is none.
func (r *renderer) noticePicture(wanted media.Rendition, text string) (*media.Picture, error) {
	e, received := encoding{quality: wanted.Quality}, time.Now()
	if e.quality == 0 {
		e.quality = r.c.cfg.Quality
	}
	haveFrame := r.unit != nil && r.needFrame() == nil
	if haveFrame {
		e.width, e.height = wanted.Size(r.frame.Size())
		e.inner = image.Pt(wanted.Inner(r.frame.Size()))
		received = r.received(r.unit, r.frame)
	} else {
		e.width, e.height = wanted.Size(640, 360)
	}
	n, ok := r.notices[e]
	if !ok || n.text != text || n.sequence != r.sequence || n.noCamera == haveFrame {
		encoder, err := r.encoder(e)
		if err != nil {
			return nil, err
		}
		var img *image.YCbCr
		if haveFrame {
			if img, err = encoder.PaddedPlanes(r.frame, e.inner, e.width, e.height); err != nil {
				return nil, err
			}
			dim(img)
		} else {
			img = plain(e.width, e.height)
		}
		write(img, r.c.cfg.Name, text)
		n = notice{text: text, sequence: r.sequence, noCamera: !haveFrame}
		if n.jpeg, err = encoder.Image(img, e.quality); err != nil {
			return nil, err
		}
	}
	n.used = time.Now()
	if _, kept := r.notices[e]; !kept {
		dropIdlest(r.notices, r.c.cfg.MaxRenditions, func(n notice) time.Time { return n.used }, nil)
	}
	r.notices[e] = n
	return &media.Picture{JPEG: n.jpeg, Width: e.width, Height: e.height, Received: received, NoCamera: n.noCamera}, nil
}

// dim takes most of the light and of the colour out of a picture, so that nobody takes
// it for a live one.
func dim(img *image.YCbCr) {
	for i, y := range img.Y {
		img.Y[i] = uint8(int(y) * 2 / 5)
	}
	for _, plane := range [][]byte{img.Cb, img.Cr} {
		for i, c := range plane {
			plane[i] = uint8(128 + (int(c)-128)/5)
		}
	}
}

// plain is a dark grey picture.
func plain(width, height int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = 40
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	return img
}

// write puts the camera's name and the sentence in the middle of the left side, as large
// as they fit.
func write(img *image.YCbCr, name, text string) {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	margin := max(2, width/24)
	size := func(s string) int {
		return max(8, min(height/10, (width-2*margin)*5/3/max(1, len([]rune(s)))))
	}
	nameSize, textSize := size(name), size(text)
	top := (height - nameSize - textSize*3/2) / 2
	caption.Draw(img, margin, top, nameSize, name)
	caption.Draw(img, margin, top+nameSize+textSize/2, textSize, text)
}
