package diagnose

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"camgate/camera/source"
	"camgate/media"
	"camgate/onvif"
)

// Probe asks a camera what it is and what it offers. tell, which may be nil, is called as
// each step ends, from the calling goroutine.
func Probe(ctx context.Context, t Target, tell func(Step)) *Report {
	w := newWalk(ctx, t, tell)
	t = w.locate(t)
	w.reach(t.Address.Host())
	if t.Address.ONVIF() {
		client := w.ask(t)
		if client != nil {
			client.Close()
		}
	} else {
		w.describe("stream", t, t.Address)
	}
	w.report.OK = !w.failed
	return w.report
}

// ask asks an ONVIF camera everything. The client is the caller's to close.
func (w *walk) ask(t Target) *onvif.Client {
	service, _, _ := t.Address.Service()
	user, password, _ := t.Address.Login()
	client, err := onvif.New(onvif.Options{Address: service, User: user, Password: password,
		TLSFingerprint: t.Source.TLSFingerprint, TLSInsecure: t.Source.TLSInsecure,
		DigestOnly: t.DigestOnly, Log: t.Source.Log})
	if err != nil {
		w.step("address", func() (string, error) { return "", err })
		return nil
	}
	r := w.report
	w.step("clock", func() (string, error) {
		clock, err := client.Clock(w.ctx)
		if err != nil {
			return "", err
		}
		skew := clock.Skew.Seconds()
		r.ClockSkew, r.ClockSource = &skew, clock.Source
		return clockText(clock), nil
	})
	w.step("login", func() (string, error) {
		info, err := client.Information(w.ctx)
		r.Login = client.Auth()
		if errors.Is(err, onvif.ErrNotSupported) {
			return "it does not say what it is (" + r.Login + ")", nil
		}
		if err != nil {
			return "", err
		}
		r.Maker, r.Model, r.Firmware, r.Serial, r.Hardware = info.Maker, info.Model, info.Firmware, info.Serial, info.Hardware
		text := strings.TrimSpace(info.Maker + " " + info.Model)
		if info.Firmware != "" {
			text += ", firmware " + info.Firmware
		}
		if info.Serial != "" {
			text += ", serial number " + info.Serial
		}
		return text + " (" + r.Login + ")", nil
	})
	if !w.failed { // neither is needed, and many cameras do not know them
		r.Hostname, _ = client.Hostname(w.ctx)
		r.Endpoint, _ = client.EndpointReference(w.ctx)
	}
	w.step("profiles", func() (string, error) {
		profiles, err := client.Profiles(w.ctx)
		w.profiles = profiles
		if err == nil && len(profiles) == 0 {
			err = mendable{source.ErrNoVideo, "set up a profile with a video encoder in the camera"}
		}
		var names []string
		for _, p := range profiles {
			names = append(names, fmt.Sprintf("%s (%s)", p.Name, describe(p)))
		}
		return strings.Join(names, ", "), err
	})
	w.step("stream addresses", func() (string, error) { return w.addresses(client, t, w.profiles) })
	if len(w.profiles) > 0 && !w.failed {
		w.snapshots(client, w.profiles)
	}
	r.Notes = client.Notes()
	return client
}

// addresses asks where the profiles' streams are: one is enough.
func (w *walk) addresses(client *onvif.Client, t Target, profiles []onvif.Profile) (string, error) {
	var texts []string
	var failed error
	for _, p := range profiles {
		one := Profile{Token: p.Token, Name: p.Name, Codec: p.Codec, Width: p.Width, Height: p.Height, FPS: p.FPS,
			Bitrate: p.Bitrate, GOP: p.GOP, VideoSource: p.VideoSource, PTZ: p.PTZ}
		uri, err := client.StreamURI(w.ctx, p)
		if err == nil {
			var address source.Address
			if address, err = source.ParseAnnounced(uri); err == nil {
				one.Stream = address.String()
				w.found = append(w.found, foundStream{p, address.WithLogin(t.Address)})
				texts = append(texts, one.Stream)
			}
		}
		if err != nil {
			failed = fmt.Errorf("profile %q: %w", p.Name, err)
		}
		w.report.Profiles = append(w.report.Profiles, one)
	}
	if len(texts) == 0 {
		return "", failed
	}
	return strings.Join(texts, ", "), nil
}

// snapshots asks for single pictures. Not every camera has them.
func (w *walk) snapshots(client *onvif.Client, profiles []onvif.Profile) {
	w.extra("single pictures", func() (string, error) {
		uri, err := client.SnapshotURI(w.ctx, profiles[0])
		if err != nil {
			return "", fmt.Errorf("%w; the stream is taken in their place", err)
		}
		w.report.Profiles[0].Snapshot = withoutLogin(uri)
		began := time.Now()
		jpeg, err := client.Snapshot(w.ctx, uri)
		if err != nil {
			return "", fmt.Errorf("%w; the stream is taken in their place", err)
		}
		return fmt.Sprintf("%d KB after %.0f ms", len(jpeg)/1024, time.Since(began).Seconds()*1000), nil
	})
}

// withoutLogin is a URL to show.
func withoutLogin(uri string) string {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		return ""
	}
	a, err := source.ParseAddress("rtsp://" + rest)
	if err != nil {
		return scheme + "://…"
	}
	shown := strings.TrimPrefix(a.String(), "rtsp://")
	return scheme + "://" + strings.Replace(shown, ":554/", "/", 1)
}

// describe shows a profile.
func describe(p onvif.Profile) string {
	codec := p.Codec
	if codec == "" {
		codec = "codec not told"
	}
	text := codec
	if p.Width > 0 {
		text += fmt.Sprintf(" %d×%d", p.Width, p.Height)
	}
	if p.FPS > 0 {
		text += fmt.Sprintf(" %g fps", p.FPS)
	}
	return text
}

// clockText says what a clock's skew means.
func clockText(c onvif.Clock) string {
	skew := c.Skew.Abs().Round(time.Second)
	where := "ahead"
	if c.Skew < 0 {
		where = "behind"
	}
	from := ""
	if c.Source != "" && c.Source != "GetSystemDateAndTime" {
		from = " (by " + c.Source + ")"
	}
	if skew < 2*time.Second {
		return "the camera's clock is right" + from
	}
	return fmt.Sprintf("the camera's clock is %s %s%s; the gateway signs with the camera's time, nothing to do", span(skew), where, from)
}

// span shows a duration as people say it: 3 h 12 min.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}

// describe asks an RTSP address for its stream, up to the first picture.
func (w *walk) describe(name string, t Target, address source.Address) {
	w.step(name, func() (string, error) {
		ctx, cancel := context.WithTimeout(w.ctx, streamTimeout)
		defer cancel()
		conn, err := source.DialHost(ctx, address.Host(), dialTimeout)
		if err != nil {
			return "", mendable{fmt.Errorf("%s does not answer: %w", address.Host(), err), "the camera's RTSP port does not answer: is RTSP switched on in the camera, and does a firewall let the port through?"}
		}
		first := &firstPicture{end: cancel}
		options := t.Source
		options.Camera = t.name()
		options.DigestOnly = options.DigestOnly || t.DigestOnly && t.Address.ONVIF() // as the gateway does
		err = source.RTSP(ctx, conn, address, options, first)
		if first.unit == nil {
			switch {
			case ctx.Err() != nil && !first.plays:
				err = mendable{fmt.Errorf("it did not agree to send within %v", streamTimeout), "the camera takes very long: is it overloaded, or the network?"}
			case ctx.Err() != nil:
				err = mendable{fmt.Errorf("it agreed to send and sent no picture within %v", streamTimeout), "does the camera encode this profile? Restart the camera; look whether a firewall lets RTP through"}
			}
			return "", err
		}
		if w.report.Profiles == nil {
			w.report.Profiles = []Profile{{Codec: first.info.Codec.String(), Stream: address.String()}}
		}
		return fmt.Sprintf("%s over %s", first.info.Codec, first.info.Transport), nil
	})
}

const streamTimeout = 15 * time.Second

// firstPicture is a sink that is content with one key frame.
type firstPicture struct {
	end  func()
	info source.Info
	unit *media.AccessUnit

	plays bool // the camera has agreed to send
}

func (f *firstPicture) Playing(info source.Info) { f.info, f.plays = info, true }
func (f *firstPicture) Transport(name string)    { f.info.Transport = name }
func (f *firstPicture) Damaged(uint64, error)    {}
func (f *firstPicture) AccessUnit(au *media.AccessUnit) {
	if au.Key && f.unit == nil {
		f.unit = au
		f.end()
	}
}
