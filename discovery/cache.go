package discovery

import (
	"sync"
	"time"
)

// How long what was fetched is good for, and how long a description that could not be
// fetched is not asked for again.
const (
	fetchedFor = 5 * time.Minute
	deadFor    = time.Minute
	maxCached  = 2048
)

// A cache remembers device descriptions by where they lie, also those that could not be
// fetched, so that six answers of one device, or a thousand for a dead address, cost one
// fetch.
type cache struct {
	mu      sync.Mutex
	entries map[string]*cached
}

// A cached is one description, or the memory of its failure, or being fetched.
type cached struct {
	at          time.Time
	boot        string
	description description
	failed      bool
	busy        bool
}

func newCache() *cache { return &cache{entries: map[string]*cached{}} }

// begin says what is known of a place: a description that is still good, a failure that is
// not long ago, or that it is being fetched. If none of these, the caller fetches it, and
// calls end.
func (c *cache) begin(key, boot string, fresh bool, now time.Time) (known cached, fetch bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		good := fetchedFor
		if e.failed {
			good = deadFor
		}
		if e.busy || !fresh && now.Sub(e.at) < good && (e.boot == boot || e.failed) {
			return *e, false
		}
	}
	if len(c.entries) >= maxCached {
		c.shrink()
	}
	c.entries[key] = &cached{at: now, boot: boot, busy: true}
	return cached{}, true
}

// end keeps what came of a fetch; a nil description is a failure.
func (c *cache) end(key string, d *description, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return
	}
	e.busy, e.at, e.failed = false, now, d == nil
	if d != nil {
		e.description = *d
	}
}

// forget is for a fetch that did not take place.
func (c *cache) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// shrink drops the older half, apart from what is being fetched.
func (c *cache) shrink() {
	var oldest, newest time.Time
	for _, e := range c.entries {
		if oldest.IsZero() || e.at.Before(oldest) {
			oldest = e.at
		}
		if e.at.After(newest) {
			newest = e.at
		}
	}
	middle := oldest.Add(newest.Sub(oldest) / 2)
	for k, e := range c.entries {
		if !e.busy && !e.at.After(middle) {
			delete(c.entries, k)
		}
	}
}
