package httpd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"camgate/media"
)

const (
	chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	firefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
	line     = "--camgate-next-picture\r\n"
)

// expect reads exactly the text.
func expect(t *testing.T, r io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	n, err := io.ReadFull(r, got)
	if err != nil || string(got) != text {
		t.Fatalf("got %q (%v), want %q", got[:n], err, text)
	}
}

// head reads an answer's head, and returns it without the Date.
func head(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		s, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", b.String(), err)
		}
		b.WriteString(s)
		if s == "\r\n" {
			return b.String()
		}
	}
}

func request(path, agent string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: " + agent + "\r\n\r\n"
}

const wantHead = " 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=camgate-next-picture\r\n" +
	"Cache-Control: no-store\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"

func fullPart(p *media.Picture) string {
	return fmt.Sprintf("Content-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: %d.%06d\r\nX-Camera-State: %s\r\nX-Sequence: %d\r\n\r\n%s",
		len(p.JPEG), p.Received.Unix(), p.Received.Nanosecond()/1000, p.State, p.Sequence, p.JPEG)
}

func TestOtherViewersGetWholeHeadersAndTheBoundaryRightBehindEachPicture(t *testing.T) {
	for name, req := range map[string]string{
		"firefox":             request("/mjpeg/cam1", firefox),
		"curl":                request("/mjpeg/cam1?_=123", "curl/8.0"),
		"chromium, asked for": request("/mjpeg/cam1?advance=0", chromium),
	} {
		t.Run(name, func(t *testing.T) {
			cam := newFake("cam1")
			g := serve(t, Config{}, cam)
			_, r := g.dial(t, req)
			expect(t, r, "HTTP/1.1"+wantHead+line) // before there is any picture
			for _, state := range []media.State{media.Live, media.Offline, media.Live} {
				p := cam.show(70_001, state)
				expect(t, r, fullPart(p)+"\r\n"+line)
			}
		})
	}
}

func TestChromiumGetsTheNextHeaderBlockRightBehindEachPicture(t *testing.T) {
	const block = "Content-Type: image/jpeg\r\n\r\n"
	for name, req := range map[string]string{
		"chromium":        request("/mjpeg/cam1", chromium),
		"curl, asked for": request("/mjpeg/cam1?advance=1", "curl/8.0"),
	} {
		t.Run(name, func(t *testing.T) {
			cam := newFake("cam1")
			g := serve(t, Config{}, cam)
			_, r := g.dial(t, req)
			expect(t, r, "HTTP/1.1"+wantHead+line+block)
			for range 3 {
				p := cam.show(70_001, media.Live)
				expect(t, r, string(p.JPEG)+"\r\n"+line+block)
			}
		})
	}
}

func TestStreamOverHTTP10(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	_, r := g.dial(t, "GET /mjpeg/cam1 HTTP/1.0\r\n\r\n")
	expect(t, r, "HTTP/1.0"+wantHead+line)
}

func TestStreamEndsWithAWholePictureAndTheLastBoundary(t *testing.T) {
	const block = "Content-Type: image/jpeg\r\n\r\n"
	for name, early := range map[string]bool{"early headers": true, "whole headers": false} {
		t.Run(name, func(t *testing.T) {
			cam := newFake("cam1")
			g := serve(t, Config{}, cam)
			advance := map[bool]string{true: "1", false: "0"}[early]
			_, r := g.dial(t, request("/mjpeg/cam1?advance="+advance, "test"))
			head(t, r)
			p := cam.show(1000, media.Live)
			part := map[bool]string{true: block + string(p.JPEG), false: fullPart(p)}[early]
			expect(t, r, line+part+"\r\n"+line)
			began := time.Now()
			if err := g.stop(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the end took %v", took)
			}
			expect(t, r, part+"\r\n--camgate-next-picture--\r\n")
			if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
				t.Errorf("after the last boundary: %q, %v", rest, err)
			}
		})
	}
}

func TestStreamEndsInOrderWhenTheCameraIsRemoved(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	_, r := g.dial(t, request("/mjpeg/cam1", "test"))
	expect(t, r, "HTTP/1.1"+wantHead+line)
	cam.close()
	expect(t, r, "\r\n--camgate-next-picture--\r\n")
}

func TestViewerThatLeavesIsNoticedWithoutAnyPicture(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	conn, r := g.dial(t, request("/mjpeg/cam1", "test"))
	head(t, r)
	conn.Close()
	eventually(t, "the viewer is gone", testLimit, func() bool { return cam.watching() == 0 })
}

func TestHeadTellsTheTypeAndWatchesNothing(t *testing.T) {
	cam := newFake("cam1")
	g := serve(t, Config{}, cam)
	response, body := g.get(t, http.MethodHead, "/mjpeg/cam1?width=320")
	if response.StatusCode != 200 || body != "" || !strings.HasPrefix(response.Header.Get("Content-Type"), "multipart/x-mixed-replace; boundary=") {
		t.Errorf("%d %q %v", response.StatusCode, body, response.Header)
	}
	if cam.watching() != 0 {
		t.Error("a viewer is left")
	}
}

func TestViewersThatOfferMultipathTCPSeePicturesToo(t *testing.T) {
	cam := newFake("cam1")
	shown := cam.show(100, media.Live)
	g, agents := agentSite(t, Config{}, cam)
	var dialer net.Dialer
	dialer.SetMultipathTCP(true)
	conn, err := dialer.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testLimit))
	if _, err := io.WriteString(conn, request("/mjpeg/cam1", "test")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	if got := head(t, r); !strings.Contains(got, "200 OK") {
		t.Fatalf("%q", got)
	}
	expect(t, r, line+fullPart(shown))

	sockets := websocket.Dialer{NetDialContext: dialer.DialContext}
	for _, address := range []string{g.addr + "/ws/cam1", agents + "/"} {
		socket, _, err := sockets.Dial("ws://"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		socket.SetReadDeadline(time.Now().Add(testLimit))
		if address == agents+"/" {
			page{t, socket}.say(`{"act":"open","url":"cam1"}`)
		}
		if _, data, err := socket.ReadMessage(); err != nil {
			t.Errorf("%s: %.20q, %v", address, data, err)
		}
	}
}
