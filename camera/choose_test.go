package camera

import (
	"log/slog"
	"testing"
	"time"

	"camgate/camera/source"
	"camgate/media"
	"camgate/onvif"
)

func offer(name, codec string, width, height int) stream {
	return stream{Profile: onvif.Profile{Token: name, Name: name, Codec: codec, Width: width, Height: height, FPS: 25}}
}

func TestTheCheapestStreamThatIsLargeEnoughIsTaken(t *testing.T) {
	main, sub, tiny := offer("main", "H264", 1920, 1080), offer("sub", "H264", 640, 360), offer("tiny", "H264", 320, 180)
	three := []stream{main, sub, tiny}
	slow := offer("slow", "H264", 640, 360)
	slow.FPS = 5
	for _, c := range []struct {
		name    string
		streams []stream
		wanted  []media.Rendition
		want    string
	}{
		{"a small tile", three, []media.Rendition{{Width: 320}}, "tiny"},
		{"a pixel more than the smallest", three, []media.Rendition{{Width: 340}}, "sub"},
		{"a wall", three, []media.Rendition{{Width: 640}, {Width: 320}, {Height: 360}}, "sub"},
		{"a wall and one full screen", three, []media.Rendition{{Width: 640}, {}}, "main"},
		{"one full screen", three, []media.Rendition{{}}, "main"},
		{"larger than any", three, []media.Rendition{{Width: 4096}}, "main"},
		{"the quality alone", three, []media.Rendition{{Quality: 30}}, "main"},
		{"nobody", three, nil, "main"},
		{"whatever the order", []stream{tiny, sub, main}, []media.Rendition{{Width: 640}}, "sub"},

		{"H.264 before H.265", []stream{offer("h265", "H265", 640, 360), sub, main}, []media.Rendition{{Width: 640}}, "sub"},
		{"H.265 before JPEG", []stream{offer("jpeg", "JPEG", 640, 360), offer("h265", "H265", 640, 360), main}, []media.Rendition{{Width: 640}}, "h265"},
		{"of the largest the cheapest too", []stream{offer("h265", "H265", 1920, 1080), main}, []media.Rendition{{}}, "main"},
		{"the size goes before the codec", []stream{main, offer("h265", "H265", 640, 360)}, []media.Rendition{{Width: 640}}, "h265"},
		{"the lower rate", []stream{main, sub, slow}, []media.Rendition{{Width: 640}}, "slow"},

		{"no size told at all", []stream{offer("first", "", 0, 0), offer("second", "", 0, 0)}, []media.Rendition{{Width: 64}}, "first"},
		{"one size not told", []stream{offer("unknown", "H264", 0, 0), sub, main}, []media.Rendition{{Width: 64}}, "sub"},
		{"only the size of the small one told", []stream{offer("unknown", "H264", 0, 0), sub}, []media.Rendition{{}}, "sub"},

		{"4:3 of 16:9 is enough", []stream{main, offer("cif", "H264", 704, 576)}, []media.Rendition{{Width: 640}}, "cif"},
		{"a little smaller is enough", []stream{main, offer("cif", "H264", 352, 288)}, []media.Rendition{{Width: 360}}, "cif"},
		{"much smaller is not", []stream{main, offer("cif", "H264", 352, 288)}, []media.Rendition{{Width: 640}}, "main"},
		{"exactly this size", three, []media.Rendition{{Width: 640, Height: 360, Exact: true}}, "sub"},
		{"exactly a little more", three, []media.Rendition{{Width: 648, Height: 360, Exact: true}}, "main"},
		{"exactly higher than wide", three, []media.Rendition{{Width: 100, Height: 400, Exact: true}}, "main"},
		{"exactly more than any", three, []media.Rendition{{Width: 4000, Height: 3000, Exact: true}}, "main"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cheapest(c.streams, demand{renditions: c.wanted}); got.Name != c.want {
				t.Errorf("it takes %q, want %q", got.Name, c.want)
			}
		})
	}
}

func onvifCamera(t *testing.T, address string, change func(*Config)) *Camera {
	t.Helper()
	a, err := source.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Name: "door", Address: a, OnDemand: true}
	if change != nil {
		change(&cfg)
	}
	return New(cfg, slog.New(slog.DiscardHandler))
}

func TestOnlyProfilesOfOneVideoSourceAreUsed(t *testing.T) {
	profile := func(name, eye string) onvif.Profile {
		return onvif.Profile{Token: "token of " + name, Name: name, VideoSource: eye}
	}
	all := []onvif.Profile{profile("left", "1"), profile("right", "2"), profile("left small", "1"), profile("right small", "2")}
	for address, want := range map[string][]string{
		"onvif://h":                               {"left", "left small"},
		"onvif://h?profile=auto":                  {"left", "left small"},
		"onvif://h?source=2":                      {"right", "right small"},
		"onvif://h?profile=right":                 {"right"},
		"onvif://h?profile=RIGHT":                 {"right"},
		"onvif://h?profile=token%20of%20right":    {"right"},
		"onvif://h?profile=nosuch":                nil,
		"onvif://h?source=3":                      nil,
		"onvif://h?profile=left%20small&source=2": {"left small"},
	} {
		got, err := Shown("door", onvifCamera(t, address, nil).cfg.Address, all)
		var names []string
		for _, p := range got {
			names = append(names, p.Name)
		}
		if len(names) != len(want) || err == nil != (want != nil) {
			t.Errorf("%s: %q, %v, want %q", address, names, err, want)
			continue
		}
		for i := range want {
			if names[i] != want[i] {
				t.Errorf("%s: %q, want %q", address, names, want)
			}
		}
	}
}

func TestACameraIsMovedByWhicheverProfileOfItsEyeCan(t *testing.T) {
	main, sub := onvif.Profile{Token: "main", VideoSource: "1", PTZ: true}, onvif.Profile{Token: "sub", VideoSource: "1"}
	other := onvif.Profile{Token: "other", VideoSource: "2"}
	all := []onvif.Profile{other, main, sub}
	for want, chosen := range map[string]onvif.Profile{"main": sub, "other": other} {
		if got := headOf(all, chosen); got.Token != want {
			t.Errorf("with profile %q it is moved by %q, want %q", chosen.Token, got.Token, want)
		}
	}
}

func TestSinglePicturesAreTakenWhereTheyDo(t *testing.T) {
	best := offer("main", "H264", 640, 360)
	best.snapshot = "http://h/snap"
	for _, c := range []struct {
		name  string
		known shot
		want  bool
	}{
		{"none was fetched yet", shot{}, true},
		{"as large as the stream", shot{width: 640, height: 360}, true},
		{"smaller", shot{width: 320, height: 180}, false},
		{"much larger", shot{width: 1920, height: 1080}, false},
		{"did not do a minute ago", shot{bad: time.Now().Add(stillsBadFor - time.Minute)}, false},
		{"did not do long ago", shot{bad: time.Now().Add(-time.Second)}, true},
	} {
		d := onvifCamera(t, "onvif://h", nil).device
		d.shots["main"] = c.known
		if got := d.stills(best) != ""; got != c.want {
			t.Errorf("%s: single pictures are taken: %v, want %v", c.name, got, c.want)
		}
	}
	d := onvifCamera(t, "onvif://h", nil).device
	if got := d.choice([]stream{best}, demand{}); got.snapshot != "" {
		t.Error("who wants all pictures gets single ones")
	}
	if got := d.choice([]stream{best}, demand{stills: true}); got.snapshot != best.snapshot || got.token != "main" || got.pixels != 640*360 {
		t.Errorf("who wants single ones gets %+v", got)
	}
}

func TestDemandIsThatOfAllViewersTogether(t *testing.T) {
	c := New(Config{Name: "door", OnDemand: true}, slog.New(slog.DiscardHandler))
	now := func() demand {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.demandNow()
	}
	if d := now(); d.stills || len(d.renditions) != 0 {
		t.Errorf("nobody wants %+v", d)
	}
	watch := func(v *Viewer, err error) *Viewer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	watch(c.WatchStill(media.Rendition{Width: 320}))
	slow := watch(c.Watch(media.Rendition{Width: 640}, 1))
	if d := now(); !d.stills || len(d.renditions) != 2 {
		t.Errorf("who wants a picture, and one a second, want %+v", d)
	}
	all := watch(c.Watch(media.Rendition{Width: 640}, 0))
	if d := now(); d.stills || len(d.renditions) != 2 {
		t.Errorf("with one who wants all: %+v", d)
	}
	all.Close()
	slow.Close()
	if d := now(); !d.stills || len(d.renditions) != 1 {
		t.Errorf("when they have gone: %+v", d)
	}
}
