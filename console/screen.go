package console

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// maxAbove is how many lines wait at most to be printed above the prompt.
const maxAbove = 500

// maxNotice is how much of a notice's line is shown on a terminal, in characters.
const maxNotice = 4096

// A screen is what several write to at once: the command that runs, its progress, and
// notices (log lines, a gateway that went away) that come at any time. On a terminal none
// tears what another has written.
type screen struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	middle   bool     // the last text did not end its line
	status   string   // the progress that is shown
	editing  bool     // a line is being typed: the line editor has the terminal
	wake     func()   // tells the line editor that there is something above the prompt
	above    []string // to be printed there
	lost     int      // lines that were too many
}

// Write writes results.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	n, err := s.out.Write(p)
	if len(p) > 0 {
		s.middle = p[len(p)-1] != '\n'
	}
	s.draw()
	return n, err
}

// progress shows a text on the last line, in place of what it showed before; "" ends it.
func (s *screen) progress(text string, width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	if width > 0 {
		text = cut(text, width-1)
	}
	s.status = text
	s.draw()
}

// erase takes the progress away; the caller holds mu.
func (s *screen) erase() {
	if s.status != "" && !s.middle {
		io.WriteString(s.out, "\r\x1b[K") //nolint:errcheck // as good as it goes
	}
}

// draw shows the progress again; the caller holds mu.
func (s *screen) draw() {
	if s.status != "" && !s.middle {
		io.WriteString(s.out, s.status) //nolint:errcheck // as good as it goes
	}
}

// notice prints whole lines as soon as it can be without tearing anything. On a terminal
// they are made harmless.
func (s *screen) notice(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.editing {
		for line := range strings.Lines(text) {
			if len(s.above) == maxAbove {
				s.above = s.above[1:]
				s.lost++
			}
			s.above = append(s.above, cleanUpTo(strings.TrimRight(line, "\r\n"), maxNotice))
		}
		s.wake()
		return
	}
	s.lines(text)
}

// lines writes notices now; the caller holds mu.
func (s *screen) lines(text string) {
	s.erase()
	var b bytes.Buffer
	if s.middle {
		b.WriteByte('\n')
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if s.terminal {
			line = cleanUpTo(line, maxNotice)
		}
		b.WriteString(line + "\n")
	}
	s.out.Write(b.Bytes()) //nolint:errcheck // as good as it goes
	s.middle = false
	s.draw()
}

// edit hands the terminal to the line editor. wake is called, from any goroutine, when
// there is something for take.
func (s *screen) edit(wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.middle {
		io.WriteString(s.out, "\n") //nolint:errcheck // as good as it goes
		s.middle = false
	}
	s.editing, s.wake = true, wake
}

// edited takes the terminal back, and prints what the editor has not.
func (s *screen) edited() {
	rest := s.take()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.editing, s.wake = false, nil
	// What came since is not lost.
	rest = append(rest, s.above...)
	s.above = nil
	if len(rest) > 0 {
		s.lines(strings.Join(rest, "\n") + "\n")
	}
}

// take is what is to be printed above the prompt, for the line editor.
func (s *screen) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.above
	if s.lost > 0 {
		lines = append([]string{fmt.Sprintf("(%d lines left out)", s.lost)}, lines...)
	}
	s.above, s.lost = nil, 0
	return lines
}

// fresh says that the cursor stands at the beginning of a line.
func (s *screen) fresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.middle = false
}
