package onvif

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		informationAnswer("<tds:Manufacturer>Acme</tds:Manufacturer><tds:SerialNumber>1</tds:SerialNumber>"),
		inEnvelope("<GetServicesResponse><Service><Namespace>" + nsMedia2 + "</Namespace><XAddr>http://10.0.0.5:81/m https://[fe80::1]/x</XAddr></Service></GetServicesResponse>"),
		inEnvelope("<GetProfilesResponse>" + oneProfile + `<Profiles token="q"><Configurations><VideoEncoder GovLength="9"><Encoding>H265</Encoding></VideoEncoder><PTZ/></Configurations></Profiles></GetProfilesResponse>`),
		inEnvelope("<GetStreamUriResponse><MediaUri><Uri> rtsp://a:b@0.0.0.0:554/x?y=1&amp;amp;z </Uri></MediaUri></GetStreamUriResponse>"),
		inEnvelope("<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>1</Hour></Time><Date><Year>2026</Year></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>"),
		inEnvelope(`<GetPresetsResponse><Preset token="1"><Name>x</Name></Preset></GetPresetsResponse>`),
		inEnvelope(`<GetCapabilitiesResponse><Capabilities><Extension><DeviceIO><XAddr>x</XAddr></DeviceIO></Extension></Capabilities></GetCapabilitiesResponse>`),
		inEnvelope(`<GetVideoSourcesResponse><VideoSources token="1"><Framerate>30.0</Framerate></VideoSources></GetVideoSourcesResponse>`),
		inEnvelope(faultNotAuthorized), "<!DOCTYPE html><html/>", "\xff\xfe<\x00a\x00", "<Envelope><Body><Fault><faultstring>x</faultstring></Fault></Body></Envelope>",
		inEnvelope("<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>x</Address><ReferenceParameters><a:b xmlns:a='c'>d</a:b></ReferenceParameters></SubscriptionReference></CreatePullPointSubscriptionResponse>"),
	} {
		f.Add([]byte(seed))
	}
	c, err := New(Options{Address: "http://192.0.2.10:8000", User: testUser, Password: testPassword})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for operation, one := range decoders(c) {
			into, use := one()
			err := readReply(data, 400, operation, into)
			var fault *Fault
			switch {
			case err == nil:
				use(t)
			case errors.As(err, &fault):
				_ = fault.notAuthorized() || fault.notSupported()
				fault.attemptsLeft()
				mustBePrintable(t, fault.Error())
			case !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNotONVIF):
				t.Errorf("%s: an error of no type: %v", operation, err)
			}
		}
		for _, p := range referenceParameters(data) {
			if _, err := envelope(unsubscribe{}, p); err != nil {
				t.Errorf("%+v cannot be sent back: %v", p, err)
			}
		}
	})
}

// decoders are all replies that the client reads, and what is made of them.
func decoders(c *Client) map[string]func() (into any, use func(*testing.T)) {
	mended := func(t *testing.T, uri string, err error) {
		if err != nil {
			return
		}
		if u, err := url.Parse(uri); err == nil && (u.Hostname() != "192.0.2.10" || u.User != nil) {
			t.Errorf("%q is not at the camera", uri)
		}
		if strings.ContainsAny(uri, " \r\n\t") {
			t.Errorf("%q cannot be sent", uri)
		}
	}
	services := func(t *testing.T, found map[string]string) {
		for _, raw := range found {
			if u, err := c.mendService(raw); err == nil {
				mended(t, u.String(), nil)
			}
		}
	}
	return map[string]func() (any, func(*testing.T)){
		"GetDeviceInformation": func() (any, func(*testing.T)) {
			var r informationReply
			return &r, func(t *testing.T) { mustBePrintable(t, r.information().Maker+r.information().Serial) }
		},
		"GetSystemDateAndTime": func() (any, func(*testing.T)) {
			var r clockReply
			return &r, func(*testing.T) { readClock(&r, &answer{}) }
		},
		"GetServices": func() (any, func(*testing.T)) {
			var r servicesReply
			return &r, func(t *testing.T) { services(t, r.addresses()) }
		},
		"GetCapabilities": func() (any, func(*testing.T)) {
			var r capabilitiesReply
			return &r, func(t *testing.T) { services(t, r.addresses()) }
		},
		"GetProfiles": func() (any, func(*testing.T)) {
			var r profilesReply
			return &r, func(t *testing.T) {
				profiles, encoders := r.profiles(true)
				if len(profiles) != len(encoders) || len(profiles) > maxProfiles {
					t.Errorf("%d profiles, %d encoders", len(profiles), len(encoders))
				}
				for _, p := range profiles {
					if p.Width < 0 || p.Width > maxSide || p.GOP < 0 || p.FPS < 0 || p.Token == "" {
						t.Errorf("a profile is %+v", p)
					}
				}
			}
		},
		"GetStreamUri": func() (any, func(*testing.T)) {
			var r uriReply
			return &r, func(t *testing.T) {
				uri, err := c.mendURI(r.uri(), "stream", "rtsp", "rtsps")
				mended(t, uri, err)
				CarriesPassword(uri)
			}
		},
		"GetPresets": func() (any, func(*testing.T)) {
			var r presetsReply
			return &r, func(*testing.T) { presetNames(r.presets()) }
		},
		"GetVideoSources": func() (any, func(*testing.T)) {
			var r videoSourcesReply
			return &r, func(*testing.T) { r.sources() }
		},
		"GetVideoEncoderConfigurations": func() (any, func(*testing.T)) {
			var r encodersReply
			return &r, func(*testing.T) { describeAll(r.Configurations) }
		},
		"CreatePullPointSubscription": func() (any, func(*testing.T)) {
			var r createReply
			return &r, func(t *testing.T) { services(t, map[string]string{"": string(r.SubscriptionReference.Address)}) }
		},
	}
}

func mustBePrintable(t *testing.T, s string) {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			t.Errorf("%q is not printable", s)
		}
	}
}

func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		message("tns1:VideoSource/MotionAlarm", "Initialized", "1", item("State", "true")),
		message("tns1:RuleEngine/CellMotionDetector/Motion", "Deleted", "1", ""),
		message("motion", "Changed", "1", item("IsMotion", "0")+item("State", "1")) + "<NotificationMessage/>",
	} {
		f.Add([]byte(inEnvelope("<PullMessagesResponse>" + seed + "</PullMessagesResponse>")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var reply messagesReply
		if err := readReply(data, 200, "PullMessages", &reply); err != nil {
			return
		}
		state := newMotionState()
		for range 2 {
			calls := 0
			state.take(&reply)
			state.tell(func(bool) { calls++ })
			state.tell(func(bool) { calls += 10 })
			if calls > 1 || len(state.detectors) > maxDetectors {
				t.Errorf("%d calls, %d detectors", calls, len(state.detectors))
			}
		}
	})
}
