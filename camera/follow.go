package camera

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"syscall"
	"time"
)

const (
	// goAgainAfter is how long a camera is tried at one address before another is gone to.
	goAgainAfter = 10 * time.Second

	// homeAfter is how long an address at which the camera was seen may be silent before the
	// configured one is tried again.
	homeAfter = 30 * time.Second

	// askAgainAfter is how long the port of its stream may be closed before a camera that is
	// there is asked again where that is. Most that are closed are so while the camera starts.
	askAgainAfter = 30 * time.Second
)

// doubt says that what the camera offered did not do: it is asked again before the next
// try.
func (d *device) doubt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doubtful = true
}

// gone notes that a session brought no picture, and why.
func (d *device) gone(why error) {
	switch {
	case errors.As(why, new(*stillError)): // its streams are as they were
	case denied(why) && d.home(): // where it was seen is somebody else, perhaps
	default:
		d.doubt()
	}
}

// away says that the camera is looked for elsewhere than at its configured address; the
// caller holds mu.
func (d *device) away() bool { return d.identity.Host != d.base }

// digestOnly says that whoever answers may be somebody else, and is not to learn the
// password: at another address than the configured one, and where it was only found.
func (d *device) digestOnly() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg.DigestOnly || d.away()
}

// follow looks whether the camera that does not answer was seen at another address, and
// goes there; or back to the configured one, where nothing is heard of it for long.
func (d *device) follow(ctx context.Context) bool {
	if d.cfg.Find == nil {
		return false
	}
	d.mu.Lock()
	identity, there, away := d.identity, time.Since(d.wentAt), d.away()
	d.mu.Unlock()
	host, found := d.cfg.Find(ctx, identity) // in any case: it has the network searched
	if there < goAgainAfter {
		return false
	}
	if !found && away && there >= homeAfter {
		return d.home()
	}
	if !found || host == "" || host == identity.Host {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.identity.Host != identity.Host {
		return true // for its other stream it was gone to meanwhile
	}
	level := slog.LevelDebug
	if time.Since(d.toldAt) >= time.Minute {
		level, d.toldAt = slog.LevelWarn, time.Now()
	}
	d.log.Log(ctx, level, "the camera's address has changed", "was", identity.Host, "is", host)
	d.goTo(host)
	return true
}

// left says that no stream of the camera is at host:port any more, as far as is known: for its
// substream, which goes where the camera itself has gone.
func (d *device) left(host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !slices.ContainsFunc(d.streams, func(s stream) bool { return s.address.Host() == host })
}

// outdated says that the camera is to be asked again where its stream is: it, or another at
// its address, refuses the connection at host:port since then, and that is not where it is
// asked.
func (d *device) outdated(host string, since time.Time, why error) bool {
	if !errors.Is(why, syscall.ECONNREFUSED) || time.Since(since) < askAgainAfter || host == d.serviceHost() {
		return false
	}
	d.doubt()
	return true
}

// home goes back to the configured address: what is at the other one is not the camera, or
// not any more. It returns whether the camera was looked for elsewhere.
func (d *device) home() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.away() {
		return false
	}
	d.log.Debug("the camera is looked for at its configured address again", "was", d.identity.Host)
	d.goTo(d.base)
	return true
}

// goTo forgets what was heard at the last address; the caller holds mu.
func (d *device) goTo(host string) {
	if d.client != nil {
		d.client.Close()
	}
	d.client, d.streams = nil, nil
	d.identity.Host, d.wentAt = host, time.Now()
}

// serviceHost is host:port of the device service, to see whether anybody is there.
func (d *device) serviceHost() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identity.Host
}
