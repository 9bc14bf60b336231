package console

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"camgate/discovery"
)

// defaultSearch is how long a search takes where nobody says.
const defaultSearch = 5 * time.Second

// runDiscover looks for cameras and lists them.
func runDiscover(ctx context.Context, r *request) error {
	wait := defaultSearch
	if len(r.args) > 0 {
		seconds, err := strconv.ParseFloat(strings.TrimSuffix(r.args[0], "s"), 64)
		if err != nil || !(seconds >= 0.1 && seconds <= 300) {
			return usagef("discover: %q are no seconds; 0.1 to 300 are allowed", r.args[0])
		}
		wait = time.Duration(seconds * float64(time.Second))
	}
	err := r.search(ctx, wait)
	if err != nil && ctx.Err() == nil {
		return err
	}
	return errors.Join(r.showDevices(), err)
}

// search asks the network and shows how far it is. It returns when the search has ended.
func (r *request) search(ctx context.Context, wait time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- r.gateway.Search(ctx, wait) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(wait); ; {
		left := max(0, time.Until(end))
		r.working("searching: %d s left, %d found so far (Ctrl-C ends it)", int(left.Seconds()+0.99), len(r.gateway.Devices()))
		select {
		case err := <-ended:
			r.working("")
			return err
		case <-tick.C:
		}
	}
}

// showDevices lists what was found until now.
func (r *request) showDevices() error {
	devices := r.gateway.Devices()
	if r.json {
		if devices == nil {
			devices = []discovery.Device{} // a list, also an empty one
		}
		return writeJSON(r.out, devices)
	}
	if len(devices) == 0 {
		r.printf("no cameras found; cameras on other networks can be asked by address: probe onvif://ADDRESS\n")
		return nil
	}
	t := &table{columns: []column{{head: "ADDRESS", whole: true}, {head: "MAKER"}, {head: "MODEL"}, {head: "NAME"}, {head: "ONVIF", whole: true}, {head: "FOUND BY"}}}
	for _, d := range devices {
		t.add(d.Address.String(), d.Maker, d.Model, d.Name, maskAddress(service(d)), strings.Join(d.Via, ", "))
	}
	if err := r.show(t); err != nil {
		return err
	}
	for _, d := range devices {
		for _, w := range d.Warnings {
			r.printf("%s\n", r.in(yellow, d.Address.String()+": "+w))
		}
	}
	return nil
}

// service is the best address of a device's ONVIF service, or of what else it has.
func service(d discovery.Device) string {
	if len(d.ONVIF) > 0 {
		return d.ONVIF[0]
	}
	return d.Page
}

// addresses are the values of a command whose argument at an index is a camera that was
// found, or one that is served.
func addresses(at int) func(Gateway, []string) []candidate {
	return func(g Gateway, args []string) []candidate {
		if len(args) > at {
			return nil
		}
		var all []candidate
		if at == 0 {
			all = cameraNames(g, args)
		}
		for _, d := range g.Devices() {
			if !d.Address.IsValid() || len(d.ONVIF) == 0 {
				continue
			}
			about := strings.TrimSpace(d.Maker + " " + d.Model + " " + d.Name)
			all = append(all, candidate{sourceOf(d), about})
		}
		return slices.Clip(all)
	}
}

// sourceOf is the address of a device as in the configuration.
func sourceOf(d discovery.Device) string {
	s := d.ONVIF[0]
	if rest, ok := strings.CutPrefix(s, "https://"); ok {
		return "onvifs://" + strings.TrimSuffix(rest, "/onvif/device_service")
	}
	rest := strings.TrimPrefix(s, "http://")
	return "onvif://" + strings.TrimSuffix(rest, "/onvif/device_service")
}
