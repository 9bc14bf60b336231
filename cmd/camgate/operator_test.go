package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"camgate/camera"
	"camgate/config"
	"camgate/gateway"
)

func TestTargetsAreNamedByTheirURL(t *testing.T) {
	for raw, want := range map[string]string{
		"onvif://u:s3cret@192.0.2.1":             "onvif://192.0.2.1:80/",
		" http://u:s3cret@192.0.2.1:8080/onvif ": "onvif://192.0.2.1:8080/onvif",
		"HTTPS://192.0.2.1":                      "onvifs://192.0.2.1:443/",
		"rtsp://u:s3cret@192.0.2.1/1":            "rtsp://192.0.2.1:554/1",
		"ftp://u:s3cret@192.0.2.1/1":             "",
		"http://":                                "",
		"rtsp://u:s3cret@bad host/":              "",
	} {
		got, err := targetOf(raw)
		if err != nil {
			if want != "" || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v", raw, err)
			}
			continue
		}
		if got.Address.String() != want || got.Name != got.Address.Host() {
			t.Errorf("%s is %s, called %s", raw, got.Address, got.Name)
		}
	}
}

func testOperator(t *testing.T, text string) *operator {
	t.Helper()
	cfg, err := config.Parse("c.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return &operator{Gateway: g, level: new(slog.LevelVar), log: quiet}
}

func TestCamerasAreTargetsByName(t *testing.T) {
	o := testOperator(t, "[[camera]]\nname = \"door\"\nsource = \"onvif://u:s3cret@192.0.2.1\"\n[[camera]]\nname = \"yard\"\nsource = \"rtsp://192.0.2.1/1\"\n")
	got, err := o.target("door")
	if user, password, _ := got.Address.Login(); err != nil || got.Name != "door" || user != "u" || password != "s3cret" {
		t.Errorf("door is %q, %v", got.Name, err)
	}
	if _, err := o.target("none"); !errors.Is(err, gateway.ErrNoCamera) || !strings.Contains(err.Error(), "onvif://") {
		t.Errorf("nobody: %v", err)
	}
	if _, err := o.ONVIF("yard", "", ""); !errors.Is(err, camera.ErrNotONVIF) {
		t.Errorf("a camera without ONVIF: %v", err)
	}
	if got := o.Stream("yard"); got != "rtsp://192.0.2.1:554/1" {
		t.Errorf("its stream is at %q", got)
	}
	if got := o.Stream("none") + o.Stream("door"); got != "" { // it has not been asked
		t.Errorf("streams that are not known are at %q", got)
	}
	if _, err := o.Reload(); err == nil {
		t.Error("there is nothing to reload, and it is reloaded")
	}
}

func TestLogLevelsAreThoseThereAre(t *testing.T) {
	o := testOperator(t, "")
	for _, level := range []string{"debug", "INFO", "warn", "error"} {
		if err := o.LogLevel(level); err != nil {
			t.Errorf("%s: %v", level, err)
		}
	}
	if err := o.LogLevel("loud"); err == nil || o.level.Level() != slog.LevelError {
		t.Errorf("loud: %v, %v", err, o.level.Level())
	}
}

func TestPagesAreAtAddressesThatCanBeOpened(t *testing.T) {
	if got := pagesAt(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000}, "/cams"); len(got) != 1 || got[0] != "http://127.0.0.1:8000/cams/" {
		t.Errorf("they are at %q", got)
	}
	for _, page := range pagesAt(&net.TCPAddr{IP: net.IPv6unspecified, Port: 8000}, "") {
		if strings.Contains(page, "[::]") || strings.Contains(page, "0.0.0.0") || !strings.HasSuffix(page, ":8000/") {
			t.Errorf("one is at %q", page)
		}
	}
}

// A machine whose network is not up yet has none but its loopback addresses.
func TestPagesOfAMachineWithoutANetworkAreOnItself(t *testing.T) {
	var addresses []net.Addr
	for _, text := range []string{"127.0.0.1/8", "::1/128", "fe80::1/64"} {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	if got := pagesOn(addresses, "8000/cams/"); !slices.Equal(got, []string{"http://127.0.0.1:8000/cams/", "http://[::1]:8000/cams/"}) {
		t.Errorf("they are at %q", got)
	}
	addresses = append(addresses, &net.IPNet{IP: net.IPv4(192, 0, 2, 1)})
	if got := pagesOn(addresses, "8000/"); !slices.Equal(got, []string{"http://192.0.2.1:8000/"}) {
		t.Errorf("with a network they are at %q", got)
	}
}

func TestFreePortsAreFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, err := freePort(l.Addr().String())
	if err != nil || got == l.Addr().String() {
		t.Errorf("a port that is taken becomes %q, %v", got, err)
	}
	for _, wrong := range []string{"8000", "127.0.0.1:x", "127.0.0.1:99999", "192.0.2.1:8000"} {
		if got, err := freePort(wrong); err == nil {
			t.Errorf("%s becomes %s", wrong, got)
		}
	}
}

// hangUp sends this process SIGHUP until done is closed.
func hangUp(t *testing.T, done <-chan struct{}) {
	t.Helper()
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP) // before anybody else does, it would end the tests
	defer signal.Stop(heard)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for limit := time.After(2 * time.Minute); ; {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-heard // so that none is on its way when nobody listens any more
		select {
		case <-done:
			return
		case <-limit:
			t.Fatal("nothing came of it within two minutes")
		case <-again.C:
		}
	}
}

// The gateway opens its other ports first.
func TestWebRTCLeavesThePortsOfTheConfigurationAlone(t *testing.T) {
	for _, text := range []string{"[http]\nlisten = \"127.0.0.1:8189\"\n", "[legacy]\ncctvagent_ws = \"127.0.0.1:8189\"\n"} {
		cfg, err := config.Parse("c.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		options, err := webRTCOptions(cfg, quiet)
		if err != nil || options.Listen != "127.0.0.1:0" {
			t.Errorf("%q: WebRTC is at %s, %v", text, options.Listen, err)
		}
	}
}

// A demo whose terminal was closed would keep its ports, and nobody would know of it.
func TestHangupEndsWhatHasNoConfiguration(t *testing.T) {
	o := testOperator(t, "")
	ended, returned := make(chan struct{}), make(chan struct{})
	go func() { atHangup(t.Context(), o, sync.OnceFunc(func() { close(ended) })); close(returned) }()
	hangUp(t, ended)
	<-returned

	ctx, cancel := context.WithCancel(t.Context())
	read, returned := make(chan struct{}), make(chan struct{})
	o.reload = sync.OnceValues(func() (*config.Config, error) { close(read); return nil, errors.New("it is broken") })
	go func() {
		atHangup(ctx, o, func() { t.Error("a broken configuration ends the gateway") })
		close(returned)
	}()
	hangUp(t, read)
	cancel()
	<-returned
}

// Who shows the demo to other machines is told how, in words of the demo, which has no
// configuration to say it in.
func TestDemoForOtherMachinesMustBeAllowed(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		var out, log strings.Builder
		status := run([]string{"demo", "--listen", address, "--control", "127.0.0.1:0", "--socket", "none"}, console{out: &out, log: &log})
		if status != 1 || !strings.Contains(log.String(), "--allow-anonymous") || strings.Contains(log.String(), "[http]") {
			t.Errorf("%s: %d, %s%s", address, status, out.String(), log.String())
		}
	}
	for address, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, ":1": false, "192.0.2.1:1": false} {
		if onlyHere(address) != want {
			t.Errorf("%s is only here: %v", address, !want)
		}
	}
}

func TestUUIDsDiffer(t *testing.T) {
	one := randomUUID()
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(one) || one == randomUUID() {
		t.Errorf("one is %s", one)
	}
}
