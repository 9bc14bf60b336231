package discovery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Finder finds cameras. Its methods are safe for concurrent use.
type Finder struct {
	options  Options
	log      *slog.Logger
	now      func() time.Time
	counts   counters
	registry *registry
	limiter  *limiter
	cache    *cache
	network  atomic.Pointer[network]
	wake     chan struct{} // there may be something to tell
	moved    atomic.Bool   // a camera announced itself from another address: to be searched for
	warned   bucket        // of warnings about what others send; mu

	mu       sync.Mutex
	running  bool       // Run
	current  *searching // nil: none
	begun    uint64     // searches so far
	rechecks map[string]recheck

	telling sync.Mutex // held while the owner is told
}

// searching is a search that others may share.
type searching struct {
	number uint64 // counts searches
	wait   time.Duration
	done   chan struct{}
	err    error // once done
}

// New makes a Finder. It opens no socket and starts no goroutine. The error is a sentence
// about what in the options cannot be.
func New(o Options) (*Finder, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &Finder{options: o, log: o.Log, now: time.Now, wake: make(chan struct{}, 1), rechecks: map[string]recheck{}}
	f.registry = newRegistry(o.MaxDevices, o.Changed != nil || o.Gone != nil, &f.counts, &f.network)
	f.limiter = newLimiter(time.Now)
	f.cache = newCache()
	f.network.Store(&network{})
	return f, nil
}

// Devices returns what is known now, sorted by address. It is a copy.
func (f *Finder) Devices() []Device { return f.registry.list() }

// Search asks for cameras and returns when wait, and at least a tenth of a second, has
// passed. A call during a search that is as long shares that one. All that was found has
// been told when Search returns. The error is ctx's, or a sentence that says why nothing
// could be asked.
func (f *Finder) Search(ctx context.Context, wait time.Duration) error {
	return f.searchAfter(ctx, wait, 0)
}

// searchAnew is Search for what has changed just now: it shares no search that has begun
// before, for that asks its questions in its first second and a half, and perhaps no more.
func (f *Finder) searchAnew(ctx context.Context, wait time.Duration) error {
	f.mu.Lock()
	begun := f.begun
	f.mu.Unlock()
	return f.searchAfter(ctx, wait, begun)
}

// searchAfter is Search that shares only searches of a higher number.
func (f *Finder) searchAfter(ctx context.Context, wait time.Duration, number uint64) error {
	wait = max(wait, 100*time.Millisecond)
	for {
		f.mu.Lock()
		other := f.current
		if other == nil {
			f.begun++
			s := &searching{number: f.begun, wait: wait, done: make(chan struct{})}
			f.current = s
			f.mu.Unlock()
			return f.lead(ctx, s)
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-other.done:
			if other.err == nil && other.wait >= wait && other.number > number {
				return nil
			}
		}
	}
}

// lead searches for all who share it.
func (f *Finder) lead(ctx context.Context, s *searching) error {
	s.err = f.search(ctx, s.wait)
	f.mu.Lock()
	f.current = nil
	f.mu.Unlock()
	close(s.done)
	return s.err
}

// Run hears announcements where the options say so, follows the interfaces, and expires
// devices, until ctx ends, whose error it returns. What it started has ended by then.
// It is for one goroutine; a second call at the same time is an error.
func (f *Finder) Run(ctx context.Context) error {
	f.mu.Lock()
	if f.running {
		f.mu.Unlock()
		return errors.New("discovery: Run runs already")
	}
	f.running = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running = false
		f.mu.Unlock()
	}()
	return f.run(ctx)
}

// wakeUp has the owner told of what there is to tell.
func (f *Finder) wakeUp() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// tell calls the owner's functions for what is to be told: all of it, or what is ripe.
func (f *Finder) tell(all bool) {
	f.telling.Lock()
	defer f.telling.Unlock()
	for {
		d, gone, ok := f.registry.next(f.now(), all)
		if !ok {
			return
		}
		call := f.options.Changed
		if gone {
			call = f.options.Gone
		}
		if call != nil {
			call(d)
		}
	}
}

// warn logs what somebody else's datagram gives reason to, at most five times at once and
// once in ten seconds.
func (f *Finder) warn(message string, args ...any) {
	f.mu.Lock()
	ok := f.warned.take(f.now(), 1, 0.1, 5)
	f.mu.Unlock()
	if ok {
		f.log.Warn("discovery: "+message, args...)
	}
}
