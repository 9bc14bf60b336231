package console

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWordsOfALine(t *testing.T) {
	for line, want := range map[string][]string{
		"":                          nil,
		"  ":                        nil,
		"a":                         {"a"},
		" a  b\tc ":                 {"a", "b", "c"},
		`'a b' "c d"`:               {"a b", "c d"},
		`a' 'b`:                     {"a b"},
		`''`:                        {""},
		`"" x`:                      {"", "x"},
		`a\ b \\ \'`:                {"a b", `\`, "'"},
		`"a\"b\\c\d"`:               {`a"b\c\d`},
		`'a\'`:                      {`a\`},
		"玄関　裏":                      {"玄関", "裏"},
		"rtsp://u:p@h/s?a=b&c=d #x": {"rtsp://u:p@h/s?a=b&c=d", "#x"},
	} {
		words, err := split(line)
		if err != nil || !slices.Equal(texts(words), want) {
			t.Errorf("%q: %q, %v; want %q", line, texts(words), err, want)
		}
	}
}

func TestLinesThatAreNone(t *testing.T) {
	for _, line := range []string{`'a`, `"a`, `a\`, `x "a\`} {
		if _, err := split(line); !errors.Is(err, errOpenQuote) {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, line := range []string{"a\x00b", "\x1b[A", "a\nb", "\xff", strings.Repeat("x", maxLine+1)} {
		if words, err := split(line); err == nil || errors.Is(err, errOpenQuote) || words != nil {
			t.Errorf("%q: %q, %v", line, texts(words), err)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range []string{"", "cameras --json", `camera 'a b' "c\"d" e\ f`, "add x rtsp://a:b@192.0.2.1/", "cctv get http://h/ u p", "'", `"\`, "玄関　a\u0301", "help cctv proxy"} {
		f.Add(line)
	}
	g := newFake()
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		for i, w := range words {
			if w.start < 0 || w.end > len(line) || w.start >= w.end || i > 0 && w.start < words[i-1].end {
				t.Fatalf("%q: word %d is at %d to %d", line, i, w.start, w.end)
			}
			if again, err := split(quoted(w.text)); err != nil || len(again) != 1 || again[0].text != w.text {
				t.Fatalf("%q quoted is %q, which reads as %q: %v", w.text, quoted(w.text), texts(again), err)
			}
		}
		complete(g, line)
		safe, ok := masked(line)
		if ok != (err == nil) {
			t.Fatalf("%q: masked %v, split %v", line, ok, err)
		}
		if !ok {
			return
		}
		again, err := split(safe)
		if err != nil || len(again) != len(words) {
			t.Fatalf("%q is masked as %q: %v", line, safe, err)
		}
		if twice, _ := masked(safe); twice != safe {
			t.Fatalf("%q is masked as %q, and that as %q", line, safe, twice)
		}
	})
}
