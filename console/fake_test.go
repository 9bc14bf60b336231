package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"camgate/camera"
	"camgate/camera/source"
	"camgate/discovery"
	"camgate/media"
	"camgate/onvif"
)

// fake is a gateway that does nothing and remembers what it was asked for.
type fake struct {
	version string

	mu       sync.Mutex
	cameras  []*camera.Camera
	devices  []discovery.Device
	viewers  []ViewerStatus
	asked    []string
	probing  chan struct{} // closed when a probe of "rtsp://slow/" has begun; nil: such a probe never ends
	searched chan struct{} // gets one when a search has begun
	secrets  []string
	client   func(user, password string) (*onvif.Client, error) // nil: no camera answers
}

func newFake(names ...string) *fake {
	if len(names) == 0 {
		names = []string{"door", "Yard", "yard-2"}
	}
	f := &fake{version: "1.2.3", searched: make(chan struct{}, 100)}
	for _, n := range names {
		f.cameras = append(f.cameras, newCamera(n, "rtsp://admin:geheim@192.0.2.10/"+n))
	}
	f.devices = []discovery.Device{{
		ID: "urn:uuid:1", Address: netip.MustParseAddr("192.0.2.20"), Maker: "会社カメラ", Model: "M1\x1b[31m\u202e", Name: "hall\x07", Via: []string{"ws-discovery"},
		ONVIF: []string{"http://192.0.2.20/onvif/device_service"}, Warnings: []string{"it announces http://169.254.169.254/: not used"},
	}, {
		ID: "urn:uuid:2", Address: netip.MustParseAddr("192.0.2.21"), Maker: "Example", Model: "M2", Name: "roof", Via: []string{"ssdp"},
		ONVIF: []string{"http://192.0.2.21:8000/onvif/device_service"},
	}}
	f.viewers = []ViewerStatus{{Camera: "door", Peer: "192.0.2.99:50000", Form: "mjpeg", Width: 640, Height: 360, Since: time.Now().Add(-time.Minute), FPS: 12.5, Dropped: 3, Age: 40 * time.Millisecond}}
	return f
}

func newCamera(name, address string) *camera.Camera {
	a, err := source.ParseAddress(address)
	if err != nil {
		panic(err)
	}
	return camera.New(camera.Config{Name: name, Address: a, OnDemand: true}, slog.New(slog.DiscardHandler))
}

func (f *fake) ask(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

// last is what was asked for last.
func (f *fake) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) == 0 {
		return ""
	}
	return f.asked[len(f.asked)-1]
}

func (f *fake) Cameras() []*camera.Camera {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.cameras)
}

func (f *fake) Camera(name string) *camera.Camera {
	for _, c := range f.Cameras() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

func (f *fake) Devices() []discovery.Device { return f.devices }

func (f *fake) Search(ctx context.Context, wait time.Duration) error {
	f.ask("search %v", wait)
	f.searched <- struct{}{}
	if wait < time.Second {
		return nil
	}
	<-ctx.Done() // a search that only Ctrl-C ends
	return ctx.Err()
}

func (f *fake) Add(name, source string) (string, error) {
	f.ask("add %q %s", name, source)
	if name == "" {
		name = "cam-1"
	}
	if name == "taken" {
		return "", errors.New(`there is a camera "taken" already`)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cameras = append(f.cameras, newCamera(name, source))
	return name, nil
}

func (f *fake) Remove(name string) error {
	f.ask("remove %s", name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cameras = slices.DeleteFunc(f.cameras, func(c *camera.Camera) bool { return c.Name() == name })
	return nil
}

func (f *fake) ForgetFound() int { f.ask("forget"); return 2 }

func (f *fake) Probe(ctx context.Context, url string, step func(Step)) error {
	f.ask("probe %s", url)
	step(Step{Name: "address", OK: true, Text: "192.0.2.10 answers", Took: 12 * time.Millisecond})
	if url == "rtsp://slow/" {
		if f.probing != nil {
			close(f.probing)
		}
		<-ctx.Done()
		return ctx.Err()
	}
	step(Step{Name: "clock", OK: true, Text: "the camera's clock is 3 h 12 min behind", Mend: "nothing to do", Took: time.Millisecond})
	return nil
}

func (f *fake) Diagnose(_ context.Context, name string, step func(Step)) error {
	f.ask("diagnose %s", name)
	step(Step{Name: "address", OK: true, Text: "192.0.2.10 answers"})
	step(Step{Name: "password", Text: "refused\nHTTP 401 \x1b]0;x\x07", Mend: "type another one"})
	step(Step{Name: "picture", Skipped: true})
	return nil
}

func (f *fake) PTZ(_ context.Context, name string, o PTZOrder) error {
	f.ask("ptz %s %+v", name, o)
	return nil
}

func (f *fake) Presets(context.Context, string) ([]onvif.Preset, error) {
	return []onvif.Preset{{Token: "1", Name: "gate"}, {Token: "2", Name: "玄関"}}, nil
}

func (f *fake) Snapshot(_ context.Context, name string) (*media.Picture, error) {
	f.ask("snapshot %s", name)
	if name == "Yard" {
		return nil, errors.New(`camera "Yard" is away`)
	}
	return &media.Picture{JPEG: pictureBytes, Width: 640, Height: 360}, nil
}

// pictureBytes is longer than several frames.
var pictureBytes = slices.Repeat([]byte("0123456789abcdef"), 5*maxData/16+3)

func (f *fake) Reload() (string, error) { f.ask("reload"); return "1 camera added", nil }
func (f *fake) LogLevel(l string) error { f.ask("log %s", l); return nil }
func (f *fake) Viewers() []ViewerStatus { return f.viewers }
func (f *fake) Stats() []Stat {
	return []Stat{{"goroutines", 12, ""}, {"resident", 53.25, "MB"}}
}

func (f *fake) ONVIF(nameOrURL, user, password string) (*onvif.Client, error) {
	f.ask("onvif %s", nameOrURL)
	f.mu.Lock()
	f.secrets = append(f.secrets, user+":"+password)
	f.mu.Unlock()
	if f.client != nil {
		return f.client(user, password)
	}
	return nil, fmt.Errorf("%s does not answer", nameOrURL)
}

func (f *fake) Stream(name string) string { return "rtsp://192.0.2.10:554/" + name }
func (f *fake) Host() HostInfo {
	return HostInfo{Addresses: []string{"http://192.0.2.1:8000/", "http://127.0.0.1:8000/"}, Version: f.version, Uptime: 3 * time.Hour}
}
func (f *fake) ResetProxies() { f.ask("reset") }

var _ Gateway = (*fake)(nil)
