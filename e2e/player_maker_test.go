package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Pages of people who make pages: what they do with the player, and what their browsers lack.
func init() {
	pages["early.html"] = `<html lang="en"><body style="margin:0"><script>delete IntersectionObserverEntry.prototype.isIntersecting;</script>
	<script src="player.js"></script><div id="p" style="width:640px;height:360px"></div>
	<script>var player = new Camgate.Player(document.getElementById('p'), { camera: 'cam1', path: 'ws' });</script>`
}

// TestPlayerInChromium51 is a browser that tells how much of an element is seen, and not whether.
func TestPlayerInChromium51(t *testing.T) {
	t.Parallel()
	s := servePlayer(t, config(t, "cam1", camsimStart(t, small("cam1")).URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/early.html")
	b.is("it is live", playerLive, 20*time.Second)
	ask(b, chromedp.Evaluate[bool](`document.getElementById('p').style.marginTop = '5000px', true`))
	b.is("what is scrolled away rests", "player.state == 'paused'", 10*time.Second)
	ask(b, chromedp.Evaluate[bool](`document.getElementById('p').style.marginTop = '0', true`))
	b.is("it is live again", playerLive, 10*time.Second)
}
