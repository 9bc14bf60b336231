package discovery

// Forget drops all that is known, and tells nobody: what is still there is found anew by
// the next search.
func (f *Finder) Forget() { f.registry.forget() }

func (g *registry) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.records)
	clear(g.devices)
	clear(g.ids)
	g.changed, g.departed = nil, nil
}
