package onvif

import "context"

// A Client asks one camera. It is safe for concurrent use. It connects when first asked,
// and remembers clock, services and the way to log in.
type Client struct {
	options Options
}

// New checks the options. It does not touch the network.
func New(o Options) (*Client, error) { return &Client{options: o}, nil }

// Close ends idle connections.
func (c *Client) Close() {}

// Auth says how the client logs in now.
func (c *Client) Auth() string { return "anonymous" }

// Notes are sentences about what was odd and mended.
func (c *Client) Notes() []string { return nil }

func (c *Client) Clock(ctx context.Context) (Clock, error) { return Clock{}, ErrNotSupported }
func (c *Client) Information(ctx context.Context) (Information, error) {
	return Information{}, ErrNotSupported
}
func (c *Client) Hostname(ctx context.Context) (string, error)          { return "", ErrNotSupported }
func (c *Client) EndpointReference(ctx context.Context) (string, error) { return "", ErrNotSupported }
func (c *Client) Services(ctx context.Context) (map[string]string, error) {
	return nil, ErrNotSupported
}
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) { return nil, ErrNotSupported }
func (c *Client) StreamURI(ctx context.Context, p Profile) (string, error) {
	return "", ErrNotSupported
}
func (c *Client) SnapshotURI(ctx context.Context, p Profile) (string, error) {
	return "", ErrNotSupported
}
func (c *Client) VideoSources(ctx context.Context) ([]VideoSource, error) {
	return nil, ErrNotSupported
}
func (c *Client) Snapshot(ctx context.Context, uri string) ([]byte, error) {
	return nil, ErrNotSupported
}
func (c *Client) Move(ctx context.Context, p Profile, pan, tilt, zoom float64) error {
	return ErrNotSupported
}
func (c *Client) MoveTo(ctx context.Context, p Profile, pan, tilt, zoom float64) error {
	return ErrNotSupported
}
func (c *Client) Stop(ctx context.Context, p Profile) error { return ErrNotSupported }
func (c *Client) Presets(ctx context.Context, p Profile) ([]Preset, error) {
	return nil, ErrNotSupported
}
func (c *Client) GoTo(ctx context.Context, p Profile, preset string) error { return ErrNotSupported }
func (c *Client) WatchMotion(ctx context.Context, motion func(bool)) error { return ErrNotSupported }
