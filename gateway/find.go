package gateway

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"camgate/camera"
	"camgate/discovery"
)

const (
	// searchWait is how long answers to a search of the gateway's own are awaited.
	searchWait = 5 * time.Second

	// missedEvery is how often the network is asked for cameras that do not answer.
	missedEvery = 30 * time.Second

	// lookUpTimeout bounds the look-up of the cameras' names, which lookUpEvery is the least
	// distance of.
	lookUpTimeout = 2 * time.Second
	lookUpEvery   = time.Minute
)

// Devices are the cameras that were found on the network, by address.
func (g *Gateway) Devices() []discovery.Device { return g.finder.Devices() }

// FinderStats counts what the network sent.
func (g *Gateway) FinderStats() discovery.Stats { return g.finder.Stats() }

// Search asks the network once, and returns after wait. The error is ctx's, or says why
// there is no searching.
func (g *Gateway) Search(ctx context.Context, wait time.Duration) error {
	return g.finder.Search(ctx, wait)
}

// find hears announcements until ctx ends.
func (g *Gateway) find(ctx context.Context) {
	if err := g.finder.Run(ctx); err != nil && ctx.Err() == nil {
		g.log.Warn("cameras that announce themselves are not heard", "why", err)
	}
}

// searchWhenMissed asks the network when a camera is missed, but not often.
func (g *Gateway) searchWhenMissed(ctx context.Context) {
	for {
		select {
		case <-g.search:
		case <-ctx.Done():
			return
		}
		if err := g.finder.Search(ctx, searchWait); err != nil && ctx.Err() == nil {
			g.log.Info("a camera that does not answer cannot be searched for", "why", err)
		}
		sleep(ctx, missedEvery)
	}
}

// seen is called for each device that is new or changed.
func (g *Gateway) seen(d discovery.Device) {
	for _, e := range g.served.Load().entries {
		e.recognise(d)
	}
	signal(g.newest)
}

// recognise notes that the device is the camera, by which it is found again where it moves:
// it answered from the configured address. Others may name that address.
func (e *entry) recognise(d discovery.Device) {
	own, err := netip.ParseAddr(hostOf(e.address))
	if err == nil && own.Unmap() == d.Address.Unmap() && e.isOf(d) {
		e.device.CompareAndSwap(nil, &d.ID)
	}
}

// serves says whether the camera is the device, as far as is known.
func (e *entry) serves(d discovery.Device) bool {
	if known := e.device.Load(); known != nil && isCalled(d, *known) {
		return true
	}
	if id := e.cfg.ID; id != "" && (isCalled(d, id) || strings.EqualFold(id, d.Serial)) {
		return true
	}
	return e.isOf(d)
}

// isOf says whether the camera's configured address is of the device. One that is asked
// over ONVIF must have the device's port too, where it names one: several cameras may be
// behind one address.
func (e *entry) isOf(d discovery.Device) bool {
	if e.address.ONVIF() {
		_, port, _ := net.SplitHostPort(e.address.Host())
		return slices.ContainsFunc(servicesOf(d, ""), func(service string) bool {
			host, other, _ := net.SplitHostPort(service)
			addr, err := netip.ParseAddr(host)
			return err == nil && e.isAt(addr) && (other == port || !e.address.PortGiven())
		})
	}
	return e.isAt(d.Address) || slices.ContainsFunc(d.Also, e.isAt)
}

// isAt says whether the camera's configured address is addr, however it is written, as far
// as is known.
func (e *entry) isAt(addr netip.Addr) bool {
	if own, err := netip.ParseAddr(hostOf(e.address)); err == nil {
		return own.Unmap() == addr.Unmap()
	}
	at := e.named.Load()
	return at != nil && slices.Contains(at.addresses, addr.Unmap())
}

// named is where a camera's name has led to.
type named struct {
	addresses []netip.Addr
	looked    time.Time
}

// lookUp looks up those cameras that are configured by name, all at the same time and each now
// and then: auto_add would serve them once more, under another name.
func lookUp(ctx context.Context, entries []*entry) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	for _, e := range entries {
		host := hostOf(e.address)
		if _, err := netip.ParseAddr(host); err == nil {
			continue
		}
		last := e.named.Load()
		if last != nil && time.Since(last.looked) < lookUpEvery {
			continue
		}
		all.Go(func() {
			now := &named{looked: time.Now()}
			found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
			if err != nil && last != nil {
				found = last.addresses // it is hardly gone
			}
			for _, addr := range found {
				now.addresses = append(now.addresses, addr.Unmap())
			}
			e.named.Store(now)
		})
	}
}

// whereIs says at which host:port a camera is that does not answer at id.Host: where a
// device with its identity was seen. The first time it has the network searched.
func (g *Gateway) whereIs(e *entry, id camera.Identity) (string, bool) {
	signal(g.search)
	known := ""
	if device := e.device.Load(); device != nil {
		known = *device
	}
	scheme, _, _ := e.address.Service()
	scheme, _, _ = strings.Cut(scheme, ":")
	devices := g.finder.Devices()
	for _, sure := range []bool{true, false} {
		for _, d := range devices {
			if sure && !isDevice(d, id, known) || !sure && !g.hasSerial(e, d, devices, id.Serial) {
				continue
			}
			// The first is where it answered from.
			if services := servicesOf(d, scheme); len(services) > 0 && services[0] != id.Host {
				return services[0], true
			}
		}
	}
	return "", false
}

// isDevice says whether a device has a camera's endpoint reference, or is known to be it.
func isDevice(d discovery.Device, id camera.Identity, known string) bool {
	return known != "" && isCalled(d, known) || id.Endpoint != "" && isCalled(d, id.Endpoint)
}

// hasSerial says whether a device is the only one with a camera's serial number, and nobody
// else's. Makers give whole series the same one, and the wrong camera's picture is worse than
// none.
func (g *Gateway) hasSerial(e *entry, d discovery.Device, all []discovery.Device, serial string) bool {
	if serial == "" || !strings.EqualFold(d.Serial, serial) {
		return false
	}
	for _, other := range all {
		if other.ID != d.ID && strings.EqualFold(other.Serial, serial) {
			return false
		}
	}
	return !slices.ContainsFunc(g.served.Load().entries, func(other *entry) bool {
		return other.address.Host() != e.address.Host() && other.serves(d)
	})
}

// isCalled says whether an ID is the device's, or was.
func isCalled(d discovery.Device, id string) bool {
	id = bareUUID(id)
	return bareUUID(d.ID) == id || slices.ContainsFunc(d.Aliases, func(alias string) bool { return bareUUID(alias) == id })
}

// servicesOf are host:port of a device's services of a scheme, http or https, best first; ""
// is any.
func servicesOf(d discovery.Device, scheme string) []string {
	var list []string
	for _, service := range d.ONVIF {
		if host, of := hostPortOf(service); host != "" && (scheme == "" || of == scheme) {
			list = append(list, host)
		}
	}
	return list
}

// hostPortOf is host:port of a service, and its scheme; "" where it cannot be read.
func hostPortOf(service string) (host, scheme string) {
	u, err := url.Parse(service)
	if err != nil || u.Hostname() == "" {
		return "", ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), u.Scheme
}

// bareUUID is an endpoint reference or UDN without what stands before the UUID.
func bareUUID(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.TrimPrefix(strings.TrimPrefix(s, "urn:"), "uuid:")
}

// signal wakes whoever waits on a channel of one element.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
