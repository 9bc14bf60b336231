package main

import (
	"fmt"
	"net/netip"

	"camgate/config"
	"camgate/outputs/httpd"
	"camgate/outputs/legacy"
	"camgate/outputs/wall"
)

// serverOptions is what a configuration says of the server.
func serverOptions(cfg *config.Config) (httpd.Config, error) {
	options := httpd.Config{
		Listen:         cfg.HTTP.Listen,
		AllowAnonymous: cfg.HTTP.AllowAnonymous,
		Hosts:          cfg.HTTP.Hosts,
		Origins:        cfg.HTTP.Origins,
		WWW:            cfg.HTTP.WWW,
		BasePath:       cfg.HTTP.BasePath,
		Legacy: legacy.Options{
			URLs:        cfg.Legacy.URLs,
			CctvAgentWS: cfg.Legacy.CctvAgentWS,
			AllowAnyURL: cfg.Legacy.AllowAnyURL,
		},
		MaxViewers: cfg.Limits.MaxViewers,
		Version:    version,
	}
	for _, w := range cfg.Walls {
		options.Walls = append(options.Walls, wall.Layout{Name: w.Name, Cameras: w.Cameras, Columns: w.Columns, Width: w.Width,
			FPS: w.FPS, Quality: w.Quality, Labels: w.Labels})
	}
	for _, one := range cfg.HTTP.TrustedProxies {
		prefix, err := netip.ParsePrefix(one)
		if err != nil {
			return options, fmt.Errorf("[http] trusted_proxies: %q: %w", one, err)
		}
		options.TrustedProxies = append(options.TrustedProxies, prefix)
	}
	return options, nil
}
