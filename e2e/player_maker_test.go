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
	pages["template.html"] = `<html lang="en"><head><script src="player.js"></script></head><body style="margin:0">
	<template id="one"><figure><camgate-player style="width:400px;height:300px"></camgate-player></figure></template><script>
		function one(camera) {
			var all = document.importNode(document.getElementById('one').content, true);
			all.querySelector('camgate-player').setAttribute('camera', camera);
			return all;
		}
		var unused = one('cam2');
		document.body.appendChild(one('cam1'));
		var p = document.querySelector('camgate-player');
	</script>`
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

// TestElementFromATemplate gets its camera before it is in the page.
func TestElementFromATemplate(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("cam1"))
	s := servePlayer(t, config(t, "cam1", cam.URL()), config(t, "cam2", cam.URL()))
	b := browse(t, 800, 500, "http://"+s.host+"/template.html")
	b.is("it is live", "p.state == 'live'", 20*time.Second)
	b.is("it is in its place", `(function (own, picture) {
		return own.width == 400 && own.height == 300 && picture.left == own.left && picture.top == own.top && picture.width == 400 && picture.height == 300;
	})(p.getBoundingClientRect(), p.firstChild.getBoundingClientRect())`, 5*time.Second)
	b.is("what is not in the page is no player", "!unused.querySelector('camgate-player').player", time.Second)
}
