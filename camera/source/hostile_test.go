package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// interleaved is an RTP packet as it travels over TCP (RFC 2326 section 10.12).
func interleaved(t *testing.T, p *rtp.Packet) []byte {
	t.Helper()
	p.Version, p.PayloadType = 2, 96
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{'$', 0, byte(len(b) >> 8), byte(len(b))}, b...)
}

func TestCancelledAtOnceInEachPhase(t *testing.T) {
	answers := plays(h264SDP, "1")
	for n := range len(answers) + 1 {
		t.Run(fmt.Sprintf("after %d answers", n), func(t *testing.T) {
			server := script(t, answers[:n]...)
			w := watch(t, server.at(""), Options{Transport: "tcp"})
			for range min(n+1, len(answers)) {
				await(t, server.asked, "request")
			}
			if n == len(answers) {
				w.info()
			}
			began := time.Now()
			w.cancel()
			if err := w.err(); !errors.Is(err, context.Canceled) {
				t.Errorf("it ended by %v", err)
			}
			if took := time.Since(began); took > 5*time.Second { // and not until an answer is given up
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestCameraThatDoesNotAnswer(t *testing.T) {
	answers := plays(h264SDP, "1")
	for n, method := range []string{"OPTIONS", "DESCRIBE", "SETUP", "PLAY"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := script(t, answers[:n]...)
			began := time.Now()
			err := watch(t, server.at(""), Options{Transport: "tcp", answer: 3 * time.Second}).err() // the others are answered, by a busy machine too
			says(t, err, `camera "door": 127.0.0.1:`, "no answer to "+method)
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestTLSHandshakeThatNeverEnds(t *testing.T) {
	silent := raw(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	a := silent.at("")
	a.scheme = "rtsps"
	says(t, watch(t, a, Options{answer: 50 * time.Millisecond}).err(), "no answer to OPTIONS")
	w := watch(t, a, Options{})
	began := time.Now()
	w.cancel()
	w.err()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestHostileAnswersEndSoonInLittleMemory(t *testing.T) {
	noise := make([]byte, 1<<16)
	rand.New(rand.NewSource(1)).Read(noise)
	noise = bytes.ReplaceAll(noise, []byte("$"), []byte("%"))
	headers := strings.Repeat("X-Header: value\r\n", 100_000)
	long := strings.Repeat("a", 1<<16)
	for name, hostile := range map[string]struct{ head, forever string }{
		"noise":                     {"", string(noise)},
		"zeros":                     {"", string(make([]byte, 1<<16))},
		"100,000 headers":           {"RTSP/1.0 200 OK\r\nCSeq: 1\r\n" + headers, headers},
		"endless header":            {"RTSP/1.0 200 OK\r\nX: ", long},
		"endless header name":       {"RTSP/1.0 200 OK\r\n", long},
		"endless status":            {"RTSP/1.0 200 ", long},
		"endless method":            {"OP", long},
		"endless spaces in header":  {"RTSP/1.0 200 OK\r\nX:", strings.Repeat(" ", 1<<16)},
		"huge body":                 {"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 9999999999\r\n\r\n", long},
		"negative body":             {"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n", long},
		"answers to something else": {"", "RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n"},
		"questions":                 {"", "OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n"},
		"frames before PLAY":        {"", "$\x00\x10\x00" + strings.Repeat("x", 4096)},
		"HTTP":                      {"HTTP/1.0 400 Bad Request\r\nContent-Length: 100000000\r\n\r\n", long},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int64
			server := raw(t, func(c net.Conn) {
				go io.Copy(io.Discard, c) // ends with the connection
				for text := hostile.head; ; text = hostile.forever {
					n, err := io.WriteString(c, text)
					sent.Add(int64(n))
					if err != nil {
						return
					}
				}
			})
			began := time.Now()
			err := watch(t, server.at(""), Options{Transport: "tcp"}).err()
			says(t, err, `camera "door": 127.0.0.1:`)
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
			if n := sent.Load(); n > 32<<20 { // most of it lies in the kernel's buffers
				t.Errorf("%d bytes were sent", n)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	to := func(url string) []string {
		return []string{okay(1), "RTSP/1.0 302 Found\r\nCSeq: 2\r\nLocation: " + url + "\r\n\r\n"}
	}
	t.Run("to another port of the host", func(t *testing.T) {
		cam := (&camera{user: "u", password: "p@ss"}).start(t, h264Track())
		server := script(t, to(fmt.Sprintf("rtsp://127.0.0.1:%d/stream", cam.port))...)
		watch(t, server.at("u:p@ss@"), Options{Transport: "tcp"}).info()
	})
	t.Run("elsewhere", func(t *testing.T) {
		other, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		server := script(t, to("rtsp://"+other.Addr().String()+"/stream")...)
		says(t, watch(t, server.at("u:p@ss@"), Options{}).err(), "redirects to another host", "source")
		other.(*net.TCPListener).SetDeadline(time.Now())
		if conn, err := other.Accept(); err == nil {
			conn.Close()
			t.Error("it was followed")
		}
	})
	t.Run("to itself", func(t *testing.T) {
		server := script(t, to("rtsp://127.0.0.1:{port}/stream")...)
		says(t, watch(t, server.at(""), Options{}).err(), "redirects again and again")
		if n := server.conns.Load(); n > maxConnections+1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

func TestAudioThatIsDescribedWronglyDoesNotMatter(t *testing.T) {
	sdp := strings.Replace(h264SDP, "m=video", "a=group:FEC 1 2\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/0\r\na=fmtp:97 config=zz\r\nm=application 0 RTP/AVP x\r\nm=video", 1)
	server := script(t, plays(sdp, "1", interleaved(t, &rtp.Packet{Header: rtp.Header{Marker: true}, Payload: h264IDR}))...)
	w := watch(t, server.at(""), Options{Transport: "tcp"})
	w.info()
	want(t, w.unit(), h264IDR)
}

func TestVideoThatIsDescribedOddly(t *testing.T) {
	for name, c := range map[string]struct{ from, to, says string }{
		"no clock rate":        {"H264/90000", "H264/0", "no video"},
		"another clock rate":   {"H264/90000", "H264/1000000000000000000000", ""},
		"clock of another":     {"96\r\na=rtpmap:96 H264/90000", "96 97\r\na=rtpmap:97 FOO/0\r\na=rtpmap:96 H264/90000", "playing"},
		"unknown codec":        {"H264", "JPEG2000", "JPEG2000"},
		"interleaved NAL mode": {"a=control", "a=fmtp:96 packetization-mode=2\r\na=control", "H.264"},
		"nothing":              {h264SDP, "", ""},
		"no tracks":            {h264SDP, "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", ""},
	} {
		server := script(t, plays(strings.Replace(h264SDP, c.from, c.to, 1), "1")...)
		w := watch(t, server.at(""), Options{Transport: "tcp"})
		if c.says == "playing" {
			w.info()
			continue
		}
		err := w.err()
		says(t, err, `camera "door"`, c.says)
		if strings.Contains(c.says, "no video") && !errors.Is(err, ErrNoVideo) {
			t.Errorf("%s: no ErrNoVideo: %v", name, err)
		}
	}
}

func TestKeepAliveIsNeitherAFloodNorForgotten(t *testing.T) {
	for header, want := range map[string]string{
		"abc": "abc", "abc;timeout=60": "abc;timeout=60", "abc; Timeout=30 ": "abc;timeout=30",
		"abc;timeout=4294967295": "abc;timeout=3600", "abc;timeout=99999999999999999999": "abc",
		"abc;timeout=0": "abc", "abc;timeout=-5": "abc", "abc;timeout=1": "abc;timeout=5", "abc;timeout": "abc", "a;b=\"": "a", "": "",
	} {
		if got := saneSession(header); got != want {
			t.Errorf("%q becomes %q, want %q", header, got, want)
		}
	}
	packet := interleaved(t, &rtp.Packet{Header: rtp.Header{Marker: true}, Payload: h264IDR})
	server := script(t, plays(h264SDP, "1;timeout=2305843010", packet)...) // ×8 s overflows to a negative one
	w := watch(t, server.at(""), Options{Transport: "tcp"})
	w.info()
	w.unit()
	w.cancel()
	w.err()
	server.mu.Lock()
	defer server.mu.Unlock()
	if n := len(server.requests); n > 5 {
		t.Errorf("%d requests, the last %q", n, server.requests[n-1])
	}
}

func TestNameOfTheServerIsCleaned(t *testing.T) {
	answers := plays(h264SDP, "1")
	answers[0] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Evil\x1b[31m canary" + strings.Repeat("x", 300) + "\r\n\r\n"
	info := watch(t, script(t, answers...).at("u:canary@"), Options{Transport: "tcp"}).info()
	if !strings.HasPrefix(info.Server, "Evil[31m ***xx") || len(info.Server) > 100 {
		t.Errorf("the server is called %q", info.Server)
	}
}
