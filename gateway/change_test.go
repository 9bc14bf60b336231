package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"camgate/camera"
	"camgate/config"
	"camgate/media"
)

const twoCameras = "[[camera]]\nname = \"a\"\nsource = \"rtsp://192.0.2.1:1/a\"\n[[camera]]\nname = \"b\"\nsource = \"rtsp://192.0.2.1:1/b\"\n"

func TestAddedCamerasAreServedUntilTheyAreRemoved(t *testing.T) {
	g, _, _ := run(t, twoCameras)
	name, err := g.Add("door", "rtsp://u:s3cret@127.0.0.1:1/x")
	if err != nil || name != "door" || g.Camera("door") == nil {
		t.Fatalf("adding gives %q, %v", name, err)
	}
	for _, one := range []struct{ name, source string }{
		{"door", "rtsp://127.0.0.1/y"}, {"DOOR", "rtsp://127.0.0.1/y"}, {"A", "rtsp://127.0.0.1/y"},
	} {
		if _, err := g.Add(one.name, one.source); !errors.Is(err, ErrExists) {
			t.Errorf("adding %q again gives %v", one.name, err)
		}
	}
	for _, one := range []struct{ name, source string }{
		{"../x", "rtsp://127.0.0.1/s3cret"}, {"x", "ftp://u:s3cret@127.0.0.1/y"}, {"x", "rtsp://u:s3cret@bad host/"}, {"", "u:s3cret"},
	} {
		if _, err := g.Add(one.name, one.source); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("adding %q as %q gives %v", one.source, one.name, err)
		}
	}
	watched := g.Camera("door")
	if err := g.Remove("DOOR"); !errors.Is(err, ErrNoCamera) {
		t.Errorf("removing it by another name gives %v", err)
	}
	if err := g.Remove("door"); err != nil || g.Camera("door") != nil {
		t.Errorf("removing gives %v", err)
	}
	if _, err := watched.WatchStill(media.Rendition{}); !errors.Is(err, camera.ErrClosed) {
		t.Errorf("the camera that was removed can be watched: %v", err)
	}
	if got := names(g); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("there are %q", got)
	}
}

func TestACameraWithoutANameGetsAReadableOne(t *testing.T) {
	g, f, _ := run(t, "")
	f.find(newFakeCamera(t, "", "1").device("urn:uuid:0000aabbcc", "Dome 5"))
	for _, one := range []struct{ source, want string }{
		{"rtsp://192.0.2.10/1", "192.0.2.10"},
		{"rtsp://192.0.2.10/2", "192.0.2.10-2"},
		{"rtsp://[2001:db8::1]/", "2001-db8--1"},
		{"rtsp://[fe80::1%25lo]/", "fe80--1-lo"},
		{"rtsp://cam.example:8554/x", "cam-example"},
		{"rtsp://127.0.0.1/x", "dome-5-aabbcc"},
		{"rtsp://" + strings.Repeat("long.", 40) + "example/x", strings.TrimSuffix(strings.Repeat("long-", 8), "-")},
		{"rtsp://-/x", "camera"},
	} {
		if got, err := g.Add("", one.source); err != nil || got != one.want {
			t.Errorf("%s is called %q, %v, want %q", one.source, got, err, one.want)
		}
	}
}

// TestNamesThatAreMadeAtOnceDiffer: whoever asks for none does not hear that it is taken.
func TestNamesThatAreMadeAtOnceDiffer(t *testing.T) {
	g, _, _ := run(t, "")
	const each = 20
	var all sync.WaitGroup
	for n := range each {
		d := at(fmt.Sprintf("urn:uuid:%d", n), fmt.Sprintf("192.0.2.%d", 100+n))
		d.Model, d.Serial = "Dome", "123456"
		all.Go(func() {
			if _, err := g.Add("", "rtsp://192.0.2.10/1"); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if _, err := g.addAll(d, "", "onvif://"+d.Address.String(), []string{"1", "2"}, found); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(g.Cameras()); n != 3*each {
		t.Errorf("%d cameras are served, want %d", n, 3*each)
	}
}

func TestManyChangesAtOnceAndTheEnd(t *testing.T) {
	g, _, end := run(t, twoCameras)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			name := fmt.Sprintf("c%d", n)
			for range 5 {
				if _, err := g.Add(name, "rtsp://192.0.2.1:1/x"); errors.Is(err, ErrNotRunning) {
					return
				}
				g.Remove(name) //nolint:errcheck // it may be the end
			}
		})
	}
	for range 5 {
		all.Go(func() { g.Reload(parse(t, twoCameras+"[log]\nlevel = \"debug\"\n")) }) //nolint:errcheck // it may be the end
	}
	all.Go(end)
	all.Wait()
	if _, err := g.Add("late", "rtsp://127.0.0.1/x"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("adding after the end gives %v", err)
	}
	if _, err := g.Reload(parse(t, "")); !errors.Is(err, ErrNotRunning) {
		t.Errorf("reloading after the end gives %v", err)
	}
}

// TestAddingWaitsForTheGatewayToBegin: the console may be quicker.
func TestAddingWaitsForTheGatewayToBegin(t *testing.T) {
	g, _ := made(t, "")
	added := make(chan error, 1)
	go func() { _, err := g.Add("door", "rtsp://192.0.2.1:1/x"); added <- err }()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	if err := <-added; err != nil || g.Camera("door") == nil {
		t.Errorf("adding gives %v", err)
	}
	cancel()
	running.Wait()
}

func TestReloadChangesWhatHasChanged(t *testing.T) {
	g, _, _ := run(t, twoCameras)
	if _, err := g.Add("mine", "rtsp://192.0.2.1:1/mine"); err != nil {
		t.Fatal(err)
	}
	a, b, mine := g.Camera("a"), g.Camera("b"), g.Camera("mine")
	said, err := g.Reload(parse(t, twoCameras))
	if err != nil || said != "no camera has changed" || g.Camera("a") != a {
		t.Errorf("the same again: %q, %v", said, err)
	}
	changed := strings.Replace(twoCameras, "rtsp://192.0.2.1:1/b", "rtsp://192.0.2.1:1/b2", 1) + "[[camera]]\nname = \"c\"\nsource = \"rtsp://192.0.2.1:1/c\"\n"
	said, err = g.Reload(parse(t, changed))
	if err != nil || said != "1 camera new, 1 changed, 0 removed" {
		t.Errorf("another source and another camera: %q, %v", said, err)
	}
	if g.Camera("a") != a || g.Camera("b") == b || g.Camera("mine") != mine || g.Camera("c") == nil {
		t.Error("other cameras were changed")
	}
	if got := names(g); !slices.Equal(got, []string{"a", "b", "c", "mine"}) {
		t.Errorf("there are %q", got)
	}
	said, err = g.Reload(parse(t, "[[camera]]\nname = \"MINE\"\nsource = \"rtsp://192.0.2.1:1/mine\"\n"))
	if err != nil || said != "0 cameras new, 1 changed, 3 removed" || g.Camera("mine") != nil || g.Camera("MINE") == nil {
		t.Errorf("only the one that was added, now configured: %q, %v, %q", said, err, names(g))
	}
}

func TestReloadSaysWhatHoldsAfterARestart(t *testing.T) {
	g, _, _ := run(t, twoCameras)
	for _, one := range []struct{ text, want string }{
		{"[http]\nhosts = [\"x\"]\n", "[http]"},
		{"[http]\nhosts = [\"x\"]\n", "[http]"}, // still so, though it is in the file since before
		{"[limits]\nmax_viewers = 7\n", "max_viewers"},
		{"[discovery]\nauto_add = true\n", "[discovery]"},
		{"[discovery]\ncredentials = [\"u:s3cret\"]\n", "[discovery]"},
		{"[log]\nlevel = \"debug\"\n", "[log]"},
		{"", ""},
	} {
		said, err := g.Reload(parse(t, one.text+twoCameras))
		holds := strings.Contains(said, "holds after a restart")
		if err != nil || holds != (one.want != "") || !strings.Contains(said, one.want) || strings.Contains(said, "s3cret") {
			t.Errorf("%q: %q, %v", one.text, said, err)
		}
	}
	a := g.Camera("a")
	if said, err := g.Reload(parse(t, "[limits]\nmax_renditions = 3\n"+twoCameras)); err != nil || !strings.Contains(said, "2 changed") || g.Camera("a") == a {
		t.Errorf("other limits: %q, %v", said, err)
	}
	bad := parse(t, twoCameras)
	bad.Cameras[0].Source = config.NewSecret("rtsp://u:s3cret@bad host/")
	a = g.Camera("a")
	if _, err := g.Reload(bad); err == nil || strings.Contains(err.Error(), "s3cret") || g.Camera("a") != a {
		t.Errorf("a source that cannot be read: %v", err)
	}
}

// TestANumberOfViewersDisturbsNoCamera: it is no matter of the cameras', and holds after a
// restart.
func TestANumberOfViewersDisturbsNoCamera(t *testing.T) {
	g, _, _ := run(t, twoCameras)
	a, b := g.Camera("a"), g.Camera("b")
	said, err := g.Reload(parse(t, "[limits]\nmax_viewers = 7\n"+twoCameras))
	if err != nil || !strings.HasPrefix(said, "no camera has changed;") || !strings.Contains(said, "max_viewers") {
		t.Errorf("another number of viewers: %q, %v", said, err)
	}
	if g.Camera("a") != a || g.Camera("b") != b {
		t.Error("the cameras were replaced, and all who watch them disturbed")
	}
}

func TestForgettingRemovesWhatWasFound(t *testing.T) {
	g, f, _ := run(t, twoCameras)
	cam := newFakeCamera(t, "", "1")
	d := cam.device("urn:uuid:1", "dome")
	f.find(d)
	ctx := context.Background()
	g.consider(ctx, d)
	if _, err := g.Add("mine", "rtsp://192.0.2.1:1/mine"); err != nil {
		t.Fatal(err)
	}
	if len(g.Cameras()) != 4 || !g.serves(d) {
		t.Fatalf("there are %q", names(g))
	}
	if n := g.ForgetFound(); n != 1 || !f.forgotten {
		t.Errorf("%d were removed", n)
	}
	if got := names(g); !slices.Equal(got, []string{"a", "b", "mine"}) {
		t.Errorf("there are %q", got)
	}
	if !g.isNew(d) {
		t.Error("it is not found anew")
	}
}
