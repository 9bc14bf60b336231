package legacy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"camgate/camera/source"
	"camgate/media"
	"camgate/outputs/params"
)

// A message is what a page of cctvAgent's says.
type message struct {
	act  string // open or resize; everything else is to be ignored
	url  string // of open; "": nothing is to be opened
	size media.Rendition
}

// errNotUnderstood: the message is not of the protocol.
var errNotUnderstood = errors.New(`messages must be JSON: {"act":"open","url":"rtsp://…","resolution":[640,360]} or {"act":"resize","resolution":[0,0]}`)

// parseMessage reads {"act":"open","url":"rtsp://…","resolution":[w,h]} and
// {"act":"resize","resolution":[w,h]}. A resolution that is left out, or has null where a
// page had no number, is [0,0], the camera's own; one that has a single number keeps the
// aspect.
func parseMessage(data []byte) (message, error) {
	var said struct {
		Act        string         `json:"act"`
		URL        string         `json:"url"`
		Resolution []*json.Number `json:"resolution"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return message{}, errNotUnderstood
	}
	m := message{act: said.Act, url: strings.TrimSpace(said.URL)}
	sides := [2]int{}
	for i, n := range said.Resolution {
		if n == nil {
			continue
		}
		f, err := n.Float64()
		if i > 1 || err != nil || !(f >= 0 && f <= params.MaxSide) {
			return message{}, errResolution
		}
		sides[i] = int(math.Round(f))
	}
	if !possible(sides[0], sides[1]) {
		return message{}, errResolution
	}
	m.size = media.Rendition{Width: sides[0], Height: sides[1], Exact: sides[0] > 0 && sides[1] > 0}
	return m, nil
}

var errResolution = fmt.Errorf("resolution must be [width, height], each from 0 to %d and at most %d pixels; [0,0] is the camera's own size", params.MaxSide, params.MaxPixels)

// StreamKey is by what two addresses of streams are compared: scheme, host, port and path,
// without user and password. ok is false where text is no address of a stream.
func StreamKey(text string) (key, host string, ok bool) {
	a, err := source.ParseAddress(text)
	if err != nil || a.ONVIF() {
		return "", "", false
	}
	scheme, rest, _ := strings.Cut(a.String(), "://")
	path := strings.TrimPrefix(rest, a.Host())
	return scheme + "://" + strings.ToLower(a.Host()) + path, hostOnly(a), true
}

// OtherLogin says whether an address has a user, and that or the password is another than
// known's; or another key or token in its path or query, which StreamKey leaves out.
func OtherLogin(known, text string) bool {
	a, errA := source.ParseAddress(known)
	b, errB := source.ParseAddress(text)
	if errA != nil || errB != nil {
		return false
	}
	if !a.SameStream(b) {
		return true
	}
	knownUser, knownPassword, _ := a.Login()
	user, password, _ := b.Login()
	return user != "" && (user != knownUser || password != knownPassword)
}

// StreamHost is the host of a camera's address, of whatever kind; "" where there is none.
func StreamHost(address string) string {
	a, err := source.ParseAddress(address)
	if err != nil {
		return ""
	}
	return hostOnly(a)
}

func hostOnly(a source.Address) string {
	host := strings.ToLower(a.Host())
	return host[:strings.LastIndexByte(host, ':')]
}
