package gateway

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"camgate/camera"
	"camgate/discovery"
)

const (
	// searchWait is how long answers to a search of the gateway's own are awaited.
	searchWait = 5 * time.Second

	// missedEvery is how often the network is asked for cameras that do not answer.
	missedEvery = 30 * time.Second
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
		timer := time.NewTimer(missedEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// seen is called for each device that is new or changed.
func (g *Gateway) seen(d discovery.Device) {
	for _, e := range g.served.Load().entries {
		if e.device.Load() == nil && e.isOf(d) {
			e.device.Store(&d.ID)
		}
	}
	select {
	case g.newest <- d:
	default: // the next search brings it again
	}
}

// isOf says whether the camera's configured address is of the device. One that is asked
// over ONVIF must have the device's port too: several cameras may be behind one address.
func (e *entry) isOf(d discovery.Device) bool {
	if e.address.ONVIF() {
		return slices.Contains(servicesOf(d), e.address.Host())
	}
	host := hostOf(e.address)
	return d.Address.String() == host || slices.ContainsFunc(d.Also, func(also netip.Addr) bool { return also.String() == host })
}

// whereIs says at which host:port a camera is that does not answer at its address: where a
// device with its identity was seen. The first time it has the network searched.
func (g *Gateway) whereIs(e *entry, id camera.Identity) (string, bool) {
	select {
	case g.search <- struct{}{}:
	default:
	}
	device := ""
	if known := e.device.Load(); known != nil {
		device = *known
	}
	for _, d := range g.finder.Devices() {
		if !isDevice(d, id, device) {
			continue
		}
		services := servicesOf(d)
		if len(services) == 0 || slices.Contains(services, id.Host) {
			continue
		}
		return services[0], true
	}
	return "", false
}

// servicesOf are host:port of a device's services, best first.
func servicesOf(d discovery.Device) []string {
	var list []string
	for _, service := range d.ONVIF {
		u, err := url.Parse(service)
		if err != nil {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		list = append(list, net.JoinHostPort(u.Hostname(), port))
	}
	return list
}

// isDevice says whether a device has a camera's endpoint reference, or its serial number,
// or is known to be it.
func isDevice(d discovery.Device, id camera.Identity, known string) bool {
	if known != "" && d.ID == known {
		return true
	}
	if id.Serial != "" && strings.EqualFold(d.Serial, id.Serial) {
		return true
	}
	if id.Endpoint == "" {
		return false
	}
	for _, alias := range append([]string{d.ID}, d.Aliases...) {
		if bareUUID(alias) == bareUUID(id.Endpoint) {
			return true
		}
	}
	return false
}

// bareUUID is an endpoint reference or UDN without what stands before the UUID.
func bareUUID(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.TrimPrefix(strings.TrimPrefix(s, "urn:"), "uuid:")
}
