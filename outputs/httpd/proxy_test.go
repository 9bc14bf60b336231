package httpd

import (
	"bufio"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"camgate/media"
	"camgate/outputs/legacy"
)

// behind is a server that trusts these proxies, and no request.
func behind(trusted ...string) *Server {
	s := &Server{}
	for _, p := range trusted {
		s.cfg.TrustedProxies = append(s.cfg.TrustedProxies, netip.MustParsePrefix(p))
	}
	return s
}

func TestWhoAsksIsWhoStandsBeforeTheTrustedProxies(t *testing.T) {
	nobody, one, two := behind(), behind("10.0.0.1/32"), behind("10.0.0.0/24", "fd00::/8")
	direct := asker{peer: "10.0.0.1:1234", scheme: "http", host: "inside:8000"}
	for name, c := range map[string]struct {
		server *Server
		header string
		want   asker
	}{
		"not trusted":  {nobody, "X-Forwarded-For: 198.51.100.7|X-Forwarded-Host: evil|X-Forwarded-Proto: https|Forwarded: for=1.2.3.4;host=evil", direct},
		"says nothing": {one, "", direct},
		"says all": {one, "X-Forwarded-For: 198.51.100.7|X-Forwarded-Host: panel.example|X-Forwarded-Proto: https|X-Forwarded-Prefix: /cams/",
			asker{"198.51.100.7", "https", "panel.example", "/cams"}},
		"viewer made something up": {one, "X-Forwarded-For: 203.0.113.9, 198.51.100.7", asker{"198.51.100.7", "http", "inside:8000", ""}},
		"two fields":               {one, "X-Forwarded-For: 203.0.113.9|X-Forwarded-For: 198.51.100.7", asker{"198.51.100.7", "http", "inside:8000", ""}},
		"two proxies": {two, "X-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.0.0.9|X-Forwarded-Proto: https, http|X-Forwarded-Host: panel.example, inner",
			asker{"198.51.100.7", "https", "panel.example", ""}},
		"two proxies, one of them trusted": {one, "X-Forwarded-For: 198.51.100.7, 10.0.0.9|X-Forwarded-Proto: https, http", asker{"10.0.0.9", "http", "inside:8000", ""}},
		"a proxy inside":                   {two, "X-Forwarded-For: 10.0.0.9", asker{"10.0.0.9", "http", "inside:8000", ""}},
		"with ports":                       {one, "X-Forwarded-For: [2001:db8::7]:4711", asker{"[2001:db8::7]:4711", "http", "inside:8000", ""}},
		"impossible":                       {one, "X-Forwarded-For: what|X-Forwarded-Proto: gopher|X-Forwarded-Host: a b|X-Forwarded-Prefix: //evil.example", direct},
		"prefix elsewhere":                 {one, "X-Forwarded-Prefix: javascript:x", direct},
		"RFC 7239": {one, `Forwarded: for=198.51.100.7;proto=https;host="panel.example:8443";by=10.0.0.1`,
			asker{"198.51.100.7", "https", "panel.example:8443", ""}},
		"RFC 7239, two proxies": {two, `Forwarded: for=203.0.113.9;host=evil, For="[2001:db8:cafe::17]:4711";Proto=https , for="[fd00::5]";proto=http`,
			asker{"[2001:db8:cafe::17]:4711", "https", "inside:8000", ""}},
		"RFC 7239, hidden":           {one, "Forwarded: for=_hidden;proto=https", asker{"10.0.0.1:1234", "https", "inside:8000", ""}},
		"RFC 7239, in place of X-…":  {one, "Forwarded: for=203.0.113.9|X-Forwarded-For: 198.51.100.7", asker{"198.51.100.7", "http", "inside:8000", ""}},
		"a WebSocket's scheme":       {one, "X-Forwarded-Proto: wss", asker{"10.0.0.1:1234", "https", "inside:8000", ""}},
		"a WebSocket's other scheme": {two, "X-Forwarded-For: 198.51.100.7, 10.0.0.9|X-Forwarded-Proto: ws, https", asker{"198.51.100.7", "http", "inside:8000", ""}},
		"an IPv4 address in IPv6's":  {two, "X-Forwarded-For: 198.51.100.7, ::ffff:10.0.0.9", asker{"198.51.100.7", "http", "inside:8000", ""}},
		// Of a list that is too long the end counts: it is what trusted proxies have written.
		"a long list":           {two, "X-Forwarded-For: 203.0.113.9" + strings.Repeat(", 203.0.113.8", 2*maxHops) + ", 198.51.100.7, 10.0.0.9", asker{"198.51.100.7", "http", "inside:8000", ""}},
		"RFC 7239, a long list": {two, "Forwarded: for=203.0.113.9" + strings.Repeat(", for=203.0.113.8", 2*maxHops) + ", for=198.51.100.7, for=10.0.0.9", asker{"198.51.100.7", "http", "inside:8000", ""}},
		"RFC 7239, broken":      {one, `Forwarded: for="1.2.3.4;;,=,;host=`, direct},
	} {
		r := &http.Request{RemoteAddr: "10.0.0.1:1234", Host: "inside:8000", Header: http.Header{}}
		for _, field := range strings.Split(c.header, "|") {
			if name, value, ok := strings.Cut(field, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		if got := c.server.whoAsks(r); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestAPageWithoutTLSIsNotTheGatewayWithIt, whatever the port: it may have been changed on its way.
func TestAPageWithoutTLSIsNotTheGatewayWithIt(t *testing.T) {
	a := asker{scheme: "https", host: "panel.example:8443"}
	if a.sameOrigin("http", "panel.example:8443") || !a.sameOrigin("https", "Panel.example:8443") {
		t.Error("it is, or the gateway's own page is not")
	}
}

// TestAProxyThatIsConnectedByIPv6MayBeIPv4 where the gateway listens on both.
func TestAProxyThatIsConnectedByIPv6MayBeIPv4(t *testing.T) {
	r := &http.Request{RemoteAddr: "[::ffff:10.0.0.1]:1234", Host: "inside:8000", Header: http.Header{"X-Forwarded-For": {"198.51.100.7"}}}
	if got := behind("10.0.0.1/32").whoAsks(r); got.peer != "198.51.100.7" {
		t.Errorf("%+v", got)
	}
	if n := len(list([]string{strings.Repeat("a,", 1000)})); n > maxHops {
		t.Errorf("%d are followed", n)
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add(`for=198.51.100.7;proto=https;host="panel.example:8443";by=10.0.0.1, for="[fd00::5]"`, "1.2.3.4, [::1]:5", "https, http", "a, b", "/x, /y")
	f.Add(`for="\"", for=_x;;,`, ",,,", "ws", "[::1]:80", "//evil")
	f.Fuzz(func(t *testing.T, forwarded, fors, protos, hosts, prefixes string) {
		s := behind("0.0.0.0/0", "::/0")
		for _, header := range []http.Header{
			{"Forwarded": {forwarded}},
			{"X-Forwarded-For": {fors}, "X-Forwarded-Proto": {protos}, "X-Forwarded-Host": {hosts}, "X-Forwarded-Prefix": {prefixes}},
		} {
			a := s.whoAsks(&http.Request{RemoteAddr: "10.0.0.1:1234", Host: "inside", Header: header})
			if _, peer := readPeer(a.peer); peer == "" {
				t.Errorf("peer %q", a.peer)
			}
			if a.scheme != "http" && a.scheme != "https" || a.host == "" || strings.ContainsAny(a.host, " /\r\n\"<") {
				t.Errorf("%+v", a)
			}
			if a.prefix != "" && (!strings.HasPrefix(a.prefix, "/") || strings.HasPrefix(a.prefix, "//") || strings.ContainsAny(a.prefix, "\r\n\"<\\?#")) {
				t.Errorf("prefix %q", a.prefix)
			}
		}
	})
}

// loopbackProxy trusts the test itself.
var loopbackProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func TestViewersBehindATrustedProxyAreCalledByTheirAddress(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{TrustedProxies: loopbackProxy}, cam)
	_, r := g.dial(t, "GET /mjpeg/cam1 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n")
	head(t, r)
	eventually(t, "the viewer watches", testLimit, func() bool { return cam.watching() == 1 })
	if peers := cam.peers(); peers[0] != "198.51.100.7" {
		t.Errorf("the viewer is %q", peers)
	}
}

func TestHostAndOriginBehindAProxy(t *testing.T) {
	g := serve(t, Config{TrustedProxies: loopbackProxy, Hosts: []string{"panel.example"}}, newFake("cam1"))
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: x"}
	for _, c := range []struct {
		header string
		status int // 400: the guards let it pass, and the version is no WebSocket's
	}{
		{"Origin: https://panel.example|X-Forwarded-Host: panel.example|X-Forwarded-Proto: https", 400},
		{"Origin: https://panel.example|X-Forwarded-Host: panel.example:443|X-Forwarded-Proto: https", 400},
		{"Origin: https://panel.example|X-Forwarded-Host: panel.example", 400}, // a proxy that says nothing of its TLS
		{"Origin: http://panel.example|X-Forwarded-Host: panel.example|X-Forwarded-Proto: https", 403},
		{"Origin: https://panel.example|Forwarded: host=panel.example;proto=https;for=1.2.3.4", 400},
		{"Origin: https://evil.example|X-Forwarded-Host: evil.example|X-Forwarded-Proto: https", 403}, // the name is made to point here
		{"Origin: http://evil.example|Host: evil.example|X-Forwarded-Host: panel.example", 403},
	} {
		response, body := g.get(t, "GET", "/ws/cam1", append(strings.Split(c.header, "|"), upgrade...)...)
		if response.StatusCode != c.status {
			t.Errorf("%s: %d %q, want %d", c.header, response.StatusCode, body, c.status)
		}
	}
}

func TestEverythingIsBelowTheBasePath(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{BasePath: "/cams/"}, cam)
	for path, status := range map[string]int{
		"/cams/": 200, "/cams/snapshot/cam1?max_age=60": 200, "/cams/player.js": 200, "/cams/api/cameras": 200, "/cams/healthz": 200, "/healthz": 200,
		"/": 404, "/snapshot/cam1": 404, "/camsx/": 404, "/api/cameras": 404, "/cams/cams/": 404, "/cams/snapshot/%63am1?max_age=60": 200, "/cams/../cams/": 404,
	} {
		if response, body := g.get(t, "GET", path); response.StatusCode != status {
			t.Errorf("%s: %d %q, want %d", path, response.StatusCode, body, status)
		}
	}
	_, r := g.dial(t, "GET /cams?kiosk HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != 308 || answer.Header.Get("Location") != "cams/?kiosk" {
		t.Errorf("%v %+v", err, answer)
	}
	g = serve(t, Config{BasePath: "/cams", TrustedProxies: loopbackProxy}, cam)
	if _, body := g.get(t, "GET", "/x", "X-Forwarded-Prefix: /outside"); !strings.Contains(body, " /outside/cams/ is") {
		t.Errorf("%q", body)
	}
}

func TestBasePathsThatCannotBe(t *testing.T) {
	for _, path := range []string{"cams", "//cams", "/a//b", "/../x", "/a b", "/a?b", "/."} {
		if err := (Config{Listen: "127.0.0.1:0", BasePath: path}).check(); err == nil || !strings.Contains(err.Error(), "base_path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestListedPagesMayReadAndBrowsersAreToldSo(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{Origins: []string{"https://panel.example"}}, cam)
	for _, path := range []string{"/snapshot/cam1?max_age=60", "/api/cameras", "/healthz", "/", "/nothing"} {
		response, _ := g.get(t, "GET", path, "Origin: https://panel.example")
		h := response.Header
		if h.Get("Access-Control-Allow-Origin") != "https://panel.example" || h.Get("Vary") != "Origin" || h.Get("Access-Control-Allow-Credentials") != "" ||
			!strings.Contains(h.Get("Access-Control-Expose-Headers"), "Location") {
			t.Errorf("%s: %v", path, h)
		}
		if response, _ = g.get(t, "GET", path, "Origin: https://evil.example"); response.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read by others: %v", path, response.Header)
		}
	}
	_, r := g.dial(t, "GET /mjpeg/cam1 HTTP/1.1\r\nHost: localhost\r\nOrigin: https://panel.example\r\n\r\n")
	if got := head(t, bufio.NewReader(r)); !strings.Contains(got, "Access-Control-Allow-Origin: https://panel.example\r\n") || !strings.Contains(got, "Vary: Origin\r\n") {
		t.Errorf("a stream's answer: %q", got)
	}
	for _, path := range []string{"/whep/cam1", "/api/cameras", "/snapshot/cam1", "/nothing"} {
		ask := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true"}
		response, body := g.get(t, "OPTIONS", path, append(ask, "Origin: https://panel.example")...)
		h := response.Header
		if response.StatusCode != 204 || body != "" || h.Get("Access-Control-Allow-Origin") != "https://panel.example" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "If-Match") || h.Get("Access-Control-Allow-Private-Network") != "true" {
			t.Errorf("%s: %d %v", path, response.StatusCode, h)
		}
		if response, body = g.get(t, "OPTIONS", path, append(ask, "Origin: https://evil.example")...); response.StatusCode != 403 || !strings.Contains(body, "[http] origins") {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
}

func TestEveryPageMayWatchButNotChange(t *testing.T) {
	cam := newFake("cam1")
	cam.show(100, media.Live)
	g := serve(t, Config{Origins: []string{"*"}}, cam)
	response, _ := g.get(t, "GET", "/snapshot/cam1?max_age=60", "Origin: https://any.example")
	if h := response.Header; h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", h)
	}
	upgrade := []string{"Origin: https://any.example", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: x"}
	if response, body := g.get(t, "GET", "/ws/cam1", upgrade...); response.StatusCode != 400 {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	if response, body := g.get(t, "POST", "/api/cameras/cam1/ptz", "Origin: https://any.example", "Content-Type: application/json"); response.StatusCode != 403 {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	// An offer is no change, although it is posted, also at go2rtc's address.
	for _, path := range []string{"/whep/cam1", "/api/webrtc?src=cam1"} {
		if response, body := g.get(t, "POST", path, "Origin: https://any.example", "Content-Type: application/sdp"); response.StatusCode == 403 {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
}

// TestWhoSaysTwoOriginsIsNeither of them: which one a browser meant is not known.
func TestWhoSaysTwoOriginsIsNeither(t *testing.T) {
	g := serve(t, Config{Origins: []string{"https://panel.example"}}, newFake("cam1"))
	for origins, want := range map[string]string{"Origin: https://panel.example\r\n": "405", "Origin: https://panel.example\r\nOrigin: https://evil.example\r\n": "403"} {
		_, r := g.dial(t, "POST /ws/cam1 HTTP/1.1\r\nHost: localhost\r\n"+origins+"Content-Length: 0\r\nConnection: close\r\n\r\n")
		if got := head(t, r); !strings.HasPrefix(got, "HTTP/1.1 "+want) {
			t.Errorf("%q: %q, want %s", origins, got, want)
		}
	}
}

// TestNamesWithASlashAreBelowTheBasePathToo: addresses are taken as they are written.
func TestNamesWithASlashAreBelowTheBasePathToo(t *testing.T) {
	cam := newFake("a/b")
	cam.show(100, media.Live)
	g := serve(t, Config{BasePath: "/cams", Legacy: legacy.Options{URLs: true}}, cam)
	for _, path := range []string{"/cams/mjpg/a%2Fb/video.mjpg", "/cams/mjpeg/a%2Fb"} {
		if response, body := g.get(t, "HEAD", path); response.StatusCode != 200 {
			t.Errorf("%s: %d %q", path, response.StatusCode, body)
		}
	}
}
