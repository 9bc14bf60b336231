package camera

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/onvif"
)

func askContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestUserAndPasswordAreAtHand: RTSP sends them to a camera that asks for them, also where
// its address holds them already.
func TestUserAndPasswordAreAtHand(t *testing.T) {
	for _, uri := range []string{
		"rtsp://192.0.2.1:554/live",
		"rtsp://192.0.2.1:554/live?channel=1",
		"rtsp://192.0.2.1:554/live?user=admin&amp;password=s3cret",
		"rtsp://192.0.2.1:554/user=admin_password=s3cret_channel=1",
		"rtsp://old:older@192.0.2.1:554/live",
	} {
		f := newFakeONVIF(t)
		f.set("GetStreamUri", "<MediaUri><Uri>"+uri+"</Uri></MediaUri>")
		c := onvifCamera(t, f.address(), nil)
		streams, err := c.device.offered(askContext(t))
		if err != nil {
			t.Fatal(err)
		}
		user, password, given := streams[0].address.Login()
		if !given || user != "admin" || password != "s3cret" {
			t.Errorf("%s is asked with user %q: %v", uri, user, given)
		}
		for _, shown := range []string{c.StreamAddress(), c.Status().Address, strings.Join(c.Status().ONVIF.Profiles, " ")} {
			if strings.Contains(shown, "s3cret") {
				t.Errorf("%s is shown as %s", uri, shown)
			}
		}
		c.device.close()
	}
}

// TestWhoPretendsToBeTheCameraGetsNoReadablePassword: neither elsewhere than at its
// configured address, nor where the camera was only found.
func TestWhoPretendsToBeTheCameraGetsNoReadablePassword(t *testing.T) {
	f := newFakeONVIF(t)
	f.basic = true
	elsewhere := func(c *Config) {
		c.Address = c.Address.At("127.0.0.1:1")
		c.Find = func(context.Context, Identity) (string, bool) { return strings.TrimPrefix(f.URL, "http://"), true }
	}
	for name, change := range map[string]func(*Config){"at another address": elsewhere, "found": func(c *Config) { c.DigestOnly = true }} {
		c := onvifCamera(t, f.address(), change)
		_, err := c.find(askContext(t))
		if !errors.Is(err, onvif.ErrNotAuthorized) {
			t.Errorf("%s: %v", name, err)
		}
		for _, login := range f.logins {
			if strings.Contains(login, "Basic") || strings.Contains(login, "PasswordText") {
				t.Errorf("%s: it got %q", name, login)
			}
		}
		if c.device.serviceHost() != c.cfg.Address.Host() {
			t.Errorf("%s: it is asked there again, and not at its configured address", name)
		}
		c.device.close()
	}
	c := onvifCamera(t, f.address(), nil)
	defer c.device.close()
	if _, err := c.find(askContext(t)); err != nil {
		t.Errorf("at its configured address: %v", err)
	}
}

// TestNobodyLeadsTheCameraAwayForGood: two devices that claim to be the camera, at
// addresses where nobody answers, are tried now and then, and not in a hot loop.
func TestNobodyLeadsTheCameraAwayForGood(t *testing.T) {
	asked := 0
	c := onvifCamera(t, "onvif://127.0.0.1:1", func(c *Config) {
		c.Find = func(_ context.Context, id Identity) (string, bool) {
			asked++
			if id.Host == "127.0.0.1:2" {
				return "127.0.0.1:3", true
			}
			return "127.0.0.1:2", true
		}
	})
	d := c.device
	ctx := askContext(t)
	if !d.follow(ctx) || d.serviceHost() != "127.0.0.1:2" {
		t.Fatal("it is not followed")
	}
	for range 10 {
		if d.follow(ctx) {
			t.Fatal("it is led on at once")
		}
	}
	if asked != 11 {
		t.Errorf("it was looked for %d times, want each time", asked)
	}
	d.wentAt = d.wentAt.Add(-goAgainAfter)
	if !d.follow(ctx) || d.serviceHost() != "127.0.0.1:3" {
		t.Error("later it is not followed")
	}
	// Where nothing is known of it any more, its own address is tried again.
	d.cfg.Find = func(context.Context, Identity) (string, bool) { return "", false }
	d.wentAt = d.wentAt.Add(-goAgainAfter)
	if d.follow(ctx) {
		t.Error("it has left too early")
	}
	d.wentAt = d.wentAt.Add(-homeAfter)
	if !d.follow(ctx) || d.serviceHost() != "127.0.0.1:1" {
		t.Errorf("it is at %s", d.serviceHost())
	}
	d.wentAt = d.wentAt.Add(-homeAfter)
	if d.follow(ctx) {
		t.Error("it leaves its own address without a place to go to")
	}
}

func TestARefusedLoginElsewhereLeadsHome(t *testing.T) {
	c := onvifCamera(t, "onvif://127.0.0.1:1", nil)
	d := c.device
	d.identity.Host = "127.0.0.1:2"
	d.gone(&silentError{})
	if d.serviceHost() != "127.0.0.1:2" || !d.doubtful {
		t.Error("silence led home, or its streams are not asked for again")
	}
	d.gone(source.ErrUnauthorized)
	if d.serviceHost() != "127.0.0.1:1" {
		t.Error("it stays where its password is refused")
	}
	d.doubtful = false
	d.gone(&stillError{"door", errors.New("too slow")})
	if d.doubtful {
		t.Error("all is asked again because of a still picture")
	}
}

func TestWhatAnotherAddressSaysIsNotKept(t *testing.T) {
	f := newFakeONVIF(t)
	c := onvifCamera(t, f.address(), nil)
	d := c.device
	defer d.close()
	old, err := d.connect()
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.goTo("127.0.0.1:1") // while it is being asked
	d.mu.Unlock()
	d.identify(askContext(t), old)
	if d.identity.Serial != "" || d.identity.Endpoint != "" || d.info.Model != "" || d.serviceHost() != "127.0.0.1:1" {
		t.Errorf("it is taken for %+v, %+v", d.identity, d.info)
	}
	old.Close()
}

func TestOneWhoAsksMeanwhileDoesNotWaitForLonger(t *testing.T) {
	c := onvifCamera(t, "onvif://127.0.0.1:1", nil)
	c.device.asking <- struct{}{} // the camera is being asked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Move(ctx, Order{Pan: 1}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `camera "door"`) {
		t.Errorf("the order gives %v", err)
	}
}

func TestKnownStreamsDoWhileTheCameraStarts(t *testing.T) {
	f := newFakeONVIF(t)
	c := onvifCamera(t, f.address(), nil)
	defer c.device.close()
	if _, err := c.device.offered(askContext(t)); err != nil {
		t.Fatal(err)
	}
	c.device.doubt()
	for _, answer := range []string{"drop", "<Profiles"} {
		f.set("GetProfiles", answer)
		if streams, err := c.device.offered(askContext(t)); err != nil || len(streams) != 1 {
			t.Errorf("with %q it offers %d, %v", answer, len(streams), err)
		}
	}
	if !c.device.doubtful {
		t.Error("it is not asked again")
	}
}

// TestWhatWasSaidElsewhereIsNotGoneBackTo: while it is asked at its old address, its other
// stream has found it at a new one.
func TestWhatWasSaidElsewhereIsNotGoneBackTo(t *testing.T) {
	old, now := newFakeONVIF(t), newFakeONVIF(t)
	c := onvifCamera(t, old.address(), nil)
	d := c.device
	defer d.close()
	if _, err := c.find(askContext(t)); err != nil {
		t.Fatal(err)
	}
	now.set("GetStreamUri", "<MediaUri><Uri>rtsp://127.0.0.1:2/live</Uri></MediaUri>")
	for _, answer := range []string{"drop", old.answers["GetProfiles"]} {
		d.home()
		if _, err := d.offered(askContext(t)); err != nil {
			t.Fatal(err)
		}
		d.doubt()
		old.set("GetProfiles", answer)
		old.when("GetProfiles", func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.goTo(strings.TrimPrefix(now.URL, "http://"))
		})
		if chosen, err := c.find(askContext(t)); err != nil || chosen.address.Host() != "127.0.0.1:2" {
			t.Errorf("its stream is looked for at %s: %v", chosen.address.Host(), err)
		}
		if at := d.serviceHost(); at != strings.TrimPrefix(now.URL, "http://") {
			t.Errorf("it is asked at %s", at)
		}
		old.when("", nil)
		old.set("GetProfiles", now.answers["GetProfiles"])
	}
}

// TestACameraWhoseStreamHasAnotherPortIsAskedAgain: somebody has changed it in the camera, or
// its new firmware has. What it said before is not tried for ever.
func TestACameraWhoseStreamHasAnotherPortIsAskedAgain(t *testing.T) {
	f := newFakeONVIF(t)
	f.set("GetStreamUri", "<MediaUri><Uri>rtsp://127.0.0.1:1/live</Uri></MediaUri>")
	c := onvifCamera(t, f.address(), nil)
	defer c.device.close()
	ctx := askContext(t)
	port := func(want string) {
		t.Helper()
		if chosen, err := c.find(ctx); err != nil || chosen.address.Host() != want {
			t.Fatalf("its stream is looked for at %s, want %s: %v", chosen.address.Host(), want, err)
		}
	}
	port("127.0.0.1:1")
	f.set("GetStreamUri", "<MediaUri><Uri>rtsp://127.0.0.1:2/live</Uri></MediaUri>")
	_, refused := source.DialHost(ctx, "127.0.0.1:1", 40*time.Second)
	for _, one := range []struct {
		name string
		host string
		err  error
		ago  time.Duration
	}{
		{"it may be starting", "127.0.0.1:1", refused, askAgainAfter / 2},
		{"it is not there", "127.0.0.1:1", context.DeadlineExceeded, time.Hour},
		{"nobody is there to be asked", c.device.serviceHost(), refused, time.Hour},
	} {
		if c.device.outdated(one.host, time.Now().Add(-one.ago), one.err) {
			t.Errorf("%s, and it is asked again", one.name)
		}
		port("127.0.0.1:1")
	}
	if !c.device.outdated("127.0.0.1:1", time.Now().Add(-askAgainAfter), refused) {
		t.Error("it is not asked again")
	}
	port("127.0.0.1:2")
	if n := f.called("GetProfiles"); n != 2 {
		t.Errorf("it was asked %d times, want 2", n)
	}
}

func TestHundredsOfProfilesAreNotAllAsked(t *testing.T) {
	f := newFakeONVIF(t)
	one := f.answers["GetProfiles"]
	var many strings.Builder
	for n := range 200 {
		many.WriteString(strings.ReplaceAll(one, `token="p"`, `token="p`+strings.Repeat("x", n)+`"`))
	}
	f.set("GetProfiles", many.String())
	delete(f.answers, "GetStreamUri")
	c := onvifCamera(t, f.address(), nil)
	defer c.device.close()
	_, err := c.device.offered(askContext(t))
	if err == nil || len(err.Error()) > 500 {
		t.Errorf("the error is %v", err)
	}
	if n := f.called("GetStreamUri"); n > 2*maxAsked {
		t.Errorf("%d addresses are asked for", n)
	}
}

// TestStillPicturesWithAnAddressThatChangesAreJudgedToo: else a camera whose pictures do not
// do would be asked for them without end.
func TestStillPicturesWithAnAddressThatChangesAreJudgedToo(t *testing.T) {
	d := onvifCamera(t, "onvif://h", nil).device
	d.judge("main", 0, 0, errors.New("it took 3.0 s"))
	best := offer("main", "H264", 640, 360)
	best.snapshot = "http://h/snap?once=2"
	if d.stills(best) != "" {
		t.Error("they are fetched again")
	}
}

func TestARefusedPasswordIsStillSaidToWhoComesLater(t *testing.T) {
	c := onvifCamera(t, "onvif://127.0.0.1:1", nil)
	c.report(onvif.ErrNotAuthorized)
	c.enter(stateIdle, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	v, err := c.watchAs(wantAll, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	go func() { defer close(done); c.serve(ctx) }()
	defer func() { cancel(); <-done }()
	deadline := time.After(40 * time.Second)
	for c.Status().State == "idle" {
		select {
		case <-deadline:
			t.Fatal("the camera stays idle")
		case <-time.After(time.Millisecond):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.life.sentence(); c.life.state != stateOffline || got != "no picture: the camera refuses the password" {
		t.Errorf("the state is %s, and the picture says %q", c.life.state, got)
	}
}
