package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever has been told that a configuration is fine restarts the gateway with it.
func TestCheckRefusesWhatServeWould(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.toml")
	const cam = "[[camera]]\nname = \"door\"\nsource = \"%s\"\n"
	for text, want := range map[string]string{
		fmt.Sprintf(cam, "rtsp://192.0.2.1:99999/1"):                                                  "camera \"door\": the port",
		fmt.Sprintf(cam, "rtsp://bad host/1"):                                                         "camera \"door\": the host",
		fmt.Sprintf(cam, "rtsp://u:s3cret@192.0.2.1:99999/1"):                                         "camera \"door\": ",
		fmt.Sprintf(cam, "rtsp://192.0.2.1/1") + "substream = \"rtsp://u:s3cret@192.0.2.1:none/2\"\n": "substream",
		"# nothing yet\n": "names no camera",
		fmt.Sprintf(cam, "rtsp://u:s3cret@192.0.2.1/1"): "",
		"[discovery]\nauto_add = true\n":                "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, log strings.Builder
		status := run([]string{"check", "--config", file}, console{out: &out, log: &log})
		switch {
		case want == "" && (status != 0 || !strings.Contains(out.String(), "is fine")):
			t.Errorf("%q: %d, %s", text, status, log.String())
		case want != "" && (status != 1 || !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "c.toml")) || strings.Contains(log.String(), "s3cret"):
			t.Errorf("%q: %d, %s%s; want %q", text, status, out.String(), log.String(), want)
		}
	}
}

// A gateway that runs has its ports; a configuration for it is checked beside it.
func TestCheckNeedsNoFreePort(t *testing.T) {
	var taken []any // addresses
	for range 3 {
		one, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		taken = append(taken, one.Addr())
	}
	file := filepath.Join(t.TempDir(), "c.toml")
	text := fmt.Sprintf("[http]\nlisten = %q\n[webrtc]\nlisten = %q\n[legacy]\ncctvagent_ws = %q\n[[camera]]\nname = \"a\"\nsource = \"rtsp://192.0.2.1/\"\n", taken...)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log strings.Builder
	if status := run([]string{"check", "--config", file}, console{out: &out, log: &log}); status != 0 {
		t.Errorf("%d: %s", status, log.String())
	}
}
