package webrtc

import (
	"runtime"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	pion "github.com/pion/webrtc/v4"

	"camgate/media"
)

// TestReportsOnStrangersTakeNoMemory has a browser tell of sources that nobody knows, of new
// ones each time: pion keeps something for each of them as long as the session lasts.
func TestReportsOnStrangersTakeNoMemory(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo).play(g.url + "cam1")
	ssrc := c.next().SSRC
	source := uint32(1)
	tell := func(of int) {
		r := &rtcp.ReceiverReport{SSRC: 1}
		for range of {
			r.Reports = append(r.Reports, rtcp.ReceptionReport{SSRC: source})
			source++
		}
		c.pc.WriteRTCP([]rtcp.Packet{r}) //nolint:errcheck // the session may have ended
	}
	tell(10)
	drain(c)
	eventually(t, "a browser that tells of a few is heard", patient, func() bool {
		c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}) //nolint:errcheck // the test fails
		select {
		case <-c.packets:
			return true
		default:
			return false
		}
	})
	for range 2000 {
		tell(31)
	}
	eventually(t, "the session has ended", patient, func() bool { return g.Sessions() == 0 })
	if !strings.Contains(g.log.String(), errStrangers.Error()) {
		t.Errorf("it does not say why:\n%s", g.log)
	}
}

// TestTooManyDataChannelsEndTheSession: each has a goroutine.
func TestTooManyDataChannelsEndTheSession(t *testing.T) {
	cam := newFake("cam1", media.H264)
	cam.bring(true, 1000)
	g := serve(t, Options{}, cam)
	c := browse(t, nil).receive(pion.RTPCodecTypeVideo)
	for range mostChannels + 1 {
		if _, err := c.pc.CreateDataChannel("camgate", nil); err != nil {
			t.Fatal(err)
		}
	}
	c.start(g.url+"cam1", nil)
	eventually(t, "the session has ended", patient, func() bool { return g.Sessions() == 0 })
	if !strings.Contains(g.log.String(), errTooMany.Error()) {
		t.Errorf("it does not say why:\n%s", g.log)
	}
}

// TestOfferOfMuchFeedbackIsUnderstoodCheaply: what is said of all formats is kept for each.
func TestOfferOfMuchFeedbackIsUnderstoodCheaply(t *testing.T) {
	text := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96" + strings.Repeat(" 97", mostFormats-1) + "\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:* nack\r\na=rtcp-fb:* nack pli\r\n"
	text += strings.Repeat("a=rtcp-fb:* x\r\n", (64<<10-len(text))/len("a=rtcp-fb:* x\r\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o, err := parseOffer(text)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes took %d bytes of memory", len(text), took)
	}
	if got := o.videoFormats[0].parameters("video", "nack", "nack pli").RTCPFeedback; len(got) != 2 {
		t.Errorf("what counts is not kept: %v", got)
	}
}
