package webrtc

import (
	"strings"
	"testing"
	"time"

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
	ssrc := c.next(5 * time.Second).SSRC
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
	eventually(t, "a browser that tells of a few is heard", 5*time.Second, func() bool {
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
	eventually(t, "the session has ended", 5*time.Second, func() bool { return g.Sessions() == 0 })
	if !strings.Contains(g.log.String(), errStrangers.Error()) {
		t.Errorf("it does not say why:\n%s", g.log)
	}
}
