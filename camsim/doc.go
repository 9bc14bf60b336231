// Package camsim is IP cameras that are not there: RTSP servers that show a moving test
// picture and break on demand, for tests, benchmarks and the demo.
//
//	cam, err := camsim.Start(ctx, camsim.Options{})          // a camera on a port of its own
//	server, err := camsim.Listen(ctx, camsim.ServerOptions{}) // several on one port:
//	cam, err := server.Add(camsim.Options{Name: "door"})
//
// Each picture carries its number (package stamp), and SentAt says when it was sent: that
// is how latency is measured. Faults are methods of Camera; Control offers the same over
// HTTP to those outside the process.
package camsim
