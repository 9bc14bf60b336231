package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camgate/camsim"
)

// TestPasswordsAppearNowhere gives cameras a canary for a password and looks for it in all
// that others can read, as it is and in disguise.
func TestPasswordsAppearNowhere(t *testing.T) {
	t.Parallel()
	const canary, fromFile, wrong, fromEnv = "cAn4ry@:/%#?&w0rd", "f1le-Canary", "wr0ng-Canary", "env1ron-Canary"
	camera := func(name, password string) *camsim.Camera {
		o := small(name)
		o.Auth, o.User, o.Password = camsim.AuthBoth, "adm@in", password
		return camsimStart(t, o)
	}
	source := func(c *camsim.Camera, password string) string {
		u, err := url.Parse(c.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("adm@in", password)
		return u.String()
	}
	good, file, bad, environ := camera("good", canary), camera("file", fromFile), camera("bad", "right"), camera("environ", fromEnv)
	noPassword := strings.Replace(source(file, "x"), ":x@", "@", 1)
	configuration := write(t, "config.toml", fmt.Sprintf(`[http]
listen = "127.0.0.1:0"
[log]
level = "debug"
[[camera]]
name = "good"
source = %q
[[camera]]
name = "file"
source = %q
password_file = %q
[[camera]]
name = "bad"
source = %q
[[camera]]
name = "environ"
source = %q
[[camera]]
name = "nobody"
source = "rtsp://adm%%40in:%s@127.0.0.1:1/x"
`, source(good, canary), noPassword, write(t, "password", fromFile+"\n"), source(bad, wrong),
		strings.Replace(source(environ, "x"), ":x@", ":${CAMGATE_TEST_PASSWORD}@", 1), url.QueryEscape(canary)))
	p, s := serveProgram(t, configuration, "CAMGATE_TEST_PASSWORD="+fromEnv)

	var said []string
	hear := func(from, text string) { said = append(said, from, text) }
	for _, name := range []string{"good", "file", "environ"} {
		v := s.watch("/mjpeg/" + name)
		v.live(patient)
		v.drain() // they are watched to the end
	}
	for _, name := range []string{"bad", "nobody"} {
		s.watch("/mjpeg/"+name).state("offline", patient)
		eventually(t, "the API tells what is wrong with "+name, patient, func() bool { return s.status(name).LastError != "" })
		hear("/snapshot", s.get("/snapshot/"+name, http.StatusServiceUnavailable))
	}
	good.Junk(camsim.JunkRandom)
	file.CloseConnections()
	eventually(t, "broken pictures are told", patient, func() bool { return s.status("good").LastError != "" })
	for _, path := range []string{"/api/cameras", "/api/cameras/good", "/api/cameras/bad", "/healthz", "/", "/page.js"} {
		hear(path, s.get(path, http.StatusOK))
	}
	hear("/mjpeg/nowhere", s.get("/mjpeg/nowhere", http.StatusNotFound))
	hear("/mjpeg/good?width=abc", s.get("/mjpeg/good?width=abc", http.StatusBadRequest))
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		if line, err := os.ReadFile(process); err == nil { // others come and go
			hear(process, string(line))
		}
	}

	_, _, mistakes := camgate(t, "check", "--config", write(t, "bad.toml", fmt.Sprintf("[[camera]]\nname = \"a\"\nsource = \"htp://u:%s@127.0.0.1\"\n", wrong)))
	hear("check", mistakes)
	_, _, mistakes = camgate(t, "check", "--config", write(t, "bad.toml", fmt.Sprintf("[[camera]]\nname = \"a\"\nsource = \"rtsp://u:%s@\"\n", wrong)))
	hear("check", mistakes)
	_, _, mistakes = camgate(t, "check", "--config", write(t, "bad.toml", fmt.Sprintf("[[camera]]\nname = \"a\"\nsource = rtsp://u:%s@127.0.0.1\n", wrong)))
	hear("check", mistakes)
	hear("standard error", p.err.String())
	hear("standard output", p.out.String())
	if !strings.Contains(p.err.String(), "level=DEBUG") || len(processes) < 2 {
		t.Fatal("this test does not see what it should search")
	}

	for _, secret := range []string{canary, fromFile, wrong, fromEnv} {
		forms := []string{secret, url.PathEscape(secret), url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
			strings.TrimPrefix(url.UserPassword("", secret).String(), ":"),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
			base64.StdEncoding.EncodeToString([]byte("adm@in:" + secret))}
		for n := 0; n < len(said); n += 2 {
			for _, form := range forms {
				if strings.Contains(strings.ToLower(said[n+1]), strings.ToLower(form)) {
					t.Errorf("%s has the password %q as %q", said[n], secret, form)
				}
			}
		}
	}
}
