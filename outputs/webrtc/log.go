package webrtc

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLog takes what pion says to the debug log, warnings and errors alone: the rest
// would be a line a packet. What a browser's bad network does is no error of ours.
type pionLog struct {
	log *slog.Logger
}

func (l pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{l.log.With("part", scope)}
}

func (l pionLog) Trace(string)          {}
func (l pionLog) Tracef(string, ...any) {}
func (l pionLog) Debug(string)          {}
func (l pionLog) Debugf(string, ...any) {}
func (l pionLog) Info(string)           {}
func (l pionLog) Infof(string, ...any)  {}

func (l pionLog) Warn(msg string)                   { l.log.Debug(msg) }
func (l pionLog) Warnf(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l pionLog) Error(msg string)                  { l.log.Debug(msg) }
func (l pionLog) Errorf(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }
