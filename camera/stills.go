package camera

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// A camera that nobody wants more of than a picture a second may be asked for single
// pictures, where it has them: no stream runs, and nothing between the pictures is
// received or decoded.
const (
	stillEvery   = time.Second
	stillSlow    = time.Second      // a camera that takes longer is better streamed
	stillsBadFor = 10 * time.Minute // how long a still picture that did not do is not tried again
	stillsLarge  = 4                // times the pixels of the stream: costs more than it saves
	stillsSame   = 5                // so many equal ones in a row are none of now: noise alone makes each another
)

// shot is what is known of the still pictures of one profile. Their address is none to
// remember them by: some cameras tell another one each time.
type shot struct {
	width, height int       // of the last picture, 0: none yet
	bad           time.Time // not to be used before
}

// stills is where single pictures are to be fetched in place of a stream, "" for nowhere.
func (d *device) stills(best stream) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.shots[best.Token]
	if best.snapshot == "" || time.Now().Before(known.bad) {
		return ""
	}
	if pixels, wanted := known.width*known.height, best.Width*best.Height; pixels > 0 && wanted > 0 {
		if pixels*20 < wanted*19 || pixels > stillsLarge*wanted {
			return ""
		}
	}
	return best.snapshot
}

// poll fetches single pictures until ctx ends or one does not do; then the stream is taken.
func (d *device) poll(ctx context.Context, chosen choice, sink source.Sink) error {
	client, err := d.connect()
	if err != nil {
		return err
	}
	playing, slow, same := false, 0, 0
	var last []byte
	for {
		began := time.Now()
		jpeg, err := client.Snapshot(ctx, chosen.snapshot)
		took := time.Since(began)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		width, height := 0, 0
		if err == nil {
			width, height, err = jpegSize(jpeg)
		}
		if took <= stillSlow {
			slow = 0
		} else if slow++; slow > 1 && err == nil { // one may be chance
			err = fmt.Errorf("it took %.1f s, again", took.Seconds())
		}
		if !bytes.Equal(jpeg, last) {
			same = 0
		}
		if same++; same >= stillsSame && err == nil {
			err = fmt.Errorf("it has been the same %d times: the camera keeps an old one", same)
		}
		last = jpeg
		if pixels := width * height; err == nil && chosen.pixels > 0 && (pixels*20 < chosen.pixels*19 || pixels > stillsLarge*chosen.pixels) {
			err = fmt.Errorf("it is %d×%d, and its stream is not", width, height)
		}
		d.judge(chosen.token, width, height, err)
		if err != nil {
			return &stillError{d.cfg.Name, err}
		}
		if !playing {
			sink.Playing(source.Info{Codec: media.MJPEG, Transport: "http"})
			playing = true
		}
		sink.AccessUnit(&media.AccessUnit{Codec: media.MJPEG, NALUs: [][]byte{jpeg}, PTS: time.Duration(began.UnixNano()), Received: time.Now(), Key: true})
		if !sleep(ctx, stillEvery-took) {
			return ctx.Err()
		}
	}
}

// stillError says why the camera is streamed although single pictures would have done.
type stillError struct {
	camera string
	cause  error
}

func (e *stillError) Error() string {
	return fmt.Sprintf("camera %q: its single pictures do not do, and so its stream is taken: %v", e.camera, e.cause)
}

// judge keeps what a still picture of a profile was like.
func (d *device) judge(token string, width, height int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := shot{width: width, height: height}
	if err != nil {
		s.bad = time.Now().Add(stillsBadFor)
	}
	d.shots[token] = s
}
