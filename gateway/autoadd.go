package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"camgate/config"
	"camgate/discovery"
	"camgate/onvif"
)

const (
	// tryAgainAfter is how long a device is left alone that could not be added.
	tryAgainAfter = time.Hour

	// trySoonAfter is how long it is at first where no password was tried: a camera announces
	// itself while it starts, before it answers.
	trySoonAfter = time.Minute

	// tryTimeout bounds one try of one password, loginTimeout all at one device.
	tryTimeout   = 20 * time.Second
	loginTimeout = 40 * time.Second

	// triesAtOnce is how many devices are asked at the same time: one that answers none of
	// its questions does not keep the others from being served.
	triesAtOnce = 8

	// considerEvery is the least distance of two looks at all devices: somebody may announce
	// a thousand a second.
	considerEvery = 500 * time.Millisecond

	maxEyes  = 64   // cameras that one device becomes
	maxFound = 1000 // cameras that auto_add serves
)

// forever is how long a camera stays removed that somebody removed.
const forever = 100 * 365 * 24 * time.Hour

// autoAdd searches now and then, and serves what is found, until ctx ends.
func (g *Gateway) autoAdd(ctx context.Context) {
	var searching sync.WaitGroup
	defer searching.Wait()
	searching.Go(func() { g.searchForever(ctx) })
	again := time.NewTicker(trySoonAfter) // those whose time is over
	defer again.Stop()
	for {
		select {
		case <-g.newest:
		case <-again.C:
			g.giveWay(ctx)
		case <-ctx.Done():
			return
		}
		g.considerAll(ctx)
		sleep(ctx, considerEvery)
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (g *Gateway) searchForever(ctx context.Context) {
	for ctx.Err() == nil {
		if err := g.finder.Search(ctx, searchWait); err != nil && ctx.Err() == nil {
			g.log.Warn("the network cannot be searched for cameras", "why", err)
		}
		sleep(ctx, g.discovery.Interval)
	}
}

// giveWay ends the cameras that were found and turn out to be the configuration's, as Reload
// does. That is not always known at once: after a power cut the cameras may be there before
// whoever knows their names is.
func (g *Gateway) giveWay(ctx context.Context) {
	isFound := func(e *entry) bool { return e.origin == found }
	if !slices.ContainsFunc(g.served.Load().entries, isFound) {
		return
	}
	lookUp(ctx, g.served.Load().entries)
	g.changing.Lock()
	defer g.changing.Unlock()
	entries, devices := g.served.Load().entries, g.finder.Devices()
	var keep, gone []*entry
	for _, e := range entries {
		if isFound(e) && e.configuredToo(entries, devices) {
			g.log.Info("a camera that was found is one of the configuration's, and is served as that alone", "camera", e.cfg.Name)
			gone = append(gone, e)
		} else {
			keep = append(keep, e)
		}
	}
	if len(gone) > 0 {
		g.publish(keep)
		finish(gone)
	}
}

// considerAll looks at all devices that are known, a few at a time, and returns when it has.
func (g *Gateway) considerAll(ctx context.Context) {
	turns := make(chan struct{}, triesAtOnce)
	var all sync.WaitGroup
	defer all.Wait()
	for _, d := range g.finder.Devices() {
		if !g.isNew(d) {
			continue
		}
		lookUp(ctx, g.served.Load().entries)
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if !g.isNew(d) { // it is a camera's by its name, or another of the same address was tried meanwhile
			<-turns
			continue
		}
		all.Go(func() {
			defer func() { <-turns }()
			g.consider(ctx, d)
		})
	}
}

// isNew says whether a device is to be served and is not.
func (g *Gateway) isNew(d discovery.Device) bool {
	now := time.Now()
	left := slices.ContainsFunc(identities(d), func(id string) bool { return g.tries.wait(now, id) })
	return !left && len(g.untried(d)) > 0 && !g.serves(d)
}

// identities is all that a device is called, as tries has it. After a while of silence it is
// found anew, and then perhaps by another of its names first. A MAC address is the name of
// all that a recorder shows for its channels.
func identities(d discovery.Device) []string {
	ids := []string{bareUUID(d.ID)}
	for _, alias := range d.Aliases {
		if !strings.HasPrefix(alias, "mac:") {
			ids = append(ids, bareUUID(alias))
		}
	}
	return ids
}

// untried are the device's addresses at which no password was tried for an hour, and nothing
// else for a minute. Else somebody who calls himself anew each time, and names the address of another camera, would have all
// passwords tried there until it locks the account.
func (g *Gateway) untried(d discovery.Device) (services []string) {
	for _, service := range d.ONVIF {
		if host, _ := hostPortOf(service); host != "" && !g.tries.wait(time.Now(), host) {
			services = append(services, service)
		}
	}
	return services
}

// consider serves a device that is not served yet.
func (g *Gateway) consider(ctx context.Context, d discovery.Device) {
	id := bareUUID(d.ID)
	names, err := g.addFound(ctx, d)
	switch {
	case ctx.Err() != nil, errors.Is(err, ErrServed):
	case errors.As(err, new(notReady)):
		wait := g.tries.soon(time.Now(), id)
		g.log.Warn("a camera was found and not added yet", "next try in", wait, "address", d.Address, "model", d.Model, "why", err)
	case err != nil:
		g.tries.later(time.Now(), tryAgainAfter, id)
		g.log.Warn("a camera was found and not added; the next try is in an hour", "address", d.Address, "model", d.Model, "why", err)
	default:
		g.tries.later(time.Now(), tryAgainAfter, id)
		g.log.Info("a camera was found and added", "camera", strings.Join(names, ", "), "address", d.Address, "maker", d.Maker, "model", d.Model)
	}
}

// addFound serves a device with the credentials of the configuration.
func (g *Gateway) addFound(ctx context.Context, d discovery.Device) (names []string, err error) {
	from, eyes, err := g.login(ctx, d)
	if err != nil {
		return nil, err
	}
	served := 0
	for _, e := range g.served.Load().entries {
		if e.origin == found {
			served++
		}
	}
	if served+len(eyes) > maxFound {
		return nil, fmt.Errorf("%d cameras are served already that were found, and %d is the most", served, maxFound)
	}
	return g.addAll(d, "", from, eyes, found)
}

// addAll serves a device: as one camera for each of its video sources, because each shows
// something else. Where name is "" readable ones are made.
func (g *Gateway) addAll(d discovery.Device, name, from string, eyes []string, why origin) ([]string, error) {
	g.naming.Lock()
	defer g.naming.Unlock()
	// While it was asked, somebody else may have added it, or it has told another of its
	// identities: the one that a camera which was there before is known by.
	d = g.asOfNow(d)
	if err := g.taken(d, why); err != nil {
		return nil, err
	}
	names := numbered(name, len(eyes))
	if name == "" {
		names = g.namesFor(d, len(eyes))
	}
	var cameras []config.Camera
	for n, eye := range eyes {
		one := from
		if n > 0 {
			u, err := url.Parse(from)
			if err != nil {
				return nil, errors.New("its address cannot be read")
			}
			query := u.Query()
			query.Set("source", eye)
			u.RawQuery = query.Encode()
			one = u.String()
		}
		c, err := config.NewCamera(names[n], one)
		if err != nil {
			return nil, err
		}
		if !g.free(names[n : n+1]) { // else some of its cameras would be missing, and nobody told
			return nil, fmt.Errorf("camera %q: %w", c.Name, ErrExists)
		}
		c.ID = d.ID
		cameras = append(cameras, c)
	}
	for n, c := range cameras {
		if err := g.add(c, why, &d.ID); err != nil {
			return names[:n], err
		}
	}
	return names, nil
}

// asOfNow is a device with all that has been learned of it meanwhile.
func (g *Gateway) asOfNow(d discovery.Device) discovery.Device {
	if now, known := g.device(d.ID); known {
		return now
	}
	for _, now := range g.finder.Devices() {
		if isCalled(now, d.ID) {
			return now
		}
	}
	return d
}

// serves says whether a device is among the cameras already.
func (g *Gateway) serves(d discovery.Device) bool {
	return slices.ContainsFunc(g.served.Load().entries, func(e *entry) bool { return e.serves(d) })
}

// notReady is why a device could not even be asked without a password. That may pass, and
// locks no account.
type notReady struct{ error }

func (n notReady) Unwrap() error { return n.error }

// errNoPassword: the camera wants one, and none of those given is right.
var errNoPassword = errors.New("it wants a password, and none of [discovery] credentials is right")

// login finds out with which of the given credentials the camera answers: first with none.
// It returns the source to configure, and the video sources that the camera has.
func (g *Gateway) login(ctx context.Context, d discovery.Device) (from string, eyes []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	services := g.untried(d)
	var refused error
	for _, credentials := range append([]config.Secret{{}}, g.discovery.Credentials...) {
		user, password, _ := strings.Cut(credentials.Reveal(), ":")
		from, eyes, err = g.loginAs(ctx, services, user, password)
		if err != nil && refused == nil && !errors.Is(err, onvif.ErrNotAuthorized) {
			return "", nil, notReady{err}
		}
		if err == nil || !errors.Is(err, onvif.ErrNotAuthorized) || errors.Is(err, onvif.ErrLocked) {
			return from, eyes, err
		}
		refused = err
	}
	if len(g.discovery.Credentials) > 0 {
		return "", nil, errNoPassword
	}
	return "", nil, refused
}

// loginAs tries one user and password at a device's addresses, until one answers.
func (g *Gateway) loginAs(ctx context.Context, services []string, user, password string) (from string, eyes []string, err error) {
	err = errors.New("it tells no ONVIF address")
	for _, service := range services {
		host, _ := hostPortOf(service)
		wait := tryAgainAfter
		if user == "" && password == "" {
			wait = trySoonAfter
		}
		g.tries.later(time.Now(), wait, host)
		if eyes, err = g.try(ctx, service, user, password); err == nil {
			from, err = sourceOf(service, user, password)
			return from, eyes, err
		}
		if unreachable := new(onvif.UnreachableError); !errors.As(err, &unreachable) {
			break
		}
	}
	return "", nil, err
}

// try asks a camera for its profiles, and where the first one's stream is, with one user and
// password, and returns its video sources. Who answers may be anybody: he gets no password
// that can be read.
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
	if eyes = eyesOf(profiles); len(eyes) == 0 {
		return nil, errors.New("it has no profile with a video encoder")
	}
	// Some tell their profiles to everybody.
	uri, err := client.StreamURI(ctx, profiles[0])
	if errors.Is(err, onvif.ErrNotAuthorized) {
		return nil, err
	}
	if from, failed := sourceOf(service, user, password); err == nil && failed == nil {
		err = mayStream(ctx, uri, from, g.log)
	}
	if errors.Is(err, onvif.ErrNotAuthorized) {
		return nil, err
	}
	return eyes, nil
}

// eyesOf are the video sources of profiles, each once, those first that are first there.
func eyesOf(profiles []onvif.Profile) (eyes []string) {
	for n, p := range profiles {
		// A profile without one is taken for the first camera's.
		if n > 0 && p.VideoSource == "" || slices.Contains(eyes, p.VideoSource) || len(eyes) == maxEyes {
			continue
		}
		eyes = append(eyes, p.VideoSource)
	}
	return eyes
}

// sourceOf writes an ONVIF address as a configuration has it. What a device announces names
// no variable of the environment.
func sourceOf(service, user, password string) (string, error) {
	u, err := url.Parse(service)
	if err != nil {
		return "", errors.New("its address cannot be read")
	}
	u.Scheme = map[string]string{"http": "onvif", "https": "onvifs"}[u.Scheme]
	if user != "" || password != "" {
		u.User = url.UserPassword(user, password)
	}
	return strings.ReplaceAll(u.String(), "${", "%24{"), nil
}
