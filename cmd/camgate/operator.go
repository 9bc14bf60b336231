package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/config"
	repl "camgate/console"
	"camgate/diagnose"
	"camgate/gateway"
	"camgate/onvif"
)

// operator is the gateway as the console's commands see it.
type operator struct {
	*gateway.Gateway
	reload  func() (*config.Config, error)
	hangups chan os.Signal // as of site
	level   *slog.LevelVar
	log     *slog.Logger
	began   time.Time

	basePath string // of every URL; "" is none

	mu      sync.Mutex
	address net.Addr // that HTTP is served on; nil before
}

// PTZ is of repl.Gateway.
func (o *operator) PTZ(ctx context.Context, name string, order repl.PTZOrder) error {
	c := o.Camera(name)
	if c == nil {
		return fmt.Errorf("%w: %q", gateway.ErrNoCamera, name)
	}
	return c.Move(ctx, camera.Order{Pan: order.Pan, Tilt: order.Tilt, Zoom: order.Zoom, For: order.For, Stop: order.Stop, Preset: order.Preset})
}

// Presets is of repl.Gateway.
func (o *operator) Presets(ctx context.Context, name string) ([]onvif.Preset, error) {
	c := o.Camera(name)
	if c == nil {
		return nil, fmt.Errorf("%w: %q", gateway.ErrNoCamera, name)
	}
	return c.Presets(ctx)
}

// Probe is of repl.Gateway.
func (o *operator) Probe(ctx context.Context, urlOrName string, step func(repl.Step)) error {
	t, err := o.target(urlOrName)
	if err == nil {
		diagnose.Probe(ctx, t, func(s diagnose.Step) { step(repl.Step(s)) })
	}
	return err
}

// Diagnose is of repl.Gateway.
func (o *operator) Diagnose(ctx context.Context, nameOrURL string, step func(repl.Step)) error {
	t, err := o.target(nameOrURL)
	if err == nil {
		diagnose.Diagnose(ctx, t, func(s diagnose.Step) { step(repl.Step(s)) })
	}
	return err
}

func (o *operator) target(nameOrURL string) (diagnose.Target, error) {
	if strings.Contains(nameOrURL, "://") {
		return targetOf(nameOrURL)
	}
	c := o.Camera(nameOrURL)
	if c == nil {
		return diagnose.Target{}, fmt.Errorf("%w: %q; a URL does too: onvif://user:password@address", gateway.ErrNoCamera, nameOrURL)
	}
	address, options := c.Configured()
	return diagnose.Target{Name: c.Name(), Address: address, Source: options, DigestOnly: c.DigestOnly()}, nil
}

// targetOf is a camera that is named by its URL. One that is asked by http:// is asked
// over ONVIF.
func targetOf(raw string) (diagnose.Target, error) {
	raw = strings.TrimSpace(raw)
	for web, onvif := range map[string]string{"http://": "onvif://", "https://": "onvifs://"} {
		if len(raw) > len(web) && strings.EqualFold(raw[:len(web)], web) {
			raw = onvif + raw[len(web):]
		}
	}
	address, err := source.ParseAddress(raw)
	if err != nil {
		return diagnose.Target{}, err
	}
	return diagnose.Target{Name: address.Host(), Address: address}, nil
}

// Reload is of repl.Gateway.
func (o *operator) Reload() (string, error) {
	if o.reload == nil {
		return "", errors.New("there is no configuration to read again")
	}
	cfg, err := o.reload()
	if err != nil {
		return "", fmt.Errorf("nothing has changed: %w", err)
	}
	said, err := o.Gateway.Reload(cfg)
	if err == nil {
		o.log.Info("the configuration was read again", "what", said)
	}
	return said, err
}

// LogLevel is of repl.Gateway.
func (o *operator) LogLevel(level string) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return fmt.Errorf("%q is no level: debug, info, warn or error", level)
	}
	o.level.Set(l)
	return nil
}

// Viewers is of repl.Gateway.
func (o *operator) Viewers() []repl.ViewerStatus {
	var all []repl.ViewerStatus
	for _, c := range o.Cameras() {
		for _, v := range c.Viewers() {
			s := repl.ViewerStatus{Camera: v.Camera, Peer: v.Peer, Form: v.Form, Width: v.Width, Height: v.Height, Since: v.Since, FPS: v.FPS, Dropped: v.Dropped}
			if v.Age != nil {
				s.Age = time.Duration(*v.Age * float64(time.Second))
			}
			all = append(all, s)
		}
	}
	return all
}

// Stats is of repl.Gateway.
func (o *operator) Stats() []repl.Stat {
	var live, viewers int
	var total camera.Status
	for _, c := range o.Cameras() {
		s := c.Status()
		if s.State == "live" {
			live++
		}
		viewers += s.Viewers
		total.Received += s.Received
		total.Decoded += s.Decoded
		total.Encoded += s.Encoded
		total.Damaged += s.Damaged
		total.DecodeErrors += s.DecodeErrors
		total.PacketsLost += s.PacketsLost
		total.Reconnects += s.Reconnects
		total.Bitrate += s.Bitrate
	}
	found := o.FinderStats()
	number := func(name string, n uint64) repl.Stat { return repl.Stat{Name: name, Value: float64(n)} }
	return []repl.Stat{
		{Name: "uptime", Value: time.Since(o.began).Round(time.Second).Seconds(), Unit: "s"},
		{Name: "cameras", Value: float64(len(o.Cameras()))},
		{Name: "cameras live", Value: float64(live)},
		{Name: "viewers", Value: float64(viewers)},
		{Name: "bit rate of all cameras", Value: float64(total.Bitrate), Unit: "bit/s"},
		number("pictures received", total.Received), number("pictures decoded", total.Decoded), number("JPEGs encoded", total.Encoded),
		number("pictures damaged", total.Damaged), number("pictures that cannot be decoded", total.DecodeErrors),
		number("packets lost", total.PacketsLost), number("connections ended", total.Reconnects),
		{Name: "devices found", Value: float64(found.Devices)},
		number("searches", found.Searches), number("datagrams of discovery", found.Datagrams),
		number("  too many", found.Flood), number("  unreadable", found.Malformed+found.TooLarge), number("  with a foreign address", found.ForeignAddress),
		{Name: "memory", Value: residentMemory(), Unit: "bytes"},
		{Name: "goroutines", Value: float64(runtime.NumGoroutine())},
	}
}

// residentMemory is what the kernel counts (proc_pid_statm(5)), 0 where it does not tell.
func residentMemory() float64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1]) // 0 where it is no number
	return float64(pages * os.Getpagesize())
}

// ONVIF is of repl.Gateway.
func (o *operator) ONVIF(nameOrURL, user, password string) (*onvif.Client, error) {
	t, err := o.target(nameOrURL)
	if err != nil {
		return nil, err
	}
	if !t.Address.ONVIF() {
		return nil, fmt.Errorf("%s: %w", t.Name, camera.ErrNotONVIF)
	}
	service, _, _ := t.Address.Service()
	if user == "" {
		user, password, _ = t.Address.Login()
	}
	return onvif.New(onvif.Options{Address: service, User: user, Password: password,
		TLSFingerprint: t.Source.TLSFingerprint, TLSInsecure: t.Source.TLSInsecure, DigestOnly: t.DigestOnly, Log: o.log})
}

// Stream is of repl.Gateway.
func (o *operator) Stream(name string) string {
	c := o.Camera(name)
	if c == nil {
		return ""
	}
	return c.StreamAddress()
}

// Host is of repl.Gateway.
func (o *operator) Host() repl.HostInfo {
	o.mu.Lock()
	defer o.mu.Unlock()
	info := repl.HostInfo{Version: version, Uptime: time.Since(o.began)}
	if o.address != nil {
		info.Addresses = pagesAt(o.address, o.basePath)
	}
	return info
}

// listening notes where HTTP is served.
func (o *operator) listening(a net.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.address = a
}

// pagesAt are the URLs to open, at least one: where HTTP is served on every address, those of this
// machine, and those that only it can reach where there are no others.
func pagesAt(a net.Addr, basePath string) []string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return []string{"http://" + a.String() + basePath + "/"}
	}
	behind := strconv.Itoa(tcp.Port) + basePath + "/"
	addresses, _ := net.InterfaceAddrs() // none where the system does not tell
	if pages := pagesOn(addresses, behind); len(pages) > 0 {
		return pages
	}
	return []string{"http://localhost:" + behind}
}

// pagesOn is pagesAt for what is served on every one of a machine's addresses.
func pagesOn(addresses []net.Addr, behind string) []string {
	var pages, own []string
	for _, one := range addresses {
		ip, ok := one.(*net.IPNet)
		if !ok || ip.IP.IsLinkLocalUnicast() {
			continue
		}
		page := "http://" + net.JoinHostPort(ip.IP.String(), behind)
		if ip.IP.IsLoopback() {
			own = append(own, page)
		} else {
			pages = append(pages, page)
		}
	}
	if len(pages) == 0 {
		return own
	}
	return pages
}

// ResetProxies is of repl.Gateway.
func (o *operator) ResetProxies() { o.Reconnect() }
