package camera

import (
	"context"
	"slices"
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
