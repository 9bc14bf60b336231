package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// FloodKind is what a flood consists of.
type FloodKind int

// Kinds of floods.
const (
	FloodJunk      FloodKind = iota // datagrams of random bytes
	FloodDevices                    // valid matches and SSDP answers, each of another device
	FloodLarge                      // datagrams as large as can be, 64 KiB
	FloodDeep                       // XML nested as deep as a datagram holds
	FloodElsewhere                  // answers whose LOCATION and XAddrs are elsewhere
)

// FloodKinds by name, for command lines.
var FloodKinds = map[string]FloodKind{"junk": FloodJunk, "devices": FloodDevices, "large": FloodLarge, "deep": FloodDeep, "elsewhere": FloodElsewhere}

const (
	maxDatagram = 65507 // bytes of UDP over IPv4
	floodPeriod = 10 * time.Millisecond
)

// Flood sends perSecond datagrams a second until ctx ends: to the addresses given, or to
// all who asked within the last minute, in turn. It returns ctx's error.
func (n *Network) Flood(ctx context.Context, perSecond int, kind FloodKind, to ...netip.AddrPort) error {
	if perSecond < 1 || perSecond > 1_000_000 {
		return fmt.Errorf("a flood of %d datagrams a second: must be 1 to 1000000", perSecond)
	}
	from := n.floodSocket()
	if from == nil {
		return errors.New("the network of simulated devices has no IPv4 address to flood from")
	}
	tick := time.NewTicker(floodPeriod)
	defer tick.Stop()
	began, sent := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.life.Done():
			return errors.New("the network of simulated devices is closed")
		case <-tick.C:
		}
		due := int(time.Since(began).Seconds() * float64(perSecond))
		targets := n.floodTargets(to)
		if len(targets) == 0 {
			sent = due // nobody asked
			continue
		}
		// After a pause there is no burst of more than a tenth of a second's worth.
		for sent = max(sent, due-perSecond/10-1); sent < due; sent++ {
			t := targets[sent%len(targets)]
			from.send(floodDatagram(kind, sent, t), t.address)
		}
	}
}

func (n *Network) floodSocket() *socket {
	for _, i := range n.interfaces {
		for _, a := range addressesOf(i) {
			if s := n.socket(wsDiscovery, a); s != nil && a.Is4() {
				return s
			}
		}
	}
	return nil
}

// A floodTarget is who is flooded.
type floodTarget struct {
	address netip.AddrPort
	asker
}

func (n *Network) floodTargets(to []netip.AddrPort) (list []floodTarget) {
	for _, address := range to {
		list = append(list, floodTarget{address, asker{protocol: wsDiscovery}}, floodTarget{address, asker{protocol: ssdp}})
	}
	if list != nil {
		return list
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for address, a := range n.asked {
		if address.Addr().Is4() && time.Since(a.at) < time.Minute {
			list = append(list, floodTarget{address, a})
		}
	}
	return list
}

func floodDatagram(kind FloodKind, number int, to floodTarget) []byte {
	switch kind {
	case FloodDevices:
		return bogus(fmt.Sprintf("127.%d.%d.%d", 1+number>>16&0x7f, number>>8&0xff, number&0xff), number, to.asker)
	case FloodElsewhere:
		elsewhere := []string{"169.254.169.254", "127.0.0.1", "8.8.8.8", "0.0.0.0", "224.0.0.1", "[::1]", "localhost", "metadata.google.internal"}
		return bogus(elsewhere[number%len(elsewhere)], number, to.asker)
	case FloodLarge:
		return bytes.Repeat([]byte("A"), maxDatagram)
	case FloodDeep:
		return []byte(strings.Repeat("<a>", maxDatagram/len("<a>")))
	}
	junk := make([]byte, 1+rand.IntN(1400))
	for i := range junk {
		junk[i] = byte(rand.Uint32())
	}
	return junk
}

// bogus is an answer of a device that is not there.
func bogus(host string, number int, a asker) []byte {
	uuid := fmt.Sprintf("b0905000-0000-4000-8000-%012x", number)
	if a.protocol == ssdp {
		return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: http://%s/description.xml\r\nSERVER: %s\r\nST: %s\r\nUSN: uuid:%s::%s\r\n\r\n",
			host, ssdpServer, rootDevice, uuid, rootDevice)
	}
	return []byte(fill("wsd:matches", match{MessageID: "urn:uuid:" + randomUUID(), RelatesTo: a.message, Action: "ProbeMatches", Instance: 1, Number: int64(number),
		Reference: "urn:uuid:" + uuid, Types: "dn:NetworkVideoTransmitter", Declared: `xmlns:dn="` + namespaces["tdn"] + `"`,
		Scopes: fmt.Sprintf("onvif://www.onvif.org/name/Bogus%d", number), XAddrs: "http://" + host + "/onvif/device_service"}))
}
