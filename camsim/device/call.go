package device

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// A call is one SOAP request.
type call struct {
	d         *Device
	w         http.ResponseWriter
	r         *http.Request
	prefix    string   // of the service, as in namespaces
	operation string   // local name
	body      *element // that of the operation
	token     *token   // WS-UsernameToken; nil: none came
}

// maxRequest is how much of a request a device reads, and readWithin by when it must be
// there.
const (
	maxRequest = 1 << 20
	readWithin = 30 * time.Second
)

var errNotSOAP = errors.New("this is no SOAP 1.2 envelope with an operation in it")

// newCall reads a request.
func (d *Device) newCall(w http.ResponseWriter, r *http.Request) (*call, error) {
	// Not the server's ReadTimeout: it would end who waits for events.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(readWithin))
	document, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadDeadline(time.Time{})
	c := &call{d: d, w: w, r: r}
	return c, c.parse(document)
}

func (c *call) parse(document []byte) error {
	root, err := parseXML(document)
	if err != nil {
		return err
	}
	if root.name.Local != "Envelope" || root.name.Space != namespaces["SOAP-ENV"] {
		return errNotSOAP
	}
	for _, part := range root.children {
		switch {
		case part.name.Local == "Header":
			c.token = newToken(part.find("UsernameToken"))
		case part.name.Local == "Body" && len(part.children) > 0:
			c.body = part.children[0]
		}
	}
	if c.body == nil {
		return errNotSOAP
	}
	c.operation, c.prefix = c.body.name.Local, prefixes[c.body.name.Space]
	return nil
}

// key of the call's operation and its answer's template.
func (c *call) key() string { return c.prefix + ":" + c.operation }

// answer sends the body of an answer.
func (c *call) answer(headers, body string) {
	c.send(http.StatusOK, c.d.spoil(envelope(headers, body)))
}

// fail sends a fault.
func (c *call) fail(f *fault) {
	for _, s := range f.subcodes {
		c.d.count(strings.TrimPrefix(s, "ter:"))
	}
	c.send(f.status, c.d.spoil(envelope("", fill("fault", f))))
}

func (c *call) send(status int, document []byte) {
	c.w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(document) // whoever asked may be gone
}
