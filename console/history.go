package console

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// maxHistory is how many lines are kept.
const maxHistory = 1000

// DefaultHistory is the file of the command history: $XDG_STATE_HOME/camgate/history, or
// ~/.local/state/camgate/history (XDG Base Directory Specification), or "" where the user
// has no home.
func DefaultHistory() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "camgate", "history")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "camgate", "history")
}

// A history is the lines typed before, in memory and in a file. It is what the line
// editor calls a history source.
type history struct {
	mu    sync.Mutex
	file  string // "": in memory only
	lines []string
}

// openHistory reads the file, and makes it for this user alone. The error says why lines
// are not kept; the history works in memory nevertheless.
func openHistory(file string) (*history, error) {
	h := &history{file: file}
	if file == "" {
		return h, nil
	}
	if err := h.read(); err != nil {
		h.file = ""
		return h, fmt.Errorf("the command history is not kept: %w", err)
	}
	return h, nil
}

func (h *history) read() error {
	if err := os.MkdirAll(filepath.Dir(h.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(h.file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", h.file)
	}
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	// The newest lines are at the end; more than this is not looked at.
	const most = maxHistory * maxLine
	text := make([]byte, min(info.Size(), most))
	n, err := f.ReadAt(text, info.Size()-int64(len(text)))
	if n < len(text) {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && len(line) <= maxLine {
			h.lines = append(h.lines, clean(line))
		}
	}
	if extra := len(h.lines) - maxHistory; extra > 0 {
		h.lines = h.lines[extra:]
		return h.rewrite()
	}
	return nil
}

// rewrite replaces the file by the lines in memory, whole or not at all.
func (h *history) rewrite() error {
	f, err := os.CreateTemp(filepath.Dir(h.file), ".history-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(h.lines, "\n") + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), h.file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// add keeps a line, without its passwords.
func (h *history) add(line string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	safe, ok := masked(strings.TrimSpace(line))
	if !ok || safe == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == safe {
		return nil
	}
	h.lines = append(h.lines, safe)
	if h.file == "" {
		return nil
	}
	// Several consoles may append to one file: a line is one write.
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(safe + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		err = fmt.Errorf("the command history is not kept: %w", err)
	}
	return err
}

// Write does nothing: the line editor calls it, but would keep no more lines than the
// user's inputrc says for other programs, and passwords too. The console calls add.
func (h *history) Write(string) (int, error) { return h.Len(), nil }

// GetLine is the line at an index, the oldest at 0.
func (h *history) GetLine(i int) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i < 0 || i >= len(h.lines) {
		return "", fmt.Errorf("the history has no line %d", i)
	}
	return h.lines[i], nil
}

// Len is how many lines there are.
func (h *history) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lines)
}

// Dump is all lines; the line editor's interface wants it.
func (h *history) Dump() any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.lines...)
}
