package onvif

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"camgate/camsim/device"
)

func TestCameraWithoutPasswordIsAskedAnonymously(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.wantWays(t)
	if c.Auth() != "anonymous" {
		t.Errorf("Auth is %q", c.Auth())
	}
}

func TestWSUsernameTokenWhereTheCameraRefusesByFault(t *testing.T) {
	f := newFake(t)
	f.login = wsseLogin
	c := f.client(t)
	info, err := c.Information(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.Maker != "Acme" {
		t.Errorf("it says %+v", info)
	}
	f.wantWays(t, "wsse digest")
	if _, err := c.Profiles(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.wantWays(t, "wsse digest", "wsse digest")
	if c.Auth() != "WS-UsernameToken" {
		t.Errorf("Auth is %q", c.Auth())
	}
	anonymousProfiles := f.requests(func(s seen) bool { return s.operation == "GetProfiles" && !s.credentials() })
	if len(anonymousProfiles) > 0 {
		t.Error("what works was forgotten: it asked anonymously again")
	}
	created := f.requests(seen.credentials)[0].created
	if _, err := time.Parse("2006-01-02T15:04:05Z", created); err != nil {
		t.Errorf("Created is %q: whole seconds and Z are wanted", created)
	}
}

func TestHTTPDigestTakesTheStrongestOfTheChallenges(t *testing.T) {
	for _, one := range []struct {
		name    string
		schemes []string
		want    string
		auth    string
	}{
		{"MD5", []string{"Digest MD5"}, "Digest MD5", "HTTP Digest (MD5)"},
		{"SHA-256 last", []string{"Digest MD5", "Digest SHA-256"}, "Digest SHA-256", "HTTP Digest (SHA-256)"},
		{"SHA-256 first", []string{"Digest SHA-256", "Digest MD5"}, "Digest SHA-256", "HTTP Digest (SHA-256)"},
		{"never Basic beside it", []string{"Basic", "Digest MD5"}, "Digest MD5", "HTTP Digest (MD5)"},
	} {
		t.Run(one.name, func(t *testing.T) {
			f := newFake(t)
			f.login = f.digestLogin(one.schemes...)
			c := f.client(t)
			for range 3 {
				if _, err := c.Information(testContext(t)); err != nil {
					t.Fatal(err)
				}
			}
			f.wantWays(t, one.want, one.want, one.want)
			if c.Auth() != one.auth {
				t.Errorf("Auth is %q", c.Auth())
			}
		})
	}
}

func TestAnExpiredNonceIsNoRefusedPassword(t *testing.T) {
	f := newFake(t)
	f.login = f.digestLogin("Digest MD5")
	c := f.client(t)
	for range 3 {
		if _, err := c.Information(testContext(t)); err != nil {
			t.Fatal(err)
		}
		f.newNonce()
	}
	f.wantWays(t, "Digest MD5", "Digest MD5", "Digest MD5", "Digest MD5", "Digest MD5")
}

func TestManyRequestsAtOnceAreAllLetIn(t *testing.T) {
	s := newSimulated(t)
	for _, quirk := range []device.Quirk{device.QuirkDigestOnly, device.QuirkWSSEOnly} {
		_, c := s.camera(t, quirk)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 10 {
					if _, err := c.Information(testContext(t)); err != nil {
						t.Errorf("%s: %v", quirk, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func TestBothLoginsWhereHTTPAndSOAPWantOneEach(t *testing.T) {
	f := newFake(t)
	f.login = func(s seen) *refused {
		switch {
		case s.operation == "GetSystemDateAndTime" || s.operation == "GetServices":
			return nil
		case !s.httpRight:
			return f.challenge("Digest MD5")
		case !s.wsseRight:
			return soapFault(400, faultNotAuthorized)
		}
		return nil
	}
	c := f.client(t)
	for range 2 {
		if _, err := c.Information(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	f.wantWays(t, "Digest MD5", "Digest MD5+wsse digest", "Digest MD5+wsse digest")
}

func TestPasswordTextIsTheLastThingTriedAndRemembered(t *testing.T) {
	f := newFake(t)
	f.login = func(s seen) *refused {
		if s.operation == "GetSystemDateAndTime" || s.operation == "GetServices" || s.wsse == "text" && s.wsseRight {
			return nil
		}
		return soapFault(400, faultNotAuthorized)
	}
	c := f.client(t)
	for range 2 {
		if _, err := c.Information(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	f.wantWays(t, "wsse digest", "wsse text", "wsse text")
	if notes := strings.Join(c.Notes(), "\n"); !strings.Contains(notes, "readable form") {
		t.Errorf("nobody is told that the password can be read: %q", notes)
	}
}

func TestDigestOnlyNeverSendsAReadablePassword(t *testing.T) {
	for name, refuse := range map[string]func(*fake) func(seen) *refused{
		"PasswordText": func(f *fake) func(seen) *refused {
			return func(s seen) *refused {
				if s.operation == "GetSystemDateAndTime" || s.operation == "GetServices" {
					return nil
				}
				return soapFault(400, faultNotAuthorized)
			}
		},
		"Basic": func(f *fake) func(seen) *refused { return f.digestLogin("Basic") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.login = refuse(f)
			_, err := f.client(t, digestOnly).Information(testContext(t))
			if !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "digest_only forbids") {
				t.Errorf("got %v", err)
			}
			f.wantWays(t, "wsse digest")
			for _, s := range f.requests(func(seen) bool { return true }) {
				if strings.Contains(unescapeXML(s.body), testPassword) {
					t.Error("the password can be read in", s.operation)
				}
			}
		})
	}
}

func TestBasicOnlyWhereNothingElseIsOffered(t *testing.T) {
	f := newFake(t)
	f.login = f.digestLogin("Basic")
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.wantWays(t, "wsse digest", "Basic")
}

func TestAnEmptyPasswordIsSentAsSuch(t *testing.T) {
	f := newFake(t)
	f.password, f.login = "", wsseLogin
	if _, err := f.client(t, withPassword("")).Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.wantWays(t, "wsse digest")
}

func TestWhoHasNoPasswordIsToldThatOneIsWanted(t *testing.T) {
	f := newFake(t)
	f.login = f.digestLogin("Digest MD5")
	_, err := f.client(t, anonymously).Information(testContext(t))
	if !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "wants a user and a password") {
		t.Errorf("got %v", err)
	}
	f.wantWays(t)
}

// The tries are as few as they can be, and the same password is not sent again for a minute.
func TestAWrongPasswordDoesNotLockTheAccount(t *testing.T) {
	for _, one := range []struct {
		name  string
		login func(*fake) func(seen) *refused
		ways  []string
		says  []string
	}{
		{"HTTP Digest", func(f *fake) func(seen) *refused { return f.digestLogin("Digest MD5", "Digest SHA-256") },
			[]string{"Digest SHA-256", "wsse digest"}, []string{"password refused: HTTP Digest (SHA-256) 401", "WS-UsernameToken 401", "next try is in a minute"}},
		{"fault", func(f *fake) func(seen) *refused { return wsseLogin },
			[]string{"wsse digest", "wsse text"}, []string{"password refused: WS-UsernameToken 400 (Sender not Authorized)"}},
	} {
		t.Run(one.name, func(t *testing.T) {
			f := newFake(t)
			f.login = one.login(f)
			c := f.client(t, withPassword("wrong password"))
			_, err := c.Information(testContext(t))
			if !errors.Is(err, ErrNotAuthorized) || errors.Is(err, ErrLocked) {
				t.Fatalf("got %v", err)
			}
			for _, says := range one.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q is not in %v", says, err)
				}
			}
			f.wantWays(t, one.ways...)
			for range 5 {
				if _, err = c.Profiles(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
					t.Fatalf("got %v", err)
				}
			}
			if !strings.Contains(err.Error(), "not sent again for") {
				t.Errorf("got %v", err)
			}
			f.wantWays(t, one.ways...)
			if _, err := c.Clock(testContext(t)); err != nil {
				t.Errorf("what needs no password must go on: %v", err)
			}
			// A minute later, with the right password in the camera, all is well.
			c.login.now = func() time.Time { return time.Now().Add(patience + time.Second) }
			f.password = "wrong password"
			if _, err := c.Information(testContext(t)); err != nil {
				t.Errorf("a minute later: %v", err)
			}
		})
	}
}

func TestAWrongPasswordIsTriedOnceAMinute(t *testing.T) {
	f := newFake(t)
	f.login = f.digestLogin("Digest MD5")
	c := f.client(t, withPassword("wrong password"))
	ahead := time.Duration(0)
	c.login.now = func() time.Time { return time.Now().Add(ahead) }
	want := []string{"Digest MD5", "wsse digest", "Digest MD5", "wsse digest", "Digest MD5"}
	for i := range 4 {
		for range 3 {
			if _, err := c.Information(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
				t.Fatalf("got %v", err)
			}
		}
		f.wantWays(t, want[:2+i]...)
		ahead += patience + time.Second
	}
	f.password = "wrong password" // now it is right
	for range 2 {
		if _, err := c.Information(testContext(t)); err != nil {
			ahead += patience + time.Second
		}
	}
	if _, err := c.Information(testContext(t)); err != nil {
		t.Errorf("the right password was not found: %v", err)
	}
}

func TestAChangedPasswordBehindHTTPDigestIsSentThreeTimes(t *testing.T) {
	f := newFake(t)
	f.login = f.digestLogin("Digest MD5")
	c := f.client(t)
	ahead := time.Duration(0)
	c.login.now = func() time.Time { return time.Now().Add(ahead) }
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.password = "changed"
	f.newNonce()
	want := []string{"Digest MD5", "Digest MD5", "Digest MD5", "Digest MD5", "Digest MD5", "wsse digest"}
	for i := range 3 {
		for range 3 {
			_, first := c.Information(testContext(t))
			_, second := c.Profiles(testContext(t))
			if !errors.Is(first, ErrNotAuthorized) || !errors.Is(second, ErrNotAuthorized) {
				t.Fatalf("got %v, %v", first, second)
			}
		}
		f.wantWays(t, want[:4+i]...)
		ahead += patience + time.Second
	}
}

func TestManyAtOnceTryAWrongPasswordOnce(t *testing.T) {
	f := newFake(t)
	f.login = f.digestLogin("Digest MD5")
	c := f.client(t, withPassword("wrong password"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.Information(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	f.wantWays(t, "Digest MD5", "wsse digest")
}

func TestTheCamerasWordsAboutTriesAndLocksArePassedOn(t *testing.T) {
	for _, one := range []struct {
		name, fault string
		ways        []string
		says        string
		locked      bool
	}{
		{"many tries left", "Wrong password. You still have 26 attempt(s)", []string{"wsse digest", "wsse text"}, "You still have 26 attempt(s)", false},
		{"few tries left", "You still have 2 attempt(s)", []string{"wsse digest"}, "2 more tries may lock the account", false},
		{"locked", "The account is locked for 30 minutes", []string{"wsse digest"}, "locked for 30 minutes", true},
	} {
		t.Run(one.name, func(t *testing.T) {
			f := newFake(t)
			f.login = func(s seen) *refused {
				switch {
				case s.operation == "GetSystemDateAndTime" || s.operation == "GetServices":
					return nil
				case s.credentials():
					return soapFault(400, strings.Replace(faultNotAuthorized, "Sender not Authorized", one.fault, 1))
				}
				return soapFault(400, faultNotAuthorized)
			}
			c := f.client(t, withPassword("wrong password"))
			_, err := c.Information(testContext(t))
			if !errors.Is(err, ErrNotAuthorized) || errors.Is(err, ErrLocked) != one.locked {
				t.Errorf("errors.Is is wrong for %v", err)
			}
			if !strings.Contains(err.Error(), one.says) {
				t.Errorf("%q is not in %v", one.says, err)
			}
			f.wantWays(t, one.ways...)
			// Five minutes later there are still as few tries, or it is still locked.
			c.login.now = func() time.Time { return time.Now().Add(5 * time.Minute) }
			if _, err := c.Information(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
				t.Errorf("got %v", err)
			}
			if more := len(f.ways()) - len(one.ways); (more == 0) != (one.name != "many tries left") {
				t.Errorf("five minutes later it tried %d more", more)
			}
		})
	}
}

func TestAMissingRightBlocksThatOperationOnly(t *testing.T) {
	f := newFake(t)
	f.answers["Stop"] = ""
	f.login = func(s seen) *refused {
		if s.operation == "Stop" {
			return soapFault(400, faultNotAuthorized)
		}
		return wsseLogin(s)
	}
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.Stop(testContext(t), Profile{Token: "p"}); !errors.Is(err, ErrNotAuthorized) {
			t.Fatalf("got %v", err)
		}
	}
	f.wantWays(t, "wsse digest", "wsse digest")
	if _, err := c.Profiles(testContext(t)); err != nil {
		t.Errorf("what the user may do must go on: %v", err)
	}
}

func TestAChangedPasswordIsSentAtMostTwice(t *testing.T) {
	f := newFake(t)
	f.login = wsseLogin
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.password = "changed"
	for range 4 {
		_, first := c.Information(testContext(t))
		_, second := c.Profiles(testContext(t))
		third := c.Stop(testContext(t), Profile{Token: "p"})
		for _, err := range []error{first, second, third} {
			if !errors.Is(err, ErrNotAuthorized) {
				t.Fatalf("got %v", err)
			}
		}
	}
	f.wantWays(t, "wsse digest", "wsse digest", "wsse digest")
}

func TestACameraThatLostItsUsersIsAskedAnonymously(t *testing.T) {
	f := newFake(t)
	f.login = wsseLogin
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.login = func(s seen) *refused {
		if s.credentials() {
			return soapFault(400, faultNotAuthorized)
		}
		return nil
	}
	f.mu.Unlock()
	if _, err := c.Information(testContext(t)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestThePasswordIsInNoErrorAndNoNote(t *testing.T) {
	f := newFake(t)
	f.login = func(s seen) *refused {
		if s.operation == "GetSystemDateAndTime" {
			return nil
		}
		said := "no " + testPassword + " please"
		return &refused{status: 401, header: []string{`Basic realm="x"`}, body: "<html>" + strings.NewReplacer(`"`, "&quot;").Replace(said) + said + "</html>"}
	}
	c := f.client(t)
	_, err := c.Information(testContext(t))
	if err == nil {
		t.Fatal("no error")
	}
	var fault *Fault
	if !errors.As(err, &fault) {
		t.Fatalf("no fault in %v", err)
	}
	for _, text := range append(c.Notes(), err.Error(), fault.Reason, fault.Detail, fault.Error()) {
		if strings.Contains(text, testPassword) || strings.Contains(text, "Kan/ar") {
			t.Errorf("the password is in %q", text)
		}
	}
}

// TestWhatACameraMakesOfThePasswordIsShownNowhere: some write it into the paths of their
// addresses, and have an address for pictures that is no use.
func TestWhatACameraMakesOfThePasswordIsShownNowhere(t *testing.T) {
	f := newFake(t)
	f.set("GetSnapshotUri", "<MediaUri><Uri>rtsp://192.0.2.1:554/user=admin_password=tlJw_pbo6_channel=1_stream=0.sdp?real_stream</Uri></MediaUri>")
	c := f.client(t)
	_, err := c.SnapshotURI(testContext(t), Profile{Token: "p"})
	if !errors.Is(err, ErrNotSupported) || strings.Contains(err.Error(), "pbo6") || !strings.Contains(err.Error(), "/user=admin_password=***_channel=1") {
		t.Errorf("the error is %v", err)
	}
	for raw, want := range map[string]string{
		"http://192.0.2.1/pwd=canary":         "http://192.0.2.1/pwd=***",
		"rtsp://h/a_PASSWORD=canary_b=1/c":    "rtsp://h/a_PASSWORD=***_b=1/c",
		"http://h/compass=north":              "http://h/compass=north",
		"http://u:canary@h/x?password=canary": "http://***@h/x?…",
		"http://h/password=canary?x":          "http://h/password=***?…",
	} {
		if got := redactText(raw); got != want {
			t.Errorf("%s is shown as %s, want %s", raw, got, want)
		}
	}
}
