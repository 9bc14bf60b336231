package onvif

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// answerAt is an answer that came now, with what the camera's web server says it is.
func answerAt(now time.Time, date string) *answer {
	a := &answer{at: now, header: http.Header{}}
	if date != "" {
		a.header.Set("Date", date)
	}
	return a
}

func writtenTime(t time.Time) dateTime {
	var d dateTime
	d.Date.Year, d.Date.Month, d.Date.Day = number(t.Year()), number(t.Month()), number(t.Day())
	d.Time.Hour, d.Time.Minute, d.Time.Second = number(t.Hour()), number(t.Minute()), number(t.Second())
	return d
}

func TestIdeasOfTheCamerasClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)
	date := func(skew time.Duration) string { return now.Add(skew).Format(http.TimeFormat) }
	for _, one := range []struct {
		name              string
		utc, local        time.Duration // written, minus now
		hasLocal          bool
		date              string
		want, second      time.Duration
		source, secondSrc string
	}{
		{"right", 0, 0, false, date(0), 0, -1, "GetSystemDateAndTime", ""},
		{"one second off is none", time.Second, 0, false, "", 0, -1, "GetSystemDateAndTime", ""},
		{"behind, and its server as well", -3*time.Hour - 12*time.Minute, 0, false, date(-3*time.Hour - 12*time.Minute), -3*time.Hour - 12*time.Minute, -1, "GetSystemDateAndTime", ""},
		{"local time, its server knows better", 8 * time.Hour, 0, false, date(0), 8 * time.Hour, 0, "GetSystemDateAndTime", "GetSystemDateAndTime, local time"},
		{"local time and off, its server knows better", 8*time.Hour + time.Hour/7, 0, false, date(time.Hour / 7), 8*time.Hour + time.Hour/7, time.Hour / 7, "GetSystemDateAndTime", "GetSystemDateAndTime, local time"},
		{"local time, no server's date", 5*time.Hour + 30*time.Minute + 20*time.Second, 0, false, "", 5*time.Hour + 30*time.Minute + 20*time.Second, 20 * time.Second, "GetSystemDateAndTime", "GetSystemDateAndTime, local time"},
		{"in another zone, as it should be", 0, -8 * time.Hour, true, "", 0, -1, "GetSystemDateAndTime", ""},
		{"in another zone, and days behind", -100*time.Hour + 7*time.Minute, -108*time.Hour + 7*time.Minute, true, "", -100*time.Hour + 7*time.Minute, -92*time.Hour + 7*time.Minute, "GetSystemDateAndTime", "GetSystemDateAndTime, local time"},
		{"its server differs", 40 * time.Minute, 0, false, date(0), 40 * time.Minute, 0, "GetSystemDateAndTime", "HTTP Date"},
		{"a date that is none", 0, 0, false, "yesterday", 0, -1, "GetSystemDateAndTime", ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			var reply clockReply
			reply.SystemDateAndTime.UTCDateTime = writtenTime(now.Add(one.utc))
			if one.hasLocal {
				reply.SystemDateAndTime.LocalDateTime = writtenTime(now.Add(one.local))
			}
			ideas := readClock(&reply, answerAt(now, one.date))
			near := func(c Clock, want time.Duration, source string) bool {
				return (c.Skew-want).Abs() <= time.Second && c.Source == source
			}
			if !near(ideas[0], one.want, one.source) {
				t.Errorf("the first idea is %+v", ideas[0])
			}
			if one.secondSrc == "" && len(ideas) > 1 || one.secondSrc != "" && (len(ideas) != 2 || !near(ideas[1], one.second, one.secondSrc)) {
				t.Errorf("the ideas are %+v", ideas)
			}
		})
	}
}

func TestTimesThatNoClockShowsAreNotTaken(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, d := range [][6]float64{{}, {2026, 13, 1, 0, 0, 0}, {2026, 1, 32, 0, 0, 0}, {2026, 1, 1, 25, 0, 0}, {2026, 1, 1, 0, 60, 0}, {2026, 1, 1, 0, 0, 62},
		{1e18, 1, 1, 0, 0, 0}, {-5, 1, 1, 0, 0, 0}, {0, 0, 0, 12, 0, 0}, {2026, 1, 1, -1, 0, 0}} {
		var reply clockReply
		u := &reply.SystemDateAndTime.UTCDateTime
		u.Date.Year, u.Date.Month, u.Date.Day = number(d[0]), number(d[1]), number(d[2])
		u.Time.Hour, u.Time.Minute, u.Time.Second = number(d[3]), number(d[4]), number(d[5])
		if ideas := readClock(&reply, answerAt(now, "")); len(ideas) != 1 || ideas[0] != (Clock{Source: "ours"}) {
			t.Errorf("%v: got %+v", d, ideas)
		}
		if ideas := readClock(&reply, answerAt(now, now.Add(time.Hour).Format(http.TimeFormat))); len(ideas) != 2 || ideas[0].Source != "HTTP Date" || ideas[0].Skew != time.Hour {
			t.Errorf("%v: got %+v", d, ideas)
		}
	}
	var reply clockReply // a battery that ran out: the camera believes in it
	reply.SystemDateAndTime.UTCDateTime = writtenTime(time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC))
	if ideas := readClock(&reply, answerAt(now, "")); ideas[0].Source != "GetSystemDateAndTime" || ideas[0].Skew > -50*365*24*time.Hour {
		t.Errorf("got %+v", ideas)
	}
}

func TestSpansAreReadable(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3*time.Hour + 12*time.Minute + 40*time.Second: "3 h 12 min", 45 * time.Second: "45 s", 90 * time.Second: "1 min 30 s", 50 * time.Hour: "2 d 2 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q", d, got)
		}
	}
}

// A camera that sets its clock after a reboot is followed.
func TestAClockThatIsSetLaterIsAskedAgain(t *testing.T) {
	f := newFake(t)
	skew := -40 * 24 * time.Hour
	f.set("GetSystemDateAndTime", clockAnswer(time.Now().Add(skew)))
	f.login = func(s seen) *refused {
		if s.operation == "GetSystemDateAndTime" || s.operation == "GetServices" {
			return nil
		}
		created, err := time.Parse(time.RFC3339, s.created)
		if s.wsse == "digest" && s.wsseRight && err == nil && time.Since(created.Add(-skew)).Abs() < 10*time.Second {
			return nil
		}
		return soapFault(400, faultNotAuthorized)
	}
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	skew = 0
	f.mu.Unlock()
	f.set("GetSystemDateAndTime", clockAnswer(time.Now()))
	c.clock.mu.Lock()
	c.clock.at = c.clock.at.Add(-2 * clockAge) // it was asked long ago
	c.clock.mu.Unlock()
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.wantWays(t, "wsse digest", "wsse digest", "wsse digest")
	if clock, err := c.Clock(testContext(t)); err != nil || clock.Skew.Abs() > time.Minute { // not forty days
		t.Errorf("the clock is %+v, %v", clock, err)
	}
}

// A camera that sets its clock right after it was asked for the time, as after a power cut
// that both have come back from, is refused its signatures twice; then it is asked again.
func TestAClockThatIsSetRightAwayIsAskedAgain(t *testing.T) {
	f := newFake(t)
	skew := -40 * 24 * time.Hour
	f.set("GetSystemDateAndTime", clockAnswer(time.Now().Add(skew)))
	f.login = func(s seen) *refused {
		if s.operation == "GetSystemDateAndTime" || s.operation == "GetServices" {
			return nil
		}
		created, err := time.Parse(time.RFC3339, s.created)
		f.mu.Lock()
		defer f.mu.Unlock()
		if s.wsse == "digest" && s.wsseRight && err == nil && time.Since(created.Add(-skew)).Abs() < 10*time.Second {
			return nil
		}
		return soapFault(400, faultNotAuthorized)
	}
	c := f.client(t)
	if _, err := c.Information(testContext(t)); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	skew = 0
	f.mu.Unlock()
	f.set("GetSystemDateAndTime", clockAnswer(time.Now()))
	if _, err := c.Information(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
		t.Fatalf("the first: %v", err)
	}
	if _, err := c.Profiles(testContext(t)); !errors.Is(err, ErrNotAuthorized) {
		t.Fatalf("the second: %v", err)
	}
	later := time.Now().Add(2 * patience)
	c.login.mu.Lock()
	c.login.now = func() time.Time { return later }
	c.login.mu.Unlock()
	c.clock.mu.Lock()
	c.clock.at = c.clock.at.Add(-2 * clockAge)
	c.clock.mu.Unlock()
	if _, err := c.Information(testContext(t)); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}
