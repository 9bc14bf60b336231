package device

import (
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	hugeBody   = 200 << 20
	deepXML    = 1_000_000
	slowPeriod = 100 * time.Millisecond
	elsewhere  = "http://169.254.169.254/latest/meta-data/"
)

// hostile answers in place of the device where a quirk has it so.
func (d *Device) hostile(w http.ResponseWriter, r *http.Request) bool {
	head := string(envelope("", "<tds:GetDeviceInformationResponse><tds:Manufacturer>"))
	head = head[:strings.Index(head, "</SOAP-ENV:Body>")]
	started := func() { w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8") }
	switch {
	case d.has(QuirkHostileRedirect):
		w.Header().Set("Location", elsewhere)
		w.WriteHeader(http.StatusTemporaryRedirect) // the request is to be sent again as it is
	case d.has(QuirkHostileHugeBody):
		started()
		pour(w, head, "x", hugeBody)
	case d.has(QuirkHostileDeepXML):
		started()
		pour(w, head, "<a>", deepXML*len("<a>"))
	case d.has(QuirkHostileEntities):
		started()
		_, _ = io.WriteString(w, entities())
	case d.has(QuirkHostileCut):
		started()
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, head+"cam")
	case d.has(QuirkHostileSlow):
		started()
		d.trickle(w, r, head)
	case d.has(QuirkHostileSilent):
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxRequest))
		<-r.Context().Done()
	default:
		return false
	}
	d.count("hostile")
	return true
}

// pour writes a piece over and over, size bytes altogether.
func pour(w io.Writer, head, piece string, size int) {
	_, err := io.WriteString(w, head)
	chunk := strings.Repeat(piece, 32<<10)
	for err == nil && size > 0 {
		var n int
		n, err = io.WriteString(w, chunk[:min(size, len(chunk))])
		size -= n
	}
}

// trickle writes a byte at a time until who asked leaves.
func (d *Device) trickle(w http.ResponseWriter, r *http.Request, head string) {
	flush := http.NewResponseController(w)
	tick := time.NewTicker(slowPeriod)
	defer tick.Stop()
	for i := 0; ; i++ {
		piece := "x"
		if i < len(head) {
			piece = head[i : i+1]
		}
		if _, err := io.WriteString(w, piece); err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// entities is "a billion laughs".
func entities() string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY lol0 \"lol\">\n")
	for i := 1; i < 10; i++ {
		level := string(rune('0' + i))
		below := "&lol" + string(rune('0'+i-1)) + ";"
		b.WriteString("<!ENTITY lol" + level + " \"" + strings.Repeat(below, 10) + "\">\n")
	}
	b.WriteString("<!ENTITY file SYSTEM \"file:///etc/passwd\">\n]>\n")
	body := string(envelope("", "<tds:GetDeviceInformationResponse><tds:Manufacturer>&lol9;&file;</tds:Manufacturer></tds:GetDeviceInformationResponse>"))
	b.WriteString(body[strings.Index(body, "?>")+2:])
	return b.String()
}
