package console

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"camgate/camera"
	"camgate/onvif"
)

// The commands of cctvAgent, with the columns that its users know; longer texts widen
// them.

// runCCTVDiscovery searches, and lists the cameras with their profiles.
func runCCTVDiscovery(ctx context.Context, r *request) error {
	if err := r.search(ctx, defaultSearch); err != nil {
		return err
	}
	return runCCTVList(ctx, r)
}

// runCCTVSearch searches, and lists the ONVIF services.
func runCCTVSearch(ctx context.Context, r *request) error {
	err := r.search(ctx, defaultSearch)
	if err != nil && ctx.Err() == nil {
		return err
	}
	t := &table{gap: 1, columns: []column{{head: "No.", min: 3}, {head: "Host", min: 21, whole: true}, {head: "ONVIF Service Url", whole: true}}}
	for _, d := range r.gateway.Devices() {
		for _, address := range d.ONVIF {
			host := d.Address.String()
			if u, err := url.Parse(address); err == nil {
				host = u.Host
			}
			t.add(number(float64(len(t.rows)+1)), host, maskAddress(address))
		}
	}
	if shown := r.show(t); shown != nil {
		return shown
	}
	return err
}

// runCCTVList lists the cameras with their profiles.
func runCCTVList(ctx context.Context, r *request) error {
	t := &table{gap: 1, columns: []column{{head: "ID", min: 8}, {head: "Host", min: 17}, {head: "Name", min: 20}, {head: "Profiles", min: 18},
		{head: "Encoding", min: 8}, {head: "Resolution", min: 11}, {head: "use", min: 3}}}
	for _, c := range r.details(ctx, r.gateway.Cameras()) {
		first := []string{c.status.Name, c.host, c.hostname}
		for _, p := range c.profiles {
			use := ""
			if c.uses(p) {
				use = "*"
			}
			t.add(append(first, p.Name, p.Codec, size(p.Width, p.Height), use)...)
			first = []string{"", "", ""}
		}
		if len(c.profiles) == 0 {
			t.add(append(first, c.trouble, "", "", "")...)
		}
	}
	return r.show(t)
}

// runCCTVClear removes what was found.
func runCCTVClear(_ context.Context, r *request) error {
	n := r.gateway.ForgetFound()
	r.printf("%d of the cameras that were found are removed\n", n)
	return nil
}

// runCCTVStream lists the stream addresses.
func runCCTVStream(_ context.Context, r *request) error {
	t := &table{gap: 1, columns: []column{{head: "ID", min: 8}, {head: "RTSP Streaming Url", whole: true}}}
	for _, c := range r.gateway.Cameras() {
		if address := r.gateway.Stream(c.Name()); address != "" {
			t.add(c.Name(), maskAddress(address))
		}
	}
	return r.show(t)
}

// runCCTVOnvif lists the ONVIF addresses.
func runCCTVOnvif(_ context.Context, r *request) error {
	t := &table{gap: 1, columns: []column{{head: "ID", min: 8}, {head: "ONVIF Service Url", whole: true}}}
	for _, c := range r.gateway.Cameras() {
		if address := onvifAddress(c.Status().Address); address != "" {
			t.add(c.Name(), address)
		}
	}
	return r.show(t)
}

// runCCTVReset connects to all cameras anew.
func runCCTVReset(_ context.Context, r *request) error {
	r.gateway.ResetProxies()
	r.printf("all cameras connect anew\n")
	return nil
}

// onvifAddress is the URL of the device service of a camera whose source is onvif:// or
// onvifs://, "" for others.
func onvifAddress(source string) string {
	u, err := parseSource(source)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "onvif":
		u.Scheme, u.Host = "http", strings.TrimSuffix(u.Host, ":80")
	case "onvifs":
		u.Scheme, u.Host = "https", strings.TrimSuffix(u.Host, ":443")
	default:
		return ""
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/onvif/device_service"
	}
	query := u.Query()
	query.Del("profile") // these two are for the gateway
	query.Del("source")
	u.RawQuery, u.User = query.Encode(), nil
	return maskAddress(u.String())
}

// parseSource reads a camera's address. The zone of an IPv6 address stands in it as it is, and
// in a URL encoded (RFC 6874).
func parseSource(source string) (*url.URL, error) {
	end := strings.IndexByte(source, ']')
	if zone := strings.IndexByte(source[:max(end, 0)], '%'); zone >= 0 {
		source = source[:zone] + "%25" + source[zone+1:]
	}
	return url.Parse(source)
}

// details is what cctvAgent shows of one camera.
type details struct {
	status   camera.Status
	host     string // without the usual port
	hostname string
	onvif    string // address of its device service
	profiles []onvif.Profile
	streams  []string // of the profiles, as far as they are known
	trouble  string   // why there are no profiles
}

// askFor is how long one camera may take to tell its profiles.
const askFor = 8 * time.Second

// details asks cameras what they have, some at a time.
func (r *request) details(ctx context.Context, cameras []*camera.Camera) []*details {
	all := make([]*details, len(cameras))
	places := make(chan struct{}, 16)
	var asking sync.WaitGroup
	for i, c := range cameras {
		asking.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			all[i] = r.detailsOf(ctx, c)
		})
	}
	r.working("asking %d cameras…", len(cameras))
	asking.Wait()
	r.working("")
	return all
}

func (r *request) detailsOf(ctx context.Context, c *camera.Camera) *details {
	d := &details{status: c.Status()}
	d.onvif = onvifAddress(d.status.Address)
	if u, err := parseSource(d.status.Address); err == nil {
		d.host = strings.TrimSuffix(strings.TrimSuffix(u.Host, ":80"), ":554")
	}
	if d.onvif == "" {
		d.profiles = []onvif.Profile{{Name: "stream", Codec: codecName(d.status.Codec), Width: d.status.Width, Height: d.status.Height, FPS: d.status.FPS}}
		d.streams = []string{r.gateway.Stream(c.Name())}
		return d
	}
	client, err := r.gateway.ONVIF(c.Name(), "", "")
	if err != nil {
		d.trouble = err.Error()
		return d
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if d.profiles, err = client.Profiles(ctx); err != nil {
		d.trouble = err.Error()
		return d
	}
	d.hostname, _ = client.Hostname(ctx) // not every camera has one
	for _, p := range d.profiles {
		stream, err := client.StreamURI(ctx, p)
		if err != nil {
			stream = err.Error()
		}
		d.streams = append(d.streams, maskAddress(stream))
	}
	return d
}

// uses says whether the gateway shows this profile just now, as far as it can be told from
// its size and codec.
func (d *details) uses(p onvif.Profile) bool {
	if d.onvif == "" {
		return true
	}
	return d.status.Width > 0 && p.Width == d.status.Width && p.Height == d.status.Height && (p.Codec == "" || p.Codec == codecName(d.status.Codec))
}

// codecName is a codec as ONVIF writes it.
func codecName(codec string) string {
	if codec == "MJPEG" {
		return "JPEG"
	}
	return strings.NewReplacer(".", "", "-", "").Replace(codec)
}
