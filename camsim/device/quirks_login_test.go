package device

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func addLoginTests(add func(Quirk, quirkTest)) {
	const profile = "<ProfileToken>main</ProfileToken>"
	now := func(form string) string { return time.Now().UTC().Format(form) }
	add(QuirkClockOff, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		signed(t, d, signature{}, "tds:GetScopes").must(t, 400)
		signed(t, d, signature{at: -3*time.Hour - 12*time.Minute}, "tds:GetScopes").must(t, 200)
	})
	add(QuirkClockNeedsLogin, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		ask(t, d, "tds:GetSystemDateAndTime").must(t, 401, "ter:NotAuthorized")
		signed(t, d, signature{}, "tds:GetSystemDateAndTime").must(t, 200)
	})
	add(QuirkClockLocalTime, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		hour := time.Now().UTC().Add(8 * time.Hour).Hour()
		r := ask(t, d, "tds:GetSystemDateAndTime")
		if !strings.Contains(r.body, fmt.Sprintf("<tt:UTCDateTime><tt:Time><tt:Hour>%d<", hour)) && time.Now().Minute() > 0 {
			t.Errorf("%v", r)
		}
		signed(t, d, signature{}, "tds:GetScopes").must(t, 200)
		signed(t, d, signature{at: 8 * time.Hour}, "tds:GetScopes").must(t, 400)
	})
	add(QuirkClockNone, soapQuirk("tds:GetSystemDateAndTime", "", 500, []string{"ter:ActionNotSupported"}))
	add(QuirkClockEmpty, soapQuirk("tds:GetSystemDateAndTime", "", 200, []string{"<tds:SystemDateAndTime>"}, "UTCDateTime", "<tt:Year>"))
	add(QuirkNoDateHeader, func(t *testing.T, q Quirk) {
		if r := ask(t, start(t, Options{Quirks: []Quirk{q}}), "tds:GetScopes"); r.header.Get("Date") != "" {
			t.Errorf("Date: %s", r.header.Get("Date"))
		}
	})
	add(QuirkCreatedZ, func(t *testing.T, q Quirk) {
		tokenQuirk(signature{created: now("2006-01-02T15:04:05Z")}, signature{created: now("2006-01-02T15:04:05+00:00")})(t, q)
	})
	add(QuirkCreatedCoarse, func(t *testing.T, q Quirk) {
		tokenQuirk(signature{created: now("2006-01-02T15:04:05.000Z")}, signature{created: now("2006-01-02T15:04:05.000000000Z")})(t, q)
	})
	add(QuirkTimezoneUTC50, soapQuirk("tds:GetSystemDateAndTime", "", 200, []string{"<tt:TZ>UTC5:0<"}, "LocalDateTime"))
	add(QuirkTimezoneCST8, soapQuirk("tds:GetSystemDateAndTime", "", 200, []string{"<tt:TZ>CST+8:00:00<"}))

	add(QuirkDigestOnly, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		r := signed(t, d, signature{}, "tds:GetScopes")
		r.must(t, 401, "<html>")
		r.mustNot(t, "Envelope")
		if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Digest ") {
			t.Errorf("it challenges %q", r.header.Get("WWW-Authenticate"))
		}
		digested(t, asking(t, d, "tds:GetScopes"), "", password).must(t, 200)
	})
	add(QuirkWSSEOnly, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		r := ask(t, d, "tds:GetScopes")
		r.must(t, 400, "ter:NotAuthorized")
		if r.header.Get("WWW-Authenticate") != "" {
			t.Errorf("it challenges %q", r.header.Get("WWW-Authenticate"))
		}
		signed(t, d, signature{}, "tds:GetScopes").must(t, 200)
	})
	add(QuirkPasswordTextOnly, tokenQuirk(signature{text: true}, signature{}))
	add(QuirkNotAuthorized400, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		ask(t, d, "tds:GetScopes").must(t, 400, "ter:NotAuthorized")
		signed(t, d, signature{}, "tds:GetScopes").must(t, 200)
	})
	add(QuirkWrongTokenFailsAll, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		ask(t, d, "tds:GetSystemDateAndTime").must(t, 200)
		signed(t, d, signature{password: "x"}, "tds:GetSystemDateAndTime").must(t, 400, "ter:NotAuthorized")
		signed(t, locked(t, Options{}), signature{password: "x"}, "tds:GetSystemDateAndTime").must(t, 200)
	})
	add(QuirkTwoChallenges, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		if n := len(ask(t, d, "tds:GetScopes").header.Values("WWW-Authenticate")); n != 2 {
			t.Errorf("%d challenges", n)
		}
		digested(t, asking(t, d, "tds:GetScopes"), "MD5", password).must(t, 200)
		digested(t, asking(t, d, "tds:GetScopes"), "SHA-256", password).must(t, 200)
	})
	add(QuirkTwoChallengesInOne, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		if list := ask(t, d, "tds:GetScopes").header.Values("WWW-Authenticate"); len(list) != 1 || strings.Count(list[0], "Digest realm=") != 2 {
			t.Errorf("it challenges %q", list)
		}
		digested(t, asking(t, d, "tds:GetScopes"), "MD5", password).must(t, 200)
		digested(t, asking(t, d, "tds:GetScopes"), "SHA-256", password).must(t, 200)
	})
	add(QuirkDigestSHA256, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		digested(t, asking(t, d, "tds:GetScopes"), "SHA-256", password).must(t, 200)
		if header := ask(t, d, "tds:GetScopes").header.Get("WWW-Authenticate"); strings.Contains(header, "MD5") {
			t.Errorf("it challenges %q", header)
		}
	})
	add(QuirkEmptyPassword, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		signed(t, d, signature{}, "tds:GetScopes").must(t, 400)
		digested(t, asking(t, d, "tds:GetScopes"), "", "").must(t, 200)
		if !strings.HasPrefix(d.URL(), "onvif://admin:@") {
			t.Errorf("its URL is %s", d.URL())
		}
	})
	add(QuirkCredentialsRefused, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		ask(t, d, "tds:GetScopes").must(t, 200)
		signed(t, d, signature{}, "tds:GetScopes").must(t, 400, "ter:NotAuthorized")
		do(t, basic(getting(t, snapshotURL(d, "main"))(), password)).must(t, 401)
		isPicture(t, get(t, snapshotURL(d, "main")), 320)
	})
	add(QuirkLockout, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}, Tries: 3})
		for range 3 {
			ask(t, d, "tds:GetScopes").must(t, 401) // who has no password has no wrong one
			signed(t, d, signature{}, "tds:GetScopes").must(t, 200)
		}
		for range 3 {
			signed(t, d, signature{password: "x"}, "tds:GetScopes").must(t, 400)
		}
		if !d.Locked() {
			t.Fatal("it is not locked")
		}
		signed(t, d, signature{}, "tds:GetScopes").must(t, 400, "ter:NotAuthorized")
		do(t, basic(getting(t, snapshotURL(d, "main"))(), password)).must(t, 401, "<lockStatus>lock<")
		if n := d.Requests()["locked"]; n != 2 {
			t.Errorf("counted %d", n)
		}
		d.Unlock()
		signed(t, d, signature{}, "tds:GetScopes").must(t, 200)
	})
	add(QuirkLockoutWarns, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}, Tries: 3})
		signed(t, d, signature{password: "x"}, "tds:GetScopes").must(t, 400, "You still have 2 attempt(s)")
		digested(t, asking(t, d, "tds:GetScopes"), "", "x").must(t, 401, "You still have 1 attempt(s)")
		signed(t, d, signature{password: "x"}, "tds:GetScopes").must(t, 400, "The account is locked. Try again in 30 minute(s)")
		signed(t, d, signature{}, "tds:GetScopes").must(t, 400, "The account is locked")
	})
	add(QuirkServicesNeedLogin, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		for _, name := range []string{"tds:GetServices", "tds:GetCapabilities", "tds:GetServiceCapabilities", "tds:GetHostname", "tds:GetEndpointReference"} {
			ask(t, d, name).must(t, 401)
			signed(t, d, signature{}, name).must(t, 200)
		}
		ask(t, d, "tds:GetSystemDateAndTime").must(t, 200)
	})
	add(QuirkInformationIsPublic, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		ask(t, d, "tds:GetDeviceInformation").must(t, 200)
		ask(t, d, "trt:GetProfiles").must(t, 200)
		ask(t, d, "trt:GetStreamUri", profile).must(t, 401)
	})
}
