package device

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camsim"
	"camgate/decoder"
	"camgate/media"
	"camgate/testleak"
)

func TestMain(m *testing.M) {
	testleak.Main(m, pairs.close)
}

// pairs of cameras, by the main stream's codec; all tests share them.
var pairs cameraPairs

type cameraPairs struct {
	mu     sync.Mutex
	server *camsim.Server
	made   map[media.Codec][2]*camsim.Camera
}

func (p *cameraPairs) close() {
	if p.server != nil {
		p.server.Close()
	}
}

// cameras are a main and a sub stream.
func cameras(t testing.TB, codec media.Codec) (main, sub *camsim.Camera) {
	t.Helper()
	pairs.mu.Lock()
	defer pairs.mu.Unlock()
	if pairs.server == nil {
		server, err := camsim.Listen(context.Background(), camsim.ServerOptions{NoUDP: true})
		if err != nil {
			t.Fatal(err)
		}
		pairs.server, pairs.made = server, map[media.Codec][2]*camsim.Camera{}
	}
	if pair, made := pairs.made[codec]; made {
		return pair[0], pair[1]
	}
	add := func(name string, codec media.Codec, width, height int) *camsim.Camera {
		c, err := pairs.server.Add(camsim.Options{Name: name, Mode: camsim.Live,
			Video: decoder.VideoEncoderOptions{Codec: codec, Width: width, Height: height, FPS: 10, GOP: 10, Preset: "ultrafast"}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	name := fmt.Sprint(codec)
	pair := [2]*camsim.Camera{add(name+"/main", codec, 320, 240), add(name+"/sub", media.H264, 160, 120)}
	pairs.made[codec] = pair
	return pair[0], pair[1]
}

// start starts a device with two profiles, and what else o says.
func start(t testing.TB, o Options) *Device {
	t.Helper()
	main, sub := cameras(t, media.H264)
	return startWith(t, o, main, sub)
}

func startWith(t testing.TB, o Options, main, sub *camsim.Camera) *Device {
	t.Helper()
	o.Profiles = []Profile{{Token: "main", Camera: main}, {Token: "sub", Camera: sub}}
	d, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// An answer of HTTP.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) String() string { return fmt.Sprintf("HTTP %d\n%s", r.status, r.body) }

// must contain all of these.
func (r reply) must(t testing.TB, status int, parts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("HTTP %d, want %d: %.2000s", r.status, status, r.body)
	}
	for _, part := range parts {
		if !strings.Contains(r.body, part) {
			t.Errorf("%q is not in %.3000s", part, r.body)
		}
	}
}

func (r reply) mustNot(t testing.TB, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(r.body, part) {
			t.Errorf("%q is in %.3000s", part, r.body)
		}
	}
}

// client that neither follows redirects nor keeps connections.
func client(t testing.TB) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func do(t testing.TB, req *http.Request) reply {
	t.Helper()
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
}

func request(t testing.TB, address, header, body string) *http.Request {
	t.Helper()
	envelope := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewBufferString(envelope))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	return req
}

// op is an operation's element: prefix:Name, then what is in it.
func op(name string, inside ...string) string {
	prefix, local, _ := strings.Cut(name, ":")
	return fmt.Sprintf(`<%s xmlns="%s" xmlns:tt="%s">%s</%s>`, local, namespaces[prefix], namespaces["tt"], strings.Join(inside, ""), local)
}

// ask the device service, without a login. Operations of all services are known there.
func ask(t testing.TB, d *Device, name string, inside ...string) reply {
	t.Helper()
	return do(t, request(t, d.XAddr(), "", op(name, inside...)))
}

func TestDeviceTellsWhatItsCamerasAre(t *testing.T) {
	d := start(t, Options{Name: "Front Door", Maker: "Acme & Sons", Model: "C<1>", Serial: "S1", Location: "Hall"})
	ask(t, d, "tds:GetDeviceInformation").must(t, 200, "<tds:Manufacturer>Acme &amp; Sons<", "<tds:Model>C&lt;1&gt;<", "<tds:SerialNumber>S1<")
	ask(t, d, "tds:GetHostname").must(t, 200, "<tt:Name>front-door<")
	ask(t, d, "tds:GetScopes").must(t, 200, "onvif://www.onvif.org/name/Front%20Door<", "onvif://www.onvif.org/location/Hall<")
	ask(t, d, "tds:GetEndpointReference").must(t, 200, "<tds:GUID>"+strings.TrimPrefix(d.EndpointReference(), "urn:uuid:"))
	ask(t, d, "tds:GetNetworkInterfaces").must(t, 200, "<tt:HwAddress>02:", "<tt:Address>127.0.0.1<")
	now := time.Now().UTC()
	ask(t, d, "tds:GetSystemDateAndTime").must(t, 200, "<tds:SystemDateAndTime>", fmt.Sprintf("<tt:Year>%d<", now.Year()))

	base := strings.TrimSuffix(d.XAddr(), "/onvif/device_service")
	ask(t, d, "tds:GetServices").must(t, 200, "<tds:Namespace>http://www.onvif.org/ver20/media/wsdl<", base+"/onvif/media2_service<")
	ask(t, d, "tds:GetServices", "<IncludeCapability>true</IncludeCapability>").must(t, 200, "<trt:Capabilities SnapshotUri=\"true\"", `WSPullPointSupport="true"`)
	ask(t, d, "tds:GetCapabilities", "<Category>All</Category>").must(t, 200, "<tt:Media><tt:XAddr>"+base+"/onvif/media_service<", "<tt:Media2><tt:XAddr>")
	ask(t, d, "tds:GetCapabilities", "<Category>Media</Category>").mustNot(t, "<tt:Device>")
	ask(t, d, "tds:GetServiceCapabilities").must(t, 200, `UsernameToken="true"`, `HttpDigest="true"`)
	ask(t, d, "tr2:GetServiceCapabilities").must(t, 200, "<tr2:GetServiceCapabilitiesResponse><tr2:Capabilities")
}

func TestProfilesAreThoseOfTheCameras(t *testing.T) {
	d := start(t, Options{})
	r := ask(t, d, "trt:GetProfiles")
	r.must(t, 200, `<trt:Profiles token="main"`, `<trt:Profiles token="sub"`, "<tt:Name>MainStream<", "<tt:Encoding>H264<",
		"<tt:Width>320</tt:Width><tt:Height>240<", "<tt:Width>160</tt:Width><tt:Height>120<", "<tt:FrameRateLimit>10<", "<tt:GovLength>10<")
	r.mustNot(t, "PTZConfiguration")
	ask(t, d, "trt:GetProfile", "<ProfileToken>sub</ProfileToken>").must(t, 200, "<tt:Width>160<")
	ask(t, d, "trt:GetVideoSources").must(t, 200, `token="VideoSource_1"`, "<tt:Width>320<")
	ask(t, d, "trt:GetVideoSourceConfigurations").must(t, 200, "<tt:SourceToken>VideoSource_1<")
	ask(t, d, "trt:GetVideoEncoderConfigurations").must(t, 200, `token="VideoEncoder_1"`, `token="VideoEncoder_2"`)
	ask(t, d, "trt:GetVideoEncoderConfiguration", "<ConfigurationToken>VideoEncoder_2</ConfigurationToken>").must(t, 200, "<tt:Width>160<")

	ask(t, d, "tr2:GetProfiles").mustNot(t, "Configurations")
	ask(t, d, "tr2:GetProfiles", "<Type>VideoEncoder</Type>").mustNot(t, "tr2:VideoSource ")
	ask(t, d, "tr2:GetProfiles", "<Type>All</Type>").must(t, 200, `<tr2:VideoEncoder token="VideoEncoder_1" GovLength="10" Profile="High">`, "<tt:Encoding>H264<", "<tr2:VideoSource ")
	ask(t, d, "tr2:GetProfiles", "<Token>sub</Token><Type>All</Type>").mustNot(t, `token="main"`)
	ask(t, d, "tr2:GetVideoEncoderConfigurations").must(t, 200, `token="VideoEncoder_2"`)
	ask(t, d, "tr2:GetVideoSourceConfigurations").must(t, 200, "<tt:SourceToken>VideoSource_1<")

	address := d.options.Profiles[1].Camera.Address()
	ask(t, d, "trt:GetStreamUri", "<StreamSetup/><ProfileToken>sub</ProfileToken>").must(t, 200, "<trt:MediaUri><tt:Uri>"+address+"</tt:Uri>")
	ask(t, d, "tr2:GetStreamUri", "<Protocol>RTSP</Protocol><ProfileToken>sub</ProfileToken>").must(t, 200, "<tr2:GetStreamUriResponse><tr2:Uri>"+address+"</tr2:Uri>")
	base := strings.TrimSuffix(d.XAddr(), "/onvif/device_service")
	ask(t, d, "trt:GetSnapshotUri", "<ProfileToken>main</ProfileToken>").must(t, 200, "<tt:Uri>"+base+"/snapshot/main.jpg</tt:Uri>")
	ask(t, d, "tr2:GetSnapshotUri", "<ProfileToken>main</ProfileToken>").must(t, 200, "<tr2:Uri>"+base+"/snapshot/main.jpg</tr2:Uri>")
}

func TestFaultsSayWhy(t *testing.T) {
	d := start(t, Options{})
	for name, c := range map[string]struct {
		op      string
		status  int
		subcode string
	}{
		"no such profile":    {op("trt:GetStreamUri", "<ProfileToken>x</ProfileToken>"), 400, "ter:NoProfile"},
		"no such profile 2":  {op("tr2:GetProfiles", "<Token>x</Token>"), 400, "ter:NoProfile"},
		"no such encoder":    {op("trt:GetVideoEncoderConfiguration"), 400, "ter:NoConfig"},
		"no such operation":  {op("tds:SystemReboot"), 500, "ter:ActionNotSupported"},
		"no such category":   {op("tds:GetCapabilities", "<Category>Moon</Category>"), 400, "ter:NoSuchService"},
		"no PTZ":             {op("tptz:GetNodes"), 500, "ter:ActionNotSupported"},
		"no operation":       {"", 400, "ter:WellFormed"},
		"too deep":           {strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100), 400, "ter:WellFormed"},
		"too many elements":  {"<a>" + strings.Repeat("<a/>", 5000) + "</a>", 400, "ter:WellFormed"},
		"too many parts":     {"<a>" + strings.Repeat("x<!---->", 20_000) + "</a>", 400, "ter:WellFormed"},
		"an entity":          {"<a>&lol;</a>", 400, "ter:WellFormed"},
		"larger than 1 MiB":  {"<a>" + strings.Repeat("x", 1<<20) + "</a>", 400, "ter:WellFormed"},
		"an unknown service": {`<GetProfiles xmlns="urn:x"/>`, 500, "ter:ActionNotSupported"},
	} {
		t.Run(name, func(t *testing.T) {
			do(t, request(t, d.XAddr(), "", c.op)).must(t, c.status, c.subcode, "<SOAP-ENV:Fault>", "</SOAP-ENV:Fault>")
		})
	}
	if n := d.Requests(); n["NoProfile"] != 2 || n["GetStreamUri"] != 1 || n["400"] != 10 {
		t.Errorf("counted %v", n)
	}
}
