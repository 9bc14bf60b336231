package httpd

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"camgate/outputs/webrtc"
)

// TestWebRTCThatIsFullMayBeAskedAgain: the answer says when.
func TestWebRTCThatIsFullMayBeAskedAgain(t *testing.T) {
	got := ofWebRTC(&webrtc.Error{Status: http.StatusServiceUnavailable, Sentence: "too many"})
	if want := busy("too many"); !reflect.DeepEqual(got, error(want)) {
		t.Errorf("%+v, want %+v", got, want)
	}
	got = ofWebRTC(&webrtc.Error{Status: http.StatusBadRequest, Sentence: "wrong"})
	if f, ok := got.(*failure); !ok || f.status != http.StatusBadRequest || f.sentence != "wrong" {
		t.Errorf("%+v", got)
	}
}

func TestWHEPSaysWhatIsWrong(t *testing.T) {
	without := serve(t, Config{}, newFake("cam1"))
	if answer, body := without.get(t, http.MethodPost, "/whep/cam1"); answer.StatusCode != http.StatusNotFound || !strings.Contains(body, "[webrtc]") {
		t.Errorf("without WebRTC: %s %q", answer.Status, body)
	}
	g := serve(t, Config{WebRTC: &webrtc.Options{}}, newFake("cam1"))
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{http.MethodPost, "/whep/cam1", http.StatusUnsupportedMediaType, "application/sdp"},
		{http.MethodGet, "/whep/cam1", http.StatusMethodNotAllowed, "POST"},
		{http.MethodPut, "/whep/cam1/0123", http.StatusNotFound, "session"},
		{http.MethodDelete, "/whep/cam1/0123", http.StatusNotFound, "session"},
		{http.MethodOptions, "/whep/cam1", http.StatusNoContent, ""},
	} {
		if answer, body := g.get(t, c.method, c.path); answer.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %s %q, want %d with %q", c.method, c.path, answer.Status, body, c.status, c.says)
		}
	}
	if n := g.viewers.Load(); n != 0 {
		t.Errorf("%d viewers are counted", n)
	}
}
