package decoder

import (
	"bytes"
	"encoding/binary"
	"math"
	"os/exec"
	"testing"
	"time"

	"camgate/media"
)

func TestAACBecomesOpus(t *testing.T) {
	const rate, hertz, frames = 16000, 400.0, 60
	config, tone, err := AACTone(rate, hertz, frames)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewAudioTranscoder(config)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var opus []*media.AudioFrame
	began := time.Unix(1_800_000_000, 0)
	for n, data := range tone {
		at := time.Duration(n) * 1024 * time.Second / rate
		made, err := tr.Transcode(&media.AudioFrame{Codec: media.AAC, Data: data, PTS: at, Received: began.Add(at), Rate: rate, Channels: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range made {
			if !f.Received.Equal(began.Add(at)) {
				t.Errorf("packet %d was received %v, its AAC %v", len(opus), f.Received, began.Add(at))
			}
			opus = append(opus, f)
		}
	}
	// 60 frames of 64 ms are 192 packets of 20 ms; each codec holds a little back.
	if len(opus) < 185 || len(opus) > 192 {
		t.Errorf("%d packets, want about 190", len(opus))
	}
	for n, f := range opus {
		if f.Codec != media.Opus || f.Rate != 48000 || f.Channels != 1 || f.Duration != 20*time.Millisecond || f.PTS != time.Duration(n)*20*time.Millisecond {
			t.Fatalf("packet %d is %v, %d Hz, %d channels, %v at %v", n, f.Codec, f.Rate, f.Channels, f.Duration, f.PTS)
		}
	}
	if heard := hertzOf(t, opus); math.Abs(heard-hertz) > 5 {
		t.Errorf("the tone is %.1f Hz, was %.0f", heard, hertz)
	}
}

// hertzOf decodes Opus with the ffmpeg program, and counts the periods of the tone in it.
func hertzOf(t *testing.T, packets []*media.AudioFrame) float64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "ogg", "-i", "-", "-f", "s16le", "-ar", "48000", "-ac", "1", "-")
	cmd.Stdin = bytes.NewReader(ogg(packets))
	var problem bytes.Buffer
	cmd.Stderr = &problem
	pcm, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg cannot read the Opus: %v: %s", err, problem.String())
	}
	samples := len(pcm) / 2
	if samples < 48000 {
		t.Fatalf("%d samples came out", samples)
	}
	from := 24000 // past what fades in
	crossings, last := 0, int16(0)
	for i := from; i < samples; i++ {
		v := int16(binary.LittleEndian.Uint16(pcm[2*i:]))
		if last < 0 && v >= 0 {
			crossings++
		}
		last = v
	}
	return float64(crossings) / (float64(samples-from) / 48000)
}

// ogg wraps Opus (RFC 3533, RFC 7845): a page for each packet.
func ogg(packets []*media.AudioFrame) []byte {
	var b bytes.Buffer
	page := func(n int, flags byte, granule int64, data []byte) {
		head := append([]byte("OggS\x00"), flags)
		head = binary.LittleEndian.AppendUint64(head, uint64(granule))
		head = binary.LittleEndian.AppendUint32(head, 7)
		head = binary.LittleEndian.AppendUint32(head, uint32(n))
		head = binary.LittleEndian.AppendUint32(head, 0)
		head = append(head, byte(len(data)/255+1))
		for range len(data) / 255 {
			head = append(head, 255)
		}
		head = append(head, byte(len(data)%255))
		head = append(head, data...)
		crc := uint32(0)
		for _, c := range head {
			crc ^= uint32(c) << 24
			for range 8 {
				if crc&(1<<31) != 0 {
					crc = crc<<1 ^ 0x04c11db7
				} else {
					crc <<= 1
				}
			}
		}
		binary.LittleEndian.PutUint32(head[22:], crc)
		b.Write(head)
	}
	page(0, 2, 0, append([]byte("OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00"), nil...))
	page(1, 0, 0, []byte("OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"))
	for n, f := range packets {
		page(n+2, 0, int64(n+1)*960, f.Data)
	}
	return b.Bytes()
}

func TestBrokenAACIsAnErrorAndNoMore(t *testing.T) {
	config, tone, err := AACTone(44100, 440, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, {0}, {0xff, 0xff}, bytes.Repeat([]byte{0xff}, 2000)} {
		if tr, err := NewAudioTranscoder(bad); err == nil { // libav believes what it can
			tr.Transcode(&media.AudioFrame{Data: tone[0]}) //nolint:errcheck // it must end, that is all
			tr.Close()
		}
	}
	tr, err := NewAudioTranscoder(config)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for _, bad := range [][]byte{nil, bytes.Repeat([]byte{0x5a}, 300), make([]byte, 1<<20)} {
		if _, err := tr.Transcode(&media.AudioFrame{Data: bad}); err == nil {
			t.Errorf("%d bytes of nonsense were taken", len(bad))
		}
	}
	made := 0
	for range 4 {
		for _, data := range tone {
			some, err := tr.Transcode(&media.AudioFrame{Data: data})
			if err != nil {
				t.Fatal(err)
			}
			made += len(some)
		}
	}
	if made == 0 {
		t.Error("nothing more comes after a broken frame")
	}
}

// FuzzAAC: no frame of a camera's brings the transcoder down.
func FuzzAAC(f *testing.F) {
	config, tone, err := AACTone(16000, 400, 3)
	if err != nil {
		f.Fatal(err)
	}
	for _, frame := range tone {
		f.Add(config, frame)
	}
	f.Add([]byte{0x12, 0x10}, []byte{0x21, 0x00})
	f.Fuzz(func(t *testing.T, config, frame []byte) {
		tr, err := NewAudioTranscoder(config)
		if err != nil {
			return
		}
		defer tr.Close()
		for range 2 {
			made, _ := tr.Transcode(&media.AudioFrame{Data: frame})
			if len(made) > 50 {
				t.Errorf("%d packets of one frame", len(made))
			}
		}
	})
}
