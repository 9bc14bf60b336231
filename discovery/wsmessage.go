package discovery

import (
	"fmt"
	"strings"
)

// The messages of WS-Discovery (April 2005) that matter here.
type wsKind int

const (
	wsOther wsKind = iota // a probe of somebody else, an answer to one we never ask
	wsProbeMatches
	wsHello
	wsBye
)

// What is read of one message at most.
const (
	maxDatagram = 64 << 10
	maxMatches  = 32
	maxTypes    = 32
	maxScopes   = 256
	maxXAddrs   = 8
)

// A wsMessage is one message: probe matches (any number), a hello or a bye (one each).
type wsMessage struct {
	kind    wsKind
	matches []wsMatch
}

// A wsMatch is what a device says about itself.
type wsMatch struct {
	endpoint identity
	camera   bool // by its types or scopes
	typed    bool // it says anything about types or scopes
	facts    scopeFacts
	xaddrs   []string // as announced, unchecked
}

// readWS reads a message. RelatesTo is not looked at: cameras copy it wrongly.
func readWS(data []byte) (wsMessage, error) {
	if len(data) > maxDatagram {
		return wsMessage{}, fmt.Errorf("%w: a datagram of %d bytes", errTooLarge, len(data))
	}
	root, err := readXML(data)
	if err != nil {
		return wsMessage{}, err
	}
	body := root.child("Body")
	if body == nil {
		return wsMessage{}, fmt.Errorf("%w: <%s> without a SOAP body", errMalformed, printable(root.local, 40))
	}
	for _, inner := range body.children {
		switch strings.ToLower(inner.local) {
		case "hello":
			return wsMessage{wsHello, []wsMatch{readMatch(inner)}}, nil
		case "bye":
			return wsMessage{wsBye, []wsMatch{readMatch(inner)}}, nil
		case "probematches":
			return wsMessage{wsProbeMatches, readMatches(inner)}, nil
		}
	}
	return wsMessage{}, nil
}

func readMatches(e *element) []wsMatch {
	var matches []wsMatch
	for _, c := range e.children {
		if strings.EqualFold(c.local, "ProbeMatch") && len(matches) < maxMatches {
			matches = append(matches, readMatch(c))
		}
	}
	return matches
}

func readMatch(e *element) wsMatch {
	m := wsMatch{endpoint: endpointIdentity(e.child("EndpointReference").value("Address"))}
	scopes := fields(e.value("Scopes"), maxScopes)
	m.facts = readScopes(scopes)
	m.camera = m.facts.onvif
	types := e.child("Types")
	if types != nil {
		names := fields(types.text, maxTypes)
		m.typed = len(names) > 0
		for _, name := range names {
			m.camera = m.camera || cameraType(types, name)
		}
	}
	m.typed = m.typed || len(scopes) > 0
	m.xaddrs = fields(e.value("XAddrs"), maxXAddrs)
	return m
}

// cameraType says whether a qualified name in the text of e is of an ONVIF device. What
// wsdd and printers send, wsdp:Device, differs from tds:Device in its namespace alone.
// Where the prefix is declared nowhere, the usual ones are believed.
func cameraType(e *element, name string) bool {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		prefix, local = "", name
	}
	namespace, bound := e.resolve(prefix)
	onvif := strings.Contains(strings.ToLower(namespace), "onvif.org/")
	switch local {
	case "NetworkVideoTransmitter":
		return onvif || !bound
	case "Device":
		return onvif || !bound && prefix == "tds"
	}
	return false
}

// fields are the words of a text, at most limit.
func fields(s string, limit int) []string {
	words := strings.Fields(s)
	return words[:min(len(words), limit)]
}
