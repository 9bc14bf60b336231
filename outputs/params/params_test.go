package params

import (
	"strings"
	"testing"
	"time"

	"camgate/media"
)

func TestEveryParameterIsRead(t *testing.T) {
	got, err := Parse("width=640&height=8192&q=1&fps=0.1&advance=0&placeholder=1&max_age=3600&protocol=jpeg&_=123&utm=a&utm=b")
	want := Params{
		Rendition: media.Rendition{Width: 640, Height: 8192, Quality: 1},
		FPS:       0.1, Advance: No, Placeholder: true, MaxAge: time.Hour, Protocol: "jpeg",
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = Parse("size=8192x2048&quality=100&fps=60&advance=1")
	want = Params{Rendition: media.Rendition{Width: 8192, Height: 2048, Exact: true, Quality: 100}, FPS: 60, Advance: Yes}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err = Parse(""); err != nil || got != (Params{}) {
		t.Errorf("nothing: got %+v, %v", got, err)
	}
}

func TestWrongValuesAreRefusedWithWhatIsAllowed(t *testing.T) {
	const (
		pixels = "from 1 to 8192"
		rate   = "from 0.1 to 60"
	)
	for query, says := range map[string]string{
		"width=abc": pixels, "width=-1": pixels, "width=0": pixels, "width=1e9": pixels, "width=": pixels,
		"width=8193": pixels, "width=+5": pixels, "width=%2B5": pixels, "width=0x10": pixels, "width=99999999999999999999": pixels,
		"height=1.5": pixels, "height=8193": pixels, "width=%D9%A1": pixels,
		"size=640": "WIDTHxHEIGHT", "size=640x": "WIDTHxHEIGHT", "size=x": "WIDTHxHEIGHT", "size=0x0": "WIDTHxHEIGHT",
		"size=9000x1": "WIDTHxHEIGHT", "size=1x2x3": "WIDTHxHEIGHT",
		"size=4097x4096": "together at most 16777216", "size=8192x8192": "together at most 16777216",
		"quality=0": "from 1 to 100", "quality=101": "from 1 to 100", "q=high": "from 1 to 100",
		"fps=0": rate, "fps=0.09": rate, "fps=60.1": rate, "fps=NaN": rate, "fps=Inf": rate, "fps=1e1": rate, "fps=0x1p2": rate, "fps=-1": rate, "fps=.": rate,
		"max_age=-1": "from 0 to 3600", "max_age=3601": "from 0 to 3600", "max_age=x": "from 0 to 3600",
		"advance=yes": "0 or 1", "placeholder=true": "0 or 1",
		"width=1&width=2": "given 2 times", "fps=1&fps=1": "given 2 times",
		"q=1&quality=1": "together", "size=1x1&width=1": "together", "size=1x1&height=1": "together",
		"width=%zz": "%XX", "width=1;height=2": "%XX",
	} {
		got, err := Parse(query)
		if err == nil {
			t.Errorf("%s: got %+v", query, got)
			continue
		}
		if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q does not say %q in one line", query, err, says)
		}
		if got != (Params{}) {
			t.Errorf("%s: half a result: %+v", query, got)
		}
	}
}

func TestSentencesRepeatOnlyShortPrintableText(t *testing.T) {
	_, err := Parse("width=" + strings.Repeat("%0a%ff%3Cscript%3E", 1000))
	if err == nil || len(err.Error()) > 300 {
		t.Fatalf("%v", err)
	}
	for _, r := range err.Error() {
		if r < ' ' || r > '~' && r != '…' {
			t.Fatalf("%q holds %q", err, r)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "width=640&height=360", "size=640x360&q=70", "fps=12.5&advance=1", "max_age=0.5&placeholder=0", "width=%zz", "q=1&q=2", "size=X", "fps=00000000000.1", "protocol=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p, err := Parse(query)
		if err != nil {
			if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\r\x00") {
				t.Errorf("sentence %q", text)
			}
			return
		}
		r := p.Rendition
		if r.Width < 0 || r.Width > MaxSide || r.Height < 0 || r.Height > MaxSide || r.Width*r.Height > MaxPixels ||
			r.Quality < 0 || r.Quality > 100 || r.Exact && (r.Width < 1 || r.Height < 1) {
			t.Errorf("%q: %+v", query, r)
		}
		if p.FPS != 0 && !(p.FPS >= MinFPS && p.FPS <= MaxFPS) || p.MaxAge < 0 || p.MaxAge > MaxMaxAge {
			t.Errorf("%q: %+v", query, p)
		}
	})
}
