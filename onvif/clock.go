package onvif

import "time"

// Clock is what is known of the camera's clock.
type Clock struct {
	// Skew is the camera's time minus ours.
	Skew time.Duration
	// Source is "GetSystemDateAndTime", "GetSystemDateAndTime, local time", "HTTP Date" or
	// "ours" where the camera told nothing usable.
	Source string
	// RoundTrip is how long the answer took: Skew is that uncertain, and a second more.
	RoundTrip time.Duration
}
