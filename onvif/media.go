package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/use-go/onvif/media"
	sdk "github.com/use-go/onvif/xsd/onvif"
)

func media1(operation string, body, reply any) *request {
	return &request{operation: operation, action: nsMedia + "/" + operation, body: body, reply: reply}
}

func media2(operation string, body, reply any) *request {
	return &request{operation: operation, action: nsMedia2 + "/" + operation, body: body, reply: reply}
}

// Profiles asks what streams there are: Media2 where the camera has it, else Media1, which
// cannot tell H.265. Profiles without a video encoder are left out. An empty list with a nil
// error is a camera that has none.
//
// Where it fails, the camera is asked for its services again the next time: one that has just
// started may not have named all of them, and one with other firmware has them elsewhere.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	profiles, err := c.listProfiles(ctx)
	if err != nil && !errors.Is(err, ErrNotAuthorized) && ctx.Err() == nil {
		c.services.forget()
	}
	return profiles, err
}

func (c *Client) listProfiles(ctx context.Context) ([]Profile, error) {
	if _, err := c.serviceURLs(ctx); err != nil {
		return nil, err
	}
	var second error
	if c.has(ctx, nsMedia2) {
		profiles, err := c.profiles2(ctx)
		if len(profiles) > 0 {
			return profiles, nil
		}
		if err != nil && (!asksOtherwise(err) || !c.has(ctx, nsMedia)) {
			return nil, err
		}
		second = err
	}
	var reply profilesReply
	if err := c.callService(ctx, nsMedia, media1("GetProfiles", media.GetProfiles{}, &reply)); err != nil {
		if errors.Is(err, ErrNotSupported) && second == nil && c.has(ctx, nsMedia2) {
			return nil, nil // Media2 alone, and that has no profile with video
		}
		return nil, err
	}
	if second != nil {
		c.note("its Media2 service does not list its profiles; Media1 does")
	}
	profiles, encoders := reply.profiles(false)
	c.completeCodecs(ctx, profiles, encoders)
	return profiles, nil
}

// profiles2 asks Media2. Some cameras answer HTTP 500 to "All"; those are asked for what is
// needed.
func (c *Client) profiles2(ctx context.Context) ([]Profile, error) {
	var reply profilesReply
	err := c.callService(ctx, nsMedia2, media2("GetProfiles", getProfiles2{Type: []string{"All"}}, &reply))
	if err != nil && asksOtherwise(err) {
		reply = profilesReply{}
		types := []string{"VideoSource", "VideoEncoder"}
		if err = c.callService(ctx, nsMedia2, media2("GetProfiles", getProfiles2{Type: types}, &reply)); err == nil {
			c.note("its Media2 service refuses to list all of a profile at once; source and encoder are asked for")
		}
	}
	if err != nil {
		return nil, err
	}
	profiles, _ := reply.profiles(true)
	return profiles, nil
}

type encodersReply struct {
	Configurations []encoderConfiguration
}

// completeCodecs asks Media2 for the encoders that Media1 hides: one with H.265 has no
// Encoding there. What stays unknown, the stream itself will tell.
func (c *Client) completeCodecs(ctx context.Context, profiles []Profile, encoders []string) {
	hidden := false
	for _, p := range profiles {
		hidden = hidden || p.Codec == ""
	}
	if !hidden || !c.has(ctx, nsMedia2) {
		return
	}
	var reply encodersReply
	if err := c.callService(ctx, nsMedia2, media2("GetVideoEncoderConfigurations", getVideoEncoderConfigurations2{}, &reply)); err != nil {
		return
	}
	for i := range profiles {
		for j := range reply.Configurations {
			if e := &reply.Configurations[j]; profiles[i].Codec == "" && string(e.Token) == encoders[i] {
				e.describe(&profiles[i])
			}
		}
	}
}

// uriReply is the answer with a URI: within MediaUri in Media1, without in Media2.
type uriReply struct {
	URI      text `xml:"Uri"`
	MediaURI struct {
		URI text `xml:"Uri"`
	} `xml:"MediaUri"`
}

func (r *uriReply) uri() string {
	if r.MediaURI.URI != "" {
		return string(r.MediaURI.URI)
	}
	return string(r.URI)
}

// StreamURI asks where a profile's stream is: rtsp:// or rtsps://, with the host that the
// camera was reached at and the port it names, without user information. Where
// CarriesPassword says so, none must be added.
func (c *Client) StreamURI(ctx context.Context, p Profile) (string, error) {
	token := sdk.ReferenceToken(p.Token)
	setup := sdk.StreamSetup{Stream: "RTP-Unicast", Transport: sdk.Transport{Protocol: "RTSP"}}
	raw, err := c.uri(ctx, p, "GetStreamUri",
		media.GetStreamUri{StreamSetup: setup, ProfileToken: token},
		getStreamURI2{Protocol: "RTSP", ProfileToken: p.Token})
	if err != nil {
		return "", err
	}
	uri, err := c.mendURI(raw, "stream", "rtsp", "rtsps")
	return uri, c.explain("GetStreamUri", err)
}

// SnapshotURI asks where single pictures of a profile are: http:// or https://, mended as
// StreamURI's. Cameras without snapshots, and those that name an RTSP address instead, give
// ErrNotSupported.
func (c *Client) SnapshotURI(ctx context.Context, p Profile) (string, error) {
	raw, err := c.uri(ctx, p, "GetSnapshotUri",
		media.GetSnapshotUri{ProfileToken: sdk.ReferenceToken(p.Token)}, getSnapshotURI2{ProfileToken: p.Token})
	if err != nil {
		return "", err
	}
	if len(raw) > 0 && raw[0] == '/' {
		raw = c.base.Scheme + "://" + c.base.Host + raw
	}
	uri, err := c.mendURI(raw, "snapshot address", "http", "https")
	return uri, c.explain("GetSnapshotUri", err)
}

// uri asks the profile's service for a URI, and the other one where that does not know.
// Tokens are the same in both (Media2 specification, section 4.1).
func (c *Client) uri(ctx context.Context, p Profile, operation string, body1, body2 any) (string, error) {
	var reply uriReply
	one := func() error { return c.callService(ctx, nsMedia, media1(operation, body1, &reply)) }
	two := func() error { return c.callService(ctx, nsMedia2, media2(operation, body2, &reply)) }
	first, second, other := one, two, nsMedia2
	if p.Media2 {
		first, second, other = two, one, nsMedia
	}
	err := first()
	if err != nil && asksOtherwise(err) && c.has(ctx, other) {
		if second() == nil {
			err = nil
		}
	}
	if err != nil {
		return "", err
	}
	if reply.uri() == "" {
		return "", c.explain(operation, fmt.Errorf("%w: it names no address for profile %q", ErrMalformed, printable(p.Token, 60)))
	}
	return reply.uri(), nil
}

type videoSourcesReply struct {
	VideoSources []struct {
		Token      text `xml:"token,attr"`
		Framerate  number
		Resolution struct{ Width, Height number }
	}
}

func (r *videoSourcesReply) sources() []VideoSource {
	var found []VideoSource
	for _, s := range r.VideoSources {
		if len(found) < maxProfiles {
			found = append(found, VideoSource{
				Token: string(s.Token), FPS: s.Framerate.positive(maxFPS),
				Width: s.Resolution.Width.within(maxSide), Height: s.Resolution.Height.within(maxSide),
			})
		}
	}
	return found
}

// VideoSources asks what lenses or inputs there are. Media2 does not know the question: of
// a camera with Media2 alone, the sources are those of its profiles.
func (c *Client) VideoSources(ctx context.Context) ([]VideoSource, error) {
	var reply videoSourcesReply
	err := c.callService(ctx, nsMedia, media1("GetVideoSources", media.GetVideoSources{}, &reply))
	if !errors.Is(err, ErrNotSupported) || !c.has(ctx, nsMedia2) {
		return reply.sources(), err
	}
	profiles, err := c.Profiles(ctx)
	var found []VideoSource
	for _, p := range profiles {
		known := slices.ContainsFunc(found, func(s VideoSource) bool { return s.Token == p.VideoSource })
		if p.VideoSource != "" && !known {
			found = append(found, VideoSource{Token: p.VideoSource})
		}
	}
	return found, err
}
