package camera

import (
	"cmp"
	"context"
	"slices"
	"time"

	"camgate/camera/source"
	"camgate/media"
)

// stepDownAfter is how long a smaller profile must do before it is changed to: somebody
// who closes the large picture may open the next one.
const stepDownAfter = 5 * time.Second

// demand is what the viewers want just now, all together.
type demand struct {
	renditions []media.Rendition
	packets    []PacketOptions
	stills     bool // nobody wants more than a picture a second
}

// choice is where the pictures are to come from.
type choice struct {
	name     string         // of the profile; "" where the configuration names the stream
	token    string         // of the profile
	address  source.Address // RTSP; also where snapshot is used
	snapshot string         // where single pictures are fetched in its place; "" not at all
	pixels   int            // width × height as the camera says; 0: unknown
}

// demand reads what is wanted; the caller holds the mutex.
func (c *Camera) demandNow() demand {
	d := demand{stills: c.viewers > 0 && len(c.readers) == 0}
	for r := range c.readers {
		d.packets = append(d.packets, r.options)
	}
	for wanted, shared := range c.renditions {
		if len(shared.viewers) == 0 {
			continue
		}
		d.renditions = append(d.renditions, wanted)
		for v := range shared.viewers {
			d.stills = d.stills && (v.still || v.fps > 0 && v.fps <= 1)
		}
	}
	return d
}

// choose says where the next session's pictures are to come from. An ONVIF camera that
// has not been asked is asked.
func (c *Camera) choose(ctx context.Context) (choice, error) {
	if c.parent != nil {
		return c.parent.chooseSmaller(ctx)
	}
	if c.device == nil {
		return choice{address: c.cfg.Address}, nil
	}
	streams, err := c.device.offered(ctx)
	if err != nil {
		return choice{}, err
	}
	c.mu.Lock()
	d := c.demandNow()
	c.mu.Unlock()
	return c.device.choice(streams, d), nil
}

// choice is the cheapest stream that is large enough for what is wanted.
func (d *device) choice(streams []stream, wanted demand) choice {
	best := cheapest(streams, wanted)
	chosen := choice{name: best.Name, token: best.Token, address: best.address, pixels: best.Width * best.Height}
	if wanted.stills {
		chosen.snapshot = d.stills(best)
	}
	return chosen
}

// cheapest of the streams that are large enough: what the most readers can take as it
// comes, then the fewest pixels, then H.264 before all else because it costs the least to
// decode, then the lower rate. Where none is large enough it is the largest.
func cheapest(streams []stream, wanted demand) stream {
	sorted := slices.Clone(streams)
	slices.SortStableFunc(sorted, func(a, b stream) int {
		return cmp.Or(cmp.Compare(a.Width*a.Height, b.Width*b.Height), cmp.Compare(codecRank(a.Codec), codecRank(b.Codec)), cmp.Compare(a.FPS, b.FPS))
	})
	largest := sorted[len(sorted)-1]
	for _, s := range sorted { // of the largest the best too
		if s.Width*s.Height == largest.Width*largest.Height {
			largest = s
			break
		}
	}
	if largest.Width == 0 {
		return streams[0] // the camera does not say: its first profile is its main one
	}
	best, refused, found := largest, 0, false
	renditions := wanted.sizes(largest)
	for _, s := range sorted {
		if s.Width == 0 || !enough(s, largest, renditions) {
			continue
		}
		if n := wanted.refused(s); !found || n < refused {
			best, refused, found = s, n, true
		}
	}
	return best
}

// sizes are what is wanted, of packets too. What has to be transcoded does not become larger
// than a transcode is.
func (d demand) sizes(largest stream) []media.Rendition {
	sizes := slices.Clone(d.renditions)
	for _, o := range d.packets {
		size := media.Rendition{Width: o.Width, Height: o.Height}
		if !o.takes(codecNamed(largest.Codec), false) && size.Width == 0 && size.Height == 0 {
			size.Width, size.Height = maxTranscodedWidth, maxTranscodedHeight
		}
		sizes = append(sizes, size)
	}
	return sizes
}

// refused is how many readers cannot take a stream as it comes.
func (d demand) refused(s stream) int {
	n := 0
	for _, o := range d.packets {
		if codec := codecNamed(s.Codec); codec != media.UnknownCodec && !o.takes(codec, false) {
			n++
		}
	}
	return n
}

// codecNamed is what ONVIF calls a codec.
func codecNamed(codec string) media.Codec {
	switch codec {
	case "H264":
		return media.H264
	case "H265":
		return media.H265
	case "JPEG":
		return media.MJPEG
	case "MPEG4":
		return media.MPEG4
	}
	return media.UnknownCodec
}

func codecRank(codec string) int {
	switch codec {
	case "H264":
		return 0
	case "H265":
		return 1
	}
	return 2
}

// enough says whether no wanted picture becomes smaller than the largest stream would make
// it. A substream of a slightly different aspect, as 704×576 of 16:9, is enough.
func enough(s, largest stream, wanted []media.Rendition) bool {
	for _, r := range wanted {
		w, h := r.Inner(largest.Width, largest.Height)
		if s.Width >= w && s.Height >= h {
			continue
		}
		sw, sh := r.Inner(s.Width, s.Height)
		if r.Exact || sw*sh*20 < w*h*19 {
			return false
		}
	}
	return len(wanted) > 0 || s.Width*s.Height == largest.Width*largest.Height
}

// better is the choice that fits the present viewers better than now does, and whether it
// is worth it. Nobody watching changes nothing.
func (c *Camera) better(now choice) (choice, bool) {
	if c.device == nil {
		return now, false
	}
	c.device.mu.Lock()
	streams := c.device.streams
	c.device.mu.Unlock()
	c.mu.Lock()
	d := c.demandNow()
	c.mu.Unlock()
	if len(streams) == 0 || len(d.renditions)+len(d.packets) == 0 {
		return now, false
	}
	next := c.device.choice(streams, d)
	return next, next.token != now.token || next.snapshot != now.snapshot
}

// smaller says that the change can wait: what there is now is more than enough.
func (next choice) smaller(now choice) bool {
	return next.snapshot != "" || now.snapshot == "" && next.pixels <= now.pixels
}
