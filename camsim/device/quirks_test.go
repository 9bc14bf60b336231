package device

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"camgate/media"
)

// withoutQuirk are the numbers of the list that no camera plays.
var withoutQuirk = []int{24}

func TestEveryQuirkHasANumberANameAndATest(t *testing.T) {
	quirkTests, numbers, names := quirkTests(), map[int]bool{}, map[Quirk]bool{}
	for _, q := range Quirks() {
		numbers[q.Number] = true
		if names[q.Name] {
			t.Errorf("%s is there twice", q.Name)
		}
		names[q.Name] = true
		if quirkTests[q.Name] == nil {
			t.Errorf("%s has no test", q.Name)
		}
		if !strings.HasSuffix(q.Does, ".") || len(q.Does) < 20 {
			t.Errorf("%s does %q, which is no sentence", q.Name, q.Does)
		}
	}
	for n := range 36 {
		if numbers[n] == slices.Contains(withoutQuirk, n) {
			t.Errorf("number %d: %v", n, numbers[n])
		}
	}
	for name := range quirkTests {
		if !names[name] {
			t.Errorf("%s has a test, and is no quirk", name)
		}
	}
}

func TestQuirksThatNobodyKnows(t *testing.T) {
	main, _ := cameras(t, media.H264)
	if _, err := Start(t.Context(), Options{Profiles: []Profile{{Camera: main}}, Quirks: []Quirk{"moody"}}); err == nil || !strings.Contains(err.Error(), "moody") {
		t.Errorf("it says %v", err)
	}
}

func TestQuirksAreSwitchedAndCombinedWhileItRuns(t *testing.T) {
	d := locked(t, Options{})
	before := d.XAddr()
	d.SetQuirks(QuirkHTTPS, QuirkDigestOnly, QuirkPortsDiffer, QuirkURIWhitespace, "no such")
	if !strings.HasPrefix(d.XAddr(), "https://") {
		t.Errorf("it is at %s", d.XAddr())
	}
	secure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	res, err := secure.Do(request(t, d.XAddr(), wsse(signature{}), op("tds:GetScopes")))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 401 || res.Header.Get("Content-Type") != "text/html" {
		t.Errorf("HTTP %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	d.SetQuirks()
	if d.XAddr() != before || d.addressOf(roleServices) != d.addressOf(roleMain) {
		t.Errorf("it is at %s, and was at %s", d.XAddr(), before)
	}
	signed(t, d, signature{}, "tds:GetScopes").must(t, 200)
}

// A quirkTest shows a quirk by what is on the wire.
type quirkTest func(*testing.T, Quirk)

func quirkTests() map[Quirk]quirkTest {
	all := map[Quirk]quirkTest{}
	add := func(q Quirk, test quirkTest) { all[q] = test }
	addLoginTests(add)
	addAddressTests(add)
	addDiscoveryTests(add)
	addMediaTests(add)
	addHostileTests(add)
	return all
}

func TestQuirks(t *testing.T) {
	quirkTests := quirkTests()
	for _, q := range Quirks() {
		if test := quirkTests[q.Name]; test != nil {
			t.Run(fmt.Sprintf("%d %s", q.Number, q.Name), func(t *testing.T) { test(t, q.Name) })
		}
	}
}

// soapQuirk is one whose answer to an operation holds some things and lacks others.
func soapQuirk(operation string, inside string, status int, has []string, lacks ...string) quirkTest {
	return func(t *testing.T, q Quirk) {
		main, sub := cameras(t, media.H265)
		plain := ask(t, startWith(t, Options{PTZ: true}, main, sub), operation, inside)
		r := ask(t, startWith(t, Options{PTZ: true, Quirks: []Quirk{q}}, main, sub), operation, inside)
		r.must(t, status, has...)
		r.mustNot(t, lacks...)
		differs := plain.status != status
		for _, part := range has {
			differs = differs || !strings.Contains(plain.body, part)
		}
		for _, part := range lacks {
			differs = differs || strings.Contains(plain.body, part)
		}
		if !differs {
			t.Errorf("a device without the quirk does the same: %v", plain)
		}
	}
}

// tokenQuirk is one by which some tokens are right (200) and others wrong (400).
func tokenQuirk(right, wrong signature) quirkTest {
	return func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		signed(t, d, right, "tds:GetDeviceInformation").must(t, 200)
		signed(t, d, wrong, "tds:GetDeviceInformation").must(t, 400, "ter:NotAuthorized")
	}
}

// found is the answer to a question by multicast: it must hold a text.
func found(t *testing.T, n *Network, p protocol, what, text string) {
	t.Helper()
	s := newSearcher(t, false)
	s.send(group(n, p), map[protocol]string{wsDiscovery: probeFor(what), ssdp: searchFor(what)}[p])
	data, _ := s.datagram()
	reply{body: data}.must(t, 0, strings.Split(text, "|")...)
}

// discovered is a quirk that shows in the answer to a probe.
func discovered(inside string, parts ...string) func(*testing.T, Quirk) {
	return func(t *testing.T, q Quirk) {
		n := network(t)
		start(t, Options{Network: n, WSDiscovery: true, Quirks: []Quirk{q}})
		found(t, n, wsDiscovery, inside, strings.Join(parts, "|"))
	}
}

// isSilent says that nothing answers a question by multicast.
func isSilent(t *testing.T, n *Network, p protocol, question string) bool {
	t.Helper()
	s := newSearcher(t, false)
	s.send(group(n, p), question)
	return len(n.rest(s)) == 0
}
