package console

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"

	"camgate/camera"
	"camgate/camsim"
	"camgate/camsim/device"
	"camgate/decoder"
	"camgate/media"
	"camgate/onvif"
)

// TestWordsOfCCTVAgentWithACamera asks a simulated camera over ONVIF.
func TestWordsOfCCTVAgentWithACamera(t *testing.T) {
	stream, err := camsim.Start(t.Context(), camsim.Options{Name: "hall", Mode: camsim.Live,
		Video: decoder.VideoEncoderOptions{Codec: media.H264, Width: 320, Height: 240, FPS: 5, GOP: 5, Preset: "ultrafast"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	d, err := device.Start(t.Context(), device.Options{Name: "hall", User: "admin", Password: "canary", PTZ: true,
		Profiles: []device.Profile{{Token: "main", Name: "MainStream", Camera: stream}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	g := newFake()
	g.cameras = []*camera.Camera{newCamera("hall", d.URL())}
	g.client = func(user, password string) (*onvif.Client, error) {
		return onvif.New(onvif.Options{Address: d.XAddr(), User: cmp.Or(user, "admin"), Password: cmp.Or(password, "canary")})
	}
	host := strings.TrimSuffix(strings.TrimPrefix(d.XAddr(), "http://"), "/onvif/device_service")
	for _, c := range []struct {
		line   string
		status int
		want   []string
	}{
		{"cctv list", fine, []string{"hall     " + host, "MainStream", "H264     320x240"}},
		{"cctv onvif", fine, []string{"hall     " + d.XAddr()}},
		{"cctv info hall", fine, []string{"ONVIF Url : " + d.XAddr(), "[ ] MainStream", "Resolution : 320x240", "Stream Url : rtsp://"}},
		{"cctv get " + d.XAddr() + " admin canary", fine, []string{"Maker : camgate", "Model : Simulated Camera", "Clock : ", "MainStream"}},
		{"cctv get " + strings.Replace(d.XAddr(), "//", "//admin:canary@", 1), fine, []string{"Model : Simulated Camera"}},
		{"cctv get " + d.XAddr() + " admin wrong", failed, nil},
	} {
		out, errs, done := typed(t, g, c.line)
		if done.status != c.status || (errs != "") != (c.status == failed) {
			t.Errorf("%s: status %d, errors %q", c.line, done.status, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s printed\n%s\nwant in it %q", c.line, out, want)
			}
		}
		if strings.Contains(out+errs, "canary") {
			t.Errorf("%s shows the password:\n%s%s", c.line, out, errs)
		}
	}
	out, _, _ := typed(t, g, "cctv info 1 data")
	var data cameraData
	if err := json.Unmarshal([]byte(out), &data); err != nil || len(data.Profiles) != 1 || data.Profiles[0].Token != "main" || !data.Profiles[0].PTZ {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAddressesOfONVIFServicesAreShownAsTheyAreAsked(t *testing.T) {
	for source, want := range map[string]string{
		"onvif://192.0.2.1:80/":                                "http://192.0.2.1/onvif/device_service",
		"onvif://192.0.2.1:8000/?profile=auto":                 "http://192.0.2.1:8000/onvif/device_service",
		"onvifs://192.0.2.1:443/x?a=b&source=video1":           "https://192.0.2.1/x?a=b",
		"onvif://[2001:db8::1]:80/?source=video1&profile=main": "http://[2001:db8::1]/onvif/device_service",
		"onvif://[fe80::1%eth0]:8000/":                         "http://[fe80::1%25eth0]:8000/onvif/device_service",
		"rtsp://192.0.2.1:554/x":                               "",
		"rtsp://[fe80::1%eth0]:554/x":                          "",
	} {
		if got := onvifAddress(source); got != want {
			t.Errorf("%s is shown as %q, want %q", source, got, want)
		}
	}
}
