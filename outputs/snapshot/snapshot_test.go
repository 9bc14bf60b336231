package snapshot

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"camgate/media"
)

// The server's limit is for answers that nobody takes, and not for large pictures.
func TestAPictureArrivesOverALinkThatIsSlowerThanTheServersLimit(t *testing.T) {
	p := &media.Picture{JPEG: bytes.Repeat([]byte{0x55}, 32<<20), Received: time.Now(), State: media.Live} // far more than the sockets hold
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Write(w, r, p) //nolint:errcheck // the client sees it
	}))
	server.Config.WriteTimeout = 100 * time.Millisecond
	server.Start()
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for taken := int64(0); taken < int64(len(p.JPEG)); {
		n, err := io.CopyN(io.Discard, answer.Body, 1<<20)
		if taken += n; err != nil {
			t.Fatalf("after %d of %d bytes: %v", taken, len(p.JPEG), err)
		}
		<-pace.C
	}
}
