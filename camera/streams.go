package camera

import (
	"context"
	"slices"

	"camgate/camera/source"
)

// StreamAddresses are all addresses that the camera's pictures may come from, without user
// and password: the configured one, or those of an ONVIF camera's profiles. Where ask is
// true, and the camera has not told them yet, it is asked, until ctx ends; there may be none.
func (c *Camera) StreamAddresses(ctx context.Context, ask bool) []string {
	if c.device == nil {
		return []string{c.cfg.Address.String()}
	}
	c.device.mu.Lock()
	streams := c.device.streams
	c.device.mu.Unlock()
	if len(streams) == 0 && ask {
		streams, _ = c.device.offered(ctx) // the status says why there are none
	}
	var list []string
	for _, one := range streams {
		list = append(list, one.address.String())
	}
	// The one that is shown may be of an earlier answer.
	if now := c.StreamAddress(); now != "" && !slices.Contains(list, now) {
		list = append(list, now)
	}
	return list
}

// HasStream says whether an address is exactly one of those that are known, but for user and
// password: also in what StreamAddresses does not show.
func (c *Camera) HasStream(address string) bool {
	a, err := source.ParseAddress(address)
	if err != nil {
		return false
	}
	if c.device == nil {
		return a.SameStream(c.cfg.Address)
	}
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	return slices.ContainsFunc(c.device.streams, func(one stream) bool { return a.SameStream(one.address) })
}
