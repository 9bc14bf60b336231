package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/config"
	"camgate/discovery"
	"camgate/onvif"
)

func TestNamesAreReadableAndDiffer(t *testing.T) {
	for _, one := range []struct {
		d    discovery.Device
		want []string
	}{
		{discovery.Device{Name: "Front Door", Model: "M", MAC: "00:40:8C:12:34:56", ID: "urn:uuid:11112222-3333-4444-5555-666677778888"},
			[]string{"front-door-123456", "front-door-778888", "front-door-192.0.2.1"}},
		{discovery.Device{Model: "DS-2CD/2.0 (x)", Serial: "DS-2CD20170101AAWR123456789", ID: "uuid:x"}, []string{"ds-2cd-2-0-x-456789", "ds-2cd-2-0-x-192.0.2.1"}},
		{discovery.Device{Maker: "ACME", Serial: "1.0", ID: "addr:192.0.2.1:80"}, []string{"acme-192.0.2.1"}},
		{discovery.Device{Name: "前門", ID: "urn:uuid:xyz"}, []string{"camera-192.0.2.1"}},
		{discovery.Device{Name: "192.0.2.77", ID: "addr:x"}, []string{"192.0.2.77-192.0.2.1"}},
	} {
		one.d.Address = netip.MustParseAddr("192.0.2.1")
		if got := namesOf(one.d); !slices.Equal(got, one.want) {
			t.Errorf("%+v: %q, want %q", one.d, got, one.want)
		}
	}
	long := discovery.Device{Name: strings.Repeat("very long ", 30), Address: netip.MustParseAddr("fe80:1111:2222:3333:4444:5555:6666:7777%eth0"), ID: "addr:x"}
	for _, name := range numbered(namesOf(long)[0], maxEyes) {
		if _, err := config.NewCamera(name, "onvif://h"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestCamerasOfTheSameNameAreAllServed: makers give whole series one serial number.
func TestCamerasOfTheSameNameAreAllServed(t *testing.T) {
	g, f, _ := run(t, "[discovery]\nauto_add = true\n")
	var all []discovery.Device
	for n := range 3 {
		d := newFakeCamera(t, "", "1", "2").device(fmt.Sprintf("urn:uuid:00000000-0000-0000-0000-00000000000%d", n), "Dome")
		d.Serial = "123456"
		all = append(all, d)
	}
	f.find(all...)
	g.seen(all[0])
	until(t, "six cameras", func() bool { return len(g.Cameras()) == 6 })
	got := names(g)
	slices.Sort(got)
	if want := "dome-123456 dome-123456-2"; !strings.Contains(strings.Join(got, " "), want) || len(slices.Compact(got)) != 6 {
		t.Errorf("they are called %q", got)
	}
	for _, d := range all {
		if n := len(g.ServedAs(d)); n != 2 {
			t.Errorf("%s is served as %d cameras", d.ID, n)
		}
	}
	g.considerAll(context.Background())
	if len(g.Cameras()) != 6 {
		t.Errorf("then they are %q", names(g))
	}
}

// TestAConfiguredCameraIsNotServedASecondTime: however its address is written.
func TestAConfiguredCameraIsNotServedASecondTime(t *testing.T) {
	cam := newFakeCamera(t, "", "1")
	_, port, _ := strings.Cut(strings.TrimPrefix(cam.URL, "http://"), ":")
	for _, source := range []string{"onvif://localhost:" + port + "/onvif/device_service", "onvif://LOCALHOST:" + port, "rtsp://localhost:1/x", "rtsp://[::ffff:127.0.0.1]:1/x"} {
		g, f, _ := run(t, "[[camera]]\nname = \"door\"\nsource = \""+source+"\"\n")
		f.find(cam.device("urn:uuid:1", "Dome"))
		g.considerAll(context.Background())
		if got := names(g); !slices.Equal(got, []string{"door"}) {
			t.Errorf("beside %s there are %q", source, got)
		}
	}
	g, f, _ := run(t, "[[camera]]\nname = \"door\"\nsource = \"onvif://localhost:1\"\n")
	f.find(cam.device("urn:uuid:1", "Dome"))
	g.considerAll(context.Background())
	if got := names(g); len(got) != 2 {
		t.Errorf("beside one at another port there are %q", got)
	}
	if _, err := g.Reload(parse(t, "[[camera]]\nname = \"door\"\nsource = \"onvif://localhost:"+port+"\"\n")); err != nil {
		t.Fatal(err)
	}
	if got := names(g); !slices.Equal(got, []string{"door"}) {
		t.Errorf("configured by its name after it was found: there are %q", got)
	}
}

// TestNoneOfThreeHundredIsMissed: all are looked at, not as many as fit into a queue.
func TestNoneOfThreeHundredIsMissed(t *testing.T) {
	g, f, _ := run(t, "[discovery]\nauto_add = true\n")
	cam := newFakeCamera(t, "", "1")
	var all []discovery.Device
	for n := range 300 {
		d := cam.device(fmt.Sprintf("urn:uuid:%d", n), "Dome")
		d.Serial = fmt.Sprintf("serial %06d", n)
		d.ONVIF = []string{strings.Replace(cam.service(), "127.0.0.1", fmt.Sprintf("127.0.%d.%d", 1+n/200, 1+n%200), 1)}
		all = append(all, d)
	}
	f.find(all...)
	for _, d := range all {
		g.seen(d)
	}
	// The simulated camera listens at one address, and so the others are unreachable: they
	// are tried, each once.
	until(t, "all are tried", func() bool {
		return !slices.ContainsFunc(all, func(d discovery.Device) bool { return g.isNew(d) })
	})
}

func TestCredentialsAreTriedInOrderAndNoOthers(t *testing.T) {
	credentials := "[discovery]\nauto_add = true\ncredentials = [\"one:1\", \"two:2\", \"three:3\"]\n"
	for _, one := range []struct {
		name, user, fault string
		tried             []string
		want              error
	}{
		{"nobody is asked for a password", "", "", nil, nil},
		{"the second is right", "two", "", []string{"one", "two"}, nil},
		{"none is right", "four", "", []string{"one", "two", "three"}, errNoPassword},
		{"the account is locked", "four", "the user account is locked", []string{"one"}, onvif.ErrLocked},
	} {
		t.Run(one.name, func(t *testing.T) {
			g, _ := made(t, credentials)
			cam := newFakeCamera(t, one.user, "1")
			if one.fault != "" {
				cam.fault = one.fault
			}
			from, _, err := g.login(context.Background(), cam.device("urn:uuid:1", "dome"))
			if !errors.Is(err, one.want) {
				t.Errorf("the error is %v", err)
			}
			if tried := slices.Compact(cam.who()); !slices.Equal(tried, one.tried) {
				t.Errorf("it was tried by %q, want %q", tried, one.tried)
			}
			if one.user == "two" && !strings.HasPrefix(from, "onvif://two:2@127.0.0.1:") {
				t.Error("it is served with another password")
			}
		})
	}
}

// TestAHostileDeviceDoesNotLockAnothersAccount: with a new name each time, at the camera's
// address.
func TestAHostileDeviceDoesNotLockAnothersAccount(t *testing.T) {
	g, _, _ := run(t, "[discovery]\nauto_add = true\ncredentials = [\"one:1\"]\n")
	cam := newFakeCamera(t, "other", "1")
	for n := range 20 {
		if d := cam.device(fmt.Sprintf("urn:uuid:%d", n), "dome"); g.isNew(d) {
			g.consider(context.Background(), d)
		}
	}
	if n := len(cam.who()); n != 1 {
		t.Errorf("a password was tried %d times", n)
	}
}

func TestWhatSomebodyRemovedStaysRemoved(t *testing.T) {
	g, f, _ := run(t, "[discovery]\nauto_add = true\n")
	cam := newFakeCamera(t, "", "1")
	d := cam.device("urn:uuid:1", "dome")
	f.find(d)
	g.seen(d)
	until(t, "it is served", func() bool { return len(g.Cameras()) == 1 })
	if err := g.Remove(names(g)[0]); err != nil {
		t.Fatal(err)
	}
	d.ID = "uuid:1" // found in another way
	if g.isNew(d) {
		t.Error("it will be added again")
	}
	if !g.tries.wait(time.Now().Add(1000*time.Hour), "1") {
		t.Error("it will be added again some day")
	}
}

// TestWhatSomebodyRemovedStaysRemovedUnderAnotherName: a camera that was away is found anew,
// by whichever of its identities answers first.
func TestWhatSomebodyRemovedStaysRemovedUnderAnotherName(t *testing.T) {
	g, f, _ := run(t, "[discovery]\nauto_add = true\n")
	cam := newFakeCamera(t, "", "1")
	d := cam.device("urn:uuid:1", "dome")
	d.Aliases = []string{"mac:00:40:8c:12:34:56", "uuid:2"}
	f.find(d)
	g.seen(d)
	until(t, "it is served", func() bool { return len(g.Cameras()) == 1 })
	if err := g.Remove(names(g)[0]); err != nil {
		t.Fatal(err)
	}
	host, _ := hostPortOf(cam.service())
	g.tries.mu.Lock()
	delete(g.tries.until, host) // an hour later
	g.tries.mu.Unlock()
	for _, again := range []discovery.Device{
		cam.device("uuid:2", "dome"),
		{ID: "uuid:3", Aliases: []string{"urn:uuid:1"}, Address: d.Address, ONVIF: d.ONVIF},
	} {
		if g.isNew(again) {
			t.Errorf("as %s it will be added again", again.ID)
		}
	}
	channel := cam.device("urn:uuid:4", "the next channel of the recorder")
	channel.Aliases = []string{"mac:00:40:8c:12:34:56"}
	if !g.isNew(channel) {
		t.Error("another camera is not added")
	}
}

// TestACameraThatComesBackElsewhereIsServedOnce: after a while of silence it is found anew, at
// another address, and at first by another of its identities than before.
func TestACameraThatComesBackElsewhereIsServedOnce(t *testing.T) {
	g, f, _ := run(t, "")
	before := newFakeCamera(t, "", "1")
	g.consider(context.Background(), before.device("uuid:1", "dome"))
	if len(g.Cameras()) != 1 {
		t.Fatalf("there are %q", names(g))
	}
	after := newFakeCamera(t, "", "1").device("urn:uuid:2", "dome")
	both := after
	both.Aliases = []string{"uuid:1"}
	f.find(both) // it has told the other one too, by now
	g.consider(context.Background(), after)
	if len(g.Cameras()) != 1 {
		t.Errorf("one camera is served as %q", names(g))
	}
}

func TestAConfiguredCameraTakesThePlaceOfTheFoundOne(t *testing.T) {
	g, f, _ := run(t, "[discovery]\nauto_add = true\n")
	cam := newFakeCamera(t, "", "1")
	d := cam.device("urn:uuid:1", "dome")
	f.find(d)
	g.seen(d)
	until(t, "it is served", func() bool { return len(g.Cameras()) == 1 })
	text := fmt.Sprintf("[discovery]\nauto_add = true\n[[camera]]\nname = \"door\"\nsource = %q\n", strings.Replace(cam.service(), "http", "onvif", 1))
	if _, err := g.Reload(parse(t, text)); err != nil {
		t.Fatal(err)
	}
	if got := names(g); !slices.Equal(got, []string{"door"}) {
		t.Errorf("there are %q", got)
	}
}

// TestAFoundCameraGivesWayWhenItsNameIsKnown: after a power cut the cameras are there before
// the names are that the configuration has of them.
func TestAFoundCameraGivesWayWhenItsNameIsKnown(t *testing.T) {
	g, f := made(t, "[discovery]\nauto_add = true\n[[camera]]\nname = \"door\"\nsource = \"rtsp://localhost:1/x\"\n")
	door := g.served.Load().entries[0]
	door.named.Store(&named{looked: time.Now()}) // in vain
	cam := newFakeCamera(t, "", "1")
	d := cam.device("urn:uuid:1", "dome")
	f.find(d)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	defer running.Wait()
	defer cancel()
	g.seen(d)
	until(t, "it is served", func() bool { return len(g.Cameras()) == 2 })
	door.named.Store(&named{looked: time.Now().Add(-2 * lookUpEvery)})
	g.giveWay(ctx)
	if got := names(g); !slices.Equal(got, []string{"door"}) {
		t.Errorf("one camera is served as %q", got)
	}
	if g.Camera("door") != door.camera {
		t.Error("the camera of the configuration was disturbed")
	}
	if g.isNew(d) {
		t.Error("it will be added again")
	}
}

// TestWhatADeviceAnnouncesNamesNoVariable: the environment of the gateway is nobody's.
func TestWhatADeviceAnnouncesNamesNoVariable(t *testing.T) {
	t.Setenv("CAMGATE_SECRET", "s3cret")
	for _, service := range []string{"http://192.0.2.1/onvif?x=${CAMGATE_SECRET}", "http://192.0.2.1/${CAMGATE_SECRET}", "http://192.0.2.1/onvif?x=$%7BCAMGATE_SECRET}"} {
		from, err := sourceOf(service, "${CAMGATE_SECRET}", "${CAMGATE_SECRET}")
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.NewCamera("door", from)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Source.Reveal(); strings.Contains(got, "s3cret") {
			t.Errorf("%s becomes %s", service, got)
		}
		a, err := source.ParseAddress(c.Source.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if user, password, _ := a.Login(); user != "${CAMGATE_SECRET}" || password != "${CAMGATE_SECRET}" {
			t.Errorf("user and password become %q, %q", user, password)
		}
	}
}

func TestSourcesAreAsInAConfiguration(t *testing.T) {
	for _, one := range []struct{ service, user, password, want string }{
		{"http://192.0.2.1/onvif/device_service", "", "", "onvif://192.0.2.1/onvif/device_service"},
		{"https://192.0.2.1:8443/x", "admin", "p@ss/w:rd %", "onvifs://admin:p%40ss%2Fw%3Ard%20%25@192.0.2.1:8443/x"},
		{"http://[fe80::1%25eth0]:8080/x", "a", "", "onvif://a:@[fe80::1%25eth0]:8080/x"},
	} {
		got, err := sourceOf(one.service, one.user, one.password)
		if err != nil || got != one.want {
			t.Errorf("%s becomes %q, %v, want %q", one.service, got, err, one.want)
			continue
		}
		a, err := source.ParseAddress(got)
		if err != nil {
			t.Errorf("%s: %v", got, err)
			continue
		}
		if user, password, _ := a.Login(); user != one.user || password != one.password {
			t.Errorf("%s: %q, %q", got, user, password)
		}
	}
	if _, err := sourceOf("://", "u", "s3cret"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("what is no address gives %v", err)
	}
}

func TestEyesAreCountedOnceAndNotWithoutEnd(t *testing.T) {
	profiles := func(eyes ...string) (list []onvif.Profile) {
		for _, eye := range eyes {
			list = append(list, onvif.Profile{VideoSource: eye})
		}
		return list
	}
	for _, one := range []struct {
		eyes, want []string
	}{
		{nil, nil},
		{[]string{"1", "1", "2", "1"}, []string{"1", "2"}},
		{[]string{"", ""}, []string{""}},
		{[]string{"1", "", "2"}, []string{"1", "2"}},
	} {
		if got := eyesOf(profiles(one.eyes...)); !slices.Equal(got, one.want) {
			t.Errorf("%q has the eyes %q, want %q", one.eyes, got, one.want)
		}
	}
	var many []string
	for n := range 500 {
		many = append(many, fmt.Sprint(n))
	}
	if got := eyesOf(profiles(many...)); len(got) != maxEyes {
		t.Errorf("a device becomes %d cameras", len(got))
	}
}

func TestWhatIsRememberedOfDevicesIsBounded(t *testing.T) {
	var tr tries
	now := time.Now()
	for n := range maxTries + 100 {
		tr.later(now, time.Hour, fmt.Sprint(n))
	}
	if n := len(tr.until); n != maxTries {
		t.Errorf("%d are remembered", n)
	}
	if !tr.wait(now, "0") || !tr.wait(now, "new") {
		t.Error("somebody is tried although there is no room")
	}
	if later := now.Add(time.Hour); tr.wait(later, "0") || tr.wait(later, "new") {
		t.Error("nobody is tried an hour later")
	}
	var g guesses
	for n := range maxTries + 100 {
		g.take(now, fmt.Sprint(n))
	}
	if n := len(g.tried); n != maxTries {
		t.Errorf("guesses at %d cameras are remembered", n)
	}
	if wait := g.take(now, "new"); wait == 0 {
		t.Error("there is a guess although there is no room")
	}
	if wait := g.take(now.Add(guessesFor), "new"); wait != 0 {
		t.Errorf("later the next guess is in %v", wait)
	}
}

func TestAddingADeviceAsksItFirst(t *testing.T) {
	g, f, _ := run(t, "")
	cam, ctx := newFakeCamera(t, "admin", "1", "2"), context.Background()
	f.find(cam.device("urn:uuid:1", "dome"), discovery.Device{ID: "urn:uuid:2", Address: netip.MustParseAddr("192.0.2.2")})
	if _, err := g.AddDevice(ctx, "urn:uuid:3", "door", "admin", "x"); !errors.Is(err, ErrNoDevice) {
		t.Errorf("a device that there is not: %v", err)
	}
	if _, err := g.AddDevice(ctx, "urn:uuid:2", "door", "admin", "x"); err == nil || !strings.Contains(err.Error(), "rtsp://") {
		t.Errorf("a device without ONVIF: %v", err)
	}
	for range 2 {
		if _, err := g.AddDevice(ctx, "urn:uuid:1", "door", "wrong", "s3cret"); !errors.Is(err, onvif.ErrNotAuthorized) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("a wrong password: %v", err)
		}
	}
	if name, err := g.AddDevice(ctx, "urn:uuid:1", "door", "admin", "right"); err != nil || name != "door" {
		t.Fatalf("the right one: %q, %v", name, err)
	}
	if _, err := g.Add("named", "onvif://admin:right@192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if !g.Camera("door").DigestOnly() || !g.Camera("door-2").DigestOnly() || g.Camera("named").DigestOnly() {
		t.Error("a device that anybody may be gets a readable password, or a camera whose address somebody named does not")
	}
	if got := names(g); !slices.Equal(got, []string{"door", "door-2", "named"}) {
		t.Errorf("it is served as %q", got)
	}
	if _, err := g.AddDevice(ctx, "urn:uuid:1", "again", "admin", "right"); !errors.Is(err, ErrServed) || !strings.Contains(err.Error(), `"door"`) {
		t.Errorf("once more: %v", err)
	}
}

// TestADeviceThatIsAddedTwiceAtOnceIsServedOnce: a button may be pressed twice.
func TestADeviceThatIsAddedTwiceAtOnceIsServedOnce(t *testing.T) {
	g, f, _ := run(t, "")
	cam := newFakeCamera(t, "", "1")
	d := cam.device("urn:uuid:1", "Dome")
	f.find(d)
	handler, asked, all := cam.Config.Handler, atomic.Int32{}, make(chan struct{})
	cam.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("GetStreamUri")) { // the last question
			if asked.Add(1) == 2 {
				close(all)
			}
			select {
			case <-all:
			case <-r.Context().Done():
			}
		}
		handler.ServeHTTP(w, r)
	})
	var adding sync.WaitGroup
	var served, refused atomic.Int32
	for range 2 {
		adding.Go(func() {
			switch _, err := g.AddDevice(context.Background(), d.ID, "", "", ""); {
			case err == nil:
				served.Add(1)
			case errors.Is(err, ErrServed):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	adding.Wait()
	if got := names(g); len(got) != 1 || served.Load() != 1 || refused.Load() != 1 {
		t.Errorf("it is served as %q; %d were told that it is, %d that it was already", got, served.Load(), refused.Load())
	}
}

// TestACameraThatStartsIsTriedAgainSoon: it announces itself before it answers, above all when
// the power comes back for all at once. Passwords are not tried again for that.
func TestACameraThatStartsIsTriedAgainSoon(t *testing.T) {
	g, _, _ := run(t, "[discovery]\ncredentials = [\"one:1\"]\n")
	ctx := context.Background()
	left := func(what string, d discovery.Device, least time.Duration) {
		t.Helper()
		host, _ := hostPortOf(d.ONVIF[0])
		now := time.Now()
		if g.isNew(d) || !g.tries.wait(now.Add(least-10*time.Second), bareUUID(d.ID)) {
			t.Errorf("%s: it is not left alone for %v", what, least)
		}
		now = now.Add(least + 10*time.Second)
		if g.tries.wait(now, bareUUID(d.ID)) || g.tries.wait(now, host) {
			t.Errorf("%s: it is left alone for longer than %v", what, least)
		}
	}
	starting := newFakeCamera(t, "", "1")
	d := starting.device("urn:uuid:1", "Dome")
	starting.Close()
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		g.consider(ctx, d)
		left("no answer", d, wait*time.Minute)
		g.tries.mu.Lock()
		clear(g.tries.until) // as if that were over
		g.tries.mu.Unlock()
	}
	refuses := newFakeCamera(t, "two", "1").device("urn:uuid:2", "Dome")
	g.consider(ctx, refuses)
	left("the password is refused", refuses, time.Hour)
	if host, _ := hostPortOf(refuses.ONVIF[0]); !g.tries.wait(time.Now().Add(59*time.Minute), host) {
		t.Error("who calls himself anew has the password tried again within the hour")
	}
	g.tries.later(time.Now(), trySoonAfter, "2")
	left("a shorter time besides", refuses, time.Hour)
}

// TestADeviceOfSeveralEyesIsAddedWholeOrNot: names behind the first may be taken.
func TestADeviceOfSeveralEyesIsAddedWholeOrNot(t *testing.T) {
	g, f, _ := run(t, "[[camera]]\nname = \"yard-2\"\nsource = \"rtsp://192.0.2.1:1/a\"\n")
	f.find(newFakeCamera(t, "", "1", "2", "3").device("urn:uuid:1", "Dome"))
	name, err := g.AddDevice(context.Background(), "urn:uuid:1", "yard", "", "")
	if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), `"yard-2"`) || len(g.Cameras()) != 1 {
		t.Errorf("it is added as %q, %v: there are %q", name, err, names(g))
	}
	if name, err = g.AddDevice(context.Background(), "urn:uuid:1", strings.Repeat("x", 63), "", ""); err == nil || len(g.Cameras()) != 1 {
		t.Errorf("under a name that leaves no room for numbers it is added as %q, %v: there are %q", name, err, names(g))
	}
	if name, err = g.AddDevice(context.Background(), "urn:uuid:1", "garden", "", ""); err != nil || len(g.Cameras()) != 4 {
		t.Errorf("under another name it is added as %q, %v: there are %q", name, err, names(g))
	}
}

// TestGuessingIsSlow: the page is no way to lock a camera's account.
func TestGuessingIsSlow(t *testing.T) {
	g, f, _ := run(t, "")
	cam, ctx := newFakeCamera(t, "admin", "1"), context.Background()
	f.find(cam.device("urn:uuid:1", "dome"))
	for n := range 10 {
		_, err := g.AddDevice(ctx, "urn:uuid:1", "door", fmt.Sprintf("guess%d", n), "x")
		if !errors.Is(err, onvif.ErrNotAuthorized) || n >= maxGuesses && !strings.Contains(err.Error(), "the next try is in") {
			t.Errorf("guess %d: %v", n, err)
		}
	}
	if got := slices.Compact(cam.who()); len(got) != maxGuesses {
		t.Errorf("it was tried by %q", got)
	}
	// To ask without a password is no guess.
	other := newFakeCamera(t, "admin", "1")
	f.find(other.device("urn:uuid:2", "dome"))
	for range 2 * maxGuesses {
		if _, err := g.AddDevice(ctx, "urn:uuid:2", "door", "", ""); err == nil || strings.Contains(err.Error(), "the next try is in") {
			t.Errorf("without one: %v", err)
		}
	}
}
