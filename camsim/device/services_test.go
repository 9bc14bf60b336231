package device

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"camgate/camsim/stamp"
)

func TestTurning(t *testing.T) {
	d := start(t, Options{PTZ: true})
	const token = "<ProfileToken>main</ProfileToken>"
	at := func(want PTZState) {
		t.Helper()
		if got := d.PTZ(); got != want {
			t.Errorf("it looks at %+v, want %+v", got, want)
		}
	}
	ask(t, d, "tptz:GetNodes").must(t, 200, "<tt:ContinuousPanTiltVelocitySpace><tt:URI>http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace<", "<tt:MaximumNumberOfPresets>100<")
	ask(t, d, "tptz:GetNode", "<NodeToken>PTZNode_1</NodeToken>").must(t, 200, `token="PTZNode_1"`)
	ask(t, d, "tptz:GetConfigurations").must(t, 200, "<tt:NodeToken>PTZNode_1<")
	ask(t, d, "trt:GetProfiles").must(t, 200, `<tt:PTZConfiguration token="PTZ_1">`)
	ask(t, d, "tr2:GetProfiles", "<Type>All</Type>").must(t, 200, `<tr2:PTZ token="PTZ_1">`)

	ask(t, d, "tptz:AbsoluteMove", token, `<Position><tt:PanTilt x="0.25" y="-0.5"/><tt:Zoom x="0.75"/></Position>`).must(t, 200)
	at(PTZState{Pan: 0.25, Tilt: -0.5, Zoom: 0.75})
	ask(t, d, "tptz:RelativeMove", token, `<Translation><tt:PanTilt x="0.5" y="0.25"/></Translation>`).must(t, 200)
	at(PTZState{Pan: 0.75, Tilt: -0.25, Zoom: 0.75})
	ask(t, d, "tptz:GetStatus", token).must(t, 200, `<tt:PanTilt x="0.75" y="-0.25"`, "<tt:PanTilt>IDLE<")
	ask(t, d, "tptz:SetPreset", token, "<PresetName>Door &amp; bell</PresetName>").must(t, 200, "<tptz:PresetToken>3<")
	ask(t, d, "tptz:GetPresets", token).must(t, 200, `<tptz:Preset token="3"><tt:Name>Door &amp; bell<`, "<tt:Name>Gate<")
	ask(t, d, "tptz:GotoPreset", token, "<PresetToken>1</PresetToken>").must(t, 200)
	at(PTZState{Pan: -0.5, Tilt: 0.25, Preset: "1"})

	ask(t, d, "tptz:ContinuousMove", token, `<Velocity><tt:PanTilt x="1" y="0"/></Velocity>`).must(t, 200)
	if s := d.PTZ(); !s.Moving || s.Preset != "" {
		t.Errorf("it does not move: %+v", s)
	}
	ask(t, d, "tptz:GetStatus", token).must(t, 200, "<tt:PanTilt>MOVING<")
	for deadline := time.Now().Add(20 * time.Second); d.PTZ().Pan <= -0.5; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it goes nowhere")
		}
	}
	ask(t, d, "tptz:Stop", token).must(t, 200)
	if s := d.PTZ(); s.Moving {
		t.Errorf("it moves on: %+v", s)
	}
	ask(t, d, "tptz:ContinuousMove", token, `<Velocity><tt:Zoom x="-1"/></Velocity><Timeout>PT0.01S</Timeout>`).must(t, 200)
	for deadline := time.Now().Add(20 * time.Second); d.PTZ().Moving; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not stop by itself")
		}
	}

	for name, r := range map[string]reply{
		"ter:InvalidVelocity": ask(t, d, "tptz:ContinuousMove", token, `<Velocity><tt:PanTilt x="1.5" y="0"/></Velocity>`),
		"ter:InvalidPosition": ask(t, d, "tptz:AbsoluteMove", token, `<Position><tt:Zoom x="-0.5"/></Position>`),
		"ter:NoToken":         ask(t, d, "tptz:GotoPreset", token, "<PresetToken>9</PresetToken>"),
		"ter:NoProfile":       ask(t, d, "tptz:Stop", "<ProfileToken>x</ProfileToken>"),
		"ter:InvalidArgs":     ask(t, d, "tptz:AbsoluteMove", token, `<Position><tt:Zoom x="NaN"/></Position>`),
		"ter:NoEntity":        ask(t, d, "tptz:GetNode"),
	} {
		r.must(t, 400, name)
	}
}

// pullPointOf makes one, and returns its address.
func pullPointOf(t *testing.T, d *Device, inside ...string) string {
	t.Helper()
	r := ask(t, d, "tev:CreatePullPointSubscription", inside...)
	r.must(t, 200, "<wsnt:TerminationTime>")
	m := regexp.MustCompile(`<wsa5:Address>([^<]+)<`).FindStringSubmatch(r.body)
	if m == nil {
		t.Fatalf("no address in %s", r.body)
	}
	return m[1]
}

func pull(t *testing.T, address, timeout string) reply {
	t.Helper()
	return do(t, request(t, address, "", op("tev:PullMessages", "<Timeout>"+timeout+"</Timeout><MessageLimit>10</MessageLimit>")))
}

func TestMotionIsTold(t *testing.T) {
	d := start(t, Options{})
	address := pullPointOf(t, d, "<InitialTerminationTime>PT60S</InitialTerminationTime>")
	pull(t, address, "PT1S").must(t, 200, `PropertyOperation="Initialized"`, "tns1:RuleEngine/CellMotionDetector/Motion<", `Name="IsMotion" Value="false"`,
		"tns1:VideoSource/MotionAlarm<", `Name="State" Value="false"`)
	pull(t, address, "PT0S").mustNot(t, "NotificationMessage")

	answered := make(chan reply)
	go func() { answered <- pull(t, address, "PT20S") }()
	for deadline := time.Now().Add(20 * time.Second); d.Requests()["PullMessages"] < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody pulls")
		}
	}
	d.Motion(true)
	d.Motion(true) // is nothing new
	(<-answered).must(t, 200, `PropertyOperation="Changed"`, `Name="IsMotion" Value="true"`)
	pull(t, address, "PT0S").mustNot(t, "NotificationMessage")
	do(t, request(t, address, "", op("tev:SetSynchronizationPoint"))).must(t, 200)
	pull(t, address, "PT0S").must(t, 200, `PropertyOperation="Initialized"`, `Value="true"`)

	do(t, request(t, address, "", op("wsnt:Renew", "<TerminationTime>PT1H</TerminationTime>"))).must(t, 200, "<wsnt:RenewResponse>")
	do(t, request(t, address, "", op("wsnt:Renew", "<TerminationTime>yesterday</TerminationTime>"))).must(t, 400, "wsnt:UnacceptableInitialTerminationTimeFault")
	do(t, request(t, address, "", op("tev:PullMessages"))).must(t, 400, "ter:InvalidArgs")
	do(t, request(t, address, "", op("wsnt:Unsubscribe"))).must(t, 200)
	pull(t, address, "PT1S").must(t, 400, "ResourceUnknown")
	ask(t, d, "tev:GetEventProperties").must(t, 200, "IsMotion")
}

func TestPullPointsAreFewAndEnd(t *testing.T) {
	d := start(t, Options{})
	address := pullPointOf(t, d, "<InitialTerminationTime>PT0.05S</InitialTerminationTime>")
	for deadline := time.Now().Add(20 * time.Second); d.PullPoints() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}
	pull(t, address, "PT1S").must(t, 400, "ResourceUnknown")
	for range maxPullPoints {
		pullPointOf(t, d)
	}
	ask(t, d, "tev:CreatePullPointSubscription").must(t, 500, "wsnt:SubscribeCreationFailedFault")
}

func TestCloseEndsWhoPulls(t *testing.T) {
	d := start(t, Options{})
	address := pullPointOf(t, d)
	pull(t, address, "PT0S").must(t, 200)
	ended := make(chan struct{})
	req := request(t, address, "", op("tev:PullMessages", "<Timeout>PT60S</Timeout><MessageLimit>1</MessageLimit>"))
	c := client(t)
	go func() {
		defer close(ended)
		if res, err := c.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); d.Requests()["PullMessages"] < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody pulls")
		}
	}
	d.Close()
	<-ended
}

func snapshotURL(d *Device, token string) string {
	return d.scheme() + "://" + d.addressOf(roleSnapshots) + "/snapshot/" + token + ".jpg"
}

func isPicture(t testing.TB, r reply, width int) {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader([]byte(r.body)))
	if err != nil || r.status != 200 {
		t.Fatalf("HTTP %d, %v", r.status, err)
	}
	if _, ok := stamp.Read(img); !ok || img.Bounds().Dx() != width {
		t.Errorf("%v, stamp %v", img.Bounds(), ok)
	}
}

func TestSnapshotIsThePictureOfItsProfile(t *testing.T) {
	d := start(t, Options{})
	r := get(t, snapshotURL(d, "main"))
	isPicture(t, r, 320)
	if r.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("it is %q", r.header.Get("Content-Type"))
	}
	isPicture(t, get(t, snapshotURL(d, "sub")), 160)
	get(t, snapshotURL(d, "none")).must(t, 404)
	get(t, strings.Replace(snapshotURL(d, "main"), "/snapshot/", "/elsewhere/", 1)).must(t, 404)
	get(t, strings.Replace(d.XAddr(), "device_service", "", 1)).must(t, 405)
	get(t, strings.Replace(d.XAddr(), "onvif/device_service", "", 1)).must(t, 200, "A simulated camera")
}

func TestSnapshotTakesBasicAndDigest(t *testing.T) {
	d := locked(t, Options{})
	req := getting(t, snapshotURL(d, "main"))
	r := do(t, req())
	r.must(t, 401)
	if offered := fmt.Sprint(r.header.Values("WWW-Authenticate")); !strings.Contains(offered, "Digest ") || !strings.Contains(offered, "Basic ") {
		t.Errorf("it offers %s", offered)
	}
	isPicture(t, digested(t, req, "MD5", password), 320)
	isPicture(t, do(t, basic(req(), password)), 320)
	do(t, basic(req(), "wrong")).must(t, 401)
}

func getting(t testing.TB, address string) func() *http.Request {
	return func() *http.Request {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
}

func basic(req *http.Request, password string) *http.Request {
	req.SetBasicAuth(user, password)
	return req
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT5S": 5 * time.Second, "PT0.5S": time.Second / 2, "P1DT2H3M4S": 26*time.Hour + 3*time.Minute + 4*time.Second, "-PT1M": -time.Minute, "PT0S": 0} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%s is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "P", "PT", "5S", "PT5", "P1Y", "PT-5S", "PT1e9S", "PT999999999999S"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}
