package onvif

import "strings"

// messagesReply is PullMessagesResponse.
type messagesReply struct {
	NotificationMessage []notification
}

type notification struct {
	Topic   text
	Message struct {
		Message struct {
			Operation text `xml:"PropertyOperation,attr"`
			Source    items
			Key       items
			Data      items
		}
	}
}

type items struct {
	SimpleItem []struct {
		Name  text `xml:"Name,attr"`
		Value text `xml:"Value,attr"`
	}
}

const (
	maxMessages  = 1024 // of one answer
	maxDetectors = 64   // remembered of one camera
)

// A motionState is what the detectors of a camera say.
type motionState struct {
	detectors map[string]bool // by topic and source
	known     bool            // some detector has spoken since the subscription began
	told      bool            // motion was called
	last      bool            // with this
}

func newMotionState() *motionState { return &motionState{detectors: map[string]bool{}} }

// forget is for a new subscription: it begins with the state of every detector.
func (s *motionState) forget() { clear(s.detectors) }

// take takes in what was pulled.
func (s *motionState) take(reply *messagesReply) {
	for i := range reply.NotificationMessage {
		if i == maxMessages {
			return
		}
		n := &reply.NotificationMessage[i]
		detector, value, ok := n.motion()
		if !ok {
			continue
		}
		s.known = true
		if strings.EqualFold(string(n.Message.Message.Operation), "Deleted") {
			delete(s.detectors, detector)
			continue
		}
		if _, seen := s.detectors[detector]; seen || len(s.detectors) < maxDetectors {
			s.detectors[detector] = value
		}
	}
}

// tell calls motion when the state is another than last told.
func (s *motionState) tell(motion func(bool)) {
	if !s.known {
		return
	}
	now := false
	for _, moving := range s.detectors {
		now = now || moving
	}
	if s.told && now == s.last {
		return
	}
	s.told, s.last = true, now
	motion(now)
}

// motion reads a message of a motion detector: which one, and whether it sees something.
// Topics are tns1:RuleEngine/CellMotionDetector/Motion (IsMotion), tns1:VideoSource/MotionAlarm
// (State), tns1:RuleEngine/MotionRegionDetector/Motion (State) and makers' own with
// "motion" in them.
func (n *notification) motion() (detector string, moving, ok bool) {
	topic := localTopic(string(n.Topic))
	if !strings.Contains(strings.ToLower(topic), "motion") {
		return "", false, false
	}
	m := &n.Message.Message
	for _, name := range []string{"IsMotion", "State", "Motion", "Active", "IsInside"} {
		for _, item := range m.Data.SimpleItem {
			if !strings.EqualFold(string(item.Name), name) {
				continue
			}
			if moving, ok = boolean(string(item.Value)); ok {
				return detectorName(topic, m.Source, m.Key), moving, true
			}
		}
	}
	// A property that is gone need not say a value.
	return detectorName(topic, m.Source, m.Key), false, strings.EqualFold(string(m.Operation), "Deleted")
}

// localTopic is a topic without prefixes: "tns1:RuleEngine/tnsaxis:VMD" is "RuleEngine/VMD".
func localTopic(topic string) string {
	parts := strings.Split(strings.TrimSpace(bounded(topic, 256)), "/")
	for i, part := range parts {
		if j := strings.LastIndexByte(part, ':'); j >= 0 {
			parts[i] = part[j+1:]
		}
	}
	return strings.Join(parts, "/")
}

func detectorName(topic string, source, key items) string {
	var b strings.Builder
	b.WriteString(topic)
	for _, list := range []items{source, key} {
		for i, item := range list.SimpleItem {
			if i == 8 {
				break
			}
			b.WriteString("|" + bounded(string(item.Name), 64) + "=" + bounded(string(item.Value), 64))
		}
	}
	return b.String()
}

// boolean reads xs:boolean, as cameras write it.
func boolean(s string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "on":
		return true, true
	case "false", "0", "off":
		return false, true
	}
	return false, false
}
