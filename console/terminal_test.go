package console

import (
	"testing"
)

func TestTypingACommandOnATerminal(t *testing.T) {
	c := start(t, "run", 24, 100)
	c.see("camgate 1.2.3: help lists the commands")
	c.at("camgate> ")
	c.enter("cameras")
	c.see("rtsp://192.0.2.10:554/yard-2")
	c.at("camgate> ")
	c.enter("nonsense")
	c.see(`unknown command "nonsense"`)
	c.at("camgate> ")
	c.enter("exit")
	if status := c.end(); status != 0 {
		t.Errorf("status %d", status)
	}
	c.see("the console was left")
}
