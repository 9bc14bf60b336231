package onvif

import (
	"context"
	"encoding/xml"

	"github.com/use-go/onvif/media"
	sdk "github.com/use-go/onvif/xsd/onvif"
)

type setSynchronizationPoint2 struct {
	XMLName      xml.Name `xml:"tr2:SetSynchronizationPoint"`
	ProfileToken string   `xml:"tr2:ProfileToken"`
}

// SynchronizationPoint asks for a key frame in a profile's streams, as soon as the camera
// can (Media specification, section 5.17; Media2, section 5.11).
func (c *Client) SynchronizationPoint(ctx context.Context, p Profile) error {
	const operation = "SetSynchronizationPoint"
	if p.Media2 {
		return c.callService(ctx, nsMedia2, media2(operation, setSynchronizationPoint2{ProfileToken: p.Token}, nil))
	}
	return c.callService(ctx, nsMedia, media1(operation, media.SetSynchronizationPoint{ProfileToken: sdk.ReferenceToken(p.Token)}, nil))
}
