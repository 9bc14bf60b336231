package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/use-go/onvif/device"
)

// Clock is what is known of the camera's clock.
type Clock struct {
	// Skew is the camera's time minus ours.
	Skew time.Duration
	// Source is "GetSystemDateAndTime", "GetSystemDateAndTime, local time" where the camera
	// tells its local time as UTC, "HTTP Date", or "ours" where it told nothing usable.
	Source string
	// RoundTrip is how long the answer took. Skew is that uncertain, and a second more.
	RoundTrip time.Duration
}

const (
	sourceUTC   = "GetSystemDateAndTime"
	sourceLocal = "GetSystemDateAndTime, local time"
	sourceDate  = "HTTP Date"
	sourceOurs  = "ours"
)

// clockState is what a client remembers of the camera's clock.
type clockState struct {
	mu    sync.Mutex
	ideas []Clock // what to sign with: the best, and perhaps a second; empty: never asked
	told  bool    // the camera answered, with or without a usable time; false: it refused
	at    time.Time
}

type clockReply struct {
	SystemDateAndTime struct {
		UTCDateTime   dateTime
		LocalDateTime dateTime
	}
}

type dateTime struct {
	Date struct{ Year, Month, Day number }
	Time struct{ Hour, Minute, Second number }
}

// time is the moment that was written, as if it were UTC. ok is false for what no clock
// shows. Years before 2000 are a battery that ran out: usable all the same, the camera
// itself believes in them.
func (d dateTime) time() (t time.Time, ok bool) {
	year, month, day := int(d.Date.Year), int(d.Date.Month), int(d.Date.Day)
	hour, minute, second := int(d.Time.Hour), int(d.Time.Minute), int(d.Time.Second)
	if year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 61 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC), true
}

func (c *Client) clockRequest(reply *clockReply) *request {
	return &request{
		operation: "GetSystemDateAndTime", action: nsDevice + "/GetSystemDateAndTime", url: c.base,
		body: device.GetSystemDateAndTime{}, reply: reply, timeout: c.options.Timeout, open: true,
	}
}

// Clock asks for the camera's time: anonymously, and logged in where that is refused. When
// the camera tells none, the HTTP Date of its answer is taken, then our own clock. The
// answer is kept.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	ideas, told, err := c.clockIdeas(ctx)
	if err != nil {
		return Clock{}, c.explain("GetSystemDateAndTime", err)
	}
	if told {
		return ideas[0], nil
	}
	var reply clockReply
	r := c.clockRequest(&reply)
	r.open = false
	a, err := c.exchange(ctx, r)
	if err == nil {
		err = c.read(r, a)
	}
	switch {
	case err == nil:
		ideas = c.proven(readClock(&reply, a))
	case errors.Is(err, ErrNotSupported), errors.Is(err, ErrMalformed):
		ideas = clockWithoutAnswer(a)
	default:
		return Clock{}, c.explain(r.operation, err)
	}
	c.keepClock(ideas, true)
	return ideas[0], nil
}

// proven leaves of the ideas the one that a signature was taken with, when there was one.
func (c *Client) proven(ideas []Clock) []Clock {
	if !c.login.state().soap() {
		return ideas
	}
	c.clock.mu.Lock()
	worked := c.clock.ideas[0]
	c.clock.mu.Unlock()
	for _, idea := range ideas {
		if (idea.Skew - worked.Skew).Abs() < 30*time.Second {
			return []Clock{idea}
		}
	}
	return []Clock{worked}
}

// clockIdeas are what the camera's time may be, best first: one or two. Asked once, and
// anonymously.
func (c *Client) clockIdeas(ctx context.Context) (ideas []Clock, told bool, err error) {
	c.clock.mu.Lock()
	ideas, told = c.clock.ideas, c.clock.told
	c.clock.mu.Unlock()
	if len(ideas) > 0 {
		return ideas, told, nil
	}
	return c.askClock(ctx)
}

func (c *Client) askClock(ctx context.Context) (ideas []Clock, told bool, err error) {
	var reply clockReply
	r := c.clockRequest(&reply)
	a, err := c.send(ctx, r, anonymous, Clock{})
	if err != nil {
		return nil, false, err
	}
	if c.refusal(r, a) != nil {
		ideas = clockRefused(a)
	} else if err := c.read(r, a); err != nil {
		if errors.Is(err, ErrNotONVIF) {
			return nil, false, err
		}
		ideas, told = clockWithoutAnswer(a), true
	} else {
		ideas, told = readClock(&reply, a), true
	}
	c.keepClock(ideas, told)
	return ideas, told, nil
}

func (c *Client) keepClock(ideas []Clock, told bool) {
	c.clock.mu.Lock()
	c.clock.ideas, c.clock.told, c.clock.at = ideas, told, time.Now()
	c.clock.mu.Unlock()
	c.noteClock(ideas[0])
}

// chooseClock keeps the idea that the camera took.
func (c *Client) chooseClock(clock Clock) {
	c.clock.mu.Lock()
	told := c.clock.told
	c.clock.mu.Unlock()
	c.keepClock([]Clock{clock}, told)
}

func (c *Client) noteClock(clock Clock) {
	if clock.Source == sourceLocal {
		c.note("it tells its local time as UTC; the gateway signs with the right one, nothing to do")
	}
	if skew := clock.Skew.Abs(); skew >= 30*time.Second && clock.Source != sourceOurs {
		word := "behind"
		if clock.Skew > 0 {
			word = "ahead"
		}
		c.note(fmt.Sprintf("the camera's clock is %s %s; the gateway signs with the camera's time, nothing to do", span(skew), word))
	}
}

// clocks are the ideas to sign with, while the way to log in is found out. An answer of a
// minute ago is not good for that: a clock may have been set since, the camera's or ours, and
// be all that was wrong. Without any answer it is our own clock: the request that follows says
// what is wrong.
func (c *Client) clocks(ctx context.Context) []Clock {
	c.clock.mu.Lock()
	ideas, at := c.clock.ideas, c.clock.at
	c.clock.mu.Unlock()
	if len(ideas) > 0 && time.Since(at) < clockAge {
		return ideas
	}
	if asked, _, err := c.askClock(ctx); err == nil {
		return asked
	}
	if len(ideas) > 0 {
		return ideas
	}
	return []Clock{{Source: sourceOurs}}
}

// clockFor is the clock to sign with in a way that worked before.
func (c *Client) clockFor(ctx context.Context, way kind) (Clock, error) {
	if !way.soap() {
		return Clock{}, nil
	}
	ideas, _, err := c.clockIdeas(ctx)
	if err != nil {
		return Clock{}, err
	}
	return ideas[0], nil
}

// renewClock asks for the time again when the last answer is a minute old, and tells
// whether the clock was set since.
func (c *Client) renewClock(ctx context.Context) (Clock, bool) {
	c.clock.mu.Lock()
	last, told, at := c.clock.ideas, c.clock.told, c.clock.at
	c.clock.mu.Unlock()
	if len(last) == 0 || !told || time.Since(at) < clockAge {
		return Clock{}, false
	}
	ideas, _, err := c.askClock(ctx)
	if err != nil {
		return Clock{}, false
	}
	now := ideas[0]
	if last[0].Source == sourceLocal && len(ideas) > 1 {
		now = ideas[1]
	}
	c.chooseClock(now)
	return now, (now.Skew - last[0].Skew).Abs() > 2*time.Second
}

const clockAge = time.Minute

// readClock makes ideas of a camera's answer. The time zone it tells is not read: cameras
// write "UTC5:0" and "CST+8:00:00", with either sign.
func readClock(reply *clockReply, a *answer) []Clock {
	utc, ok := reply.SystemDateAndTime.UTCDateTime.time()
	if !ok {
		return clockWithoutAnswer(a)
	}
	middle := a.at.Add(-a.took / 2)
	first := Clock{Skew: wholeSeconds(utc.Sub(middle)), Source: sourceUTC, RoundTrip: a.took}
	ideas := []Clock{first}
	if second, ok := otherClock(first, reply, a); ok {
		ideas = append(ideas, second)
	}
	return ideas
}

// otherClock is the second idea: that what is called UTC is local time. Cameras know the
// right time all the same and check signatures by it. Where there is no reason to doubt the
// first there is no second: a wrong password would be sent twice.
func otherClock(first Clock, reply *clockReply, a *answer) (Clock, bool) {
	date, dated := dateClock(a)
	if first.Skew.Abs() < 10*time.Minute || dated && (first.Skew-date.Skew).Abs() < time.Minute {
		return Clock{}, false
	}
	if dated && zoneLike(first.Skew-date.Skew) {
		date.Source = sourceLocal
		return date, true
	}
	if zoneLike(first.Skew) {
		return Clock{first.Skew - first.Skew.Round(15*time.Minute), sourceLocal, first.RoundTrip}, true
	}
	if utc, ok := reply.SystemDateAndTime.UTCDateTime.time(); ok {
		if local, ok := reply.SystemDateAndTime.LocalDateTime.time(); ok && zoneLike(local.Sub(utc)) {
			return Clock{first.Skew - local.Sub(utc), sourceLocal, first.RoundTrip}, true
		}
	}
	return date, dated
}

// zoneLike tells whether a difference may be that of a time zone: a multiple of a quarter of
// an hour up to 14 hours, two minutes more or less.
func zoneLike(d time.Duration) bool {
	quarters := d.Round(15 * time.Minute)
	return quarters != 0 && quarters.Abs() <= 14*time.Hour && (d-quarters).Abs() <= 2*time.Minute
}

func dateClock(a *answer) (Clock, bool) {
	if a == nil {
		return Clock{}, false
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil || date.Year() < 1970 || date.Year() > 2200 {
		return Clock{}, false
	}
	return Clock{Skew: wholeSeconds(date.Sub(a.at.Add(-a.took / 2))), Source: sourceDate, RoundTrip: a.took}, true
}

// clockWithoutAnswer: the camera tells no time. Its HTTP server may.
func clockWithoutAnswer(a *answer) []Clock {
	ours := Clock{Source: sourceOurs}
	date, ok := dateClock(a)
	if !ok {
		return []Clock{ours}
	}
	return []Clock{date, ours}
}

// clockRefused: the camera tells the time only to whom it knows. Sign with ours, then with
// its HTTP server's.
func clockRefused(a *answer) []Clock {
	ideas := []Clock{{Source: sourceOurs}}
	if date, ok := dateClock(a); ok && date.Skew.Abs() > 5*time.Second {
		ideas = append(ideas, date)
	}
	return ideas
}

// wholeSeconds makes a difference that only comes from the camera's whole seconds, and is
// less than 2 s, nothing.
func wholeSeconds(d time.Duration) time.Duration {
	d = d.Round(time.Second)
	if d.Abs() < 2*time.Second {
		return 0
	}
	return d
}

// span is a duration for people, in its two largest units.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours := int(d/(24*time.Hour)), int(d/time.Hour)%24
	minutes, seconds := int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
	return fmt.Sprintf("%d s", seconds)
}
