package e2e

import (
	"testing"
	"time"
)

// TestPageTellsTheBlindWhatTilesAre reads what a screen reader does.
func TestPageTellsTheBlindWhatTilesAre(t *testing.T) {
	t.Parallel()
	cam := camsimStart(t, small("door"))
	s := serve(t, config(t, "door", cam.URL()))
	b := browse(t, 1000, 600, "http://"+s.host+"/")
	const label = "document.querySelector('#grid a').getAttribute('aria-label')"
	b.is("it is live", tilesLive, 20*time.Second)
	b.is("and called so", label+" == 'door, live'", 2*time.Second)
	if err := cam.Reboot(8 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.is("it is offline", "document.querySelector('#grid li').getAttribute('data-state') == 'offline'", 8*time.Second+slack)
	b.is("and called so", label+" == 'door, offline'", 2*time.Second)
	b.is("which is spoken", "/door: offline/.test(document.getElementById('spoken').textContent)", 3*time.Second)
}
