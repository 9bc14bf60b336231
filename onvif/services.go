package onvif

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync"

	"github.com/use-go/onvif/device"
)

// serviceState is what a client remembers of the camera's services.
type serviceState struct {
	mu   sync.Mutex
	urls map[string]*url.URL // by namespace; nil: not asked yet
	// here are services that did not answer where the camera said, but at the port where the
	// camera itself was reached (a router's forwarded port).
	here map[string]*url.URL
}

func (s *serviceState) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urls, s.here = nil, nil
}

type servicesReply struct {
	Service []struct {
		Namespace text
		XAddr     text
	}
}

type addressReply struct{ XAddr text }

type capabilitiesReply struct {
	Capabilities struct {
		Device, Media, Events, PTZ, Imaging, Analytics addressReply
		Extension                                      struct {
			DeviceIO, Recording, Search, Replay addressReply
			Media2                              addressReply // not in the standard; some write it
		}
	}
}

const maxServices = 64

func (r *servicesReply) addresses() map[string]string {
	found := map[string]string{}
	for _, s := range r.Service {
		namespace := strings.TrimSuffix(printable(string(s.Namespace), 200), "/")
		if namespace != "" && s.XAddr != "" && found[namespace] == "" && len(found) < maxServices {
			found[namespace] = string(s.XAddr)
		}
	}
	return found
}

func (r *capabilitiesReply) addresses() map[string]string {
	x, more := &r.Capabilities, &r.Capabilities.Extension
	found := map[string]string{
		nsDevice: string(x.Device.XAddr), nsMedia: string(x.Media.XAddr), nsEvents: string(x.Events.XAddr),
		nsPTZ: string(x.PTZ.XAddr), nsImaging: string(x.Imaging.XAddr), nsAnalytics: string(x.Analytics.XAddr),
		nsDeviceIO: string(more.DeviceIO.XAddr), nsRecording: string(more.Recording.XAddr),
		nsSearch: string(more.Search.XAddr), nsReplay: string(more.Replay.XAddr), nsMedia2: string(more.Media2.XAddr),
	}
	maps.DeleteFunc(found, func(_, address string) bool { return address == "" })
	return found
}

// Services are the camera's services, namespace → address. Addresses are mended: host as
// reached, port and path as named. The answer is kept.
func (c *Client) Services(ctx context.Context) (map[string]string, error) {
	urls, err := c.serviceURLs(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]string, len(urls))
	for namespace, u := range urls {
		found[namespace] = u.String()
	}
	return found, nil
}

func (c *Client) serviceURLs(ctx context.Context) (map[string]*url.URL, error) {
	c.services.mu.Lock()
	known := c.services.urls
	c.services.mu.Unlock()
	if known != nil {
		return known, nil
	}
	addresses, err := c.askServices(ctx)
	if err != nil {
		return nil, err
	}
	urls := map[string]*url.URL{}
	for namespace, raw := range addresses {
		if u, err := c.mendService(raw); err != nil {
			c.note(fmt.Sprintf("its address for %s cannot be read and is not used", shortName(namespace)))
		} else {
			urls[namespace] = u
		}
	}
	urls[nsDevice] = c.base // where it answers
	c.services.mu.Lock()
	defer c.services.mu.Unlock()
	c.services.urls = urls
	return urls, nil
}

// askServices merges both ways to ask: GetServices alone names Media2, GetCapabilities alone
// is known to old cameras, and some leave out of one what is in the other.
func (c *Client) askServices(ctx context.Context) (map[string]string, error) {
	var services servicesReply
	err := c.call(ctx, &request{
		operation: "GetServices", action: nsDevice + "/GetServices", url: c.base,
		body: device.GetServices{IncludeCapability: false}, reply: &services, open: true,
	})
	if err != nil && !asksOtherwise(err) {
		return nil, err
	}
	found := services.addresses()
	if err == nil && found[nsMedia] != "" && found[nsEvents] != "" && found[nsPTZ] != "" {
		return found, nil
	}
	var capabilities capabilitiesReply
	second := c.call(ctx, &request{
		operation: "GetCapabilities", action: nsDevice + "/GetCapabilities", url: c.base,
		body: device.GetCapabilities{Category: "All"}, reply: &capabilities, open: true,
	})
	if second != nil && err != nil {
		return nil, err
	}
	if err != nil {
		c.note("it does not know GetServices; GetCapabilities is asked instead, which cannot name Media2")
	}
	for namespace, address := range capabilities.addresses() {
		if found[namespace] == "" {
			found[namespace] = address
		}
	}
	return found, nil
}

// asksOtherwise tells whether an error is the answer to one question, so that it makes
// sense to ask another one.
func asksOtherwise(err error) bool {
	if errors.Is(err, ErrNotAuthorized) {
		return false
	}
	var fault *Fault
	return errors.As(err, &fault) || errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooLarge)
}

// mendService picks one of the addresses that a camera names for a service, and mends it.
func (c *Client) mendService(raw string) (*url.URL, error) {
	var chosen *announced
	best := -1
	for i, item := range strings.Fields(raw) {
		if i == 16 {
			break
		}
		if strings.HasPrefix(item, "/") {
			item = c.base.Scheme + "://" + c.base.Host + item
		}
		a, err := takeApart(item)
		if err != nil || a.scheme != "http" && a.scheme != "https" {
			continue
		}
		score := 0
		if a.scheme == c.base.Scheme {
			score += 2
		}
		if zoneless(a.host) == zoneless(c.base.Hostname()) {
			score++
		}
		if score > best {
			best, chosen = score, &a
		}
	}
	if chosen == nil {
		return nil, ErrMalformed
	}
	c.noteHost(chosen.host)
	if chosen.scheme != c.base.Scheme {
		// http where https was reached would tell others what https hides; https where only http
		// was asked for may have any certificate.
		c.note("it names " + chosen.scheme + " addresses where it was reached over " + c.base.Scheme + ": " + c.base.Scheme + " is used")
		chosen.scheme, chosen.port = c.base.Scheme, c.base.Port()
	}
	return url.Parse(chosen.at(c.base.Hostname()))
}

func shortName(namespace string) string {
	for name, n := range map[string]string{"media": nsMedia, "media2": nsMedia2, "PTZ": nsPTZ, "events": nsEvents, "device": nsDevice} {
		if n == namespace {
			return name
		}
	}
	return printable(namespace, 80)
}

// callService does an operation of another service than device. Where the service does not
// answer at the port that the camera names, the port where the camera was reached is tried:
// behind a router that forwards ports only that one works.
func (c *Client) callService(ctx context.Context, namespace string, r *request) error {
	urls, err := c.serviceURLs(ctx)
	if err != nil {
		return err
	}
	named := urls[namespace]
	if named == nil {
		return c.explain(r.operation, fmt.Errorf("%w: it has no %s service", ErrNotSupported, shortName(namespace)))
	}
	c.services.mu.Lock()
	r.url = c.services.here[namespace]
	c.services.mu.Unlock()
	if r.url != nil {
		return c.call(ctx, r)
	}
	r.url = named
	err = c.call(ctx, r)
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || named.Host == c.base.Host || ctx.Err() != nil {
		return err
	}
	here := *named
	here.Scheme, here.Host = c.base.Scheme, c.base.Host
	r.url = &here
	if second := c.call(ctx, r); errors.As(second, &unreachable) || errors.Is(second, ErrNotONVIF) {
		return err
	} else {
		err = second
	}
	c.note(fmt.Sprintf("its %s service does not answer at %s: %s is used", shortName(namespace), named.Host, c.base.Host))
	c.services.mu.Lock()
	defer c.services.mu.Unlock()
	if c.services.here == nil {
		c.services.here = map[string]*url.URL{}
	}
	c.services.here[namespace] = &here
	return err
}

// has tells whether the camera has a service; false as well where it cannot be asked.
func (c *Client) has(ctx context.Context, namespace string) bool {
	urls, err := c.serviceURLs(ctx)
	return err == nil && urls[namespace] != nil
}
