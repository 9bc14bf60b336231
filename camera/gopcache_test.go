package camera

import (
	"testing"
	"time"

	"camgate/media"
)

// unit is an access unit that arrived n × 40 ms after the first.
func unit(n int, key bool) *media.AccessUnit {
	return &media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{byte(n)}}, Key: key, Received: time.Unix(0, 0).Add(time.Duration(n) * 40 * time.Millisecond)}
}

// number is which unit it is, -1 for none.
func number(au *media.AccessUnit) int {
	if au == nil {
		return -1
	}
	return int(au.NALUs[0][0])
}

func expect(t *testing.T, g *gopCache, mode decodeMode, want ...int) {
	t.Helper()
	for _, n := range append(want, -1) {
		if got := number(g.take(mode)); got != n {
			t.Fatalf("took unit %d, want %d", got, n)
		}
	}
}

func TestLateViewerStartsAtTheCachedKeyFrame(t *testing.T) {
	var g gopCache
	if g.push(unit(0, false), decodeNothing) {
		t.Error("a picture that nothing can be decoded before was taken")
	}
	for n := 1; n < 6; n++ {
		if !g.push(unit(n, n == 1), decodeNothing) {
			t.Errorf("unit %d was not taken", n)
		}
	}
	expect(t, &g, decodeAll, 1, 2, 3, 4, 5)
	g.push(unit(6, false), decodeAll)
	expect(t, &g, decodeAll, 6)
	g.rewind() // nobody watches for a while
	g.push(unit(7, false), decodeNothing)
	expect(t, &g, decodeAll, 1, 2, 3, 4, 5, 6, 7)
	g.rewind()
	g.push(unit(8, true), decodeNothing)
	g.push(unit(9, false), decodeNothing)
	expect(t, &g, decodeAll, 8, 9)
}

func TestKeyFrameDoesNotOvertakeAFewUndecodedPictures(t *testing.T) {
	var g gopCache
	for n := range 4 {
		g.push(unit(n, n == 0), decodeAll)
	}
	if got := number(g.take(decodeAll)); got != 0 {
		t.Fatalf("took %d", got)
	}
	g.push(unit(4, true), decodeAll)
	expect(t, &g, decodeAll, 1, 2, 3, 4)
}

func TestKeyFrameOvertakesALongBacklog(t *testing.T) {
	var g gopCache
	for n := range 50 {
		g.push(unit(n, n == 0), decodeAll)
	}
	g.take(decodeAll)
	g.push(unit(50, true), decodeAll)
	expect(t, &g, decodeAll, 50)
}

func TestSlowViewersGetKeyFramesAlone(t *testing.T) {
	var g gopCache
	g.push(unit(0, true), decodeKeys)
	g.push(unit(1, false), decodeKeys)
	expect(t, &g, decodeKeys, 0)
	g.push(unit(2, false), decodeKeys)
	expect(t, &g, decodeKeys)
	g.push(unit(3, true), decodeKeys)
	expect(t, &g, decodeKeys, 3)
	g.push(unit(4, false), decodeKeys)
	expect(t, &g, decodeKeys)
	expect(t, &g, decodeAll, 3, 4) // a fast one came: from the cache, at once
	g.push(unit(5, false), decodeAll)
	expect(t, &g, decodeAll, 5)
}

func TestSwitchToKeyFramesAndBackWithinAGOP(t *testing.T) {
	var g gopCache
	for n := range 3 {
		g.push(unit(n, n == 0), decodeAll)
	}
	expect(t, &g, decodeAll, 0, 1, 2)
	g.push(unit(3, false), decodeKeys)
	expect(t, &g, decodeKeys)
	expect(t, &g, decodeAll, 0, 1, 2, 3)
}

func TestNothingIsTakenBetweenALossAndTheNextKeyFrame(t *testing.T) {
	var g gopCache
	g.push(unit(0, true), decodeAll)
	g.push(unit(1, false), decodeAll)
	g.lost()
	if g.push(unit(2, false), decodeAll) {
		t.Error("a picture behind a loss was taken")
	}
	expect(t, &g, decodeAll, 0, 1)
	if !g.push(unit(3, true), decodeAll) {
		t.Error("the key frame was not taken")
	}
	expect(t, &g, decodeAll, 3)
}

func TestBrokenPictureIsSkippedUpToTheNextKeyFrame(t *testing.T) {
	var g gopCache
	for n := range 3 {
		g.push(unit(n, n == 0), decodeAll)
	}
	g.take(decodeAll)
	g.skip()
	expect(t, &g, decodeAll)
	if g.push(unit(3, false), decodeAll) {
		t.Error("a picture behind a broken one was taken")
	}
	g.push(unit(4, true), decodeAll)
	g.push(unit(5, false), decodeAll)
	expect(t, &g, decodeAll, 4, 5)
}

func TestEndlessGOPStaysBounded(t *testing.T) {
	var g gopCache
	big := func(n int, key bool) *media.AccessUnit {
		u := unit(n%250, key)
		u.NALUs = append(u.NALUs, make([]byte, 1<<20))
		return u
	}
	g.push(big(0, true), decodeAll)
	g.take(decodeAll)
	for n := 1; n < 300; n++ {
		if !g.push(big(n, false), decodeAll) {
			t.Fatalf("unit %d of a long GOP was refused although all before were decoded", n)
		}
		if g.take(decodeAll) == nil {
			t.Fatalf("unit %d cannot be decoded", n)
		}
		if g.bytes > maxCachedBytes {
			t.Fatalf("%d bytes are kept", g.bytes)
		}
	}
	g.rewind()
	g.push(big(301, false), decodeNothing)
	expect(t, &g, decodeAll) // no key frame to start at
	g.push(unit(100, true), decodeAll)
	expect(t, &g, decodeAll, 100)

	g = gopCache{}
	for n := range 300 {
		g.push(big(n, n == 0), decodeNothing)
	}
	if g.bytes > maxCachedBytes {
		t.Errorf("%d bytes are kept while nobody watches", g.bytes)
	}
}

// TestAKeyFrameHasItsPlaceBehindAFullBacklog: whoever sends pictures faster than they can be
// looked at takes nobody down.
func TestAKeyFrameHasItsPlaceBehindAFullBacklog(t *testing.T) {
	tiny := func(key bool) *media.AccessUnit {
		return &media.AccessUnit{Codec: media.H264, NALUs: [][]byte{{1}}, Key: key, Received: time.Unix(0, 0)}
	}
	large := func(key bool) *media.AccessUnit {
		u := tiny(key)
		u.NALUs = append(u.NALUs, make([]byte, maxCachedBytes/4))
		return u
	}
	for name, one := range map[string]func(bool) *media.AccessUnit{"many": tiny, "large": large} {
		var g gopCache
		for n := 0; g.push(one(n == 0), decodeAll); n++ {
		}
		if g.next != 0 {
			t.Fatalf("%s: something was taken", name)
		}
		key := one(true)
		if !g.push(key, decodeAll) {
			t.Errorf("%s: the key frame was not taken", name)
		}
		if g.bytes > maxCachedBytes || len(g.units) > maxCachedUnits {
			t.Errorf("%s: %d bytes in %d units are kept", name, g.bytes, len(g.units))
		}
		if got := g.take(decodeKeys); got != key { // somebody left, and key frames do for the others
			t.Errorf("%s: took another picture than the key frame", name)
		}
	}
}

func TestNothingOfAnEndedSessionIsDecoded(t *testing.T) {
	cam, _ := watched(t, 40*time.Millisecond)
	cam.mu.Lock()
	before := cam.units.backlog()
	cam.mu.Unlock()
	if before == 0 {
		t.Fatal("the test has nothing to lose")
	}
	cam.disconnected()
	if v, err := cam.Watch(media.Rendition{}, 0); err != nil {
		t.Fatal(err)
	} else {
		defer v.Close()
	}
	expect(t, &cam.units, decodeAll)
	if s := cam.Status().State; s == "live" {
		t.Errorf("a camera without a connection is %s", s)
	}
}
