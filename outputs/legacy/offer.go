package legacy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// An OfferForm is how an offer comes to go2rtc's /api/webrtc, and how its answer goes back
// (internal/webrtc/server.go).
type OfferForm uint8

const (
	PlainOffer OfferForm = iota // SDP, and SDP
	WHEPOffer                   // SDP, and a resource that is created
	JSONOffer                   // {"type":"offer","sdp":"…"}, and {"type":"answer","sdp":"…"}
	FormOffer                   // a form's field data, in base64, and base64
)

// ReadOffer reads the SDP of an offer. The error is a sentence.
func ReadOffer(contentType string, body []byte) (sdp string, form OfferForm, err error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = ""
	}
	switch kind {
	case "application/json":
		var said struct {
			Type string `json:"type"`
			SDP  string `json:"sdp"`
		}
		if json.Unmarshal(body, &said) != nil || said.SDP == "" || said.Type != "" && said.Type != "offer" {
			return "", JSONOffer, errors.New(`the request's body must be {"type":"offer","sdp":"v=0…"}`)
		}
		return said.SDP, JSONOffer, nil
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err == nil {
			body, err = base64.StdEncoding.DecodeString(values.Get("data"))
		}
		if err != nil || len(body) == 0 {
			return "", FormOffer, errors.New("the request's body must be data= and the SDP offer in base64")
		}
		return string(body), FormOffer, nil
	case "application/sdp":
		form = WHEPOffer
	}
	if !strings.HasPrefix(string(body), "v=") {
		return "", form, errors.New("the request's body must be an SDP offer: it begins with v=0")
	}
	return string(body), form, nil
}

// Answer is the status, content type and body with which an answer goes back.
func (f OfferForm) Answer(sdp string) (status int, contentType string, body []byte) {
	switch f {
	case JSONOffer:
		body, _ = json.Marshal(map[string]string{"type": "answer", "sdp": sdp}) // strings can always be written
		return http.StatusOK, "application/json", body
	case FormOffer:
		return http.StatusOK, "application/x-www-form-urlencoded", []byte(base64.StdEncoding.EncodeToString([]byte(sdp)))
	case WHEPOffer:
		return http.StatusCreated, "application/sdp", []byte(sdp)
	}
	return http.StatusOK, "application/sdp", []byte(sdp)
}
