package gateway

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"camgate/config"
	"camgate/discovery"
)

// Add makes a camera of a source as it stands in a configuration, and serves it until it
// is removed or the gateway ends. Where name is "" a readable one is made. It returns the
// name; the error is ErrExists, ErrNotRunning, or says what is wrong with name or source.
func (g *Gateway) Add(name, from string) (string, error) {
	if name == "" {
		g.naming.Lock()
		defer g.naming.Unlock()
		var err error
		if name, err = g.nameFor(from); err != nil {
			return "", err
		}
	}
	c, err := config.NewCamera(name, from)
	if err != nil {
		return "", err
	}
	return name, g.add(c, added, nil)
}

// add serves a camera; device is as for newEntry.
func (g *Gateway) add(c config.Camera, why origin, device *string) error {
	<-g.begun // it is about to
	g.changing.Lock()
	defer g.changing.Unlock()
	if g.running == nil {
		return ErrNotRunning
	}
	s := g.served.Load()
	if s.byName[strings.ToLower(c.Name)] != nil {
		return fmt.Errorf("camera %q: %w", c.Name, ErrExists)
	}
	e, err := g.newEntry(c, g.cfg.Limits, why, device)
	if err != nil {
		return err
	}
	g.start(e)
	g.publish(append(slices.Clip(s.entries), e))
	return nil
}

// ForgetFound removes the cameras that auto_add serves, and forgets what was found on the
// network, so that the next search begins anew. It returns how many cameras were removed.
func (g *Gateway) ForgetFound() int {
	g.changing.Lock()
	defer g.changing.Unlock()
	var keep, gone []*entry
	for _, e := range g.served.Load().entries {
		if e.origin == found {
			gone = append(gone, e)
		} else {
			keep = append(keep, e)
		}
	}
	g.publish(keep)
	finish(gone)
	g.tries.forget()
	g.finder.Forget()
	return len(gone)
}

// Remove ends a camera, and everybody who watches it. The error is ErrNoCamera.
func (g *Gateway) Remove(name string) error {
	g.changing.Lock()
	defer g.changing.Unlock()
	s := g.served.Load()
	e := s.byName[strings.ToLower(name)]
	if e == nil || e.cfg.Name != name {
		return fmt.Errorf("%w: %q", ErrNoCamera, name)
	}
	g.publish(slices.DeleteFunc(slices.Clone(s.entries), func(other *entry) bool { return other == e }))
	finish([]*entry{e})
	if id := e.device.Load(); id != nil && e.origin == found { // somebody does not want it
		ids := []string{bareUUID(*id)}
		for _, d := range g.finder.Devices() {
			if isCalled(d, *id) {
				ids = append(ids, identities(d)...)
			}
		}
		for _, id := range ids {
			g.tries.later(time.Now(), forever, id)
		}
	}
	return nil
}

// finish ends cameras that are no longer served, all at the same time; the caller holds
// changing.
func finish(entries []*entry) {
	for _, e := range entries {
		if e.ended != nil {
			e.end()
		}
	}
	for _, e := range entries {
		if e.ended != nil {
			<-e.ended
		}
	}
}

// Reload takes a new configuration: cameras that are new, gone or changed are started,
// ended or replaced; the others do not notice. Cameras that were added stay, and those that
// were found, unless the configuration has them now. It says in a sentence what changed.
func (g *Gateway) Reload(cfg *config.Config) (string, error) {
	<-g.begun // it is about to
	g.changing.Lock()
	defer g.changing.Unlock()
	if g.running == nil {
		return "", ErrNotRunning
	}
	old := g.served.Load()
	var entries, fresh, gone []*entry
	changed := 0
	for _, c := range cfg.Cameras {
		was := old.byName[strings.ToLower(c.Name)]
		if was != nil && was.origin == configured && was.cfg == c && sameLimits(was.limits, cfg.Limits) {
			entries = append(entries, was)
			continue
		}
		e, err := g.newEntry(c, cfg.Limits, configured, nil)
		if err != nil {
			return "", err // nothing has changed yet
		}
		if was != nil {
			changed++
		}
		entries, fresh = append(entries, e), append(fresh, e)
	}
	if slices.ContainsFunc(old.entries, func(e *entry) bool { return e.origin == found }) {
		lookUp(g.running, fresh)
	}
	devices := g.finder.Devices()
	for _, e := range old.entries {
		named := slices.ContainsFunc(entries, func(other *entry) bool { return strings.EqualFold(other.cfg.Name, e.cfg.Name) })
		switch {
		case slices.Contains(entries, e):
		case e.origin == configured || named || e.origin == found && e.configuredToo(entries, devices):
			gone = append(gone, e)
		default:
			entries = append(entries, e)
		}
	}
	rest := g.restart(cfg)
	g.cfg = cfg
	g.publish(entries)
	finish(gone)
	for _, e := range fresh {
		g.start(e)
	}
	if len(fresh)+len(gone) == 0 {
		return "no camera has changed" + rest, nil
	}
	return fmt.Sprintf("%s new, %d changed, %d removed%s", count(len(fresh)-changed, "camera"), changed, len(gone)-changed, rest), nil
}

// sameLimits says whether two limits are the same to a camera. How many viewers there may be
// altogether is none of its business.
func sameLimits(a, b config.Limits) bool {
	a.MaxViewers = b.MaxViewers
	return a == b
}

// configuredToo says whether the device of a camera that was found is one of the
// configuration's.
func (e *entry) configuredToo(entries []*entry, devices []discovery.Device) bool {
	id := e.device.Load()
	if id == nil {
		return false
	}
	return slices.ContainsFunc(devices, func(d discovery.Device) bool {
		return d.ID == *id && slices.ContainsFunc(entries, func(other *entry) bool { return other.origin == configured && other.serves(d) })
	})
}

// restart says what of a new configuration holds only after a restart.
func (g *Gateway) restart(cfg *config.Config) string {
	var sections []string
	if !reflect.DeepEqual(cfg.HTTP, g.began.HTTP) || cfg.Limits.MaxViewers != g.began.Limits.MaxViewers {
		sections = append(sections, "[http] and max_viewers")
	}
	if !sameDiscovery(cfg.Discovery, g.began.Discovery) {
		sections = append(sections, "[discovery]")
	}
	if cfg.Log != g.began.Log {
		sections = append(sections, "[log]")
	}
	if !reflect.DeepEqual(cfg.WebRTC, g.began.WebRTC) {
		sections = append(sections, "[webrtc]")
	}
	if cfg.Legacy != g.began.Legacy {
		sections = append(sections, "[legacy]")
	}
	if !reflect.DeepEqual(cfg.Walls, g.began.Walls) {
		sections = append(sections, "[[wall]]")
	}
	if len(sections) == 0 {
		return ""
	}
	return "; what changed in " + strings.Join(sections, ", ") + " holds after a restart"
}

func sameDiscovery(a, b config.Discovery) bool {
	return a.Listen == b.Listen && a.AutoAdd == b.AutoAdd && a.Interval == b.Interval && slices.Equal(a.Interfaces, b.Interfaces) &&
		slices.Equal(a.Unicast, b.Unicast) && slices.Equal(a.Credentials, b.Credentials)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
