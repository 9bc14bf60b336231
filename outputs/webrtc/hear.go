package webrtc

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/pion/rtcp"
	pion "github.com/pion/webrtc/v4"
)

const (
	resendPause = 20 * time.Millisecond // before the same packet is sent once more
	mostReport  = 1500                  // bytes of RTCP that come together
)

// hear takes what the browser says of a track, until that ends.
func (one *session) hear(sender *pion.RTPSender, pictures bool) error {
	buf := make([]byte, mostReport)
	for {
		n, _, err := sender.Read(buf)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
				<-one.ctx.Done() // pion tells of the end itself
				return context.Cause(one.ctx)
			}
			return err
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue // the browser says it again
		}
		one.heard(packets, pictures, time.Now())
	}
}

func (one *session) heard(packets []rtcp.Packet, pictures bool, now time.Time) {
	for _, packet := range packets {
		switch p := packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			if pictures {
				one.keyFrame()
			}
		case *rtcp.TransportLayerNack:
			if pictures {
				b := one.currentBatch()
				b.hold()
				one.videoTrack.resend(p.Nacks, one.link.unanswered(resendPause))
				b.flush()
			}
		case *rtcp.TransportLayerCC:
			one.link.feedback(p, now)
		case *rtcp.ReceiverReport:
			if pictures && !one.videoTrack.numbered() {
				for _, r := range p.Reports {
					if one.videoTrack.is(r.SSRC) {
						one.link.reported(r.FractionLost, now)
					}
				}
			}
		}
	}
}

// writeReport sends a sender report. That it may fail is no matter: the next follows.
func (one *session) writeReport(t *track, now time.Time, timestamp uint32) {
	if r := t.report(now, timestamp); r != nil {
		one.pc.WriteRTCP([]rtcp.Packet{r}) //nolint:errcheck // see above
	}
}
