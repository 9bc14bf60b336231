package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	pion "github.com/pion/webrtc/v4"

	"camgate/camsim/stamp"
	"camgate/outputs/httpd"
	"camgate/outputs/webrtc"
	"camgate/testnet"
)

// proxies are the examples in deploy/, and how their programs are run. A test's is one
// process, which ends with it.
var proxies = map[string]struct {
	file, listen string
	command      func(t *testing.T, example string) *exec.Cmd
}{
	"nginx": {"nginx.conf", "listen 80;", func(t *testing.T, example string) *exec.Cmd {
		dir := t.TempDir()
		text := "user root;\nmaster_process off;\ndaemon off;\npid " + dir + "/pid;\nerror_log stderr warn;\nevents {}\nhttp {\naccess_log off;\n"
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			text += kind + "_temp_path " + dir + "/" + kind + ";\n"
		}
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(text+example+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.Command("/usr/sbin/nginx", "-e", "stderr", "-p", dir, "-c", file)
	}},
	"haproxy": {"haproxy.cfg", "bind :80", func(t *testing.T, example string) *exec.Cmd {
		return exec.Command("/usr/sbin/haproxy", "-db", "-f", write(t, "haproxy.cfg", example))
	}},
}

// behindProxy serves cameras behind a proxy as its example says, and returns where the proxy
// listens.
func behindProxy(t *testing.T, name string, s *site) string {
	t.Helper()
	proxy := proxies[name]
	text, err := os.ReadFile(filepath.Join("..", "deploy", proxy.file))
	if err != nil {
		t.Fatal(err)
	}
	at := testnet.Port(t)
	example := string(text)
	for from, to := range map[string]string{proxy.listen: strings.NewReplacer("80", at, ":80", at).Replace(proxy.listen), "server 127.0.0.1:8000": "server " + s.host, "gateway 127.0.0.1:8000": "gateway " + s.host} {
		example = strings.ReplaceAll(example, from, to)
	}
	if !strings.Contains(example, s.host) || !strings.Contains(example, at) {
		t.Fatalf("the example is not as it was:\n%s", example)
	}
	p := start(t, proxy.command(t, example))
	eventually(t, name+" listens", patient, func() bool {
		select {
		case <-p.ended:
			t.Fatalf("%s has ended: %s%s", name, p.out, p.err)
		default:
		}
		conn, err := net.Dial("tcp", at)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return at
}

// TestExamplesOfProxies runs what deploy/ holds with the real programs.
func TestExamplesOfProxies(t *testing.T) {
	for name := range proxies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := small("cam1")
			cam := camsimStart(t, o)
			o.Name, o.Video.FPS, o.Video.GOP, o.ClipFrames = "slow", 1, 1, 60
			slow := camsimStart(t, o)
			slow.Slow(0.5)
			s := serveWith(t, httpd.Config{
				Listen: "127.0.0.1:0", BasePath: "/cams", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, WebRTC: &webrtc.Options{},
			}, config(t, "cam1", cam.URL()), config(t, "slow", slow.URL()))
			at := behindProxy(t, name, s)
			front := &site{t: t, host: at}

			// Each picture goes on as it comes: of a camera of one in two seconds, and without one
			// behind it.
			type sending struct {
				n  uint32
				at time.Time
			}
			sent := make(chan sending, 100)
			slow.OnSent(func(n uint32, at time.Time) { sent <- sending{n, at} })
			v := front.watch("/cams/mjpeg/slow")
			v.live(patient)
			for range 3 {
				for len(sent) > 0 {
					<-sent // was seen already
				}
				newest := <-sent
				slow.Mute(true)
				for len(sent) > 0 {
					newest = <-sent
				}
				p, _ := v.until("the newest", newestStays, func(p part) bool {
					got, ok := p.frame()
					return ok && got == newest.n
				})
				t.Logf("a picture takes %v", p.at.Sub(newest.at).Round(100*time.Microsecond))
				slow.Mute(false)
			}
			slow.OnSent(nil)
			v.conn.Close()

			// Who watches, from another address, and that they have left.
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)}}
			ctx, leave := context.WithCancel(t.Context())
			client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
			request, err := http.NewRequestWithContext(ctx, "GET", "http://"+at+"/cams/mjpeg/cam1", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if viewers := s.cams[0].Viewers(); len(viewers) != 1 || viewers[0].Peer != "127.0.0.7" {
				t.Errorf("the viewers are %+v", viewers)
			}
			leave()
			answer.Body.Close()
			eventually(t, "the viewer is gone", 15*time.Second+slack, func() bool { return len(s.cams[0].Viewers()) == 0 })

			// WebSockets, of pages that come through the proxy and of no others.
			ws, _, err := websocket.DefaultDialer.Dial("ws://"+at+"/cams/ws/cam1", http.Header{"Origin": {"http://" + at}})
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			ws.SetReadDeadline(time.Now().Add(patient))
			for range 30 {
				_, data, err := ws.ReadMessage()
				if err != nil {
					t.Fatal(err)
				}
				img, err := jpeg.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := stamp.Read(img); ok {
					break
				}
			}
			for _, origin := range []string{"http://" + s.host, "https://" + s.host, "http://evil.example"} {
				if _, answer, err := websocket.DefaultDialer.Dial("ws://"+at+"/cams/ws/cam1", http.Header{"Origin": {origin}}); err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
					t.Errorf("%s may open a WebSocket: %v %v", origin, answer, err)
				}
			}

			// Names that are made to point here.
			request, _ = http.NewRequest("GET", "http://"+at+"/cams/api/cameras", nil)
			request.Host = "evil.example"
			request.Header.Set("X-Forwarded-Host", "localhost")
			if answer, err = client.Do(request); err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("it goes by the name evil.example: %s", answer.Status)
			}

			// What a body holds arrives, and so does what is answered to it.
			answer, err = http.Post("http://"+at+"/cams/api/cameras/cam1/ptz", "application/json", strings.NewReader(`{"pan":2}`))
			if err != nil {
				t.Fatal(err)
			}
			said, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			var sentence struct{ Error string }
			if err != nil || answer.StatusCode < 400 || json.Unmarshal(said, &sentence) != nil || sentence.Error == "" {
				t.Errorf("%s %q %v", answer.Status, said, err)
			}

			// WebRTC: the session is where the answer says, below the path.
			session := offerTo(t, "http://"+at+"/cams/whep/cam1")
			if !strings.HasPrefix(session, "http://"+at+"/cams/whep/cam1/") {
				t.Errorf("the session is at %s", session)
			}
			request, _ = http.NewRequest("DELETE", session, nil)
			if answer, err = http.DefaultClient.Do(request); err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("the session cannot be ended: %s", answer.Status)
			}

			// The page, below its path, which a browser finds without its last slash too.
			b := browse(t, 1000, 700, "http://"+at+"/cams")
			b.is("the page is where it was asked for", "location.pathname === '/cams/'", patient)
			b.is("the page shows a camera", fmt.Sprintf("document.querySelectorAll('[data-state=%q]').length >= 2", "live"), patient)
		})
	}
}

// offerTo asks a WHEP endpoint for a session, and returns its address.
func offerTo(t *testing.T, endpoint string) string {
	t.Helper()
	pc, err := pion.NewPeerConnection(pion.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	if _, err := pc.AddTransceiverFromKind(pion.RTPCodecTypeVideo, pion.RTPTransceiverInit{Direction: pion.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(endpoint, "application/sdp", strings.NewReader(offer.SDP))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	sdp, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusCreated || !strings.HasPrefix(string(sdp), "v=0") {
		t.Fatalf("%s %q %v", answer.Status, sdp, err)
	}
	at, err := answer.Location() // relative to what was asked for
	if err != nil {
		t.Fatal(err)
	}
	return at.String()
}
