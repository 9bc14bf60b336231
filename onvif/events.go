package onvif

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Pull points (ONVIF Core, section 9.2; WS-BaseNotification 1.3). use-go/onvif's structures
// for them hold empty filters and policies, which cameras refuse.

const (
	pullTime  = 15 * time.Second // how long one PullMessages waits for an event
	lifeTime  = 60 * time.Second // of a subscription; renewed at half of it
	pullLimit = 64               // events at once
	lastWords = 2 * time.Second  // for Unsubscribe when all ends
)

type createPullPoint struct {
	XMLName                xml.Name `xml:"tev:CreatePullPointSubscription"`
	InitialTerminationTime string   `xml:"tev:InitialTerminationTime"`
}

type pullMessages struct {
	XMLName      xml.Name `xml:"tev:PullMessages"`
	Timeout      string   `xml:"tev:Timeout"`
	MessageLimit int      `xml:"tev:MessageLimit"`
}

type renewSubscription struct {
	XMLName         xml.Name `xml:"wsnt:Renew"`
	TerminationTime string   `xml:"wsnt:TerminationTime"`
}

type unsubscribe struct {
	XMLName xml.Name `xml:"wsnt:Unsubscribe"`
}

const (
	actionCreate      = nsEvents + "/EventPortType/CreatePullPointSubscriptionRequest"
	actionPull        = nsEvents + "/PullPointSubscription/PullMessagesRequest"
	actionRenew       = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest"
	actionUnsubscribe = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest"
)

// WS-Addressing headers: some cameras tell subscriptions apart by them.
type (
	wsaAction struct {
		XMLName xml.Name `xml:"wsa:Action"`
		Value   string   `xml:",chardata"`
	}
	wsaTo struct {
		XMLName xml.Name `xml:"wsa:To"`
		Value   string   `xml:",chardata"`
	}
)

type createReply struct {
	SubscriptionReference struct {
		Address text
	}
}

// A subscription is one pull point on the camera.
type subscription struct {
	to         *url.URL // where it is asked, mended
	named      string   // where the camera says it is
	parameters []any    // headers that the camera wants back
	renewed    time.Time
	noRenewal  bool // the camera keeps it without
}

// WatchMotion calls motion with the present state, as soon as the camera tells one, and then
// with each change, one at a time. It returns when ctx ends, with its error, or when the
// camera refuses: ErrNotSupported where it has no events. Motion is that of any detector of
// the camera.
//
// A lost subscription is made anew as long as the camera grants one. When WatchMotion
// returns nothing is known of motion any more.
func (c *Client) WatchMotion(ctx context.Context, motion func(bool)) error {
	state := newMotionState()
	for {
		s, err := c.subscribe(ctx)
		if err != nil {
			return endOf(ctx, err)
		}
		pulled, err := c.follow(ctx, s, state, motion)
		c.unsubscribe(ctx, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !pulled || errors.Is(err, ErrNotAuthorized) {
			return err
		}
		c.log.Debug("onvif: events end, subscribing anew", "camera", c.base.Host, "error", err)
		state.forget()
	}
}

func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *Client) subscribe(ctx context.Context) (*subscription, error) {
	var reply createReply
	var raw []byte
	r := &request{
		raw:       &raw,
		operation: "CreatePullPointSubscription", action: actionCreate, reply: &reply,
		body: createPullPoint{InitialTerminationTime: duration(c.lease)}, headers: []any{wsaAction{Value: actionCreate}},
	}
	if err := c.callService(ctx, nsEvents, r); err != nil {
		return nil, err
	}
	s := &subscription{to: r.url, named: string(reply.SubscriptionReference.Address), renewed: time.Now()}
	if s.named != "" {
		to, err := c.mendService(s.named)
		if err != nil {
			return nil, c.explain(r.operation, fmt.Errorf("%w: the address of its subscription is %q", ErrMalformed, redactText(s.named)))
		}
		s.to = to
	}
	for _, p := range referenceParameters(raw) {
		s.parameters = append(s.parameters, p)
	}
	return s, nil
}

// ask does an operation of the subscription. Where it cannot be reached as the camera names
// it, the port where the camera was reached is tried, once and for good.
func (c *Client) ask(ctx context.Context, s *subscription, operation, action string, body, reply any, wait time.Duration) error {
	r := &request{
		operation: operation, action: action, body: body, reply: reply, url: s.to, timeout: c.options.Timeout + wait,
		headers: append([]any{wsaAction{Value: action}, wsaTo{Value: s.named}}, s.parameters...),
	}
	err := c.call(ctx, r)
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) && s.to.Host != c.base.Host && ctx.Err() == nil && !unreachable.timeout() {
		here := *s.to
		here.Host = c.base.Host
		s.to, r.url = &here, &here
		err = c.call(ctx, r)
	}
	return err
}

// follow pulls until something fails. pulled tells whether the subscription gave answers.
func (c *Client) follow(ctx context.Context, s *subscription, state *motionState, motion func(bool)) (pulled bool, err error) {
	for {
		if err := c.renewSubscription(ctx, s); err != nil {
			return pulled, err
		}
		var reply messagesReply
		body := pullMessages{Timeout: duration(c.pull), MessageLimit: pullLimit}
		start := time.Now()
		if err := c.ask(ctx, s, "PullMessages", actionPull, body, &reply, c.pull); err != nil {
			return pulled, err
		}
		pulled = true
		state.take(&reply)
		state.tell(motion)
		if err := breathe(ctx, start, len(reply.NotificationMessage)); err != nil {
			return pulled, err
		}
	}
}

// breathe holds back cameras that answer at once and say nothing: once a second is enough.
func breathe(ctx context.Context, start time.Time, messages int) error {
	wait := time.Second - time.Since(start)
	if messages > 0 {
		wait = 100*time.Millisecond - time.Since(start)
	}
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) renewSubscription(ctx context.Context, s *subscription) error {
	if s.noRenewal || time.Since(s.renewed) < c.lease/2 {
		return nil
	}
	err := c.ask(ctx, s, "Renew", actionRenew, renewSubscription{TerminationTime: duration(c.lease)}, nil, 0)
	switch {
	case err == nil:
		s.renewed = time.Now()
	case errors.Is(err, ErrNotSupported):
		s.noRenewal = true // pulling keeps it alive, or it ends and is made anew
		return nil
	}
	return err
}

// unsubscribe frees the camera's pull point, of which it has few, also when ctx has ended.
// Its failure is of no consequence: the subscription ends by itself.
func (c *Client) unsubscribe(ctx context.Context, s *subscription) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	_ = c.ask(ctx, s, "Unsubscribe", actionUnsubscribe, unsubscribe{}, nil, 0)
}

// duration is d as XML Schema writes it, in whole seconds.
func duration(d time.Duration) string {
	return fmt.Sprintf("PT%dS", max(1, int(d.Round(time.Second)/time.Second)))
}
