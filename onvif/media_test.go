package onvif

import (
	"errors"
	"strings"
	"testing"

	"camgate/camsim/device"
)

func TestStreamAddressesAreMended(t *testing.T) {
	c, err := New(Options{Address: "http://192.0.2.10:8000"})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		"rtsp://192.168.1.5:554/live":                      "rtsp://192.0.2.10:554/live",
		" \n rtsp://192.168.1.5/live \t":                   "rtsp://192.0.2.10/live",
		"rtsp://0.0.0.0:554/live":                          "rtsp://192.0.2.10:554/live",
		"rtsp://:554/live":                                 "rtsp://192.0.2.10:554/live",
		"rtsp:///live":                                     "rtsp://192.0.2.10/live",
		"rtsp://169.254.1.1/live":                          "rtsp://192.0.2.10/live",
		"rtsp://[fe80::1]:8554/live":                       "rtsp://192.0.2.10:8554/live",
		"RTSP://192.168.1.5/Live":                          "rtsp://192.0.2.10/Live",
		"rtsps://192.168.1.5:322/live":                     "rtsps://192.0.2.10:322/live",
		"rtsp://admin:pa@ss@192.168.1.5:554/live":          "rtsp://192.0.2.10:554/live",
		"rtsp://192.168.1.5/live?a=1&amp;b=2":              "rtsp://192.0.2.10/live?a=1&b=2",
		"rtsp://192.168.1.5/live?a=%26amp%3B&x=ü z":        "rtsp://192.0.2.10/live?a=%26amp%3B&x=%C3%BC%20z",
		"rtsp://192.168.1.5":                               "rtsp://192.0.2.10",
		"rtsp://192.168.1.5:554?channel=1":                 "rtsp://192.0.2.10:554?channel=1",
		"rtsp://192.168.1.5:0/live":                        "rtsp://192.0.2.10/live",
		"rtsp://192.168.1.5:99999/live":                    "rtsp://192.0.2.10/live",
		"rtsp://192.168.1.5/user=a_password=b_channel=1":   "rtsp://192.0.2.10/user=a_password=b_channel=1",
		"rtsp://192.168.1.5/a@b/c":                         "rtsp://192.0.2.10/a@b/c",
		"rtsp://192.168.1.5/live\r\nSETUP rtsp://evil/":    "rtsp://192.0.2.10/live%0D%0ASETUP%20rtsp://evil/",
		"rtsp://example.org:554/cam/realmonitor?channel=1": "rtsp://192.0.2.10:554/cam/realmonitor?channel=1",
	} {
		if got, err := c.mendURI(raw, "stream", "rtsp", "rtsps"); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", raw, got, err, want)
		}
	}
	for raw, want := range map[string]error{
		"":                                    ErrMalformed,
		"live":                                ErrMalformed,
		"/live":                               ErrMalformed,
		"://192.168.1.5":                      ErrMalformed,
		"file:///etc/passwd":                  ErrNotSupported,
		"http://192.168.1.5/live":             ErrNotSupported,
		"exec:rm://x":                         ErrMalformed,
		"rtsp://" + strings.Repeat("a", 4000): ErrMalformed,
	} {
		if got, err := c.mendURI(raw, "stream", "rtsp", "rtsps"); !errors.Is(err, want) {
			t.Errorf("%.40q becomes %q, %v; want %v", raw, got, err, want)
		}
	}
}

func TestAddressesThatCarryAPasswordAreKnown(t *testing.T) {
	for uri, want := range map[string]bool{
		"rtsp://h/live?user=admin&password=x":          true,
		"rtsp://h/live?usr=admin&pwd=x":                true,
		"http://h/snap.cgi?loginuse=admin&loginpas=x":  true,
		"rtsp://h:554/user=admin_password=x_channel=1": true,
		"rtsp://h/live?Password=x":                     true,
		"rtsp://h/live?password=":                      false,
		"rtsp://h/live?password=&user=":                false,
		"rtsp://h/live?user=admin":                     false,
		"rtsp://h/live?token=profile_1&compass=3":      false,
		"rtsp://password=x@h/live":                     false,
		"rtsp://h/cam/realmonitor?channel=1&subtype=0": false,
	} {
		if got := CarriesPassword(uri); got != want {
			t.Errorf("CarriesPassword(%q) is %v", uri, got)
		}
	}
}

func TestH265ThatMedia1HidesIsLookedUpInMedia2(t *testing.T) {
	f := newFake(t)
	f.set("GetServices", f.services(nsMedia, nsMedia2, nsEvents, nsPTZ))
	// Both services are at one address: GetProfiles is Media1's or Media2's by its prefix.
	f.login = func(s seen) *refused {
		if strings.Contains(s.body, "tr2:GetProfiles") {
			return soapFault(500, `<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code></s:Fault>`)
		}
		return nil
	}
	f.set("GetProfiles", `<Profiles token="p"><VideoEncoderConfiguration token="e1"><Name>x</Name></VideoEncoderConfiguration></Profiles>`+
		`<Profiles token="q"><VideoEncoderConfiguration token="e2"><Encoding>H264</Encoding></VideoEncoderConfiguration></Profiles>`+
		`<Profiles token="r"><VideoEncoderConfiguration token="e3"/></Profiles>`)
	f.set("GetVideoEncoderConfigurations", `<Configurations token="e2" GovLength="9"><Encoding>H265</Encoding></Configurations>`+
		`<Configurations token="e1" GovLength="60"><Encoding>H265</Encoding><Resolution><Width>3840</Width><Height>2160</Height></Resolution></Configurations>`)
	profiles, err := f.client(t).Profiles(testContext(t))
	want := []Profile{{Token: "p", Codec: "H265", Width: 3840, Height: 2160, GOP: 60}, {Token: "q", Codec: "H264"}, {Token: "r"}}
	if err != nil || len(profiles) != 3 || profiles[0] != want[0] || profiles[1] != want[1] || profiles[2] != want[2] {
		t.Errorf("got %+v, %v", profiles, err)
	}
	asked := f.requests(func(s seen) bool { return strings.Contains(s.body, "tr2:GetProfiles") })
	if len(asked) != 2 || !strings.Contains(asked[0].body, "<tr2:Type>All</tr2:Type>") ||
		!strings.Contains(asked[1].body, "<tr2:Type>VideoSource</tr2:Type><tr2:Type>VideoEncoder</tr2:Type>") {
		t.Errorf("Media2 was asked %d times", len(asked))
	}
}

func TestStreamURIAsksTheServiceThatKnows(t *testing.T) {
	f := newFake(t)
	f.set("GetServices", f.services(nsMedia, nsMedia2, nsEvents, nsPTZ))
	f.set("GetStreamUri", "<Uri>rtsp://10.1.1.1:8554/s?a=1&amp;b=2</Uri>")
	c := f.client(t)
	for _, media2 := range []bool{true, false} {
		uri, err := c.StreamURI(testContext(t), Profile{Token: `p"<&>`, Media2: media2})
		if err != nil || uri != "rtsp://127.0.0.1:8554/s?a=1&b=2" {
			t.Errorf("got %q, %v", uri, err)
		}
	}
	asked := f.requests(func(s seen) bool { return s.operation == "GetStreamUri" })
	if len(asked) != 2 || !strings.Contains(asked[0].body, "<tr2:Protocol>RTSP</tr2:Protocol>") ||
		!strings.Contains(asked[1].body, "<onvif:Stream>RTP-Unicast</onvif:Stream>") || !strings.Contains(asked[1].body, "<onvif:Protocol>RTSP</onvif:Protocol>") {
		t.Errorf("asked %+v", asked)
	}
	for _, s := range asked {
		if !strings.Contains(unescapeXML(s.body), `ProfileToken>p"<&></t`) {
			t.Errorf("the token is not in %s", s.body)
		}
	}
	f.set("GetStreamUri", "<Uri/>")
	if _, err := c.StreamURI(testContext(t), Profile{Token: "p"}); !errors.Is(err, ErrMalformed) {
		t.Errorf("without an address: %v", err)
	}
}

func TestSnapshotsComeFromTheCameraAndAreJPEG(t *testing.T) {
	f := newFake(t)
	f.set("GET /snap", "\xff\xd8\xff\xe0 picture")
	f.set("GET /page", "<html>no picture</html>")
	f.set("GET /large", "\xff\xd8\xff"+strings.Repeat("x", maxSnapshot))
	c := f.client(t)
	if picture, err := c.Snapshot(testContext(t), f.URL+"/snap"); err != nil || !strings.HasSuffix(string(picture), "picture") {
		t.Errorf("got %q, %v", picture, err)
	}
	for uri, want := range map[string]error{f.URL + "/page": ErrMalformed, f.URL + "/large": ErrTooLarge, f.URL + "/none": nil, "http://\x00": ErrMalformed} {
		picture, err := c.Snapshot(testContext(t), uri)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: got %d bytes, %v", uri, len(picture), err)
		}
	}
	if _, err := c.Snapshot(testContext(t), "http://192.0.2.99/snap"); err == nil || !strings.Contains(err.Error(), "is not the camera's own host") {
		t.Errorf("from another host: %v", err)
	}
}

func TestSnapshotPasswordIsNotTriedAgainForAMinute(t *testing.T) {
	f := newFake(t)
	f.set("GET /snap", "\xff\xd8\xff picture")
	f.login = func(s seen) *refused {
		if s.httpRight {
			return nil
		}
		return f.challenge("Digest MD5", "Basic")
	}
	c := f.client(t, withPassword("wrong password"))
	for range 5 {
		if _, err := c.Snapshot(testContext(t), f.URL+"/snap"); !errors.Is(err, ErrNotAuthorized) {
			t.Fatalf("got %v", err)
		}
	}
	f.wantWays(t, "Digest MD5")
}

func TestALockedSnapshotIsCalledSo(t *testing.T) {
	s := newSimulated(t)
	d, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword, Tries: 1, Quirks: []device.Quirk{device.QuirkLockout}}, withPassword("wrong password"))
	uri := strings.Replace(d.XAddr(), defaultPath, "/snapshot/main.jpg", 1)
	if _, err := c.Snapshot(testContext(t), uri); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "30 minutes") {
		t.Errorf("got %v", err)
	}
}

// Who reaches a camera over https does not want the password on the network.
func TestNoReadablePasswordLeavesHTTPS(t *testing.T) {
	f := newFake(t)
	f.set("GET /snap", "\xff\xd8\xff picture")
	f.login = func(s seen) *refused {
		if s.httpRight {
			return nil
		}
		return f.challenge("Basic")
	}
	c := f.client(t, func(o *Options) { o.Address = "https://127.0.0.1:1" })
	if _, err := c.Snapshot(testContext(t), f.URL+"/snap"); !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "over http") {
		t.Errorf("got %v", err)
	}
	f.wantWays(t)
	if _, err := f.client(t).Snapshot(testContext(t), f.URL+"/snap"); err != nil {
		t.Errorf("over http altogether: %v", err)
	}
}
