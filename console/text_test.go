package console

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestNothingFromANetworkMovesTheTerminal(t *testing.T) {
	for _, hostile := range []string{
		"\x1b[2J", "\x1b]0;title\x07", "a\rb", "a\nb", "\u009b31m", "\u202eevil", "\u2066x", "\u200bx", "\x7f", "\xff\xfe", "a\x00", "\u2028", "\ufeff", "\U000e0041",
		strings.Repeat("x", 100000), strings.Repeat("a\u0301", 5000),
	} {
		got := clean(hostile)
		if got == hostile || utf8.RuneCountInString(got) > maxText+1 || !utf8.ValidString(got) {
			t.Errorf("%.20q becomes %.20q", hostile, got)
		}
		for _, c := range got {
			if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
				t.Errorf("%.20q becomes %.20q, with %U", hostile, got, c)
			}
		}
		if clean(got) != got && len(got) < maxText {
			t.Errorf("%q is not clean", got)
		}
	}
	for _, harmless := range []string{"", "door", "Kamera Hof 2", "玄関", "камера", "📷", "a, b; c — d"} {
		if got := clean(harmless); got != harmless {
			t.Errorf("%q becomes %q", harmless, got)
		}
	}
}

func TestColumnsAlignAlsoInChinese(t *testing.T) {
	table := table{columns: []column{{head: "NAME"}, {head: "N", right: true}, {head: "END"}}}
	table.add("door", "1", "|")
	table.add("玄関カメラ", "22", "|")
	table.add("a\u0301", "3", "|")
	table.add("한국", "4", "|")
	var out bytes.Buffer
	if err := table.write(&out, 0, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for _, line := range lines[1:] {
		if got := columns(line); got != 17 {
			t.Errorf("%q ends in column %d", line, got)
		}
	}
	want := "NAME         N  END"
	if lines[0] != want {
		t.Errorf("head %q, want %q", lines[0], want)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	for width := 1; width < 120; width++ {
		table := table{columns: []column{{head: "NAME"}, {head: "MAKER"}, {head: "ADDRESS", whole: true}}}
		table.add(strings.Repeat("長", 20), strings.Repeat("m", 50), "http://x/")
		var out bytes.Buffer
		if err := table.write(&out, width, false); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			// What may not be shortened any more may be too long.
			if got := columns(strings.TrimSuffix(line, "\n")); got > max(width, 2*smallest+9+4) {
				t.Fatalf("%d columns in %d: %q", got, width, line)
			}
		}
		if !strings.Contains(out.String(), "http://x/") {
			t.Fatalf("the address is shortened: %q", out.String())
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"玄関", 3, "玄…"}, {"玄関", 4, "玄関"}, {"玄関x", 4, "玄…"}, {"abc", 0, ""}, {"abc", 1, "…"}, {"", 0, ""}} {
		if got := cut(c.text, c.width); got != c.want || columns(got) > c.width {
			t.Errorf("cut(%q, %d) is %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestPasswordsAreMasked(t *testing.T) {
	for line, want := range map[string]string{
		"cameras":                                         "cameras",
		"add x rtsp://admin:canary@192.0.2.1/s":           "add x rtsp://admin:***@192.0.2.1/s",
		"add rtsp://admin:can@ary/x@192.0.2.1/s":          "add rtsp://admin:***@192.0.2.1/s",
		`add 'rtsp://admin:can ary@192.0.2.1/s'`:          "add rtsp://admin:***@192.0.2.1/s",
		`add rtsp://admin:can\ ary@192.0.2.1/s`:           "add rtsp://admin:***@192.0.2.1/s",
		"add rtsp://192.0.2.1/user=a_password=canary_x=1": "add rtsp://192.0.2.1/user=a_password=***_x=1",
		"probe http://h/x?pwd=canary&a=b":                 "probe http://h/x?pwd=***&a=b",
		"cctv get http://h/ root canary":                  "cctv get http://h/ root ***",
		"CCTV  GET http://h/ root 'can ary'":              "CCTV  GET http://h/ root ***",
		"cvtc gte http://h/ root canary can":              "cvtc gte http://h/ root *** ***",
		"probe rtsp://admin@192.0.2.1/":                   "probe rtsp://admin@192.0.2.1/",
		"cctv get 192.0.2.1 root canary":                  "cctv get 192.0.2.1 root ***",
		"cctv get camera root canary":                     "cctv get camera root ***",
		"get 192.0.2.1:8080 root canary":                  "get 192.0.2.1:8080 root ***",
		"cctv get root:canary@192.0.2.1":                  "cctv get root:***@192.0.2.1",
		"add door root:can@ary@192.0.2.1/s":               "add door root:***@192.0.2.1/s",
		"cctv info cam.1 data":                            "cctv info cam.1 data",
		"ptz door left 0.5 2":                             "ptz door left 0.5 2",
		"snapshot door ./door.jpg":                        "snapshot door ./door.jpg",

		"probe http://h/snap.cgi?loginuse=a&loginpas=canary": "probe http://h/snap.cgi?loginuse=a&loginpas=***",
		"probe http://h/snap.cgi?n=1&authbasic=Y2FuYXJ5":     "probe http://h/snap.cgi?n=1&authbasic=***",
	} {
		if got, ok := masked(line); !ok || got != want {
			t.Errorf("%q becomes %q, %v; want %q", line, got, ok, want)
		}
	}
	if got, ok := masked("add 'rtsp://admin:canary@192.0.2.1/"); ok {
		t.Errorf("a line that cannot be read is kept: %q", got)
	}
}

func TestNearestWord(t *testing.T) {
	words := below(root)
	for typed, want := range map[string]string{"camers": "cameras", "cmaera": "camera", "EXTI": "exit", "snapshto": "snapshot", "q": "", "": "", "xyzzy": "",
		strings.Repeat("c", 100): ""} {
		if got := nearest(typed, words); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
