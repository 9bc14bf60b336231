package onvif

import (
	"context"
	"strings"

	"github.com/use-go/onvif/device"
)

// Information is what the camera says it is. All texts are printable and bounded.
type Information struct {
	Maker, Model, Firmware, Serial, Hardware string
}

type informationReply struct {
	Manufacturer, Model, FirmwareVersion, SerialNumber, HardwareId text
}

func (r *informationReply) information() Information {
	return Information{
		Maker: r.Manufacturer.printable(), Model: r.Model.printable(), Firmware: r.FirmwareVersion.printable(),
		Serial: r.SerialNumber.printable(), Hardware: r.HardwareId.printable(),
	}
}

// Information asks for maker, model, firmware, serial number and hardware.
func (c *Client) Information(ctx context.Context) (Information, error) {
	var reply informationReply
	err := c.call(ctx, &request{
		operation: "GetDeviceInformation", action: nsDevice + "/GetDeviceInformation", url: c.base,
		body: device.GetDeviceInformation{}, reply: &reply,
	})
	return reply.information(), err
}

type hostnameReply struct {
	HostnameInformation struct{ Name text }
}

// Hostname asks for the name that the camera has in its network; "" where it has none.
func (c *Client) Hostname(ctx context.Context) (string, error) {
	var reply hostnameReply
	err := c.call(ctx, &request{
		operation: "GetHostname", action: nsDevice + "/GetHostname", url: c.base,
		body: device.GetHostname{}, reply: &reply, open: true,
	})
	return reply.HostnameInformation.Name.printable(), err
}

type endpointReply struct{ GUID text }

// EndpointReference asks for the name that the camera has in WS-Discovery, in lower case:
// "urn:uuid:…". Many cameras do not know the question: ErrNotSupported.
func (c *Client) EndpointReference(ctx context.Context) (string, error) {
	var reply endpointReply
	err := c.call(ctx, &request{
		operation: "GetEndpointReference", action: nsDevice + "/GetEndpointReference", url: c.base,
		body: device.GetEndpointReference{}, reply: &reply, open: true,
	})
	return strings.ToLower(reply.GUID.printable()), err
}
