package device

import (
	"fmt"
	"math"
	"net/url"

	"camgate/media"
)

// A profileView is a profile as the media services tell of it.
type profileView struct {
	Token, Name  string
	Video        bool // it has a video encoder
	Encoder      string
	Encoding1    string // as Media1 says it; "": hidden
	Encoding2    string // as Media2 says it
	Profile      string // of the codec
	Width        int
	Height       int
	FPS          float64
	WholeFPS     int
	Bitrate      int // kbit/s
	Quality      int
	GOP          int
	PTZ          bool
	Source       string // token of the video source configuration
	SourceUses   int
	SourceWidth  int // of the main stream
	SourceHeight int
}

// profiles are all of them, those without video among them.
func (c *call) profiles() []profileView {
	d := c.d
	var list []profileView
	for i := range d.options.Profiles {
		if d.has(QuirkProfilesWithoutVideo) {
			for range 2 + 3*(i%2) { // two before, and five between
				n := len(list) + 1
				list = append(list, profileView{Token: fmt.Sprintf("metadata_%d", n), Name: fmt.Sprintf("Metadata %d", n)})
			}
		}
		list = append(list, d.profileView(i))
	}
	main := d.options.Profiles[0].Camera.Video()
	for i := range list {
		v := &list[i]
		v.Source, v.SourceUses, v.SourceWidth, v.SourceHeight = "VideoSource_1_config", len(list), main.Width, main.Height
		if v.FPS == 0 {
			v.FPS = main.FPS
		}
	}
	return list
}

func (d *Device) profileView(i int) profileView {
	p := d.options.Profiles[i]
	v := p.Camera.Video()
	view := profileView{Token: p.Token, Name: p.Name, Video: true, Encoder: fmt.Sprintf("VideoEncoder_%d", i+1),
		Width: v.Width, Height: v.Height, FPS: v.FPS, WholeFPS: max(1, int(math.Round(v.FPS))), Bitrate: v.Bitrate / 1000, Quality: 80, GOP: v.GOP,
		PTZ: d.options.PTZ, Profile: "High"}
	if view.Bitrate == 0 { // it encodes by quality: about so many
		view.Bitrate = max(1, int(float64(v.Width*v.Height)*v.FPS*0.4/1000))
	}
	switch v.Codec {
	case media.H265:
		view.Encoding1, view.Encoding2, view.Profile = "H265", "H265", "Main"
	case media.MJPEG:
		view.Encoding1, view.Encoding2, view.Profile = "JPEG", "JPEG", ""
	case media.MPEG4:
		view.Encoding1, view.Encoding2, view.Profile = "MPEG4", "MPV4-ES", "Simple"
	default:
		view.Encoding1, view.Encoding2 = "H264", "H264"
	}
	switch {
	case d.has(QuirkCodecWrong):
		view.Encoding1 = "H264"
	case d.has(QuirkH265Hidden) && v.Codec == media.H265:
		view.Encoding1 = ""
	}
	if d.has(QuirkXMLBadUTF8) {
		view.Name += latin1
	}
	return view
}

// encoders are the profiles that have one.
func (c *call) encoders() []profileView {
	var list []profileView
	for _, p := range c.profiles() {
		if token := c.body.value("ConfigurationToken"); p.Video && (token == "" || token == p.Encoder) {
			list = append(list, p)
		}
	}
	return list
}

func (c *call) encoder() (any, *fault) {
	if list := c.encoders(); len(list) == 1 {
		return list[0], nil
	}
	return nil, senderFault("The requested configuration does not exist", "ter:InvalidArgVal", "ter:NoConfig")
}

// profile that the request names.
func (c *call) profile() (any, *fault) {
	token := c.body.value("ProfileToken")
	for _, p := range c.profiles() {
		if p.Token == token {
			return p, nil
		}
	}
	return nil, noProfile(token)
}

func (c *call) profiles2() (any, *fault) {
	token := c.body.value("Token")
	types := map[string]bool{}
	for _, e := range c.body.children {
		if e.name.Local == "Type" {
			types[e.text] = true
		}
	}
	if types["All"] {
		if c.d.has(QuirkMedia2AllFails) {
			return nil, receiverFault("Internal error")
		}
		types["VideoSource"], types["VideoEncoder"], types["PTZ"] = true, true, true
	}
	data := struct {
		Types    map[string]bool
		Profiles []profileView
	}{Types: types}
	for _, p := range c.profiles() {
		if token == "" || token == p.Token {
			data.Profiles = append(data.Profiles, p)
		}
	}
	if token != "" && data.Profiles == nil {
		return nil, noProfile(token)
	}
	return data, nil
}

// A uriView is a URI, with what a quirk puts around it.
type uriView struct {
	URI, Space string
	Bare       bool
}

func (c *call) uriView(uri string) uriView {
	v := uriView{URI: uri, Bare: c.d.has(QuirkMedia1URIBare)}
	if c.d.has(QuirkURIWhitespace) {
		v.Space = "\n\t "
	}
	return v
}

// query adds to a URL's query what the quirks say.
func (c *call) query(u *url.URL, credentials bool) {
	q := ""
	if c.d.has(QuirkURIAmpersand) {
		q = "channel=1&subtype=0&unicast=true"
	}
	if credentials {
		if q != "" {
			q += "&"
		}
		q += "user=" + url.QueryEscape(c.d.options.User) + "&password=" + url.QueryEscape(c.d.wantedPassword())
	}
	u.RawQuery = q
}

func (c *call) streamURI() (any, *fault) {
	p, failed := c.camera()
	if failed != nil {
		return nil, failed
	}
	u, err := url.Parse(p.Camera.Address())
	if err != nil {
		return nil, receiverFault("The address of the stream is " + err.Error())
	}
	u.Host = c.told(u.Host)
	c.query(u, c.d.has(QuirkURICredentials))
	return c.uriView(u.String()), nil
}

func (c *call) snapshotURI() (any, *fault) {
	p, failed := c.camera()
	if failed != nil {
		return nil, failed
	}
	if c.d.has(QuirkSnapshotRTSP) {
		return c.streamURI()
	}
	u, err := url.Parse(c.url(roleSnapshots, "/snapshot/"+p.Token+".jpg"))
	if err != nil {
		return nil, receiverFault("The address of the snapshot is " + err.Error())
	}
	c.query(u, c.d.has(QuirkSnapshotQueryOnly))
	return c.uriView(u.String()), nil
}

// camera of the profile that the request names.
func (c *call) camera() (Profile, *fault) {
	token := c.body.value("ProfileToken")
	for _, p := range c.d.options.Profiles {
		if p.Token == token {
			return p, nil
		}
	}
	for _, v := range c.profiles() {
		if v.Token == token {
			return Profile{}, senderFault("The profile has no video encoder", "ter:InvalidArgVal", "ter:IncompleteConfiguration")
		}
	}
	return Profile{}, noProfile(token)
}
