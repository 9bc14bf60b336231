package console

import (
	"strings"
	"testing"
)

func TestCompletions(t *testing.T) {
	g := newFake()
	for line, want := range map[string]string{
		"":                      "help cameras camera viewers",
		"cam":                   "cameras camera",
		"CAM":                   "cameras camera",
		"camera ":               "door Yard yard-2",
		"camera y":              "Yard yard-2",
		"camera door ":          "",
		"camera door":           "door",
		"camera door -":         "--json",
		"camera --json ":        "door Yard yard-2",
		"cameras ":              "",
		"cctv ":                 "discovery search list",
		"cctv p":                "proxy",
		"cctv proxy ":           "reset",
		"cctv info ":            "door",
		"cctv info door ":       "data",
		"ptz door ":             "left right up down in out stop preset",
		"ptz door p":            "preset",
		"help pr":               "probe presets",
		"help cctv proxy r":     "reset",
		"log w":                 "warn",
		"add ":                  "onvif://192.0.2.20 onvif://192.0.2.21:8000",
		"add onvif://192.0.2.2": "onvif://192.0.2.20 onvif://192.0.2.21:8000",
		"probe ":                "door Yard yard-2 onvif://192.0.2.20",
		"nothing ":              "",
		"nothing x y ":          "",
		"\x1b":                  "",
	} {
		var got []string
		for _, one := range complete(g, line).Candidates {
			got = append(got, one.Value)
			if clean(one.About) != one.About {
				t.Errorf("%q: %q would be shown", line, one.About)
			}
		}
		if all := strings.Join(got, " "); !strings.HasPrefix(all, want) || want == "" && all != "" {
			t.Errorf("%q: %q, want %q", line, all, want)
		}
	}
	if !complete(g, "snapshot door /t").Files {
		t.Error("no files are offered for a snapshot")
	}
	if c := complete(g, "snapshot door '/t"); c.Prefix != "'/t" {
		t.Errorf("%+v", c)
	}
}
