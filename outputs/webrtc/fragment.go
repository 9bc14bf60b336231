package webrtc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// A fragment is the body of a PATCH: candidates that a browser has found later, or the
// credentials with which it begins ICE anew (application/trickle-ice-sdpfrag, RFC 8840).
type fragment struct {
	ufrag, password string
	candidates      []string // candidate:…, of whichever section: one transport is all there is
	end             bool     // there are no more
}

var errNoFragment = errors.New("the body is no SDP fragment: it needs a=ice-ufrag, a=ice-pwd and a=candidate lines (RFC 8840)")

const mostCandidateLine = 512 // bytes

// parseFragment reads the body of a PATCH.
func parseFragment(text string) (fragment, error) {
	var f fragment
	media := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' {
			return fragment{}, errNoFragment
		}
		media = media || line[0] == 'm'
		if line[0] != 'a' {
			continue
		}
		key, value, _ := strings.Cut(line[2:], ":")
		switch key {
		case "ice-ufrag", "ice-pwd":
			known := &f.ufrag
			if key == "ice-pwd" {
				known = &f.password
			}
			if *known != "" && *known != value {
				return fragment{}, fmt.Errorf("the fragment has two different values of %s; one transport is all there is", key)
			}
			*known = value
		case "candidate":
			if len(line) > mostCandidateLine || len(f.candidates) >= mostCandidates {
				return fragment{}, fmt.Errorf("a fragment may have %d candidates of %d bytes", mostCandidates, mostCandidateLine)
			}
			f.candidates = append(f.candidates, line[2:])
		case "end-of-candidates":
			f.end = true
		}
	}
	if !media && f.ufrag == "" && len(f.candidates) == 0 && !f.end {
		return fragment{}, errNoFragment
	}
	if (f.ufrag == "") != (f.password == "") {
		return fragment{}, errors.New("the fragment has one of a=ice-ufrag and a=ice-pwd; it needs both")
	}
	if !iceChars(f.ufrag, 4) || !iceChars(f.password, 22) {
		return fragment{}, errors.New("a=ice-ufrag needs 4 to 256 letters, digits, + and /, and a=ice-pwd 22 to 256 (RFC 8839, 5.4)")
	}
	return f, nil
}

// iceChars says whether a credential is one (RFC 8839, 5.4), or there is none.
func iceChars(text string, least int) bool {
	if text == "" {
		return true
	}
	return len(text) >= least && len(text) <= 256 && strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/')
	}) < 0
}

// transport are the attributes of ICE, wherever they stand in a description.
func transport(d *sdp.SessionDescription) (ufrag, password string) {
	look := func(attributes []sdp.Attribute) {
		for _, a := range attributes {
			switch {
			case a.Key == "ice-ufrag" && ufrag == "":
				ufrag = a.Value
			case a.Key == "ice-pwd" && password == "":
				password = a.Value
			}
		}
	}
	look(d.Attributes)
	for _, m := range d.MediaDescriptions {
		look(m.Attributes)
	}
	return ufrag, password
}

// restarted is an offer with other credentials and candidates: what the browser would
// offer for a restart of ICE.
func restarted(d *sdp.SessionDescription, f fragment) {
	d.Origin.SessionVersion++
	change := func(attributes []sdp.Attribute) []sdp.Attribute {
		for i, a := range attributes {
			switch a.Key {
			case "ice-ufrag":
				attributes[i].Value = f.ufrag
			case "ice-pwd":
				attributes[i].Value = f.password
			}
		}
		return slices.DeleteFunc(attributes, func(a sdp.Attribute) bool {
			return a.Key == "candidate" || a.Key == "end-of-candidates"
		})
	}
	d.Attributes = change(d.Attributes)
	for _, m := range d.MediaDescriptions {
		m.Attributes = change(m.Attributes)
	}
}

// answerFragment is what the browser needs of an answer to a restart: credentials and
// candidates, under the section they stand in.
func answerFragment(answer *sdp.SessionDescription) string {
	var b strings.Builder
	ufrag, password := transport(answer)
	fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", ufrag, password)
	for _, m := range answer.MediaDescriptions {
		var lines []string
		for _, a := range m.Attributes {
			switch a.Key {
			case "candidate", "end-of-candidates", "mid":
				lines = append(lines, a.String())
			}
		}
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "candidate") }) {
			continue
		}
		fmt.Fprintf(&b, "m=%s 9 %s 0\r\n", m.MediaName.Media, strings.Join(m.MediaName.Protos, "/"))
		for _, l := range lines {
			b.WriteString("a=" + l + "\r\n")
		}
		break // one transport for all (RFC 9143)
	}
	return b.String()
}
