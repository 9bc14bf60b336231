package console

import (
	"context"
	"time"

	"camgate/camera"
	"camgate/discovery"
	"camgate/media"
	"camgate/onvif"
)

// A Gateway is what the commands work on. All methods may be called from any goroutine.
// Errors are sentences for the operator and hold no password. Texts that came from a
// network may hold anything: the console shows them harmlessly.
type Gateway interface {
	// Cameras are all cameras, in the order in which they are shown. The slice is not
	// changed by either side.
	Cameras() []*camera.Camera

	// Camera is the camera of exactly this name, nil if there is none.
	Camera(name string) *camera.Camera

	// Devices are all cameras that were found on the network, by address.
	Devices() []discovery.Device

	// Search asks the network once, and returns after wait, or when ctx ends.
	Search(ctx context.Context, wait time.Duration) error

	// Add makes a camera of a source (a URL as in the configuration), serves it, and
	// returns its name. Where name is "" it makes a readable one.
	Add(name, source string) (string, error)

	// Remove ends a camera and everybody who watches it.
	Remove(name string) error

	// ForgetFound removes the cameras that are served because they were found, and forgets
	// what was found. It returns how many cameras were removed.
	ForgetFound() int

	// Probe asks one camera (onvif://, rtsp://, http://…, or a camera's name) what it is.
	// step is called from the calling goroutine, once as each step ends. The error is for
	// what kept the probe from being made; a step that failed tells so itself.
	Probe(ctx context.Context, urlOrName string, step func(Step)) error

	// Diagnose walks the whole way to a picture, as Probe does.
	Diagnose(ctx context.Context, nameOrURL string, step func(Step)) error

	// PTZ moves a camera, and returns when the camera has taken the order.
	PTZ(ctx context.Context, name string, order PTZOrder) error

	// Presets are the positions that a camera has stored.
	Presets(ctx context.Context, name string) ([]onvif.Preset, error)

	// Snapshot is a live picture of a camera. It waits for one until ctx ends.
	Snapshot(ctx context.Context, name string) (*media.Picture, error)

	// Reload reads the configuration again. The sentence says what changed.
	Reload() (string, error)

	// LogLevel sets how much is logged: debug, info, warn or error.
	LogLevel(level string) error

	// Viewers are all who watch something just now.
	Viewers() []ViewerStatus

	// Stats are the gateway's numbers, in the order in which they are shown.
	Stats() []Stat

	// ONVIF is a client for a camera or an address; user and password are those to log in
	// with, or both "" for the camera's own. The caller closes it.
	ONVIF(nameOrURL, user, password string) (*onvif.Client, error)

	// Stream is the address of a camera's pictures at the camera, without a password; ""
	// where it is not known.
	Stream(name string) string

	// Host says where the gateway is.
	Host() HostInfo

	// ResetProxies makes all cameras connect anew.
	ResetProxies()
}

// A Step is one step of a probe or a diagnosis.
type Step struct {
	Name    string        `json:"name"`
	OK      bool          `json:"ok"`
	Skipped bool          `json:"skipped,omitempty"` // not tried, because of what failed before it
	Text    string        `json:"text,omitempty"`    // what was found, or the cause
	Mend    string        `json:"mend,omitempty"`    // what to do about it
	Took    time.Duration `json:"took_ns"`
}

// A PTZOrder is one order to a camera that moves. Preset alone, Stop alone, or speeds.
type PTZOrder struct {
	Pan, Tilt, Zoom float64       // speeds, -1 to 1: to the right, up and in are positive
	For             time.Duration // how long it moves; 0: the gateway's choice, a short step
	Stop            bool          // ends all movement
	Preset          string        // token or name of the position to go to
}

// ViewerStatus is one who watches.
type ViewerStatus struct {
	Camera  string    `json:"camera"`
	Peer    string    `json:"peer"` // address and port
	Form    string    `json:"form"` // mjpeg, ws, snapshot…
	Width   int       `json:"width"`
	Height  int       `json:"height"`
	Since   time.Time `json:"since"`
	FPS     float64   `json:"fps"`     // delivered, over the last seconds
	Dropped uint64    `json:"dropped"` // pictures it was too slow for
	// Age is how old the last delivered picture was when it left; 0 before the first.
	Age time.Duration `json:"age_ns"`
}

// A Stat is one number of the gateway.
type Stat struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// HostInfo says where and what the gateway is.
type HostInfo struct {
	Addresses []string      `json:"addresses"` // URLs to open in a browser, best first
	Version   string        `json:"version"`
	Uptime    time.Duration `json:"uptime_ns"`
}
