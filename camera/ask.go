package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"camgate/camera/source"
	"camgate/onvif"
)

// maxAsked is how many profiles of one video source are asked for their addresses. Cameras
// have two to five.
const maxAsked = 16

// errGoneElsewhere: meanwhile the camera was found to be at another address.
var errGoneElsewhere = errors.New("its address has changed while it was asked")

// ask asks the camera for its streams, and keeps them.
func (d *device) ask(ctx context.Context) (streams []stream, err error) {
	client, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer func() {
		// That the old address does not answer any more is no news.
		if err != nil && !d.asks(client) {
			err = fmt.Errorf("camera %q: %w", d.cfg.Name, errGoneElsewhere)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	profiles, err := client.Profiles(ctx)
	if err != nil && d.locate(ctx, err) {
		if client, err = d.connect(); err != nil {
			return nil, err
		}
		profiles, err = client.Profiles(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("camera %q: it does not tell its profiles: %w", d.cfg.Name, err)
	}
	allowed, err := Shown(d.cfg.Name, d.cfg.Address, profiles)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, p := range allowed[:min(len(allowed), maxAsked)] {
		s, err := d.stream(ctx, client, p)
		if err == nil {
			streams = append(streams, s)
		} else if failed == nil {
			failed = err
		}
	}
	if len(streams) == 0 {
		return nil, fmt.Errorf("camera %q: it does not tell where its streams are: %w", d.cfg.Name, failed)
	}
	d.identify(ctx, client)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != client {
		return nil, errGoneElsewhere
	}
	d.located = d.located || !d.away()
	d.streams, d.doubtful, d.head = streams, false, headOf(profiles, allowed[0])
	for token := range d.shots {
		if !slices.ContainsFunc(streams, func(s stream) bool { return s.Token == token }) {
			delete(d.shots, token)
		}
	}
	return streams, nil
}

// asks says whether the camera is still asked by client, and so at its address.
func (d *device) asks(client *onvif.Client) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.client == client
}

// headOf is the first profile of the same video source by which the camera can be moved:
// many cameras have it with their main stream alone.
func headOf(profiles []onvif.Profile, chosen onvif.Profile) onvif.Profile {
	for _, p := range profiles {
		if p.PTZ && p.VideoSource == chosen.VideoSource {
			return p
		}
	}
	return chosen
}

// Shown are the profiles of which an address of an ONVIF camera has pictures shown: the one that
// it names, or those of one video source. The error is a sentence that begins with the
// camera's name.
func Shown(name string, address source.Address, profiles []onvif.Profile) ([]onvif.Profile, error) {
	_, wanted, eye := address.Service()
	if len(profiles) == 0 {
		return nil, fmt.Errorf("camera %q: %w: no profile of it has a video encoder; set one up in the camera", name, source.ErrNoVideo)
	}
	if wanted == "auto" {
		return oneEye(name, eye, profiles)
	}
	var names []string
	for _, p := range profiles {
		if p.Token == wanted || strings.EqualFold(p.Name, wanted) {
			return []onvif.Profile{p}, nil
		}
		names = append(names, fmt.Sprintf("%q", p.Name))
	}
	return nil, fmt.Errorf("camera %q: it has no profile %q; it has %s, and ?profile=auto takes what fits", name, wanted, some(names))
}

// oneEye are the profiles of one video source, "" for the first: those of others show
// something else.
func oneEye(name, eye string, profiles []onvif.Profile) ([]onvif.Profile, error) {
	if eye == "" {
		eye = profiles[0].VideoSource
	}
	var of []onvif.Profile
	var eyes []string
	for _, p := range profiles {
		if p.VideoSource == eye {
			of = append(of, p)
		}
		if quoted := fmt.Sprintf("%q", p.VideoSource); !slices.Contains(eyes, quoted) {
			eyes = append(eyes, quoted)
		}
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("camera %q: it has no video source %q; it has %s", name, eye, some(eyes))
	}
	return of, nil
}

// some are the first of what a camera lists, for a sentence.
func some(list []string) string {
	if len(list) > maxAsked {
		list = append(slices.Clone(list[:maxAsked]), "…")
	}
	return strings.Join(list, ", ")
}

// stream asks where a profile's stream and still picture are. A camera without stills is
// no error.
func (d *device) stream(ctx context.Context, client *onvif.Client, p onvif.Profile) (stream, error) {
	uri, err := client.StreamURI(ctx, p)
	if err != nil {
		return stream{}, err
	}
	address, err := source.ParseAnnounced(uri)
	if err == nil && address.ONVIF() {
		err = errors.New("it names no RTSP address")
	}
	if err != nil {
		return stream{}, fmt.Errorf("profile %q: %w", p.Name, err)
	}
	// Some cameras want the password in the query, and it stands there already; user and
	// password are sent besides only to one that asks for them (quirk 31).
	s := stream{Profile: p, address: address.WithLogin(d.cfg.Address)}
	if s.snapshot, err = client.SnapshotURI(ctx, p); err != nil {
		d.log.Debug("no snapshot address", "profile", p.Name, "why", err)
	}
	return s, nil
}

// identify learns once by what the camera can be found again. Cameras need not tell.
func (d *device) identify(ctx context.Context, client *onvif.Client) {
	d.mu.Lock()
	known := d.info.Maker != "" || d.info.Model != ""
	d.mu.Unlock()
	if known {
		return
	}
	info, err := client.Information(ctx)
	if err != nil {
		d.log.Debug("the camera does not say what it is", "why", err)
	}
	endpoint, err := client.EndpointReference(ctx)
	if err != nil {
		d.log.Debug("the camera does not tell its endpoint reference", "why", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client != client {
		return // of somebody else, perhaps
	}
	d.info = info
	if d.away() {
		return // who is here claims to be the camera: it does not say by what else it is found
	}
	if info.Serial != "" {
		d.identity.Serial = info.Serial
	}
	if endpoint != "" {
		d.identity.Endpoint = endpoint
	}
}
