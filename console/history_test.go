package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHistoryIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	h, err := openHistory(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxHistory + 100 {
		if err := h.add(fmt.Sprintf("camera %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if h, err = openHistory(file); err != nil || h.Len() != maxHistory {
		t.Fatalf("%d lines: %v", h.Len(), err)
	}
	if first, _ := h.GetLine(0); first != "camera 100" {
		t.Errorf("the oldest is %q", first)
	}
	text, _ := os.ReadFile(file)
	if n := strings.Count(string(text), "\n"); n != maxHistory {
		t.Errorf("the file has %d lines", n)
	}
}

func TestHistoryOfOthersIsClosedToThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(file, []byte("version\n\x1b[2J\n"+strings.Repeat("x", 2*maxLine)+"\nhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := openHistory(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	for i := range h.Len() {
		if line, _ := h.GetLine(i); strings.Contains(line, "\x1b") || len(line) > maxLine {
			t.Errorf("line %d is %.40q", i, line)
		}
	}
	if last, _ := h.GetLine(h.Len() - 1); last != "host" {
		t.Errorf("the newest is %q", last)
	}
}

func TestHistoryThatCannotBeKept(t *testing.T) {
	h, err := openHistory(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "history is not kept") {
		t.Errorf("%v", err)
	}
	if err := h.add("version"); err != nil || h.Len() != 1 {
		t.Errorf("in memory: %d, %v", h.Len(), err)
	}
}

func TestRepeatedAndUnreadableLinesAreNotKept(t *testing.T) {
	h, _ := openHistory("")
	for _, line := range []string{"version", "version ", "", "  ", "camera 'x", "host"} {
		if err := h.add(line); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(h.Dump()); got != "[version host]" {
		t.Errorf("%s", got)
	}
}

func TestPlaceOfTheHistory(t *testing.T) {
	t.Setenv("HOME", "/home/u")
	t.Setenv("XDG_STATE_HOME", "")
	if got := DefaultHistory(); got != "/home/u/.local/state/camgate/history" {
		t.Errorf("%s", got)
	}
	t.Setenv("XDG_STATE_HOME", "/state")
	if got := DefaultHistory(); got != "/state/camgate/history" {
		t.Errorf("%s", got)
	}
}
