package discovery

import (
	"slices"
	"testing"
	"time"
)

func TestOneCameraHoweverOftenItAnswers(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "lo", "127.0.0.1", 0, 0, camera(1))
	f := p.finder(nil)
	found := search1(t, f, 2*time.Second)
	if len(found) != 1 {
		t.Fatalf("%d devices, want one: %+v", len(found), found)
	}
	d := found[0]
	if d.ID != p.fakes[0].endpoint || d.Name != "Camera 1" || d.Model != "X1" || d.Address.String() != "127.0.0.1" || d.Interface != "lo" {
		t.Errorf("%+v", d)
	}
	if want := []string{"http://127.0.0.1:10001/onvif/device_service"}; !slices.Equal(d.ONVIF, want) {
		t.Errorf("ONVIF at %q, want %q", d.ONVIF, want)
	}
	if want := []string{ViaSSDP, ViaWSDiscovery}; !slices.Equal(d.Via, want) {
		t.Errorf("found by %q, want %q", d.Via, want)
	}
	if n := p.probes.Load(); n != 9 {
		t.Errorf("%d probes arrived, want three types three times", n)
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("its description was fetched %d times", n)
	}
	t.Logf("%+v", f.Stats())
}
