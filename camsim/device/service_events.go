package device

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// subscriptionPath is where pull points are, each by its id.
const subscriptionPath = "/onvif/subscription/"

// A lease is how long a subscription lasts, by the device's clock.
type lease struct{ Address, Now, Until string }

func (c *call) lease(p *pullPoint, life time.Duration) lease {
	now := c.d.now()
	return lease{c.url(roleServices, subscriptionPath+p.id), now.Format(time.RFC3339), now.Add(life).Format(time.RFC3339)}
}

// life that the request asks for in an element: a duration, or a time of the device's.
func (c *call) life(name string) (time.Duration, *fault) {
	text := c.body.value(name)
	life, ok := parseDuration(text)
	switch until, err := time.Parse(time.RFC3339, text); {
	case text == "":
		return defaultLife, nil
	case err == nil:
		life = until.Sub(c.d.now())
	case !ok:
		return 0, senderFault(fmt.Sprintf("%.40q is neither a duration nor a time", text), "wsnt:UnacceptableInitialTerminationTimeFault")
	}
	if life <= 0 {
		return 0, senderFault("The time is over already", "wsnt:UnacceptableInitialTerminationTimeFault")
	}
	return min(life, longestLife), nil
}

func (c *call) createPullPoint() (any, *fault) {
	life, failed := c.life("InitialTerminationTime")
	if failed != nil {
		return nil, failed
	}
	p, failed := c.d.subscribe(life)
	if failed != nil {
		return nil, failed
	}
	return c.lease(p, life), nil
}

// subscription that the request went to.
func (c *call) subscription() (*pullPoint, *fault) {
	id, _ := strings.CutPrefix(c.r.URL.Path, subscriptionPath)
	if p := c.d.pullPoint(id); p != nil {
		return p, nil
	}
	return nil, &fault{status: http.StatusBadRequest, code: "Sender", subcodes: []string{"wsrf-rw:ResourceUnknownFault"}, reason: "There is no such subscription"}
}

func (c *call) pullMessages() (any, *fault) {
	p, failed := c.subscription()
	if failed != nil {
		return nil, failed
	}
	timeout, ok := parseDuration(c.body.value("Timeout"))
	limit, err := strconv.Atoi(c.body.value("MessageLimit"))
	if !ok || timeout < 0 || err != nil || limit < 1 {
		return nil, invalidArgument("PullMessages takes a Timeout such as PT5S and a MessageLimit of 1 or more")
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), min(timeout, longestPull))
	defer cancel()
	events, alive := c.d.pull(ctx, p, limit)
	if !alive {
		_, failed = c.subscription()
		return nil, failed
	}
	c.d.mu.Lock()
	left := time.Until(p.ends)
	c.d.mu.Unlock()
	return struct {
		lease
		Events []event
	}{c.lease(p, left), events}, nil
}

func (c *call) renewSubscription() (any, *fault) {
	p, failed := c.subscription()
	if failed != nil {
		return nil, failed
	}
	life, failed := c.life("TerminationTime")
	if failed != nil {
		return nil, failed
	}
	c.d.renew(p, life)
	return c.lease(p, life), nil
}

func (c *call) unsubscribe() (any, *fault) {
	p, failed := c.subscription()
	if failed == nil {
		c.d.unsubscribe(p)
	}
	return nil, failed
}

// synchronize has the state told once more.
func (c *call) synchronize() (any, *fault) {
	p, failed := c.subscription()
	if failed == nil {
		c.d.mu.Lock()
		defer c.d.mu.Unlock()
		p.put(c.d.motionEvents("Initialized", c.d.now())...)
	}
	return nil, failed
}
