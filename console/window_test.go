package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

func TestLongLineAtTheBottomOfANarrowWindow(t *testing.T) {
	c := start(t, "run", 5, 40)
	c.at("camgate> ")
	for range 4 {
		c.enter("version")
		c.see("running for")
		c.at("camgate> ")
	}
	long := "probe rtsp://192.0.2.10/a-very-long-path/that-goes-on/and-on/to-the-end"
	c.send(long)
	whole := "camgate> " + long
	c.await("the whole line", func(v *vt) bool { return strings.Contains(strings.ReplaceAll(v.all(), "\n", ""), whole) })
	c.send("\x01\x1b[C\x05X")
	c.await("the whole line and one letter", func(v *vt) bool { return strings.Contains(strings.ReplaceAll(v.all(), "\n", ""), whole+"X") })
	c.send("\r")
	c.see("nothing to do")
	c.at("camgate> ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := strings.ReplaceAll(c.vt.all(), "\n", ""); strings.Count(all, "probe rtsp") != 1 {
		t.Errorf("torn:\n%s", c.vt.all())
	}
}

func TestTablesFitTheWindowAlsoWhenItsSizeChanges(t *testing.T) {
	c := start(t, "run", 24, 120)
	c.at("camgate> ")
	c.enter("cameras")
	c.see("rtsp://192.0.2.10:554/yard-2")
	c.at("camgate> ")
	c.mu.Lock()
	c.vt = newVT(24, 64)
	c.mu.Unlock()
	if err := pty.Setsize(c.pty, &pty.Winsize{Rows: 24, Cols: 64}); err != nil {
		t.Fatal(err)
	}
	c.send("cameras")
	c.await("the line", func(v *vt) bool { return strings.HasSuffix(v.line(), "cameras") })
	c.send("\r")
	c.see("yard-2")
	c.at("camgate> ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := c.vt.all(); !strings.Contains(all, "…") || strings.Contains(all, "\nyard-2") {
		t.Errorf("the table does not fit:\n%s", all)
	}
}

func TestWidthIsTheTerminalsWhereTheLogGoesElsewhere(t *testing.T) {
	c := start(t, "sh", 24, 120)
	c.at("camgate> ")
	long := strings.Repeat("x", 100)
	c.send(long)
	c.at("camgate> " + long) // one row: not broken after 80
	c.send("\x15version\r")
	c.see("running for")
}

func TestColoursOnlyWhereTheyAreWanted(t *testing.T) {
	for _, c := range []struct {
		name, env string
		want      bool
	}{{"a terminal", "X=", true}, {"NO_COLOR", "NO_COLOR=1", false}, {"a dumb terminal", "TERM=dumb", false}} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, "run", 24, 100, c.env)
			p.at("camgate> ")
			p.send("diagnose door\r")
			p.see("mend: type another one")
			p.at("camgate> ")
			if c.env != "TERM=dumb" {
				p.send("camera \t")
				p.see("yard-2")
				p.send("\t")
				p.send("\x15")
				p.at("camgate> ")
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			coloured := false
			for _, piece := range strings.Split(p.raw.String(), "\x1b[")[1:] {
				code, _, found := strings.Cut(piece, "m")
				if found && strings.Trim(code, "0123456789;") == "" && code != "39" && code != "49" && (strings.HasPrefix(code, "3") || strings.HasPrefix(code, "4") || strings.HasPrefix(code, "9")) {
					coloured = true
				}
			}
			if coloured != c.want {
				t.Errorf("colours: %v, want %v: %q", coloured, c.want, p.raw.String())
			}
			if c.env == "TERM=dumb" && strings.Contains(p.raw.String(), "\x1b") {
				t.Errorf("a dumb terminal got %q", p.raw.String())
			}
		})
	}
}

func TestSearchingTheHistoryInASmallWindow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	var lines []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("probe rtsp://192.0.2.%d/", i))
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, "run", 8, 100, "TEST_HISTORY="+file)
	c.at("camgate> ")
	c.enter("version")
	c.at("camgate> ")
	c.send("2.3\x12")
	c.await("the newest line with it", func(v *vt) bool { return v.line() == "camgate> probe rtsp://192.0.2.39/" })
	c.send("\x12")
	c.await("the line before that", func(v *vt) bool { return v.line() == "camgate> probe rtsp://192.0.2.38/" })
	c.send("\r")
	c.see("nothing to do")
	c.at("camgate> ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := c.vt.all(); strings.Count(all, "camgate>") != 3 {
		t.Errorf("torn:\n%s", all)
	}
}

func TestMoreCandidatesThanTheWindowHasRows(t *testing.T) {
	c := start(t, "run", 8, 100)
	c.at("camgate> ")
	c.enter("version")
	c.at("camgate> ")
	c.send("\t")
	c.see(fmt.Sprintf("%d: help  cameras  camera", len(root.below)))
	c.at("camgate> ")
	c.send("ca\t")
	c.see("camera  ")
	c.at("camgate> camera")
	c.send("s\r")
	c.see("yard-2")
	c.at("camgate> ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := c.vt.all(); strings.Count(all, "camgate>") != 3 {
		t.Errorf("torn:\n%s", all)
	}
}
