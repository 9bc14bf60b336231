package webrtc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"camgate/media"
)

// chromium is an offer of Chromium 140, shortened.
const chromium = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108 109 114 39 127\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\na=setup:actpass\r\na=mid:0\r\n" +
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\na=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n" +
	"a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" +
	"a=rtpmap:103 H264/90000\r\na=rtcp-fb:103 nack\r\na=rtcp-fb:103 nack pli\r\na=rtcp-fb:103 transport-cc\r\na=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\na=rtpmap:104 rtx/90000\r\na=fmtp:104 apt=103\r\n" +
	"a=rtpmap:107 H264/90000\r\na=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=64001f\r\na=rtpmap:109 H264/90000\r\na=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" +
	"a=rtpmap:127 H264/90000\r\na=fmtp:127 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\na=rtpmap:39 H264/90000\r\na=fmtp:39 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\na=mid:2\r\na=sctp-port:5000\r\n"

// TestCandidatesStandInTheFirstSectionThatIsTaken, and those of TCP come after those of UDP.
func TestCandidatesStandInTheFirstSectionThatIsTaken(t *testing.T) {
	var d sdp.SessionDescription
	for _, port := range []int{0, 9, 9} {
		d.MediaDescriptions = append(d.MediaDescriptions, &sdp.MediaDescription{MediaName: sdp.MediaName{Port: sdp.RangedPort{Value: port}},
			Attributes: []sdp.Attribute{{Key: "candidate", Value: "of pion's own"}}})
	}
	announce(&d, []string{"ours"}, true)
	for i, m := range d.MediaDescriptions {
		if value, there := m.Attribute("candidate"); there != (i == 1) || there && value != "ours" {
			t.Errorf("section %d: %v", i, m.Attributes)
		}
		if _, there := m.Attribute("end-of-candidates"); there != (i == 1) {
			t.Errorf("section %d: %v", i, m.Attributes)
		}
	}
	g := serve(t, Options{TCP: true, Candidates: []string{"192.0.2.7"}})
	var priorities []int
	for _, line := range g.announced(t.Context(), g.socket) {
		var name, protocol string
		var component, priority int
		if _, err := fmt.Sscan(line, &name, &component, &protocol, &priority); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		priorities = append(priorities, priority)
	}
	if len(priorities) != 2 || priorities[0] <= priorities[1] {
		t.Errorf("UDP's and TCP's priorities are %v", priorities)
	}
}

func TestOfferIsUnderstood(t *testing.T) {
	o, err := parseOffer(chromium)
	if err != nil {
		t.Fatal(err)
	}
	if c := o.codecs(); len(c) != 2 || c[0] != media.VP8 || c[1] != media.H264 {
		t.Errorf("codecs: %v", c)
	}
	if c := o.audioCodecs(); len(c) != 3 || c[0] != media.Opus || c[1] != media.PCMU || c[2] != media.PCMA {
		t.Errorf("audio codecs: %v", c)
	}
	only := func(keep string) *offer {
		o, err := parseOffer(chromium)
		if err != nil {
			t.Fatal(err)
		}
		var kept []format
		for _, f := range o.videoFormats {
			if strings.Contains(f.fmtp, "profile-level-id="+keep) || keep == "" && f.name == "H264" {
				if keep == "" {
					f.fmtp = "packetization-mode=1"
				}
				kept = append(kept, f)
			}
		}
		o.videoFormats = kept
		return o
	}
	for _, c := range []struct {
		what    string
		o       *offer
		sps     []byte
		any     bool
		payload uint8 // 0: none
	}{
		{"High", o, []byte{0x67, 100, 0, 40}, false, 39},
		{"Main", o, []byte{0x67, 77, 0, 40}, false, 127},
		{"Baseline", o, []byte{0x67, 66, 0, 40}, false, 103},
		{"Constrained Baseline", o, []byte{0x67, 66, 0xe0, 31}, false, 103},
		{"High, of Constrained Baseline alone", only("42e01f"), []byte{0x67, 100, 0, 40}, false, 0},
		{"High, of a browser that plays more than it says", only("42e01f"), []byte{0x67, 100, 0, 40}, true, 109},
		{"Main, of High alone", only("64001f"), []byte{0x67, 77, 0, 40}, false, 39},
		{"High, of a program that says no profile", only(""), []byte{0x67, 100, 0, 40}, false, 103},
		{"no parameter set", o, nil, false, 103},
		{"High 10", o, []byte{0x67, 110, 0, 40}, true, 0},
		{"High 4:4:4", o, []byte{0x67, 244, 0, 40}, true, 0},
	} {
		f, found := c.o.videoFormat(media.H264, c.sps, c.any)
		if found != (c.payload != 0) || found && f.payload != c.payload {
			t.Errorf("%s: payload type %d, %v; want %d", c.what, f.payload, found, c.payload)
		}
	}
}

func TestH265IsSentToWhoTakesItsProfile(t *testing.T) {
	const lines = "a=rtpmap:103 H265/90000\r\na=fmtp:103 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST\r\na=rtpmap:104 H265/90000\r\n"
	both := lines + "a=fmtp:104 level-id=93;profile-id=2;tier-flag=0;tx-mode=SRST\r\n"
	ten := strings.ReplaceAll(both, "profile-id=1", "profile-id=2")
	sps := func(profile, compatible byte) []byte { return []byte{0x42, 1, 1, profile, compatible, 0, 0, 3} }
	for _, c := range []struct {
		what    string
		lines   string
		sps     []byte
		any     bool
		payload uint8 // 0: none
	}{
		{"Main", both, sps(1, 0x60), false, 103},
		{"Main, of Main 10 alone", ten, sps(1, 0x60), false, 103},
		{"Main 10", both, sps(2, 0x20), false, 104},
		{"Main 10, of Main alone", strings.ReplaceAll(both, "profile-id=2", "profile-id=1"), sps(2, 0x20), false, 0},
		{"Main 10, of a program that says no profile", strings.ReplaceAll(both, "profile-id", "x"), sps(2, 0x20), false, 103},
		{"Main 10, of a browser that plays more than it says", lines, sps(2, 0x20), true, 103},
		{"4:2:2", both, sps(4, 0x08), false, 0},
		{"no parameter set", lines, nil, false, 103},
	} {
		text := chromium[:strings.Index(chromium, "a=rtpmap:96")] + c.lines + chromium[strings.Index(chromium, "m=audio"):]
		o, err := parseOffer(text)
		if err != nil {
			t.Fatal(err)
		}
		f, found := o.videoFormat(media.H265, c.sps, c.any)
		if found != (c.payload != 0) || found && f.payload != c.payload {
			t.Errorf("%s: payload type %d, %v; want %d", c.what, f.payload, found, c.payload)
		}
	}
}

func TestFragmentIsUnderstood(t *testing.T) {
	f, err := parseFragment("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\na=end-of-candidates\r\n")
	if err != nil || f.ufrag != "EsAw" || f.password != "P2uYro0UCOQ4zxjKXaWCBui1" || len(f.candidates) != 1 || !f.end || !strings.HasPrefix(f.candidates[0], "candidate:") {
		t.Errorf("%+v %v", f, err)
	}
	for _, wrong := range []string{
		"", "hello", "{}", "a=ice-ufrag:EsAw\r\n", "a=ice-ufrag:a b c d\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
		"a=ice-ufrag:EsAw\r\na=ice-pwd:short\r\n", "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-ufrag:Other\r\n",
		"a=candidate:" + strings.Repeat("x", mostCandidateLine) + "\r\n", strings.Repeat("a=candidate:1\r\n", mostCandidates+1),
	} {
		if f, err := parseFragment(wrong); err == nil {
			t.Errorf("%.40q is taken: %+v", wrong, f)
		}
	}
}

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n")
	f.Add("a=candidate:1 1 udp 1 name.local 1 typ host\na=end-of-candidates")
	f.Fuzz(func(t *testing.T, text string) {
		fragment, err := parseFragment(text)
		if err == nil && len(fragment.candidates) > mostCandidates {
			t.Error("too many candidates")
		}
		for _, line := range fragment.candidates {
			localName(line)
		}
	})
}

func FuzzOffer(f *testing.F) {
	f.Add(chromium)
	f.Add("v=0\r\n")
	f.Add(strings.Replace(chromium, "m=video 9", "m=video 0", 1))
	f.Add(strings.ReplaceAll(chromium, "a=mid:1", "a=mid:0"))
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOffer(text)
		if err != nil {
			return
		}
		o.audioCodecs()
		for _, c := range o.codecs() {
			if format, found := o.videoFormat(c, sps, true); found {
				narrow(o.video, format)
			}
		}
		takeNames(o.sdp)
		transport(o.sdp)
		restarted(o.sdp, fragment{ufrag: "abcd", password: "0123456789012345678901"})
		announce(o.sdp, []string{"1 1 udp 1 192.0.2.1 1 typ host"}, true)
		if _, err := o.sdp.Marshal(); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
		answerFragment(o.sdp)
	})
}

// TestMutilatedOffersAreAnsweredOrRefused leaves out, doubles and breaks each line of an
// offer: whatever pion makes of it, the server goes on.
func TestMutilatedOffersAreAnsweredOrRefused(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 100)
	g := serve(t, Options{}, cam)
	whole := slices.Collect(strings.Lines(chromium))
	var offers []string
	for i, line := range whole {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, other := range []string{"", line + line, key + "\r\n", key + ":\r\n", key + ":-1 -1 -1\r\n", key + ":" + value + value + "\r\n", key + ": " + strings.Repeat("9", 40) + "\r\n"} {
			offers = append(offers, strings.Join(slices.Replace(slices.Clone(whole), i, i+1, other), ""))
		}
	}
	for i := 0; i < len(chromium); i += 97 {
		offers = append(offers, chromium[:i])
	}
	answered := 0
	for _, text := range offers {
		answer, err := g.Offer(t.Context(), Asked{Camera: "cam1", Offer: text})
		refused := new(Error)
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%v:\n%s", err, text)
		}
		if err != nil {
			continue
		}
		answered++
		if _, err := (&pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: answer.SDP}).Unmarshal(); err != nil {
			t.Errorf("the answer is no SDP: %v", err)
		}
		if one := g.session("cam1", answer.Session); one != nil {
			one.cancel(errDeleted)
		}
	}
	eventually(t, "all are gone", patient, func() bool { return g.Sessions() == 0 && cam.read() == 0 })
	if strings.Contains(g.log.String(), "panic") {
		t.Logf("of %d offers, %d were answered; some made pion panic", len(offers), answered)
	}
	if answered == 0 || answered == len(offers) {
		t.Errorf("of %d offers, %d were answered", len(offers), answered)
	}
}
