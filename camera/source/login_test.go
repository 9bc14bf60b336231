package source

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

func TestOddPasswordsLogIn(t *testing.T) {
	methods := map[string]auth.VerifyMethod{
		"Basic": auth.VerifyMethodBasic, "Digest MD5": auth.VerifyMethodDigestMD5, "Digest SHA-256": auth.VerifyMethodDigestSHA256,
	}
	for name, method := range methods {
		for _, password := range []string{"secret", "p@ss", "a:b", "a/b", "100%", "a#b?c", "two words", "ünï", `@:/%#?&=+"'`, ""} {
			for _, written := range []string{password, url.PathEscape(password)} {
				t.Run(fmt.Sprintf("%s %q", name, written), func(t *testing.T) {
					cam := (&camera{user: "us@r", password: password, auth: []auth.VerifyMethod{method}}).start(t, h264Track())
					w := watch(t, cam.address("us%40r:"+written+"@"), Options{Transport: "tcp"})
					w.info()
					cam.mu.Lock()
					defer cam.mu.Unlock()
					for _, r := range cam.requests {
						if r.URL != nil && r.URL.User != nil {
							t.Errorf("%s shows the user in its request line: %v", r.Method, r.URL)
						}
					}
				})
			}
		}
	}
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	for _, method := range []auth.VerifyMethod{auth.VerifyMethodBasic, auth.VerifyMethodDigestMD5} {
		cam := (&camera{user: "u", password: "right", auth: []auth.VerifyMethod{method}, udp: true}).start(t, h264Track())
		for _, transport := range []string{"auto", "tcp"} {
			cam.mu.Lock()
			cam.requests = nil
			cam.mu.Unlock()
			err := watch(t, cam.address("u:canary@"), Options{Transport: transport}).err()
			if !errors.Is(err, ErrUnauthorized) {
				t.Errorf("the error is no ErrUnauthorized: %v", err)
			}
			says(t, err, `camera "door": 127.0.0.1:`, "(401", "check user and password", "password_file")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error holds the password: %v", err)
			}
			with := 0
			cam.mu.Lock()
			for _, r := range cam.requests {
				if r.Header["Authorization"] != nil {
					with++
				}
			}
			cam.mu.Unlock()
			if with != 1 {
				t.Errorf("over %s: the password was sent %d times", transport, with)
			}
		}
	}
}

func TestPasswordThatIsMissing(t *testing.T) {
	cam := (&camera{user: "u", password: "right"}).start(t, h264Track())
	err := watch(t, cam.address(""), Options{}).err()
	if !errors.Is(err, ErrUnauthorized) {
		t.Errorf("the error is no ErrUnauthorized: %v", err)
	}
	says(t, err, "names no user", "rtsp://user:password@")
}

func TestCameraThatSendsThePasswordBack(t *testing.T) {
	const password = "can/ary@7%ü"
	for _, echo := range []string{
		password, url.PathEscape(password), url.QueryEscape(password), url.UserPassword("", password).String(),
		base64.StdEncoding.EncodeToString([]byte("u:" + password)), base64.StdEncoding.EncodeToString([]byte(password)),
	} {
		for _, answer := range []string{
			"RTSP/1.0 403 Not with %s\r\nCSeq: 2\r\n\r\n",
			"RTSP/1.0 599 %s\r\nCSeq: 2\r\n\r\n",
			"RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: a;%s=\r\nContent-Type: %[1]s\r\n\r\n",
			"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Base: %s\r\nContent-Length: 5\r\n\r\nv=%[1]s",
			"RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: rtsp://[%s\r\n\r\n",
		} {
			a := script(t, okay(1), fmt.Sprintf(answer, echo)).at("u:" + url.PathEscape(password) + "@")
			err := watch(t, a, Options{}).err()
			says(t, err, `camera "door": 127.0.0.1:`)
			if strings.Contains(err.Error(), "ary") || strings.Contains(err.Error(), echo) {
				t.Errorf("the error holds the password: %v", err)
			}
		}
	}
}

func TestStreamThatIsNotThere(t *testing.T) {
	cam := (&camera{}).start(t, h264Track())
	a, err := ParseAddress(fmt.Sprintf("rtsp://127.0.0.1:%d/other?pwd=canary", cam.port))
	if err != nil {
		t.Fatal(err)
	}
	err = watch(t, a, Options{}).err()
	says(t, err, "no stream /other?pwd=***", "(404", "check the path")
	if errors.Is(err, ErrUnauthorized) || cam.count(base.Setup) != 0 {
		t.Errorf("got %v", err)
	}
}

func TestCameraWithoutVideo(t *testing.T) {
	cam := (&camera{}).start(t)
	err := watch(t, cam.address(""), Options{}).err()
	if !errors.Is(err, ErrNoVideo) {
		t.Errorf("the error is no ErrNoVideo: %v", err)
	}
	says(t, err, `camera "door"`, "it offers G711", "H.264")
}

// TestReadablePasswordStaysHere: where the camera may be somebody else, Basic is refused,
// and Digest taken where it is offered too.
func TestReadablePasswordStaysHere(t *testing.T) {
	for name, c := range map[string]struct {
		offers []auth.VerifyMethod
		plays  bool
	}{
		"Basic":            {[]auth.VerifyMethod{auth.VerifyMethodBasic}, false},
		"Digest":           {[]auth.VerifyMethod{auth.VerifyMethodDigestMD5}, true},
		"Basic and Digest": {[]auth.VerifyMethod{auth.VerifyMethodBasic, auth.VerifyMethodDigestMD5}, true},
	} {
		t.Run(name, func(t *testing.T) {
			cam := (&camera{user: "u", password: "canary", auth: c.offers}).start(t, h264Track())
			w := watch(t, cam.address("u:canary@"), Options{Transport: "tcp", DigestOnly: true})
			if c.plays {
				w.info()
			} else if err := w.err(); !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "Basic alone") {
				t.Errorf("the error is %v", err)
			}
			cam.mu.Lock()
			defer cam.mu.Unlock()
			for _, r := range cam.requests {
				if a := r.Header["Authorization"]; len(a) > 0 && strings.HasPrefix(a[0], "Basic") {
					t.Errorf("%s carries %s", r.Method, a[0])
				}
			}
		})
	}
}
