package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"camgate/camera"
	"camgate/camsim/device"
)

// TestCameraAtANewAddressIsFollowed: the camera says goodbye at one port and hello at
// another; its endpoint reference is all that stays.
func TestCameraAtANewAddressIsFollowed(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "door", func(o *device.Options) { o.WSDiscovery = true })
	s, _ := serveConfig(t, sourceOf("door", cam.URL()))
	v := s.watch("/mjpeg/door")
	v.live(patient)
	was := cam.XAddr()
	if err := cam.Move("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if cam.XAddr() == was {
		t.Fatal("it has not moved")
	}
	cam.SetQuirks() // of now: none
	// Its streams go with it: those that the gateway knows are gone.
	if err := cam.main.Refuse(0); err != nil {
		t.Fatal(err)
	}
	cam.main.CloseConnections()
	v.state("offline", 15*time.Second)
	eventually(t, "the camera is asked where it is now", patient, func() bool {
		st := s.status("door")
		return st.ONVIF != nil && strings.Contains(cam.XAddr(), st.ONVIF.Host)
	})
	cam.main.Heal()
	v.live(patient)
}

// TestFoundCamerasAreServed: with auto_add, and the passwords that were given, and no
// other.
func TestFoundCamerasAreServed(t *testing.T) {
	t.Parallel()
	simulate(t, "Auto Door", func(o *device.Options) { o.WSDiscovery, o.User, o.Password = true, "", "" })
	simulate(t, "Auto Yard", func(o *device.Options) { o.WSDiscovery, o.Password = true, "right" })
	// One tells everybody where its stream is, and wants the password for that.
	talkative := quirky(t, "talkative", func(o *device.Options) { o.User, o.Password, o.WSDiscovery, o.Name = "", "", true, "Auto Lift" })
	foreign := simulate(t, "Auto Vault", func(o *device.Options) { o.WSDiscovery, o.Password = true, "other" })
	s, g := serveConfig(t, "[discovery]\ninterfaces = [\"lo\"]\nauto_add = true\ncredentials = [\"admin:wrong\", \"admin:c4nary\", \"admin:right\"]\n")
	named := func(prefix string) *camera.Camera {
		for _, c := range g.Cameras() {
			if strings.HasPrefix(c.Name(), prefix) {
				return c
			}
		}
		return nil
	}
	for _, prefix := range []string{"auto-door-", "auto-yard-", "auto-lift-"} {
		eventually(t, prefix+" is served", patient, func() bool { return named(prefix) != nil })
		s.watch("/mjpeg/" + named(prefix).Name()).live(patient)
	}
	eventually(t, "the third is tried and left alone", patient, func() bool {
		return strings.Contains(s.log.String(), "none of [discovery] credentials is right")
	})
	if named("auto-vault") != nil {
		t.Error("a camera whose password nobody gave is served")
	}
	if n := foreign.Requests()["NotAuthorized"]; n == 0 || n > 10 {
		t.Errorf("%d requests were refused: want one a kind of login, for none and for each of three passwords", n)
	}
	if talkative.main.Counts().Plays == 0 {
		t.Error("the one that tells everybody was not played")
	}
	// The names stay, and nothing is added twice.
	ours := func() (n int) { // other tests' cameras are on this network too
		for _, c := range g.Cameras() {
			if strings.HasPrefix(c.Name(), "auto-") {
				n++
			}
		}
		return n
	}
	before := ours()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := g.Search(ctx, time.Second); err != nil {
		t.Fatal(err)
	}
	if after := ours(); after != before {
		t.Errorf("%d cameras after another search, %d before", after, before)
	}
}

// TestDeviceIsAddedFromTheAPI: with its password, and by its id alone: no address of a
// page's choice is dialled.
func TestDeviceIsAddedFromTheAPI(t *testing.T) {
	t.Parallel()
	cam := simulate(t, "API door", func(o *device.Options) { o.WSDiscovery = true })
	s, _ := serveConfig(t, "[discovery]\ninterfaces = [\"lo\"]\n")
	eventually(t, "a search finds it", patient, func() bool { // of a second, in which a busy machine may not hear it
		status, body := s.post("/api/discovery?wait=1s", nil)
		if status != http.StatusOK {
			t.Fatalf("the search answers %d %s", status, body)
		}
		return strings.Contains(body, cam.EndpointReference())
	})
	add := map[string]string{"device": cam.EndpointReference(), "name": "door", "user": "admin", "password": "wrong"}
	if status, body := s.post("/api/cameras", add); status != http.StatusUnprocessableEntity || strings.Contains(body, "wrong\"") {
		t.Errorf("a wrong password is answered by %d %s", status, body)
	}
	add["password"] = "pass/wörd"
	if status, body := s.post("/api/cameras", add); status != http.StatusCreated || !strings.Contains(body, `"door"`) {
		t.Fatalf("adding is answered by %d %s", status, body)
	}
	s.watch("/mjpeg/door").live(patient)
	if body := s.get("/api/discovery", http.StatusOK); !strings.Contains(body, `"cameras":["door"]`) || strings.Contains(body, "wörd") {
		t.Errorf("then the API says %s", body)
	}
	for _, c := range []struct {
		body   any
		status int
	}{
		{map[string]string{"device": "http://192.0.2.1/onvif/device_service"}, http.StatusBadRequest},
		{map[string]string{"device": cam.EndpointReference(), "name": "door", "user": "admin", "password": "pass/wörd"}, http.StatusBadRequest},
		{map[string]string{"device": cam.EndpointReference(), "name": "../x", "user": "admin", "password": "pass/wörd"}, http.StatusBadRequest},
		{map[string]string{"url": "rtsp://192.0.2.1/"}, http.StatusBadRequest},
		{"door", http.StatusBadRequest},
	} {
		if status, body := s.post("/api/cameras", c.body); status != c.status {
			t.Errorf("%v is answered by %d %s, want %d", c.body, status, body, c.status)
		}
	}
}

// TestPortIsFoundOut: an address without a port is a whole configuration too, where the
// camera's is none of the standard's; also when the camera comes later.
func TestPortIsFoundOut(t *testing.T) {
	t.Parallel()
	o := small("door")
	o.Server.Listen = "127.0.77.1:0" // any such address is this machine
	cam := camsimStart(t, o)
	s, _ := serveConfig(t, sourceOf("door", "onvif://admin:secret@127.0.77.1"))
	v := s.watch("/mjpeg/door")
	eventually(t, "the camera is missed", patient, func() bool {
		st := s.status("door")
		return st.State == "offline" && st.LastError != ""
	})
	d, err := device.Start(t.Context(), device.Options{Name: "door", Listen: "127.0.77.1:8899", User: "admin", Password: "secret", Profiles: []device.Profile{{Camera: cam}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	v.live(patient)
	if st := s.status("door"); st.ONVIF == nil || st.ONVIF.Host != "127.0.77.1:8899" {
		t.Errorf("the API says %+v", st.ONVIF)
	}
	if status, out, _ := camgate(t, "probe", "onvif://admin:secret@127.0.77.1"); status != 0 || !strings.Contains(out, "ONVIF answers on port 8899") {
		t.Errorf("probe ends with %d:\n%s", status, out)
	}
}
