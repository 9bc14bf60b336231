package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"camgate/camera"
	"camgate/discovery"
	"camgate/media"
	"camgate/onvif"
)

// addTimeout bounds what a camera is asked before it is added.
const addTimeout = 20 * time.Second

// ErrNoDevice: none of that ID was found.
var ErrNoDevice = errors.New("no such device was found on the network")

// ErrServed: the device is served already, because it was found.
var ErrServed = errors.New("this device is served already")

// AddDevice serves a device that was found, under a name, or a readable one where that is
// "", and returns the name of the first of its cameras. The device is asked first whether it
// takes user and password; both are "" for none.
func (g *Gateway) AddDevice(ctx context.Context, id, name, user, password string) (string, error) {
	d, known := g.device(id)
	if !known {
		return "", fmt.Errorf("%w: %q", ErrNoDevice, id)
	}
	if len(d.ONVIF) == 0 {
		return "", fmt.Errorf("the device at %s does not tell an ONVIF address: add it by the address of its stream, rtsp://…", d.Address)
	}
	if err := g.taken(d, added); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	from, eyes, err := g.guess(ctx, d, user, password)
	if err != nil {
		return "", err
	}
	names, err := g.addAll(d, name, from, eyes, added)
	if len(names) > 0 {
		return names[0], nil
	}
	return "", err
}

// taken is ErrServed where a device is not to be served once more: at all, if it was found;
// besides a camera of the configuration, if somebody wants it.
func (g *Gateway) taken(d discovery.Device, why origin) error {
	for _, e := range g.served.Load().entries {
		by := e.device.Load()
		if why == found && e.serves(d) || e.origin != configured && by != nil && isCalled(d, *by) {
			return fmt.Errorf("%w, as %q", ErrServed, e.cfg.Name)
		}
	}
	return nil
}

// guess is loginAs for somebody who may have mistyped the password, or does not know it.
func (g *Gateway) guess(ctx context.Context, d discovery.Device, user, password string) (from string, eyes []string, err error) {
	host, _ := hostPortOf(d.ONVIF[0])
	if wait := g.guesses.take(time.Now(), host); wait > 0 {
		return "", nil, fmt.Errorf("%d passwords were tried at %s: the next try is in %s, so that the camera does not lock the account: %w",
			maxGuesses, host, wait.Round(time.Second), onvif.ErrNotAuthorized)
	}
	from, eyes, err = g.loginAs(ctx, d.ONVIF, user, password)
	if err == nil || user == "" && password == "" || !errors.Is(err, onvif.ErrNotAuthorized) {
		g.guesses.giveBack(host)
	}
	return from, eyes, err
}

func (g *Gateway) device(id string) (discovery.Device, bool) {
	for _, d := range g.finder.Devices() {
		if d.ID == id {
			return d, true
		}
	}
	return discovery.Device{}, false
}

// ServedAs are the names of the cameras by which a device is served.
func (g *Gateway) ServedAs(d discovery.Device) []string {
	names := []string{}
	for _, e := range g.served.Load().entries {
		if e.serves(d) {
			names = append(names, e.cfg.Name)
		}
	}
	return names
}

// Snapshot is a live picture of a camera, as soon as there is one. The error is ctx's, or
// says why there is none.
func (g *Gateway) Snapshot(ctx context.Context, name string) (*media.Picture, error) {
	c := g.Camera(name)
	if c == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoCamera, name)
	}
	v, err := c.WatchStill(media.Rendition{})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	v.Describe("console", "snapshot")
	for {
		p, err := v.Next(ctx)
		if err != nil {
			if why := c.Status().LastError; why != "" && !errors.Is(err, camera.ErrClosed) {
				return nil, errors.New(why)
			}
			return nil, err
		}
		if p.State == media.Live {
			return p, nil
		}
	}
}

// Reconnect makes every camera connect anew.
func (g *Gateway) Reconnect() {
	for _, c := range g.Cameras() {
		c.Reconnect()
	}
}
