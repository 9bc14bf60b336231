package camsim

import (
	"fmt"
	"strconv"
	"strings"

	"camgate/media"
)

// ParseSize reads 1280x720.
func ParseSize(s string) (width, height int, err error) {
	w, h, _ := strings.Cut(s, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if errW != nil || errH != nil || width < 1 || height < 1 || width > 16384 || height > 16384 {
		return 0, 0, fmt.Errorf("size %.40q must be WIDTHxHEIGHT in pixels, such as 1280x720", s)
	}
	return width, height, nil
}

// ParseCodec reads h264, h265, mjpeg or mpeg4.
func ParseCodec(s string) (media.Codec, error) {
	switch strings.ToLower(s) {
	case "h264":
		return media.H264, nil
	case "h265":
		return media.H265, nil
	case "mjpeg":
		return media.MJPEG, nil
	case "mpeg4":
		return media.MPEG4, nil
	}
	return media.UnknownCodec, fmt.Errorf("codec %.40q must be h264, h265, mjpeg or mpeg4", s)
}
