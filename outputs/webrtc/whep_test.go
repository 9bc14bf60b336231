package webrtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"camgate/camera"
	"camgate/media"
)

func TestAnswerIsAsWHEPWantsIt(t *testing.T) {
	cam := newFake("cam 1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{
		TCP: true, Candidates: []string{"192.0.2.7:9999", "2001:db8::1"},
		ICEServers: []ICEServer{{URLs: []string{"stun:127.0.0.1:1"}}},
	}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	offer := c.offer()
	began := time.Now()
	answer, body := c.ask(g.url+"cam%201", offer)
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", answer.Status, body)
	}
	if d := time.Since(began); d > 4*gatherTimeout {
		t.Errorf("the answer took %v: servers that do not answer are not waited for", d)
	}
	h := answer.Header
	if h.Get("Content-Type") != "application/sdp" || h.Get("Accept-Patch") != fragmentType || len(h.Get("ETag")) != 34 {
		t.Errorf("headers: %v", h)
	}
	location := h.Get("Location")
	name, id, _ := strings.Cut(location, "/")
	if name != "cam%201" || len(id) != 32 {
		t.Errorf("Location: %s", location)
	}
	g.options.ICEServers = append(g.options.ICEServers, ICEServer{URLs: []string{"turn:127.0.0.1:1?transport=udp"}, User: "u", Password: `p"w`})
	h = http.Header{}
	g.linkServers(h)
	links := strings.Join(h.Values("Link"), "\n")
	if links != "<stun:127.0.0.1:1>; rel=\"ice-server\"\n<turn:127.0.0.1:1?transport=udp>; rel=\"ice-server\"; username=\"u\"; credential=\"p\\\"w\"; credential-type=\"password\"" {
		t.Errorf("links:\n%s", links)
	}
	for _, want := range []string{" 192.0.2.7 9999 typ host\r\n", " 192.0.2.7 9999 typ host tcptype passive\r\n", " 2001:db8::1 ", " 127.0.0.1 ", "tcptype passive", "a=sendonly", "packetization-mode=1"} {
		if !strings.Contains(body, want) {
			t.Errorf("the answer has no %q:\n%s", want, body)
		}
	}
	if n := strings.Count(body, "a=rtpmap:"); n != 1 {
		t.Errorf("the answer has %d formats, not the one chosen:\n%s", n, body)
	}
	port := g.socket.LocalAddr().(*net.UDPAddr).Port
	if !strings.Contains(body, fmt.Sprintf(" 127.0.0.1 %d typ host", port)) {
		t.Errorf("the one port %d is not announced:\n%s", port, body)
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	cam, silent, odd := newFake("cam1", media.H264), newFake("silent", media.H264), newFake("odd", media.H265)
	cam.bring(true, 1000)
	odd.bring(true, 1000)
	g := serve(t, Options{MaxSessions: 2}, cam, silent, odd)
	good := browse(t, nil).receive(pion.RTPCodecTypeVideo).offer()
	only := func(format string) string {
		engine := &pion.MediaEngine{}
		p := pion.RTPCodecParameters{PayloadType: 100}
		p.MimeType, p.ClockRate = format, videoRate
		if err := engine.RegisterCodec(p, pion.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
		return browse(t, engine).receive(pion.RTPCodecTypeVideo).offer()
	}
	post := func(path, kind, body string) (int, string) {
		answer, err := http.Post(g.url+path, kind, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	for _, c := range []struct {
		what, path, kind, body string
		status                 int
		says                   string
	}{
		{"another type", "cam1", "text/plain", good, http.StatusUnsupportedMediaType, "application/sdp"},
		{"no SDP", "cam1", sdpType, "hello", http.StatusBadRequest, "no SDP"},
		{"nothing", "cam1", sdpType, "", http.StatusBadRequest, ""},
		{"no video", "cam1", sdpType, browse(t, nil).receive(pion.RTPCodecTypeAudio).offer(), http.StatusBadRequest, "video"},
		{"no fingerprint", "cam1", sdpType, removeLines(good, "a=fingerprint"), http.StatusBadRequest, ""},
		{"no credentials", "cam1", sdpType, removeLines(good, "a=ice-"), http.StatusBadRequest, ""},
		{"no mid", "cam1", sdpType, removeLines(good, "a=mid"), http.StatusBadRequest, ""},
		{"1 MB", "cam1", sdpType, good + strings.Repeat("a=x\r\n", 200_000), http.StatusRequestEntityTooLarge, "65536"},
		{"no such camera", "nobody", sdpType, good, http.StatusNotFound, "nobody"},
		{"no codec in common", "cam1", sdpType, only("video/AV1"), http.StatusNotAcceptable, "H264"},
		{"a codec that cannot be made here", "odd", sdpType, only("video/H264"), http.StatusNotAcceptable, "H264"},
		{"width", "cam1?width=abc", sdpType, good, http.StatusBadRequest, "width"},
		{"two widths", "cam1?width=1&width=2", sdpType, good, http.StatusBadRequest, "one number"},
		{"audio", "cam1?audio=2", sdpType, good, http.StatusBadRequest, "audio"},
	} {
		if status, text := post(c.path, c.kind, c.body); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %q, want %d with %q", c.what, status, text, c.status, c.says)
		}
	}
	if n := g.Sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
	if status, _ := post("cam1", sdpType, good); status != http.StatusCreated {
		t.Fatalf("a good offer: %d", status)
	}
	post("cam1", sdpType, good)
	if status, text := post("cam1", sdpType, good); status != http.StatusServiceUnavailable || !strings.Contains(text, "2 WebRTC sessions") {
		t.Errorf("one too many: %d %q", status, text)
	}
	r, _ := http.NewRequest(http.MethodOptions, g.url+"cam1", nil)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent || answer.Header.Get("Accept-Post") != sdpType || answer.Header.Get("Allow") != "OPTIONS, POST" {
		t.Errorf("OPTIONS: %s %v", answer.Status, answer.Header)
	}
	if answer, err = http.Get(g.url + "cam1"); err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", answer.Status)
	}
}

// TestRefusalsOfACamera tell a browser whether it is of use to ask again.
func TestRefusalsOfACamera(t *testing.T) {
	one := &session{camera: newFake("cam1", media.H264), server: &Server{patience: defaultPatience}}
	for _, c := range []struct {
		err    error
		status int
		says   string
	}{
		{camera.ErrCodec, http.StatusNotAcceptable, "offer H264"},
		{camera.ErrClosed, http.StatusServiceUnavailable, "not served any more"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "has no picture"},
		{errors.New("too many readers"), http.StatusServiceUnavailable, "too many readers"},
	} {
		refused := new(Error)
		if err := one.refusal(fmt.Errorf("opening: %w", c.err)); !errors.As(err, &refused) || refused.Status != c.status || !strings.Contains(refused.Sentence, c.says) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	if err := one.refusal(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("who has left is told %v", err)
	}
}

func removeLines(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestCameraWithoutPictureIsSaidToHaveNone(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.trouble = "camera \"cam1\": it does not answer"
	patience := defaultPatience
	patience.picture = 2 * time.Second
	g := servePatiently(t, patience, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	answer, body := c.ask(g.url+"cam1", c.offer())
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "camera \"cam1\" has no picture: it does not answer") {
		t.Errorf("%s %q", answer.Status, body)
	}
	if cam.read() != 0 {
		t.Error("its reader is left")
	}
}

// TestCameraThatIsAwayIsNotAwaited: the browser's page has another way to show that it is.
func TestCameraThatIsAwayIsNotAwaited(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.state, cam.trouble = "offline", "camera \"cam1\": it does not answer"
	patience := defaultPatience
	patience.picture = time.Hour
	g := servePatiently(t, patience, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	answer, body := c.ask(g.url+"cam1", c.offer())
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "camera \"cam1\" has no picture: it does not answer") {
		t.Errorf("%s %q", answer.Status, body)
	}
	if cam.read() != 0 {
		t.Error("its reader is left")
	}
}

func TestSessionIsEndedByWhoKnowsIt(t *testing.T) {
	cam, other := newFake("cam1", media.H264), newFake("cam2", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam, other)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	own := *c.location
	for _, path := range []string{strings.Replace(own.Path, "cam1", "cam2", 1), own.Path[:len(own.Path)-1] + "x", own.Path + "/x"} {
		c.location.Path = path
		for _, method := range []string{http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			if answer, _ := c.request(method, `"*"`, fragmentType, ""); answer.StatusCode != http.StatusNotFound {
				t.Errorf("%s of another's session: %s", method, answer.Status)
			}
		}
	}
	*c.location = own
	if answer, _ := c.request(http.MethodOptions, "", "", ""); answer.StatusCode != http.StatusNoContent || answer.Header.Get("Accept-Patch") != fragmentType {
		t.Errorf("OPTIONS: %s %v", answer.Status, answer.Header)
	}
	if answer, _ := c.request(http.MethodGet, "", "", ""); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", answer.Status)
	}
	if answer, _ := c.request(http.MethodDelete, "", "", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %s", answer.Status)
	}
	eventually(t, "the session and its reader are gone", patient, func() bool { return g.Sessions() == 0 && cam.read() == 0 })
	if answer, _ := c.request(http.MethodDelete, "", "", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("DELETE once more: %s", answer.Status)
	}
}

func TestSessionThatNeverConnectsEnds(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := servePatiently(t, shortly, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	c.ask(g.url+"cam1", c.offer())
	if g.Sessions() != 1 {
		t.Fatal("no session")
	}
	eventually(t, "it is gone", g.patience.connect+patient, func() bool { return g.Sessions() == 0 })
}

func TestSessionOfABrowserThatIsGoneEnds(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	patience := shortly
	patience.connect = defaultPatience.connect // it is to connect, however busy the machine is
	g := servePatiently(t, patience, Options{}, cam)
	proxy := newRelay(t, g)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	c.start(g.url+"cam1", proxy)
	c.connects()
	eventually(t, "pictures come", patient, func() bool { return len(c.packets) > 0 })
	proxy.cut()
	p := g.patience
	eventually(t, "it is gone", p.disconnected+p.failed+patient, func() bool { return g.Sessions() == 0 && cam.read() == 0 })
	// As it is outside of tests; 5 s as above, for the clock by which pion looks.
	if d := defaultPatience; d.disconnected+d.failed+5*time.Second > 30*time.Second || d.connect > 15*time.Second {
		t.Errorf("sessions are kept too long: %+v", d)
	}
}

func TestCandidatesMayComeLater(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	whole := c.offer()
	answer, body := c.ask(g.url+"cam1", removeLines(whole, "a=candidate"))
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", answer.Status, body)
	}
	c.location, _ = answer.Request.URL.Parse(answer.Header.Get("Location"))
	etag := answer.Header.Get("ETag")
	var d sdp.SessionDescription
	if err := d.UnmarshalString(whole); err != nil {
		t.Fatal(err)
	}
	ufrag, password := transport(&d)
	lines := fmt.Sprintf("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n", ufrag, password)
	for line := range strings.Lines(whole) {
		if strings.HasPrefix(line, "a=candidate") {
			lines += line
		}
	}
	lines += "a=candidate:1 1 udp 1 11111111-2222-3333-4444-555555555555.local 5000 typ host\r\na=end-of-candidates\r\n"
	for _, wrong := range []struct {
		what, etag, kind, body string
		status                 int
	}{
		{"no If-Match", "", fragmentType, lines, http.StatusPreconditionRequired},
		{"another ETag", `"x"`, fragmentType, lines, http.StatusPreconditionFailed},
		{"another type", etag, sdpType, lines, http.StatusUnsupportedMediaType},
		{"no fragment", etag, fragmentType, "hello", http.StatusBadRequest},
		{"a broken candidate", etag, fragmentType, "a=candidate:x\r\n", http.StatusBadRequest},
		{"half of the credentials", etag, fragmentType, "a=ice-ufrag:abcd\r\n", http.StatusBadRequest},
	} {
		if answer, text := c.request(http.MethodPatch, wrong.etag, wrong.kind, wrong.body); answer.StatusCode != wrong.status {
			t.Errorf("%s: %s %q, want %d", wrong.what, answer.Status, text, wrong.status)
		}
	}
	if answer, text := c.request(http.MethodPatch, etag, fragmentType, lines); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("PATCH: %s %s", answer.Status, text)
	}
	// Nothing has begun anew, also for who does not say to which answer they belong.
	if answer, text := c.request(http.MethodPatch, "*", fragmentType, lines); answer.StatusCode != http.StatusNoContent {
		t.Errorf("PATCH of *: %s %s", answer.Status, text)
	}
	if err := c.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: body}); err != nil {
		t.Fatal(err)
	}
	c.next()
}

func TestExtensionsMayHaveLargeNumbers(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	offer := strings.NewReplacer("extmap:3 ", "extmap:15 ", "extmap:5 ", "extmap:16 ").Replace(chromium)
	if _, err := g.Offer(t.Context(), Asked{Camera: "cam1", Offer: offer}); err != nil {
		t.Fatal(err)
	}
	one := onlySession(g)
	one.videoTrack.mu.Lock()
	written, err := one.videoTrack.header.Marshal()
	one.videoTrack.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	var h rtp.Header
	if _, err := h.Unmarshal(written); err != nil || len(h.GetExtension(15)) != 2 || len(h.GetExtension(16)) != 3 {
		t.Errorf("%v: %v", err, h)
	}
}

func TestCandidatesHaveAnEnd(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	taken := 0
	for ; taken < 2*mostTrickled; taken += 8 {
		var lines strings.Builder
		for i := range 8 {
			fmt.Fprintf(&lines, "a=candidate:1 1 udp 1 192.0.2.1 %d typ host\r\n", 1000+taken+i)
		}
		answer, text := c.request(http.MethodPatch, c.etag, fragmentType, lines.String())
		if answer.StatusCode == http.StatusBadRequest && strings.Contains(text, "candidates") {
			break
		}
		if answer.StatusCode != http.StatusNoContent {
			t.Fatalf("PATCH: %s %s", answer.Status, text)
		}
	}
	if taken != mostTrickled {
		t.Errorf("%d candidates were taken, want %d", taken, mostTrickled)
	}
	drain(c)
	cam.bring(true, 1000)
	c.next() // and it goes on
}

func TestICEBeginsAnew(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	c.next()
	for _, match := range []string{"*", `"*"`} { // RFC 9725 writes it both ways
		one := onlySession(g)
		one.signalling.Lock()
		one.trickled = mostTrickled // it had as many candidates as it may
		one.signalling.Unlock()
		offer, err := c.pc.CreateOffer(&pion.OfferOptions{ICERestart: true})
		if err != nil {
			t.Fatal(err)
		}
		gathered := pion.GatheringCompletePromise(c.pc)
		if err := c.pc.SetLocalDescription(offer); err != nil {
			t.Fatal(err)
		}
		<-gathered
		whole := c.pc.LocalDescription().SDP
		body := ""
		for line := range strings.Lines(whole) {
			if strings.HasPrefix(line, "a=candidate") || strings.HasPrefix(line, "a=ice-") || strings.HasPrefix(line, "a=mid") || strings.HasPrefix(line, "m=") {
				body += line
			}
		}
		answer, text := c.request(http.MethodPatch, match, fragmentType, body)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != fragmentType || answer.Header.Get("ETag") == c.etag || answer.Header.Get("ETag") == "" {
			t.Fatalf("%s %v\n%s", answer.Status, answer.Header, text)
		}
		if again, _ := c.request(http.MethodPatch, c.etag, fragmentType, "a=end-of-candidates\r\n"); again.StatusCode != http.StatusPreconditionFailed {
			t.Errorf("the ETag of before: %s", again.Status)
		}
		c.etag = answer.Header.Get("ETag")
		// Whoever did not get the answer asks for it once more.
		if again, same := c.request(http.MethodPatch, "*", fragmentType, body); again.StatusCode != http.StatusOK || again.Header.Get("ETag") != c.etag || same != text {
			t.Errorf("the same once more: %s %v\n%s\nafter\n%s", again.Status, again.Header, same, text)
		}
		f, err := parseFragment(text)
		if err != nil || f.ufrag == "" || len(f.candidates) == 0 {
			t.Fatalf("%v:\n%s", err, text)
		}
		var d sdp.SessionDescription
		if err := d.UnmarshalString(c.answer); err != nil {
			t.Fatal(err)
		}
		restarted(&d, f)
		for _, line := range f.candidates {
			d.MediaDescriptions[0].Attributes = append(d.MediaDescriptions[0].Attributes, sdp.Attribute{Key: "candidate", Value: strings.TrimPrefix(line, "candidate:")})
		}
		changed, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: string(changed)}); err != nil {
			t.Fatal(err)
		}
		drain(c)
		eventually(t, "pictures go on", patient, func() bool {
			cam.bring(true, 1000)
			return len(c.packets) > 0
		})
	}
	if g.Sessions() != 1 {
		t.Errorf("%d sessions", g.Sessions())
	}
}

func drain(c *client) {
	for len(c.packets) > 0 {
		<-c.packets
	}
}

// TestThousandSessionsAreTooMany: those that there may be are made, the rest is refused,
// and who is watching already notices nothing.
func TestThousandSessionsAreTooMany(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	p := defaultPatience // who watches is to stay
	p.connect = shortly.connect
	g := servePatiently(t, p, Options{MaxSessions: 100}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	c.next()
	var made, refused atomic.Int32
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			for range 50 {
				_, err := g.Offer(t.Context(), Asked{Camera: "cam1", Offer: chromium})
				wrong := new(Error)
				switch {
				case err == nil:
					made.Add(1)
				case errors.As(err, &wrong) && wrong.Status == http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	asking.Wait()
	if made.Load() < 99 || made.Load()+refused.Load() != 1000 {
		t.Errorf("%d were made, %d refused", made.Load(), refused.Load())
	}
	drain(c)
	cam.bring(false, 1000)
	c.next()
	eventually(t, "those that did not connect are gone", g.patience.connect+patient, func() bool { return g.Sessions() == 1 && cam.read() == 1 })
}
