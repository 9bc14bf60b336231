package device

import (
	"context"
	"net/netip"
	"strings"
	"testing"
)

func TestFloodReachesWhoAsked(t *testing.T) {
	for name, kind := range FloodKinds {
		t.Run(name, func(t *testing.T) {
			n := network(t)
			s := newSearcher(t, false)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- n.Flood(ctx, 2000, kind) }()
			s.send(group(n, wsDiscovery), probeFor(probeAny))
			seen := map[string]bool{}
			for range 20 {
				data, _ := s.datagram()
				seen[data] = true
				switch kind {
				case FloodDevices, FloodElsewhere:
					if p, err := parseXML([]byte(data)); err != nil || p.value("RelatesTo") == "" {
						t.Errorf("%v: %.200q", err, data)
					}
				case FloodLarge:
					if len(data) != maxDatagram {
						t.Errorf("%d bytes", len(data))
					}
				case FloodDeep:
					if _, err := parseXML([]byte(data)); err == nil || !strings.HasPrefix(data, "<a><a><a>") {
						t.Errorf("%.200q", data)
					}
				}
			}
			if ever := kind != FloodLarge && kind != FloodDeep; ever && len(seen) != 20 {
				t.Errorf("%d of 20 differ", len(seen))
			}
			cancel()
			if err := <-done; err != context.Canceled {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestFloodReachesAnAddress(t *testing.T) {
	n := network(t)
	s := newSearcher(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Flood(ctx, 500, FloodDevices, netip.MustParseAddrPort(s.conn.LocalAddr().String())) }()
	s.until("ProbeMatches")
	s.until("LOCATION: http://127.")
	cancel()
	<-done
	if err := n.Flood(t.Context(), 0, FloodJunk); err == nil {
		t.Error("a flood of nothing")
	}
}
