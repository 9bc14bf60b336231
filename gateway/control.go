package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"camgate/camera"
	"camgate/config"
	"camgate/discovery"
	"camgate/media"
	"camgate/onvif"
)

// addTimeout bounds what a camera is asked before it is added.
const addTimeout = 20 * time.Second

// ErrNoDevice: none of that ID was found.
var ErrNoDevice = errors.New("no such device was found on the network")

// AddDevice serves a device that was found, under a name, or a readable one where that is
// "". The camera is asked first whether it takes user and password; both are "" for none.
func (g *Gateway) AddDevice(ctx context.Context, id, name, user, password string) (string, error) {
	d, found := g.device(id)
	if !found {
		return "", fmt.Errorf("%w: %q", ErrNoDevice, id)
	}
	if len(d.ONVIF) == 0 {
		return "", fmt.Errorf("the device at %s does not tell an ONVIF address: add it by the address of its stream, rtsp://…", d.Address)
	}
	ctx, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	var err error
	for _, service := range d.ONVIF {
		if _, err = g.try(ctx, service, user, password); err == nil {
			from, err := sourceOf(service, user, password)
			if err != nil {
				return "", err
			}
			return g.addFound(d, name, from)
		}
		if unreachable := new(onvif.UnreachableError); !errors.As(err, &unreachable) {
			break
		}
	}
	return "", err
}

func (g *Gateway) addFound(d discovery.Device, name, from string) (string, error) {
	if name == "" {
		name = nameOf(d)
	}
	c, err := config.NewCamera(name, from)
	if err != nil {
		return "", err
	}
	c.ID = d.ID
	if err := g.add(c, added); err != nil {
		return "", err
	}
	if e := g.served.Load().byName[strings.ToLower(name)]; e != nil {
		e.device.Store(&d.ID)
	}
	return name, nil
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
