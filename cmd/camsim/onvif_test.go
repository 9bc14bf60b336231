package main

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"camgate/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

func parse(t *testing.T, args ...string) options {
	t.Helper()
	var o options
	parser, err := kong.New(&o)
	if err == nil {
		_, err = parser.Parse(append(args, "--listen=127.0.0.1:0", "--size=320x240", "--sub-size=160x120", "--no-udp"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	return port
}

func TestEachCameraGetsAFrontWithTwoStreams(t *testing.T) {
	o := parse(t, "--onvif", "--onvif-listen=127.0.0.1:0", "--cameras=2", "--quirk=uri-ampersand", "--quirk=media2-only", "--ws-port="+freePort(t), "--ssdp-port="+freePort(t))
	cameras, pairs, end, err := o.start()
	defer end()
	if err != nil {
		t.Fatal(err)
	}
	f, err := o.startFronts(t.Context(), pairs)
	defer f.close()
	if err != nil {
		t.Fatal(err)
	}
	if len(cameras) != 4 || len(f.devices) != 2 || f.network == nil {
		t.Fatalf("%d cameras, %d devices", len(cameras), len(f.devices))
	}
	if size := pairs[1].sub.Video(); size.Width != 160 || pairs[1].sub.Name() != "cam2/sub" {
		t.Errorf("the sub stream %s is %d wide", pairs[1].sub.Name(), size.Width)
	}
	res, err := http.Get(strings.TrimSuffix(f.devices[1].XAddr(), "onvif/device_service"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if res.StatusCode != http.StatusOK {
		t.Errorf("HTTP %d", res.StatusCode)
	}
}

func TestFrontsThatCannotBe(t *testing.T) {
	for want, args := range map[string][]string{
		"moody":          {"--quirk=moody", "--no-discovery"},
		"nosuch0":        {"--interface=nosuch0"},
		"--onvif-listen": {"--onvif-listen=8000", "--no-discovery"},
	} {
		o := parse(t, append(args, "--onvif")...)
		_, pairs, end, err := o.start()
		if err == nil {
			var f *fronts
			f, err = o.startFronts(t.Context(), pairs)
			f.close()
		}
		end()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: it says %v", args, err)
		}
	}
}
