package camsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// post sends an order and returns the answer.
func post(t *testing.T, url, body string, header ...string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func control(t *testing.T, cameras ...*Camera) string {
	t.Helper()
	s := httptest.NewServer(Control(cameras...))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s.URL
}

func TestControlDoesWhatTheHelpShows(t *testing.T) {
	o := small()
	o.Auth, o.User, o.Password = AuthDigest, "admin", "s3cret"
	camera := start(t, o)
	url := control(t, camera)
	for name, f := range faultOrders {
		takes := f.takes
		if name == "freeze" || name == "refuse" || name == "reboot" {
			takes = `{"seconds":0.01}`
		}
		if name == "change" {
			takes = `{"size":"176x144","fps":10,"slices":2}`
		}
		status, answer := post(t, url+"/"+name+"/cam1", takes)
		var s state
		if err := json.Unmarshal([]byte(answer), &s); status != http.StatusOK || err != nil || s.Name != "cam1" {
			t.Errorf("%s: %d, %s", name, status, answer)
		}
	}
	if v := camera.Video(); v.Width != 176 || v.FPS != 10 || v.Slices != 2 {
		t.Errorf("after change: %+v", v)
	}
	post(t, url+"/mute/cam1", "")
	camera.mu.Lock()
	muted := camera.faults.mute
	camera.mu.Unlock()
	if !muted {
		t.Error("mute does nothing")
	}
	post(t, url+"/heal/cam1", "")
	camera.mu.Lock()
	healed := camera.faults == faults{} && camera.clock.way == TimestampsRight
	camera.mu.Unlock()
	if !healed {
		t.Error("heal leaves a fault")
	}

	for _, path := range []string{"/", "/cameras"} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !strings.Contains(string(b), camera.Address()) {
			t.Errorf("%s: %d %s", path, res.StatusCode, b)
		}
		if strings.Contains(string(b), "s3cret") || strings.Contains(string(b), `"new"}@`) {
			t.Errorf("%s tells the password", path)
		}
	}
}

func TestControlRefusesNonsenseInASentence(t *testing.T) {
	server, err := Listen(t.Context(), ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	camera, err := server.Add(small())
	if err != nil {
		t.Fatal(err)
	}
	url := control(t, camera)
	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/mute/nobody", "", 404, "no camera"},
		{"/explode/cam1", "", 404, "no fault"},
		{"/drop/cam1", "", 400, "percent"},
		{"/drop/cam1", `{"percent":101}`, 400, "0 to 100"},
		{"/drop/cam1", `{"percent":-1}`, 400, "0 to 100"},
		{"/drop/cam1", `{"percent":"many"}`, 400, "JSON such as"},
		{"/drop/cam1", `{"percents":5}`, 400, "JSON such as"},
		{"/drop/cam1", `{"percent":5}{"percent":6}`, 400, "JSON such as"},
		{"/drop/cam1", strings.Repeat(" ", 5000), 413, "4096"},
		{"/jitter/cam1", `{"seconds":11}`, 400, "0 to 10"},
		{"/slow/cam1", `{"fps":-1}`, 400, "0.01 to 240"},
		{"/timestamps/cam1", `{"way":"sideways"}`, 400, "backward, jump, right, stop, wrap"},
		{"/junk/cam1", `{}`, 400, "huge_sps, none, random"},
		{"/password/cam1", `{}`, 400, "password"},
		{"/change/cam1", `{}`, 400, "at least one"},
		{"/change/cam1", `{"size":"big"}`, 400, "1280x720"},
		{"/change/cam1", `{"size":"33x33"}`, 400, "64×32"},
		{"/change/cam1", `{"codec":"vp9"}`, 400, "h264"},
		{"/change/cam1", `{"fps":1e9}`, 400, "240"},
		{"/change/cam1", `{"slices":-4}`, 400, "negative"},
		{"/change/cam1", `{"preset":"hasty"}`, 400, "preset"},
		{"/reboot/cam1", `{"seconds":1}`, 409, "shares its port"},
		{"/freeze/cam1", `{"seconds":1e9}`, 400, "0 to 86400"},
	} {
		status, answer := post(t, url+c.path, c.body)
		var told map[string]string
		if err := json.Unmarshal([]byte(answer), &told); err != nil || status != c.status || !strings.Contains(told["error"], c.says) {
			t.Errorf("%s %.40s: %d %s; want %d and %q", c.path, c.body, status, answer, c.status, c.says)
		}
	}
	if status, answer := post(t, url+"/mute/cam1", "", "Origin", "http://elsewhere"); status != 403 {
		t.Errorf("an order from a web page: %d %s", status, answer)
	}
	frames(t, camera.URL(), "tcp", 2, 320, 240) // it still runs
}
