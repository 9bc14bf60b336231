package console

import (
	"io"
	"os"
	"sync"
)

// A LogWriter is where a program with a console writes its log: while a line is being
// typed on the same terminal, log lines appear above it.
type LogWriter struct {
	to io.Writer

	mu     sync.Mutex
	screen *screen // nil: no console is open
}

// NewLogWriter makes a log writer that writes to standard error, or where else the log
// goes.
func NewLogWriter(to io.Writer) *LogWriter { return &LogWriter{to: to} }

// Write takes whole lines, as log/slog writes them.
func (w *LogWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.screen == nil {
		return w.to.Write(p)
	}
	w.screen.notice(string(p))
	return len(p), nil
}

// attach lets lines go through a screen. A log that does not go to a terminal goes where
// it went.
func (w *LogWriter) attach(s *screen) {
	if f, ok := w.to.(*os.File); !ok || !isTerminal(f) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.screen = s
}

// detach ends that.
func (w *LogWriter) detach() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.screen = nil
}
