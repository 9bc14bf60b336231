package device

import (
	"bytes"
	"embed"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"text/template"
)

// namespaces by the prefix that the answers have for them.
var namespaces = map[string]string{
	"SOAP-ENV": "http://www.w3.org/2003/05/soap-envelope",
	"tds":      "http://www.onvif.org/ver10/device/wsdl",
	"trt":      "http://www.onvif.org/ver10/media/wsdl",
	"tr2":      "http://www.onvif.org/ver20/media/wsdl",
	"tptz":     "http://www.onvif.org/ver20/ptz/wsdl",
	"tev":      "http://www.onvif.org/ver10/events/wsdl",
	"wsnt":     "http://docs.oasis-open.org/wsn/b-2",
	"tt":       "http://www.onvif.org/ver10/schema",
	"tdn":      "http://www.onvif.org/ver10/network/wsdl",
}

// prefixes by namespace.
var prefixes = func() map[string]string {
	m := map[string]string{}
	for prefix, space := range namespaces {
		m[space] = prefix
	}
	return m
}()

//go:embed answers/*.xml
var answerFiles embed.FS

// answers are templates by prefix and operation, as "tds:GetScopes". What they print of
// others' making goes through x.
var answers = template.Must(template.New("").Funcs(template.FuncMap{"x": escape, "words": strings.Fields}).ParseFS(answerFiles, "answers/*.xml"))

// escape makes text of what may hold anything.
func escape(v any) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(fmt.Sprint(v))) // a Builder does not fail
	return b.String()
}

// A fault says why an operation was not done (SOAP 1.2 section 5.4, ONVIF Core section 5.8).
type fault struct {
	status         int
	code           string   // Sender or Receiver
	subcodes       []string // the outer first
	reason, detail string
}

func (f *fault) Code() string       { return f.code }
func (f *fault) Subcodes() []string { return f.subcodes }
func (f *fault) Reason() string     { return f.reason }
func (f *fault) Detail() string     { return f.detail }

func senderFault(reason string, subcodes ...string) *fault {
	return &fault{status: http.StatusBadRequest, code: "Sender", subcodes: subcodes, reason: reason}
}

func receiverFault(reason string, subcodes ...string) *fault {
	return &fault{status: http.StatusInternalServerError, code: "Receiver", subcodes: subcodes, reason: reason}
}

func notSupported(operation string) *fault {
	return receiverFault("The requested action "+operation+" is optional and is not implemented by the device", "ter:ActionNotSupported")
}

func noProfile(token string) *fault {
	return senderFault(fmt.Sprintf("The requested profile token %.80q does not exist", token), "ter:InvalidArgVal", "ter:NoProfile")
}

func invalidArgument(what string) *fault {
	return senderFault("Argument value invalid: "+what, "ter:InvalidArgs")
}

// envelope puts a body into one. headers may be "".
func envelope(headers, body string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	b.WriteString(`<SOAP-ENV:Envelope`)
	for _, prefix := range []string{"SOAP-ENV", "tt", "tds", "trt", "tr2", "tptz", "tev", "wsnt"} {
		fmt.Fprintf(&b, ` xmlns:%s="%s"`, prefix, namespaces[prefix])
	}
	b.WriteString(` xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:ter="http://www.onvif.org/ver10/error" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:wsrf-rw="http://docs.oasis-open.org/wsrf/rw-2">`)
	b.WriteString(`<SOAP-ENV:Header>` + headers + `</SOAP-ENV:Header><SOAP-ENV:Body>` + body + `</SOAP-ENV:Body></SOAP-ENV:Envelope>`)
	return b.Bytes()
}

// fill makes the text of a template.
func fill(name string, data any) string {
	var b strings.Builder
	if err := answers.ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("answer %s: %v", name, err)) // the tests ask for every one
	}
	return b.String()
}
