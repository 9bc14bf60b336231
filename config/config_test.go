package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const canary = "c4nary-Pa55"

func TestExampleHoldsEveryKeyWithItsDefault(t *testing.T) {
	data, err := os.ReadFile("../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("config.example.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	camera := cameraDefaults()
	camera.Name, camera.Source = c.Cameras[0].Name, c.Cameras[0].Source
	want.Cameras = []Camera{camera}
	wall := wallDefaults()
	wall.Name, wall.Cameras = c.Walls[0].Name, c.Walls[0].Cameras
	want.Walls = []Wall{wall}
	want.HTTP.Hosts, want.HTTP.Origins, want.HTTP.TrustedProxies = []string{}, []string{}, []string{}
	want.WebRTC.Candidates, want.WebRTC.ICEServers = []string{}, []ICEServer(nil)
	want.Discovery.Interfaces, want.Discovery.Unicast, want.Discovery.Credentials = []string{}, []string{}, []Secret{}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("the example says %+v, the defaults are %+v", *c, want)
	}
	for _, key := range keysOf(reflect.TypeOf(Config{})) {
		if !regexp.MustCompile(`(?m)^(\[+(camera\.)?` + key + `\]+|` + key + ` = |# .*[{ ]` + key + ` = )`).Match(data) {
			t.Errorf("the example lacks %s", key)
		}
	}
}

// Sockets of both families, and their logs, tell IPv4 addresses so.
func TestIPv4AddressesMayBeWrittenAsIPv6(t *testing.T) {
	for text, want := range map[string]string{
		"::ffff:10.0.0.1": "10.0.0.1/32", "::ffff:10.1.2.3/104": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128", "::/0": "::/0",
	} {
		if got, err := ParsePrefix(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
}

func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("toml")
		if key == "-" {
			continue
		}
		keys = append(keys, key)
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeOf(Secret{}) {
			keys = append(keys, keysOf(inner)...)
		}
	}
	return keys
}

func TestMistakesAreNamedWithLineAndMend(t *testing.T) {
	const cam = "[[camera]]\nname = \"a\"\nsource = \"rtsp://h/s\"\n"
	for _, c := range []struct {
		name, text string
		want       []string // of each mistake: line, and a part of the sentence
	}{
		{"nothing", "", nil},
		{"BOM and CRLF", "\xef\xbb\xbf[http]\r\nlisten = \"127.0.0.1:1\"\r\n", nil},
		{"unknown key", cam + "[camera.jpeg]\nqualty = 3\n", []string{`:5: unknown key "qualty" in [camera.jpeg]; did you mean "quality"?`}},
		{"unknown key of a camera", cam + "sourse = 3\n", []string{`:4: unknown key "sourse" in [[camera]]; did you mean "source"?`}},
		{"unknown section", "[htpp]\n", []string{`:1: unknown key "htpp" at the top of the file; did you mean "http"?`}},
		{"section of later", "[metrics]\nx=1\n", []string{":1: [metrics] is not in this version"}},
		{"substream", cam + "substream = \"rtsp://u:p@h/2\"\naudio = false\n", nil},
		{"substream of ONVIF", cam + "substream = \"onvif://h\"\n", []string{":4: substream must begin with rtsp://"}},
		{"substream of nowhere", cam + "substream = \"rtsp://u@/\"\n", []string{":4: substream needs a host"}},
		{"base path", "[http]\nbase_path = \"/a/cams/\"\ntrusted_proxies = [\"127.0.0.1\", \"192.0.2.0/24\"]\norigins = [\"*\"]\n", nil},
		{"base paths", "[http]\nbase_path = \"cams\"\ntrusted_proxies = [\"proxy\"]\n", []string{":2: base_path must be like", ":3: \"proxy\" is no address"}},
		{"base path upwards", "[http]\nbase_path = \"/a/../b\"\n", []string{":2: base_path must be like"}},
		{"webrtc", "[webrtc]\nlisten = \":8189\"\ncandidates = [\"192.0.2.1\", \"gate.example:443\", \"2001:db8::1\", \"[2001:db8::1]:9\"]\nice_servers = [{url = \"stun:h\"}, {url = \"turns:h:1\", user = \"u\", password = \"p\"}]\n", nil},
		{"webrtc, wrong", "[webrtc]\nlisten = \"8189\"\ncandidates = [\"a:0\", \"http://x\"]\nice_servers = [{url = \"http://h\"}, {url = \"turn:h\"}, {uri = 1, url = \"stun:h\"}]\n", []string{":2: listen must be an address and a port", `:3: "a:0" is no candidate`, `:3: "http://x" is no candidate`, `:4: unknown key "uri"`, ":4: each of ice_servers needs a url", ":4: a TURN server needs user and password"}},
		{"ice servers, a text", "[webrtc]\nice_servers = [\"stun:h\"]\n", []string{":2: ice_servers is a list of tables"}},
		{"legacy", "[legacy]\nurls = true\ncctvagent_ws = \"127.0.0.1:8001\"\n", nil},
		{"legacy for everybody", "[legacy]\ncctvagent_ws = \":8001\"\n", []string{":2: cctvagent_ws = \":8001\" can be reached by others"}},
		{"one port for two", "[http]\nlisten = \":8000\"\nallow_anonymous = true\n[legacy]\ncctvagent_ws = \"127.0.0.1:8000\"\n", []string{`:5: cctvagent_ws = "127.0.0.1:8000" is taken by [http] listen already`}},
		{"one port for all", "[http]\nlisten = \"localhost:8000\"\n[legacy]\ncctvagent_ws = \"127.0.0.1:8000\"\n[webrtc]\nlisten = \"0.0.0.0:8000\"\n",
			[]string{":4: cctvagent_ws", `:6: listen = "0.0.0.0:8000" is taken by [http] listen`, `:6: listen = "0.0.0.0:8000" is taken by [legacy] cctvagent_ws`}},
		{"one port of several addresses", "[http]\nlisten = \"127.0.0.1:8000\"\n[legacy]\ncctvagent_ws = \"[::1]:8000\"\n[webrtc]\nlisten = \"192.0.2.1:8000\"\n", nil},
		{"one port of TCP and UDP", "[webrtc]\nlisten = \":8000\"\ntcp = false\n[legacy]\ncctvagent_ws = \"127.0.0.1:0\"\n", nil},
		{"wall", cam + "[[wall]]\nname = \"all\"\ncameras = [\"a\"]\nlabels = \"name,age\"\n", nil},
		{"walls", cam + "[[wall]]\nname = \"A\"\ncolumns = 17\nwidth = 9000\nfps = 0\nquality = 0\nlabels = \"size\"\n[[wall]]\nname = \"b/c\"\ncameras = [\"a\"]\n",
			[]string{":4: cameras of a wall must be", ":5: \"A\" is the name of another camera or wall already, on line 2", ":6: columns must be", ":7: width must be", ":8: fps must be", ":9: quality must be", ":10: labels must be", ":12: a wall's name stands in URLs"}},
		{"narrow wall", cam + "[[wall]]\nname = \"w\"\ncameras = [\"a\"]\ncolumns = 10\nwidth = 159\n", []string{":8: width must be 160 to 8192"}},
		{"narrow wall whose columns follow from its cameras", cam + "[[wall]]\nname = \"w\"\ncameras = [" + strings.Repeat(`"a", `, 17) + "]\nwidth = 79\n", []string{":7: width must be 80 to 8192"}},
		{"wall with an empty place", cam + "[[wall]]\nname = \"w\"\ncameras = [\"a\", \"\", \"a\"]\n", nil},
		{"wall of empty places", "[discovery]\nauto_add = true\n[[wall]]\nname = \"w\"\ncameras = [\"\", \"\"]\n", []string{":5: cameras of a wall must be"}},
		{"wall of nobody", cam + "[[wall]]\nname = \"w\"\ncameras = [\"a\", \"b\"]\n", []string{`:6: there is no camera "b" in this file; did you mean "a"?`}},
		{"wall of what will be found", "[discovery]\nauto_add = true\n" + cam + "[[wall]]\nname = \"w\"\ncameras = [\"b\"]\n", nil},
		{"a wall in single brackets", "[wall]\nname = \"x\"\n", []string{":1: a wall begins with [[wall]]"}},
		{"all at once", "[http]\nlisten = 8000\nhosts = \"a\"\n[limits]\nmax_viewers = 0\n[log]\nlevel = \"loud\"\n" + cam + "linger = 10\ntransport = \"smoke\"\nsource2 = 1\non_demand = \"yes\"\n[camera.jpeg]\nquality = 101\nmax_fps = 0.01\n",
			[]string{":2: listen must be text", ":3: hosts must be a list", ":5: max_viewers must be 1 to 100000", ":7: level must be one of debug", ":11: linger must be a time", ":12: transport must be one of", `:13: unknown key "source2"`, ":14: on_demand must be true or false", ":16: quality must be 1 to 100", ":17: max_fps must be 0.1"}},
		{"syntax", "[http\nlisten = 1\n", []string{":1: "}},
		{"duplicate key", "[log]\nlevel = \"info\"\nlevel = \"warn\"\n", []string{"level"}},
		{"duplicate camera", cam + strings.Replace(cam, `"a"`, `"A"`, 1), []string{`:5: camera "A" is there already, on line 2`}},
		{"not UTF-8", "[http]\n\xff\n", []string{":2: a character is not UTF-8"}},
		{"no name", "[[camera]]\nsource = \"rtsp://h/\"\n", []string{":1: a camera needs a name"}},
		{"no source", "[[camera]]\nname = \"x\"\n", []string{":1: a camera needs a source"}},
		{"name with a slash", "[[camera]]\nname = \"a/b\"\nsource = \"rtsp://h/\"\n", []string{":2: a camera's name stands in URLs"}},
		{"name with dots", "[[camera]]\nname = \"..\"\nsource = \"rtsp://h/\"\n", []string{":2: a camera's name stands in URLs"}},
		{"source of later", "[[camera]]\nname = \"x\"\nsource = \"http://h\"\n", []string{":3: this version of camgate takes onvif:// and rtsp://"}},
		{"source of nowhere", "[[camera]]\nname = \"x\"\nsource = \"rtsp:///s\"\n", []string{":3: source needs a host"}},
		{"onvif", "[[camera]]\nname = \"x\"\nsource = \"onvif://u:p@h:8000/path?profile=main\"\nid = \"urn:uuid:1\"\nevents = true\n", nil},
		{"onvif nowhere", "[[camera]]\nname = \"x\"\nsource = \"onvif://u@/\"\n", []string{":3: source needs a host after onvif://"}},
		{"discovery", "[discovery]\nunicast = [\"192.0.2.7\", \"192.0.2.128/25\", \"2001:db8::/120\"]\nauto_add = true\ncredentials = [\"admin:a:b\", \"guest:\"]\n", nil},
		{"networks", "[discovery]\nunicast = [\"camera\"]\n", []string{":2: \"camera\" is no address and no network"}},
		{"too many addresses", "[discovery]\nunicast = [\"192.0.2.0/21\", \"198.51.100.0/20\"]\n", []string{":2: unicast names more than 4096"}},
		{"IPv6 network", "[discovery]\nunicast = [\"2001:db8::/64\"]\n", []string{":2: unicast names more than 4096"}},
		{"credentials", "[discovery]\ncredentials = [\"c4nary\"]\ninterval = \"1s\"\n", []string{":2: each of credentials is", ":3: interval must be"}},
		{"single brackets", "[camera]\nname = \"x\"\n", []string{":1: a camera begins with [[camera]]"}},
		{"environment", "[[camera]]\nname = \"x\"\nsource = \"rtsp://h/${CAMGATE_NO_SUCH}\"\n", []string{":3: the environment has no variable CAMGATE_NO_SUCH"}},
		{"everybody", "[http]\nlisten = \"0.0.0.0:8000\"\n", []string{":2: listen = \"0.0.0.0:8000\" can be reached by others"}},
		{"everybody, said so", "[http]\nlisten = \":8000\"\nallow_anonymous = true\n", nil},
		{"port", "[http]\nlisten = \"127.0.0.1:99999\"\n", []string{":2: the port of listen"}},
		{"folder", "[http]\nwww = \"/no/such/folder\"\n", []string{":2: www = "}},
		{"hosts", "[http]\nhosts = [\"gateway\", \"Cameras.Example:8443\", \"cam_1.local\", \"2001:db8::1\", \"[2001:db8::1]:8000\", \"xn--kse-qla.example\"]\n", nil},
		{"hosts that are none", "[http]\nhosts = [\"http://cameras.example\", \"cameras.example/\", \"*.example\", \"\"]\n",
			[]string{`:2: "http://cameras.example" is no name`, `:2: "cameras.example/" is no name`, `:2: "*.example" is no name`, `:2: "" is no name`}},
		{"origins", "[http]\norigins = [\"https://Panel.Example:8443\", \"http://192.0.2.1\", \"http://[2001:db8::1]:80\", \"*\"]\n", nil},
		{"origins that are none", "[http]\norigins = [\"https://*.example\", \"https://\", \"https://a b\", \"https://panel.example?x\", \"https://user@panel.example\"]\n",
			[]string{":2: an origin is like", ":2: an origin is like", ":2: an origin is like", ":2: an origin is like", ":2: an origin is like"}},
		{"origin", "[http]\norigins = [\"panel.example\"]\n", []string{":2: an origin is like"}},
		{"huge", strings.Repeat("#", maxBytes+1), []string{": the file is larger"}},
		{"number too large", "[limits]\nmax_viewers = 99999999999\n", []string{":2: max_viewers must be a whole number"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("c.toml", []byte(c.text))
			if len(c.want) == 0 {
				if err != nil || got == nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("mistakes are\n%v\nwant %d", err, len(c.want))
			}
			for i, want := range c.want {
				if !strings.HasPrefix(lines[i], "c.toml") || !strings.Contains(lines[i], want) {
					t.Errorf("mistake is %q, want %q in it", lines[i], want)
				}
			}
		})
	}
}

func TestPasswordsAreNeverPrinted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := "[[camera]]\nname = \"x\"\nsource = \"rtsp://admin@h/s\"\npassword_file = \"pw\"\n[[camera]]\nname = \"y\"\nsource = \"rtsp://admin:" + canary + "@h/s\"\n"
	c, err := Parse(filepath.Join(dir, "c.toml"), []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.Cameras[0].Password.Reveal() != canary {
		t.Errorf("the password is %q", c.Cameras[0].Password.Reveal())
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "camera", c.Cameras[1], "source", c.Cameras[1].Source)
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s", *c, *c, *c, c.Cameras[1].Source), string(encoded), logged.String()} {
		if strings.Contains(s, canary) {
			t.Errorf("the password stands in %.200s", s)
		}
	}
	for _, source := range []string{
		`"rtsp://admin:%s@/s"`, `"rtps://admin:%s@h/s"`, `"admin:%s@h"`, `"rtsp://admin:%s@h/s`, `rtsp://admin:%s@h/s`, `"rtsp://admin:%s@h/${NO_SUCH_THING}"`, `["%s"]`,
		"\"rtsp://admin:%s\x01@h\"", `"rtsp://admin:%s\q@h"`,
	} {
		text := "[[camera]]\nname = \"x\"\nsource = " + fmt.Sprintf(source, canary) + "\n"
		_, err := Parse("c.toml", []byte(text))
		if err == nil {
			t.Errorf("%s was accepted", source)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestSourceFromTheEnvironment(t *testing.T) {
	t.Setenv("CAM_PW", "a/b@c")
	c, err := Parse("c.toml", []byte("[[camera]]\nname = \"x\"\nsource = \"rtsp://admin:${CAM_PW}@h/s\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Cameras[0].Source.Reveal(); got != "rtsp://admin:a/b@c@h/s" {
		t.Errorf("source is %q", got)
	}
}

func TestFolderOfPagesIsSeenFromTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	pages := filepath.Join(dir, "pages")
	if err := os.Mkdir(pages, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(filepath.Join(dir, "c.toml"), []byte("[http]\nwww = \"pages\"\n[[camera]]\nname = \"x\"\nsource = \"rtsp://h/s\"\n"))
	if err != nil || c.HTTP.WWW != pages {
		t.Errorf("%+v %v", c, err)
	}
}

func TestUnreadablePasswordFile(t *testing.T) {
	for lines, want := range map[string]string{
		"source = \"rtsp://admin@h/s\"\npassword_file = \"/no/such\"":    ":4: password_file",
		"source = \"rtsp://h/s\"\npassword_file = \"/dev/null\"":         ":4: password_file needs the user",
		"source = \"rtsp://admin:x@h/s\"\npassword_file = \"/dev/null\"": ":4: there is a password in source and",
	} {
		if _, err := Parse("c.toml", []byte("[[camera]]\nname = \"x\"\n"+lines+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v", lines, err)
		}
	}
}

func TestMissingFileIsASentence(t *testing.T) {
	if _, err := Load("/no/such/config.toml"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("error is %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "[http]\nlisten=1", "[[camera]]\nname='x'\n[camera.jpeg]\nquality=1", "a.b.c=1", "[[a]]\n[[a.b]]\nx=1", "\xef\xbb\xbf", "camera=[{name=1}]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.toml", data)
		if (c == nil) == (err == nil) {
			t.Errorf("configuration %v, error %v", c, err)
		}
	})
}
