package legacy

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

const someSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"

func TestOffersComeInEachFormThatGo2rtcTakes(t *testing.T) {
	inForm := "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(someSDP)))
	for kind, c := range map[string]struct {
		body, back string
		form       OfferForm
		status     int
	}{
		"application/json":                  {`{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"}`, `{"sdp":"v=0\r\n","type":"answer"}`, JSONOffer, 200},
		"application/sdp; charset=utf-8":    {someSDP, "v=0\r\n", WHEPOffer, 201},
		"application/x-www-form-urlencoded": {inForm, "dj0wDQo=", FormOffer, 200},
		"text/plain":                        {someSDP, "v=0\r\n", PlainOffer, 200},
		"":                                  {someSDP, "v=0\r\n", PlainOffer, 200},
	} {
		sdp, form, err := ReadOffer(kind, []byte(c.body))
		if err != nil || sdp != someSDP || form != c.form {
			t.Errorf("%q: %q %v %v", kind, sdp, form, err)
		}
		if status, _, back := form.Answer("v=0\r\n"); status != c.status || string(back) != c.back {
			t.Errorf("%q: %d %s", kind, status, back)
		}
	}
	for kind, body := range map[string]string{
		"application/json": `{"type":"answer","sdp":"v=0"}`, "application/json;": `[]`, "application/json; x=1": `{"type":"offer"}`, "application/sdp": "hello", "": "",
		"application/x-www-form-urlencoded": "data=%zz", "application/x-www-form-urlencoded;x=1": "x=1",
	} {
		if _, _, err := ReadOffer(kind, []byte(body)); err == nil || !strings.Contains(err.Error(), "must be") {
			t.Errorf("%s %q: %v", kind, body, err)
		}
	}
}

func FuzzOffer(f *testing.F) {
	f.Add("application/json", []byte(`{"type":"offer","sdp":"v=0"}`))
	f.Add("application/x-www-form-urlencoded", []byte("data=dj0w"))
	f.Add("application/sdp", []byte(someSDP))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		sdp, form, err := ReadOffer(kind, body)
		if err == nil && sdp == "" {
			t.Error("nothing is offered")
		}
		if status, back, _ := form.Answer(sdp); status == 0 || back == "" {
			t.Errorf("%v: %d %q", form, status, back)
		}
	})
}
