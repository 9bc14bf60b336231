package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"

	"camgate/config"
	"camgate/outputs/httpd"
	"camgate/outputs/legacy"
	"camgate/outputs/wall"
	"camgate/outputs/webrtc"
)

// serverOptions is what a configuration says of the server.
func serverOptions(cfg *config.Config, log *slog.Logger) (options httpd.Config, err error) {
	options = httpd.Config{
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
	if options.WebRTC, err = webRTCOptions(cfg, log); err != nil {
		return options, err
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

// webRTCPort is where WebRTC is where the configuration does not say.
const webRTCPort = "8189"

// webRTCOptions is what a configuration says of WebRTC; nil: there is to be none.
func webRTCOptions(cfg *config.Config, log *slog.Logger) (*webrtc.Options, error) {
	if !cfg.WebRTC.Enabled {
		return nil, nil
	}
	options := &webrtc.Options{Listen: cfg.WebRTC.Listen, TCP: cfg.WebRTC.TCP, Candidates: cfg.WebRTC.Candidates, MaxSessions: cfg.Limits.MaxViewers}
	for _, one := range cfg.WebRTC.ICEServers {
		options.ICEServers = append(options.ICEServers, webrtc.ICEServer{URLs: []string{one.URL}, User: one.User, Password: one.Password.Reveal()})
	}
	if options.Listen != "" {
		return options, nil
	}
	host, port, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil {
		return nil, fmt.Errorf("[http] listen = %q: %w", cfg.HTTP.Listen, err)
	}
	options.Listen = net.JoinHostPort(host, webRTCPort)
	_, agents, _ := net.SplitHostPort(cfg.Legacy.CctvAgentWS) // "" where it is nowhere
	if port == webRTCPort || agents == webRTCPort || taken(options.Listen) {
		log.Warn("WebRTC takes a free port, because the usual one is taken: firewalls may not know it; [webrtc] listen names one", "port", webRTCPort)
		options.Listen = net.JoinHostPort(host, "0")
	}
	return options, nil
}

// taken says whether another program has a port, over UDP or TCP.
func taken(address string) bool {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	tcp.Close()
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	udp.Close()
	return false
}
