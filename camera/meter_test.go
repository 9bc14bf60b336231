package camera

import (
	"math"
	"testing"
	"time"
)

func TestMeterTellsRateAndBits(t *testing.T) {
	var m meter
	now := time.Unix(1000, 0)
	if fps, bits := m.rate(now); fps != 0 || bits != 0 {
		t.Errorf("nothing is %v a second, %d bits", fps, bits)
	}
	for range 200 {
		now = now.Add(40 * time.Millisecond)
		m.add(now, 1000)
	}
	fps, bits := m.rate(now)
	if math.Abs(fps-25) > 0.01 || bits < 199_000 || bits > 201_000 {
		t.Errorf("25 a second of 1000 bytes is %v, %d bits", fps, bits)
	}
	if fps, _ := m.rate(now.Add(2 * time.Second)); fps > 15 {
		t.Errorf("two silent seconds later it is still %v", fps)
	}
	if fps, _ := m.rate(now.Add(time.Minute)); fps != 0 {
		t.Errorf("a silent minute later it is still %v", fps)
	}
}

func TestMeterMeasuresASlowCamera(t *testing.T) {
	var m meter
	now := time.Unix(1000, 0)
	for range 10 {
		now = now.Add(time.Second)
		m.add(now, 1)
	}
	if fps, _ := m.rate(now); math.Abs(fps-1) > 0.01 {
		t.Errorf("one a second is %v", fps)
	}
}

func TestLongestOfTheLastEightGaps(t *testing.T) {
	var g gaps
	if g.longest() != 0 {
		t.Error("there is a gap before the first picture")
	}
	g.add(9 * time.Second)
	for range 7 {
		g.add(40 * time.Millisecond)
	}
	if g.longest() != 9*time.Second {
		t.Errorf("longest is %v, want 9s", g.longest())
	}
	g.add(40 * time.Millisecond)
	if g.longest() != 40*time.Millisecond {
		t.Errorf("longest is %v, want 40ms", g.longest())
	}
}
