package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"camgate/diagnose"
	"camgate/gateway"
)

type probeCommand struct {
	URL            string `arg:"" name:"url" help:"onvif://user:password@address, rtsp://… or http://…"`
	JSON           bool   `name:"json" help:"Machine-readable."`
	TLSFingerprint string `name:"tls-fingerprint" placeholder:"SHA256" help:"Of a certificate that nobody signed."`
}

type diagnoseCommand struct {
	Camera string `arg:"" name:"name-or-url" help:"A camera of the configuration, onvif://… or rtsp://…"`
	Config string `default:"config.toml" placeholder:"FILE" help:"The configuration, where a name is given."`
	JSON   bool   `name:"json" help:"Machine-readable."`
}

// Run asks the camera.
func (p *probeCommand) Run(ctx context.Context, c console) error {
	t, err := targetOf(p.URL)
	if err != nil {
		return err
	}
	t.Source.TLSFingerprint = p.TLSFingerprint
	return report(c, p.JSON, func(tell func(diagnose.Step)) *diagnose.Report { return diagnose.Probe(ctx, t, tell) })
}

// Run walks to a picture.
func (d *diagnoseCommand) Run(ctx context.Context, c console) error {
	t, err := d.target(c)
	if err != nil {
		return err
	}
	return report(c, d.JSON, func(tell func(diagnose.Step)) *diagnose.Report { return diagnose.Diagnose(ctx, t, tell) })
}

func (d *diagnoseCommand) target(c console) (diagnose.Target, error) {
	if strings.Contains(d.Camera, "://") {
		return targetOf(d.Camera)
	}
	cam, err := configured(d.Config, d.Camera, c)
	if err != nil {
		return diagnose.Target{}, err
	}
	address, options := cam.Configured()
	return diagnose.Target{Name: cam.Name(), Address: address, Source: options}, nil
}

// report shows the steps as they end, or all at the end as JSON. Where one fails, the
// program's status is 1.
func report(c console, asJSON bool, walk func(func(diagnose.Step)) *diagnose.Report) error {
	tell := func(s diagnose.Step) { showStep(c, s) }
	if asJSON {
		tell = nil
	}
	r := walk(tell)
	if asJSON {
		e := json.NewEncoder(c.out)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else {
		showReport(c, r)
	}
	if !r.OK {
		return errReported
	}
	return nil
}

func showStep(c console, s diagnose.Step) {
	switch {
	case s.Skipped:
		fmt.Fprintf(c.out, "  -   %s: not tried\n", s.Name)
	case s.OK:
		fmt.Fprintf(c.out, "  ok  %s: %s\n", s.Name, s.Text)
	default:
		fmt.Fprintf(c.out, "FAILS %s: %s\n", s.Name, s.Text)
		if s.Mend != "" {
			fmt.Fprintf(c.out, "      -> %s\n", s.Mend)
		}
	}
}

func showReport(c console, r *diagnose.Report) {
	for _, note := range r.Notes {
		fmt.Fprintf(c.out, "      note: %s\n", note)
	}
	if len(r.Profiles) > 0 && r.Profiles[0].Name != "" {
		fmt.Fprintln(c.out)
		for _, p := range r.Profiles {
			fmt.Fprintf(c.out, "profile %s (%s)\n  stream    %s\n", p.Name, profileText(p), p.Stream)
			if p.Snapshot != "" {
				fmt.Fprintf(c.out, "  snapshot  %s\n", p.Snapshot)
			}
		}
	}
	if r.Endpoint != "" {
		fmt.Fprintf(c.out, "\nid = %q finds it again when its address changes\n", r.Endpoint)
	}
}

func profileText(p diagnose.Profile) string {
	parts := []string{"token " + p.Token}
	if p.Codec != "" {
		parts = append(parts, p.Codec)
	}
	if p.Width > 0 {
		parts = append(parts, fmt.Sprintf("%d×%d", p.Width, p.Height))
	}
	if p.FPS > 0 {
		parts = append(parts, fmt.Sprintf("%g fps", p.FPS))
	}
	if p.Bitrate > 0 {
		parts = append(parts, fmt.Sprintf("%d kbit/s", p.Bitrate))
	}
	if p.GOP > 0 {
		parts = append(parts, fmt.Sprintf("GOP %d", p.GOP))
	}
	if p.PTZ {
		parts = append(parts, "PTZ")
	}
	return strings.Join(parts, ", ")
}

func noSuchCamera(file, name string, g *gateway.Gateway) error {
	var names []string
	for _, known := range g.Cameras() {
		names = append(names, known.Name())
	}
	if len(names) == 0 {
		return errors.New(file + " names no camera")
	}
	return fmt.Errorf("%s has no camera %q; it has %s", file, name, strings.Join(names, ", "))
}
