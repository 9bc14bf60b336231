package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"camgate/camsim/device"
)

func TestMotionIsTold(t *testing.T) {
	s := newSimulated(t)
	for name, quirks := range map[string][]device.Quirk{"": {}, "with WS-UsernameToken": {device.QuirkWSSEOnly}, "with HTTP Digest": {device.QuirkDigestOnly}} {
		t.Run(name, func(t *testing.T) {
			d, c := s.camera(t, quirks...)
			mustSeeMotion(t, d, c)
			if n := d.PullPoints(); n != 0 {
				t.Errorf("%d pull points are left", n)
			}
		})
	}
}

func TestACameraWithoutEventsSaysSo(t *testing.T) {
	s := newSimulated(t)
	_, c := s.camera(t, device.QuirkNoEvents)
	if err := c.WatchMotion(testContext(t), func(bool) {}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("got %v", err)
	}
}

func TestWatchingMotionWithAWrongPasswordEnds(t *testing.T) {
	s := newSimulated(t)
	_, c := s.cameraOf(t, device.Options{User: testUser, Password: testPassword}, withPassword("wrong password"))
	if err := c.WatchMotion(testContext(t), func(bool) {}); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("got %v", err)
	}
}

// message is one notification.
func message(topic, operation, source, data string) string {
	return fmt.Sprintf(`<NotificationMessage><Topic Dialect="x">%s</Topic><Message><Message UtcTime="2026-01-01T00:00:00Z" PropertyOperation="%s">`+
		`<Source><SimpleItem Name="Source" Value="%s"/></Source><Data>%s</Data></Message></Message></NotificationMessage>`, topic, operation, source, data)
}

func item(name, value string) string {
	return fmt.Sprintf(`<SimpleItem Name="%s" Value="%s"/>`, name, value)
}

// watchMessages tells what a camera's messages, one answer each, make of motion.
func watchMessages(t *testing.T, answers ...string) []bool {
	t.Helper()
	state, told := newMotionState(), []bool(nil)
	for _, a := range answers {
		var reply messagesReply
		if err := readReply([]byte(inEnvelope("<PullMessagesResponse>"+a+"</PullMessagesResponse>")), 200, "PullMessages", &reply); err != nil {
			t.Fatal(err)
		}
		state.take(&reply)
		state.tell(func(motion bool) { told = append(told, motion) })
	}
	return told
}

func TestMotionIsReadFromTheTopicsThatCamerasUse(t *testing.T) {
	const cell, alarm, region = "tns1:RuleEngine/CellMotionDetector/Motion", "tns1:VideoSource/MotionAlarm", "tns1:RuleEngine/MotionRegionDetector/Motion"
	yes, no := item("IsMotion", "true"), item("IsMotion", "false")
	on, off := item("State", "1"), item("State", "0")
	for _, one := range []struct {
		name    string
		answers []string
		want    []bool
	}{
		{"cells", []string{message(cell, "Initialized", "1", no), message(cell, "Changed", "1", yes), message(cell, "Changed", "1", no)}, []bool{false, true, false}},
		{"alarm", []string{message(alarm, "Initialized", "1", on), message(alarm, "Changed", "1", off)}, []bool{true, false}},
		{"regions", []string{message(region, "Changed", "1", item("State", "True"))}, []bool{true}},
		{"a maker's own", []string{message("tnsaxis:VideoAnalytics/tnsaxis:MotionDetection", "Changed", "1", item("active", "1"))}, []bool{true}},
		{"no change, no call", []string{message(cell, "Initialized", "1", no), message(cell, "Changed", "1", no), "", message(cell, "Changed", "1", no)}, []bool{false}},
		{"nothing said", []string{"", "", ""}, nil},
		{"another topic", []string{message("tns1:Device/Trigger/DigitalInput", "Changed", "1", item("State", "true"))}, nil},
		{"another item", []string{message(cell, "Changed", "1", item("Level", "true"))}, nil},
		{"no boolean", []string{message(cell, "Changed", "1", item("IsMotion", "maybe"))}, nil},
		{"two sources", []string{message(cell, "Initialized", "1", yes) + message(cell, "Initialized", "2", yes), message(cell, "Changed", "1", no), message(cell, "Changed", "2", no)}, []bool{true, false}},
		{"two topics", []string{message(cell, "Changed", "1", yes) + message(alarm, "Changed", "1", on), message(cell, "Changed", "1", no), message(alarm, "Changed", "1", off)}, []bool{true, false}},
		{"a detector that is gone", []string{message(cell, "Changed", "1", yes), message(cell, "Deleted", "1", "")}, []bool{true, false}},
		{"both in one answer", []string{message(cell, "Changed", "1", yes) + message(cell, "Changed", "1", no)}, []bool{false}},
		{"without prefix, with blanks", []string{message(" RuleEngine/CellMotionDetector/Motion\n", "", "1", yes)}, []bool{true}},
	} {
		t.Run(one.name, func(t *testing.T) {
			if got := watchMessages(t, one.answers...); !slices.Equal(got, one.want) {
				t.Errorf("got %v, want %v", got, one.want)
			}
		})
	}
}

func TestDetectorsAreBounded(t *testing.T) {
	state := newMotionState()
	var reply messagesReply
	for i := range 1000 {
		reply = messagesReply{}
		err := readReply([]byte(inEnvelope("<PullMessagesResponse>"+message("tns1:VideoSource/MotionAlarm", "Changed", fmt.Sprint(i), item("State", "1"))+"</PullMessagesResponse>")), 200, "PullMessages", &reply)
		if err != nil {
			t.Fatal(err)
		}
		state.take(&reply)
	}
	if len(state.detectors) > maxDetectors {
		t.Errorf("%d detectors are remembered", len(state.detectors))
	}
}

func TestALostSubscriptionIsMadeAnew(t *testing.T) {
	f := newFake(t)
	const topic = "tns1:VideoSource/MotionAlarm"
	subscription := func(n int) string {
		return fmt.Sprintf(`<SubscriptionReference><Address>http://10.0.0.5/onvif/subscription</Address><ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">%d</dom0:SubscriptionId></ReferenceParameters></SubscriptionReference>`, n)
	}
	at := strings.TrimPrefix(f.URL, "http://127.0.0.1")
	f.set("CreatePullPointSubscription", strings.Replace(subscription(1), "10.0.0.5", "10.0.0.5"+at, 1))
	f.set("PullMessages", message(topic, "Initialized", "1", item("State", "true")))
	f.set("Unsubscribe", "")
	var pulls atomic.Int32
	f.login = func(s seen) *refused {
		if s.operation != "PullMessages" {
			return nil
		}
		switch pulls.Add(1) {
		case 2: // it has forgotten the subscription, and there is no motion any more
			f.set("CreatePullPointSubscription", strings.Replace(subscription(2), "10.0.0.5", "10.0.0.5"+at, 1))
			f.set("PullMessages", "")
			return soapFault(400, `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>wsrf-rw:ResourceUnknownFault</s:Value></s:Subcode></s:Code></s:Fault>`)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	told, ended := make(chan bool, 8), make(chan error, 1)
	go func() { ended <- f.client(t, anonymously).WatchMotion(ctx, func(motion bool) { told <- motion }) }()
	for _, want := range []bool{true, false} {
		select {
		case got := <-told:
			if got != want {
				t.Errorf("motion is %v, want %v", got, want)
			}
		case <-ctx.Done():
			t.Fatal("nobody told")
		}
	}
	cancel()
	<-ended
	pulled := f.requests(func(s seen) bool { return s.operation == "PullMessages" })
	for i, want := range []string{">1</SubscriptionId>", ">1</SubscriptionId>", ">2</SubscriptionId>"} {
		if !strings.Contains(pulled[i].body, `xmlns="http://www.axis.com/2009/event"`) || !strings.Contains(pulled[i].body, want) || !strings.Contains(pulled[i].body, "<wsa:To") {
			t.Errorf("pull %d does not name its subscription: %s", i, pulled[i].body)
		}
		if pulled[i].url != "/onvif/subscription" {
			t.Errorf("pull %d went to %s", i, pulled[i].url)
		}
	}
}

func TestARefusedSubscriptionEndsWatching(t *testing.T) {
	f := newFake(t)
	f.login = func(s seen) *refused {
		if s.operation == "CreatePullPointSubscription" {
			return soapFault(500, `<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>too many pull points</s:Text></s:Reason></s:Fault>`)
		}
		return nil
	}
	if err := f.client(t).WatchMotion(testContext(t), func(bool) {}); err == nil || !strings.Contains(err.Error(), "too many pull points") {
		t.Errorf("got %v", err)
	}
}

func TestASubscriptionIsKeptAlive(t *testing.T) {
	s := newSimulated(t)
	d, c := s.cameraOf(t, device.Options{})
	c.pull, c.lease = time.Second, 8*time.Second
	ctx, cancel := context.WithCancel(testContext(t))
	ended := make(chan error, 1)
	go func() { ended <- c.WatchMotion(ctx, func(bool) {}) }()
	for deadline := time.Now().Add(25 * time.Second); d.Requests()["Renew"] < 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it was renewed %d times", d.Requests()["Renew"])
		}
	}
	if n := d.Requests()["CreatePullPointSubscription"]; n != 1 {
		t.Errorf("it subscribed %d times", n)
	}
	cancel()
	<-ended
}

func TestPullMessagesIsAllowedToTakeItsTime(t *testing.T) {
	s := newSimulated(t)
	d, c := s.cameraOf(t, device.Options{}, func(o *Options) { o.Timeout = 3 * time.Second }) // all else is to be answered in it, by a busy machine too
	c.pull = 4 * time.Second
	told := make(chan bool, 8)
	ctx, cancel := context.WithCancel(testContext(t))
	ended := make(chan error, 1)
	go func() { ended <- c.WatchMotion(ctx, func(motion bool) { told <- motion }) }()
	select {
	case <-told:
	case err := <-ended:
		t.Fatalf("watching ended: %v", err)
	}
	for deadline := time.Now().Add(25 * time.Second); d.Requests()["PullMessages"] < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it pulled %d times", d.Requests()["PullMessages"])
		}
	}
	if n := d.Requests()["CreatePullPointSubscription"]; n != 1 {
		t.Errorf("it subscribed %d times: waiting for an event was taken for a failure", n)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
