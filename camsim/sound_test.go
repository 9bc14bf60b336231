package camsim

import (
	"math"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/pion/rtp"

	"camgate/media"
)

func TestATonePlaysBesideThePictures(t *testing.T) {
	for _, codec := range []media.AudioCodec{media.PCMU, media.PCMA, media.AAC} {
		t.Run(codec.String(), func(t *testing.T) {
			cam, err := Start(t.Context(), Options{Audio: codec})
			if err != nil {
				t.Fatal(err)
			}
			defer cam.Close()
			tcp := gortsplib.TransportTCP
			u, err := base.ParseURL(cam.URL())
			if err != nil {
				t.Fatal(err)
			}
			c := gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &tcp}
			if err := c.Start2(); err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			desc, _, err := c.Describe(u)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.SetupAll(desc.BaseURL, desc.Medias); err != nil {
				t.Fatal(err)
			}
			packets, pictures := make(chan *rtp.Packet, 100), make(chan struct{}, 1)
			c.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
				if m.Type == description.MediaTypeAudio {
					select {
					case packets <- p:
					default:
					}
					return
				}
				select {
				case pictures <- struct{}{}:
				default:
				}
			})
			if _, err := c.Play(nil); err != nil {
				t.Fatal(err)
			}
			var last *rtp.Packet
			for range 5 {
				select {
				case p := <-packets:
					if last != nil && (p.SequenceNumber != last.SequenceNumber+1 || p.Timestamp != last.Timestamp+cam.sound.samples) {
						t.Errorf("packet %d at %d after %d at %d", p.SequenceNumber, p.Timestamp, last.SequenceNumber, last.Timestamp)
					}
					last = p
				case <-time.After(patience):
					t.Fatal("no sound in time")
				}
			}
			select {
			case <-pictures:
			case <-time.After(patience):
				t.Fatal("no picture in time")
			}
		})
	}
}

func TestTheToneIsWhatG711Says(t *testing.T) {
	var mu g711.Mulaw
	var a g711.Alaw
	mu.Unmarshal(g711Tone(muLaw))
	a.Unmarshal(g711Tone(aLaw))
	for name, tone := range map[string][]byte{"µ-law": mu, "A-law": a} {
		for i := range g711Packet {
			got := int(int16(tone[2*i])<<8 | int16(tone[2*i+1]))
			want := int(8000 * math.Sin(2*math.Pi*toneHertz*float64(i)/g711Rate))
			if d := got - want; d > 300 || d < -300 {
				t.Fatalf("%s: sample %d is %d, want about %d", name, i, got, want)
			}
		}
	}
}
