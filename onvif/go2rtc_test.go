package onvif

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestGo2rtcsServerIsRead reads an ONVIF server that is not ours.
func TestGo2rtcsServerIsRead(t *testing.T) {
	binary := os.Getenv("CAMGATE_GO2RTC")
	if binary == "" {
		binary = filepath.Join("..", "bin", "go2rtc")
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("there is no go2rtc: scripts/peers.sh builds it, or CAMGATE_GO2RTC names it: %v", err)
	}
	api, rtsp := freePort(t), freePort(t)
	startGo2rtc(t, binary, fmt.Sprintf(`
api:
  listen: "127.0.0.1:%s"
rtsp:
  listen: "127.0.0.1:%s"
webrtc:
  listen: ""
srtp:
  listen: ""
streams:
  door: rtsp://127.0.0.1:9/none
  yard: rtsp://127.0.0.1:9/none
`, api, rtsp))
	c, err := New(Options{Address: "http://127.0.0.1:" + api, User: testUser, Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx := testContext(t)
	untilUp(t, ctx, c)
	clock, err := c.Clock(ctx)
	if err != nil || clock.Source != "GetSystemDateAndTime" || clock.Skew.Abs() > 5*time.Second {
		t.Errorf("the clock is %+v, %v", clock, err)
	}
	info, err := c.Information(ctx)
	if err != nil || info.Model != "go2rtc" {
		t.Errorf("it says it is %+v, %v", info, err)
	}
	services, err := c.Services(ctx)
	if err != nil || services[nsMedia] != "http://127.0.0.1:"+api+"/onvif/media_service" {
		t.Errorf("its services are %v, %v", services, err)
	}
	profiles, err := c.Profiles(ctx)
	if err != nil || len(profiles) != 2 {
		t.Fatalf("its profiles are %+v, %v", profiles, err)
	}
	found := map[string]bool{}
	for _, p := range profiles {
		uri, err := c.StreamURI(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		found[uri] = true
		if p.Codec != "H264" || p.Width == 0 {
			t.Errorf("a profile is %+v", p)
		}
		if snapshot, err := c.SnapshotURI(ctx, p); err != nil || snapshot != "http://127.0.0.1:"+api+"/api/frame.jpeg?src="+p.Token {
			t.Errorf("its snapshots are at %q, %v", snapshot, err)
		}
	}
	if !found["rtsp://127.0.0.1:"+rtsp+"/door"] || !found["rtsp://127.0.0.1:"+rtsp+"/yard"] {
		t.Errorf("its streams are at %v", found)
	}
	if sources, err := c.VideoSources(ctx); err != nil || len(sources) == 0 {
		t.Errorf("its sources are %+v, %v", sources, err)
	}
	if c.Auth() != "anonymous" {
		t.Errorf("it logs in by %s", c.Auth())
	}
}

// freePort is one that nobody had a moment ago. It is below those that the system gives to who
// asks for any, as most tests do, beside this one too: until it is taken nobody comes by it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

func startGo2rtc(t *testing.T, binary, config string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "go2rtc.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, binary, "-config", file)
	command.Dir = filepath.Dir(file)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("go2rtc said:\n%s", output.String())
		}
	})
}

// untilUp asks until somebody listens.
func untilUp(t *testing.T, ctx context.Context, c *Client) {
	t.Helper()
	for {
		if _, err := c.Information(ctx); err == nil {
			return
		} else if ctx.Err() != nil {
			t.Fatalf("it does not come up: %v", err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
