package device

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func addHostileTests(add func(Quirk, quirkTest)) {
	const profile = "<ProfileToken>main</ProfileToken>"
	add(QuirkHostileHugeBody, func(t *testing.T, q Quirk) {
		if n := hostileBody(t, q, hugeBody); n < hugeBody {
			t.Errorf("%d bytes", n)
		}
	})
	add(QuirkHostileDeepXML, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		if r := ask(t, d, "tds:GetScopes"); strings.Count(r.body, "<a>") != deepXML {
			t.Errorf("%d deep", strings.Count(r.body, "<a>"))
		}
	})
	add(QuirkHostileEntities, soapQuirk("tds:GetScopes", "", 200, []string{`<!ENTITY lol9 "&lol8;&lol8;`, "&lol9;"}))
	add(QuirkHostileCut, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		res, err := client(t).Do(request(t, d.XAddr(), "", op("tds:GetScopes")))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v after %d bytes", err, len(body))
		}
	})
	add(QuirkHostileSlow, func(t *testing.T, q Quirk) {
		if n := hostileBody(t, q, 5); n != 5 {
			t.Errorf("%d bytes", n)
		}
	})
	add(QuirkHostileSilent, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		c := client(t)
		c.Timeout = 100 * time.Millisecond
		_, err := c.Do(request(t, d.XAddr(), "", op("tds:GetScopes")))
		if !os.IsTimeout(err) {
			t.Errorf("it says %v", err)
		}
	})
	add(QuirkHostileRedirect, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		for _, r := range []reply{ask(t, d, "tds:GetScopes"), get(t, snapshotURL(d, "main"))} {
			if r.status != 307 || r.header.Get("Location") != elsewhere {
				t.Errorf("HTTP %d to %q", r.status, r.header.Get("Location"))
			}
		}
	})
	add(QuirkNoSnapshot, func(t *testing.T, q Quirk) {
		soapQuirk("trt:GetSnapshotUri", profile, 500, []string{"ter:ActionNotSupported"})(t, q)
		get(t, snapshotURL(start(t, Options{Quirks: []Quirk{q}}), "main")).must(t, 404)
	})
	add(QuirkNoEvents, func(t *testing.T, q Quirk) {
		soapQuirk("tev:CreatePullPointSubscription", "", 500, []string{"ter:ActionNotSupported"})(t, q)
		soapQuirk("tds:GetServices", "", 200, []string{"/ver20/media/"}, "event_service")(t, q)
	})
}

// hostileBody reads so many bytes of an answer, and leaves.
func hostileBody(t *testing.T, q Quirk, size int64) int64 {
	t.Helper()
	d := start(t, Options{Quirks: []Quirk{q}})
	res, err := client(t).Do(request(t, d.XAddr(), "", op("tds:GetScopes")))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.CopyN(io.Discard, res.Body, size)
	if err != nil {
		t.Fatal(strconv.Itoa(int(n)), err)
	}
	return n
}
