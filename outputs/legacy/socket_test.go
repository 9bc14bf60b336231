package legacy

import (
	"bytes"
	"strings"
	"testing"

	"camgate/media"
)

func TestPictureOfSeveralViewersIsEncodedOnce(t *testing.T) {
	var e encodings
	e.enter()
	p := &media.Picture{JPEG: bytes.Repeat([]byte{1}, 1000)}
	first := e.of(p)
	later := *p
	later.Sequence += 100
	if again := e.of(&later); &again[0] != &first[0] {
		t.Error("a viewer who counts on from another camera has the same JPEG encoded once more")
	}
	if again := e.of(p); &again[0] != &first[0] {
		t.Error("encoded twice")
	}
	for range 2 * maxEncodings {
		e.of(&media.Picture{JPEG: []byte{1}})
	}
	if later := e.of(p); &later[0] == &first[0] || !bytes.Equal(later, first) {
		t.Error("old pictures are kept")
	}
	e.leave()
	if e.entries != [maxEncodings]*encoding{} {
		t.Error("pictures are kept that nobody watches")
	}
}

func TestStreamsAreComparedWithoutUserAndPassword(t *testing.T) {
	for a, b := range map[string]string{
		"rtsp://192.0.2.1/s":                   "rtsp://admin:geheim@192.0.2.1:554/s",
		"RTSP://Cam.Example/S?x=1":             "rtsp://u@cam.example:554/S?x=1",
		"rtsp://[2001:db8::1]/s":               "rtsp://[2001:db8::1]:554/s",
		"rtsp://h/user=a_password=b_channel=1": "rtsp://h/user=a_password=c_channel=1",
	} {
		ka, _, okA := StreamKey(a)
		kb, _, okB := StreamKey(b)
		if !okA || !okB || ka != kb {
			t.Errorf("%s is %s, %s is %s", a, ka, b, kb)
		}
	}
	for a, b := range map[string]string{"rtsp://h/s": "rtsp://h/S", "rtsp://h/a": "rtsps://h/a", "rtsp://h/b": "rtsp://h:8554/b", "rtsp://h/c?x": "rtsp://h/c"} {
		ka, _, _ := StreamKey(a)
		if kb, _, _ := StreamKey(b); ka == kb {
			t.Errorf("%s is the same as %s", a, b)
		}
	}
	if _, _, ok := StreamKey("onvif://h"); ok {
		t.Error("an ONVIF address is no stream")
	}
}

func FuzzMessage(f *testing.F) {
	for _, text := range []string{`{"act":"open","url":"rtsp://admin:x@192.0.2.1/s","resolution":[640,360]}`, `{"act":"resize","resolution":[0,0]}`, `{"resolution":[null,1e3]}`, `{"resolution":[1e400]}`, `[]`, `{"url":"rtsp://[::1%25x]/@"}`, `{"url":"rtsp://::%]0"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(data)
		if err != nil {
			return
		}
		if s := m.size; !possible(s.Width, s.Height) || s.Exact != (s.Width > 0 && s.Height > 0) {
			t.Errorf("%+v", m)
		}
		if key, host, ok := StreamKey(m.url); ok && !strings.Contains(host, "%") { // an interface's name may be anything
			if again, _, ok := StreamKey(key); !ok || again != key {
				t.Errorf("%q becomes %q", key, again)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	jpeg := make([]byte, 40<<10)
	b.SetBytes(int64(len(jpeg)))
	for b.Loop() {
		encode(jpeg)
	}
}
