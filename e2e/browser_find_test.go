package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"camgate/camsim/device"
)

// TestPageFindsAddsAndMoves is an installer who has a camera on the network, its password,
// and a browser.
func TestPageFindsAddsAndMoves(t *testing.T) {
	const name = `Page <b>"dome"</b>`
	cam := simulate(t, "Page dome", func(o *device.Options) { o.WSDiscovery, o.PTZ, o.Name = true, true, name })
	s, _ := serveConfig(t, "[discovery]\ninterfaces = [\"lo\"]\n")
	b := browse(t, 1280, 800, "http://"+s.host+"/")
	b.is("the page says that there are no cameras", `/No cameras/.test(document.getElementById('notice-title').textContent)`, patient)
	b.do(chromedp.Click(chromedp.CSS("#find")))
	item := fmt.Sprintf(`document.querySelector('[data-device="%s"]')`, cam.EndpointReference())
	b.is("the camera is listed", item, patient)
	b.is("the search is over", `document.getElementById('found').getAttribute('data-state') === 'done'`, patient)
	if !ask(b, chromedp.Evaluate[bool](item+`.textContent.indexOf('<b>') >= 0 && !`+item+`.querySelector('b')`)) {
		t.Error("the camera's name is not shown as it is")
	}
	b.keep("found")

	add := func(password string) {
		t.Helper()
		selector := fmt.Sprintf(`[data-device="%s"] `, cam.EndpointReference())
		b.do(chromedp.SendKeys(chromedp.CSS(selector+`input[name=password]`), password))
		b.do(chromedp.Click(chromedp.CSS(selector + `form button`)))
	}
	b.do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`[data-device="%s"] button`, cam.EndpointReference()))))
	b.is("it asks for the password", item+`.querySelector('input[type=password]')`, patient)
	b.do(chromedp.SendKeys(chromedp.CSS(fmt.Sprintf(`[data-device="%s"] input[name=user]`, cam.EndpointReference())), "admin"))
	add("wrong")
	b.is("it says that the password is wrong", `/password/.test(`+item+`.querySelector('.said').textContent)`, patient)
	b.keep("found-refused")
	add("pass/wörd")
	b.is("it is added", item+`.getAttribute('data-camera')`, patient)
	if !ask(b, chromedp.Evaluate[bool](`/source = "onvif:\/\/admin@127/.test(`+item+`.textContent) && !/wörd|w%C3/.test(`+item+`.textContent)`)) {
		t.Error("it does not say how the camera stays after a restart, or shows the password")
	}
	b.keep("found-added")
	b.do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`[data-device="%s"] a`, cam.EndpointReference()))))
	b.is("it is shown large, and live", `document.getElementById('view').getAttribute('data-state') === 'live'`, patient)
	b.is("it can be moved", `!document.getElementById('ptz').hidden`, patient)
	b.keep("ptz")

	hold := func(kind string) string {
		return fmt.Sprintf(`document.querySelector('[data-move=left]').dispatchEvent(new MouseEvent('%s', {bubbles: true, cancelable: true})), true`, kind)
	}
	ask(b, chromedp.Evaluate[bool](hold("mousedown")))
	eventually(t, "held, it moves to the left", patient, func() bool { p := cam.PTZ(); return p.Moving && p.Pan < 0 })
	ask(b, chromedp.Evaluate[bool](hold("mouseup")))
	eventually(t, "let go, it stops", patient, func() bool { return !cam.PTZ().Moving })
	// A key that is pressed before the answer to the last order is there makes its step after it.
	ask(b, chromedp.Evaluate[bool](hold("mousedown")))
	eventually(t, "held, it moves again", patient, func() bool { return cam.PTZ().Moving })
	ask(b, chromedp.Evaluate[bool](hold("mouseup")+`, document.querySelector('[data-move=up]').focus(), document.querySelector('[data-move=up]').click(), true`))
	eventually(t, "the keyboard makes a step", patient, func() bool { p := cam.PTZ(); return p.Tilt > 0 && !p.Moving })
	b.resize(320, 640)
	b.keep("ptz-320")
	if text := s.log.String(); strings.Contains(text, "wörd") {
		t.Error("the password stands in the log")
	}
}
