package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	mostQueued = 1024        // lines of the log
	flushLimit = time.Second // for those that are left at the end
)

// A logQueue writes the log's lines as fast as they are taken. A terminal that is held (Ctrl-S) and
// a pipe that nobody reads stop whoever writes to them: that must not be what connects a camera.
// Lines for which there is no room are lost, and counted.
type logQueue struct {
	lines chan []byte
	lost  atomic.Int64
	stop  chan struct{}
	ended chan struct{}
}

// newLogQueue begins to write to a writer. Say tells it directly of what was lost.
func newLogQueue(to io.Writer, say *slog.Logger) *logQueue {
	q := &logQueue{lines: make(chan []byte, mostQueued), stop: make(chan struct{}), ended: make(chan struct{})}
	go q.run(to, say)
	return q
}

// Write never waits, and never fails.
func (q *logQueue) Write(line []byte) (int, error) {
	select {
	case q.lines <- bytes.Clone(line): // the caller uses its buffer again
	default:
		q.lost.Add(1)
	}
	return len(line), nil
}

func (q *logQueue) run(to io.Writer, say *slog.Logger) {
	defer close(q.ended)
	for {
		select {
		case line := <-q.lines:
			to.Write(line) //nolint:errcheck // there is nobody to be told
			continue
		default:
		}
		// Those that were lost came after all that was written.
		if n := q.lost.Swap(0); n > 0 {
			say.Warn("lines of the log were lost, because they could not be written in time", "lines", n)
		}
		select {
		case line := <-q.lines:
			to.Write(line) //nolint:errcheck // as above
		case <-q.stop:
			if len(q.lines) == 0 {
				return
			}
		}
	}
}

// close writes what is left, unless that takes too long. It is called once; what is written
// later is not.
func (q *logQueue) close() {
	close(q.stop)
	limit := time.NewTimer(flushLimit)
	defer limit.Stop()
	select {
	case <-q.ended:
	case <-limit.C: // the program ends all the same
	}
}
