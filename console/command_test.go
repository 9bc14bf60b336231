package console

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camgate/discovery"
)

// typed carries out a line as a script does.
func typed(t *testing.T, g Gateway, line string) (out, errs string, done result) {
	t.Helper()
	var o, e bytes.Buffer
	done = execute(t.Context(), g, line, sink{out: &o, err: &e, file: WriteFile})
	return o.String(), e.String(), done
}

func TestEveryCommandIsListedByHelpAndExplained(t *testing.T) {
	g := newFake()
	list, _, done := typed(t, g, "help")
	if done.status != fine {
		t.Fatalf("help ended with %d", done.status)
	}
	var each func(c *command, name string)
	each = func(c *command, name string) {
		for _, b := range c.below {
			full := shown(name, b.word)
			if b.short == "" {
				t.Errorf("%s has no line of help", full)
			}
			about, errs, done := typed(t, g, "help "+full)
			if done.status != fine || !strings.Contains(about, b.short) {
				t.Errorf("help %s: %d %q %q", full, done.status, about, errs)
			}
			if len(b.below) > 0 {
				each(b, full)
				continue
			}
			if b.run == nil {
				t.Errorf("%s does nothing", full)
			}
			if !strings.Contains(list, "\n"+full+" ") && !strings.HasPrefix(list, full+" ") {
				t.Errorf("help does not list %q:\n%s", full, list)
			}
		}
	}
	each(root, "")
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		line   string
		status int
		out    []string // each is in the results
		err    string   // is in the errors
		asked  string   // is what the gateway was asked for last
	}{
		{line: "", status: fine},
		{line: "   ", status: fine},
		{line: "cameras", out: []string{"No.  NAME    STATE", "1  door    idle", "3  yard-2", "rtsp://192.0.2.10:554/door"}},
		{line: "CAMERAS", out: []string{"door"}},
		{line: "camera yard", out: []string{"name          Yard", "state         idle for"}},
		{line: "camera DOOR", out: []string{"name          door"}},
		{line: "camera 3", out: []string{"name          yard-2"}},
		{line: "camera 4", status: failed, err: `there is no camera "4"`},
		{line: "camera dor", status: failed, err: `did you mean "door"?`},
		{line: "camera", status: misuse, err: "usage: camera NAME [--json]"},
		{line: "viewers", out: []string{"CAMERA", "door", "192.0.2.99:50000", "12.5", "40 ms", "1 min"}},
		{line: "discover 0.1", out: []string{"192.0.2.20", "会社カメラ", "ws-discovery", "192.0.2.20: it announces"}, asked: "search 100ms"},
		{line: "discover 0", status: misuse, err: "0.1 to 300 are allowed"},
		{line: "discover NaN", status: misuse, err: "0.1 to 300 are allowed"},
		{line: "discover 1e300", status: misuse, err: "0.1 to 300 are allowed"},
		{line: "add rtsp://a:b@192.0.2.3/x", out: []string{"camera cam-1 is served"}, asked: `add "" rtsp://a:b@192.0.2.3/x`},
		{line: "add gate rtsp://192.0.2.3/x", out: []string{"camera gate is served"}, asked: `add "gate" rtsp://192.0.2.3/x`},
		{line: "add rtsp://192.0.2.3/x gate", asked: `add "gate" rtsp://192.0.2.3/x`},
		{line: "add taken rtsp://192.0.2.3/x", status: failed, err: "already"},
		{line: "add gate", status: misuse, err: "no address"},
		{line: "remove YARD-2", out: []string{"camera yard-2 is no longer served"}, asked: "remove yard-2"},
		{line: "probe door", out: []string{"ok       address  12 ms", "mend: nothing to do"}, asked: "probe door"},
		{line: "probe rtsp://a:b@192.0.2.3/", asked: "probe rtsp://a:b@192.0.2.3/"},
		{line: "probe nowhere", status: failed, err: "no camera"},
		{line: "diagnose door", status: failed, out: []string{"failed   password", "refused\n", "mend: type another one", "skipped  picture"}, asked: "diagnose door"},
		{line: "ptz yard left", asked: "ptz Yard {Pan:-0.5 Tilt:0 Zoom:0 For:0s Stop:false Preset:}"},
		{line: "ptz yard UP 1 2", asked: "ptz Yard {Pan:0 Tilt:1 Zoom:0 For:2s Stop:false Preset:}"},
		{line: "ptz yard out 0.1 0.5s", asked: "ptz Yard {Pan:0 Tilt:0 Zoom:-0.1 For:500ms Stop:false Preset:}"},
		{line: "ptz yard stop", asked: "ptz Yard {Pan:0 Tilt:0 Zoom:0 For:0s Stop:true Preset:}"},
		{line: "ptz yard preset 'the gate'", asked: "ptz Yard {Pan:0 Tilt:0 Zoom:0 For:0s Stop:false Preset:the gate}"},
		{line: "ptz yard preset", status: misuse, err: "presets yard lists them"},
		{line: "ptz yard sideways", status: misuse, err: "usage: ptz"},
		{line: "ptz yard left 2", status: misuse, err: "0.01 to 1"},
		{line: "ptz yard left NaN", status: misuse, err: "0.01 to 1"},
		{line: "ptz yard left 1 0", status: misuse, err: "0.1 to 60"},
		{line: "presets yard", out: []string{"PRESET  NAME\n1       gate\n2       玄関\n"}},
		{line: "reload", out: []string{"1 camera added"}, asked: "reload"},
		{line: "log DEBUG", out: []string{"the gateway logs debug"}, asked: "log debug"},
		{line: "log loud", status: misuse, err: "debug, info, warn and error"},
		{line: "stats", out: []string{"goroutines     12\n", "resident    53.25  MB\n"}},
		{line: "version", out: []string{"camgate 1.2.3, running for 3 h 0 min"}},
		{line: "host", out: []string{"1: http://192.0.2.1:8000/\n2: http://127.0.0.1:8000/\n"}},
		{line: "vi sometimes", status: misuse, err: "on or off"},
		{line: "snapshot yard x.jpg", status: failed, err: "is away"},
		{line: "camers", status: misuse, err: `did you mean "cameras"?`},
		{line: "hlep", status: misuse, err: `did you mean "help"?`},
		{line: "xyzzy", status: misuse, err: "help lists all"},
		{line: "cameras --jsn", status: misuse, err: "has no option --jsn"},
		{line: "cameras now", status: misuse, err: "usage: cameras [--json]"},
		{line: "help nothing", status: misuse, err: "unknown command"},
		{line: `camera "door`, status: misuse, err: "a quote is not closed"},
		{line: "cctv", status: misuse, err: "discovery, search, list"},
		{line: "cctv lst", status: misuse, err: `did you mean "cctv list"?`},
		{line: "cctv list", out: []string{"ID       Host              Name                 Profiles           Encoding Resolution  use\ndoor     192.0.2.10"}},
		{line: "cctv stream", out: []string{"ID       RTSP Streaming Url\ndoor     rtsp://192.0.2.10:554/door\n"}},
		{line: "cctv onvif", out: []string{"ID       ONVIF Service Url\n"}},
		{line: "cctv clear", out: []string{"2 of the cameras"}, asked: "forget"},
		{line: "cctv info DOOR", out: []string{"Basic Information:\n         ID : door                       Host : 192.0.2.10\n", "Password : ***"}},
		{line: "cctv info 2", out: []string{"ID : Yard "}},
		{line: "cctv info door data", out: []string{`"name": "door"`}},
		{line: "cctv info door date", status: misuse, err: "usage: cctv info ID [data]"},
		{line: "cctv proxy reset", asked: "reset"},
		{line: "cctv get http://a:b%20c@192.0.2.3/onvif/device_service", status: failed, asked: "onvif http://192.0.2.3/onvif/device_service", err: "does not answer"},
		{line: "cctv get http://192.0.2.3/ root 'p w'", status: failed, err: "does not answer", asked: "onvif http://192.0.2.3/", out: []string{"username: root, passwd: ***"}},
	} {
		g := newFake()
		out, errs, done := typed(t, g, c.line)
		if done.status != c.status || !strings.Contains(errs, c.err) || c.err == "" && errs != "" || c.asked != "" && g.last() != c.asked {
			t.Errorf("%q: status %d, errors %q, asked %q; want %d, %q, %q", c.line, done.status, errs, g.last(), c.status, c.err, c.asked)
		}
		for _, want := range c.out {
			if !strings.Contains(out, want) {
				t.Errorf("%q printed\n%s\nwant in it %q", c.line, out, want)
			}
		}
		if strings.ContainsAny(out+errs, "\x1b\x07\u202e") {
			t.Errorf("%q printed what moves the terminal: %q", c.line, out+errs)
		}
	}
}

func TestPasswordReachesOnlyTheGateway(t *testing.T) {
	g := newFake()
	out, errs, _ := typed(t, g, "cctv get http://192.0.2.3/ root 'can ary'")
	if len(g.secrets) != 1 || g.secrets[0] != "root:can ary" {
		t.Errorf("the gateway got %q", g.secrets)
	}
	more, moreErrs, _ := typed(t, g, "cctv get http://root:can%20ary@192.0.2.3/")
	if len(g.secrets) != 2 || g.secrets[1] != "root:can ary" {
		t.Errorf("the gateway got %q", g.secrets)
	}
	for _, line := range []string{"rtsp://root:canary@h/", "camera 'rtsp://root:can ary@h/'", "host rtsp://root:canary@h/", "log http://root:canary@h/", "help x://root:can@ary@h/", "cctv get root:canary@h"} {
		_, errs, _ := typed(t, g, line)
		moreErrs += errs
	}
	if all := out + errs + more + moreErrs; strings.Contains(all, "ary") {
		t.Errorf("the password is shown: %q", all)
	}
}

func TestJSONIsForPrograms(t *testing.T) {
	g := newFake()
	for _, line := range []string{"cameras --json", "camera --json door", "viewers --json", "discover 0.1 --json", "probe door --json", "diagnose door --json",
		"presets door --json", "stats --json", "host --json", "cctv info door data"} {
		out, _, _ := typed(t, g, line)
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%s: %v: %q", line, err, out)
		}
		if strings.ContainsAny(out, "\x1b\x07\u202e") {
			t.Errorf("%s printed what moves the terminal: %q", line, out)
		}
	}
	var devices []discovery.Device
	out, _, _ := typed(t, g, "discover 0.1 --json")
	if err := json.Unmarshal([]byte(out), &devices); err != nil || devices[0].Model != g.devices[0].Model || devices[0].Maker != "会社カメラ" {
		t.Errorf("%v: %+v", err, devices)
	}
	g.viewers, g.devices, g.cameras = nil, nil, nil
	for _, line := range []string{"cameras --json", "viewers --json", "discover 0.1 --json"} {
		if out, _, _ := typed(t, g, line); out != "[]\n" {
			t.Errorf("%s of nothing is %q", line, out)
		}
	}
}

func TestSnapshotIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a picture.jpg")
	out, errs, done := typed(t, newFake(), "snapshot door '"+name+"'")
	if done.status != fine || !strings.Contains(out, "640 x 360") {
		t.Fatalf("%d %q %q", done.status, out, errs)
	}
	if data, err := os.ReadFile(name); err != nil || !bytes.Equal(data, pictureBytes) {
		t.Errorf("the file has %d bytes: %v", len(data), err)
	}
	_, errs, done = typed(t, newFake(), "snapshot door "+filepath.Join(dir, "missing", "x.jpg"))
	if done.status != failed || !strings.Contains(errs, "cannot be written") {
		t.Errorf("%d %q", done.status, errs)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".camgate-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPanicOfOneCommandEndsOnlyThatCommand(t *testing.T) {
	_, errs, done := typed(t, struct{ Gateway }{}, "cameras")
	if done.status != failed || !strings.Contains(errs, "the gateway, which goes on") {
		t.Errorf("%d %q", done.status, errs)
	}
}
