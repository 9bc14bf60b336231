package rig

import (
	"sync"
	"time"
)

// Sent remembers when each frame left the camera. Its Add is for camsim's OnSent.
type Sent struct {
	mu    sync.Mutex
	times map[uint32][]time.Time
}

// Add notes that a frame is being sent.
func (s *Sent) Add(frame uint32, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times == nil {
		s.times = make(map[uint32][]time.Time)
	}
	s.times[frame] = append(s.times[frame], at)
}

// Before is when the frame was last sent before a time.
func (s *Sent) Before(frame uint32, before time.Time) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.times[frame]) - 1; i >= 0; i-- {
		if at := s.times[frame][i]; at.Before(before) {
			return at, true
		}
	}
	return time.Time{}, false
}
