package legacy

import (
	"strings"
	"testing"
	"time"

	"camgate/media"
	"camgate/outputs/params"
)

// parsers are all that read a query, under the name of a test.
var parsers = map[string]func(string) (Asked, error){
	"live":         func(q string) (Asked, error) { return CctvAgent("a-1", q) },
	"axis":         Axis,
	"mjpgstreamer": func(q string) (Asked, error) { a, _, err := MjpgStreamer(q); return a, err },
	"ustreamer":    func(q string) (Asked, error) { return Ustreamer(q, false) },
	"blueiris":     func(q string) (Asked, error) { return BlueIris("a-1", q, true) },
	"zoneminder":   ZoneMinder,
	"go2rtc":       func(q string) (Asked, error) { return Go2rtc(q, false) },
}

func TestParametersOfOthersMeanWhatTheyMeanThere(t *testing.T) {
	exact := func(w, h, q int) media.Rendition {
		return media.Rendition{Width: w, Height: h, Exact: true, Quality: q}
	}
	for _, c := range []struct {
		of, query string
		want      Asked
	}{
		{"live", "", Asked{Camera: "a-1", Rendition: media.Rendition{Quality: 70}}},
		{"live", "size=640x480&q=35", Asked{Camera: "a-1", Rendition: exact(640, 480, 35)}},
		{"live", "size=0x0&q=0&_=1", Asked{Camera: "a-1", Rendition: media.Rendition{Quality: 70}}},
		{"live", "size=abc&q=abc", Asked{Camera: "a-1", Rendition: media.Rendition{Quality: 70}}},
		{"live", "size=NaNxNaN&q=101", Asked{Camera: "a-1", Rendition: media.Rendition{Quality: 100}}},
		{"live", "size=640.5x360&q=-1", Asked{Camera: "a-1", Rendition: media.Rendition{Quality: 1}}},
		{"live", "size=640x&q=99999999999999999999", Asked{Camera: "a-1", Rendition: media.Rendition{Quality: 100}}},
		{"axis", "", Asked{}},
		{"axis", "camera=2&resolution=320x240&compression=30&fps=5&duration=10&nbrofframes=3&text=0", Asked{Camera: "2", Rendition: exact(320, 240, 70), FPS: 5, Frames: 3, Duration: 10 * time.Second}},
		{"axis", "resolution=CIF&compression=100", Asked{Rendition: exact(352, 288, 1)}},
		{"axis", "compression=0&fps=0&duration=0&nbrofframes=0", Asked{Rendition: media.Rendition{Quality: 100}}},
		{"axis", "fps=0.01", Asked{FPS: 0.1}},
		{"mjpgstreamer", "action=stream", Asked{}},
		{"mjpgstreamer", "action=snapshot&n=17", Asked{Single: true}},
		{"mjpgstreamer", "action=stream_1", Asked{Camera: "1", Index: true}},
		{"mjpgstreamer", "action=snapshot_1?n=17", Asked{Camera: "1", Index: true, Single: true}},
		{"mjpgstreamer", "action=command&id=1", Asked{}},
		{"ustreamer", "camera=door&advance_headers=1", Asked{Camera: "door", Early: params.Yes}},
		{"blueiris", "q=50&w=640", Asked{Camera: "a-1", Single: true, Rendition: media.Rendition{Quality: 50, Width: 640}}},
		{"blueiris", "h=100&s=50", Asked{Camera: "a-1", Single: true, Rendition: media.Rendition{Height: 100}}},
		{"blueiris", "s=50", Asked{Camera: "a-1", Single: true, Scale: 0.5}},
		{"zoneminder", "mode=jpeg&monitor=1&scale=50&maxfps=5&buffer=1000&user=a&pass=b", Asked{Camera: "1", Scale: 0.5, FPS: 5}},
		{"zoneminder", "mode=single&monitor=yard&scale=150", Asked{Camera: "yard", Single: true}},
		{"zoneminder", "monitor=1&scale=auto&maxfps=0", Asked{Camera: "1"}},
		{"go2rtc", "src=yard&w=640&h=-1", Asked{Camera: "yard", Rendition: media.Rendition{Width: 640}}},
	} {
		got, err := parsers[c.of](c.query)
		if err != nil || got != c.want {
			t.Errorf("%s ?%s: %+v, %v; want %+v", c.of, c.query, got, err, c.want)
		}
	}
}

func TestWrongParametersOfOthersSayWhatIsAllowed(t *testing.T) {
	for of, queries := range map[string][]string{
		"live":         {"size=640", "size=9000x10", "size=8192x8192", "size=99999999999999999999x1", "size=0x10", "size=-1x5", "size=1x2x3", "%zz"},
		"axis":         {"resolution=big", "compression=101", "compression=-1", "fps=NaN", "fps=-1", "fps=1e9", "nbrofframes=-1", "duration=abc", "duration=99999999999"},
		"mjpgstreamer": {"action=stream_x", "action=snapshot_-1", "action=stream_"},
		"blueiris":     {"q=101", "w=8193", "h=-1", "s=x", "fps=x"},
		"zoneminder":   {"mode=mpeg", "mode=raw", "scale=x", "maxfps=x", "event=5", "source=event&event=1"},
		"go2rtc":       {"", "src=", "src=a&w=-2", "src=a&h=99999"},
	} {
		for _, query := range queries {
			_, err := parsers[of](query)
			if err == nil || !strings.Contains(err.Error(), "must be") && !strings.Contains(err.Error(), "leave") {
				t.Errorf("%s ?%s: %v", of, query, err)
			}
		}
	}
}

func FuzzParametersOfOthers(f *testing.F) {
	for _, query := range []string{"size=640x480&q=35", "camera=2&resolution=4CIF&compression=30&fps=5&duration=10&nbrofframes=3", "action=stream_0",
		"camera=x&advance_headers=1", "q=50&w=1&h=2&s=3", "mode=single&monitor=1&scale=50&maxfps=5", "src=a&w=-1", "%zz", "fps=1e400", "size=9999999999x1"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for of, parser := range parsers {
			a, err := parser(query)
			if err != nil {
				if len(err.Error()) > 400 {
					t.Errorf("%s: a sentence of %d bytes", of, len(err.Error()))
				}
				continue
			}
			r := a.Rendition
			if !possible(r.Width, r.Height) || r.Quality < 0 || r.Quality > 100 || r.Exact && (r.Width == 0 || r.Height == 0) {
				t.Errorf("%s ?%q: %+v", of, query, r)
			}
			if a.FPS != 0 && !(a.FPS >= params.MinFPS && a.FPS <= params.MaxFPS) || a.Scale != 0 && !(a.Scale > 0 && a.Scale < 1) || a.Frames < 0 || a.Duration < 0 {
				t.Errorf("%s ?%q: %+v", of, query, a)
			}
		}
	})
}
