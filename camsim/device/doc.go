// Package device is ONVIF cameras that are not there: a front of simulated RTSP cameras
// (package camsim) that is found by WS-Discovery and SSDP, answers ONVIF's device, media,
// media2, PTZ and event services, and hands out snapshots.
//
//	network, err := device.NewNetwork(ctx, device.NetworkOptions{Interfaces: []string{"lo"}})
//	d, err := device.Start(ctx, device.Options{Name: "door", Network: network, WSDiscovery: true, SSDP: true,
//		User: "admin", Password: "secret",
//		Profiles: []device.Profile{{Token: "main", Camera: main}, {Token: "sub", Camera: sub}}})
//
// A device keeps to the standards unless told otherwise. Its Quirks are the ways in which
// real cameras do not, one by one or several together, and they can be switched while it
// runs. Network.Flood and the quirks of number 0 are what no honest camera does.
package device
