package camera

import (
	"context"
	"errors"
	"net/url"

	"camgate/onvif"
)

// locate looks at which port the camera's ONVIF service is, where the configuration names
// none and the usual one has just failed. It returns whether it was found at another.
func (d *device) locate(ctx context.Context, failed error) bool {
	var unreachable *onvif.UnreachableError
	if !errors.As(failed, &unreachable) && !errors.Is(failed, onvif.ErrNotONVIF) && !errors.Is(failed, onvif.ErrMalformed) {
		return false
	}
	d.mu.Lock()
	known := d.located || d.away()
	d.mu.Unlock()
	if known {
		return false
	}
	service, _, _ := d.cfg.Address.Service()
	found, err := onvif.Locate(ctx, onvif.Options{Address: service, TLSFingerprint: d.cfg.Source.TLSFingerprint, TLSInsecure: d.cfg.Source.TLSInsecure, Log: d.log})
	if err != nil {
		d.log.Debug("no usual port is ONVIF's", "why", err)
		return false
	}
	u, err := url.Parse(found)
	if err != nil {
		return false
	}
	d.log.Info("its ONVIF service is at another port than usual", "at", u.Host)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.base, d.located = u.Host, true
	d.goTo(d.base)
	return true
}

// portKnown says whether it is worth while to wait for the one port to open.
func (d *device) portKnown() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.located || d.away()
}
