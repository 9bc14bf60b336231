package rig

import (
	"bytes"
	"fmt"
	"image/jpeg"

	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/media"
)

// Shown is a frame number and when the picture that carries it was complete, Unix
// nanoseconds.
type Shown struct {
	Frame uint32
	At    int64
}

// Numbers decodes H.264 access units, from the first key frame on, and reads the frame
// numbers in them. It takes longer than the stream did.
func Numbers(units []Unit) ([]Shown, error) {
	d, err := decoder.New(media.H264, decoder.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	j, err := decoder.NewJPEG()
	if err != nil {
		return nil, err
	}
	defer j.Close()
	var all []Shown
	began := false
	for _, u := range units {
		if began = began || u.Key; !began {
			continue
		}
		frame, err := d.Decode(media.NewAccessUnit(media.H264, u.NALUs))
		if err != nil {
			return nil, err
		}
		if frame == nil {
			continue
		}
		picture, err := j.Frame(frame, 640, 360, 75)
		frame.Close()
		if err != nil {
			return nil, err
		}
		img, err := jpeg.Decode(bytes.NewReader(picture))
		if err != nil {
			return nil, err
		}
		if n, ok := stamp.Read(img); ok {
			all = append(all, Shown{n, u.At.UnixNano()})
		}
	}
	if len(all) < len(units)/3 {
		return nil, fmt.Errorf("of %d access units, the frame numbers of %d can be read", len(units), len(all))
	}
	return all, nil
}
