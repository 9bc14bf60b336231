package camera

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"camgate/camera/source"
	"camgate/media"
)

// stillSink counts what single pictures bring.
type stillSink struct{ pictures int }

func (s *stillSink) Playing(source.Info)          {}
func (s *stillSink) Transport(string)             {}
func (s *stillSink) Damaged(uint64, error)        {}
func (s *stillSink) AccessUnit(*media.AccessUnit) { s.pictures++ }

// TestACameraThatKeepsAnOldStillIsStreamed: its pictures would be shown as live for ever.
func TestACameraThatKeepsAnOldStillIsStreamed(t *testing.T) {
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(picture.Bytes()) }))
	t.Cleanup(server.Close)
	c := onvifCamera(t, "onvif://"+strings.TrimPrefix(server.URL, "http://"), nil)
	defer c.device.close()
	main := offer("main", "H264", 64, 48)
	main.snapshot = server.URL + "/snapshot"
	sink := &stillSink{}
	err := c.device.poll(askContext(t), choice{token: main.Token, snapshot: main.snapshot, pixels: 64 * 48}, sink)
	if !errors.As(err, new(*stillError)) || !strings.Contains(err.Error(), "keeps an old one") {
		t.Errorf("it ends with %v", err)
	}
	if sink.pictures != stillsSame-1 {
		t.Errorf("%d pictures came", sink.pictures)
	}
	if at := c.device.stills(main); at != "" {
		t.Errorf("they are fetched again, from %s", at)
	}
}
