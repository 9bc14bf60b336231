package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"camgate/camsim"
	"camgate/camsim/device"
)

// onvifOptions are the flags of the ONVIF front.
type onvifOptions struct {
	Onvif       bool          `name:"onvif" help:"Each camera gets a sub stream and an ONVIF front with both, with PTZ, events and snapshots, found by WS-Discovery and SSDP. With --auth it wants the password too."`
	OnvifListen string        `name:"onvif-listen" default:"127.0.0.1:8000" help:"HTTP address of the first; the others count up. Port 0: free ones."`
	SubSize     string        `name:"sub-size" default:"320x240" help:"Of the sub stream's pictures."`
	Interface   []string      `default:"lo" help:"Where they are found; may be repeated."`
	Discovery   bool          `default:"true" negatable:"" help:"Whether they are found at all."`
	WSPort      int           `name:"ws-port" default:"3702" help:"Of WS-Discovery."`
	SSDPPort    int           `name:"ssdp-port" default:"1900" help:"Of SSDP."`
	Quirk       []string      `help:"How they differ from the standards, see --list-quirks; may be repeated."`
	ListQuirks  bool          `name:"list-quirks" help:"Say which quirks there are, and end."`
	ClockSkew   time.Duration `name:"clock-skew" default:"0s" help:"Their clocks minus ours, such as -3h12m."`
	Motion      time.Duration `default:"0s" help:"Their motion detectors turn on and off, each for so long; 0: they see nothing."`
	Flood       string        `enum:",junk,devices,large,deep,elsewhere" default:"" help:"Send that to who looks for cameras: junk, devices (that are not there), large, deep, elsewhere (addresses that are)."`
	FloodRate   int           `name:"flood-rate" default:"1000" help:"Datagrams a second, with --flood."`
}

// A pair is the streams of one device.
type pair struct{ main, sub *camsim.Camera }

func listQuirks() {
	for _, q := range device.Quirks() {
		fmt.Printf("%3d  %-24s %s\n", q.Number, q.Name, q.Does)
	}
}

// fronts are the devices, and where they are found.
type fronts struct {
	network *device.Network // nil: nowhere
	devices []*device.Device
}

func (f *fronts) close() {
	for _, d := range f.devices {
		d.Close()
	}
	if f.network != nil {
		f.network.Close()
	}
}

// startFronts starts a device for each pair. What it returns is to be closed in any case.
func (o options) startFronts(ctx context.Context, pairs []pair) (*fronts, error) {
	f := &fronts{}
	template := device.Options{PTZ: true, ClockSkew: o.ClockSkew, WSDiscovery: o.Discovery, SSDP: o.Discovery}
	if o.Auth != "none" {
		template.User, template.Password = o.User, o.Password
	}
	for _, q := range o.Quirk {
		template.Quirks = append(template.Quirks, device.Quirk(q))
	}
	if o.Discovery {
		network, err := device.NewNetwork(ctx, device.NetworkOptions{Interfaces: o.Interface, WSPort: o.WSPort, SSDPPort: o.SSDPPort})
		if err != nil {
			return f, err
		}
		f.network, template.Network = network, network
	}
	for n, p := range pairs {
		d := template
		d.Name = p.main.Name()
		d.Profiles = []device.Profile{{Camera: p.main}, {Camera: p.sub}}
		var err error
		if d.Listen, err = countUp(o.OnvifListen, n, true); err != nil {
			return f, fmt.Errorf("--onvif-listen: %w", err)
		}
		started, err := device.Start(ctx, d)
		if err != nil {
			return f, err
		}
		f.devices = append(f.devices, started)
	}
	return f, nil
}

// play runs what goes on by itself, until ctx ends.
func (o options) play(ctx context.Context, f *fronts) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	if o.Motion > 0 {
		tasks.Go(func() { o.move(ctx, f.devices) })
	}
	if o.Flood == "" || f.network == nil {
		<-ctx.Done()
		return nil
	}
	if err := f.network.Flood(ctx, o.FloodRate, device.FloodKinds[o.Flood]); ctx.Err() == nil {
		return fmt.Errorf("--flood: %w", err)
	}
	return nil
}

// move turns the motion detectors on and off until ctx ends.
func (o options) move(ctx context.Context, devices []*device.Device) {
	tick := time.NewTicker(o.Motion)
	defer tick.Stop()
	for on := true; ; on = !on {
		for _, d := range devices {
			d.Motion(on)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
