package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camgate/camsim/device"
)

// agsh is a program for the npm package onvif: it prints what it reads of a camera, and
// moves it.
const agsh = `
const { Cam } = require('onvif');
const [host, port, user, password] = process.argv.slice(2);
const told = {};
function or(key, next) {
	return function (error, value) {
		if (error) { console.error(key, error); process.exit(1); }
		told[key] = value;
		next();
	};
}
new Cam({ hostname: host, port: +port, username: user, password: password, timeout: 10000 }, function (error) {
	if (error) { console.error('connect', error); process.exit(1); }
	const cam = this;
	cam.getDeviceInformation(or('information', () =>
	cam.getSystemDateAndTime(or('time', () =>
	cam.getProfiles(or('profiles', () =>
	cam.getStreamUri({ protocol: 'RTSP' }, or('stream', () =>
	cam.getSnapshotUri(or('snapshot', () =>
	cam.getPresets({}, or('presets', () =>
	cam.continuousMove({ x: 0.5, y: 0, zoom: 0 }, or('move', () =>
	cam.getStatus({}, or('status', () => console.log(JSON.stringify(told))))))))))))))))));
});
`

// TestSimulatorIsReadByAnotherClient: what our client is tested against is a camera to
// others too.
func TestSimulatorIsReadByAnotherClient(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs(filepath.Join("..", "bin", "npm", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "onvif")); err != nil {
		t.Skip("the npm package onvif is missing: make peers gets it")
	}
	cam := simulate(t, "door", func(o *device.Options) { o.PTZ, o.Password = true, "secret" })
	address, err := url.Parse(cam.XAddr())
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", write(t, "read.js", agsh), address.Hostname(), address.Port(), "admin", "secret")
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	p := start(t, node)
	if status := p.exit(patient); status != 0 {
		t.Fatalf("it ends with %d: %s", status, p.err)
	}
	var told struct {
		Information struct{ Manufacturer, SerialNumber string }
		Profiles    []struct {
			Name                      string
			VideoEncoderConfiguration struct {
				Resolution struct{ Width, Height int }
				Encoding   string
			}
		}
		Stream, Snapshot struct{ URI string }
		Presets          map[string]json.RawMessage
		Time             string
	}
	if err := json.Unmarshal([]byte(p.out.String()), &told); err != nil {
		t.Fatalf("%v: %s", err, p.out)
	}
	if told.Information.Manufacturer != "camgate" || told.Information.SerialNumber == "" {
		t.Errorf("it is %+v", told.Information)
	}
	if len(told.Profiles) != 2 || told.Profiles[0].VideoEncoderConfiguration.Resolution.Width != 640 || told.Profiles[0].VideoEncoderConfiguration.Encoding != "H264" {
		t.Errorf("its profiles are %+v", told.Profiles)
	}
	if !strings.HasPrefix(told.Stream.URI, "rtsp://127.0.0.1:") || !strings.HasPrefix(told.Snapshot.URI, "http://127.0.0.1:") {
		t.Errorf("its stream is at %q, its snapshot at %q", told.Stream.URI, told.Snapshot.URI)
	}
	if at, err := time.Parse(time.RFC3339, told.Time); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("its clock is %q, %v", told.Time, err)
	}
	if len(told.Presets) == 0 {
		t.Error("it has no presets")
	}
	if !cam.PTZ().Moving {
		t.Error("it does not move")
	}
}
