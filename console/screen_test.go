package console

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// onlcr is what the kernel does on the way to a terminal.
type onlcr struct{ v *vt }

func (o onlcr) Write(p []byte) (int, error) {
	o.v.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return len(p), nil
}

func TestNoticesDoNotTearOutputOrProgress(t *testing.T) {
	v := newVT(10, 40)
	s := &screen{out: onlcr{v}, terminal: true}
	s.Write([]byte("first\n"))
	s.progress("working: 1", 40)
	s.notice("a log line\n")
	s.progress("working: 2", 40)
	s.Write([]byte("second, "))
	s.notice("another\n")
	s.Write([]byte("third\n"))
	if got, want := v.screen(), "first\na log line\nsecond,\nanother\nthird\nworking: 2"; got != want {
		t.Errorf("the screen is\n%s\nwant\n%s", got, want)
	}
	s.progress("", 40)
	if got := v.screen(); strings.Contains(got, "working") {
		t.Errorf("progress is left:\n%s", got)
	}
	s.progress(strings.Repeat("長", 50), 40)
	s.progress("", 40)
	if got := v.screen(); strings.Contains(got, "長") {
		t.Errorf("progress is left:\n%s", got)
	}
}

func TestFloodOfNoticesIsBounded(t *testing.T) {
	v := newVT(maxAbove+10, 60)
	s := &screen{out: onlcr{v}, terminal: true}
	woken := 0
	s.edit(func() { woken++ })
	for i := range 3 * maxAbove {
		s.notice(fmt.Sprintf("line %d \x1b[31m\n", i))
	}
	s.edited()
	if woken != 3*maxAbove {
		t.Errorf("woken %d times", woken)
	}
	all := v.screen()
	if n := strings.Count(all, "line "); n != maxAbove || !strings.Contains(all, fmt.Sprintf("(%d lines left out)", 2*maxAbove)) || !strings.Contains(all, fmt.Sprintf("line %d ", 3*maxAbove-1)) {
		t.Errorf("%d lines, first %.60q", n, all)
	}
}

func TestLogThatGoesElsewhereStaysThere(t *testing.T) {
	var log, out bytes.Buffer
	w := NewLogWriter(&log)
	w.attach(&screen{out: &out})
	fmt.Fprintln(w, "a line")
	w.detach()
	if log.String() != "a line\n" || out.Len() > 0 {
		t.Errorf("log %q, console %q", log.String(), out.String())
	}
}
