// Package onvif asks a camera what it is, what it sends and where, and moves it: a client
// of the ONVIF services device, media, media2, PTZ and events.
//
// Requests are the structures of github.com/use-go/onvif, in its envelope. Transport,
// authentication and replies are this package's own: every reply is hostile input (at most
// 1 MiB, 64 levels, no entities), is matched by local names only, and comes out as typed
// values or typed errors.
//
// Cameras differ from the standards in many ways. What this package mends on its own it
// tells in [Client.Notes].
package onvif
