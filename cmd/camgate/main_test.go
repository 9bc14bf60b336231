package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestWrongUsageLeadsToTheRightHelp: that of the command, where it is known which is meant.
func TestWrongUsageLeadsToTheRightHelp(t *testing.T) {
	for line, want := range map[string]string{
		"serve":                        "\nTry camgate serve --help\n",
		"snapshot door":                "\nTry camgate snapshot --help\n",
		"check --config x --nonsense":  "\nTry camgate check --help\n",
		"discover --timeout something": "\nTry camgate discover --help\n",
		"nonsense":                     "\nTry camgate --help\n",
	} {
		var out, log bytes.Buffer
		if status := run(strings.Fields(line), console{out: &out, log: &log}); status != 2 || out.Len() > 0 || !strings.HasSuffix(log.String(), want) {
			t.Errorf("camgate %s ends with %d, says %q and %q", line, status, out.String(), log.String())
		}
	}
}

// TestNameWithoutConfiguration: in another folder than the configuration's, that is what is
// wrong, and not the name.
func TestNameWithoutConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, line := range []string{"diagnose door", "snapshot door -o door.jpg"} {
		var out, log bytes.Buffer
		if status := run(strings.Fields(line), console{out: &out, log: &log}); status != 1 || !strings.Contains(log.String(), "config.toml") || !strings.Contains(log.String(), "--config") {
			t.Errorf("camgate %s ends with %d, says %q and %q", line, status, out.String(), log.String())
		}
	}
}
