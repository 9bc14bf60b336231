package device

import (
	"net"
	"strings"
	"testing"
)

func addDiscoveryTests(add func(Quirk, quirkTest)) {
	unanswered := func(question ...string) func(*testing.T, Quirk) {
		return func(t *testing.T, q Quirk) {
			for i, inside := range question {
				n := network(t)
				start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
				if (i == 0) != isSilent(t, n, wsDiscovery, probeFor(inside)) {
					t.Errorf("probe for %q: answered is %v", inside, i == 0)
				}
			}
		}
	}
	add(QuirkProbeUntypedIgnored, unanswered(probeAny, probeTransmitter, probeDevice))
	add(QuirkProbeDeviceRefused, unanswered(probeDevice, probeAny, probeTransmitter))
	add(QuirkProbeDeviceOnly, func(t *testing.T, q Quirk) {
		unanswered(probeAny, probeDevice)(t, q)
		unanswered(probeTransmitter)(t, q)
	})
	add(QuirkProbeNewlinesRejected, unanswered("\n"+probeAny, probeAny))
	add(QuirkTypesOtherPrefix, discovered(probeTransmitter, `xmlns:q7="http://www.onvif.org/ver10/network/wsdl"`, "q7:NetworkVideoTransmitter"))
	add(QuirkTypesGarbage, func(t *testing.T, q Quirk) {
		discovered(probeAny, ">tdn:"+Options{}.withDefaults().UUID+"</d:Types>")(t, q)
	})
	add(QuirkProbeMatchesEmpty, discovered(probeAny, "<d:ProbeMatches></d:ProbeMatches>"))
	add(QuirkMatchWithoutXAddrs, func(t *testing.T, q Quirk) {
		n := network(t)
		start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
		s := newSearcher(t, false)
		s.send(group(n, wsDiscovery), probeFor(probeAny))
		for range 2 {
			data, _ := s.datagram()
			reply{body: data}.must(t, 0, ">wsdp:Device pub:Computer<")
			reply{body: data}.mustNot(t, "XAddrs")
		}
	})
	add(QuirkMulticastLossy, func(t *testing.T, q Quirk) {
		n := network(t)
		start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
		s := newSearcher(t, false)
		for range 3 {
			s.send(group(n, wsDiscovery), probeFor(probeAny))
		}
		if answers := n.rest(s); len(answers) != 1 {
			t.Errorf("%d answers", len(answers))
		}
	})
	add(QuirkMulticastBlocked, func(t *testing.T, q Quirk) {
		n := network(t)
		l := listener(t, n, wsDiscovery)
		start(t, Options{Network: n, WSDiscovery: true, SSDP: true, Quirks: []Quirk{q}})
		newSearcher(t, false).send(group(n, wsDiscovery), "nothing before this")
		if first, _ := l.datagram(); first != "nothing before this" {
			t.Errorf("it announces itself: %s", first)
		}
		if !isSilent(t, n, wsDiscovery, probeFor(probeAny)) || !isSilent(t, n, ssdp, searchFor("ssdp:all")) {
			t.Error("it answers")
		}
		s := newSearcher(t, false)
		s.send(loopback(n, wsDiscovery), probeFor(probeAny))
		s.until("ProbeMatches")
		s.send(loopback(n, ssdp), searchFor("ssdp:all"))
		s.until("LOCATION")
	})
	scopes := func(has, lacks string) func(*testing.T, Quirk) {
		return func(t *testing.T, q Quirk) {
			n := network(t)
			d := start(t, Options{Name: "My Cam", Maker: "Acme", Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
			found(t, n, wsDiscovery, probeAny, has)
			for _, one := range strings.Fields(has) {
				ask(t, d, "tds:GetScopes").must(t, 200, one+"<")
			}
			if lacks != "" {
				ask(t, d, "tds:GetScopes").mustNot(t, lacks)
			}
		}
	}
	add(QuirkScopesEncoded, scopes("onvif://www.onvif.org/name/My%20Cam%20Caf%C3%A9%20Caf%E9", ""))
	add(QuirkScopesTwice, scopes("onvif://www.onvif.org/name/IPC", ""))
	add(QuirkScopesCapitalised, scopes("onvif://www.onvif.org/Name/My%20Cam onvif://www.onvif.org/Model/Simulated%20Camera", "/name/"))
	add(QuirkScopesMaker, scopes("onvif://www.onvif.org/manufacturer/Acme onvif://www.onvif.org/mfr/Acme", ""))

	upnp := func(test func(t *testing.T, d *Device, answers []string, description reply)) func(*testing.T, Quirk) {
		return func(t *testing.T, q Quirk) {
			n := network(t)
			d := start(t, Options{Network: n, SSDP: true, Quirks: []Quirk{q}})
			s := newSearcher(t, false)
			s.send(group(n, ssdp), searchFor("ssdp:all"))
			test(t, d, n.rest(s), get(t, strings.Replace(d.XAddr(), path, descriptionPath, 1)))
		}
	}
	add(QuirkSSDPOneCRLF, upnp(func(t *testing.T, _ *Device, answers []string, _ reply) {
		for _, a := range answers {
			if !strings.HasSuffix(a, "\r\n") || strings.HasSuffix(a, "\r\n\r\n") {
				t.Errorf("%q", a)
			}
		}
	}))
	add(QuirkSSDPURLBase, upnp(func(t *testing.T, d *Device, _ []string, description reply) {
		_, own, _ := net.SplitHostPort(d.addressOf(roleMain))
		description.must(t, 200, "</device><URLBase>http://127.0.0.1:"+otherPort(own)+"/</URLBase></root>")
	}))
	add(QuirkSSDPRelativePage, upnp(func(t *testing.T, _ *Device, _ []string, description reply) {
		description.must(t, 200, "<presentationURL>/</presentationURL>")
	}))
	add(QuirkSSDPAmpersand, upnp(func(t *testing.T, _ *Device, _ []string, description reply) {
		description.must(t, 200, "?a=1&b=2")
		if _, err := parseXML([]byte(description.body)); err == nil {
			t.Error("it is well-formed")
		}
	}))
	add(QuirkSSDPLinefeeds, upnp(func(t *testing.T, _ *Device, answers []string, _ reply) {
		for _, a := range answers {
			if strings.Contains(a, "\r") || !strings.HasSuffix(a, "\n\n") {
				t.Errorf("%q", a)
			}
		}
	}))
	add(QuirkSSDPSixTimes, upnp(func(t *testing.T, _ *Device, answers []string, _ reply) {
		if len(answers) != 6 {
			t.Errorf("%d answers", len(answers))
		}
	}))
	add(QuirkSSDPDeadLocation, upnp(func(t *testing.T, _ *Device, answers []string, _ reply) {
		if len(answers) != 3 || !strings.Contains(answers[0], "LOCATION: http://127.0.0.1:1/description.xml\r\n") {
			t.Errorf("%q", answers)
		}
	}))
	add(QuirkSSDPByebyeFirst, func(t *testing.T, q Quirk) {
		n := network(t)
		l := listener(t, n, ssdp)
		start(t, Options{Network: n, SSDP: true, Quirks: []Quirk{q}})
		all := l.until("ssdp:byebye")
		if !strings.Contains(all[0], "ssdp:alive") {
			t.Errorf("%q", all)
		}
	})
}
