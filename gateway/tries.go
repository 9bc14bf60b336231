package gateway

import (
	"maps"
	"sync"
	"time"
)

// maxTries bounds what is remembered of devices: a network may hold any number of them that
// are none.
const maxTries = 4096

// tries remembers who is not to be tried before when. It may be used from any goroutine.
type tries struct {
	mu    sync.Mutex
	until map[string]time.Time
	waits map[string]time.Duration // what soon has said last, of some of them
}

// wait says whether key is not to be tried yet. While there is no room to remember another,
// nobody new is tried.
func (t *tries) wait(now time.Time, key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, known := t.until[key]
	return now.Before(until) || !known && !t.room(now)
}

// later has key left alone for d at least.
func (t *tries) later(now time.Time, d time.Duration, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(now, d, key)
}

// put is later; the caller holds mu.
func (t *tries) put(now time.Time, d time.Duration, key string) {
	if t.until == nil {
		t.until, t.waits = make(map[string]time.Time), make(map[string]time.Duration)
	}
	until, known := t.until[key]
	if then := now.Add(d); known && then.After(until) || !known && t.room(now) {
		t.until[key] = then
	}
}

// soon has key left alone for a minute, and each time for twice as long, but not longer than
// others. It returns how long that is.
func (t *tries) soon(now time.Time, key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := min(max(2*t.waits[key], trySoonAfter), tryAgainAfter)
	t.put(now, wait, key)
	if _, known := t.until[key]; known {
		t.waits[key] = wait
	}
	return wait
}

// room makes room for one more, as far as that can be; the caller holds mu.
func (t *tries) room(now time.Time) bool {
	if len(t.until) < maxTries {
		return true
	}
	for key, until := range t.until {
		if !now.Before(until) {
			delete(t.until, key)
			delete(t.waits, key)
		}
	}
	return len(t.until) < maxTries
}

// forget lets all be tried again.
func (t *tries) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.until)
	clear(t.waits)
}

const (
	// maxGuesses is how many passwords may be tried at one camera within guessesFor by those
	// who add it: cameras lock accounts after five or so.
	maxGuesses = 3
	guessesFor = 10 * time.Minute
)

// guesses counts the passwords that were tried at cameras. It may be used from any
// goroutine.
type guesses struct {
	mu    sync.Mutex
	tried map[string]guess // by host:port
}

type guess struct {
	count int
	since time.Time
}

// take counts one more; where there were too many, it returns how long to wait, and counts
// nothing.
func (g *guesses) take(now time.Time, host string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tried == nil {
		g.tried = make(map[string]guess)
	}
	if len(g.tried) >= maxTries || now.Sub(g.tried[host].since) >= guessesFor {
		maps.DeleteFunc(g.tried, func(_ string, one guess) bool { return now.Sub(one.since) >= guessesFor })
	}
	one, found := g.tried[host]
	switch {
	case !found && len(g.tried) >= maxTries:
		return guessesFor
	case !found:
		one.since = now
	case one.count >= maxGuesses:
		return one.since.Add(guessesFor).Sub(now)
	}
	one.count++
	g.tried[host] = one
	return 0
}

// giveBack is for a password that was right, or never asked for.
func (g *guesses) giveBack(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one, found := g.tried[host]
	if one.count--; found && one.count > 0 {
		g.tried[host] = one
		return
	}
	delete(g.tried, host)
}
