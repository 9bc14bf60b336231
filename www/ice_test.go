package www_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/robertkrimen/otto"
)

// TestPlayerLogsInAtTURNServersWithWhateverPassword: the gateway names them in Link, where
// passwords are quoted strings (RFC 9110, 5.6.4) and may have in them what is between servers.
func TestPlayerLogsInAtTURNServersWithWhateverPassword(t *testing.T) {
	text, err := os.ReadFile("player.js")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?s)\n\tfunction iceServers\(.*?\n\t\}\n`).Find(text)
	if function == nil {
		t.Fatal("the player reads no Link")
	}
	browser := otto.New()
	for link, want := range map[string]string{
		``: ``,
		`<stun:192.0.2.1:3478>; rel="ice-server"`:                           `stun:192.0.2.1:3478 - -`,
		`<page.css>; rel="stylesheet", <stuns:a.example>; rel="ice-server"`: `stuns:a.example - -`,
		`<turn:a>; rel="other"; username="u"; credential="p"`:               ``,
		`<turn:a>; rel="ice-server"; username="u"; credential="a,b;c=\"d\\e<"; credential-type="password", <turn:b?transport=udp>; rel="ice-server"; username="1:v"; credential="w=="`: "turn:a u a,b;c=\"d\\e<\nturn:b?transport=udp 1:v w==",
	} {
		if err := browser.Set("link", link); err != nil {
			t.Fatal(err)
		}
		got, err := browser.Run(string(function) + `iceServers(link).map(function (s) { return [s.urls, s.username || '-', s.credential || '-'].join(' '); }).join('\n')`)
		if err != nil || got.String() != want {
			t.Errorf("%s is read as\n%v, %v; want\n%s", link, got, err, want)
		}
	}
}
