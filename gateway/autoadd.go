package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"camgate/config"
	"camgate/discovery"
	"camgate/onvif"
)

const (
	// tryAgainAfter is how long a device is left alone that could not be added.
	tryAgainAfter = time.Hour

	// tryTimeout bounds one try of one password.
	tryTimeout = 20 * time.Second
)

var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// autoAdd searches now and then, and serves what is found, until ctx ends.
func (g *Gateway) autoAdd(ctx context.Context) {
	g.tasks.Go(func() {
		for ctx.Err() == nil {
			if err := g.finder.Search(ctx, searchWait); err != nil && ctx.Err() == nil {
				g.log.Warn("the network cannot be searched for cameras", "why", err)
			}
			timer := time.NewTimer(g.cfg.Discovery.Interval)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
		}
	})
	for {
		select {
		case d := <-g.newest:
			g.consider(ctx, d)
		case <-ctx.Done():
			return
		}
	}
}

// consider serves a device that is not served yet.
func (g *Gateway) consider(ctx context.Context, d discovery.Device) {
	g.mu.Lock()
	waits := time.Now().Before(g.tried[d.ID])
	g.mu.Unlock()
	if len(d.ONVIF) == 0 || waits || g.serves(d) {
		return
	}
	names, err := g.addAll(ctx, d)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		g.mu.Lock()
		g.tried[d.ID] = time.Now().Add(tryAgainAfter)
		g.mu.Unlock()
		g.log.Warn("a camera was found and not added; the next try is in an hour", "address", d.Address, "model", d.Model, "why", err)
		return
	}
	g.log.Info("a camera was found and added", "camera", strings.Join(names, ", "), "address", d.Address, "maker", d.Maker, "model", d.Model)
}

// addAll serves a device: as one camera for each of its video sources, because each shows
// something else.
func (g *Gateway) addAll(ctx context.Context, d discovery.Device) (names []string, err error) {
	from, eyes, err := g.login(ctx, d)
	if err != nil {
		return nil, err
	}
	for n, eye := range eyes {
		name, one := nameOf(d), from
		if n > 0 {
			name = fmt.Sprintf("%s-%d", name, n+1)
			one += "?source=" + url.QueryEscape(eye)
		}
		c, err := config.NewCamera(name, one)
		if err == nil {
			c.ID = d.ID
			err = g.add(c, found)
		}
		if err != nil {
			return names, err
		}
		if e := g.served.Load().byName[strings.ToLower(name)]; e != nil {
			e.device.Store(&d.ID)
		}
		names = append(names, name)
	}
	return names, nil
}

// serves says whether a device is among the cameras already.
func (g *Gateway) serves(d discovery.Device) bool {
	return slices.ContainsFunc(g.served.Load().entries, func(e *entry) bool { return e.serves(d) })
}

func (e *entry) serves(d discovery.Device) bool {
	known := e.device.Load()
	return known != nil && *known == d.ID || e.cfg.ID != "" && bareUUID(e.cfg.ID) == bareUUID(d.ID) || e.isOf(d)
}

// errNoPassword: the camera wants one, and none of those given is right.
var errNoPassword = errors.New("it wants a password, and none of [discovery] credentials is right")

// login finds out with which of the given credentials the camera answers: first with none.
// It returns the source to configure, and the video sources that the camera has.
func (g *Gateway) login(ctx context.Context, d discovery.Device) (from string, eyes []string, err error) {
	var refused error
	for _, credentials := range append([]config.Secret{{}}, g.cfg.Discovery.Credentials...) {
		user, password, _ := strings.Cut(credentials.Reveal(), ":")
		for _, service := range d.ONVIF {
			if eyes, err = g.try(ctx, service, user, password); err == nil {
				from, err = sourceOf(service, user, password)
				return from, eyes, err
			}
			if unreachable := new(onvif.UnreachableError); !errors.As(err, &unreachable) {
				break
			}
		}
		if !errors.Is(err, onvif.ErrNotAuthorized) {
			return "", nil, err
		}
		refused = err
	}
	if len(g.cfg.Discovery.Credentials) > 0 {
		return "", nil, errNoPassword
	}
	return "", nil, refused
}

// try asks a camera for its profiles, with one user and password, and returns its video
// sources.
func (g *Gateway) try(ctx context.Context, service, user, password string) (eyes []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	client, err := onvif.New(onvif.Options{Address: service, User: user, Password: password, DigestOnly: true, Log: g.log})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	profiles, err := client.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		if !slices.Contains(eyes, p.VideoSource) {
			eyes = append(eyes, p.VideoSource)
		}
	}
	if len(eyes) == 0 {
		return nil, errors.New("it has no profile with a video encoder")
	}
	return eyes, nil
}

// sourceOf writes an ONVIF address as a configuration has it.
func sourceOf(service, user, password string) (string, error) {
	u, err := url.Parse(service)
	if err != nil {
		return "", err
	}
	u.Scheme = map[string]string{"http": "onvif", "https": "onvifs"}[u.Scheme]
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String(), nil
}

// nameOf is a readable name that stays the same: what the camera is called, and the end of
// what tells it from all others.
func nameOf(d discovery.Device) string {
	base := d.Name
	for _, better := range []string{d.Model, d.Maker, "camera"} {
		if readable(base) == "" {
			base = better
		}
	}
	base = readable(base)
	if len(base) > 40 {
		base = strings.TrimRight(base[:40], "-._")
	}
	return base + "-" + tail(d)
}

// tail is the end of a MAC address, serial number, or UUID, or else the address.
func tail(d discovery.Device) string {
	for _, one := range []string{d.MAC, d.Serial, bareUUID(d.ID)} {
		plain := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, strings.ToLower(one))
		if len(plain) >= 6 {
			return plain[len(plain)-6:]
		}
	}
	return readable(d.Address.String())
}

// readable is s as a camera's name may be.
func readable(s string) string {
	if addr, err := netip.ParseAddr(s); err == nil {
		return strings.NewReplacer(":", "-", "%", "-").Replace(addr.Unmap().String())
	}
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
