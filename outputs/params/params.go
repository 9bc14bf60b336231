// Package params reads the query parameters that all outputs share, once and for all:
// past Parse nobody needs to doubt a number.
package params

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"camgate/media"
)

// What the parameters may be.
const (
	MaxSide   = 8192 // width and height, pixels
	MinFPS    = 0.1
	MaxFPS    = 60.0
	MaxMaxAge = time.Hour

	// MaxPixels is of sizes to which a picture is enlarged where the camera's is smaller:
	// larger than any screen, and yet no viewer takes the camera's others half their rate
	// and the machine 100 MB.
	MaxPixels = 16 << 20
)

// Params is what a viewer asks for. The zero value asks for nothing in particular.
type Params struct {
	Rendition media.Rendition
	FPS       float64 // at most so many pictures a second; 0: all

	Advance     Choice        // mjpeg: the next part's header block right behind each picture
	Placeholder bool          // snapshot: a placeholder picture instead of an error
	MaxAge      time.Duration // snapshot: how old a picture may be that is there already; 0: a new one is wanted
	Protocol    string        // ws: by name, not yet checked; empty: not said
}

// A Choice is a yes or no that may be left to the output.
type Choice uint8

const (
	Unsaid Choice = iota
	No
	Yes
)

// A value reads one parameter into p. The error says what is allowed.
type value func(p *Params, text string) error

var values = map[string]value{
	"width":       func(p *Params, s string) error { return side(s, &p.Rendition.Width) },
	"height":      func(p *Params, s string) error { return side(s, &p.Rendition.Height) },
	"size":        size,
	"quality":     quality,
	"q":           quality,
	"fps":         fps,
	"max_age":     maxAge,
	"advance":     func(p *Params, s string) error { return choice(s, &p.Advance) },
	"placeholder": placeholder,
	"protocol":    func(p *Params, s string) error { p.Protocol = s; return nil },
}

// exclusive are parameters that say the same thing.
var exclusive = [][2]string{{"quality", "q"}, {"size", "width"}, {"size", "height"}}

// Parse reads a URL's query. Parameters that no output knows are ignored: pages add
// things like ?_=1234 so that nothing caches them. The error is one sentence that says
// what is allowed.
func Parse(rawQuery string) (Params, error) {
	var p Params
	query, err := Query(rawQuery)
	if err != nil {
		return Params{}, err
	}
	for _, pair := range exclusive {
		if query.Has(pair[0]) && query.Has(pair[1]) {
			return Params{}, fmt.Errorf("%s and %s cannot be given together: leave one out", pair[0], pair[1])
		}
	}
	for name, read := range values {
		texts := query[name]
		if len(texts) == 0 {
			continue
		}
		if len(texts) > 1 {
			return Params{}, fmt.Errorf("%s is given %d times: give it once", name, len(texts))
		}
		if err := read(&p, texts[0]); err != nil {
			return Params{}, fmt.Errorf("%s=%s is not possible: it must be %w", name, Shorten(texts[0]), err)
		}
	}
	return p, nil
}

// Query reads a URL's query into its values, as they are. The error is one sentence that says
// what is allowed; the values that could be read are there all the same.
func Query(rawQuery string) (url.Values, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		err = errors.New("the part of the address behind the ? cannot be read: it must be name=value pairs joined by &, with %XX for special characters")
	}
	return query, err
}

// Shorten makes text that came from outside fit for a sentence: printable ASCII, not
// long.
func Shorten(text string) string {
	const most = 40
	cut := text
	if len(cut) > most {
		cut = cut[:most]
	}
	quoted := strconv.QuoteToASCII(strings.ToValidUTF8(cut, "?"))
	quoted = quoted[1 : len(quoted)-1]
	if len(text) > most {
		return quoted + "…"
	}
	return quoted
}

func side(s string, into *int) error {
	n, ok := Whole(s)
	if !ok || n < 1 || n > MaxSide {
		return fmt.Errorf("a whole number of pixels from 1 to %d", MaxSide)
	}
	*into = n
	return nil
}

func size(p *Params, s string) error {
	w, h, found := strings.Cut(s, "x")
	if !found {
		w, h, found = strings.Cut(s, "X")
	}
	err := errors.Join(side(w, &p.Rendition.Width), side(h, &p.Rendition.Height))
	if !found || err != nil || p.Rendition.Width*p.Rendition.Height > MaxPixels {
		return fmt.Errorf("WIDTHxHEIGHT in pixels, like 640x360, each from 1 to %d and together at most %d", MaxSide, MaxPixels)
	}
	p.Rendition.Exact = true
	return nil
}

func quality(p *Params, s string) error {
	n, ok := Whole(s)
	if !ok || n < 1 || n > 100 {
		return errors.New("a whole number from 1 to 100")
	}
	p.Rendition.Quality = n
	return nil
}

func fps(p *Params, s string) error {
	f, ok := Decimal(s)
	if !ok || f < MinFPS || f > MaxFPS {
		return fmt.Errorf("a number of pictures a second from %v to %v", MinFPS, MaxFPS)
	}
	p.FPS = f
	return nil
}

func maxAge(p *Params, s string) error {
	f, ok := Decimal(s)
	if !ok || f > MaxMaxAge.Seconds() {
		return fmt.Errorf("a number of seconds from 0 to %v", MaxMaxAge.Seconds())
	}
	p.MaxAge = time.Duration(f * float64(time.Second))
	return nil
}

func placeholder(p *Params, s string) error {
	var c Choice
	err := choice(s, &c)
	p.Placeholder = c == Yes
	return err
}

func choice(s string, into *Choice) error {
	switch s {
	case "0":
		*into = No
	case "1":
		*into = Yes
	default:
		return errors.New("0 or 1")
	}
	return nil
}

// Whole reads digits and nothing else: no sign, no space, no exponent.
func Whole(s string) (int, bool) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// Decimal reads digits with at most one point among them.
func Decimal(s string) (float64, bool) {
	if s == "" || len(s) > 20 || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}
