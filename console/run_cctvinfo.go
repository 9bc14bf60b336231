package console

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"camgate/camera"
	"camgate/onvif"
)

// runCCTVGet asks one ONVIF service.
func runCCTVGet(ctx context.Context, r *request) error {
	address, user, password := takeLogin(r.args[0])
	if len(r.args) > 1 {
		user, password = r.args[1], ""
	}
	if len(r.args) > 2 {
		password = r.args[2]
	}
	if !strings.Contains(address, "://") {
		return usagef("cctv get: %q is no address; it begins with http://, https:// or onvif://", address)
	}
	r.printf("Get ONVIF Information from\n > url: %s\n", r.in(green, maskAddress(address)))
	if user != "" {
		r.printf(" > username: %s, passwd: %s\n", r.in(green, user), r.in(green, hidden))
	}
	client, err := r.gateway.ONVIF(address, user, password)
	if err != nil {
		return err
	}
	defer client.Close()
	r.working("asking %s…", maskAddress(address))
	return r.service(ctx, client)
}

// service tells what an ONVIF service is. What it does not tell is left out; the error is
// for one that tells nothing.
func (r *request) service(ctx context.Context, client *onvif.Client) error {
	info, err := client.Information(ctx)
	if err != nil && !errors.Is(err, onvif.ErrNotSupported) {
		return err
	}
	line := func(name, text string) {
		if text != "" {
			r.printf("%11s : %s\n", name, r.in(green, text))
		}
	}
	line("Maker", info.Maker)
	line("Model", info.Model)
	line("Firmware", info.Firmware)
	line("Serial", info.Serial)
	line("Hardware", info.Hardware)
	if name, err := client.Hostname(ctx); err == nil {
		line("Name", name)
	}
	if clock, err := client.Clock(ctx); err == nil {
		line("Clock", skew(clock))
	}
	profiles, err := client.Profiles(ctx)
	if err != nil {
		return err
	}
	line("Login", client.Auth())
	r.printf("Profile Information:\n")
	for _, p := range profiles {
		stream, err := client.StreamURI(ctx, p)
		if err != nil {
			stream = err.Error()
		}
		r.profile(p, false, stream)
	}
	for _, note := range client.Notes() {
		r.printf("%s\n", r.in(yellow, note))
	}
	return nil
}

// skew is how far a camera's clock is off.
func skew(c onvif.Clock) string {
	switch {
	case c.Skew < 0:
		return span(-c.Skew) + " behind (" + c.Source + ")"
	case c.Skew > 0:
		return span(c.Skew) + " ahead (" + c.Source + ")"
	}
	return "right (" + c.Source + ")"
}

// runCCTVInfo tells all about one camera.
func runCCTVInfo(ctx context.Context, r *request) error {
	c, err := r.camera(r.args[0])
	if err != nil {
		return err
	}
	data := len(r.args) > 1
	if data && !strings.EqualFold(r.args[1], "data") {
		return usageError{r.usage()}
	}
	d := r.details(ctx, []*camera.Camera{c})[0]
	if data {
		return writeJSON(r.out, d.data())
	}
	r.printf("Basic Information:\n")
	r.pair("ID", d.status.Name, "Host", d.host)
	r.pair("Name", d.hostname, "ONVIF Url", d.onvif)
	r.pair("State", d.status.State, "Password", hidden)
	r.printf("Camera Source Information:\n")
	r.pair("Encoding", codecName(d.status.Codec), "Resolution", size(d.status.Width, d.status.Height))
	r.printf("Profile Information:\n")
	for i, p := range d.profiles {
		stream := ""
		if i < len(d.streams) {
			stream = d.streams[i]
		}
		r.profile(p, d.uses(p), stream)
	}
	if d.trouble != "" {
		return errors.New(d.trouble)
	}
	return nil
}

// cameraData is one camera for other programs.
type cameraData struct {
	Status   camera.Status `json:"status"`
	Host     string        `json:"host"`
	Name     string        `json:"name"`
	ONVIF    string        `json:"onvif,omitempty"`
	Profiles []profileData `json:"profiles"`
	Trouble  string        `json:"trouble,omitempty"` // why there are no profiles
}

// profileData is one of its profiles.
type profileData struct {
	Token   string  `json:"token,omitempty"`
	Name    string  `json:"name"`
	Codec   string  `json:"codec,omitempty"`
	Width   int     `json:"width,omitempty"`
	Height  int     `json:"height,omitempty"`
	FPS     float64 `json:"fps,omitempty"`
	Bitrate int     `json:"bitrate,omitempty"` // kbit/s
	Quality float64 `json:"quality,omitempty"`
	PTZ     bool    `json:"ptz"`
	Used    bool    `json:"used"` // by the gateway, just now
	Stream  string  `json:"stream,omitempty"`
}

func (d *details) data() cameraData {
	all := cameraData{d.status, d.host, d.hostname, d.onvif, []profileData{}, maskText(d.trouble)}
	for i, p := range d.profiles {
		one := profileData{p.Token, p.Name, p.Codec, p.Width, p.Height, p.FPS, p.Bitrate, p.Quality, p.PTZ, d.uses(p), ""}
		if i < len(d.streams) {
			one.Stream = d.streams[i]
		}
		all.Profiles = append(all.Profiles, one)
	}
	return all
}

// pair writes two values on a line.
func (r *request) pair(a, first, b, second string) {
	r.printf("%11s : %s %10s : %s\n", a, r.in(green, pad(clean(first), 20, false)), b, r.in(green, second))
}

// profile writes one profile.
func (r *request) profile(p onvif.Profile, used bool, stream string) {
	mark := "[ ]"
	if used {
		mark = "[v]"
	}
	r.printf("%11s : %s %s\n", "Name", mark, r.in(green, p.Name))
	r.pair("Encoding", p.Codec, "Resolution", size(p.Width, p.Height))
	r.pair("Quality", number(p.Quality), "Frames/Sec", number(p.FPS))
	r.printf("%11s : %s\n", "Stream Url", r.in(green, stream))
}

// infoWords complete cctv info.
func infoWords(g Gateway, args []string) []candidate {
	if len(args) == 1 {
		return []candidate{{Value: "data", About: "as JSON"}}
	}
	return cameraNames(g, args)
}

// takeLogin takes user and password out of an address.
func takeLogin(address string) (without, user, password string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address, "", ""
	}
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		at = strings.LastIndexByte(rest, '@') // the password has a slash
	}
	if at < 0 {
		return address, "", ""
	}
	user, password, _ = strings.Cut(rest[:at], ":")
	return scheme + "://" + rest[at+1:], plain(user), plain(password)
}

// plain undoes %-encoding where there is any.
func plain(s string) string {
	if p, err := url.PathUnescape(s); err == nil {
		return p
	}
	return s
}
