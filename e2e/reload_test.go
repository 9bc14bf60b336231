package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPlayersFollowTheConfiguration has a page show one camera by each path while that camera
// is configured anew, is called something else, and is there again. The other camera is what
// the gateway goes on with.
func TestPlayersFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	one, other := camsimStart(t, small("cam1")), camsimStart(t, small("cam2"))
	www := pagesFolder(t)
	text := func(name, more string) string {
		return fmt.Sprintf("[http]\nlisten = \"127.0.0.1:0\"\nwww = %q\n[[camera]]\nname = \"cam2\"\nsource = %q\n[[camera]]\nname = %q\nsource = %q\n%s",
			www, other.URL(), name, one.URL(), more)
	}
	file := write(t, "config.toml", text("cam1", ""))
	p, s := serveProgram(t, file)
	reload := func(text, said string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before := strings.Count(p.err.String(), said)
		p.signal(syscall.SIGHUP)
		eventually(t, "the configuration is read again: "+said, patient, func() bool { return strings.Count(p.err.String(), said) > before })
	}
	b := watchEveryPath(t, s.host, everyPath)
	b.allShow("each path shows the camera", patient)
	reload(text("cam1", "threads = 2\n"), "0 cameras new, 1 changed, 0 removed")
	b.allShow("each path shows it as it is configured now", backAgain+slack)
	ask(b, chromedp.Evaluate[bool](`said = {}, Object.keys(players).forEach(function (path) {
		players[path].element.addEventListener('camgate-state', function (e) { said[path] = said[path] || /no camera/.test(e.detail.error); });
	}), true`))
	reload(text("renamed", "threads = 2\n"), "1 camera new, 0 changed, 1 removed")
	b.noneLooksLive(backAgain + slack)
	b.is("those that can know have said why", "said.ws && said.mjpeg && said.snapshot", 2*backAgain+slack) // WebRTC alone is refused
	reload(text("cam1", "threads = 2\n"), "1 camera new, 0 changed, 1 removed")
	b.allShow("each path shows it again", 2*backAgain+slack)
}
